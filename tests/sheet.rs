//! The contact sheet of a package: what a person sees before anything is played.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    case::{Case, files_below},
    handover::{approve_by_hand, ask, export, package},
};

/// A store with one recording of two seconds that was looked at, and a folder to export to.
pub fn one_clip(picture: bool) -> (Case, String, PathBuf) {
    let case = Case::with_approvers();
    let name = "BWC-0001_1001_20260302_090000_0001.mp4";
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "sine=duration=2"]);
    if picture {
        let moving = "testsrc2=size=640x360:rate=15:duration=2";
        ffmpeg.args(["-f", "lavfi", "-i", moving, "-pix_fmt", "yuv420p"]);
    }
    let made = ffmpeg.arg(case.beside(name)).status();
    assert!(made.unwrap().success());
    let bytes = fs::read(case.beside(name)).unwrap();
    let case = case.unarchived().file(name, bytes);
    // Sound alone is a warning of the night.
    let _ = case.batch().code(i32::from(!picture)).says("1 kept");
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let to = case.beside("handed over");
    fs::create_dir(&to).unwrap();
    (case, id, to)
}

/// Codec, width and height of the first stream, as `ffprobe` tells them.
fn probed(file: &Path) -> (String, u32, u32) {
    let probed = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries"])
        .args(["stream=codec_name,width,height", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&probed.stdout).into_owned();
    let line = text.lines().next().unwrap_or_default();
    let parts: Vec<&str> = line.split(',').collect();
    assert_eq!(parts.len(), 3, "{probed:?}");
    let side = |n: usize| parts[n].parse().unwrap();
    (parts[0].to_owned(), side(1), side(2))
}

/// The mean light of each square of a picture, by `ffmpeg`, from 0 to 255, row by row.
fn lights(file: &Path, columns: u32, rows: u32) -> Vec<u8> {
    let scale = format!("scale={columns}:{rows}:flags=area,format=gray");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-vf", &scale, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    made.stdout
}

/// Files below a folder that begin as a JPEG does.
fn jpegs(dir: &Path) -> Vec<PathBuf> {
    let mut all = files_below(dir);
    all.retain(|file| fs::read(file).is_ok_and(|bytes| bytes.starts_with(&[0xff, 0xd8, 0xff])));
    all
}

/// Goal: a package has a sheet of its copy, one picture a second, and a page that shows it; it is
/// bound to the package as the copy is, and there is no picture of it anywhere else.
#[test]
fn a_package_has_a_contact_sheet_and_the_store_has_none() {
    let (case, id, to) = one_clip(true);
    let request = ask(&case, &id, "copy");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let _ = export(&case, &request, &to).code(0);
    let package = package(&to);
    let copy = package.join(format!("data/{id}.mp4"));
    let sheet = package.join(format!("data/{id}.sheet.jpg"));
    let (codec, width, height) = probed(&sheet);
    let (_, copy_width, copy_height) = probed(&copy);
    // Two seconds are two pictures side by side, 320 wide each, with eight pixels of ground around.
    let cell_height = (320.0 * f64::from(copy_height) / f64::from(copy_width) / 2.0).round() * 2.0;
    assert_eq!(
        (codec.as_str(), width, f64::from(height)),
        ("mjpeg", 2 * 328 + 8, 36.0 + cell_height + 26.0 + 8.0)
    );
    // Both pictures are there, and below each its time in letters.
    let all = lights(&sheet, width, height);
    let lit = |x: u32, y: u32, w: u32, h: u32| {
        let row = |y: u32| ((y * width + x) as usize)..((y * width + x + w) as usize);
        (y..y + h)
            .flat_map(|y| all[row(y)].iter())
            .filter(|light| **light > 60)
            .count()
    };
    let bottom = 36 + cell_height as u32;
    for left in [8, 336] {
        assert!(
            lit(left, 36, 320, bottom - 36) > 5_000,
            "a picture at {left}"
        );
        assert!(lit(left, bottom + 2, 320, 22) > 100, "a time at {left}");
    }
    assert!(lit(8, 2, width - 16, 32) > 300, "a title");
    let page = fs::read_to_string(package.join("index.html")).unwrap();
    assert!(page.contains(&format!("<img src=\"data/{id}.sheet.jpg\"")));
    assert!(page.contains("img-src 'self' file:"));
    // Whoever finds the sheet alone learns which export it is of; another sheet is no package.
    let trace = |file: &Path| case.store_command(&["trace", file.to_str().unwrap()]);
    let _ = trace(&sheet).code(0).says(&request);
    let verify = ["verify", package.to_str().unwrap()];
    let _ = case.command(&verify).code(0);
    let saved = fs::read(&sheet).unwrap();
    fs::remove_file(&sheet).unwrap();
    let _ = case.command(&verify).code(4);
    fs::write(&sheet, saved).unwrap();
    assert_eq!(jpegs(&package), [sheet]);
    assert_eq!(jpegs(&case.store()), [] as [PathBuf; 0]);
}

/// Goal: sound has no pictures, and its package no sheet.
#[test]
fn sound_alone_has_no_contact_sheet() {
    let (case, id, to) = one_clip(false);
    let request = ask(&case, &id, "copy");
    let _ = approve_by_hand(&case, &request, 1).code(0);
    let _ = export(&case, &request, &to).code(0);
    let package = package(&to);
    let data = files_below(&package.join("data"));
    assert_eq!(data, [package.join(format!("data/{id}.mp4"))]);
    let page = fs::read_to_string(package.join("index.html")).unwrap();
    assert!(!page.contains("<img") && page.contains("<video"));
}
