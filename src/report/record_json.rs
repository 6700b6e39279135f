//! Records as JSON for other programs: what `list` and `show` give with `--json`.
//!
//! A record stands as it is stored, file names as bytes in base64; beside them stands `name`, the
//! first of them as text that is safe to print.

use serde::Serialize;

use super::night_json::pretty;
use crate::{base::text::name_human, recording::Record, retention::Verdict};

/// Version of both shapes; grows when a field changes its meaning.
pub const RECORD_JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Named<'a> {
    name: String,
    #[serde(flatten)]
    record: &'a Record,
}

#[derive(Serialize)]
struct List<'a> {
    version: u32,
    recordings: Vec<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct Show<'a> {
    version: u32,
    recording: Named<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keeping: Option<&'a Verdict>,
}

fn named(record: &Record) -> Named<'_> {
    Named {
        name: name_human(record.name()),
        record,
    }
}

/// One page of records: `{"version", "recordings": [...], "next"}`; `next` is what asks for the
/// page after it and is absent on the last.
#[must_use]
pub fn list_json(records: &[Record], next: Option<&str>) -> String {
    pretty(&List {
        version: RECORD_JSON_VERSION,
        recordings: records.iter().map(named).collect(),
        next,
    })
}

/// One record: `{"version", "recording": {...}, "keeping": {...}}`; the last says why it is kept or
/// is due, and is absent for one that is gone.
#[must_use]
pub fn show_json(record: &Record, keeping: Option<&Verdict>) -> String {
    pretty(&Show {
        version: RECORD_JSON_VERSION,
        recording: named(record),
        keeping,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_record_reads_back_and_its_name_stands_beside_the_bytes() {
        let record = fixture::record();
        let json: serde_json::Value = serde_json::from_str(&show_json(&record, None)).unwrap();
        assert_eq!(
            json["recording"]["name"],
            "BWC-0417/巡查 20261123_080512_0001.mp4"
        );
        assert_eq!(
            serde_json::from_value::<Record>(json["recording"].clone()).unwrap(),
            record
        );
    }

    #[test]
    fn a_page_says_how_to_ask_for_the_next() {
        let page = list_json(&[fixture::record()], Some("k3"));
        let json: serde_json::Value = serde_json::from_str(&page).unwrap();
        assert_eq!((&json["version"], &json["next"]), (&1.into(), &"k3".into()));
        assert_eq!(json["recordings"].as_array().unwrap().len(), 1);
        assert_eq!(
            list_json(&[], None),
            "{\n  \"version\": 1,\n  \"recordings\": []\n}\n"
        );
    }

    #[test]
    fn the_shape_of_a_record_is_as_it_was_reviewed() {
        let mut record = fixture::record();
        record.timeline = None;
        insta::assert_snapshot!("show_json", show_json(&record, None));
    }
}
