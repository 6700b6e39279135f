//! Recordings that a recorder did not come to end: what was on the disk of them comes back.

use std::{fs, path::Path, process::Command};

use crate::{
    case::{Case, real_media},
    excerpt::{copy_of, ffmpeg},
    fidelity::{Shown, far},
};

/// A recording that is cut.
struct Whole {
    name: String,
    bytes: Vec<u8>,
    packets: Vec<Packet>,
    sounds: Vec<Packet>,
    /// Another of the same recorder, taken in whole.
    beside: Option<Vec<u8>>,
    /// How it is read when it was cut anywhere.
    method: &'static str,
}

/// A picture as it stands in the file.
#[derive(Clone, Copy)]
struct Packet {
    pts: f64,
    lasts: f64,
    end: u64,
}

const WIDTH: usize = 256;
const HEIGHT: usize = 192;
const SECONDS: u32 = 4;
const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25";
const X265: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p -g 25";

/// The packets of a track of a file, by another reader.
fn packets(path: &Path, track: &str) -> Vec<Packet> {
    let said = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", track, "-of", "csv=p=0"])
        .args([
            "-show_entries",
            "packet=pts_time,dts_time,duration_time,size,pos",
        ])
        .arg(path)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    // A transport stream has four bytes more in each packet of 188, and the head of a PES.
    let wrapped = path.extension().unwrap() == "ts";
    let packet = |line: &str| {
        let mut all = line.split(',');
        let (pts, dts) = (all.next()?.parse(), all.next()?.parse());
        // An AVI tells the order of decoding alone.
        let pts = pts.or(dts).ok()?;
        let lasts = all
            .next()?
            .parse()
            .ok()
            .filter(|s| *s > 0.0)
            .unwrap_or(0.04);
        let size: u64 = all.next()?.parse().ok()?;
        let pos: u64 = all.next()?.parse().ok()?;
        let more = if wrapped { size / 184 * 4 + 3 * 188 } else { 0 };
        Some(Packet {
            pts,
            lasts,
            end: pos + size + more,
        })
    };
    said.lines().filter_map(packet).collect()
}

impl Whole {
    fn of(path: &Path, beside: Option<&Path>, method: &'static str) -> Self {
        let read = |path: &Path| fs::read(path).unwrap();
        let packets_of = packets(path, "v:0");
        assert!(packets_of.len() > 20, "{}", path.display());
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            bytes: read(path),
            packets: packets_of,
            sounds: packets(path, "a:0"),
            beside: beside.map(read),
            method,
        }
    }

    fn extension(&self) -> &str {
        self.name.rsplit('.').next().unwrap()
    }

    /// The pictures that are whole before a place, in the order of showing.
    fn before(&self, at: u64) -> Vec<Packet> {
        let mut all = self.packets.clone();
        all.retain(|p| p.end <= at);
        all.sort_by(|a, b| a.pts.total_cmp(&b.pts));
        all
    }
}

/// Makes one, and one beside it that is shorter.
fn made(dir: &Path, name: &str, how: &str, beside: bool, method: &'static str) -> Whole {
    let how = how.replace("X264", X264).replace("X265", X265);
    let make = |path: &Path, seconds: u32| {
        let pictures = format!("testsrc2=s={WIDTH}x{HEIGHT}:r=25:d={seconds}");
        let sound = format!("sine=440:r=48000:d={seconds}");
        let inputs = ["-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i", &sound];
        let args: Vec<&str> = inputs.into_iter().chain(how.split(' ')).collect();
        let _ = ffmpeg(&args, Some(path));
    };
    let (whole, other) = (dir.join(name), dir.join(format!("beside-{name}")));
    make(&whole, SECONDS);
    if beside {
        make(&other, 1);
    }
    Whole::of(&whole, beside.then_some(&other), method)
}

/// Three recordings of each container.
fn made_ones(dir: &Path) -> Vec<Whole> {
    const REFERENCE: &str = "reference";
    const OWN: &str = "own_sets";
    const WITHOUT: &str = "without_index";
    [
        ("h264-b.mp4", "X264 -bf 3 -c:a aac", true, REFERENCE),
        ("h265.mp4", "X265 -tag:v hvc1 -c:a aac", true, REFERENCE),
        (
            "h264-pcm.mov",
            "X264 -slices 3 -c:a pcm_s16le",
            true,
            REFERENCE,
        ),
        ("own264.mp4", "X264 -bsf:v dump_extra -c:a aac", false, OWN),
        (
            "own265.mp4",
            "X265 -bsf:v dump_extra -tag:v hvc1 -an",
            false,
            OWN,
        ),
        (
            "own264b.3gp",
            "X264 -bf 2 -bsf:v dump_extra -an",
            false,
            OWN,
        ),
        (
            "frag.mp4",
            "X264 -c:a aac -movflags frag_keyframe+empty_moov",
            false,
            "",
        ),
        (
            "frag265.mp4",
            "X265 -c:a aac -movflags frag_keyframe+empty_moov",
            false,
            "",
        ),
        (
            "frag-each.mov",
            "X264 -c:a pcm_s16le -movflags frag_every_frame+empty_moov",
            false,
            "",
        ),
        (
            "mjpeg.avi",
            "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p -c:a pcm_s16le",
            false,
            WITHOUT,
        ),
        ("h264.avi", "X264 -bf 0 -c:a pcm_s16le", false, WITHOUT),
        (
            "mpeg4.avi",
            "-c:v mpeg4 -q:v 4 -c:a libmp3lame",
            false,
            WITHOUT,
        ),
        ("h264.ts", "X264 -c:a aac", false, ""),
        ("h265.ts", "X265 -c:a mp2", false, ""),
        ("mpeg2.ts", "-c:v mpeg2video -q:v 4 -c:a mp2", false, ""),
        ("h264.mkv", "X264 -c:a libopus", false, WITHOUT),
        ("h265.mkv", "X265 -c:a aac", false, WITHOUT),
        (
            "mjpeg.mkv",
            "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p -c:a pcm_s16le",
            false,
            WITHOUT,
        ),
    ]
    .map(|(name, how, beside, method)| made(dir, name, how, beside, method))
    .into()
}

/// A file cut at a place, as it lies in the inbox.
struct Cut<'a> {
    whole: &'a Whole,
    at: u64,
    name: String,
}

/// Cuts them, each at these parts of its length, and puts them before a case with those beside them.
fn cut<'a>(case: &Case, all: &'a [Whole], parts: &[f64]) -> Vec<Cut<'a>> {
    let inbox = case.store().join("inbox");
    let mut cuts = Vec::new();
    for (device, whole) in all.iter().enumerate() {
        let name = |number: usize| {
            let (minute, ext) = (number % 60, whole.extension());
            format!("BWC-{device:04}_1003_20260301_08{minute:02}00_{number:04}.{ext}")
        };
        if let Some(beside) = &whole.beside {
            fs::write(inbox.join(name(1)), beside).unwrap();
        }
        for (n, part) in parts.iter().enumerate() {
            // Anywhere in a box, a packet, a picture.
            let at = (whole.bytes.len() as f64 * part) as usize + n * 7;
            let name = name(n + 2);
            fs::write(inbox.join(&name), &whole.bytes[..at]).unwrap();
            cuts.push(Cut {
                whole,
                at: at as u64,
                name,
            });
        }
    }
    cuts
}

/// Goal: whatever the container and wherever it was cut, the pictures come back whose samples were on
/// the disk, each as it was and when it was; the original stays as it is, and what was made is labelled.
#[test]
fn what_was_on_the_disk_of_a_cut_recording_comes_back() {
    let case =
        Case::new().configure("[inbox]\nsettle_s = 0\n[archive]\nprofile = \"preserve-ffv1\"\n");
    let dir = case.beside("made");
    fs::create_dir(&dir).unwrap();
    let all = made_ones(&dir);
    let cuts = cut(&case, &all, &[0.34, 0.62, 0.9]);
    let _ = case
        .batch()
        .code(1)
        .says("Its recorder did not come to end it.");
    let listed = case.list();
    let mut faults = Vec::new();
    for cut in &cuts {
        let recording = listed.iter().find(|r| r["name"] == *cut.name).unwrap();
        let bytes = fs::read(case.original(recording)).unwrap();
        assert!(bytes == cut.whole.bytes[..cut.at as usize]);
        let why = match case.renditions(recording).first() {
            Some(rendition) => wrong(cut, &dir, rendition, &recording["media"]["salvage"]),
            None => Some("no rendition".into()),
        };
        if let Some(why) = why {
            let findings = &recording["findings"];
            faults.push(format!(
                "{} at {}: {why}: {findings}",
                cut.whole.name, cut.at
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong with what was made of a cut recording.
fn wrong(cut: &Cut<'_>, dir: &Path, rendition: &Path, label: &serde_json::Value) -> Option<String> {
    let whole = cut.whole;
    if !whole.method.is_empty() && label["method"] != whole.method {
        return Some(format!("labelled {label}"));
    }
    let tags = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format_tags",
            "-of",
            "csv=p=0",
        ])
        .arg(rendition)
        .output()
        .unwrap();
    if !String::from_utf8_lossy(&tags.stdout).contains("/salvaged") {
        return Some(format!("its tags do not say so: {tags:?}"));
    }
    let theirs = Shown::of(&dir.join(&whole.name), (WIDTH, HEIGHT), HEIGHT);
    let ours = Shown::of(rendition, (WIDTH, HEIGHT), HEIGHT);
    let before = whole.before(cut.at);
    let begin = whole.packets.iter().map(|p| p.pts).min_by(f64::total_cmp)?;
    let nearest = |packet: &Packet| {
        let at_ms = (packet.pts - begin) * 1_000.0;
        let apart = |n: &usize| (theirs.at_ms[*n] - at_ms).abs();
        (0..theirs.at_ms.len()).min_by(|a, b| apart(a).total_cmp(&apart(b)))
    };
    let pictures: Vec<usize> = before.iter().filter_map(nearest).collect();
    let least = (pictures.len() as f64 * 0.95).floor() as usize;
    if ours.pictures.len() < least || pictures.len() < 20 {
        return Some(format!(
            "{} pictures of {}",
            ours.pictures.len(),
            pictures.len()
        ));
    }
    if let Some(why) = wrong_sound(cut, rendition) {
        return Some(why);
    }
    // Of the last ones some may be missing that others are made of.
    for (n, of) in pictures.iter().enumerate().take(least.saturating_sub(8)) {
        let away = far(&ours.pictures[n], &theirs.pictures[*of]);
        let late = (ours.at_ms[n] - theirs.at_ms[*of]).abs();
        if away > 1.5 || late > 1.01 {
            return Some(format!("picture {n} is {away:.2} away, and {late:.1} ms"));
        }
    }
    None
}

/// What is wrong with the sound of a rendition: a tone, as long as there is sound before the cut.
fn wrong_sound(cut: &Cut<'_>, rendition: &Path) -> Option<String> {
    if cut.whole.name.starts_with("own") {
        return None;
    }
    let to = [
        "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-",
    ];
    let bytes = ffmpeg(&[&["-i", rendition.to_str()?][..], &to].concat(), None);
    let sound: Vec<i16> = (bytes.chunks_exact(2))
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    let before = cut.whole.sounds.iter().filter(|p| p.end <= cut.at);
    // A packet of a transport stream holds several, and only the first has a place.
    let begin = cut.whole.sounds.first()?.pts;
    let seconds = before.map(|p| p.pts + p.lasts - begin).fold(0.0, f64::max);
    let there = (seconds * 48_000.0) as usize;
    let rises = |all: &[i16]| all.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
    let heard = sound.get(9_600..there.min(sound.len()).checked_sub(9_600)?)?;
    let hertz = rises(heard) as f64 * 48_000.0 / heard.len() as f64;
    let fine = sound.len() + 12_000 > there && sound.len() < there + 24_000;
    (!fine || (hertz - 440.0).abs() > 4.0)
        .then(|| format!("{} samples of {there}, {hertz:.1} Hz", sound.len()))
}

/// Goal: where nothing tells how to read it, that is said, with what would help; when a recording of
/// the same recorder comes another night, it is read then, and again after that one is gone.
#[test]
fn one_that_nothing_can_be_made_of_is_read_when_another_of_its_recorder_comes() {
    let case = Case::with_approvers()
        .configure("[inbox]\nsettle_s = 0\n[archive]\nprofile = \"preserve-ffv1\"\n");
    let dir = case.beside("made");
    fs::create_dir(&dir).unwrap();
    let whole = made(&dir, "h264.mp4", "X264 -c:a aac", true, "reference");
    let at = whole.bytes.len() * 2 / 3;
    let name = |n: u32| format!("BWC-0001_1003_20260301_08{n:02}00_{n:04}.mp4");
    let case = case.file(&name(1), &whole.bytes[..at]);
    let _ = case.batch().code(1).says("no parameter sets stand in");
    let record = |case: &Case| {
        let all = case.list();
        all.into_iter().find(|r| r["name"] == name(1)).unwrap()
    };
    assert_eq!(record(&case)["state"], "kept");
    // A night without another of this recorder changes nothing, whatever another recorder's would tell.
    let stranger = "BWC-0002_1003_20260301_080100_0001.mp4";
    let theirs = made(&dir, "theirs.mp4", "X264 -refs 2 -c:a aac", false, "");
    let case = case.file(stranger, &theirs.bytes);
    let events = case.events().len();
    let _ = case.batch().code(0);
    assert_eq!(record(&case)["state"], "kept");
    assert!(case.events().len() <= events + 7, "{:?}", case.events());
    let case = case.file(&name(2), whole.beside.as_ref().unwrap());
    let _ = case.batch().code(1);
    let now = record(&case);
    assert_eq!(now["state"], "archived", "{now}");
    let found = now["findings"].as_array().unwrap().iter();
    let found: Vec<&str> = found.map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(found, ["container.unended"]);
    let label = &now["media"]["salvage"];
    let other = case
        .list()
        .into_iter()
        .find(|r| r["name"] == name(2))
        .unwrap();
    assert_eq!(label["reference"], other["id"]);
    assert!(label["lost_bytes"].as_u64().unwrap() < 20_000, "{label}");
    // It is not done again.
    let examined = |case: &Case| {
        let id = now["id"].as_str().unwrap();
        let of_it = |e: &&String| e.contains("recording.examined") && e.contains(id);
        case.events().iter().filter(of_it).count()
    };
    let times = examined(&case);
    assert!(times > 1);
    let _ = case.batch().code(0);
    assert_eq!(examined(&case), times);
    // By what stands in the record alone.
    fs::remove_file(case.original(&other)).unwrap();
    let copy = copy_of(&case, now["id"].as_str().unwrap(), &[]);
    assert!(packets(&copy, "v:0").len() > 50);
}

/// Goal: a sound that is not whole does not take the pictures behind it in time along: of the second that a
/// recorder interleaves by, those that lie before it in the file come back.
#[test]
fn pictures_behind_a_sound_that_is_cut_come_back() {
    let Some(media) = real_media() else { return };
    let path = media.join("drewnoakes+metadata-extractor-images/100_0306.AVI");
    let bytes = fs::read(&path).unwrap();
    // Within the chunk of sound that begins behind its 29th picture.
    let at = 671_401;
    let before = packets(&path, "v:0").iter().filter(|p| p.end <= at).count();
    let name = "BWC-0001_1003_20260301_080000_0001.avi";
    let case = Case::new().unarchived().file(name, &bytes[..at as usize]);
    let _ = case.batch().code(1);
    let media = &case.list()[0]["media"];
    assert_eq!(
        (before, media["frames"].as_u64()),
        (29, Some(29)),
        "{media}"
    );
}

/// Goal: one that another recording does not help is looked at with it once, and not every night anew; killed
/// before it was, a night leaves it to the next.
#[test]
fn one_that_nothing_helps_is_tried_once() {
    let case = Case::new().unarchived();
    let dir = case.beside("made");
    fs::create_dir(&dir).unwrap();
    // Nothing in these pictures says where one ends.
    let whole = made(&dir, "mpeg4.mp4", "-c:v mpeg4 -q:v 4 -an", true, "");
    let name = |n: u32| format!("BWC-0001_1003_20260301_08{n:02}00_{n:04}.mp4");
    let at = whole.bytes.len() / 2;
    let case = case
        .file(&name(1), &whole.bytes[..at])
        .file(&name(2), whole.beside.as_ref().unwrap());
    #[cfg(feature = "failpoints")]
    {
        // The third worker of the night is the one that looks once more.
        let killed = case.struck(&["batch"], "intake.derive.work=2*off->return(kill)");
        assert_eq!(killed.ended(), None);
        let left = case.list();
        assert!(left.iter().any(|r| r["state"] == "admitted"), "{left:?}");
    }
    let _ = case.batch().code(1);
    let record = |case: &Case| {
        let all = case.list();
        all.into_iter().find(|r| r["name"] == name(1)).unwrap()
    };
    let first = record(&case);
    assert_eq!(first["state"], "kept");
    let text = first["findings"].to_string();
    assert!(text.contains("does not say where they end"), "{text}");
    for night in 3..5 {
        let other = dir.join(format!("{night}.mp4"));
        let picture = format!("testsrc2=s=256x192:r=25:d={night}");
        let _ = ffmpeg(
            &["-f", "lavfi", "-i", &picture, "-c:v", "mpeg4"],
            Some(&other),
        );
        let bytes = fs::read(&other).unwrap();
        fs::write(case.store().join("inbox").join(name(night)), bytes).unwrap();
        let _ = case.batch();
        assert_eq!(record(&case)["events"], first["events"], "night {night}");
    }
}

/// A night on 20 recordings cut at ten places each; the share of seconds that came back of each.
pub fn trial() {
    let case = Case::new().unarchived();
    let dir = case.beside("made");
    fs::create_dir(&dir).unwrap();
    let mut all = made_ones(&dir);
    for (clip, copied, beside) in [
        (
            "intel-iot-devkit+sample-videos/bottle-detection.mp4",
            "bottle.mp4",
            true,
        ),
        ("gopro+gpmf-parser/karma.mp4", "karma.mp4", true),
        (
            "mapillary+mapillary_tools/sample-5s.mp4",
            "mapillary.mp4",
            true,
        ),
        ("androidx+media/sowt-with-video.mov", "sowt.mov", true),
        (
            "udacity+CarND-LaneLines-P1/solidWhiteRight.mp4",
            "solid.mp4",
            true,
        ),
        ("mdn+shared-assets/flower.mp4", "flower.mp4", true),
        ("PHP-FFMpeg+PHP-FFMpeg/portrait.MOV", "portrait.mov", true),
        ("mdn+shared-assets/flower-fragmented.mp4", "frag.mp4", false),
        ("androidx+media/sample.avi", "sample.avi", false),
        (
            "drewnoakes+metadata-extractor-images/100_0306.AVI",
            "100_0306.avi",
            false,
        ),
        (
            "aws+amazon-kinesis-video-streams-parser-library/vogels_330.mkv",
            "vogels.mkv",
            false,
        ),
        (
            "aws+amazon-kinesis-video-streams-parser-library/clusters.mkv",
            "clusters.mkv",
            false,
        ),
    ] {
        let Some(media) = real_media() else { break };
        let (clip, whole) = (media.join(clip), dir.join(copied));
        let other = dir.join(format!("beside-{copied}"));
        if beside {
            // With its index behind, as recorders write it.
            let input = [
                "-i",
                clip.to_str().unwrap(),
                "-map",
                "0:v:0",
                "-map",
                "0:a:0?",
            ];
            let copy = ["-c", "copy"];
            let _ = ffmpeg(&[&input[..], &copy[..]].concat(), Some(&whole));
            let short = ["-t", "1"];
            let _ = ffmpeg(&[&input[..], &copy[..], &short[..]].concat(), Some(&other));
        } else {
            fs::copy(&clip, &whole).unwrap();
        }
        all.push(Whole::of(&whole, beside.then_some(&other), ""));
    }
    let parts = [0.15, 0.25, 0.34, 0.45, 0.55, 0.62, 0.7, 0.8, 0.9, 0.97];
    let cuts = cut(&case, &all, &parts);
    let _ = case.batch();
    let listed = case.list();
    let (mut back, mut there, mut short) = (0.0, 0.0, Vec::new());
    for whole in &all {
        let (mut of_back, mut of_there) = (0.0, 0.0);
        for cut in cuts.iter().filter(|c| std::ptr::eq(c.whole, whole)) {
            let recording = listed.iter().find(|r| r["name"] == *cut.name).unwrap();
            let frames = recording["media"]["frames"].as_u64().unwrap_or(0);
            let before = whole.before(cut.at);
            let seconds: f64 = before.iter().map(|p| p.lasts).sum();
            let share = (frames as f64 / before.len().max(1) as f64).min(1.0);
            if share < 0.95 && !before.is_empty() {
                short.push(format!(
                    "{} at {}: {frames} of {}",
                    whole.name,
                    cut.at,
                    before.len()
                ));
            }
            of_back += seconds * share;
            of_there += seconds;
        }
        eprintln!("{:16} {of_back:7.2} s of {of_there:7.2} s", whole.name);
        (back, there) = (back + of_back, there + of_there);
    }
    eprintln!(
        "{} recordings, {} cuts: {:.2} %",
        all.len(),
        cuts.len(),
        back / there * 100.0
    );
    eprintln!("below 95 %: {short:#?}");
    assert!(back / there >= 0.95);
    assert!(short.len() <= cuts.len() / 20);
}
