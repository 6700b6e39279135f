//! Some seconds of an original: a file that holds its head, its index and the chunks of those seconds,
//! proven against what was logged when it came in, and playing where it discloses.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

use recvault::{
    base::RecordingId,
    custody::request::{Form, Seconds},
    store::{AccessWish, RecordingWish, Store},
};
use serde_json::Value;

use crate::{
    access::follow_instructions,
    case::Case,
    excerpt::{ask, ffmpeg},
    handover::{approve_by_hand, export, package},
};

/// Bytes of a chunk.
const CHUNK: usize = 256 * 1024;

/// Twelve seconds with picture and sound, a key frame every second, some twelve chunks.
fn film(file: &Path, codecs: &[&str]) {
    let picture = "testsrc2=size=640x360:rate=25:duration=12,noise=alls=12:allf=t";
    let sound = "sine=frequency=440:sample_rate=48000:duration=12";
    let common = ["-pix_fmt", "yuv420p", "-g", "25", "-b:v", "2500k"];
    let args = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound];
    let _ = ffmpeg(&[&args[..], &common, codecs].concat(), Some(file));
}

const H264: [&str; 8] = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "2",
    "-c:a",
    "aac",
];

/// One film of each container, of another codec where that is usual in it.
fn films(dir: &Path) -> Vec<std::path::PathBuf> {
    fs::create_dir_all(dir).unwrap();
    let first = dir.join("a.mp4");
    film(&first, &H264);
    let mut all = vec![first.clone()];
    for (name, more) in [
        ("b.mov", &[][..]),
        ("c.mkv", &[]),
        ("d.ts", &[]),
        ("e.mp4", &["-movflags", "+faststart"]),
        ("i.mkv", &["-cues_to_front", "1"]),
    ] {
        let other = dir.join(name);
        let copy = ["-i", first.to_str().unwrap(), "-c", "copy"];
        let _ = ffmpeg(&[&copy, more].concat(), Some(&other));
        all.push(other);
    }
    let avi = dir.join("f.avi");
    film(&avi, &["-c:v", "mpeg4", "-bf", "2", "-c:a", "mp3"]);
    all.push(avi);
    let mpeg2 = dir.join("g.ts");
    // Of which a piece of sound lasts for seconds.
    let long = ["-pes_payload_size", "60000"];
    let codecs = ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"];
    film(&mpeg2, &[&codecs[..], &long].concat());
    all.push(mpeg2);
    // Of which a picture takes more than a chunk.
    let large = dir.join("h.ts");
    let picture = "testsrc2=size=1920x1080:rate=10:duration=12,noise=alls=30:allf=t";
    let args = [
        "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p", "-g", "20",
    ];
    let x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "9M"];
    let even = ["-maxrate", "9M", "-bufsize", "5M"];
    let _ = ffmpeg(&[&args[..], &x264, &even].concat(), Some(&large));
    all.push(large);
    all
}

/// Of each packet the second in which it is presented, and where in the file it begins and ends.
fn packets(file: &Path) -> Vec<(u32, u64, u64)> {
    let done = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv"])
        .arg("-show_entries")
        .arg("packet=pts_time,size,pos:format=start_time")
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let of = |kind: &'static str| text.lines().filter_map(move |l| l.strip_prefix(kind));
    let start: f64 = of("format,").next().unwrap().parse().unwrap();
    let mut out = Vec::new();
    for line in of("packet,") {
        let fields: Vec<&str> = line.split(',').collect();
        let (Ok(at), Ok(pos)) = (fields[0].parse::<f64>(), fields[2].parse::<u64>()) else {
            continue;
        };
        let end = pos + fields[1].parse::<u64>().unwrap();
        out.push(((at - start).max(0.0) as u32, pos, end));
    }
    // In a transport stream it ends where the next begins: there is more around it than its size.
    if file.extension().is_some_and(|e| e == "ts") {
        let mut places: Vec<u64> = out.iter().map(|p| p.1).collect();
        places.sort_unstable();
        let behind = |at: u64| places.iter().copied().find(|p| *p > at).unwrap_or(u64::MAX);
        out.iter_mut().for_each(|p| p.2 = behind(p.1));
    }
    out
}

/// Stretches of numbers, as proofs and requests have them behind a word.
fn stretches(text: &str, word: &str) -> Vec<(u64, u64)> {
    let behind = text.split_once(word).unwrap().1;
    let all = behind.split_whitespace().next().unwrap().split(',');
    all.map(|stretch| {
        let (from, to) = stretch.split_once('-').unwrap();
        (from.parse().unwrap(), to.parse().unwrap())
    })
    .collect()
}

/// Digests of the pictures that a player shows over these seconds.
fn shown(file: &Path, from: u32, to: u32) -> Vec<String> {
    let (from, length) = (from.to_string(), (to - from).to_string());
    let (seek, file_name) = (["-ss", &from, "-t", &length], file.to_str().unwrap());
    // In a transport stream ffmpeg guesses by bytes and may begin late: there it decodes to the place.
    let args = match file_name.ends_with(".ts") {
        true => [&["-i", file_name][..], &seek].concat(),
        false => [&seek[..], &["-i", file_name]].concat(),
    };
    let digests = ["-map", "0:v", "-f", "framemd5", "-"];
    let out = ffmpeg(&[&args[..], &digests].concat(), None);
    let out = String::from_utf8(out).unwrap();
    let lines = out.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|l| l.rsplit(',').next().unwrap().to_owned())
        .collect()
}

/// Approves an excerpt of an original and exports it; gives back what the request says of it.
fn excerpt(case: &Case, id: &str, from: u32, until: u32, to: &Path) -> Value {
    let part = [from.to_string(), until.to_string()];
    let part = ["--form", "original", "--from", &part[0], "--to", &part[1]];
    let asked = ask(case, id, &part).code(0).json();
    let access = &asked["with"]["accesses"][0];
    let request = access["digest"].as_str().unwrap();
    let _ = approve_by_hand(case, request, 1)
        .code(0)
        .says(&format!("seconds {from}-{until} discloses "));
    fs::create_dir_all(to).unwrap();
    let _ = export(case, request, to).code(0);
    access["request"].clone()
}

/// The excerpt in a package.
fn found(package: &Path, id: &str) -> std::path::PathBuf {
    let mut files = fs::read_dir(package.join("data")).unwrap();
    let begins = format!("{id}.excerpt.");
    let file = files.find_map(|f| {
        let f = f.unwrap();
        f.file_name()
            .to_str()
            .unwrap()
            .starts_with(&begins)
            .then(|| f.path())
    });
    file.unwrap()
}

/// `verify.py excerpt` of the package: whether it accepts, and what it says.
fn judged(package: &Path, file: &Path, proof: &Path, event: &Path) -> (bool, String) {
    let done = Command::new("python3")
        .arg(package.join("proof/verify.py"))
        .arg("excerpt")
        .args([file, proof, event])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.stderr.is_empty(), "{done:?}");
    (done.status.success(), said)
}

/// Goal: in every container a player shows over the seconds what it shows of the original, out of a
/// part of the file; a stranger proves each byte of it, and the request told what else it discloses.
#[test]
fn an_excerpt_of_an_original_plays_and_is_proven_in_every_container() {
    let case = Case::with_approvers().unarchived();
    let films = films(&case.beside("made"));
    for film in &films {
        let name = film.file_name().unwrap();
        fs::copy(film, case.store().join("inbox").join(name)).unwrap();
    }
    let _ = case.batch();
    for recording in case.list() {
        let id = recording["id"].as_str().unwrap();
        let name = recording["name"].as_str().unwrap();
        let film = films.iter().find(|f| f.ends_with(name)).unwrap();
        let more = ["a.mp4", "g.ts", "h.ts"].contains(&name);
        for (from, until) in [(5, 7), (0, 1), (10, 12)]
            .into_iter()
            .take(1 + 2 * usize::from(more))
        {
            let what = format!("{name} {from}-{until}");
            let to = case.beside(&format!("out {what}"));
            let request = excerpt(&case, id, from, until, &to);
            let package = package(&to);
            let file = found(&package, id);
            let (whole, part) = (shown(film, from, until), shown(&file, from, until));
            assert!(whole.len() >= 10, "{what}: {whole:?}");
            assert_eq!(part, whole, "{what}");
            let _ = case
                .command(&["verify", package.to_str().unwrap()])
                .code(0)
                .says(" bytes of recording ");
            // Nothing but chunks of the original, each in its place, and not nearly all of them.
            let (original, part) = (fs::read(film).unwrap(), fs::read(&file).unwrap());
            assert_eq!(part.len(), original.len());
            let chunks = original.chunks(CHUNK).zip(part.chunks(CHUNK));
            let disclosed = chunks.filter(|(a, b)| a == b).count();
            let all = original.len().div_ceil(CHUNK);
            assert!(
                all >= 10 && disclosed <= all / 2 + 1,
                "{what}: {disclosed} of {all}"
            );
            if !name.ends_with("ts") {
                let taken = fs::metadata(&file).unwrap().blocks() * 512;
                assert!(
                    taken < (original.len() - CHUNK) as u64,
                    "{what} takes {taken}"
                );
            }
            // Every packet that lies in it as a whole is of a second that the request told.
            let told = stretches(request.as_str().unwrap(), " discloses ");
            let proof = fs::read_to_string(package.join(format!("proof/{id}.chunks"))).unwrap();
            let chunks = stretches(&proof, "\nchunks ");
            let within =
                |all: &[(u64, u64)], from, to| all.iter().any(|s| s.0 <= from && to <= s.1);
            let mut whole = 0;
            for (second, from, to) in packets(film) {
                let (first, last) = (from / CHUNK as u64, to.saturating_sub(1) / CHUNK as u64 + 1);
                if within(&chunks, first, last) {
                    let second = u64::from(second);
                    assert!(
                        within(&told, second, second + 1),
                        "{what}: {second} of {told:?}"
                    );
                    whole += 1;
                }
            }
            assert!(whole >= 10, "{what}: {whole}");
            let all: u64 = told.iter().map(|(from, to)| to - from).sum();
            assert!(all <= 10 || name == "g.ts", "{what}: {told:?}");
            if from == 5 {
                follow_instructions(&package).unwrap();
                let page = fs::read_to_string(package.join("index.html")).unwrap();
                assert!(page.contains("its excerpt discloses seconds"), "{page}");
            }
        }
    }
}

/// A store with one film, its excerpt handed over.
fn handed_over() -> (Case, String, std::path::PathBuf) {
    let case = Case::with_approvers().unarchived();
    let film_file = case.store().join("inbox/a.mp4");
    film(&film_file, &H264);
    let _ = case.batch();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let to = case.beside("out");
    let _ = excerpt(&case, &id, 5, 7, &to);
    let package = package(&to);
    (case, id, package)
}

/// Goal: an excerpt of another recording, and chunks that were moved, swapped or altered, are told by
/// the script alone; so is anything that stands where nothing is disclosed.
#[test]
fn what_is_no_excerpt_of_the_original_is_told() {
    let (case, id, package) = handed_over();
    let (file, proof) = (
        found(&package, &id),
        package.join(format!("proof/{id}.chunks")),
    );
    let event = package.join(format!("proof/{id}.event"));
    let (accepted, said) = judged(&package, &file, &proof, &event);
    assert!(accepted && said.contains("VERIFIED: "), "{said}");
    let good = fs::read(&file).unwrap();
    let text = fs::read_to_string(&proof).unwrap();
    let chunks = text
        .lines()
        .nth(3)
        .unwrap()
        .strip_prefix("chunks ")
        .unwrap();
    let stretch = |text: &str| -> (usize, usize) {
        let (from, to) = text.split_once('-').unwrap();
        (from.parse().unwrap(), to.parse().unwrap())
    };
    let stretches: Vec<_> = chunks.split(',').map(stretch).collect();
    let (from, to) = *stretches
        .iter()
        .find(|(from, to)| *from > 1 && to - from > 1)
        .unwrap();
    let at = |n: usize| n * CHUNK..(n + 1) * CHUNK;
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let changes: [(&str, Change<'_>); 6] = [
        ("a bit", &|b| b[from * CHUNK + 77] ^= 1),
        ("two chunks swapped", &|b| {
            let first = b[at(from)].to_vec();
            b.copy_within(at(from + 1), from * CHUNK);
            b[at(from + 1)].copy_from_slice(&first);
        }),
        ("a chunk moved to where nothing is disclosed", &|b| {
            b.copy_within(at(from), (to) * CHUNK);
        }),
        ("a chunk taken out", &|b| b[at(from)].fill(0)),
        ("a byte where nothing is disclosed", &|b| {
            b[(to + 1) * CHUNK - 1] = 1
        }),
        ("cut short", &|b| b.truncate(good.len() - 1)),
    ];
    let other = case.beside("other");
    for (what, change) in changes {
        let mut bytes = good.clone();
        change(&mut bytes);
        fs::write(&other, &bytes).unwrap();
        let (accepted, said) = judged(&package, &other, &proof, &event);
        assert!(
            !accepted && said.contains("NOT VERIFIED: "),
            "{what}: {said}"
        );
    }
    // The proof changed with it: chunks said to lie elsewhere, fewer, more, other hashes.
    let another = case.beside("another.chunks");
    let moved = chunks.replace(&format!("{from}-{to}"), &format!("{}-{}", from + 1, to + 1));
    let hash = text.lines().nth(4).unwrap();
    for changed in [
        text.replace(chunks, &moved),
        text.replace(&format!("{hash}\n"), ""),
        format!("{text}{hash}\n"),
        text.replace(hash, &hash.chars().rev().collect::<String>()),
        text.replace("filler zero", "filler null-packets"),
        text.replace("v1", "v2"),
        // Texts that one reader takes for the same, and another for something else.
        text.replace(chunks, &format!("0{chunks}")),
        text.replace(chunks, &format!("{chunks}-2")),
        text.replace(chunks, &format!("{chunks},")),
        text.replace(chunks, &format!("0-0,{chunks}")),
        text.replace(chunks, "0-99999999999"),
        String::new(),
    ] {
        assert_ne!(changed, text);
        fs::write(&another, &changed).unwrap();
        let (accepted, said) = judged(&package, &file, &another, &event);
        assert!(!accepted, "{said}\n{changed}");
    }
    // Another recording's event, and an event of another kind.
    let admitted = fs::read_to_string(&event).unwrap();
    let line: Value = serde_json::from_str(&admitted).unwrap();
    let root = line["body"]["chunk_root"].as_str().unwrap();
    let digest = line["body"]["digest"].as_str().unwrap();
    let strange = case.beside("strange.event");
    let size = format!("\"bytes\":{}", good.len());
    let larger = format!("\"bytes\":{}", good.len() + 1);
    for changed in [
        admitted.replace(root, digest),
        admitted.replace(&size, &larger),
        admitted.replace("\"body\":{", "\"body\":{},\"body\":{"),
        admitted.replace("recording.admitted", "recording.sighted"),
    ] {
        assert_ne!(changed, admitted);
        fs::write(&strange, changed).unwrap();
        assert!(!judged(&package, &file, &proof, &strange).0);
    }
    let asked = package.join("proof/request.event");
    assert!(!judged(&package, &file, &proof, &asked).0);
}

/// Goal: where chunks hold what no demuxer looks at, or a head more than an index, nobody says that it
/// shows little.
#[test]
fn what_nobody_can_tell_counts_as_all_of_it() {
    let case = Case::with_approvers().unarchived();
    let clip = case.beside("a.mp4");
    film(&clip, &H264);
    let plain = fs::read(&clip).unwrap();
    // A box that readers pass over, which some recorders keep notes of their own in; and one that is
    // read with the head, and large.
    for (name, kind, length) in [("a.mp4", b"free", 4_000), ("b.mp4", b"gps ", 400_000)] {
        let mut bytes = plain.clone();
        bytes.extend_from_slice(&(8_u32 + length).to_be_bytes());
        bytes.extend_from_slice(kind);
        bytes.extend(std::iter::repeat_n(b'N', length as usize));
        fs::write(case.store().join("inbox").join(name), bytes).unwrap();
    }
    let _ = case.batch();
    let all = case.list();
    assert_eq!(all.len(), 2);
    for recording in all {
        let part = ["--form", "original", "--from", "5", "--to", "7"];
        let _ = ask(&case, recording["id"].as_str().unwrap(), &part)
            .code(0)
            .says("seconds 5-7 discloses 0-12");
    }
}

/// Goal: where a transport stream lost packets or changes its tables, its demuxer's times are not
/// believed: the request says that all may be disclosed, and what was asked for is in it all the same.
#[test]
fn a_stream_that_is_not_whole_discloses_all_and_plays() {
    let case = Case::with_approvers().unarchived();
    let dir = case.beside("made");
    fs::create_dir(&dir).unwrap();
    let (whole, other) = (dir.join("a.ts"), dir.join("other.ts"));
    let long = [&H264[..], &["-g", "100", "-keyint_min", "100"]].concat();
    film(&whole, &long);
    // The same to the packet, but for its table.
    let tables = ["-tables_version", "1", "-metadata:s:a", "language=fra"];
    let copy = ["-i", whole.to_str().unwrap(), "-c", "copy"];
    let plain = dir.join("plain.ts");
    let _ = ffmpeg(&copy, Some(&plain));
    let _ = ffmpeg(&[&copy[..], &tables].concat(), Some(&other));
    let (plain, other) = (fs::read(plain).unwrap(), fs::read(other).unwrap());
    assert_eq!(plain.len(), other.len());
    let behind = |part: usize| plain.len() / 188 * part / 12 * 188;
    let (first, changed) = (&plain[..behind(6)], &other[behind(6)..]);
    let (before, after) = (&plain[..behind(9)], &plain[behind(9) + 5 * 188..]);
    for (name, bytes, discloses) in [
        ("b.ts", [first, changed].concat(), "0-12"),
        ("c.ts", [before, after].concat(), "0-12"),
        ("d.ts", plain.clone(), "0-8"),
    ] {
        let film = dir.join(name);
        fs::write(&film, bytes).unwrap();
        fs::copy(&film, case.store().join("inbox").join(name)).unwrap();
        let _ = case.batch();
        let all = case.list();
        let recording = all.iter().find(|r| r["name"] == name).unwrap();
        let id = recording["id"].as_str().unwrap();
        let to = case.beside(&format!("out {name}"));
        let request = excerpt(&case, id, 5, 7, &to);
        let request = request.as_str().unwrap();
        assert!(
            request.contains(&format!("seconds 5-7 discloses {discloses}")),
            "{name}: {request}"
        );
        let file = found(&package(&to), id);
        assert_eq!(shown(&file, 5, 7), shown(&film, 5, 7), "{name}");
    }
}

/// Goal: no more is handed over than was approved, and what cannot be cut is said at once.
#[test]
fn more_than_was_approved_is_not_disclosed() {
    let case = Case::with_approvers().fleet(2);
    film(&case.store().join("inbox/a.mp4"), &H264);
    let _ = ffmpeg(
        &["-f", "lavfi", "-i", "sine=duration=4"],
        Some(&case.store().join("inbox/b.wav")),
    );
    let _ = case.batch();
    let all = case.list();
    let id = |ending: &str| {
        let named = |r: &&Value| r["name"].as_str().unwrap().ends_with(ending);
        all.iter().find(named).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let part = ["--form", "original", "--from", "1", "--to", "2"];
    let _ = ask(&case, &id("b.wav"), &part)
        .code(3)
        .says("(WAV) no part of the original can be cut out")
        .says("ask for a copy of these seconds");
    let beyond = ["--form", "original", "--from", "9", "--to", "99"];
    let _ = ask(&case, &id("a.mp4"), &beyond)
        .code(3)
        .says("has no seconds 9-99");
    // A request that told less than the excerpt discloses: the head's neighbours are not in it.
    let film_id: RecordingId = id("a.mp4").parse().unwrap();
    let seconds = Seconds { from: 5, to: 7 };
    let request = {
        let store = Store::open(
            &case.store(),
            std::sync::Arc::new(recvault::base::SystemClock),
        );
        let wish = AccessWish {
            recordings: vec![RecordingWish {
                seconds: Some(seconds),
                discloses: vec![seconds],
                ..RecordingWish::whole(film_id)
            }],
            form: Form::Original,
            purpose: "case".into(),
            recipient: "court".into(),
            days: 7,
            uses: 1,
        };
        store
            .unwrap()
            .request_access(4_000, wish)
            .unwrap()
            .digest
            .to_string()
    };
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let to = case.beside("out");
    fs::create_dir(&to).unwrap();
    let _ = export(&case, &request, &to)
        .code(3)
        .says("would disclose other seconds than those that were approved")
        .says("ask for these seconds again");
    assert_eq!(fs::read_dir(&to).unwrap().count(), 0);
}
