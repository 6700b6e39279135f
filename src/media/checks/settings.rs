//! When a check speaks. Each default says why it is what it is; where ffmpeg's `blackdetect`,
//! `freezedetect` and `silencedetect` have the same knob, the default is theirs.

use serde::{Deserialize, Serialize};

/// Thresholds of the checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckSettings {
    /// A pixel is dark up to this share of full light, in thousandths. 100 is `blackdetect`'s
    /// 0.10: above what a covered lens gives through noise, below what a street at night has.
    pub black_pixel_permille: u32,
    /// A picture is black while at most this many of a thousand pixels are brighter. 20 is
    /// `blackdetect`'s 0.98: a recorder's own white time stamp on a covered lens is allowed for.
    pub black_bright_permille: u32,
    /// … and while its mean is at most this share of full light, in thousandths. 120 is what the
    /// two rules above allow at the utmost; lower it to tell dark rooms from covered lenses.
    pub black_mean_permille: u32,
    /// Black for at least this long, in milliseconds. Shorter is a hand before the lens.
    pub black_ms_min: i64,
    /// A picture is frozen while it differs from the one that the stretch began with by at most
    /// this, in thousandths of a luma level per pixel. 255 is `freezedetect`'s −60 dB: a sensor's
    /// own noise is several times that, rounding in a codec a fraction of it.
    pub frozen_difference_milli: u32,
    /// Frozen for at least this long, in milliseconds. Shorter happens when a card is slow.
    pub frozen_ms_min: i64,
    /// Sound is silent below this many decibels under full scale. 60 is `silencedetect`'s
    /// default: a working microphone in a quiet room gives some 10 dB more.
    pub silent_below_dbfs: f64,
    /// Silent for at least this long, in milliseconds. Between two sentences it is quiet, too,
    /// but not for five seconds and not on a body that breathes.
    pub silent_ms_min: i64,
    /// A recording may begin with this much silence, in milliseconds: recorders keep the picture of the
    /// moments before their button was pressed, and not the sound. 0 where they do not.
    pub silent_begin_ms: i64,
    /// Sound is clipped while at least this many of a thousand samples are as loud as can be written
    /// (within 0.13 dB). 30: what is merely loud touches it now and then, a wave that is cut off stays there.
    pub clipped_permille: u32,
    /// Clipped for at least this long, in milliseconds. Shorter is a blow against the microphone.
    pub clipped_ms_min: i64,
    /// Stretches with at most this much between them are one, in milliseconds: a flicker or a
    /// click in the middle is not worth a second line in a report.
    pub merge_ms: i64,
    /// A gap between frames is a jump when longer than this, in milliseconds: a recorder that
    /// cuts its files drops some frames, and nobody needs to look at less than a second …
    pub jump_ms_min: i64,
    /// … and longer than this many usual distances: time lapse has long distances by nature.
    pub jump_distances: i64,
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self {
            black_pixel_permille: 100,
            black_bright_permille: 20,
            black_mean_permille: 120,
            black_ms_min: 2_000,
            frozen_difference_milli: 255,
            frozen_ms_min: 2_000,
            silent_below_dbfs: -60.0,
            silent_ms_min: 5_000,
            silent_begin_ms: 0,
            clipped_permille: 30,
            clipped_ms_min: 2_000,
            merge_ms: 200,
            jump_ms_min: 1_000,
            jump_distances: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_setting_may_be_left_out_but_not_misspelt() {
        let some: CheckSettings = serde_json::from_str(r#"{"black_ms_min": 500}"#).unwrap();
        assert_eq!(
            some,
            CheckSettings {
                black_ms_min: 500,
                ..CheckSettings::default()
            }
        );
        assert!(serde_json::from_str::<CheckSettings>(r#"{"blakc_ms_min": 500}"#).is_err());
    }
}
