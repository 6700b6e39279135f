//! Corrections of recorder, officer and beginning: two people sign, the rendition is made again
//! with the right band, and no date that was promised comes nearer.

use std::{fs, path::Path};

use recvault::{
    base::{Moment, RecordingId},
    custody::{Kind, Target},
    recording::{Finding, FindingKind, Source, State, Value},
    registry::{Change, Device, Officer},
    store::{Agreed, Refusal, StoreError},
};

use crate::{
    case::{Case, files_below},
    office::{DAY, IT, Office},
};

/// An office whose register knows two recorders and two officers.
fn office() -> Office {
    let office = Office::at("2026-01-10T04:00:00Z");
    let device = |id: &str| {
        Change::DeviceAdded(Device {
            id: id.into(),
            model: "recorder".into(),
            unit: "North".into(),
            price_fen: None,
        })
    };
    let officer = |id: &str| {
        Change::OfficerAdded(Officer {
            id: id.into(),
            name: "示范".into(),
            unit: "North".into(),
        })
    };
    let changes = vec![
        device("BWC-0001"),
        device("BWC-0002"),
        officer("1003"),
        officer("1004"),
    ];
    office.store().import(IT, changes).unwrap();
    office
}

fn correct(
    office: &Office,
    kind: Kind,
    id: RecordingId,
    field: (&str, &str),
    by: &[usize],
) -> Result<Agreed, StoreError> {
    let fields = [("reason", "seen on the duty list"), field];
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    office.agree(kind, Target::Recording(id), &fields, by)
}

fn refused<T: std::fmt::Debug>(done: Result<T, StoreError>) -> Refusal {
    match done {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Goal: what is not attributed never expires; corrected by two people it does, and not before.
#[test]
fn what_nobody_owned_has_a_date_once_two_people_say_whose_it_is() {
    let office = office();
    let admitted = office.admit_with("a.log", b"whose", |a| a.attribution.device = None);
    let id = admitted.unwrap().id;
    office.skip(200);
    assert_eq!(office.store().plan().unwrap().items(), []);
    let device = ("device", "BWC-0002");
    let one = correct(&office, Kind::Attribution, id, device, &[0]).unwrap();
    assert!(one.waits);
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!(record.attribution.device, None, "one is not two");
    let stranger = ("device", "BWC-0009");
    let unknown = refused(correct(&office, Kind::Attribution, id, stranger, &[0, 1]));
    assert!(unknown.to_string().contains("knows no recorder BWC-0009"));

    correct(&office, Kind::Attribution, id, device, &[0, 1]).unwrap();
    let record = office.store().record(id).unwrap().unwrap();
    let device = record.attribution.device.unwrap();
    assert_eq!(
        (device.value.as_str(), device.source),
        ("BWC-0002", Source::Correction)
    );
    assert_eq!(office.store().plan().unwrap().items().len(), 1);
    let again = refused(correct(
        &office,
        Kind::Attribution,
        id,
        ("device", "BWC-0002"),
        &[0, 1],
    ));
    assert_eq!(again, Refusal::CorrectsNothing(id));
    // The correction is found by recorder, and the fold comes to the same.
    office.store().publish().unwrap();
    let checked = office
        .store()
        .check(recvault::store::Depth::Whole, &|_, _| {})
        .unwrap();
    assert_eq!(checked.wrong, Vec::<String>::new());
}

/// Goal: a corrected beginning moves the end with it; a date that was promised never comes nearer,
/// and the future is no beginning.
#[test]
fn a_corrected_beginning_brings_no_date_nearer() {
    let office = office();
    let now = office_now(&office);
    let believed = |at: Moment| {
        Some(Value {
            value: at,
            source: Source::FileName(1),
        })
    };
    // By its recorder it ended twenty hours after it was taken in, which is not yet suspect.
    let admitted = office.admit_with("a.log", b"late clock", |a| {
        a.attribution.started_at = believed(now.plus_ms(DAY / 2));
        a.attribution.ended_at = believed(now.plus_ms(20 * DAY));
    });
    let id = admitted.unwrap().id;
    let promised = office.store().keeping(id).unwrap().expires.unwrap();
    office.skip(1);
    let start = now.plus_ms(-DAY).to_string();
    correct(&office, Kind::Time, id, ("start", &start), &[0, 1]).unwrap();
    let record = office.store().record(id).unwrap().unwrap();
    let (start, end) = (
        record.attribution.started_at.unwrap().value,
        record.attribution.ended_at.unwrap().value,
    );
    assert_eq!(start, now.plus_ms(-DAY));
    assert_eq!(end.ms_since(start), 20 * DAY - DAY / 2);
    assert_eq!(office.store().keeping(id).unwrap().expires, Some(promised));

    for wrong in [now.plus_ms(3 * DAY), Moment::from_s(1_000_000_000)] {
        let text = wrong.to_string();
        let refusal = refused(correct(&office, Kind::Time, id, ("start", &text), &[0, 1]));
        assert_eq!(refusal, Refusal::NoSuchStart(wrong));
    }
}

/// Goal: a suspect clock is settled by the true beginning, and the recording then has a date.
#[test]
fn a_suspect_clock_is_settled_by_the_true_beginning() {
    let office = office();
    let admitted = office.admit_with("a.log", b"1970", |a| {
        a.findings
            .push(Finding::new(FindingKind::ClockSuspect, "1970"));
    });
    let id = admitted.unwrap().id;
    office.skip(200);
    assert_eq!(office.store().plan().unwrap().items(), []);
    let start = office_now(&office).plus_ms(-201 * DAY).to_string();
    correct(&office, Kind::Time, id, ("start", &start), &[0, 1]).unwrap();
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!((record.findings, record.state), (Vec::new(), State::Kept));
    assert_eq!(office.store().plan().unwrap().items().len(), 1);
}

fn office_now(office: &Office) -> Moment {
    recvault::base::Clock::now(&*office.clock)
}

/// Goal: through the command that people type: after the correction the next night makes the
/// rendition again, whose band names the right recorder, and the old one is superseded.
#[test]
fn the_rendition_is_made_again_with_the_right_band() {
    let case = Case::with_approvers().fleet(3);
    let _ = case.batch();
    let archived = |r: &&serde_json::Value| {
        r["state"] == "archived" && r["attribution"]["device"]["value"] == "BWC-0001"
    };
    let before = case.list();
    let before = before.iter().find(archived).unwrap();
    let id = before["id"].as_str().unwrap();
    let key = |name: &str| case.beside(name).to_str().unwrap().to_owned();
    let (one, two) = (key("approver-1"), key("approver-2"));
    let reason = ["--reason", "the recorders were swapped"];
    let correct = ["attribute", id, "--device", "BWC-0002"];
    let alone = [&correct[..], &reason, &["--key", &one]].concat();
    let _ = case
        .store_command(&alone)
        .code(1)
        .says("Nothing happens yet");
    let both = [&alone[..], &["--key", &two]].concat();
    let _ = case
        .store_command(&both)
        .code(0)
        .says("is of recorder BWC-0002")
        .says("The next night looks at it anew");
    let _ = case.batch();
    let after = case.store_command(&["show", id, "--json"]).code(0).json();
    let record = &after["recording"];
    assert_eq!(record["attribution"]["device"]["value"], "BWC-0002");
    assert_eq!(
        record["attribution"]["device"]["source"]["from"],
        "correction"
    );
    assert_eq!(record["state"], "archived");
    let renditions = record["renditions"].as_array().unwrap();
    let superseded = |n: usize| renditions[n]["superseded"] == true;
    assert_eq!(renditions.len(), 2, "{record}");
    assert!(superseded(0) && !superseded(1));
    assert_ne!(renditions[0]["digest"], renditions[1]["digest"]);
    let said = fs::read(&case.renditions(record)[1]).unwrap();
    let says = |what: &str| said.windows(what.len()).any(|w| w == what.as_bytes());
    assert!(says("BWC-0002") && !says("BWC-0001"), "its tags name it");
    let _ = case.store_command(&["show", id]).code(0).says("superseded");
    let _ = case.store_command(&["check"]).code(0);
    assert!(
        Path::new(&case.renditions(record)[0]).exists(),
        "it stays until disposal"
    );

    let wrong = ["retime", id, "--start", "yesterday"];
    let wrong = [&wrong[..], &reason, &["--key", &one]].concat();
    let _ = case
        .store_command(&wrong)
        .code(2)
        .says("is no time such as");
    let right = ["retime", id, "--start", "2026-03-02T07:30:00"];
    let right = [&right[..], &reason, &["--key", &one, "--key", &two]].concat();
    let _ = case
        .store_command(&right)
        .code(0)
        .says("2026-03-01T23:30:00");
}

/// Goal: what a worker found by an attribution that people corrected meanwhile does not count, and
/// leaves no rendition behind.
#[test]
fn what_was_found_before_a_correction_does_not_undo_it() {
    let office = office();
    let admitted = office.admit_with("a.log", b"whose", |a| a.attribution.device = None);
    let id = admitted.unwrap().id;
    let device = ("device", "BWC-0002");
    correct(&office, Kind::Attribution, id, device, &[0, 1]).unwrap();
    let stale = office.give_a_rendition(id, b"the wrong band", 0);
    assert_eq!(refused(stale), Refusal::CorrectedMeanwhile(id));
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!(record.attribution.device.unwrap().value, "BWC-0002");
    let renditions = office.root().join("renditions");
    assert_eq!(files_below(&renditions), Vec::<std::path::PathBuf>::new());
    office.give_a_rendition(id, b"the right band", 1).unwrap();
    assert_eq!(files_below(&renditions).len(), 1);
}
