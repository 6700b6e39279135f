//! Timestamps that start again in the middle of a file, as a recorder writes them that was switched
//! off and on, or a station that joined two files: a decoder would throw everything behind such a
//! place away, because it came too late. The rest is moved to where the first part ended.

use gstreamer as gst;

use crate::{
    base::text::duration_human,
    recording::{Finding, FindingKind, Span},
};

/// Going back by less than this is the order in which pictures are coded, not a new beginning.
const BACK_NS_MIN: u64 = 2_000_000_000;

/// Follows the packets of one track.
#[derive(Debug, Default)]
pub(super) struct PacketClock {
    /// What is added to every timestamp by now.
    pub(super) offset_ns: u64,
    end_ns: u64,
}

impl PacketClock {
    /// Looks at the next packet; gives where it now stands.
    pub(super) fn place(&mut self, told_ns: Option<u64>, length_ns: Option<u64>) -> u64 {
        let Some(told) = told_ns else {
            return self.end_ns;
        };
        if told
            .saturating_add(self.offset_ns)
            .saturating_add(BACK_NS_MIN)
            < self.end_ns
        {
            self.offset_ns = self.end_ns.saturating_sub(told);
        }
        let begin = told.saturating_add(self.offset_ns);
        self.end_ns = self
            .end_ns
            .max(begin.saturating_add(length_ns.unwrap_or(0)));
        begin
    }

    /// Moves a packet.
    pub(super) fn mend(&self, buffer: &mut gst::Buffer) {
        if self.offset_ns == 0 {
            return;
        }
        let moved = |t: Option<gst::ClockTime>| {
            t.map(|t| gst::ClockTime::from_nseconds(t.nseconds().saturating_add(self.offset_ns)))
        };
        let (pts, dts) = (moved(buffer.pts()), moved(buffer.dts()));
        let buffer = buffer.make_mut();
        buffer.set_pts(pts);
        buffer.set_dts(dts);
    }
}

/// The sentence for a place where timestamps begin again.
pub(super) fn went_back(by_ns: u64, place_ns: u64) -> Finding {
    let ms = |ns: u64| i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX);
    Finding::new(
        FindingKind::TimeJump,
        format!(
            "The timestamps go back by {}; what follows is presented behind what came before.",
            duration_human(ms(by_ns))
        ),
    )
    .at(Span::at(ms(place_ns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_beginning_is_put_behind_the_end_and_reordering_is_left_alone() {
        let s = |n: u64| n * 1_000_000_000;
        let mut clock = PacketClock::default();
        let told = [0, s(1), s(3), s(2), s(4), 0, s(1), s(9)];
        let placed: Vec<u64> = told
            .into_iter()
            .map(|t| clock.place(Some(t), Some(s(1))))
            .collect();
        assert_eq!(placed, [0, s(1), s(3), s(2), s(4), s(5), s(6), s(14)]);
        assert_eq!(clock.offset_ns, s(5));
    }
}
