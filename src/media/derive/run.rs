//! The order of a derivation.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::{
    Moved,
    canvas::Canvas,
    open::{Closed, OpenRecording, announce, has_track, open},
    picture::{PictureRun, Pictures},
    sound::{Clock, SoundRun, Sounds},
    window::Window,
    wire::Wire,
};
use crate::{
    media::{
        checks::{TimelineBuilder, sound_truncation, truncation},
        encode::{Encode, Shape},
        graph::fault,
        machine,
        protocol::{
            Answer, DeriveJob, Done, Fault, Message, Opened, Orders, Progress, ProtocolError,
            RenditionFacts, Side,
        },
        source::{DecoderComplaints, Happening},
    },
    recording::{Finding, FindingKind, Salvage, Span, Timeline, TrackKind},
};

/// How often the parent hears that something moved.
const TICK: Duration = Duration::from_millis(250);
/// After the reading half broke: how long what it had decoded may still be on its way.
const DRAIN_MAX: Duration = Duration::from_secs(3);
const MS: u64 = 1_000_000;

/// Why a derivation ends early.
enum End {
    Fault(Fault),
    Pipe(ProtocolError),
}

impl From<ProtocolError> for End {
    fn from(e: ProtocolError) -> Self {
        Self::Pipe(e)
    }
}
impl From<Fault> for End {
    fn from(f: Fault) -> Self {
        Self::Fault(f)
    }
}

/// Derives one recording and says everything that is to be said, `Done` or `Fault` last.
///
/// # Errors
/// When the parent is gone; there is nobody left to tell.
pub fn derive(
    job: &DeriveJob,
    input: BorrowedFd<'_>,
    output: Option<OwnedFd>,
    wire: &mut Wire<'_>,
) -> Result<(), ProtocolError> {
    match derive_inner(job, input, output, wire) {
        Ok(mut done) => {
            done.findings_uncounted = wire.uncounted();
            done.cpu_ms = machine::cpu_ms();
            done.peak_rss_bytes = machine::peak_rss_bytes();
            done.made_with = machine::made_with();
            wire.say(&Message::Done(Box::new(done)))
        }
        Err(End::Fault(f)) => wire.say(&Message::Fault(f)),
        Err(End::Pipe(e)) => Err(e),
    }
}

fn derive_inner(
    job: &DeriveJob,
    input: BorrowedFd<'_>,
    output: Option<OwnedFd>,
    wire: &mut Wire<'_>,
) -> Result<Done, End> {
    // 1. Open it, and tell what it says of itself.
    let mut open = match open(input, job, wire) {
        Ok(open) => open,
        Err(Closed::Fault(f)) => return Err(f.into()),
        Err(Closed::Findings(findings)) => {
            wire.say(&Message::Opened(Box::default()))?;
            if matches!(wire.hear::<Answer>()?, None | Some(_)) {
                for finding in findings {
                    wire.find(finding)?;
                }
            }
            return Ok(Done::default());
        }
    };
    let opened = announce(&open, wire)?;
    // 2. Hear whose it is and what is wanted.
    let orders = match wire.hear::<Answer>()? {
        Some(Answer::Proceed(orders)) => orders,
        Some(Answer::Stop) | None => {
            return Ok(Done {
                media: opened.media,
                ..Done::default()
            });
        }
    };
    // 3. Let it run.
    let run = Running::start(&mut open, &orders, output.as_ref().map(AsFd::as_fd))?;
    let outcome = run.watch(&mut open, wire, opened.media.declared_ms.unwrap_or(0))?;
    // 4. Say what was found.
    let bytes = output
        .and_then(|fd| std::fs::File::from(fd).metadata().ok())
        .map_or(0, |m| m.len());
    conclude(&open, opened, outcome, bytes, wire)
}

/// Both halves at work.
struct Running {
    encode: Option<Encode>,
    canvas: Option<(u32, u32)>,
    pictures: Option<JoinHandle<Result<Pictures, Fault>>>,
    sounds: Option<JoinHandle<Sounds>>,
    moved: Arc<Moved>,
    timeline: Arc<Mutex<TimelineBuilder>>,
}

/// What came of it.
struct Outcome {
    pictures: Pictures,
    sounds: Sounds,
    encoded: Option<(u64, Option<(u32, u32)>)>,
    timeline: Timeline,
}

impl Running {
    fn start(
        open: &mut OpenRecording,
        orders: &Orders,
        output: Option<BorrowedFd<'_>>,
    ) -> Result<Self, End> {
        let moved = Arc::new(Moved::default());
        let timeline = Arc::new(Mutex::new(TimelineBuilder::new()));
        let (picture_sink, sound_sink, interlaced) = {
            let known = open.source.known();
            (known.picture.clone(), known.sound.clone(), known.interlaced)
        };
        let mut first = open.picture.take();
        // A video track out of which no picture came leaves sound alone to be written.
        let picture_sink = picture_sink.filter(|_| first.is_some());
        let channels = sound_sink.as_ref().map(|_| open.source.known().channels);
        let info = match first.as_ref().and_then(|s| s.caps()) {
            Some(caps) => Some(
                gst_video::VideoInfo::from_caps(caps)
                    .map_err(|e| fault(Side::Decode, "appsink", &e.to_string()))?,
            ),
            None => None,
        };
        let mut window = Window::default();
        if let Some(part) = orders.only {
            let sought;
            (window, sought) = Window::open(&open.source, part);
            first = first.filter(|_| !sought);
        }
        let mut canvas = None;
        let mut encode = None;
        if let (Some(order), Some(fd)) = (&orders.rendition, output) {
            canvas = match &info {
                Some(info) => Some(Canvas::new(info, &order.mark)?),
                None => None,
            };
            let shape = Shape {
                canvas: canvas.as_ref().map(Canvas::info),
                interlaced,
                channels,
                salvaged: open.salvaged.is_some(),
            };
            encode = Some(Encode::start(order, &shape, fd.as_raw_fd())?);
        }
        if let Some(padded) = canvas.as_ref().and_then(Canvas::padded) {
            open.source.known().findings.push(padded);
        }
        let size = canvas
            .as_ref()
            .map(|c| (c.info().width(), c.info().height()));
        let out = encode.as_ref().and_then(|e| e.picture.clone()).zip(canvas);
        let pictures = picture_sink.map(|sink| {
            let run = PictureRun {
                sink,
                out,
                checks: orders.checks.clone(),
                timeline: Arc::clone(&timeline),
                moved: Arc::clone(&moved),
                window,
            };
            thread::spawn(move || run.run(first))
        });
        let sounds = sound_sink.map(|sink| {
            let out = encode.as_ref().and_then(|e| e.sound.clone());
            let run = SoundRun {
                sink,
                out,
                channels: channels.unwrap_or(2),
                checks: orders.checks.clone(),
                timeline: Arc::clone(&timeline),
                moved: Arc::clone(&moved),
                window,
                end_ns: 0,
                clock: Clock::default(),
            };
            thread::spawn(move || run.run(None))
        });
        Ok(Self {
            encode,
            canvas: size,
            pictures,
            sounds,
            moved,
            timeline,
        })
    }

    /// Waits for the end, telling the parent what moves.
    fn watch(
        mut self,
        open: &mut OpenRecording,
        wire: &mut Wire<'_>,
        duration_ms: i64,
    ) -> Result<Outcome, End> {
        let mut said = Instant::now();
        let mut told = u64::MAX;
        let mut still_since = Instant::now();
        let mut written = self.encode.is_none();
        loop {
            let wait = gst::ClockTime::from_mseconds(40);
            match open.source.happening(wait) {
                Some(Happening::Broken(f)) => {
                    open.broken.get_or_insert(f);
                }
                Some(Happening::Complaint(f)) => open.faults.push(f),
                Some(Happening::End) | None => {}
            }
            if let Some(encode) = &self.encode
                && !written
            {
                match encode.complete() {
                    Ok(complete) => written = complete,
                    Err(f) => {
                        open.source.stop();
                        encode.stop();
                        return Err(f.into());
                    }
                }
            }
            let total = self
                .moved
                .total()
                .wrapping_add(self.encode.as_ref().map_or(0, Encode::frames));
            if total != told && said.elapsed() >= TICK {
                told = total;
                said = Instant::now();
                still_since = said;
                wire.say(&Message::Progress(Progress {
                    position_ms: self.moved.position_ms(),
                    duration_ms,
                    frames: self.moved.frames(),
                }))?;
            }
            let (pictures_over, sounds_over) = self.moved.are_over();
            if (pictures_over || self.pictures.is_none()) && (sounds_over || self.sounds.is_none())
            {
                // What follows is wanted by nobody.
                open.source.stop();
            }
            if open.broken.is_some() && still_since.elapsed() > DRAIN_MAX {
                open.source.stop();
            }
            let read = self.pictures.as_ref().is_none_or(JoinHandle::is_finished)
                && self.sounds.as_ref().is_none_or(JoinHandle::is_finished);
            if read && written {
                break;
            }
        }
        let panicked = || fault(Side::Encode, "", "a thread of the worker panicked");
        let pictures = match self.pictures.take() {
            Some(t) => t.join().map_err(|_| panicked())??,
            None => Pictures::default(),
        };
        let sounds = match self.sounds.take() {
            Some(t) => t.join().map_err(|_| panicked())?,
            None => Sounds::default(),
        };
        let encoded = self.encode.as_ref().map(|e| (e.frames(), self.canvas));
        let end_ms = ms(pictures.end_ns.max(sounds.end_ns));
        let builder =
            std::mem::take(&mut *self.timeline.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Outcome {
            pictures,
            sounds,
            encoded,
            timeline: builder.finish(end_ms),
        })
    }
}

fn ms(ns: u64) -> i64 {
    i64::try_from(ns.saturating_add(MS / 2) / MS).unwrap_or(i64::MAX)
}

fn conclude(
    open: &OpenRecording,
    opened: Opened,
    outcome: Outcome,
    bytes: u64,
    wire: &mut Wire<'_>,
) -> Result<Done, End> {
    let Outcome {
        pictures,
        sounds,
        encoded,
        timeline,
    } = outcome;
    let known = open.source.known();
    for finding in known.findings.iter().cloned() {
        wire.find(finding)?;
    }
    if !has_track(&opened, TrackKind::Video) {
        wire.find(Finding::new(
            FindingKind::VideoMissing,
            "The recording has no picture track.",
        ))?;
    }
    if !has_track(&opened, TrackKind::Audio) {
        wire.find(Finding::new(
            FindingKind::AudioMissing,
            "The recording has no sound track.",
        ))?;
    }
    if let Some(turn) = &known.rotation {
        wire.find(Finding::new(
            FindingKind::NormalisedRotation,
            format!("The picture was turned upright ({turn})."),
        ))?;
    }
    if known.interlaced {
        wire.find(Finding::new(
            FindingKind::NormalisedInterlace,
            "The picture is interlaced; its fields were kept woven.",
        ))?;
    }
    for f in open.broken.iter().chain(&open.faults).take(20) {
        wire.find(Finding::new(
            FindingKind::DecodeError,
            format!("{}: {}", f.element, f.text),
        ))?;
    }
    let complaints = DecoderComplaints::count();
    if pictures.damaged > 0 || complaints > 0 {
        let said = DecoderComplaints::first();
        let mut finding = Finding::new(
            FindingKind::DecodeError,
            format!(
                "The decoder reported {complaints} errors and {} damaged pictures ({said}).",
                pictures.damaged
            ),
        );
        if let Some(at) = pictures.damaged_first_ms {
            finding = finding.at(Span::at(at));
        }
        wire.find(finding)?;
    }
    for finding in pictures.findings.iter().chain(&sounds.findings) {
        wire.find(finding.clone())?;
    }
    // The container's length is that of its longest track, counted from its beginning.
    let presented_end_ms = ms(pictures.end_ns.max(sounds.end_ns));
    if let Some(short) = truncation(
        opened.media.declared_ms,
        presented_end_ms,
        None,
        pictures.frames,
    ) {
        wire.find(short)?;
    } else if let Some(short) = known
        .sound_ms
        .filter(|_| sounds.pieces > 0)
        .and_then(|declared| sound_truncation(declared, ms(sounds.end_ns)))
    {
        wire.find(short)?;
    }
    let (begin, end) = if pictures.frames > 0 {
        (pictures.begin_ns, pictures.end_ns)
    } else {
        (sounds.begin_ns, sounds.end_ns)
    };
    let duration_ms = ms(end.saturating_sub(begin));
    let mut media = opened.media;
    media.frames = pictures.frames;
    media.presented_ms = duration_ms;
    media.salvage = open.salvaged.as_ref().map(|how| Salvage {
        method: how.method,
        reference: None,
        shape: None,
        recovered_ms: duration_ms.max(0),
        lost_bytes: how.lost_bytes,
    });
    if let (Some(salvage), Some(how)) = (&media.salvage, &open.salvaged) {
        let mut text = format!("Its recorder did not come to end it. {}.", salvage.words());
        for less in &how.told {
            text = format!("{text} {less}");
        }
        wire.find(Finding::new(FindingKind::Unended, text))?;
    }
    if pictures.frames == 0 && sounds.pieces == 0 {
        wire.find(Finding::new(
            FindingKind::DurationZero,
            "Nothing in the recording could be presented.",
        ))?;
        return Ok(Done {
            media,
            ..Done::default()
        });
    }
    let rendition = encoded.map(|(frames, canvas)| RenditionFacts {
        frames,
        duration_ms,
        begin_ms: ms(begin),
        width: canvas.map_or(0, |c| c.0),
        height: canvas.map_or(0, |c| c.1),
        bytes,
        sound: sounds.pieces > 0,
    });
    Ok(Done {
        media,
        rendition,
        timeline,
        ..Done::default()
    })
}
