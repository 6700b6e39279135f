//! The element as a pipeline sees it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::*;

const FAST: &str = "preset=12 crf=40";

/// What crosses one side of the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    pts: Option<gst::ClockTime>,
    duration: Option<gst::ClockTime>,
}

#[derive(Default)]
struct Run {
    sent: Vec<Seen>,
    came: Vec<Seen>,
    keys: Vec<usize>,
    dts: Vec<gst::ClockTime>,
    caps: Vec<gst::Caps>,
}

/// Ours is wanted here whatever this machine's GStreamer has.
fn prepared() {
    gst::init().unwrap();
    let provider = register().unwrap();
    assert!(matches!(provider, Provider::Own { .. }), "{provider:?}");
}

fn of(buffer: &gst::BufferRef) -> Seen {
    Seen {
        pts: buffer.pts(),
        duration: buffer.duration(),
    }
}

/// Runs a pipeline with an encoder named `enc` to its end. `prepare` may change a frame on its way
/// in, by its number.
fn run(
    description: &str,
    prepare: impl Fn(usize, &gst::Pad, &mut gst::BufferRef) + Send + Sync + 'static,
) -> Result<Run, String> {
    prepared();
    let pipeline = gst::parse::launch(description).map_err(|error| error.to_string())?;
    let bin = pipeline.downcast_ref::<gst::Bin>().unwrap();
    let encoder = bin.by_name("enc").unwrap();
    let seen = Arc::new(Mutex::new(Run::default()));
    let log = seen.clone();
    let sink = encoder.static_pad("sink").unwrap();
    sink.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let mut log = log.lock().unwrap();
        let buffer = info.buffer_mut().unwrap().make_mut();
        prepare(log.sent.len(), pad, buffer);
        log.sent.push(of(buffer));
        gst::PadProbeReturn::Ok
    });
    let log = seen.clone();
    let source = encoder.static_pad("src").unwrap();
    source.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let mut log = log.lock().unwrap();
        let buffer = info.buffer().unwrap();
        if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
            let number = log.came.len();
            log.keys.push(number);
        }
        log.came.push(of(buffer));
        log.dts.extend(buffer.dts());
        let caps = pad.current_caps().unwrap();
        if log.caps.last() != Some(&caps) {
            log.caps.push(caps);
        }
        gst::PadProbeReturn::Ok
    });
    let ended = play(&pipeline);
    let run = std::mem::take(&mut *seen.lock().unwrap());
    ended.map(|()| run)
}

fn play(pipeline: &gst::Element) -> Result<(), String> {
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).ok();
    let ended = bus.timed_pop_filtered(
        gst::ClockTime::from_seconds(60),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    let ended = match ended.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => {
            Err(format!("{} {:?}", error.error(), error.debug()))
        }
        _ => Err("neither end nor error within the time".into()),
    };
    pipeline.set_state(gst::State::Null).unwrap();
    ended
}

fn test_source(frames: usize, caps: &str) -> String {
    format!("videotestsrc num-buffers={frames} ! video/x-raw,{caps}")
}

/// Proves that every frame comes out once, in order and with its own times, however few there are
/// and however unevenly they are spaced.
#[test]
fn every_frame_keeps_its_times() {
    for frames in [1, 2, 3, 16, 17, 90] {
        let source = test_source(frames, "format=I420,width=160,height=120,framerate=30/1");
        let line = format!("{source} ! svtav1enc name=enc {FAST} keyint=30 ! fakesink");
        let run = run(&line, |number, _, buffer| {
            let number = number as u64;
            let pts = gst::ClockTime::from_useconds(33_333 * number + 7_001 * (number % 3));
            buffer.set_pts(pts);
            buffer.set_duration(gst::ClockTime::from_useconds(20_000 + number));
        })
        .unwrap();
        assert_eq!(run.sent.len(), frames);
        assert_eq!(run.came, run.sent, "{frames} frames");
        let keys: Vec<usize> = (0..frames).step_by(30).collect();
        assert_eq!(run.keys, keys, "{frames} frames");
        assert!(run.dts.is_sorted(), "{frames} frames: {:?}", run.dts);
    }
}

/// Proves that what comes out is AV1 that another decoder takes, with as many frames, in 8 and in
/// 10 bits, and that size and depth survive.
#[test]
fn another_decoder_takes_it() {
    for format in ["I420", "I420_10LE"] {
        let caps = format!("format={format},width=162,height=98,framerate=25/1");
        let source = test_source(20, &caps);
        let line = format!(
            "{source} ! svtav1enc {FAST} ! av1parse ! av1dec ! \
             video/x-raw,format={format},width=162,height=98 ! identity name=enc ! fakesink"
        );
        assert_eq!(run(&line, |_, _, _| ()).unwrap().came.len(), 20, "{format}");
    }
}

/// Proves that sizes which AV1 in 4:2:0 or the library cannot hold are refused before a frame.
#[test]
fn unusable_sizes_are_refused() {
    for size in [
        "width=161,height=120",
        "width=160,height=121",
        "width=62,height=64",
    ] {
        let source = test_source(1, &format!("format=I420,{size}"));
        let line = format!("{source} ! svtav1enc name=enc ! fakesink");
        let refused = run(&line, |_, _, _| ()).err().expect(size);
        assert!(refused.contains("can't handle caps"), "{size}: {refused}");
    }
}

/// Proves that a setting which cannot be taken is named, whoever refuses it.
#[test]
fn a_refused_setting_is_named() {
    let cases = [
        ("nonsense=1", "nonsense=1"),
        ("tune=7", "tune=7"),
        (
            "enable-tf=0:qm-min=9:qm-max=3:lookahead=500",
            "lookahead=500",
        ),
        ("preset=fast", "preset=fast"),
        ("keyint=24x", "keyint=24x"),
        ("scd", "is not of the form name=value"),
        ("width=64", "width follows from the input"),
    ];
    for (parameters, named) in cases {
        let source = test_source(1, "format=I420,width=64,height=64");
        let line = format!("{source} ! svtav1enc name=enc parameters={parameters} ! fakesink");
        let refused = run(&line, |_, _, _| ()).err().expect(parameters);
        assert!(refused.contains(named), "{parameters}: {refused}");
    }
}

/// Proves that a key frame asked for stands exactly where it was asked for.
#[test]
fn a_key_frame_comes_when_asked_for() {
    let source = test_source(60, "format=I420,width=160,height=120,framerate=30/1");
    let line = format!("{source} ! svtav1enc name=enc {FAST} keyint=240 ! fakesink");
    let run = run(&line, |number, pad, buffer| {
        if number == 18 || number == 41 {
            let event = gst_video::UpstreamForceKeyUnitEvent::builder()
                .running_time(buffer.pts())
                .build();
            pad.parent_element().unwrap().send_event(event);
        }
    })
    .unwrap();
    assert_eq!(run.came, run.sent);
    assert_eq!(run.keys, [0, 18, 41]);
}

/// Proves that colour and range of the input stand in the bitstream.
#[test]
fn colour_is_written_into_the_stream() {
    for (given, name) in [
        ("bt709", "bt709"),
        ("bt601", "bt601"),
        ("1:3:5:1", "1:3:5:1"),
    ] {
        let caps = format!("format=I420,width=160,height=120,colorimetry=(string){given}");
        let source = test_source(2, &caps);
        let line = format!(
            "{source} ! svtav1enc {FAST} ! capssetter replace=true caps=video/x-av1 ! \
             av1parse ! av1dec name=enc ! fakesink"
        );
        let run = run(&line, |_, _, _| ()).unwrap();
        let caps = run.caps.first().unwrap().structure(0).unwrap();
        assert_eq!(caps.get::<&str>("colorimetry").unwrap(), name);
    }
}

/// An encoder between two bare pads, so that a test decides what it is handed and when.
struct Bare {
    encoder: gst::Element,
    input: gst::Pad,
    _output: gst::Pad,
    came: Arc<Mutex<Vec<(i32, u64)>>>,
}

impl Bare {
    fn new() -> Self {
        prepared();
        let encoder = gst::ElementFactory::make(ELEMENT_NAME)
            .property("preset", 12_i32)
            .build()
            .unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let log = came.clone();
        let any = gst::Caps::new_any();
        let always = gst::PadPresence::Always;
        let any = gst::PadTemplate::new("sink", gst::PadDirection::Sink, always, &any).unwrap();
        let output = gst::Pad::builder_from_template(&any)
            .chain_function(move |pad, _, buffer| {
                let caps = pad.current_caps().unwrap();
                let width = caps.structure(0).unwrap().get("width").unwrap();
                let pts = buffer.pts().unwrap().mseconds();
                log.lock().unwrap().push((width, pts));
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(|_, _, _| true)
            .build();
        let input = gst::Pad::builder(gst::PadDirection::Src).build();
        input.link(&encoder.static_pad("sink").unwrap()).unwrap();
        encoder.static_pad("src").unwrap().link(&output).unwrap();
        output.set_active(true).unwrap();
        input.set_active(true).unwrap();
        encoder.set_state(gst::State::Playing).unwrap();
        input.push_event(gst::event::StreamStart::new("test"));
        Self {
            encoder,
            input,
            _output: output,
            came,
        }
    }

    /// Frames 40 ms apart, numbered as given, under caps of their own.
    fn push(&self, width: u32, numbers: std::ops::Range<u64>) {
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, 120)
            .fps(gst::Fraction::new(25, 1))
            .build()
            .unwrap();
        let caps = info.to_caps().unwrap();
        self.input.push_event(gst::event::Caps::new(&caps));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        self.input.push_event(gst::event::Segment::new(&segment));
        for number in numbers {
            let mut buffer = gst::Buffer::from_mut_slice(vec![90_u8; info.size()]);
            let at = gst::ClockTime::from_mseconds(40 * number);
            buffer.get_mut().unwrap().set_pts(at);
            self.input.push(buffer).unwrap();
        }
    }

    /// Width and milliseconds of all that came.
    fn end(self) -> Vec<(i32, u64)> {
        self.input.push_event(gst::event::Eos::new());
        self.encoder.set_state(gst::State::Null).unwrap();
        std::mem::take(&mut self.came.lock().unwrap())
    }
}

fn expected(width: i32, numbers: std::ops::Range<u64>) -> Vec<(i32, u64)> {
    numbers.map(|number| (width, 40 * number)).collect()
}

/// Proves that new caps in mid-stream lose nothing: the frames before leave under the old caps.
#[test]
fn new_caps_in_midstream_lose_nothing() {
    let bare = Bare::new();
    bare.push(160, 0..23);
    bare.push(176, 23..50);
    let all = [expected(160, 0..23), expected(176, 23..50)].concat();
    assert_eq!(bare.end(), all);
}

/// Proves that a flush forgets the frames in work and that encoding then begins anew.
#[test]
fn a_flush_begins_anew() {
    let bare = Bare::new();
    bare.push(160, 0..10);
    bare.input.push_event(gst::event::FlushStart::new());
    bare.input.push_event(gst::event::FlushStop::new(true));
    let before = bare.came.lock().unwrap().len();
    bare.push(160, 100..130);
    let after = bare.end().split_off(before);
    assert!(before < 10, "{before} frames were out before the flush");
    assert_eq!(after, expected(160, 100..130));
}

/// Proves that stopping in mid-stream neither hangs nor keeps the element from starting again.
#[test]
fn stopping_in_midstream_is_clean() {
    let bare = Bare::new();
    bare.push(160, 0..10);
    bare.encoder.set_state(gst::State::Null).unwrap();
    bare.encoder.set_state(gst::State::Playing).unwrap();
    bare.input.push_event(gst::event::StreamStart::new("again"));
    let before = bare.came.lock().unwrap().len();
    bare.push(176, 0..5);
    assert_eq!(bare.end().split_off(before), expected(176, 0..5));
}

/// Proves that the two spellings of a setting are one setting.
#[test]
fn both_spellings_are_one_setting() {
    prepared();
    let encoder = gst::ElementFactory::make(ELEMENT_NAME).build().unwrap();
    encoder.set_property("intra-period-length", 239_i32);
    assert_eq!(encoder.property::<i32>("keyint"), 240);
    encoder.set_property("keyint", -2_i32);
    assert_eq!(encoder.property::<i32>("intra-period-length"), -2);
    encoder.set_property("lp", 2_u32);
    assert_eq!(encoder.property::<u32>("logical-processors"), 2);
    encoder.set_property("parameters-string", "scd=0");
    assert_eq!(encoder.property::<String>("parameters"), "scd=0");
}

/// Proves that registering is idempotent and says whose the element is.
#[test]
fn registering_twice_is_once() {
    prepared();
    assert_eq!(register(), register());
}
