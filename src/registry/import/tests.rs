//! Register files, valid and invalid, and what importing them again does.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use super::*;

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/register")
        .join(folder);
    let mut out: Vec<_> = fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    out.sort();
    assert!(!out.is_empty(), "no sample in {}", dir.display());
    out
}

fn import(register: &mut Register, csv: &str) -> Result<Vec<String>, String> {
    let plan = plan_import(register, csv.as_bytes(), &zone()).map_err(|e| e.to_string())?;
    plan.changes.iter().for_each(|c| apply(register, c));
    let words = plan.changes.iter().map(Change::words);
    Ok(words
        .chain(plan.warnings.iter().map(|w| format!("! {w}")))
        .collect())
}

const SMALL: &str =
    "record,device,officer,model,from,to\ndevice,A1,,M5,,\nofficer,,1,,,\nofficer,,2,,,\n";

#[test]
fn every_valid_sample_imports_and_importing_it_again_plans_nothing() {
    for (name, csv) in files("valid") {
        let mut register = Register::default();
        let plan = plan_import(&register, &csv, &zone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(
            !plan.changes.is_empty() && plan.unchanged == 0 && plan.warnings.is_empty(),
            "{name}: {plan:?}"
        );
        plan.changes.iter().for_each(|c| apply(&mut register, c));
        assert_eq!(register.overlaps(), [], "{name}");
        let again = plan_import(&register, &csv, &zone()).unwrap();
        assert_eq!(
            (again.changes.len(), again.unchanged),
            (0, plan.changes.len()),
            "{name}"
        );
    }
}

#[test]
fn every_invalid_sample_is_refused_with_the_text_in_its_first_line() {
    for (name, csv) in files("invalid") {
        let first = String::from_utf8_lossy(&csv)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let expected = first.trim_start_matches("# ").replace("\\n", "\n");
        let error = plan_import(&Register::default(), &csv, &zone()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{name}");
    }
}

#[test]
fn the_sample_office_knows_who_held_what() {
    let mut register = Register::default();
    let (_, csv) = files("valid").remove(0);
    import(&mut register, std::str::from_utf8(&csv).unwrap()).unwrap();
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().into();
    let cases = [
        ("A8000012", "2026-01-04T23:59:59Z", ""),
        ("A8000012", "2026-01-05T00:00:00Z", "100123"),
        ("A8000012", "2026-03-01T09:59:59Z", "100123"),
        ("A8000012", "2026-03-01T10:00:00Z", "100124"),
        ("A8000013", "2026-03-01T10:00:00Z", ""),
        ("市监局01", "2026-06-01T00:00:00Z", "200001"),
    ];
    for (device, time, officer) in cases {
        let holder = register.holder(device, at(time)).map_or("", |a| &a.officer);
        assert_eq!(holder, officer, "{device} at {time}");
    }
    assert_eq!(
        register.device("A8000012").unwrap().price_fen,
        Some(128_000)
    );
    assert_eq!(register.officer("200001").unwrap().name, "Wang, Wu");
}

#[test]
fn later_files_change_close_and_hand_over() {
    let mut register = Register::default();
    import(
        &mut register,
        &format!("{SMALL}assignment,A1,1,,2026-01-05 09:00,\n"),
    )
    .unwrap();
    let steps: [(&str, Result<&[&str], &str>); 9] = [
        // An empty cell leaves what the register has.
        ("device,A1,,,,", Ok(&[])),
        (
            "device,A1,,M6,,",
            Ok(&["device A1: model \"M5\" becomes \"M6\""]),
        ),
        // A handover needs the first assignment's end.
        (
            "assignment,A1,2,,2026-02-01 09:00,",
            Err(
                "line 2: device A1 is with officer 1 from 2026-01-05T01:00:00Z until now (in the register); one recorder has one holder",
            ),
        ),
        (
            "assignment,A1,2,,2026-02-01 09:00,\nassignment,A1,1,,2026-01-05 09:00,2026-02-01 09:00",
            Ok(&[
                "device A1 back from officer 1 at 2026-02-01T01:00:00Z (held since 2026-01-05T01:00:00Z)",
                "device A1 to officer 2 from 2026-02-01T01:00:00Z",
            ]),
        ),
        // An older file hands nothing out again.
        (
            "assignment,A1,1,,2026-01-05 09:00,",
            Ok(&[
                "! line 2: `to` is empty, but the assignment ended at 2026-02-01T01:00:00Z; it stays so",
            ]),
        ),
        // History is not rewritten.
        (
            "assignment,A1,1,,2026-01-05 09:00,2026-01-31 09:00",
            Err("line 2: the assignment ended at 2026-02-01T01:00:00Z; its end does not move"),
        ),
        (
            "assignment,A1,2,,2026-01-05 09:00,",
            Err("line 2: the register has device A1 with officer 1 from 2026-01-05T01:00:00Z"),
        ),
        (
            "assignment,A1,1,,2025-01-05 09:00,2026-01-05 09:01",
            Err(
                "line 2: device A1 is with officer 1 from 2026-01-05T01:00:00Z until 2026-02-01T01:00:00Z (in the register); one recorder has one holder",
            ),
        ),
        (
            "officer,x,1,,,",
            Ok(&["! line 2: `device` means nothing for record `officer`"]),
        ),
    ];
    for (lines, expected) in steps {
        let found = import(
            &mut register,
            &format!("record,device,officer,model,from,to\n{lines}\n"),
        );
        let expected = expected.map(|all| all.iter().map(ToString::to_string).collect());
        assert_eq!(found, expected.map_err(ToString::to_string), "{lines}");
    }
}

#[test]
fn a_refused_file_returns_a_hundred_errors_and_counts_the_rest() {
    let csv = format!("record,device\n{}", "device,\n".repeat(150));
    let errors = plan_import(&Register::default(), csv.as_bytes(), &zone()).unwrap_err();
    assert_eq!((errors.errors.len(), errors.more), (100, 50));
    assert!(errors.to_string().ends_with("\nand 50 more"));
    assert_eq!(errors.kind(), ErrorKind::Usage);
}

#[test]
fn a_doubtful_hour_is_a_warning() {
    let mut register = Register::default();
    let csv = format!("{SMALL}assignment,A1,1,,2026-10-25 02:30,\n");
    let plan = plan_import(
        &register,
        csv.as_bytes(),
        &TimeZone::get("Europe/Berlin").unwrap(),
    )
    .unwrap();
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].starts_with("line 5: `from` 2026-10-25 02:30 happened twice"));
    // The plan changed nothing by itself.
    assert_eq!(register, Register::default());
    plan.changes.iter().for_each(|c| apply(&mut register, c));
    assert_eq!(
        register.devices().count() + register.officers().count() + register.assignments().count(),
        4
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), text in "(record|device|officer|assignment|[\",\n#a0: -]){0,60}",
    ) {
        let header = "record,device,officer,from,to\n";
        for csv in [bytes.clone(), text.clone().into_bytes(), [header.as_bytes(), text.as_bytes()].concat()] {
            let _ = plan_import(&Register::default(), &csv, &zone());
        }
    }
}
