//! What names say, by tables; what a hostile name cannot do, by properties.
#![allow(clippy::unwrap_used)]

use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::base::Moment;

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn grammar(patterns: &[&str]) -> Result<Grammar, GrammarError> {
    Grammar::parse(&patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
}

/// Claims as one line: `device=A officer=B ...`, with `/` after what the folder said.
fn said(grammar: &Grammar, path: impl AsRef<[u8]>) -> String {
    let words = |claim: &Claim| {
        let folder = if claim.source == Source::Folder {
            "/"
        } else {
            ""
        };
        let text = match &claim.field {
            Field::Device(v) => format!("device={v}"),
            Field::Officer(v) => format!("officer={v}"),
            Field::StartedAt(v) => format!("start={v}"),
            Field::EndedAt(v) => format!("end={v}"),
            Field::Sequence(v) => format!("seq={v}"),
            Field::Mark(v) => format!("mark={v}"),
            other => format!("{other:?}"),
        };
        text + folder
    };
    let claims = grammar.claims(path.as_ref(), &shanghai());
    claims.iter().map(words).collect::<Vec<_>>().join(" ")
}

#[test]
fn default_patterns_all_parse_and_read_the_name_they_are_documented_with() {
    let all: Vec<_> = DEFAULT_PATTERNS.iter().chain(DEFAULT_FOLDERS).collect();
    let texts: Vec<String> = all.iter().map(|(p, _)| (*p).to_owned()).collect();
    let parsed = Grammar::parse(&texts).unwrap();
    assert_eq!(parsed, Grammar::default());
    for (i, (pattern, who)) in all.iter().enumerate() {
        let (_, examples) = who.split_once(": ").unwrap();
        for name in examples.split(", ") {
            let alone = grammar(&[pattern]).unwrap();
            assert_ne!(said(&alone, name), "", "{pattern} does not read {name}");
            if let Some(Source::FileName(n)) = parsed
                .claims(name.as_bytes(), &shanghai())
                .first()
                .map(|c| c.source.clone())
            {
                assert!((n as usize) <= i + 1, "{name}");
            }
        }
    }
}

#[test]
fn names_of_real_recorders_are_read_and_nonsense_is_not() {
    let cases = [
        (
            "DSJ-A8_100123_20260105_093000_0001_IMP.mp4",
            "device=DSJ-A8 officer=100123 start=2026-01-05T01:30:00Z seq=1 mark=IMP",
        ),
        (
            "dsj_a8000012_100123_20260105_093000.MP4",
            "device=a8000012 officer=100123 start=2026-01-05T01:30:00Z",
        ),
        (
            "DCAM_CAM001_000001_20260804_100000_IMP.mp4",
            "device=CAM001 officer=000001 start=2026-08-04T02:00:00Z mark=IMP",
        ),
        // An identifier of zeros is one that nobody set.
        (
            "A8000012_000000_20260105093000_0001.mp4",
            "device=A8000012 start=2026-01-05T01:30:00Z seq=1",
        ),
        (
            "20260105093000_A8000012_100123.mp4",
            "device=A8000012 officer=100123 start=2026-01-05T01:30:00Z",
        ),
        (
            "A8000012_20260105093000_7.mp4",
            "device=A8000012 start=2026-01-05T01:30:00Z seq=7",
        ),
        (
            "A8000012_张三_20260105_093000.mp4",
            "device=A8000012 officer=张三 start=2026-01-05T01:30:00Z",
        ),
        (
            "市监局01_100123_20260105_093000.mp4",
            "device=市监局01 officer=100123 start=2026-01-05T01:30:00Z",
        ),
        ("VID_20260105_093000.mp4", "start=2026-01-05T01:30:00Z"),
        (
            "VID_20260105_093000_00_001.insv",
            "start=2026-01-05T01:30:00Z",
        ),
        (
            "2026_0105_093000_012.MP4",
            "start=2026-01-05T01:30:00Z seq=12",
        ),
        (
            "2026-01-05_09-30-00-front.mp4",
            "start=2026-01-05T01:30:00Z",
        ),
        ("GX010042.MP4", "seq=42"),
        ("GOPR0001.MP4", "seq=1"),
        ("100_0306.AVI", "seq=306"),
        ("A8000012/20260105/video.mp4", "device=A8000012/"),
        (
            "station1/A8000012_100123/20260105/x.mp4",
            "device=A8000012/ officer=100123/",
        ),
        (
            "A8000012/2026-01-05/001/dav/09/09.30.00-09.45.00[M][0@0][0].dav",
            "device=A8000012/ start=2026-01-05T01:30:00Z/",
        ),
        // The file name and the folder both speak.
        (
            "B9/20260105/A8_1_20260105_093000.mp4",
            "device=A8 officer=1 start=2026-01-05T01:30:00Z device=B9/",
        ),
        // Not a date, not a clock time, not an identifier, not a name.
        ("A8_100123_20261301_093000.mp4", ""),
        ("A8_100123_20260229_093000.mp4", ""),
        ("A8_100123_20260105_240000.mp4", ""),
        ("A8_100123_20260105_093060.mp4", ""),
        ("A8_100123_30260105_093000.mp4", ""),
        ("holiday_beach_20260105_120000.mp4", ""),
        ("2026-02-30_09-30-00.mp4", ""),
        ("DCIM/100MEDIA/x.mp4", ""),
        ("20261231.mp4", ""),
        ("karma.mp4", ""),
        ("file+with+data&streams=works?.mp4", ""),
        ("", ""),
        ("/", ""),
    ];
    let grammar = Grammar::default();
    for (name, expected) in cases {
        assert_eq!(said(&grammar, name), expected, "{name}");
    }
    assert_eq!(
        said(&grammar, b"A8_\xff\xfe_20260105_093000.mp4"),
        "",
        "not UTF-8"
    );
}

#[test]
fn every_part_of_the_syntax_does_what_it_says() {
    let cases = [
        (
            "{device}-{officer}_{any}",
            "A-1-2_x",
            "device=A-1 officer=2",
        ),
        (
            "{device:3}{officer:6}{any}",
            "A01123456.mp4",
            "device=A01 officer=123456",
        ),
        ("{device:3}.x", "A0.x", ""),
        ("{device}{mark?}.x", "a1IMP.x", "device=a1IMP"),
        ("{sequence}{mark?}.x", "12IMP.x", "seq=12 mark=IMP"),
        ("{sequence}{mark?}.x", "12.x", "seq=12"),
        ("{sequence}{mark?}.x", "12imp.x", ""),
        ("a[b[c]]{sequence}", "ABC1", "seq=1"),
        ("a[b[c]]{sequence}", "ab1", "seq=1"),
        ("a[b[c]]{sequence}", "a1", "seq=1"),
        ("a[b[c]]{sequence}", "ac1", ""),
        ("[a]a{sequence}", "a1", "seq=1"),
        ("[a]a{sequence}", "aa1", "seq=1"),
        (r"\[{sequence}\]\{\}\*\\", r"[1]{}*\", "seq=1"),
        ("{sequence}", "12345678901", ""),
        ("{epoch_s}.x", "1767576600.x", "start=2026-01-05T01:30:00Z"),
        ("{epoch_s}.x", "9999999999.x", ""),
        (
            "{epoch_ms}.x",
            "1767576600123.x",
            "start=2026-01-05T01:30:00.123Z",
        ),
        (
            "{datetime_ms}.x",
            "20260105093000123.x",
            "start=2026-01-05T01:30:00.123Z",
        ),
        (
            "{datetime}-{end_datetime}",
            "20260105093000-20260105094500",
            "start=2026-01-05T01:30:00Z end=2026-01-05T01:45:00Z",
        ),
        (
            "{datetime}-{end_time}",
            "20260105093000-094500",
            "start=2026-01-05T01:30:00Z end=2026-01-05T01:45:00Z",
        ),
        // Past midnight it ends on the next day.
        (
            "{datetime}-{end_time}",
            "20260105235900-000100",
            "start=2026-01-05T15:59:00Z end=2026-01-05T16:01:00Z",
        ),
        // An end before its start is a note and no claim.
        (
            "{datetime}-{end_datetime}",
            "20260105093000-20260105083000",
            "start=2026-01-05T01:30:00Z",
        ),
        (
            "{date}/{time}_{sequence}.x",
            "20260105/093000_7.x",
            "start=2026-01-05T01:30:00Z/ seq=7",
        ),
        // Without `**/` the whole path is meant; with it, any folders before.
        ("{device}/{any}", "x/A1/b", ""),
        ("**/{device}/{any}", "x/y/A1/b", "device=A1/"),
        ("**/{sequence}", "x/y/7", "seq=7"),
        (
            "{year}{month}{day}_{hour}{minute}",
            "20260105_0930",
            "start=2026-01-05T01:30:00Z",
        ),
        // A day alone is no instant.
        ("{date}_{sequence}", "20260105_3", "seq=3"),
        ("{any}{sequence:2}", "1234", "seq=34"),
        ("视频{sequence}", "视频3", "seq=3"),
    ];
    for (pattern, name, expected) in cases {
        assert_eq!(
            said(&grammar(&[pattern]).unwrap(), name),
            expected,
            "{pattern} on {name}"
        );
    }
}

#[test]
fn the_first_pattern_that_fits_speaks_and_its_number_is_the_source() {
    let grammar = grammar(&[
        "x{sequence}",
        "{device}/{any}",
        "{any}{sequence:1}",
        "{sequence}",
    ])
    .unwrap();
    let claims = grammar.claims(b"B7/12", &shanghai());
    let expected = [
        Claim {
            field: Field::Sequence(2),
            source: Source::FileName(3),
        },
        Claim {
            field: Field::Device("B7".into()),
            source: Source::Folder,
        },
    ];
    assert_eq!(claims, expected);
    assert_eq!(grammar.folder_patterns(), [2]);
}

#[test]
fn a_doubtful_hour_is_claimed_with_a_note() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let grammar = grammar(&["{datetime}"]).unwrap();
    for (name, start, word) in [
        ("20260329023000", "2026-03-29T01:30:00Z", "skipped"),
        ("20261025023000", "2026-10-25T00:30:00Z", "twice"),
    ] {
        let reading = grammar.read(name.as_bytes(), &zone);
        let start: Moment = start.parse::<jiff::Timestamp>().unwrap().into();
        assert_eq!(reading.claims[0].field, Field::StartedAt(start));
        assert!(reading.notes[0].contains(word), "{:?}", reading.notes);
    }
}

#[test]
fn a_wrong_pattern_is_refused_with_its_number_and_column() {
    let long = "x".repeat(256);
    let many = "{any}".repeat(49);
    let cases = [
        ("", "pattern 2, column 1: the pattern is empty"),
        (
            &long,
            "pattern 2, column 256: the pattern is longer than 255 characters",
        ),
        (
            &many,
            "pattern 2, column 241: the pattern has more than 48 pieces",
        ),
        (
            "a//b",
            "pattern 2, column 3: a folder or file name in the pattern is empty",
        ),
        (
            "/a",
            "pattern 2, column 1: a folder or file name in the pattern is empty",
        ),
        (
            "a/",
            "pattern 2, column 3: a folder or file name in the pattern is empty",
        ),
        (
            "**/",
            "pattern 2, column 4: a folder or file name in the pattern is empty",
        ),
        ("a[]", "pattern 2, column 2: the optional part is empty"),
        (
            "a[b/c]",
            "pattern 2, column 4: an optional part cannot hold `/`",
        ),
        (
            "[[[[[a]]]]]",
            "pattern 2, column 5: optional parts stand too deep within each other",
        ),
        (
            "a]",
            "pattern 2, column 2: `]` closes nothing; write `\\]` for the character itself",
        ),
        (
            "a}",
            "pattern 2, column 2: `}` closes nothing; write `\\}` for the character itself",
        ),
        (
            "a[b",
            "pattern 2, column 2: `[` is not closed; write `\\[` for the character itself",
        ),
        (
            "a{any",
            "pattern 2, column 2: `{` is not closed; write `\\{` for the character itself",
        ),
        (
            "{an{y}",
            "pattern 2, column 1: `{` is not closed; write `\\{` for the character itself",
        ),
        (
            "a\\b",
            "pattern 2, column 2: `\\` stands only before { } [ ] * and itself",
        ),
        (
            "a*",
            "pattern 2, column 2: `*` stands only in `**/` at the beginning; write {any} or `\\*`",
        ),
        (
            "设备{devise}",
            "pattern 2, column 3: unknown placeholder {devise}, did you mean {device}?",
        ),
        ("{}", "pattern 2, column 1: unknown placeholder {}"),
        (
            "{date:8}",
            "pattern 2, column 1: a width is a number from 1 to 64, for device, officer, sequence, mark, digits and any",
        ),
        (
            "{any:0}",
            "pattern 2, column 1: a width is a number from 1 to 64, for device, officer, sequence, mark, digits and any",
        ),
        (
            "{device}_{device}",
            "pattern 2, column 10: {device} says again what the pattern already holds",
        ),
        (
            "{date}_{datetime}",
            "pattern 2, column 8: {datetime} says again what the pattern already holds",
        ),
        (
            "{date}{hour}{time}",
            "pattern 2, column 13: {time} says again what the pattern already holds",
        ),
        (
            "{year}-{month}",
            "pattern 2, column 1: a date needs year, month and day",
        ),
        (
            "{any}{time}",
            "pattern 2, column 6: a time needs a date, hours and minutes",
        ),
        (
            "{date}_{hour}",
            "pattern 2, column 8: a time needs a date, hours and minutes",
        ),
        (
            "{end_time}",
            "pattern 2, column 1: a time needs a date, hours and minutes",
        ),
    ];
    for (pattern, expected) in cases {
        let error = grammar(&["{any}", pattern]).unwrap_err();
        assert_eq!(error.to_string(), expected, "{pattern}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    let error = Grammar::parse(&vec!["{any}".to_owned(); 65]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pattern 65, column 1: there are more than 64 patterns"
    );
}

/// A name made to be tried in every way, against patterns made to try every way, stays cheap.
#[test]
fn hostile_names_cost_little() {
    let worst = grammar(&[
        &("{any}".repeat(47) + "!"),
        &("{digits}{any}".repeat(17) + "!"),
        &("[1]{any?}".repeat(11) + "!"),
        &("**/".to_owned() + &"{any}{any}{any}/".repeat(15) + "!"),
    ])
    .unwrap();
    let names = [
        vec![b'1'; 255],
        vec![b'1'; 4_096],
        [vec![b'1'; 255], vec![b'/']].concat().repeat(16),
    ];
    let began = Instant::now();
    for name in &names {
        assert_eq!(
            worst.claims(&name[..name.len().min(4_096)], &shanghai()),
            []
        );
    }
    // Ten times what a slow machine needs; without the memory of failures it is centuries.
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

/// Identifiers as recorders have them, without an underscore and not all zeros.
fn identifier() -> impl Strategy<Value = String> {
    "[A-Z]{0,4}[1-9][A-Z0-9]{0,8}(-[0-9]{1,4})?"
}

proptest! {
    #[test]
    fn no_name_and_no_pattern_makes_it_panic(
        name in prop::collection::vec(any::<u8>(), 0..600),
        shaped in "[A-Z0-9_/.\\-张]{0,80}",
        pattern in "([a-z_/.\\[\\]{}\\\\*]|\\{any\\}|\\{device\\}|\\{datetime\\}|\\{sequence:4\\}|\\{ext\\?\\}){0,12}",
    ) {
        for path in [&name[..], shaped.as_bytes()] {
            let _ = Grammar::default().read(path, &shanghai());
            if let Ok(grammar) = grammar(&[&pattern]) {
                let _ = grammar.read(path, &shanghai());
            }
        }
    }

    #[test]
    fn what_a_recorder_wrote_is_what_is_read(
        device in identifier(), officer in identifier(),
        start_s in 315_532_800_i64..4_102_300_000,
        sequence in prop::option::of(0_u64..9_999_999_999), mark in prop::option::of("[A-Z]{1,8}"),
        (pattern, date) in prop::sample::select(vec![
            ("{device}_{officer}_{date}_{time}[_{sequence}][_{mark}].{ext}", "%Y%m%d_%H%M%S"),
            ("{device}_{officer}_{datetime}[_{sequence}][_{mark}].{ext}", "%Y%m%d%H%M%S"),
            ("{device}_{officer}_{year}-{month}-{day}T{hour}.{minute}.{second}[_{sequence}][_{mark}].{ext}", "%Y-%m-%dT%H.%M.%S"),
            ("{device}_{officer}_{epoch_s}[_{sequence}][_{mark}].{ext}", "%s"),
        ]),
    ) {
        // UTC, because a local hour that happened twice is read as its first.
        let when = Moment::from_s(start_s).timestamp().strftime(date).to_string();
        prop_assume!(when.len() >= 10 && (date != "%s" || start_s >= 1_000_000_000));
        let mut name = format!("{device}_{officer}_{when}");
        let mut expected = vec![
            Field::Device(device), Field::Officer(officer), Field::StartedAt(Moment::from_s(start_s)),
        ];
        if let Some(n) = sequence {
            name += &format!("_{n:04}");
            expected.push(Field::Sequence(n));
        }
        if let Some(mark) = mark {
            name += &format!("_{mark}");
            expected.push(Field::Mark(mark));
        }
        let claims = grammar(&[pattern]).unwrap().claims((name + ".mp4").as_bytes(), &TimeZone::UTC);
        prop_assert_eq!(claims.into_iter().map(|c| c.field).collect::<Vec<_>>(), expected);
    }
}
