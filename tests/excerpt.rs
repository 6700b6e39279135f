//! Some seconds of a recording: the copy holds these, all of these and nothing else, whatever the
//! container.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use recvault::media::band::{self, Plane};
use serde_json::Value;

use crate::{
    access::follow_instructions,
    case::{Case, files_below, real_media},
    handover::{approve_by_hand, export, package},
};

const FPS: u32 = 10;

/// Runs ffmpeg; gives back what it wrote to its output.
pub fn ffmpeg(args: &[&str], file: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]).args(args).args(file);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
    done.stdout
}

/// Ten seconds of a picture that is another one every second, and of a tone, in each container.
fn recordings(dir: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(dir).unwrap();
    let first = dir.join("a.mp4");
    let picture = format!("testsrc2=size=320x240:rate={FPS}:duration=10");
    let made = [
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-f",
        "lavfi",
        "-i",
        "sine=f=440:r=48000:d=10",
        "-c:v",
        "libx264",
        "-g",
        "25",
        "-bf",
        "2",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-shortest",
    ];
    let _ = ffmpeg(&made, Some(&first));
    let mut all = vec![first.clone()];
    for ending in ["mov", "mkv", "ts"] {
        let other = dir.join(format!("b.{ending}"));
        let _ = ffmpeg(&["-i", first.to_str().unwrap(), "-c", "copy"], Some(&other));
        all.push(other);
    }
    // Without an edit list, in which pictures that are coded out of order would begin late.
    let fragmented = dir.join("d.mp4");
    let made = [
        "-i",
        first.to_str().unwrap(),
        "-c:v",
        "libx264",
        "-g",
        "25",
        "-bf",
        "0",
        "-c:a",
        "copy",
        "-movflags",
        "frag_keyframe+empty_moov",
    ];
    let _ = ffmpeg(&made, Some(&fragmented));
    all.push(fragmented);
    let avi = dir.join("c.avi");
    let made = [
        "-i",
        first.to_str().unwrap(),
        "-c:v",
        "mjpeg",
        "-q:v",
        "3",
        "-c:a",
        "pcm_s16le",
    ];
    let _ = ffmpeg(&made, Some(&avi));
    all.push(avi);
    all
}

/// Grey pictures of 32 x 24, out of the lower 240 lines of what the file shows.
fn pictures(file: &Path) -> Vec<Vec<u8>> {
    let filter = format!("crop=320:240:0:in_h-240,scale=32:24:flags=area,fps={FPS},format=gray");
    let args = [
        "-i",
        file.to_str().unwrap(),
        "-vf",
        &filter,
        "-f",
        "rawvideo",
        "-",
    ];
    let raw = ffmpeg(&args, None);
    raw.chunks_exact(32 * 24).map(<[u8]>::to_vec).collect()
}

/// Samples of the sound of a file, at 8 kHz.
fn samples(file: &Path) -> usize {
    let args = [
        "-i",
        file.to_str().unwrap(),
        "-vn",
        "-ac",
        "1",
        "-ar",
        "8000",
        "-f",
        "s16le",
        "-",
    ];
    ffmpeg(&args, None).len() / 2
}

fn distance(a: &[u8], b: &[u8]) -> u64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
}

/// Which picture of the whole this one is.
fn nearest(picture: &[u8], whole: &[Vec<u8>]) -> usize {
    let places = 0..whole.len();
    places
        .min_by_key(|at| distance(picture, &whole[*at]))
        .unwrap()
}

/// Asks for some of a recording.
pub fn ask(case: &Case, id: &str, more: &[&str]) -> crate::case::Run {
    let args = [
        "request",
        "--recording",
        id,
        "--purpose",
        "case",
        "--recipient",
        "court",
        "--json",
    ];
    case.store_command(&[&args, more].concat())
}

/// Asks for a copy, has it approved and exported; gives it back.
pub fn copy_of(case: &Case, id: &str, part: &[&str]) -> PathBuf {
    let answer = ask(case, id, &[&["--form", "copy"], part].concat()).code(0);
    let answer = answer.json();
    let request = answer["with"]["accesses"][0]["digest"].as_str().unwrap();
    let _ = approve_by_hand(case, request, 1).code(0);
    let to = case.beside("handed over");
    fs::create_dir(&to).unwrap();
    let _ = export(case, request, &to).code(0);
    package(&to).join(format!("data/{id}.mp4"))
}

/// Goal: the copy begins with the first picture of the seconds that were approved and ends before the
/// second behind them, in every container; its sound is as long.
#[test]
fn a_part_is_cut_to_the_second_in_every_container() {
    let case = Case::with_approvers().unarchived();
    let made = recordings(&case.beside("made"));
    for file in &made {
        let name = file.file_name().unwrap();
        fs::copy(file, case.store().join("inbox").join(name)).unwrap();
    }
    let _ = case.batch();
    let to = case.beside("handed over");
    fs::create_dir(&to).unwrap();
    let all = case.list();
    assert_eq!(all.len(), made.len());
    for recording in &all {
        let id = recording["id"].as_str().unwrap();
        let name = recording["name"].as_str().unwrap();
        let source = made.iter().find(|f| f.ends_with(name)).unwrap();
        let whole = pictures(source);
        for (from, until) in [(0, 2), (3, 7), (8, 10)] {
            let part = [from.to_string(), until.to_string()];
            let part = ["--form", "copy", "--from", &part[0], "--to", &part[1]];
            let answer = ask(&case, id, &part).code(0).json();
            let request = answer["with"]["accesses"][0]["digest"].as_str().unwrap();
            let _ = approve_by_hand(&case, request, 1)
                .code(0)
                .says(&format!("seconds {from}-{until}"));
            let _ = export(&case, request, &to).code(0);
            let package = package(&to);
            let copy = package.join(format!("data/{id}.mp4"));
            let shown = pictures(&copy);
            let (first, last) = (from * FPS as usize, until * FPS as usize);
            let places: Vec<usize> = shown.iter().map(|p| nearest(p, &whole)).collect();
            let wanted: Vec<usize> = (first..last.min(whole.len())).collect();
            assert_eq!(places, wanted, "{name} {from}-{until}");
            let seconds = samples(&copy) as f64 / 8_000.0;
            let right = (until - from) as f64;
            assert!(
                (seconds - right).abs() < 0.15,
                "{name} {from}-{until}: {seconds} s of sound"
            );
            if name == "a.mp4" && from == 3 {
                follow_instructions(&package).unwrap();
                let _ = case.command(&["verify", package.to_str().unwrap()]).code(0);
                let page = fs::read_to_string(package.join("index.html")).unwrap();
                assert!(page.contains("seconds 3-7 of it"), "{page}");
            }
            for entry in fs::read_dir(&to).unwrap() {
                let path = entry.unwrap().path();
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
    }
    let id = all[0]["id"].as_str().unwrap();
    let beyond = ["--form", "copy", "--from", "9", "--to", "99"];
    let _ = ask(&case, id, &beyond).code(3).says("has no seconds 9-99");
    let none = ["--form", "copy", "--from", "5", "--to", "5"];
    let _ = ask(&case, id, &none).code(2).says("there is nothing");
    let half = ["--form", "copy", "--from", "0:03"];
    let _ = ask(&case, id, &half).code(2);
    let odd = ["--form", "copy", "--from", "0:03", "--to", "0:75"];
    let _ = ask(&case, id, &odd).code(2).says("'0:75'");
}

/// Goal: what the copy's band says of the time is the time of the part.
#[test]
fn the_clock_of_a_part_begins_with_it() {
    let case = Case::with_approvers().fleet(4);
    let _ = case.batch();
    let all = case.list();
    let shown = |r: &&Value| r["state"] == "archived";
    let recording = all.iter().find(shown).unwrap();
    let id = recording["id"].as_str().unwrap();
    let copy = copy_of(&case, id, &["--from", "2", "--to", "4"]);
    let size = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "stream=width,height",
        ])
        .args(["-of", "csv=p=0"])
        .arg(&copy)
        .output()
        .unwrap();
    let size = String::from_utf8_lossy(&size.stdout).trim().to_owned();
    let (width, height) = size.split_once(',').unwrap();
    let (width, height): (usize, usize) = (width.parse().unwrap(), height.parse().unwrap());
    let args = [
        "-i",
        copy.to_str().unwrap(),
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "-",
    ];
    let raw = ffmpeg(&args, None);
    let started = &recording["attribution"]["started_at"];
    assert_ne!(started["source"]["from"], "file_time");
    let start_s = started["value"].as_i64().unwrap().div_euclid(1_000);
    let seconds: Vec<i64> = raw
        .chunks_exact(width * height)
        .map(|frame| {
            let plane = Plane::new(frame, width, width, height).unwrap();
            let code = band::read(&plane).unwrap();
            assert!(!code.elapsed);
            i64::from(code.second) - start_s
        })
        .collect();
    assert_eq!((seconds.first(), seconds.last()), (Some(&2), Some(&3)));
}

/// When each picture of a file is presented, in milliseconds, in order.
fn presented(file: &Path) -> Vec<i64> {
    let told = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time",
        ])
        .args(["-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let ms = |line: &str| (line.trim_end_matches(',').parse::<f64>().unwrap() * 1_000.0).round();
    let mut all: Vec<i64> = told.lines().map(|line| ms(line) as i64).collect();
    all.sort_unstable();
    all
}

/// Goal: where a part begins between two pictures, the one before it is left out, and its own are
/// presented as far from each other as they were.
#[test]
fn a_part_that_begins_between_two_pictures_keeps_its_own() {
    let case = Case::with_approvers();
    let made = case.beside("e.mp4");
    let picture = "testsrc2=size=320x240:rate=8797/1000:duration=9";
    let _ = ffmpeg(
        &["-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p"],
        Some(&made),
    );
    let bytes = fs::read(&made).unwrap();
    let case = case.file("BWC-0001_1001_20260302_090000_0001.mp4", bytes);
    let _ = case.batch();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let copy = copy_of(&case, &id, &["--from", "3", "--to", "8"]);
    let of_source = presented(&made)
        .into_iter()
        .filter(|ms| (3_000..8_000).contains(ms));
    let wanted: Vec<i64> = of_source.map(|ms| ms - 3_000).collect();
    assert!(wanted[0] > 10, "{wanted:?}");
    let shown = presented(&copy);
    assert_eq!(shown.len(), wanted.len(), "{shown:?} {wanted:?}");
    // Where there is no sound beside it, MP4 begins with the first picture.
    let since = |all: &[i64]| -> Vec<i64> { all.iter().map(|ms| ms - all[0]).collect() };
    for (shown, wanted) in since(&shown).iter().zip(since(&wanted)) {
        assert!((shown - wanted).abs() <= 2, "{shown} {wanted}");
    }
}

/// Goal: a copy is not refused because a key frame comes just before a full second: what counts is when
/// a picture is presented, and MP4 counts otherwise.
#[test]
fn a_key_frame_just_before_a_second_is_no_fault() {
    let case = Case::with_approvers();
    // With pictures that are coded out of their order, as an office's own profile may have them.
    let profile = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/pipelines/export-h264-mp4.toml"
    );
    let reordered = fs::read_to_string(profile).unwrap();
    let reordered = reordered.replace("bframes=0 ", "bframes=3 ");
    let own = case.store().join("pipelines/export-h264-mp4.toml");
    fs::write(own, reordered).unwrap();
    let made = case.beside("cut.mp4");
    // The encoder makes every 120th picture a key frame: at this rate, the one at 5.95 s.
    let source = "testsrc2=size=320x240:rate=2400/119:duration=7";
    let args = ["-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"];
    let _ = ffmpeg(&args, Some(&made));
    let bytes = fs::read(&made).unwrap();
    let case = case.file("BWC-0001_1001_20260302_090000_0001.mp4", bytes);
    let _ = case.batch();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let copy = copy_of(&case, &id, &[]);
    let told = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-skip_frame",
            "nokey",
        ])
        .args(["-show_entries", "frame=pts_time", "-of", "csv=p=0"])
        .arg(&copy)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("5.949"), "the key frame is elsewhere: {told}");
}

/// Goal: a picture that follows a gap just before the end of a part is in the copy.
#[test]
fn a_picture_behind_a_gap_at_the_end_of_a_part_is_shown() {
    let case = Case::with_approvers();
    let made = case.beside("gap.mkv");
    let source = "testsrc2=size=320x240:rate=25:duration=5";
    // None from 2.80 to 2.92, and one at 2.96.
    let gap = "select='not(between(t,2.77,2.95))'";
    let args = ["-f", "lavfi", "-i", source, "-vf", gap, "-vsync", "vfr"];
    let _ = ffmpeg(&[&args[..], &["-pix_fmt", "yuv420p"]].concat(), Some(&made));
    let case = case.file("gap.mkv", fs::read(&made).unwrap());
    let _ = case.batch();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let copy = copy_of(&case, &id, &["--from", "1", "--to", "3"]);
    let shown = presented(&copy);
    assert_eq!(shown.len(), 46);
    assert_eq!(shown.last(), Some(&1_960));
}

/// Goal: where the index of a file leads beside the place, its seconds are all in the copy.
#[test]
fn a_part_is_whole_where_no_index_leads_to_it() {
    let Some(media) = real_media() else { return };
    let all = files_below(&media);
    let file = all.iter().find(|f| f.ends_with("clusters.mkv")).unwrap();
    let case = Case::with_approvers()
        .unarchived()
        .file("clusters.mkv", fs::read(file).unwrap());
    let _ = case.batch();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let shown = presented(&copy_of(&case, &id, &["--from", "2", "--to", "4"]));
    let whole = presented(file);
    let wanted = whole.iter().filter(|ms| (2_000..4_000).contains(*ms));
    assert_eq!(shown.len(), wanted.count());
}
