//! Corrections that people sign for: whose recording it is, and when it began. What sources said
//! stands in the events before; from here on the correction stands, stronger than any of them.
//!
//! - The rendition with the wrong band is superseded and stays until disposal; the next night looks
//!   at the recording anew and makes the right one.
//! - A promise only ever rises, so that no correction brings an earlier date than was promised.
//! - Device and officer must be in the register: a correction ends doubt and does not add to it.

use super::{Proposal, Refusal, StoreError, conflicts};
use crate::{
    base::RecordingId,
    custody::Statement,
    event::What,
    media::checks::clock_suspect,
    recording::{Attribution, Finding, FindingKind, Record, Source, Value},
    registry::Register,
};

/// Corrects recorder or officer.
pub(super) fn attribute(
    proposal: &mut Proposal<'_>,
    statement: &Statement,
    id: RecordingId,
) -> Result<Vec<String>, StoreError> {
    let record = there(proposal, id)?;
    let register = proposal.register().clone();
    let (device, officer) = (statement.field("device"), statement.field("officer"));
    if device.is_none() && officer.is_none() {
        return Err(Refusal::CorrectsNothing(id).into());
    }
    let mut attribution = record.attribution.clone();
    if let Some(device) = device {
        if register.device(device).is_none() {
            return Err(Refusal::NotRegistered("recorder", device.to_owned()).into());
        }
        attribution.device = corrected(device.to_owned());
        // Who wore the right recorder then, by the register; what was said of the wrong one goes.
        let by_register = |v: &Value<String>| v.source == Source::Register;
        if attribution.officer.as_ref().is_none_or(by_register) {
            attribution.officer = holder(&register, &attribution);
        }
    }
    if let Some(officer) = officer {
        if register.officer(officer).is_none() {
            return Err(Refusal::NotRegistered("officer", officer.to_owned()).into());
        }
        attribution.officer = corrected(officer.to_owned());
    }
    let said = format!(
        "Recording {id} is of recorder {}, officer {}.",
        named(attribution.device.as_ref()),
        named(attribution.officer.as_ref())
    );
    correct(proposal, statement, record, attribution, &register, said)
}

/// Corrects when it began, and with it when it ended.
pub(super) fn retime(
    proposal: &mut Proposal<'_>,
    statement: &Statement,
    id: RecordingId,
) -> Result<Vec<String>, StoreError> {
    let record = there(proposal, id)?;
    let start = statement.moment("start").unwrap_or_default();
    // What was seen in the inbox had begun before, and no clock may name the future.
    if clock_suspect(start, record.admitted_at).is_some() || start > proposal.now() {
        return Err(Refusal::NoSuchStart(start).into());
    }
    let mut attribution = record.attribution.clone();
    let before = attribution.started_at.as_ref().map(|v| v.value);
    let shift = before.map_or(0, |before| start.ms_since(before));
    attribution.started_at = corrected(start);
    if let Some(end) = attribution.ended_at.take() {
        attribution.ended_at = corrected(end.value.plus_ms(shift).max(start));
    }
    let register = proposal.register().clone();
    let said = format!("Recording {id} began at {start}.");
    correct(proposal, statement, record, attribution, &register, said)
}

fn correct(
    proposal: &mut Proposal<'_>,
    statement: &Statement,
    record: Record,
    mut attribution: Attribution,
    register: &Register,
    said: String,
) -> Result<Vec<String>, StoreError> {
    if attribution == record.attribution {
        return Err(Refusal::CorrectsNothing(record.id).into());
    }
    let findings = still_true(&record, &attribution, register);
    // Sealed at admission, where it stays.
    if let Some(remark) = &mut attribution.remark {
        remark.value.clear();
    }
    let mut done = vec![said];
    if record.is_looked_at() {
        done.push("The next night looks at it anew and makes its rendition again.".into());
    }
    proposal.event(What::RecordingCorrected {
        id: record.id,
        attribution: Box::new(attribution.clone()),
        findings,
        statement: statement.digest(),
    });
    conflicts::tell(
        proposal,
        record.id,
        record.kind,
        &attribution,
        &record.findings,
    )?;
    Ok(done)
}

/// The findings that the correction does not settle.
fn still_true(record: &Record, now: &Attribution, register: &Register) -> Vec<Finding> {
    let known = now
        .device
        .as_ref()
        .is_none_or(|d| register.device(&d.value).is_some())
        && now
            .officer
            .as_ref()
            .is_none_or(|o| register.officer(&o.value).is_some());
    let start = now.started_at.as_ref();
    let credible = start.is_some_and(|start| {
        start.source == Source::Correction
            && clock_suspect(start.value, record.admitted_at).is_none()
    });
    let settled = |finding: &&Finding| match finding.kind {
        FindingKind::Unattributed => now.missing().is_empty(),
        FindingKind::AttributionUnknown => known,
        FindingKind::AttributionDisagrees => true,
        FindingKind::ClockSuspect => credible,
        _ => false,
    };
    let findings = record.findings.iter();
    findings.filter(|f| !settled(f)).cloned().collect()
}

fn there(proposal: &Proposal<'_>, id: RecordingId) -> Result<Record, StoreError> {
    let record = proposal.record(id)?.filter(|r| r.state.is_there());
    Ok(record.ok_or(Refusal::Gone(id))?)
}

fn holder(register: &Register, attribution: &Attribution) -> Option<Value<String>> {
    let (device, start) = (
        attribution.device.as_ref()?,
        attribution.started_at.as_ref()?,
    );
    let believed = start.source != Source::FileTime;
    let held = register
        .holder(&device.value, start.value)
        .filter(|_| believed)?;
    Some(Value {
        value: held.officer.clone(),
        source: Source::Register,
    })
}

const fn corrected<T>(value: T) -> Option<Value<T>> {
    Some(Value {
        value,
        source: Source::Correction,
    })
}

fn named(value: Option<&Value<String>>) -> &str {
    value.map_or("unknown", |v| v.value.as_str())
}
