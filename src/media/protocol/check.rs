//! What any honest worker says, and nothing beyond it.

use super::{
    CODES_MAX, Message, ProtocolError, SHEET_CELLS_MAX, TEXT_CHARS_MAX, TRACKS_MAX, VERSION,
};
use crate::{
    base::limits::TIMELINE_POINTS_MAX,
    custody::request::DISCLOSED_MAX,
    proof::STRETCHES_MAX,
    recording::{Claim, Field, MediaInfo, Source},
};

/// Two weeks of a core, more than a worker may take.
const CPU_MS_MAX: u64 = 14 * 24 * 3_600 * 1_000;

/// A worker knows nothing but what the container says, and of that only when it began.
const fn is_of_container(claim: &Claim) -> bool {
    matches!(claim.source, Source::Container) && matches!(claim.field, Field::StartedAt(_))
}

/// Whether a message is within what any honest worker says.
///
/// # Errors
/// [`ProtocolError::OutOfBounds`] names the field.
pub fn check_message(message: &Message) -> Result<(), ProtocolError> {
    let bad = |what| Err(ProtocolError::OutOfBounds(what));
    let text_fits = |s: &str| s.len() <= TEXT_CHARS_MAX.saturating_mul(4);
    let media_fits = |m: &MediaInfo| {
        m.tracks.len() <= TRACKS_MAX
            && text_fits(&m.container)
            && m.tracks.iter().all(|t| text_fits(&t.codec))
            && m.device_hint.as_deref().is_none_or(text_fits)
            && m.presented_ms >= 0
            // Which recording it went by is for the parent to know.
            && (m.salvage.as_ref()).is_none_or(|s| s.recovered_ms >= 0 && s.reference.is_none() && s.shape.is_none())
    };
    match message {
        Message::Hello { version } if *version != VERSION => bad("version"),
        Message::Opened(o) if !media_fits(&o.media) => bad("opened.media"),
        Message::Opened(o) if o.claims.len() > 16 || !o.claims.iter().all(is_of_container) => {
            bad("opened.claims")
        }
        Message::Finding(f) if !text_fits(&f.text) => bad("finding.text"),
        Message::Finding(f) if f.at.is_some_and(|s| s.end_ms < s.begin_ms) => bad("finding.at"),
        Message::Done(d) if !media_fits(&d.media) => bad("done.media"),
        Message::Done(d)
            if d.timeline.luma.len().max(d.timeline.level.len()) > TIMELINE_POINTS_MAX =>
        {
            bad("done.timeline")
        }
        Message::Done(d)
            if d.rendition
                .is_some_and(|r| r.duration_ms < 0 || r.width > 32_768 || r.height > 32_768) =>
        {
            bad("done.rendition")
        }
        Message::Done(d) if d.made_with.len() > 32 || !d.made_with.iter().all(|s| text_fits(s)) => {
            bad("done.made_with")
        }
        Message::Done(d) if d.cpu_ms > CPU_MS_MAX => bad("done.cpu_ms"),
        Message::Verified(v) if v.duration_ms < 0 => bad("verified.duration_ms"),
        Message::Verified(v) if v.cpu_ms > CPU_MS_MAX => bad("verified.cpu_ms"),
        Message::Sheet(s) if !(1..=SHEET_CELLS_MAX).contains(&s.cells) => bad("sheet.cells"),
        Message::Traced(t)
            if t.codes.len() > CODES_MAX || t.codes.iter().any(|c| c.frames > t.frames) =>
        {
            bad("traced.codes")
        }
        Message::Excerpt(e)
            if e.chunks.len() > STRETCHES_MAX || e.discloses.len() > DISCLOSED_MAX =>
        {
            bad("excerpt")
        }
        Message::Likeness(l) if !(0.0..=1.0).contains(&l.ssim) => bad("likeness.ssim"),
        Message::Shape(s) if !s.fits() => bad("shape"),
        Message::Capabilities(c) if c.containment.missing.len() > 16 => bad("containment"),
        Message::Fault(f) if !text_fits(&f.text) || !text_fits(&f.element) => bad("fault.text"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        base::Moment,
        media::protocol::{Done, Likeness, Opened, Verified},
        recording::{
            Salvage, SalvageMethod, TrackKind,
            salvage::{DISPLAY_BYTES, ENTRY_BYTES_MAX, Shape, TrackShape},
        },
    };

    #[test]
    fn a_worker_is_believed_nothing_but_when_the_container_says_that_it_began() {
        let opened = |field, source| {
            let claims = vec![Claim { field, source }];
            Message::Opened(Box::new(Opened {
                claims,
                ..Opened::default()
            }))
        };
        let began = Field::StartedAt(Moment::default());
        assert!(check_message(&opened(began.clone(), Source::Container)).is_ok());
        for source in [
            Source::Correction,
            Source::Sidecar,
            Source::FileName(1),
            Source::Register,
        ] {
            assert!(check_message(&opened(began.clone(), source)).is_err());
        }
        let officer = Field::Officer("1003".into());
        assert!(check_message(&opened(officer, Source::Container)).is_err());
    }

    #[test]
    fn which_recording_an_index_was_made_after_is_not_for_a_worker_to_say() {
        let honest = Salvage {
            method: SalvageMethod::Reference,
            reference: None,
            shape: None,
            recovered_ms: 1,
            lost_bytes: Some(1),
        };
        let done = |salvage: Salvage| {
            let mut done = Done::default();
            done.media.salvage = Some(salvage);
            check_message(&Message::Done(Box::new(done)))
        };
        assert!(done(honest.clone()).is_ok());
        let id = crate::base::RecordingId::new([7; 10]);
        for lie in [
            Salvage {
                reference: Some(id),
                ..honest.clone()
            },
            Salvage {
                shape: Some(Shape::default()),
                ..honest.clone()
            },
            Salvage {
                recovered_ms: -1,
                ..honest
            },
        ] {
            assert!(done(lie.clone()).is_err(), "{lie:?}");
        }
        let track = |entry: usize, display: usize| TrackShape {
            kind: TrackKind::Video,
            entry: vec![0; entry],
            timescale: 1,
            step: 1,
            largest: 1,
            display: vec![0; display],
        };
        let shape = |tracks: Vec<TrackShape>| {
            let shape = Shape { tracks, others: 0 };
            check_message(&Message::Shape(Box::new(shape))).is_ok()
        };
        let (entry, display) = (ENTRY_BYTES_MAX, DISPLAY_BYTES);
        assert!(shape(vec![track(entry, display); 2]));
        assert!(!shape(vec![track(entry, display); 3]));
        assert!(!shape(vec![track(entry + 1, display)]));
        assert!(!shape(vec![track(entry, display - 1)]));
        for (ssim, good) in [(0.0, true), (1.0, true), (1.1, false), (f64::NAN, false)] {
            let said = Message::Likeness(Likeness { frames: 1, ssim });
            assert_eq!(check_message(&said).is_ok(), good, "{ssim}");
        }
    }

    #[test]
    fn no_number_is_beyond_what_can_be_added_up() {
        let done = |cpu_ms| {
            Message::Done(Box::new(Done {
                cpu_ms,
                ..Done::default()
            }))
        };
        let verified = |cpu_ms| {
            Message::Verified(Box::new(Verified {
                cpu_ms,
                ..Verified::default()
            }))
        };
        for (said, good) in [
            (CPU_MS_MAX, true),
            (CPU_MS_MAX + 1, false),
            (u64::MAX, false),
        ] {
            assert_eq!(check_message(&done(said)).is_ok(), good, "{said}");
            assert_eq!(check_message(&verified(said)).is_ok(), good, "{said}");
        }
    }
}
