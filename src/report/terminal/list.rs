//! `list`: a table of records.

use jiff::tz::TimeZone;

use super::{Style, cell, gravest, keep_whole, number, table, tally, text};
use crate::{
    base::text::{bytes_human, name_human},
    recording::{Record, Value},
    report::wording::{count, length},
};

/// The records as a table, in the order given, times in `zone`.
///
/// At 80 columns: when it began, id, recorder, officer, state and the gravest finding. From 90 on
/// the length stands in it too, from 120 kind and size, from 160 all findings and the name.
#[must_use]
pub fn list(records: &[Record], zone: &TimeZone, style: Style) -> String {
    if records.is_empty() {
        return "No recordings.\n".into();
    }
    let columns = style.columns();
    let (lengths, roomy, names) = (columns >= 90, columns >= 120, columns >= 160);
    let mut head = vec!["Began", "Recording", "Recorder", "Officer", "State"];
    if lengths {
        head.push("Length");
    }
    if roomy {
        head.extend(["Kind", "Size"]);
    }
    head.push("Findings");
    if names {
        head.push("Name");
    }
    let mut out = table(style, &head);
    for r in records {
        // Without seconds and offset a narrow line still holds the id whole, which is what is
        // copied from here into `show`.
        let time = r.time().in_zone(zone);
        let time = if roomy {
            time.as_str()
        } else {
            time.get(..16).unwrap_or(&time)
        };
        let mut row = vec![
            cell(time),
            cell(&r.id.to_string()),
            cell(value(r.attribution.device.as_ref())),
            cell(value(r.attribution.officer.as_ref())),
            cell(r.state.word()),
        ];
        if lengths {
            row.push(number(&length(
                r.media.as_ref().map_or(0, |m| m.presented_ms),
            )));
        }
        if roomy {
            row.extend([cell(r.kind.word()), number(&bytes_human(r.bytes))]);
        }
        row.push(if names {
            tally(style, &r.findings, r.findings_uncounted)
        } else {
            gravest(style, &r.findings, r.findings_uncounted)
        });
        if names {
            row.push(cell(&name_human(r.name())));
        }
        out.add_row(row);
    }
    super::flush_left(&mut out);
    // The id is what people copy: it is never broken where there is room for it at all.
    if columns >= 80 {
        keep_whole(&mut out, &[0, 1, 4]);
    } else if columns >= 60 {
        keep_whole(&mut out, &[1]);
    }
    text(&out)
}

/// Recorders, how many recordings there are of each, and why it may not be wiped (empty when it
/// may); all of it under a checkpoint over so many events.
#[must_use]
pub fn recorders(rows: &[(&str, u64, String)], checkpoint: u64, style: Style) -> String {
    if rows.is_empty() {
        return "No recorder is known.\n".into();
    }
    let mut out = table(
        style,
        &["Recorder", "Recordings", "Safe to wipe", "Why not"],
    );
    for (device, recordings, but) in rows {
        out.add_row(vec![
            cell(device),
            number(&recordings.to_string()),
            cell(if but.is_empty() { "yes" } else { "no" }),
            cell(but),
        ]);
    }
    super::flush_left(&mut out);
    keep_whole(&mut out, &[0, 2]);
    format!(
        "{}\nAll of it stands under the checkpoint over {}.\n",
        text(&out).trim_end(),
        count(checkpoint, "event", "events")
    )
}

/// Statements that wait: the beginning of the digest, the act, what it is about, who has signed,
/// since when.
#[must_use]
pub fn statements(rows: &[[String; 5]], style: Style) -> String {
    if rows.is_empty() {
        return "No statement waits for anybody.\n".into();
    }
    let head = ["Statement", "Act", "About", "Signed by", "Since"];
    let mut out = table(style, &head);
    for row in rows {
        out.add_row(row.iter().map(|text| cell(text)));
    }
    super::flush_left(&mut out);
    keep_whole(&mut out, &[0]);
    format!(
        "{}\nrecvault sign STATEMENT --print FILE shows one; with --key it is signed.\n",
        text(&out).trim_end()
    )
}

fn value(v: Option<&Value<String>>) -> &str {
    v.map_or("unknown", |v| v.value.as_str())
}
