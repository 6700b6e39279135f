//! Stretches of a condition: when it begins, when it ends, short ones dropped, neighbours joined.

use crate::{
    base::{limits, text::duration_human},
    recording::{Finding, FindingKind, Span},
};

/// A stretch in which a condition held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From the beginning of its first part to the end of its last.
    pub span: Span,
    /// Moments in between in which the condition did not hold.
    pub interruptions: usize,
}

/// Collects the stretches in which a condition holds. Fed in the order of time.
#[derive(Clone, Debug)]
pub struct Stretches {
    length_ms_min: i64,
    merge_ms: i64,
    open: Option<Span>,
    closed: Vec<Stretch>,
    /// Stretches beyond the limit, which are only counted.
    more: usize,
}

impl Stretches {
    /// Collects stretches of at least `length_ms_min`; such that are `merge_ms` apart or less
    /// become one. Shorter ones are dropped first: otherwise a camera that repeats every second
    /// frame would be frozen all day.
    #[must_use]
    pub fn new(length_ms_min: i64, merge_ms: i64) -> Self {
        Self {
            length_ms_min,
            merge_ms,
            open: None,
            closed: Vec::new(),
            more: 0,
        }
    }

    /// The condition holds, or does not, over `span`. A hole in time also ends a stretch.
    pub fn push(&mut self, holds: bool, span: Span) {
        let hole = self
            .open
            .is_some_and(|o| span.begin_ms.saturating_sub(o.end_ms) > self.merge_ms);
        if !holds || hole {
            self.close();
        }
        if holds {
            let open = self.open.get_or_insert(Span::at(span.begin_ms));
            open.end_ms = open.end_ms.max(span.end_ms);
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.len_ms() < self.length_ms_min {
            return;
        }
        let room = self.closed.len() < limits::FINDINGS_MAX;
        match self.closed.last_mut() {
            Some(last) if open.begin_ms.saturating_sub(last.span.end_ms) <= self.merge_ms => {
                last.span.end_ms = last.span.end_ms.max(open.end_ms);
                last.interruptions = last.interruptions.saturating_add(1);
            }
            _ if room => self.closed.push(Stretch {
                span: open,
                interruptions: 0,
            }),
            _ => self.more = self.more.saturating_add(1),
        }
    }

    /// Closes what is open and gives all stretches in order, and how many more there were than
    /// are kept. A stretch still open at the end reaches up to `end_ms` when it came within the
    /// merging distance of it.
    #[must_use]
    pub fn finish(mut self, end_ms: i64) -> (Vec<Stretch>, usize) {
        if let Some(open) = &mut self.open
            && end_ms.saturating_sub(open.end_ms) <= self.merge_ms
        {
            open.end_ms = open.end_ms.max(end_ms);
        }
        self.close();
        (self.closed, self.more)
    }
}

/// Stretches as findings: `subject` is black, `from beginning to end` where a stretch covers all
/// of `whole` but for a hundredth at each end.
pub(super) fn tell(
    kind: FindingKind,
    subject: &str,
    stretches: &[Stretch],
    more: usize,
    whole: Span,
) -> Vec<Finding> {
    let tell_one = |s: &Stretch| {
        let length = if is_whole(s.span, whole) {
            "from beginning to end".to_owned()
        } else {
            format!("for {}", duration_human(s.span.len_ms()))
        };
        let but = match s.interruptions {
            0 => String::new(),
            1 => ", but for one moment".to_owned(),
            n => format!(", but for {n} moments"),
        };
        Finding::new(kind, format!("{subject} {length}{but}.")).at(s.span)
    };
    let mut findings: Vec<Finding> = stretches.iter().map(tell_one).collect();
    if more > 0 {
        let text = format!(
            "{more} more stretches in which this is so: {}.",
            subject.to_lowercase()
        );
        findings.push(Finding::new(FindingKind::TooMany, text));
    }
    findings
}

fn is_whole(span: Span, whole: Span) -> bool {
    let slack = whole.len_ms() / 100;
    span.begin_ms <= whole.begin_ms.saturating_add(slack)
        && span.end_ms >= whole.end_ms.saturating_sub(slack)
}

/// Milliseconds of `span` that `others` cover, where those do not overlap each other.
pub(super) fn covered_ms(span: Span, others: &[Stretch]) -> i64 {
    let shared = |o: &Stretch| {
        let (begin_ms, end_ms) = (
            span.begin_ms.max(o.span.begin_ms),
            span.end_ms.min(o.span.end_ms),
        );
        Span { begin_ms, end_ms }.len_ms()
    };
    others.iter().map(shared).fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(begin_ms: i64, end_ms: i64) -> Span {
        Span { begin_ms, end_ms }
    }

    /// Feeds steps of 100 ms, one for each character; `#` holds. Begin, end, interruptions.
    fn found(pattern: &str) -> Vec<(i64, i64, usize)> {
        let mut stretches = Stretches::new(500, 200);
        for (i, c) in (0..).zip(pattern.chars()) {
            stretches.push(c == '#', span(i * 100, i * 100 + 100));
        }
        let (found, _) = stretches.finish(pattern.len() as i64 * 100);
        found
            .iter()
            .map(|s| (s.span.begin_ms, s.span.end_ms, s.interruptions))
            .collect()
    }

    #[test]
    fn short_stretches_are_dropped_and_neighbours_joined() {
        for (pattern, expected) in [
            ("", vec![]),
            ("####", vec![]),
            ("#####", vec![(0, 500, 0)]),
            ("..#####....", vec![(200, 700, 0)]),
            ("#####..#####.#####", vec![(0, 1_800, 2)]),
            ("#####...#####", vec![(0, 500, 0), (800, 1_300, 0)]),
            ("###.###.###.###", vec![]),
            ("####.", vec![]),
        ] {
            assert_eq!(found(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_stretch_reaches_the_end_when_it_came_near_and_ends_at_a_hole() {
        for (second_at, end, expected) in [
            (600, 1_300, vec![(0, 1_300, 0)]),
            (600, 1_301, vec![(0, 1_100, 0)]),
            (900, 1_400, vec![(0, 600, 0), (900, 1_400, 0)]),
        ] {
            let mut stretches = Stretches::new(500, 200);
            stretches.push(true, span(0, 600));
            stretches.push(true, span(second_at, second_at + 500));
            let (found, _) = stretches.finish(end);
            let found: Vec<_> = found
                .iter()
                .map(|s| (s.span.begin_ms, s.span.end_ms, s.interruptions))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_stretch_is_one_sentence() {
        let s = |a, b, interruptions| Stretch {
            span: span(a, b),
            interruptions,
        };
        let told = tell(
            FindingKind::VideoBlack,
            "The picture is black",
            &[s(0, 10_000, 0), s(5, 9_950, 2), s(2_000, 4_500, 1)],
            3,
            span(0, 10_000),
        );
        let texts: Vec<_> = told.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "The picture is black from beginning to end.",
                "The picture is black from beginning to end, but for 2 moments.",
                "The picture is black for 2.5 s, but for one moment.",
                "3 more stretches in which this is so: the picture is black.",
            ]
        );
    }

    #[test]
    fn the_number_kept_is_bounded_and_the_rest_counted() {
        let mut stretches = Stretches::new(0, 0);
        for i in 0..1_500 {
            stretches.push(true, span(i * 10, i * 10 + 1));
        }
        let (kept, more) = stretches.finish(0);
        assert_eq!((kept.len(), more), (1_000, 500));
    }

    proptest! {
        /// In any order, with any numbers: every stretch is long enough, and nothing panics.
        #[test]
        fn any_input_gives_long_stretches(steps in proptest::collection::vec((any::<bool>(), any::<i64>(), any::<i64>()), 0..40)) {
            let mut stretches = Stretches::new(10, 5);
            for (holds, a, b) in steps {
                stretches.push(holds, span(a, b));
            }
            let (found, more) = stretches.finish(i64::MAX);
            prop_assert_eq!(more, 0);
            prop_assert!(found.iter().all(|s| s.span.len_ms() >= 10));
            tell(FindingKind::VideoBlack, "It is black", &found, more, span(i64::MIN, i64::MAX));
        }
    }
}
