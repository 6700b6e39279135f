//! The `GstVideoEncoder` itself: caps to settings, frames in, temporal units out.
//!
//! All of this runs under the base class's stream lock, so the encoder has one user at a time. It is
//! taken out of its place while packets are pushed, because pushing calls into other elements.
//! Settings are read when caps arrive; changing one later takes effect with the next caps.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::subclass::prelude::*;
use gst_video::prelude::*;
use gst_video::subclass::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;

use super::encoder::{self, Encoder, Frame, Packet, Plane};
use super::error::SvtAv1Error;
use super::settings::{CRF_MAX, KEYINT_AUTO, LP_MAX, PRESET_MAX, Pair, Settings, TUNE_MAX};

/// Sizes that the library accepts.
const WIDTH_MAX: i32 = 16_384;
const HEIGHT_MAX: i32 = 8_704;
const SIDE_MIN: i32 = 64;

static LOG: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        super::ELEMENT_NAME,
        gst::DebugColorFlags::empty(),
        Some("AV1 by SVT-AV1"),
    )
});

/// What the caps have settled, and the encoder once a frame has come.
struct Session {
    frames: gst_video::VideoInfo,
    settings: Vec<Pair>,
    encoder: Option<Encoder>,
}

/// See the module.
#[derive(Default)]
pub struct SvtAv1Enc {
    settings: Mutex<Settings>,
    session: Mutex<Option<Session>>,
}

#[glib::object_subclass]
impl ObjectSubclass for SvtAv1Enc {
    const NAME: &'static str = "RecvaultSvtAv1Enc";
    type Type = super::SvtAv1Enc;
    type ParentType = gst_video::VideoEncoder;
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere has already failed the element; what is behind the lock stays usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ObjectImpl for SvtAv1Enc {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(properties);
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let mut settings = locked(&self.settings);
        let int = || value.get::<i32>().unwrap_or_default();
        let uint = || value.get::<u32>().unwrap_or_default();
        // Types and ranges were checked against the specification before this is called.
        match pspec.name() {
            "preset" => settings.preset = int(),
            "crf" => settings.crf = uint(),
            "keyint" => settings.keyint = int(),
            // GStreamer's own element counts the frames between two key frames.
            "intra-period-length" => settings.keyint = keyint_of_period(int()),
            "lp" | "logical-processors" => settings.lp = uint(),
            "tune" => settings.tune = uint(),
            "parameters" | "parameters-string" => {
                settings.parameters = value
                    .get::<Option<String>>()
                    .ok()
                    .flatten()
                    .unwrap_or_default();
            }
            _ => {}
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        let settings = locked(&self.settings);
        match pspec.name() {
            "preset" => settings.preset.to_value(),
            "crf" => settings.crf.to_value(),
            "keyint" => settings.keyint.to_value(),
            "intra-period-length" => period_of_keyint(settings.keyint).to_value(),
            "lp" | "logical-processors" => settings.lp.to_value(),
            "tune" => settings.tune.to_value(),
            _ => settings.parameters.to_value(),
        }
    }
}

fn keyint_of_period(frames: i32) -> i32 {
    if frames < 0 {
        frames
    } else {
        frames.saturating_add(1)
    }
}

fn period_of_keyint(frames: i32) -> i32 {
    if frames < 0 {
        frames
    } else {
        frames.saturating_sub(1)
    }
}

fn properties() -> Vec<glib::ParamSpec> {
    let default = Settings::default();
    let int = |name: &str, blurb: &str, min: i32, max: i32, default: i32| {
        glib::ParamSpecInt::builder(name)
            .blurb(blurb)
            .minimum(min)
            .maximum(max)
            .default_value(default)
            .mutable_ready()
            .build()
    };
    let uint = |name: &str, blurb: &str, min: u32, max: u32, default: u32| {
        glib::ParamSpecUInt::builder(name)
            .blurb(blurb)
            .minimum(min)
            .maximum(max)
            .default_value(default)
            .mutable_ready()
            .build()
    };
    let text = |name: &str, blurb: &str| {
        glib::ParamSpecString::builder(name)
            .blurb(blurb)
            .mutable_ready()
            .build()
    };
    let period = period_of_keyint(default.keyint);
    vec![
        int(
            "preset",
            "Speed, 0 (slowest) to 13",
            0,
            PRESET_MAX,
            default.preset,
        ),
        uint(
            "crf",
            "Constant rate factor, counted in the levels of limited range",
            1,
            CRF_MAX,
            default.crf,
        ),
        int(
            "keyint",
            "Frames from one key frame to the next (-1 = first only, -2 = automatic)",
            KEYINT_AUTO,
            i32::MAX,
            default.keyint,
        ),
        int(
            "intra-period-length",
            "The same, counted as the frames between two key frames",
            KEYINT_AUTO,
            i32::MAX - 1,
            period,
        ),
        uint("lp", "Logical processors (0 = all)", 0, LP_MAX, default.lp),
        uint(
            "logical-processors",
            "The same as lp",
            0,
            LP_MAX,
            default.lp,
        ),
        uint(
            "tune",
            "0 = visual quality, 1 = PSNR",
            0,
            TUNE_MAX,
            default.tune,
        ),
        text(
            "parameters",
            "Further settings of the library, name=value:name=value",
        ),
        text("parameters-string", "The same as parameters"),
    ]
}

impl GstObjectImpl for SvtAv1Enc {}

impl ElementImpl for SvtAv1Enc {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "SVT-AV1 encoder",
                "Codec/Encoder/Video",
                "AV1 by libSvtAv1Enc",
                "recvault",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> =
            LazyLock::new(|| pad_templates().unwrap_or_default());
        &TEMPLATES
    }
}

/// Temporal units as they come; what else a muxer wants to know, `av1parse` reads out of them.
fn output_caps() -> gst::Caps {
    gst::Caps::builder("video/x-av1")
        .field("stream-format", "obu-stream")
        .field("alignment", "tu")
        .build()
}

fn pad_templates() -> Result<Vec<gst::PadTemplate>, glib::BoolError> {
    let sink = gst_video::VideoCapsBuilder::new()
        .format_list([
            gst_video::VideoFormat::I420,
            gst_video::VideoFormat::I42010le,
        ])
        .field(
            "width",
            gst::IntRange::<i32>::with_step(SIDE_MIN, WIDTH_MAX, 2),
        )
        .field(
            "height",
            gst::IntRange::<i32>::with_step(SIDE_MIN, HEIGHT_MAX, 2),
        )
        .build();
    let always = gst::PadPresence::Always;
    Ok(vec![
        gst::PadTemplate::new("sink", gst::PadDirection::Sink, always, &sink)?,
        gst::PadTemplate::new("src", gst::PadDirection::Src, always, &output_caps())?,
    ])
}

impl VideoEncoderImpl for SvtAv1Enc {
    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        locked(&self.session).take();
        Ok(())
    }

    fn set_format(
        &self,
        state: &gst_video::VideoCodecState<'static, gst_video::video_codec_state::Readable>,
    ) -> Result<(), gst::LoggableError> {
        // Frames of the caps before must leave under the caps before.
        self.drain()
            .map_err(|flow| gst::loggable_error!(LOG, "frames before new caps: {flow}"))?;
        let session = self.agree(state.info()).map_err(|refused| {
            gst::element_imp_error!(self, gst::LibraryError::Settings, ["{refused}"]);
            gst::loggable_error!(LOG, "{refused}")
        })?;
        *locked(&self.session) = Some(session);
        let element = self.obj();
        let output = element
            .set_output_state(output_caps(), Some(state))
            .map_err(|flow| gst::loggable_error!(LOG, "output state: {flow}"))?;
        element
            .negotiate(output)
            .map_err(|_| gst::loggable_error!(LOG, "downstream takes no AV1"))
    }

    fn handle_frame(
        &self,
        frame: gst_video::VideoCodecFrame,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut session = locked(&self.session)
            .take()
            .ok_or(gst::FlowError::NotNegotiated)?;
        let sent = session.send(&frame);
        // Gives up the frame; the base class keeps its own until its packet is pushed.
        drop(frame);
        let pushed = sent
            .map_err(|fault| self.fail(&fault))
            .and_then(|()| self.push_ready(&mut session));
        *locked(&self.session) = Some(session);
        pushed
    }

    fn finish(&self) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.drain()
    }

    fn flush(&self) -> bool {
        if let Some(session) = locked(&self.session).as_mut() {
            session.encoder = None;
        }
        true
    }

    fn propose_allocation(
        &self,
        query: &mut gst::query::Allocation,
    ) -> Result<(), gst::LoggableError> {
        // Planes are handed over wherever they lie, so nobody upstream needs to rearrange them.
        query.add_allocation_meta::<gst_video::VideoMeta>(None);
        self.parent_propose_allocation(query)
    }
}

impl SvtAv1Enc {
    /// What the library makes of these frames and the element's settings.
    fn agree(&self, frames: &gst_video::VideoInfo) -> Result<Session, SvtAv1Error> {
        let settings = locked(&self.settings).clone();
        let free = settings.free()?;
        let base = settings.base(frames, &free);
        encoder::check(&base, &free)?;
        Ok(Session {
            frames: frames.clone(),
            settings: [base, free].concat(),
            encoder: None,
        })
    }

    /// Ends the stream that is being encoded, if any, and pushes all of it.
    fn drain(&self) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(mut session) = locked(&self.session).take() else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let pushed = match session.encoder.as_mut() {
            Some(encoder) => encoder
                .send_end()
                .map_err(|fault| self.fail(&fault))
                .and_then(|()| self.push_ready(&mut session)),
            None => Ok(gst::FlowSuccess::Ok),
        };
        session.encoder = None;
        *locked(&self.session) = Some(session);
        pushed
    }

    /// Pushes every packet that is ready, or, after the end, every packet.
    fn push_ready(&self, session: &mut Session) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(encoder) = session.encoder.as_mut() else {
            return Ok(gst::FlowSuccess::Ok);
        };
        while let Some(packet) = encoder.receive().map_err(|fault| self.fail(&fault))? {
            self.push(packet)?;
        }
        Ok(gst::FlowSuccess::Ok)
    }

    /// Joins a packet to its frame, and thereby to that frame's times.
    fn push(&self, packet: Packet) -> Result<gst::FlowSuccess, gst::FlowError> {
        let element = self.obj();
        let number = packet.number();
        let frame = i32::try_from(number)
            .ok()
            .and_then(|number| element.frame(number));
        let Some(mut frame) = frame else {
            gst::element_imp_error!(
                self,
                gst::StreamError::Encode,
                ["SVT-AV1 gave a packet for frame {number}, which is not in work"]
            );
            return Err(gst::FlowError::Error);
        };
        if packet.is_key() {
            frame.set_flags(gst_video::VideoCodecFrameFlags::SYNC_POINT);
        }
        frame.set_output_buffer(gst::Buffer::from_mut_slice(packet.data().to_vec()));
        drop(packet);
        element.finish_frame(frame)
    }

    fn fail(&self, fault: &SvtAv1Error) -> gst::FlowError {
        gst::element_imp_error!(self, gst::StreamError::Encode, ["{fault}"]);
        gst::FlowError::Error
    }
}

impl Session {
    fn send(&mut self, frame: &gst_video::VideoCodecFrame<'_>) -> Result<(), SvtAv1Error> {
        let unreadable = || SvtAv1Error::Frame {
            number: frame.system_frame_number(),
        };
        let buffer = frame.input_buffer().ok_or_else(unreadable)?;
        let mapped = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &self.frames)
            .map_err(|_| unreadable())?;
        let bytes_per_sample = if self.frames.format_info().depth()[0] > 8 {
            2
        } else {
            1
        };
        let plane = |index: u32| -> Result<Plane<'_>, SvtAv1Error> {
            let stride = mapped.plane_stride().get(index as usize).copied();
            // Planes and components are the same three in I420.
            let samples = mapped.comp_width(index) as usize;
            Ok(Plane {
                data: mapped.plane_data(index).map_err(|_| unreadable())?,
                stride_bytes: stride
                    .and_then(|stride| usize::try_from(stride).ok())
                    .ok_or_else(unreadable)?,
                row_bytes: samples.saturating_mul(bytes_per_sample),
                rows: mapped.comp_height(index) as usize,
            })
        };
        let planes = [plane(0)?, plane(1)?, plane(2)?];
        let encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => Encoder::start(&self.settings)?,
        };
        self.encoder.insert(encoder).send(&Frame {
            planes,
            bytes_per_sample,
            number: frame.system_frame_number(),
            wants_key: frame
                .flags()
                .contains(gst_video::VideoCodecFrameFlags::FORCE_KEYFRAME),
        })
    }
}
