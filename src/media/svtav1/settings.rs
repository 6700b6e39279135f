//! The element's settings as the library takes them: names and values, both text.
//!
//! What follows from the frames (size, depth, rate, colour) comes from the caps alone. A free
//! parameter may override any other setting, but never those: the library reads as many bytes of a
//! frame as the size says.

use gstreamer_video as gst_video;

use super::error::SvtAv1Error;

/// The fastest preset of the library.
pub(super) const PRESET_MAX: i32 = 13;
pub(super) const CRF_MAX: u32 = 63;
/// The library decides, about five seconds.
pub(super) const KEYINT_AUTO: i32 = -2;
/// More than any machine has; the library caps it at what there is.
pub(super) const LP_MAX: u32 = 4096;
pub(super) const TUNE_MAX: u32 = 1;

/// Set by hand, these would contradict the frames, or ask for something that the element does not
/// hand over.
const RESERVED: &[&str] = &[
    "color-format",
    "compressed-ten-bit-format",
    "enable-force-key-frames",
    "forced-max-frame-height",
    "forced-max-frame-width",
    "fps-denom",
    "fps-num",
    "height",
    "input-depth",
    "pass",
    "use-q-file",
    "width",
];

/// With one of these the library refuses to have key frames asked for.
const WITHOUT_FORCED_KEYS: &[&str] = &["pred-struct", "rc"];

/// Frames per second that the library accepts.
const FPS_MAX: i32 = 240;
/// Taken where the caps name no usable rate. Timestamps never depend on it.
const FPS_UNKNOWN: (i32, i32) = (30, 1);

/// One setting: name and value.
pub(super) type Pair = (String, String);

/// What the element's properties say.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub preset: i32,
    pub crf: u32,
    /// Frames from one key frame to the next; 0 and -1 are one group, -2 lets the library choose.
    pub keyint: i32,
    /// Logical processors, 0 for all.
    pub lp: u32,
    pub tune: u32,
    /// Free parameters, `name=value:name=value`.
    pub parameters: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: 10,
            crf: 35,
            keyint: KEYINT_AUTO,
            lp: 0,
            tune: 1,
            parameters: String::new(),
        }
    }
}

impl Settings {
    /// The free parameters one by one, in their order.
    pub(super) fn free(&self) -> Result<Vec<Pair>, SvtAv1Error> {
        self.parameters
            .split(':')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(pair)
            .collect()
    }

    /// The constant rate factor that gives frames of this kind the quality that was asked for. Full
    /// range spreads the same light over 255/219 as many levels, and the quantiser counts levels:
    /// its step is as much wider two steps of the factor further up.
    fn crf_for(&self, frames: &gst_video::VideoInfo) -> u32 {
        let further = if is_full_range(frames) { 2 } else { 0 };
        (self.crf + further).min(CRF_MAX)
    }

    /// The settings that come before the free ones, for frames of this kind.
    pub(super) fn base(&self, frames: &gst_video::VideoInfo, free: &[Pair]) -> Vec<Pair> {
        let (fps_num, fps_denom) = usable_rate(frames.fps());
        let has = |names: &[&str]| free.iter().any(|(name, _)| names.contains(&name.as_str()));
        let mut pairs: Vec<Pair> = Vec::new();
        let mut set = |name: &str, value: i64| pairs.push((name.into(), value.to_string()));
        set("width", frames.width().into());
        set("height", frames.height().into());
        set("fps-num", fps_num.into());
        set("fps-denom", fps_denom.into());
        set("input-depth", frames.format_info().depth()[0].into());
        for (name, value) in colour(frames) {
            set(name, value.into());
        }
        set("preset", self.preset.into());
        set("crf", self.crf_for(frames).into());
        set("keyint", self.keyint.into());
        // A closed group begins with a key frame and refers to nothing outside itself.
        set("irefresh-type", 2);
        set("tune", self.tune.into());
        set("lp", self.lp.into());
        if !has(WITHOUT_FORCED_KEYS) {
            set("enable-force-key-frames", 1);
        }
        pairs
    }
}

/// `name=value:name=value`, for messages.
pub(super) fn joined(pairs: &[Pair]) -> String {
    let texts: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
    texts.join(":")
}

fn pair(text: &str) -> Result<Pair, SvtAv1Error> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() && !text.contains('\0') => {
            (name, value)
        }
        _ => return Err(SvtAv1Error::NotAPair { text: text.into() }),
    };
    if RESERVED.contains(&name) {
        return Err(SvtAv1Error::Reserved { name: name.into() });
    }
    // The library reads "240x" as if nothing had been said, and stays silent.
    if name == "keyint" && value.parse::<i32>().is_err() {
        return Err(SvtAv1Error::Parameter {
            name: name.into(),
            value: value.into(),
        });
    }
    Ok((name.into(), value.into()))
}

fn usable_rate(fps: gstreamer::Fraction) -> (i32, i32) {
    let (numer, denom) = (fps.numer(), fps.denom());
    let is_usable = denom > 0 && numer >= denom && numer / denom < FPS_MAX;
    if is_usable {
        (numer, denom)
    } else {
        FPS_UNKNOWN
    }
}

/// What the bitstream says of colour, in the numbers of ISO/IEC 23091-4; 2 is "unspecified".
fn colour(frames: &gst_video::VideoInfo) -> [(&'static str, u32); 5] {
    const UNSPECIFIED: u32 = 2;
    let colour = frames.colorimetry();
    let matrix = match colour.matrix() {
        // Identity is for RGB, and AV1 forbids it with 4:2:0.
        gst_video::VideoColorMatrix::Rgb => UNSPECIFIED,
        matrix => matrix.to_iso(),
    };
    let is_full = is_full_range(frames);
    let site = frames.chroma_site();
    let site = if site == gst_video::VideoChromaSite::MPEG2 {
        1
    } else if site == gst_video::VideoChromaSite::COSITED {
        2
    } else {
        0
    };
    [
        ("color-primaries", colour.primaries().to_iso()),
        ("transfer-characteristics", colour.transfer().to_iso()),
        ("matrix-coefficients", matrix),
        ("color-range", u32::from(is_full)),
        ("chroma-sample-position", site),
    ]
}

fn is_full_range(frames: &gst_video::VideoInfo) -> bool {
    frames.colorimetry().range() == gst_video::VideoColorRange::Range0_255
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn full_range_is_quantised_by_a_step_that_is_as_much_wider() {
        gstreamer::init().unwrap();
        let crf = |colorimetry: &str, asked: u32| {
            let frames = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 640, 480)
                .colorimetry(&colorimetry.parse().unwrap())
                .build()
                .unwrap();
            let settings = Settings {
                crf: asked,
                ..Settings::default()
            };
            let pairs = settings.base(&frames, &[]);
            pairs.into_iter().find(|(n, _)| n == "crf").unwrap().1
        };
        assert_eq!(crf("bt601", 38), "38");
        assert_eq!(crf("1:4:0:0", 38), "40");
        assert_eq!(crf("1:4:0:0", CRF_MAX), CRF_MAX.to_string());
    }
}
