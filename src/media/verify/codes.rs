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

/// Decoders that work beside one another, each on a group of pictures of its own.
const DECODERS_MAX: usize = 4;

/// How long one of them is waited for before the others are looked at.
const WAIT: gst::ClockTime = gst::ClockTime::from_mseconds(5);

/// Decoders, and what their pictures' codes must say.
pub struct Codes {
    decoders: Vec<Decoder>,
    /// Whose the present group is.
    turn: usize,
    expected: Option<Mark>,
    decoded: u64,
    right: u64,
}

impl Codes {
    /// Decoders for packets like this one.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(packet: &Packet, job: &VerifyJob) -> Result<Self, Fault> {
        let planar = gst::Caps::builder("video/x-raw")
            .field("format", gst::List::new(["I420", "Y42B", "Y444", "GRAY8"]))
            .build();
        // The one decoder of AV1 that Debian 12 has knows one thread. Groups of AV1 refer to nothing outside
        // themselves; those of other codecs may, and have decoders that share their work out themselves.
        let caps = packet.sample().caps();
        let av1 = caps
            .and_then(|c| c.structure(0))
            .is_some_and(|s| s.name() == "video/x-av1");
        let count = match job.full && av1 {
            true => std::thread::available_parallelism().map_or(1, usize::from),
            false => 1,
        };
        let decoders = (0..count.clamp(1, DECODERS_MAX))
            .map(|_| Decoder::start(packet, job.decode_threads, &planar))
            .collect::<Result<_, _>>()?;
        let expected = job.id.map(|id| Mark {
            device: None,
            officer: None,
            officer_name: None,
            id,
            start: job.start,
            zone: jiff::tz::TimeZone::UTC,
        });
        Ok(Self {
            decoders,
            turn: 0,
            expected,
            decoded: 0,
            right: 0,
        })
    }

    /// Gives them one packet.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn feed(&mut self, packet: &Packet) -> Result<(), Fault> {
        if packet.is_key() {
            self.turn = self.turn.wrapping_add(1);
        }
        let count = self.decoders.len().max(1);
        match self.decoders.get(self.turn % count) {
            Some(decoder) => decoder.feed(packet),
            None => Ok(()),
        }
    }

    /// Looks at what is decoded by now.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn collect(&mut self, bad: &mut Vec<Wrong>) -> Result<(), Fault> {
        let decoders = std::mem::take(&mut self.decoders);
        let taken = self.take(&decoders, bad);
        self.decoders = decoders;
        taken
    }

    fn take(&mut self, decoders: &[Decoder], bad: &mut Vec<Wrong>) -> Result<(), Fault> {
        for decoder in decoders {
            while let Some(sample) = decoder.decoded()? {
                self.judge(&sample, bad);
            }
        }
        Ok(())
    }

    /// Waits for the rest; gives how many were decoded and how many codes were right.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn finish(mut self, bad: &mut Vec<Wrong>) -> Result<(u64, u64), Fault> {
        let decoders = std::mem::take(&mut self.decoders);
        decoders.iter().for_each(Decoder::end);
        // In turn: pictures of one that nobody takes meanwhile would fill the memory.
        while let Some(slowest) = decoders.iter().find(|d| !d.is_at_end()) {
            if let Some(sample) = slowest.decoded_within(WAIT)? {
                self.judge(&sample, bad);
            }
            self.take(&decoders, bad)?;
        }
        bad.sort_unstable();
        Ok((self.decoded, self.right))
    }

    fn judge(&mut self, sample: &gst::Sample, bad: &mut Vec<Wrong>) {
        self.decoded = self.decoded.saturating_add(1);
        let Some(expected) = &self.expected else {
            return;
        };
        match check_code(sample, expected) {
            Ok(()) => self.right = self.right.saturating_add(1),
            Err(why) if bad.len() < BAD_KEPT_MAX => {
                let pts = sample.buffer().and_then(gst::BufferRef::pts);
                bad.push((pts, why));
            }
            Err(_) => {}
        }
    }
}

/// When a picture is presented whose code is wrong, and why it is.
pub type Wrong = (Option<gst::ClockTime>, String);

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
