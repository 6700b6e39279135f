//! What a worker and its parent say to each other: one JSON object a line, each at most
//! [`WORKER_LINE_BYTES_MAX`] bytes, in both directions.
//!
//! ```text
//! parent                         worker
//!   Request::Derive    ───────►
//!                      ◄───────  Opened
//!   Answer::Proceed    ───────►            (or Answer::Stop: the worker ends with Done)
//!                      ◄───────  Progress, Finding, …
//!                      ◄───────  Done or Fault
//! ```
//!
//! The worker reads hostile media, so the parent believes nothing about its lines but what
//! [`check_message`] lets through.

mod check;

use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{
    band::{BandMode, Template},
    profile::{Plan, Requirement},
    salvage::SalvageJob,
    worker::Containment,
};
use crate::{
    base::{Digest, ErrorKind, Explain, Moment, RecordingId, limits::WORKER_LINE_BYTES_MAX},
    custody::request::Seconds,
    recording::{Claim, Finding, MediaInfo, Record, Timeline, salvage::Shape},
};

pub use check::check_message;

/// The version of this dialogue. Parent and worker are the same binary; a difference means that
/// it was replaced while it ran.
pub const VERSION: u32 = 1;

/// Tracks that are described one by one.
pub const TRACKS_MAX: usize = 64;

/// Pictures of a contact sheet.
pub const SHEET_CELLS_MAX: u32 = 20;

/// Codes that one file is said to carry. One is what an honest copy has; more are a cut from
/// several.
pub const CODES_MAX: usize = 16;

/// Characters of a sentence or a name out of a file.
pub const TEXT_CHARS_MAX: usize = 400;

/// What the parent asks for first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum Request {
    /// Decode, check, and where wanted transcode.
    Derive(DeriveJob),
    /// Look whether a rendition is what was promised.
    Verify(VerifyJob),
    /// Make the contact sheet of a marked copy.
    Sheet(SheetJob),
    /// Look which codes stand in the pictures of a file that may come from anywhere.
    Trace(TraceJob),
    /// Find the chunks of an original that hold a part of it.
    Excerpt(ExcerptJob),
    /// Say how the recorder of a whole recording writes.
    Shape,
    /// Say how much a copy looks like its recording.
    Likeness(LikenessJob),
    /// Say what this machine's GStreamer has.
    Capabilities {
        /// The elements in question.
        elements: Vec<Requirement>,
    },
}

/// What a derivation needs to know before it opens the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeriveJob {
    /// The file's name says this of its kind; used for wording only.
    pub claims_media: bool,
    /// Decoder threads; 0 leaves it to the decoder.
    pub decode_threads: u32,
    /// The present instant, against which a recorder's clock is judged.
    pub now: Moment,
    /// Raw formats that the encoder will take; empty means 4:2:0 alone.
    pub formats: Vec<String>,
    /// Elements of the profile, whose plugins may be loaded beside those that every worker may load.
    pub elements: Vec<String>,
    /// How to read it where it has no index; without it, such a recording is not read.
    #[serde(default)]
    pub salvage: Option<SalvageJob>,
}

impl DeriveJob {
    /// To make a copy of this recording by a plan.
    #[must_use]
    pub fn making(plan: &Plan, record: &Record) -> Self {
        Self {
            claims_media: record.kind.is_media(),
            now: record.admitted_at,
            formats: plan.formats.clone(),
            elements: plan.elements(),
            salvage: SalvageJob::again(record.media.as_ref()),
            ..Self::default()
        }
    }
}

/// What a derivation is told once the parent knows whose recording it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// Go on.
    Proceed(Box<Orders>),
    /// What was said so far is enough.
    Stop,
}

/// How to go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// What to write, if anything; without it the recording is decoded and checked only.
    pub rendition: Option<RenditionOrder>,
    /// Thresholds of the checks.
    #[serde(default)]
    pub checks: super::checks::CheckSettings,
    /// Only this part of the recording; the rendition begins with it.
    #[serde(default)]
    pub only: Option<Part>,
}

/// A part of a recording, in milliseconds of it, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
    /// Read everything before it as well, instead of seeking.
    #[serde(default)]
    pub in_a_row: bool,
}

/// What to write, and what it shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenditionOrder {
    /// The pipeline.
    pub plan: Plan,
    /// What the band shows.
    pub mark: MarkOrder,
    /// SHA-256 of the original, for the container's tags.
    pub original: Digest,
}

/// What the band shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MarkOrder {
    /// The recorder.
    pub device: Option<String>,
    /// The officer's number.
    pub officer: Option<String>,
    /// The officer's name.
    pub officer_name: Option<String>,
    /// The recording.
    pub id: RecordingId,
    /// When it began; none where that is not known or not believed.
    pub start: Option<Moment>,
    /// IANA name of the zone that the wall clock is shown in.
    pub zone: String,
    /// The text.
    pub template: Template,
    /// Where the band goes.
    pub mode: BandMode,
    /// A font file that has all that the names need.
    pub font: PathBuf,
    /// Which face of a font collection.
    #[serde(default)]
    pub font_index: u32,
}

/// What a rendition is held against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyJob {
    /// What the worker that made it said.
    pub promised: RenditionFacts,
    /// Whose code the band carries; none for sound alone.
    pub id: Option<RecordingId>,
    /// When the recording began, as the band was told.
    pub start: Option<Moment>,
    /// Decode everything instead of the first frame of each group.
    pub full: bool,
    /// Decoder threads; 0 leaves it to the decoder.
    pub decode_threads: u32,
}

/// What a contact sheet says beside its pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SheetJob {
    /// The line above them.
    pub title: String,
    /// When the recording began; none where that is not known or not believed.
    pub start: Option<Moment>,
    /// IANA name of the zone that the wall clock is shown in.
    pub zone: String,
    /// A font file that has all that the title needs.
    pub font: PathBuf,
    /// Which face of a font collection.
    #[serde(default)]
    pub font_index: u32,
}

/// How a file of unknown origin is looked at.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct TraceJob {
    /// Decoder threads; 0 leaves it to the decoder.
    pub decode_threads: u32,
}

/// How a copy is held against its recording.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LikenessJob {
    /// Where its band stands.
    pub mode: BandMode,
}

/// Which part of an original is to be found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExcerptJob {
    /// The container, as the derivation called it.
    pub container: String,
    /// Size of the original.
    pub bytes: u64,
    /// The part.
    pub part: Part,
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "say")]
pub enum Message {
    /// The first line of all.
    Hello {
        /// The worker's [`VERSION`].
        version: u32,
    },
    /// The container is open and its tracks are known.
    Opened(Box<Opened>),
    /// Something moved.
    Progress(Progress),
    /// Something was found.
    Finding(Finding),
    /// A derivation is complete.
    Done(Box<Done>),
    /// A rendition was looked at.
    Verified(Box<Verified>),
    /// A contact sheet is written.
    Sheet(SheetFacts),
    /// A file of unknown origin was looked at.
    Traced(Box<Traced>),
    /// The chunks of a part were found.
    Excerpt(ExcerptFacts),
    /// How a recorder writes.
    Shape(Box<Shape>),
    /// A copy was held against its recording.
    Likeness(Likeness),
    /// What this machine has.
    Capabilities(Box<Capabilities>),
    /// The work could not be done; not the recording's fault unless `side` is decode.
    Fault(Fault),
}

/// The container is open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Opened {
    /// Container and tracks; nothing was presented yet.
    pub media: MediaInfo,
    /// What the container says of device and time.
    pub claims: Vec<Claim>,
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Position in the recording.
    pub position_ms: i64,
    /// Its length as declared, 0 where that is not known.
    pub duration_ms: i64,
    /// Pictures so far.
    pub frames: u64,
}

/// What a rendition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenditionFacts {
    /// Pictures in it.
    pub frames: u64,
    /// First to last picture (or sample), the last one's own duration included.
    pub duration_ms: i64,
    /// When its first picture is presented.
    pub begin_ms: i64,
    /// Width in pixels with the band; 0 for sound alone.
    pub width: u32,
    /// Height in pixels with the band; 0 for sound alone.
    pub height: u32,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether it has sound.
    pub sound: bool,
}

/// The end of a derivation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Done {
    /// Container, tracks, and what was presented.
    pub media: MediaInfo,
    /// Light and sound over time.
    pub timeline: Timeline,
    /// Findings beyond those that were sent.
    pub findings_uncounted: u64,
    /// What was written, if anything.
    pub rendition: Option<RenditionFacts>,
    /// CPU time of the whole worker.
    pub cpu_ms: u64,
    /// Most memory that it held.
    pub peak_rss_bytes: u64,
    /// Versions of what did the work.
    pub made_with: Vec<String>,
}

/// The end of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Whether it is what was promised; if not, `findings` were sent before.
    pub sound: bool,
    /// Packets of pictures.
    pub frames: u64,
    /// First to last picture, the last one's own duration included.
    pub duration_ms: i64,
    /// Groups of pictures.
    pub keyframes: u64,
    /// Pictures decoded.
    pub decoded: u64,
    /// Block codes that were read and right.
    pub codes_read: u64,
    /// SHA-256 of the file.
    pub digest: Option<Digest>,
    /// CPU time of the whole worker.
    pub cpu_ms: u64,
    /// Most memory that it held.
    pub peak_rss_bytes: u64,
}

/// What a contact sheet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetFacts {
    /// Pictures in it.
    pub cells: u32,
    /// Pictures side by side.
    pub columns: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size in bytes.
    pub bytes: u64,
}

/// What stands in the pictures of a file of unknown origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// Pictures looked at.
    pub frames: u32,
    /// Codes that were read, the most frequent first.
    pub codes: Vec<CodeSeen>,
}

/// A code that stands in pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSeen {
    /// What it names: an export's use, or in the archive's own pictures their recording.
    pub id: RecordingId,
    /// The second since 1970 UTC that the recording began in; none where its clock is not proven.
    pub start_s: Option<u32>,
    /// Pictures that it stands in, of those looked at.
    pub frames: u32,
}

/// How much a copy looks like its recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Pictures that both have.
    pub frames: u64,
    /// Structural similarity of their luma; 1 is the same.
    pub ssim: f64,
}

/// Which chunks hold a part of an original.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcerptFacts {
    /// Chunks, the ends not included; in order, none touching another.
    pub chunks: Vec<(u64, u64)>,
    /// Seconds of the recording that they disclose, likewise.
    pub discloses: Vec<Seconds>,
}

/// What this machine's GStreamer has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// GStreamer's version.
    pub gstreamer: String,
    /// Elements asked for that are there: name, plugin, version.
    pub present: Vec<(String, String, String)>,
    /// Elements asked for that are not.
    pub missing: Vec<Requirement>,
    /// Versions of libraries that encode.
    pub libraries: Vec<String>,
    /// What holds a worker on this machine.
    #[serde(default)]
    pub containment: Containment,
}

/// Which half of the work failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Reading the recording.
    Decode,
    /// Writing the rendition.
    Encode,
}

/// The work could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The element that said so, or nothing.
    pub element: String,
    /// What it said.
    pub text: String,
    /// Which half.
    pub side: Side,
}

/// A line that is none.
#[derive(Debug, Error)]
pub enum ProtocolError {
    /// The other side's pipe broke.
    #[error("the worker's pipe: {0}")]
    Pipe(#[from] io::Error),
    /// Longer than a line may be.
    #[error("a line of more than {WORKER_LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not what this version says.
    #[error("a line that is not understood: {0}")]
    NotUnderstood(String),
    /// Beyond what the parent lets through.
    #[error("a message out of bounds: {0}")]
    OutOfBounds(&'static str),
}

impl Explain for ProtocolError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fault
    }
}

/// Writes one line.
///
/// # Errors
/// [`ProtocolError::TooLong`] before anything is written, or the pipe's.
pub fn write_line<T: Serialize>(to: &mut impl Write, what: &T) -> Result<(), ProtocolError> {
    let mut line =
        serde_json::to_vec(what).map_err(|e| ProtocolError::NotUnderstood(e.to_string()))?;
    line.push(b'\n');
    if line.len() > WORKER_LINE_BYTES_MAX {
        return Err(ProtocolError::TooLong);
    }
    to.write_all(&line)?;
    Ok(to.flush()?)
}

/// Reads one line; `None` at the end. Never holds more than a line's bound in memory.
///
/// # Errors
/// [`ProtocolError`], after which the stream is not to be read on.
pub fn read_line<T: DeserializeOwned>(from: &mut impl BufRead) -> Result<Option<T>, ProtocolError> {
    let mut line = Vec::new();
    loop {
        let chunk = match from.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if chunk.is_empty() {
            return if line.is_empty() {
                Ok(None)
            } else {
                Err(ProtocolError::NotUnderstood("cut off".into()))
            };
        }
        let (take, ended) = match chunk.iter().position(|b| *b == b'\n') {
            Some(at) => (at, true),
            None => (chunk.len(), false),
        };
        if line.len().saturating_add(take) >= WORKER_LINE_BYTES_MAX {
            return Err(ProtocolError::TooLong);
        }
        line.extend_from_slice(chunk.get(..take).unwrap_or(&[]));
        from.consume(if ended { take.saturating_add(1) } else { take });
        if ended {
            return serde_json::from_slice(&line)
                .map(Some)
                .map_err(|e| ProtocolError::NotUnderstood(e.to_string()));
        }
    }
}

/// Text out of a file or a library, cut to [`TEXT_CHARS_MAX`] and without control characters.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let flat = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    flat.take(TEXT_CHARS_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::recording::{FindingKind, Span};

    #[test]
    fn a_line_beyond_its_bound_is_refused_on_both_sides() {
        let long = Message::Finding(Finding::new(
            FindingKind::NotMedia,
            "x".repeat(WORKER_LINE_BYTES_MAX),
        ));
        let mut out = Vec::new();
        assert!(matches!(
            write_line(&mut out, &long),
            Err(ProtocolError::TooLong)
        ));
        assert!(out.is_empty());
        // A worker gone mad writes without end and without a line break.
        let endless = std::io::repeat(b'{');
        let read = read_line::<Message>(&mut io::BufReader::new(endless));
        assert!(matches!(read, Err(ProtocolError::TooLong)));
    }

    #[test]
    fn what_is_not_a_line_of_ours_is_an_error_and_the_end_is_the_end() {
        for (text, fine) in [
            ("", true),
            ("{\"say\":\"nonsense\"}\n", false),
            ("{\"say\"", false),
            ("\n", false),
        ] {
            let read = read_line::<Message>(&mut text.as_bytes());
            assert_eq!(matches!(read, Ok(None)), fine, "{text}");
        }
    }

    #[test]
    fn a_message_out_of_bounds_is_not_believed() {
        let mut done = Done::default();
        done.timeline.luma = vec![0; crate::base::limits::TIMELINE_POINTS_MAX + 1];
        let turned = Finding::new(FindingKind::VideoBlack, "x").at(Span {
            begin_ms: 2,
            end_ms: 1,
        });
        for bad in [
            Message::Done(Box::new(done)),
            Message::Finding(turned),
            Message::Hello {
                version: VERSION + 1,
            },
        ] {
            assert!(check_message(&bad).is_err(), "{bad:?}");
        }
        assert!(check_message(&Message::Done(Box::default())).is_ok());
    }
}
