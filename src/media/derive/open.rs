//! The first part of a derivation: what is this file, and what does it say of itself?

use std::{
    fs::File,
    io::Read,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::wire::Wire;
use crate::{
    base::Moment,
    media::{
        graph::fault,
        protocol::{DeriveJob, Fault, Message, Opened, Progress, ProtocolError, Side, clean_text},
        salvage::{Ending, ending, rebuild},
        source::{Happening, Reading, Source},
    },
    recording::{
        Claim, Field, Finding, FindingKind, Kind, SalvageMethod, Source as From, TrackKind,
    },
};

/// How often a parent hears that an index is still being made.
const BEAT: Duration = Duration::from_millis(500);

/// A recording whose tracks are known and whose first picture and sound wait.
pub struct OpenRecording {
    /// The reading half.
    pub source: Source,
    /// The first picture.
    pub picture: Option<gst::Sample>,
    /// Everything that went wrong so far.
    pub faults: Vec<Fault>,
    /// The reading half cannot go on.
    pub broken: Option<Fault>,
    /// Its recorder did not come to end it.
    pub salvaged: Option<Salvaged>,
}

/// How a recording is read that its recorder did not come to end.
pub struct Salvaged {
    /// In which way.
    pub method: SalvageMethod,
    /// Bytes of which nothing can be made, where they can be counted.
    pub lost_bytes: Option<u64>,
    /// What is less than it was.
    pub told: Vec<String>,
}

/// Why there is nothing to go on with.
pub enum Closed {
    /// The findings say it.
    Findings(Vec<Finding>),
    /// The engine's own fault.
    Fault(Fault),
}

/// Opens the file and waits until its tracks are known and the first picture is decoded.
///
/// # Errors
/// [`Closed`] when nothing can be presented.
pub fn open(
    input: BorrowedFd<'_>,
    job: &DeriveJob,
    wire: &mut Wire<'_>,
) -> Result<OpenRecording, Closed> {
    use std::os::fd::AsRawFd;
    let (bytes, head) = head(input);
    if bytes == 0 {
        return Err(Closed::Findings(vec![Finding::new(
            FindingKind::FileEmpty,
            "The file has no bytes.",
        )]));
    }
    let (reading, salvaged) = prepare(input, job, wire)?;
    let source = Source::open(input.as_raw_fd(), job, reading).map_err(Closed::Fault)?;
    let mut open = OpenRecording {
        source,
        salvaged,
        picture: None,
        faults: Vec::new(),
        broken: None,
    };
    let wait = gst::ClockTime::from_mseconds(20);
    let mut ended = false;
    loop {
        match open.source.happening(wait) {
            Some(Happening::Broken(f)) => {
                open.broken.get_or_insert(f);
            }
            Some(Happening::Complaint(f)) => open.faults.push(f),
            Some(Happening::End) => ended = true,
            None => {}
        }
        let (complete, sink) = {
            let known = open.source.known();
            (known.complete, known.picture.clone())
        };
        if !complete && open.broken.is_none() && !ended {
            continue;
        }
        match sink {
            Some(sink) => {
                open.picture =
                    gst_app::AppSink::try_pull_sample(&sink, gst::ClockTime::from_mseconds(50));
                if open.picture.is_some() || sink.is_eos() || open.broken.is_some() {
                    break;
                }
            }
            None => break,
        }
    }
    // Tags travel behind the tracks; what is on the bus by now belongs to the opening.
    while let Some(happening) = open.source.happening(gst::ClockTime::ZERO) {
        match happening {
            Happening::Broken(f) => {
                open.broken.get_or_insert(f);
            }
            Happening::Complaint(f) => open.faults.push(f),
            Happening::End => {}
        }
    }
    if let Some(defect) = &open.source.known().defect {
        return Err(Closed::Fault(fault(Side::Decode, "decodebin", defect)));
    }
    let nothing = {
        let known = open.source.known();
        known.picture.is_none() && known.sound.is_none()
    };
    if nothing {
        return Err(Closed::Findings(why_nothing(&open, &head, job)));
    }
    Ok(open)
}

/// How the file is to be read, and what is to be said of that.
fn prepare(
    input: BorrowedFd<'_>,
    job: &DeriveJob,
    wire: &mut Wire<'_>,
) -> Result<(Reading, Option<Salvaged>), Closed> {
    use std::os::fd::AsRawFd;
    let Ok(file) = File::open(format!("/proc/self/fd/{}", input.as_raw_fd())) else {
        return Ok((Reading::Anyhow, None));
    };
    let salvaged = |method, lost_bytes, told| {
        Some(Salvaged {
            method,
            lost_bytes,
            told,
        })
    };
    let media = match ending(&file) {
        Ending::Whole => return Ok((Reading::Anyhow, None)),
        Ending::Cut(cut) => {
            let reading = match (cut.method, cut.up_to) {
                (SalvageMethod::InARow, _) => Reading::InARow,
                (_, Some(end)) => Reading::UpTo(end),
                (_, None) => Reading::Anyhow,
            };
            let label = salvaged(cut.method, cut.lost_bytes, Vec::new());
            return Ok((reading, label));
        }
        Ending::NoIndex(media) => media,
    };
    let unread = |why: &str| {
        let text = format!("Its recorder did not come to write its index; {why}.");
        Closed::Findings(vec![Finding::new(FindingKind::NoIndex, text)])
    };
    let Some(job) = &job.salvage else {
        return Err(unread("the night makes one anew where it can"));
    };
    let mut said = Instant::now();
    let mut beat = || {
        if said.elapsed() >= BEAT {
            said = Instant::now();
            // Whether anybody hears it shows when it matters.
            let _ = wire.say(&Message::Progress(Progress::default()));
        }
    };
    let rebuilt = rebuild(&file, media, job, &mut beat).map_err(unread)?;
    let label = salvaged(rebuilt.method, Some(rebuilt.lost_bytes), rebuilt.told);
    Ok((Reading::Behind(rebuilt.head), label))
}

/// The sentence for a file that gives neither picture nor sound.
fn why_nothing(open: &OpenRecording, head: &[u8], job: &DeriveJob) -> Vec<Finding> {
    let known = open.source.known();
    let said = open
        .broken
        .as_ref()
        .map_or(String::new(), |f| format!(" ({})", f.text));
    let mut findings = known.findings.clone();
    if findings
        .iter()
        .any(|f| f.kind == FindingKind::CodecUnsupported)
    {
        return findings;
    }
    let claims = Kind::sniff(head, b"").is_media() || job.claims_media;
    let typed = !known.media.container.is_empty();
    findings.push(if !known.media.tracks.is_empty() {
        Finding::new(
            FindingKind::DurationZero,
            format!("The file has tracks, but nothing in it can be presented{said}."),
        )
    } else if claims || typed {
        Finding::new(
            FindingKind::ContainerUnreadable,
            format!("It claims to be a recording, but nothing on this machine can read it{said}."),
        )
    } else {
        Finding::new(
            FindingKind::NotMedia,
            format!("The file is neither picture nor sound{said}."),
        )
    });
    findings
}

fn head(input: BorrowedFd<'_>) -> (u64, Vec<u8>) {
    let Ok(mut file) = input.try_clone_to_owned().map(File::from) else {
        return (0, Vec::new());
    };
    let bytes = file.metadata().map(|m| m.len()).unwrap_or(0);
    let mut head = Vec::new();
    // Position zero, whoever used the descriptor before.
    if std::io::Seek::rewind(&mut file).is_ok() {
        let _ = file.by_ref().take(64).read_to_end(&mut head);
    }
    (bytes, head)
}

/// Tells the parent what the container says.
///
/// # Errors
/// When the parent is gone.
pub fn announce(open: &OpenRecording, wire: &mut Wire<'_>) -> Result<Opened, ProtocolError> {
    let mut media = open.source.known().media.clone();
    let tags = open.source.tags();
    let mut claims = Vec::new();
    let model = tags
        .get::<gst::tags::DeviceModel>()
        .map(|v| clean_text(v.get()));
    let maker = tags
        .get::<gst::tags::DeviceManufacturer>()
        .map(|v| clean_text(v.get()));
    media.device_hint = match (maker, model) {
        (Some(a), Some(b)) => Some(format!("{a} {b}")),
        (a, b) => a.or(b),
    };
    if let Some(at) = tags
        .get::<gst::tags::DateTime>()
        .and_then(|v| moment(&v.get()))
    {
        // Recorders without a clock write the epoch of their format; that claims nothing.
        if at.as_s() > 0 {
            media.created_s = Some(at.as_s());
            claims.push(Claim {
                field: Field::StartedAt(at),
                source: From::Container,
            });
        }
    }
    media.declared_ms = media.declared_ms.or_else(|| open.source.duration_ms());
    let opened = Opened { media, claims };
    wire.say(&Message::Opened(Box::new(opened.clone())))?;
    Ok(opened)
}

fn moment(at: &gst::DateTime) -> Option<Moment> {
    if !at.has_time() {
        return None;
    }
    let at = at.to_utc().ok()?;
    let date = jiff::civil::date(
        i16::try_from(at.year()).ok()?,
        i8::try_from(at.month()?).ok()?,
        i8::try_from(at.day()?).ok()?,
    );
    let time = date.at(
        i8::try_from(at.hour()?).ok()?,
        i8::try_from(at.minute()?).ok()?,
        at.second().map_or(0, |s| s as i8),
        0,
    );
    Some(jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?.into())
}

/// Whether a track of this kind stands in the container.
#[must_use]
pub fn has_track(opened: &Opened, kind: TrackKind) -> bool {
    opened.media.tracks.iter().any(|t| t.kind == kind)
}
