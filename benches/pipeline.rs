//! What one picture of 1920×1080 costs on its way, step by step: decoding, checks, band, encoding; and
//! what the checks cost of a second of sound. `cargo bench --bench pipeline`.
//!
//! The steps of a night run beside one another, so their sum is the CPU time of a picture, not its wall
//! time. Encoding is at the shipped profile's preset on one thread.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, path::Path};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gstreamer as gst;
use gstreamer::prelude::*;
use recvault::{
    base::{Moment, RecordingId},
    media::{
        band::{
            BandMode, Font, Layout, Mark, Painter, Plane, PlaneMut, Planes, PlanesMut, Template,
            fit,
        },
        checks::{CheckSettings, PictureWatch, Samples, SoundWatch},
        svtav1,
    },
    recording::Span,
};

const WIDTH: usize = 1_920;
const HEIGHT: usize = 1_080;
/// Pictures of the clip that is decoded and encoded.
const PICTURES: u64 = 60;
const FONT: &str = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc";

/// A picture with structure and a little noise, as a sensor has.
fn luma() -> Vec<u8> {
    let mut x = 0x9e37_79b9_u32;
    let mut noise = || {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        (x & 7) as u8
    };
    (0..WIDTH * HEIGHT)
        .map(|i| 60 + (i % WIDTH / 16) as u8 + noise())
        .collect()
}

fn checks(c: &mut Criterion) {
    let (luma, settings) = (luma(), CheckSettings::default());
    let plane = Plane::new(&luma, WIDTH, WIDTH, HEIGHT).unwrap();
    let mut group = c.benchmark_group("checks");
    group.throughput(Throughput::Elements(1));
    group.bench_function("picture", |b| {
        let (mut watch, mut at) = (PictureWatch::new(&settings, false), 0);
        b.iter(|| {
            at += 33;
            let span = Span {
                begin_ms: at,
                end_ms: at + 33,
            };
            watch.frame(span, black_box(&plane))
        });
    });
    let second: Vec<i16> = (0..48_000_i32)
        .map(|i| (i * 7_919 % 20_000 - 10_000) as i16)
        .collect();
    group.bench_function("second_of_sound", |b| {
        let (mut watch, mut at) = (SoundWatch::new(&settings), 0);
        b.iter(|| {
            at += 1_000;
            watch.block(at, Samples::S16(black_box(&second)), 1, 48_000, |_| ());
        });
    });
    group.finish();
}

fn band(c: &mut Criterion) {
    let Ok(bytes) = std::fs::read(FONT) else {
        println!("SKIPPED: no font at {FONT}: install fonts-wqy-microhei");
        return;
    };
    let layout = Layout::new(WIDTH, HEIGHT, BandMode::Above).unwrap();
    let mark = Mark {
        device: Some("DSJ-2041".into()),
        officer: Some("0457".into()),
        officer_name: Some("李明 Li Ming".into()),
        id: RecordingId::new([7; 10]),
        start: Some(Moment::from_s(1_772_000_000)),
        zone: jiff::tz::TimeZone::UTC,
    };
    let font = Font::from_bytes(bytes, 0).unwrap();
    let mut painter = Painter::new(&font, layout, mark, Template::default()).unwrap();
    let (luma, chroma) = (luma(), vec![128; WIDTH * HEIGHT / 4]);
    let half = |data| Plane::new(data, WIDTH / 2, WIDTH / 2, HEIGHT / 2).unwrap();
    let picture = Planes {
        y: Plane::new(&luma, WIDTH, WIDTH, HEIGHT).unwrap(),
        u: half(&chroma),
        v: half(&chroma),
        chroma_shift: (1, 1),
        full_range: false,
    };
    let (width, height) = (painter.layout().width, painter.layout().height);
    let mut canvas = [width * height, width * height / 4, width * height / 4].map(|n| vec![0; n]);
    let top = painter.layout().picture.y;
    let mut group = c.benchmark_group("band");
    group.throughput(Throughput::Elements(1));
    group.bench_function("copied_and_marked", |b| {
        let mut at = 0;
        b.iter(|| {
            at += 33;
            let [y, u, v] = &mut canvas;
            let half = |data| PlaneMut::new(data, width / 2, width / 2, height / 2).unwrap();
            let mut planes = PlanesMut {
                y: PlaneMut::new(y, width, width, height).unwrap(),
                u: half(u),
                v: half(v),
                chroma_shift: (1, 1),
                full_range: false,
            };
            fit(black_box(&picture), top, &mut planes).unwrap();
            painter.paint(at, &mut planes).unwrap();
        });
    });
    group.finish();
}

/// Runs a pipeline to its end.
fn run(pipeline: &gst::Element) {
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(None, &ends)
        .unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

fn pipeline(text: &str) -> gst::Element {
    gst::parse::launch(text).unwrap()
}

const PICTURE: &str = "video/x-raw,format=I420,width=1920,height=1080,framerate=30/1";

fn make_clip(path: &Path) {
    run(&pipeline(&format!(
        "videotestsrc num-buffers={PICTURES} pattern=smpte ! {PICTURE} ! x264enc speed-preset=veryfast bitrate=12000 \
         ! h264parse ! mp4mux ! filesink location={}",
        path.display()
    )));
}

fn codecs(c: &mut Criterion) {
    gst::init().unwrap();
    svtav1::register().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("clip.mp4");
    make_clip(&clip);
    let decode = format!(
        "filesrc location={} ! qtdemux ! h264parse ! avdec_h264 max-threads=1 ! fakesink",
        clip.display()
    );
    let source = format!("videotestsrc num-buffers={PICTURES} pattern=smpte ! {PICTURE}");
    let encode = "svtav1enc preset=11 crf=38 logical-processors=1 ! av1parse ! fakesink";
    let mut group = c.benchmark_group("codecs");
    group
        .throughput(Throughput::Elements(PICTURES))
        .sample_size(10);
    for (name, text) in [
        ("decode_h264", decode),
        // Making the pictures alone, to be taken off what follows.
        ("made_for_encode", format!("{source} ! fakesink")),
        ("encode_av1", format!("{source} ! {encode}")),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(|| pipeline(&text), |p| run(&p), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, checks, band, codecs);
criterion_main!(benches);
