//! Recorders, officers, assignments, and the question that they answer: who held it then?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Moment;

/// One recorder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its identifier, as the recorder writes it into file names.
    pub id: String,
    /// Maker and model; may be empty.
    #[serde(default)]
    pub model: String,
    /// The unit that it belongs to; may be empty.
    #[serde(default)]
    pub unit: String,
    /// What it cost, in hundredths of a yuan; what clause 4.9.3 reckons with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_fen: Option<u64>,
}

/// One officer. The name is personal data: an event holds only a commitment to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// The officer's number or code.
    pub id: String,
    /// Their name; may be empty.
    #[serde(default)]
    pub name: String,
    /// The unit that they belong to; may be empty.
    #[serde(default)]
    pub unit: String,
}

/// Who held which recorder, from `from` (inclusive) to `to` (exclusive).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The recorder.
    pub device: String,
    /// Its holder.
    pub officer: String,
    /// Since when.
    pub from: Moment,
    /// Until when; absent while they hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Moment>,
}

impl Assignment {
    /// Whether the officer held the recorder at `at`.
    #[must_use]
    pub fn covers(&self, at: Moment) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// Whether there is an instant at which both say who held the same recorder.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| a.to.is_some_and(|to| to <= b.from);
        self.device == other.device && !before(self, other) && !before(other, self)
    }
}

/// Two assignments of one recorder at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The one that began first.
    pub first: Assignment,
    /// The other.
    pub second: Assignment,
}

/// Who held a recorder during a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding<'a> {
    /// Nobody, as far as the register knows.
    Nobody,
    /// One officer for the whole of it.
    Whole(&'a Assignment),
    /// Several in turn, or one for a part of it; in the order of time.
    Parts(Vec<&'a Assignment>),
}

/// The register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Recorders by identifier.
    pub(super) devices: BTreeMap<String, Device>,
    /// Officers by identifier.
    pub(super) officers: BTreeMap<String, Officer>,
    /// By recorder, then by when the assignment began.
    pub(super) assignments: BTreeMap<String, BTreeMap<Moment, Assignment>>,
}

impl Register {
    /// The recorder of this identifier.
    #[must_use]
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.devices.get(id)
    }

    /// The officer of this identifier.
    #[must_use]
    pub fn officer(&self, id: &str) -> Option<&Officer> {
        self.officers.get(id)
    }

    /// All recorders, by identifier.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values()
    }

    /// All officers, by identifier.
    pub fn officers(&self) -> impl Iterator<Item = &Officer> {
        self.officers.values()
    }

    /// All assignments, by recorder and then by time.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.values().flat_map(BTreeMap::values)
    }

    /// The assignments of one recorder, in the order of time.
    pub fn assignments_of<'a>(
        &'a self,
        device: &str,
    ) -> impl Iterator<Item = &'a Assignment> + use<'a> {
        self.assignments
            .get(device)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Who held the recorder at `at`.
    #[must_use]
    pub fn holder(&self, device: &str, at: Moment) -> Option<&Assignment> {
        // The last that began is the only one that can cover it: none overlap.
        let (_, last) = self.assignments.get(device)?.range(..=at).next_back()?;
        last.covers(at).then_some(last)
    }

    /// Who held the recorder from `from` to `to`, both included.
    #[must_use]
    pub fn holder_over(&self, device: &str, from: Moment, to: Moment) -> Holding<'_> {
        let (from, to) = (from.min(to), from.max(to));
        let Some(all) = self.assignments.get(device) else {
            return Holding::Nobody;
        };
        let earlier = all.range(..from).next_back().map(|(_, a)| a);
        let touching: Vec<&Assignment> = earlier
            .into_iter()
            .chain(all.range(from..=to).map(|(_, a)| a))
            .filter(|a| a.to.is_none_or(|end| end > from))
            .collect();
        match touching[..] {
            [] => Holding::Nobody,
            [one] if one.covers(from) && one.covers(to) => Holding::Whole(one),
            _ => Holding::Parts(touching),
        }
    }

    /// The recorders that an officer held at `at`, by identifier.
    #[must_use]
    pub fn held_by(&self, officer: &str, at: Moment) -> Vec<&Assignment> {
        let held = self
            .assignments
            .keys()
            .filter_map(|device| self.holder(device, at));
        held.filter(|a| a.officer == officer).collect()
    }

    /// Every two assignments of one recorder that share an instant. Empty for every register that
    /// only [`super::plan_import`] ever changed.
    #[must_use]
    pub fn overlaps(&self) -> Vec<Overlap> {
        let mut out = Vec::new();
        for of_one in self.assignments.values() {
            // The one that reaches furthest so far is what the next can overlap.
            let mut furthest: Option<&Assignment> = None;
            for next in of_one.values() {
                if let Some(first) = furthest.filter(|f| f.overlaps(next)) {
                    out.push(Overlap {
                        first: first.clone(),
                        second: next.clone(),
                    });
                }
                let end = |a: &Assignment| a.to.unwrap_or(Moment::from_ms(i64::MAX));
                if furthest.is_none_or(|f| end(f) < end(next)) {
                    furthest = Some(next);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Change, apply};

    fn register(spans: &[(&str, i64, Option<i64>)]) -> Register {
        let mut register = Register::default();
        for (officer, from, to) in spans {
            let assignment = Assignment {
                device: "A1".into(),
                officer: (*officer).into(),
                from: Moment::from_s(*from),
                to: to.map(Moment::from_s),
            };
            apply(&mut register, &Change::AssignmentAdded(assignment));
        }
        register
    }

    #[test]
    fn the_holder_is_known_to_the_instant_of_a_handover() {
        let register = register(&[("x", 10, Some(20)), ("y", 20, Some(30)), ("x", 40, None)]);
        for (at, expected) in [
            (9, ""),
            (10, "x"),
            (19, "x"),
            (20, "y"),
            (29, "y"),
            (30, ""),
            (40, "x"),
            (9_999, "x"),
        ] {
            let holder = register.holder("A1", Moment::from_s(at));
            assert_eq!(holder.map_or("", |a| &a.officer), expected, "at {at}");
        }
        assert_eq!(register.holder("A2", Moment::from_s(10)), None);
        assert_eq!(register.held_by("x", Moment::from_s(50)).len(), 1);
        assert_eq!(register.held_by("y", Moment::from_s(50)).len(), 0);
        assert_eq!(register.overlaps(), []);
    }

    #[test]
    fn a_span_has_one_holder_only_if_they_held_it_throughout() {
        let register = register(&[("x", 10, Some(20)), ("y", 20, Some(30)), ("x", 40, None)]);
        let cases: [(i64, i64, &[&str], bool); 9] = [
            (10, 19, &["x"], true),
            (19, 10, &["x"], true),
            (10, 20, &["x", "y"], false),
            (5, 15, &["x"], false),
            (25, 45, &["y", "x"], false),
            (30, 39, &[], false),
            (0, 9, &[], false),
            (15, 45, &["x", "y", "x"], false),
            (50, 99, &["x"], true),
        ];
        for (from, to, officers, whole) in cases {
            let held = register.holder_over("A1", Moment::from_s(from), Moment::from_s(to));
            let (found, is_whole): (Vec<&str>, bool) = match &held {
                Holding::Nobody => (vec![], false),
                Holding::Whole(a) => (vec![&a.officer], true),
                Holding::Parts(all) => (all.iter().map(|a| a.officer.as_str()).collect(), false),
            };
            assert_eq!((&found[..], is_whole), (officers, whole), "{from} to {to}");
        }
    }

    #[test]
    fn overlaps_are_found_behind_a_long_one() {
        let register = register(&[("x", 10, Some(100)), ("y", 20, Some(30)), ("z", 50, None)]);
        let found: Vec<_> = register
            .overlaps()
            .into_iter()
            .map(|o| (o.first.officer, o.second.officer))
            .collect();
        assert_eq!(
            found,
            [("x".into(), "y".into()), ("x".into(), String::from("z"))]
        );
    }
}
