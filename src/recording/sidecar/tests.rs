//! What sidecars say, and how wrong ones are refused.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn parse(text: &str) -> Result<Sidecar, SidecarError> {
    Sidecar::parse(text.as_bytes(), &zone())
}

fn moment(text: &str) -> Moment {
    text.parse::<Timestamp>().unwrap().into()
}

const FULL: &str = r#"{
  "device_id": "A8000012", "device_serial": "SN-77", "officer_id": "100123",
  "officer_name": "张三", "started_at": "2026-01-05T09:30:00+08:00",
  "started_local": "2026-01-05 09:30:01", "ended_local": "2026-01-05T09:45:00",
  "utc_offset_min": 480, "collected_at": "2026-01-05T12:00:00Z", "path": "D:\\data\\a.mp4",
  "length": 12345, "unique_id": "u-1", "sequence": 7, "drawn_by_card": "C9",
  "case_code": "MM-2026-17", "remark": "two\nlines", "flags": ["night", "IMP"],
  "md5": "D41D8CD98F00B204E9800998ECF8427E", "integrity_id": "i", "encryption_key_ids": ["k1"],
  "attachments": ["a.jpg"], "vendor": {"deep": [1, 2, {"x": null}]}, "nChannelID": 0
}"#;

#[test]
fn a_full_record_is_read_and_the_name_stays_out_of_the_claims() {
    let sidecar = parse(FULL).unwrap();
    let fields: Vec<_> = sidecar.claims.iter().map(|c| c.field.clone()).collect();
    let expected = [
        Field::Device("A8000012".into()),
        Field::Officer("100123".into()),
        Field::StartedAt(moment("2026-01-05T01:30:00Z")),
        Field::EndedAt(moment("2026-01-05T01:45:00Z")),
        Field::Sequence(7),
        Field::Mark("important".into()),
        Field::CaseCode("MM-2026-17".into()),
        Field::Remark("two\nlines".into()),
    ];
    assert_eq!(fields, expected);
    assert!(sidecar.claims.iter().all(|c| c.source == Source::Sidecar));
    assert!(
        !serde_json::to_string(&sidecar.claims)
            .unwrap()
            .contains("张三")
    );
    assert_eq!(sidecar.officer_name.as_deref(), Some("张三"));
    assert_eq!(
        sidecar.md5.as_deref(),
        Some("d41d8cd98f00b204e9800998ecf8427e")
    );
    assert_eq!((sidecar.unknown_fields, sidecar.notes.len()), (2, 0));
    assert_eq!(sidecar.flags, ["night", "IMP"]);
    assert_eq!(sidecar.verify_length(12_345), None);
    assert_eq!(
        sidecar.verify_length(12_000).as_deref(),
        Some("the sidecar says 12345 bytes, the file has 12000")
    );
}

#[test]
fn the_offset_of_the_station_comes_before_the_zone_of_the_office() {
    let cases = [
        (
            r#"{"started_local":"2026-01-05 09:30"}"#,
            "2026-01-05T01:30:00Z",
            0,
        ),
        (
            r#"{"started_local":"2026-01-05 09:30","utc_offset_min":0}"#,
            "2026-01-05T09:30:00Z",
            0,
        ),
        (
            r#"{"started_local":"2026-01-05 09:30","utc_offset_min":-210}"#,
            "2026-01-05T13:00:00Z",
            0,
        ),
        (
            r#"{"started_at":"2026-01-05T09:30:00Z"}"#,
            "2026-01-05T09:30:00Z",
            0,
        ),
        // Where the two disagree the one with an offset stands, and it is said.
        (
            r#"{"started_at":"2026-01-05T09:30:00Z","started_local":"2026-01-05 09:30"}"#,
            "2026-01-05T09:30:00Z",
            1,
        ),
        (
            r#"{"started_at":"2026-01-05T09:30:00Z","ended_at":"2026-01-05T09:29:00Z"}"#,
            "2026-01-05T09:30:00Z",
            1,
        ),
    ];
    for (text, start, notes) in cases {
        let sidecar = parse(text).unwrap();
        let fields: Vec<_> = sidecar.claims.iter().map(|c| c.field.clone()).collect();
        assert_eq!(fields, [Field::StartedAt(moment(start))], "{text}");
        assert_eq!(sidecar.notes.len(), notes, "{text}: {:?}", sidecar.notes);
    }
}

#[test]
fn what_nobody_set_claims_nothing() {
    for text in [
        "{}",
        "\u{feff}{ }",
        r#"{"device_id":"","officer_id":null,"remark":"  ","flags":null}"#,
        r#"{"device_id":"0000000","device_serial":"0000","officer_id":"000000"}"#,
        r#"{"flags":["night",""]}"#,
    ] {
        assert_eq!(parse(text).unwrap().claims, [], "{text}");
    }
    let serial = parse(r#"{"device_id":"0000000","device_serial":"SN-77"}"#).unwrap();
    assert_eq!(serial.claims[0].field, Field::Device("SN-77".into()));
}

#[test]
fn a_wrong_field_is_named_with_its_place() {
    let long = format!(r#"{{"case_code":"{}"}}"#, "x".repeat(257));
    let flags = format!(r#"{{"flags":[{}]}}"#, vec!["\"a\""; 65].join(","));
    let cases = [
        ("", "line 1, column 0: EOF while parsing a value"),
        (
            "[]",
            "line 1, column 0: invalid type: sequence, expected one object with the fields of a recording",
        ),
        ("{}x", "line 1, column 3: trailing characters"),
        (
            "{\n \"device_id\": 7}",
            "line 2, column 15, field `device_id`: invalid type: integer `7`, expected a string",
        ),
        (
            r#"{"length":-1}"#,
            "line 1, column 12, field `length`: invalid value: integer `-1`, expected u64",
        ),
        (
            r#"{"length":"12"}"#,
            "line 1, column 14, field `length`: invalid type: string \"12\", expected u64",
        ),
        (
            r#"{"length":1.5}"#,
            "line 1, column 13, field `length`: invalid type: floating point `1.5`, expected u64",
        ),
        (
            r#"{"sequence":1,"sequence":2}"#,
            "line 1, column 24, field `sequence`: the field stands twice",
        ),
        (
            r#"{"started_at":"2026-01-05 09:30"}"#,
            "line 1, column END, field `started_at`: not a time with an offset, such as 2026-01-05T09:30:00+08:00",
        ),
        (
            r#"{"started_local":"2026-02-30 09:30"}"#,
            "line 1, column END, field `started_local`: not a local time, such as 2026-01-05 09:30:00",
        ),
        (
            r#"{"utc_offset_min":841}"#,
            "line 1, column END, field `utc_offset_min`: an offset is from -720 to 840 minutes",
        ),
        (
            r#"{"md5":"abc"}"#,
            "line 1, column END, field `md5`: an MD5 has 32 hexadecimal digits",
        ),
        (
            r#"{"flags":"imp"}"#,
            "line 1, column 14, field `flags`: invalid type: string \"imp\", expected a sequence",
        ),
        (
            r#"{"attachments":["1","2","3","4","5","6"]}"#,
            "line 1, column END, field `attachments`: 6 entries, more than 5",
        ),
        (
            r#"{"remark":"a\u001b[2J"}"#,
            "line 1, column END, field `remark`: a control character",
        ),
        (
            &long,
            "line 1, column END, field `case_code`: more than 256 characters",
        ),
        (
            &flags,
            "line 1, column END, field `flags`: 65 entries, more than 64",
        ),
        (
            r#"{"remark":"x"#,
            "line 1, column 12, field `remark`: EOF while parsing a string",
        ),
    ];
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let (found, expected) = (
            parse(text).unwrap_err().to_string(),
            expected.replace("END", &text.len().to_string()),
        );
        if found != expected {
            wrong.push((found, expected));
        }
    }
    assert_eq!(wrong, []);
    let not_utf8 = Sidecar::parse(b"{\"officer_name\":\"\xd5\xc5\"}", &zone()).unwrap_err();
    assert_eq!(
        not_utf8.to_string(),
        "line 1, column 18, field `officer_name`: invalid unicode code point"
    );
}

#[test]
fn a_hostile_sidecar_is_refused_or_ignored_in_little_room() {
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(120_000), "]".repeat(120_000));
    assert_eq!(
        parse(&deep).map(|s| s.unknown_fields),
        Ok(1),
        "depth costs no stack"
    );
    let deep = format!(r#"{{"flags":{}"#, "[".repeat(120_000));
    assert!(matches!(parse(&deep), Err(SidecarError::Content { .. })));
    let large = vec![b' '; 256 * 1024 + 1];
    assert_eq!(
        Sidecar::parse(&large, &zone()),
        Err(SidecarError::TooLong { bytes: 262_145 })
    );
}

#[test]
fn a_sidecar_is_looked_for_beside_its_file() {
    let cases: &[(&[u8], &[&[u8]])] = &[
        (b"a/b.mp4", &[b"a/b.mp4.json", b"a/b.json"]),
        (b"a.d/b", &[b"a.d/b.json"]),
        (b".mp4", &[b".mp4.json"]),
        (b"b.json", &[b"b.json.json"]),
        (b"\xff.mp4", &[b"\xff.mp4.json", b"\xff.json"]),
    ];
    for (name, expected) in cases {
        assert_eq!(sidecar_names(name), *expected);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..FULL.len(), flip in any::<u8>(),
    ) {
        let _ = Sidecar::parse(&bytes, &zone());
        let mut broken = FULL.as_bytes().to_vec();
        let _ = Sidecar::parse(&broken[..cut], &zone());
        broken[cut] ^= flip;
        let _ = Sidecar::parse(&broken, &zone());
    }
}
