//! Which other recordings a person may want to class as well: those of the same unit at the same
//! time, and those that their wearer marked. Nothing is changed by it.

use super::{Store, StoreError};
use crate::{
    base::{Moment, RecordingId},
    index::{Direction, Filter, Page},
    recording::{Record, Source, attribution::START_TOLERANCE_MS},
    registry::Register,
    retention::{Clause, propose},
};

/// Beginnings so far before are looked at: no recorder's battery lasts longer.
const LOOK_BACK_MS: i64 = 24 * 3_600_000;

/// Recordings of one day that are looked at; an office has hundreds.
const LOOKED_AT_MAX: usize = 10_000;

impl Store {
    /// What a recording that was just classed under `clause` proposes for others.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn proposals(
        &self,
        id: RecordingId,
        clause: Clause,
    ) -> Result<Vec<propose::Proposal>, StoreError> {
        let register = self.register();
        let Some(classed) = self.record(id)?.and_then(|r| presence(&r, &register)) else {
            return Ok(Vec::new());
        };
        let filter = Filter {
            from: Some(classed.start.plus_ms(-LOOK_BACK_MS)),
            to: Some(classed.end.plus_ms(START_TOLERANCE_MS + 1)),
            ..Filter::default()
        };
        let page = Page {
            after: None,
            limit: LOOKED_AT_MAX,
            direction: Direction::Forward,
        };
        let mut others = Vec::new();
        for record in self.list(&filter, &page)?.records {
            let standing = self.keeping(record.id)?.standing;
            let has = standing
                .clauses()
                .any(|(own, raised)| own == clause && raised.lowering.is_none());
            if record.state.is_there() && !has {
                others.extend(presence(&record, &register));
            }
        }
        Ok(propose::overlapping(&classed, clause, &others))
    }

    /// What a recording that is classed under no clause proposes for itself.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn proposes_itself(&self, record: &Record) -> Result<Vec<propose::Proposal>, StoreError> {
        let standing = self.keeping(record.id)?.standing;
        if standing.clauses().next().is_some() || !record.state.is_there() {
            return Ok(Vec::new());
        }
        Ok(propose::of_itself(record.id, &record.attribution, false))
    }
}

/// Where and when it was made, if it is known when.
fn presence(record: &Record, register: &Register) -> Option<propose::Presence> {
    let attribution = &record.attribution;
    let start = attribution.started_at.as_ref()?;
    if start.source == Source::FileTime {
        return None;
    }
    let length_ms = record.media.as_ref().map_or(0, |m| m.presented_ms.max(0));
    let said: Option<Moment> = attribution.ended_at.as_ref().map(|v| v.value);
    let device = attribution
        .device
        .as_ref()
        .and_then(|d| register.device(&d.value));
    Some(propose::Presence {
        id: record.id,
        unit: device
            .map(|d| d.unit.clone())
            .filter(|unit| !unit.is_empty()),
        start: start.value,
        end: said.unwrap_or_default().max(start.value.plus_ms(length_ms)),
    })
}
