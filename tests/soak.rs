//! The long trials: `./x soak NAME`.

use crate::{killed, real};

/// 50 kills at random moments of nights over 2 s clips.
#[test]
#[ignore = "takes several minutes: ./x soak kill_fifty"]
fn kill_fifty() {
    for _ in 0..10 {
        killed::kill_trial(5, 12);
    }
}

/// The six-minute real recording.
#[test]
#[ignore = "takes a few minutes: ./x soak six_minutes"]
fn six_minutes() {
    real::night_over(1_000_000_000, |name| {
        name.ends_with("long_1080p_lowbitrate.mp4")
    });
}
