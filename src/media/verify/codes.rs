//! Decodes single pictures and reads their block codes.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::media::{
    band::{Mark, Plane, read},
    packets::{Decoder, Packet},
    protocol::{Fault, VerifyJob},
};

/// Wrong codes that are remembered; the sentence names the first and the number.
const BAD_KEPT_MAX: usize = 1_000;

/// A decoder, and what its pictures' codes must say.
pub struct Codes {
    decoder: Decoder,
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
        let planar = gst::Caps::builder("video/x-raw")
            .field("format", gst::List::new(["I420", "Y42B", "Y444", "GRAY8"]))
            .build();
        let decoder = Decoder::start(packet, job.decode_threads, &planar)?;
        let expected = job.id.map(|id| Mark {
            device: None,
            officer: None,
            officer_name: None,
            id,
            start: job.start,
            zone: jiff::tz::TimeZone::UTC,
        });
        Ok(Self {
            decoder,
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
        self.decoder.feed(packet)
    }

    /// Looks at what is decoded by now.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn collect(&mut self, bad: &mut Vec<String>) -> Result<(), Fault> {
        while let Some(sample) = self.decoder.decoded()? {
            self.judge(&sample, bad);
        }
        Ok(())
    }

    /// Waits for the rest; gives how many were decoded and how many codes were right.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn finish(mut self, bad: &mut Vec<String>) -> Result<(u64, u64), Fault> {
        self.decoder.end();
        while let Some(sample) = self.decoder.rest()? {
            self.judge(&sample, bad);
        }
        Ok((self.decoded, self.right))
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
