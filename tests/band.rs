//! The band, read back from renditions by a decoder that is not ours.

use std::process::Command;

use recvault::{
    base::{Moment, RecordingId},
    media::band::{self, Plane},
};

use crate::case::Case;

/// Goal: from every rendition of a fleet's day the block code names the right recording and, at
/// every second, the right second.
#[test]
fn the_block_code_names_recording_and_second_in_every_rendition() {
    let case = Case::new().fleet(4);
    let _ = case.batch();
    let mut read = 0;
    for recording in case.list() {
        if recording["kind"] != "video" || recording["state"] != "archived" {
            continue;
        }
        let id: RecordingId = recording["id"].as_str().unwrap().parse().unwrap();
        let start = recording["attribution"]["started_at"].clone();
        let believed = start["source"]["from"] != "file_time" && !start.is_null();
        let start = believed.then(|| Moment::from_ms(start["value"].as_i64().unwrap()));
        let rendition = &recording["renditions"][0];
        let (width, height) = (
            rendition["width"].as_u64().unwrap() as usize,
            rendition["height"].as_u64().unwrap() as usize,
        );
        // One frame a second, luma alone.
        let output = Command::new("ffmpeg")
            .args(["-v", "info", "-i"])
            .arg(&case.renditions(&recording)[0])
            .args([
                "-map",
                "0:v:0",
                "-vf",
                "select='isnan(prev_selected_t)+gte(t-prev_selected_t,1)',showinfo",
                "-vsync",
                "0",
            ])
            .args(["-pix_fmt", "gray", "-f", "rawvideo", "-"])
            .output()
            .unwrap();
        let frames: Vec<&[u8]> = output.stdout.chunks_exact(width * height).collect();
        assert!(frames.len() >= 2, "{} frames of {recording}", frames.len());
        let presented = presented_ms(&String::from_utf8_lossy(&output.stderr));
        assert_eq!(presented.len(), frames.len(), "{recording}");
        let mut last = None;
        for (n, (frame, pts_ms)) in frames.iter().zip(presented).enumerate() {
            let plane = Plane::new(frame, width, width, height).unwrap();
            let code =
                band::read(&plane).unwrap_or_else(|e| panic!("frame {n} of {recording}: {e}"));
            assert_eq!(code.id, id);
            assert_eq!(code.elapsed, start.is_none());
            let second = i64::from(code.second);
            // The second that the frame is presented in; the container rounds to milliseconds.
            let instant = start.unwrap_or_default().plus_ms(pts_ms);
            let right = [-1, 0, 1].map(|ms| instant.plus_ms(ms).as_s());
            assert!(
                right.contains(&second),
                "frame {n} says {second}, it is presented at {instant}"
            );
            assert!(last.is_none_or(|l| second > l));
            last = Some(second);
            read += 1;
        }
    }
    assert!(read >= 16, "{read} codes");
}

/// When frames are presented after the first, as ffmpeg's `showinfo` says.
fn presented_ms(said: &str) -> Vec<i64> {
    let frames = said.lines().filter(|l| l.contains("Parsed_showinfo"));
    let seconds = frames.filter_map(|l| l.split_once("pts_time:")?.1.split_whitespace().next());
    let ms: Vec<i64> = seconds
        .map(|s| (s.parse::<f64>().unwrap() * 1_000.0).round() as i64)
        .collect();
    // Sound may begin earlier, by what its codec needs to start; the first picture is the start.
    let first = ms.first().copied().unwrap_or_default();
    ms.iter().map(|at| at - first).collect()
}

/// Goal: device, officer, recording and the original's hash stand in the container's tags.
#[test]
fn the_containers_tags_name_device_officer_recording_and_hash() {
    let case = Case::new().fleet(2);
    let _ = case.batch();
    let recording = case
        .list()
        .into_iter()
        .find(|r| r["state"] == "archived" && r["kind"] == "video")
        .unwrap();
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format_tags:stream_tags",
            "-of",
            "json",
        ])
        .arg(&case.renditions(&recording)[0])
        .output()
        .unwrap();
    let tags = String::from_utf8_lossy(&output.stdout).into_owned();
    for value in ["device", "officer"] {
        let value = recording["attribution"][value]["value"].as_str().unwrap();
        assert!(tags.contains(value), "no {value} in {tags}");
    }
    for value in ["id", "digest"] {
        let value = recording[value].as_str().unwrap();
        assert!(tags.contains(value), "no {value} in {tags}");
    }
}

/// Goal: whose name the band's font cannot write is said by the night, before there are years of copies
/// with an empty box in it.
#[test]
fn a_name_that_the_font_cannot_write_is_told() {
    let case = Case::new();
    let register = case.beside("register.csv");
    let lines = "record,device,model,officer,name,unit,price,from,to\n\
                 officer,,,1003,\u{f1234}明,North,,,\n\
                 officer,,,1004,王明,North,,,\n";
    std::fs::write(&register, lines).unwrap();
    let import = ["registry", "import", register.to_str().unwrap()];
    let _ = case.store_command(&import).code(0);
    let _ = (case.batch())
        .says("lacks letters of officer 1003 (")
        .says("U+F1234")
        .says_not("1004");
}
