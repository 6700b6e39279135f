//! The marked copy: what a person looks at, with a band that names recipient, approval and day, and
//! with a code in every frame that names this one export.

use std::{fs::File, os::fd::AsFd};

use super::{ExportError, ExportSettings, excerpt};
use crate::{
    base::{Moment, RecordingId},
    custody::request::Seconds,
    media::{
        band::Template,
        protocol::{
            Answer, DeriveJob, MarkOrder, Orders, Part, Progress, RenditionFacts, RenditionOrder,
            VerifyJob,
        },
        worker::{Files, Worker},
    },
    recording::{FindingKind, Record, Source},
    registry::Register,
    store::Spent,
};

/// What a copy says of itself beside whose recording it is.
#[derive(Clone, Debug)]
pub struct Marking {
    /// The use: what the code in the picture names.
    pub id: RecordingId,
    /// For whom.
    pub recipient: String,
    /// Who approved it.
    pub approvers: String,
    /// The day, in the office's time zone.
    pub day: String,
    /// The officer's name, where known.
    pub officer_name: Option<String>,
    /// Only these seconds of the recording.
    pub seconds: Option<Seconds>,
}

/// Milliseconds by which a copy may be longer than the seconds that were approved: the last picture
/// and the last piece of sound end where they end.
const OVER_MS_MAX: i64 = 500;

/// Milliseconds after its beginning by which a part may show its first picture before it is read
/// again without an index.
const LATE_MS_MAX: i64 = 150;

impl Marking {
    /// For a copy of this recording that is made by a use.
    pub(super) fn of(
        settings: &ExportSettings,
        spent: &Spent,
        record: &Record,
        register: &Register,
    ) -> Self {
        let officer = record.attribution.officer.as_ref();
        let wanted = &spent.access.request.ask.recordings;
        let wanted = wanted.iter().find(|wanted| wanted.id == record.id);
        let known = officer.and_then(|v| register.officer(&v.value));
        Self {
            id: spent.id,
            recipient: spent.access.request.ask.recipient.clone(),
            approvers: spent.access.approvers().join(", "),
            day: spent.at.day_in_zone(&settings.zone),
            officer_name: known.map(|o| o.name.clone()).filter(|n| !n.is_empty()),
            seconds: wanted.and_then(|wanted| wanted.seconds),
        }
    }
}

/// Whether a copy for looking can be made of it.
#[must_use]
pub fn can_be_shown(record: &Record) -> bool {
    record.media.as_ref().is_some_and(|m| m.presented_ms > 0)
}

/// Has a copy made; gives back what it is, or why nothing of it could be read.
fn derive(
    settings: &ExportSettings,
    record: &Record,
    mark: MarkOrder,
    only: Option<Part>,
    original: &File,
    output: &File,
    heard: &mut dyn FnMut(&Progress),
) -> Result<Result<RenditionFacts, String>, ExportError> {
    let failed = |why: String| ExportError::Copy { id: record.id, why };
    let job = DeriveJob::making(&settings.plan, record);
    let orders = Orders {
        rendition: Some(RenditionOrder {
            plan: settings.plan.clone(),
            mark,
            original: record.digest,
        }),
        checks: settings.checks.clone(),
        only,
    };
    let files = Files {
        input: Some(original.as_fd()),
        output: Some(output.as_fd()),
    };
    let worker = Worker::spawn(&settings.launch, &files).map_err(|e| failed(e.to_string()))?;
    let derived = worker.derive(job, |_| Answer::Proceed(Box::new(orders)), |p| heard(p));
    let done = derived.outcome.map_err(|e| failed(e.to_string()))?;
    // What the worker found last is what it came to.
    let why = derived.findings.last().map(|f| f.text.clone());
    let nothing = || why.unwrap_or_else(|| "nothing of it can be read".into());
    Ok(done.rendition.ok_or_else(nothing))
}

/// Makes and verifies the marked copy of an original into an empty file; gives back what it is.
///
/// # Errors
/// When the worker fails, or what it made is not what it said.
pub fn make(
    settings: &ExportSettings,
    record: &Record,
    marking: &Marking,
    original: &File,
    output: &File,
    heard: &mut dyn FnMut(&Progress),
) -> Result<RenditionFacts, ExportError> {
    let mark = mark(settings, record, marking)?;
    let (id, start) = (mark.id, mark.start);
    let failed = |why: String| ExportError::Copy { id: record.id, why };
    let part = marking.seconds.map(excerpt::part);
    let mut derived = derive(
        settings,
        record,
        mark.clone(),
        part,
        original,
        output,
        heard,
    )?;
    // An index may lead beside the place. What is read in a row is slower, and cannot.
    if let Some(part) = part
        && !matches!(&derived, Ok(facts) if facts.begin_ms <= LATE_MS_MAX)
    {
        output.set_len(0).map_err(|e| failed(e.to_string()))?;
        let part = Some(Part {
            in_a_row: true,
            ..part
        });
        derived = derive(settings, record, mark, part, original, output, heard)?;
    }
    let facts = derived.map_err(failed)?;
    // No more is handed over than was approved, whatever the file made of it.
    if let Some(seconds) = marking.seconds
        && facts.duration_ms > i64::from(seconds.len()) * 1_000 + OVER_MS_MAX
    {
        let ms = facts.duration_ms;
        return Err(failed(format!("the part came out {ms} ms long")));
    }
    // A fresh worker looks whether the copy is what was promised, its code in every group.
    let job = VerifyJob {
        promised: facts,
        id: (facts.width > 0).then_some(id),
        start,
        full: false,
        decode_threads: 0,
    };
    let files = Files {
        input: Some(output.as_fd()),
        output: None,
    };
    let worker = Worker::spawn(&settings.launch, &files).map_err(|e| failed(e.to_string()))?;
    let verified = worker.verify(job, |p| heard(p));
    match verified.outcome {
        Ok(v) if v.sound => Ok(facts),
        Ok(_) => {
            let why = verified.findings.first().map(|f| f.text.clone());
            Err(failed(why.unwrap_or_else(|| "it is not sound".into())))
        }
        Err(e) => Err(failed(e.to_string())),
    }
}

/// What the band shows: recorder and officer, recording and time, and below them whose copy it is.
fn mark(
    settings: &ExportSettings,
    record: &Record,
    marking: &Marking,
) -> Result<MarkOrder, ExportError> {
    let text = |value: &str| value.replace('{', "{{").replace('}', "}}");
    let Marking {
        recipient,
        approvers,
        day,
        ..
    } = marking;
    let part = match marking.seconds {
        Some(seconds) => format!("  {seconds} s"),
        None => String::new(),
    };
    let template = format!(
        "{{device}}  {{officer}} {{officer_name}}\n{}{part}  {{time}}\n{}  {}  {day}  {{id}}",
        record.id,
        text(recipient),
        text(approvers),
    );
    let template: Template = template.parse().map_err(|e| ExportError::Copy {
        id: record.id,
        why: format!("{e}"),
    })?;
    let attribution = &record.attribution;
    Ok(MarkOrder {
        device: attribution.device.as_ref().map(|v| v.value.clone()),
        officer: attribution.officer.as_ref().map(|v| v.value.clone()),
        officer_name: marking.officer_name.clone(),
        id: marking.id,
        start: start(record, marking.seconds),
        zone: settings.zone.iana_name().unwrap_or("UTC").to_owned(),
        template,
        mode: settings.mode,
        font: settings.font.clone(),
        font_index: settings.font_index,
    })
}

/// When what the copy shows began, where that is believed: the recording, or the part of it that the
/// copy begins with.
pub(super) fn start(record: &Record, seconds: Option<Seconds>) -> Option<Moment> {
    let mut findings = record.findings.iter();
    let suspect = findings.any(|f| f.kind == FindingKind::ClockSuspect);
    let started = record.attribution.started_at.as_ref();
    let before_ms = seconds.map_or(0, |s| i64::from(s.from) * 1_000);
    started
        .filter(|s| s.source != Source::FileTime && !suspect)
        .map(|s| s.value.plus_ms(before_ms))
}
