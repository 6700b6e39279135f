//! The contact sheet of a marked copy: pictures spread over it, each with its time, to be seen before
//! anything is played. Made out of the copy, so that it is marked as that is.

use std::{fs::File, os::fd::AsFd};

use super::{ExportError, ExportSettings, Marking, copy};
use crate::{
    base::RecordingId,
    media::{
        protocol::{Progress, SheetJob},
        worker::{Files, Worker},
    },
    recording::Record,
};

/// Name of a sheet under `data/`.
pub(super) fn name(id: RecordingId) -> String {
    format!("{id}.sheet.jpg")
}

/// Makes the sheet of a finished copy, which has pictures, into an empty file.
///
/// # Errors
/// When the worker fails.
pub(super) fn make(
    settings: &ExportSettings,
    record: &Record,
    marking: &Marking,
    copy: &File,
    output: &File,
    heard: &mut dyn FnMut(&Progress),
) -> Result<(), ExportError> {
    let failed = |e: &dyn std::fmt::Display| ExportError::Copy {
        id: record.id,
        why: format!("its contact sheet: {e}"),
    };
    let job = SheetJob {
        title: format!(
            "{}   {}   {}   {}   {}",
            record.id, marking.recipient, marking.approvers, marking.day, marking.id
        ),
        start: copy::start(record, marking.seconds),
        zone: settings.zone.iana_name().unwrap_or("UTC").to_owned(),
        font: settings.font.clone(),
        font_index: settings.font_index,
    };
    let files = Files {
        input: Some(copy.as_fd()),
        output: Some(output.as_fd()),
    };
    let worker = Worker::spawn(&settings.launch, &files).map_err(|e| failed(&e))?;
    let made = worker.sheet(job, |p| heard(p));
    made.map(|_| ()).map_err(|e| failed(&e))
}
