//! Decodes single pictures and reads their block codes.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::packets::{Packet, broken};
use crate::media::{
    band::{Mark, Plane, read},
    graph::Graph,
    protocol::{Fault, Side, VerifyJob},
};

/// Wrong codes that are remembered; the sentence names the first and the number.
const BAD_KEPT_MAX: usize = 1_000;

/// A decoder, and what its pictures' codes must say.
pub struct Codes {
    graph: Graph,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
    expected: Option<Mark>,
    decoded: u64,
    right: u64,
}

impl Codes {
    /// A decoder for packets like this one.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(packet: &Packet, job: &VerifyJob) -> Result<Self, Fault> {
        let graph = Graph::new(Side::Decode)?;
        let caps = packet
            .sample()
            .caps()
            .ok_or_else(|| broken("parsebin", &"a packet without caps"))?;
        let source = gst_app::AppSrc::builder()
            .caps(&caps.to_owned())
            .format(gst::Format::Time)
            .block(true)
            .max_bytes(32 * 1024 * 1024)
            .build();
        graph.adopt(&source)?;
        let decode = graph.add("decodebin")?;
        decode.set_property("force-sw-decoders", true);
        let convert = graph.add("videoconvert")?;
        let planar = gst::Caps::builder("video/x-raw")
            .field("format", gst::List::new(["I420", "Y42B", "Y444", "GRAY8"]))
            .build();
        let sink = gst_app::AppSink::builder()
            .caps(&planar)
            .drop(false)
            .sync(false)
            .max_buffers(0)
            .build();
        graph.adopt(&sink)?;
        sink.set_property("async", false);
        graph.link(source.upcast_ref(), &decode)?;
        graph.link(&convert, sink.upcast_ref())?;
        if let Some(bin) = decode.dynamic_cast_ref::<gst::Bin>() {
            let threads = i32::try_from(job.decode_threads).unwrap_or(1);
            bin.connect_deep_element_added(move |_, _, element| {
                for name in ["max-threads", "threads"] {
                    let is_decoder = element
                        .factory()
                        .and_then(|f| f.metadata("klass").map(|k| k.contains("Decoder")));
                    if threads > 0
                        && is_decoder == Some(true)
                        && element
                            .find_property(name)
                            .is_some_and(|p| p.value_type() == i32::static_type())
                    {
                        element.set_property(name, threads);
                    }
                }
            });
        }
        decode.connect_pad_added(move |_, pad| {
            if let Some(entry) = convert.static_pad("sink").filter(|p| !p.is_linked()) {
                let _ = pad.link(&entry);
            }
        });
        graph.play()?;
        let expected = job.id.map(|id| Mark {
            device: None,
            officer: None,
            officer_name: None,
            id,
            start: job.start,
            zone: jiff::tz::TimeZone::UTC,
        });
        Ok(Self {
            graph,
            source,
            sink,
            expected,
            decoded: 0,
            right: 0,
        })
    }

    /// Gives it one packet.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn feed(&mut self, packet: &Packet) -> Result<(), Fault> {
        let Some(buffer) = packet.sample().buffer_owned() else {
            return Ok(());
        };
        if self.source.push_buffer(buffer).is_err() {
            self.complain()?;
        }
        Ok(())
    }

    /// Looks at what is decoded by now.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn collect(&mut self, bad: &mut Vec<String>) -> Result<(), Fault> {
        self.complain()?;
        while let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::ZERO) {
            self.judge(&sample, bad);
        }
        Ok(())
    }

    /// Waits for the rest; gives how many were decoded and how many codes were right.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn finish(mut self, bad: &mut Vec<String>) -> Result<(u64, u64), Fault> {
        let _ = self.source.end_of_stream();
        loop {
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(50)) {
                self.judge(&sample, bad);
            } else if self.sink.is_eos() {
                return Ok((self.decoded, self.right));
            }
            self.complain()?;
        }
    }

    fn complain(&self) -> Result<(), Fault> {
        while let Some(message) = self.graph.bus().pop() {
            if message.type_() == gst::MessageType::Error {
                return Err(self.graph.fault_of(&message));
            }
        }
        Ok(())
    }

    fn judge(&mut self, sample: &gst::Sample, bad: &mut Vec<String>) {
        self.decoded = self.decoded.saturating_add(1);
        let Some(expected) = &self.expected else {
            return;
        };
        match check_code(sample, expected) {
            Ok(()) => self.right = self.right.saturating_add(1),
            Err(why) if bad.len() < BAD_KEPT_MAX => bad.push(why),
            Err(_) => {}
        }
    }
}

/// Whether the picture names its recording and its second. A millisecond to either side is
/// allowed for: Matroska rounds.
fn check_code(sample: &gst::Sample, expected: &Mark) -> Result<(), String> {
    let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
        return Err("an empty sample".into());
    };
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|e| e.to_string())?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)
        .map_err(|e| e.to_string())?;
    let pts_ms = buffer
        .pts()
        .and_then(|t| i64::try_from(t.mseconds()).ok())
        .unwrap_or(0);
    let side = |n: u32| usize::try_from(n).unwrap_or(0);
    let stride = frame
        .plane_stride()
        .first()
        .and_then(|s| usize::try_from(*s).ok())
        .unwrap_or(0);
    let data = frame.plane_data(0).map_err(|e| e.to_string())?;
    let luma = Plane::new(data, stride, side(info.width()), side(info.height()))
        .map_err(|e| e.to_string())?;
    let code = read(&luma).map_err(|e| format!("at {pts_ms} ms: {e}"))?;
    if code.id != expected.id {
        return Err(format!("at {pts_ms} ms: it names recording {}", code.id));
    }
    let fits = [-1, 0, 1].iter().any(|d| {
        let want = expected.payload(pts_ms.saturating_add(*d));
        want.coded_second() == code.second && want.elapsed == code.elapsed
    });
    if fits {
        Ok(())
    } else {
        Err(format!("at {pts_ms} ms: it names second {}", code.second))
    }
}
