//! Hand-made nights and a record for the tests of this folder: an empty night, a clean one, one
//! with hostile names and every sort of outcome, one with thousands of items.

use crate::{
    base::{Digest, Moment, RecordingId},
    intake::{
        MirrorState, Upkeep,
        summary::{Ending, Expiring, Item, NightSummary, Outcome, Room, Totals},
    },
    recording::{
        Attribution, Finding, FindingKind, Kind, MediaInfo, Record, Rendition, Severity, Sighting,
        Source, Span, State, Timeline, Track, TrackKind, attribution::Value,
    },
    retention::{CountedFrom, Reason, Verdict},
};

/// 2026-11-23 22:00:00 in Shanghai.
pub(crate) const BEGAN: Moment = Moment::from_s(1_795_442_400);

pub(crate) fn digest(n: u8) -> Digest {
    Digest::new(std::array::from_fn(|i| {
        n.wrapping_mul(31).wrapping_add((i as u8).wrapping_mul(7))
    }))
}

fn id(n: u8) -> Option<RecordingId> {
    Some(digest(n).id())
}

pub(crate) fn empty() -> NightSummary {
    NightSummary {
        version: 1,
        office: "Fuyuda Market Management 富裕达市场管理处".into(),
        time_zone: "Asia/Shanghai".into(),
        date: "2026-11-23".into(),
        started_at: BEGAN,
        ended_at: BEGAN.plus_ms(1_200),
        ending: Ending::Complete,
        profile: "archive-av1".into(),
        items: Vec::new(),
        totals: Totals {
            wall_ms: 1_200,
            cpu_ms: 90,
            own_peak_bytes: 48_000_000,
            ..Totals::default()
        },
        room: Room {
            free_bytes: 1_200_000_000_000,
            total_bytes: 4_000_000_000_000,
            days_left: None,
        },
        ledger_events: 1,
        ledger_root: "nLlmZtO2P5k7FVzqTRBXW6FXRqfkiA3HxNoLh2WcFJY=".into(),
        upkeep: Upkeep::default(),
        expiring: Vec::new(),
        break_glass: Vec::new(),
        notes: Vec::new(),
    }
}

/// A day that goes from light to dark and back, with speech in bursts.
pub(crate) fn timeline(
    points: u32,
    step_ms: u32,
    dark: std::ops::Range<u32>,
    mute: std::ops::Range<u32>,
) -> Timeline {
    let wave = |i: u32, period: u32, depth: u32| -> u32 {
        let x = i % period;
        depth * x.min(period - x) * 2 / period
    };
    Timeline {
        step_ms,
        luma: (0..points)
            .map(|i| {
                if dark.contains(&i) {
                    3
                } else {
                    (70 + wave(i, 170, 90) + wave(i, 23, 25)) as u8
                }
            })
            .collect(),
        level: (0..points)
            .map(|i| {
                if mute.contains(&i) {
                    0
                } else {
                    (90 + wave(i, 17, 70) + (i * 7919 % 61)) as u8
                }
            })
            .collect(),
    }
}

pub(crate) fn item(n: u8, name: &str, outcome: Outcome) -> Item {
    Item {
        name: name.into(),
        id: id(n),
        outcome,
        kind: Some(Kind::Video),
        state: Some(State::Archived),
        device: Some("BWC-0417".into()),
        officer: Some("100317".into()),
        started_at: Some(BEGAN.plus_ms(-36_000_000 + i64::from(n) * 600_000)),
        bytes: 184_300_000,
        rendition_bytes: 41_200_000,
        duration_ms: 192_000,
        media: "MP4, H.264 1920×1080, AAC".into(),
        cpu_ms: 96_000,
        findings: Vec::new(),
        timeline: Some(timeline(480, 400, 0..0, 0..0)),
    }
}

pub(crate) fn clean() -> NightSummary {
    NightSummary {
        ended_at: BEGAN.plus_ms(130_000),
        items: vec![
            item(1, "BWC-0417/20261123_080512_0001.mp4", Outcome::Archived),
            item(2, "BWC-0417/20261123_093000_0002.mp4", Outcome::Archived),
        ],
        totals: Totals {
            files_seen: 2,
            admitted: 2,
            archived: 2,
            bytes_in: 368_600_000,
            bytes_out: 82_400_000,
            media_ms: 384_000,
            cpu_ms: 192_000,
            wall_ms: 130_000,
            worker_peak_bytes: 612_000_000,
            own_peak_bytes: 84_000_000,
            ..Totals::default()
        },
        room: Room {
            days_left: Some(412),
            ..empty().room
        },
        upkeep: Upkeep {
            mirror: MirrorState::There,
            mirrored: 2,
            reread: 1_204,
            reread_bytes: 411_000_000_000,
            ..Upkeep::default()
        },
        expiring: [(30, 12), (14, 4), (7, 0)]
            .map(|(within_days, recordings)| Expiring {
                within_days,
                recordings,
                bytes: recordings * 184_000_000,
            })
            .to_vec(),
        ledger_events: 9,
        ..empty()
    }
}

pub(crate) fn hostile() -> NightSummary {
    let span = |begin_ms, end_ms| Span { begin_ms, end_ms };
    let mut black = item(1, "BWC-0417/20261123_080512_0001.mp4", Outcome::Archived);
    black.timeline = Some(timeline(480, 400, 120..190, 300..420));
    black.findings = vec![
        Finding::new(
            FindingKind::VideoBlack,
            "the picture is black for 28.0 s (mean luma 3)",
        )
        .at(span(48_000, 76_000)),
        Finding::new(
            FindingKind::AudioSilent,
            "no sound above −60 dBFS for 48.0 s",
        )
        .at(span(120_000, 168_000)),
        Finding::new(FindingKind::TimeJump, "timestamps jump forwards by 4.2 s")
            .at(Span::at(124_500)),
        Finding::new(FindingKind::DecodeError, "the decoder reported 2 errors")
            .at(Span::at(190_900)),
        Finding::new(FindingKind::NormalisedRotation, "rotated upright by 90°"),
    ];
    let mut script = item(
        2,
        "<script>alert('x')</script>\"onload=\"&amp; 巡查 一号摊位 01.mp4",
        Outcome::Archived,
    );
    script.device = Some("<b>\u{1b}[31m&\"'".into());
    script.officer = None;
    script.media = "Matroska, HEVC 1376×1840, <i>Opus</i>".into();
    script.findings = vec![
        Finding::new(
            FindingKind::AttributionDisagrees,
            "the sidecar says device <img src=x onerror=alert(1)>, the folder says \u{202e}7140-CWB; the first stands",
        ),
        Finding::new(FindingKind::Unattributed, "the officer is not known"),
    ];
    let mut cut = item(
        3,
        "BWC-0418/北门/20261123_101500_0007.mp4",
        Outcome::Archived,
    );
    cut.device = Some("BWC-0418".into());
    cut.timeline = Some(timeline(290, 400, 0..0, 0..0));
    cut.duration_ms = 115_200;
    cut.findings = vec![
        Finding::new(
            FindingKind::ContainerTruncated,
            "3,456 of 5,760 declared frames: 60 % of the recording is there",
        )
        .at(span(115_200, 115_200)),
    ];
    let mut sound = item(4, "BWC-0418/notes.wav", Outcome::Archived);
    sound.kind = Some(Kind::Audio);
    sound.media = "WAV, PCM".into();
    sound.duration_ms = 3_725_000;
    sound.timeline = Some(Timeline {
        luma: Vec::new(),
        ..timeline(466, 8_000, 0..0, 40..60)
    });
    sound.findings = vec![
        Finding::new(FindingKind::AudioSilent, "silent")
            .severity(Severity::Note)
            .at(span(320_000, 480_000)),
    ];
    let mut photo = item(5, "BWC-0419/IMG_0001.jpg", Outcome::Kept);
    photo.kind = Some(Kind::Photo);
    photo.state = Some(State::Kept);
    photo.media = String::new();
    photo.duration_ms = 0;
    photo.rendition_bytes = 0;
    photo.timeline = None;
    photo.cpu_ms = 0;
    let mut not = item(6, "BWC-0419/setup.exe", Outcome::Kept);
    not.kind = Some(Kind::Other);
    not.state = Some(State::Kept);
    not.media = String::new();
    not.duration_ms = 0;
    not.rendition_bytes = 0;
    not.timeline = None;
    not.findings = vec![Finding::new(
        FindingKind::NotMedia,
        "neither picture nor sound nor anything a recorder writes (first bytes 4d 5a)",
    )];
    let mut retry = item(
        7,
        "BWC-0419/20261123_141500_0003_a_name_without_a_single_space_that_goes_on_and_on_and_on_until_it_must_be_broken.mp4",
        Outcome::Retry,
    );
    retry.state = Some(State::Retry);
    retry.timeline = None;
    retry.rendition_bytes = 0;
    let mut left = item(8, "BWC-0420/growing.mp4", Outcome::LeftInInbox);
    left.id = None;
    left.kind = None;
    left.state = None;
    left.device = None;
    left.officer = None;
    left.started_at = None;
    left.bytes = 0;
    left.rendition_bytes = 0;
    left.duration_ms = 0;
    left.media = String::new();
    left.timeline = None;
    left.findings = vec![Finding::new(
        FindingKind::FileUnreadable,
        "permission denied",
    )];
    let mut again = item(1, "copy of 0001.mp4", Outcome::SeenAgain);
    again.timeline = None;
    NightSummary {
        ended_at: BEGAN.plus_ms(1_930_000),
        ending: Ending::Drained,
        items: vec![black, script, cut, sound, photo, not, retry, left, again],
        totals: Totals {
            files_seen: 1_012,
            files_known: 1_003,
            files_rehashed: 12,
            admitted: 7,
            archived: 4,
            kept: 2,
            retry: 1,
            bytes_in: 1_290_100_000,
            bytes_out: 164_800_000,
            media_ms: 4_416_200,
            cpu_ms: 3_210_000,
            wall_ms: 1_930_000,
            worker_peak_bytes: 744_000_000,
            own_peak_bytes: 91_000_000,
            sources_removed: 5,
        },
        room: Room {
            days_left: Some(64),
            ..empty().room
        },
        upkeep: Upkeep {
            mirror: MirrorState::Away,
            waiting: 5,
            reread: 40,
            reread_bytes: 9_000_000_000,
            repaired: 1,
            failed: 0,
            damaged: id(9).into_iter().collect(),
            ..Upkeep::default()
        },
        ledger_events: 4_711,
        notes: vec![
            "The element svtav1enc is recvault's own: this GStreamer has none.".into(),
            "Recovery finished 1 recording of the last night <em>.".into(),
        ],
        ..empty()
    }
}

/// `n` recordings, every third with a black stretch.
pub(crate) fn many(n: u32) -> NightSummary {
    let items = (0..n)
        .map(|i| {
            let mut it = item(
                (i % 251) as u8,
                &format!("BWC-{:04}/20261123_{i:06}.mp4", i % 60),
                Outcome::Archived,
            );
            if i % 3 == 0 {
                it.findings = vec![
                    Finding::new(FindingKind::VideoBlack, "the picture is black for 8.0 s").at(
                        Span {
                            begin_ms: 4_000,
                            end_ms: 12_000,
                        },
                    ),
                ];
            }
            it
        })
        .collect();
    NightSummary {
        items,
        totals: Totals {
            files_seen: n.into(),
            archived: n.into(),
            admitted: n.into(),
            ..clean().totals
        },
        ..clean()
    }
}

/// A recording about which everything is known.
pub(crate) fn record() -> Record {
    fn from<T>(value: T, source: Source) -> Option<Value<T>> {
        Some(Value { value, source })
    }
    Record {
        id: digest(1).id(),
        digest: digest(1),
        bytes: 184_300_000,
        chunk_root: digest(2),
        admitted_at: BEGAN.plus_ms(3_000),
        sightings: vec![
            Sighting { at: BEGAN.plus_ms(3_000), name: "BWC-0417/巡查 20261123_080512_0001.mp4".into(), modified_at: BEGAN.plus_ms(-30_000_000) },
            Sighting { at: BEGAN.plus_ms(86_400_000), name: b"copies/\x1b[31m\xff.mp4".to_vec(), modified_at: BEGAN.plus_ms(-20_000_000) },
        ],
        kind: Kind::Video,
        state: State::Archived,
        attribution: Attribution {
            device: from("BWC-0417".into(), Source::FileName(1)),
            officer: from("100317".into(), Source::Register),
            started_at: from(BEGAN.plus_ms(-35_400_000), Source::Container),
            ended_at: None,
            sequence: from(1, Source::FileName(1)),
            mark: from("重要\u{1b}[2J".into(), Source::Sidecar),
            case_code: None,
            remark: from("A long remark that an officer dictated at the collection station about stall 17 by the north gate, 北门十七号摊位占道经营，劝离后离开。".into(), Source::Sidecar),
        },
        media: Some(MediaInfo {
            container: "MP4".into(),
            tracks: vec![
                Track { kind: TrackKind::Video, codec: "H.264".into(), width: Some(1920), height: Some(1080), fps: Some((30_000, 1_001)), rate_hz: None, channels: None, declared_frames: Some(5_760) },
                Track { kind: TrackKind::Audio, codec: "AAC".into(), width: None, height: None, fps: None, rate_hz: Some(48_000), channels: Some(2), declared_frames: None },
            ],
            declared_ms: Some(192_000),
            presented_ms: 192_000,
            frames: 5_760,
            created_s: Some(1_795_407_000),
            device_hint: Some("DSJ-A7".into()),
            salvage: None,
        }),
        findings: vec![
            Finding::new(FindingKind::ContainerTruncated, "3,456 of 5,760 declared frames").at(Span::at(115_200)),
            Finding::new(FindingKind::VideoBlack, "the picture is black for 28.0 s (mean luma 3)").at(Span { begin_ms: 48_000, end_ms: 76_000 }),
            Finding::new(FindingKind::NormalisedRotation, "rotated upright by 90°"),
        ],
        findings_uncounted: 12,
        timeline: Some(timeline(480, 400, 120..190, 300..420)),
        renditions: vec![Rendition {
            digest: digest(3),
            bytes: 41_200_000,
            extension: "mkv".into(),
            profile: "archive-av1".into(),
            profile_digest: digest(4),
            superseded: false,
            part: 0,
            frames: 5_760,
            duration_ms: 192_000,
            width: 1920,
            height: 1120,
            made_at: BEGAN.plus_ms(120_000),
            cpu_ms: 96_000,
            made_with: vec!["recvault 0.1.0".into(), "GStreamer 1.22.0".into(), "SVT-AV1 1.4.1".into()],
        }],
        attempts: 1,
        corrections: 0,
        mirrored: false,
        changed_at: BEGAN.plus_ms(120_500),
        events: 4,
    }
}

/// Kept by clause 4.6 for its three months.
pub(crate) fn verdict() -> Verdict {
    let until = Moment::from_s(1_803_916_799);
    let reason = Reason::Until {
        until,
        start: BEGAN,
        from: CountedFrom::LatestIngest,
        months: 3,
        rolled: false,
        policy: 1,
    };
    Verdict::Keep {
        until: Some(until),
        reasons: vec![reason],
    }
}
