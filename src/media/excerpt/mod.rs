//! Which chunks of an original hold some seconds of it, and which seconds those chunks disclose: a
//! chunk is cut without regard to pictures, and the file's head and index have their neighbours.
//!
//! The demuxer tells: it reads the whole file once, nothing is decoded, and what it reads from the
//! file stands between what it gives out. Needed are
//!
//! - what it reads before it gives out anything: head and index (of a transport stream, which has
//!   neither, the first chunk: it begins with the tables)
//! - of each track, everything from the key frame before the seconds to their end (of a transport
//!   stream, from the one before that, without gaps, and to what comes out next: it is read in a row)
//!
//! An index that lies scattered over the file, as in fragmented MP4, is needed whole, and the answer
//! says what that discloses. Where those chunks hold much that the demuxer never looked at, or more of a
//! head than an index takes, nobody can say what it shows: then the answer is that they disclose the
//! whole recording.
//!
//! The same is the answer for a transport stream that lost packets, whose tables change, or whose clock
//! has gaps: there the demuxer's times cannot be believed ([`stream`]).
//!
//! What no header of a Matroska file names counts as what lies around it. H.264 without key frames, whose
//! picture is renewed line by line, is cut where its container says that a decoder can begin, and shows
//! some pictures there before they are whole.

mod select;
mod stream;
mod tape;

use std::{
    fs::File,
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::FileExt,
    },
};

use super::{
    derive::Wire,
    graph::fault,
    packets::End,
    protocol::{ExcerptFacts, ExcerptJob, Message, Progress, ProtocolError, Side},
};
use select::{disclose_all, head_bytes, select, unread};
use stream::Look;
use tape::Tape;

/// Bytes of head and index, however many packets there are: of such as are read block by block a
/// few blocks.
const HEAD_BYTES_MAX: u64 = 160 * 1024;

/// And for each packet: its place, size, time and kind in an index take half of it.
const HEAD_BYTES_A_PACKET: u64 = 64;

/// Bytes that no demuxer reads and that are not zero, of which no more is made: marks of whoever wrote
/// the file, and padding.
const UNREAD_BYTES_MAX: u64 = 1_024;

/// How an original is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The container, as people name it.
    pub container: &'static str,
    /// Ending of a file's name.
    pub extension: &'static str,
    demuxer: &'static str,
    head: Head,
}

/// What of a file is needed whatever is shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// Whatever is read before anything comes out.
    Before,
    /// That, and whatever is read later without anything coming of it.
    Scattered,
    /// The first chunk.
    First,
}

const fn cut(
    container: &'static str,
    extension: &'static str,
    demuxer: &'static str,
    head: Head,
) -> Cut {
    Cut {
        container,
        extension,
        demuxer,
        head,
    }
}

/// The containers whose originals can be cut.
const CUTS: [Cut; 8] = [
    cut("MP4", "mp4", "qtdemux", Head::Scattered),
    cut("QuickTime", "mov", "qtdemux", Head::Scattered),
    cut("3GP", "3gp", "qtdemux", Head::Scattered),
    cut("M4A", "m4a", "qtdemux", Head::Scattered),
    cut("Matroska", "mkv", "matroskademux", Head::Before),
    cut("WebM", "webm", "matroskademux", Head::Before),
    cut("AVI", "avi", "avidemux", Head::Before),
    cut("MPEG-TS", "ts", "tsdemux", Head::First),
];

impl Cut {
    /// How an original in this container is cut; nothing where it cannot be.
    #[must_use]
    pub fn of(container: &str) -> Option<Self> {
        CUTS.into_iter().find(|cut| cut.container == container)
    }

    /// Whether its readers pass over null packets, and lose their way in zeros.
    #[must_use]
    pub fn is_stream(self) -> bool {
        self.head == Head::First
    }
}

/// Finds the chunks and says them.
///
/// # Errors
/// When the parent is gone.
pub fn excerpt(
    job: &ExcerptJob,
    input: BorrowedFd<'_>,
    wire: &mut Wire<'_>,
) -> Result<(), ProtocolError> {
    match find(job, input, wire) {
        Ok(facts) => wire.say(&Message::Excerpt(facts)),
        Err(End::Pipe(e)) => Err(e),
        Err(End::Fault(f)) => wire.say(&Message::Fault(f)),
    }
}

fn find(job: &ExcerptJob, input: BorrowedFd<'_>, wire: &mut Wire<'_>) -> Result<ExcerptFacts, End> {
    let no = |why: &str| End::Fault(fault(Side::Decode, "excerpt", why));
    let cut = Cut::of(&job.container);
    let cut = cut.ok_or_else(|| no("no part of an original in such a container can be cut out"))?;
    let file = input.try_clone_to_owned().map(File::from);
    let file = file.map_err(|e| unreadable(&e))?;
    let tape = Tape::record(input.as_raw_fd(), job.bytes, cut, wire)?;
    let look = match cut.is_stream() {
        true => Some(look(&file, job.bytes, &tape, wire)?),
        false => None,
    };
    let mut facts = select(&tape, cut.head, job.bytes, job.part).map_err(no)?;
    let unread = unread(&tape, &facts.chunks, job.bytes);
    let mut unread = written(&file, &unread).map_err(|e| unreadable(&e))?;
    unread += look.as_ref().map_or(0, |look| look.beside(&facts.chunks));
    let unsteady = look.is_some_and(|look| !look.steady);
    let index_bytes_max = HEAD_BYTES_A_PACKET.saturating_mul(tape.packets.len() as u64);
    let head = head_bytes(&tape, cut.head);
    if unsteady
        || unread > UNREAD_BYTES_MAX
        || head > HEAD_BYTES_MAX.saturating_add(index_bytes_max)
    {
        disclose_all(&tape, &mut facts);
    }
    Ok(facts)
}

/// A look at the packets.
fn look(file: &File, bytes: u64, tape: &Tape, wire: &mut Wire<'_>) -> Result<Look, End> {
    let last = tape.packets.last().map_or(0, |p| p.begin_ms);
    let progress = Progress {
        position_ms: last.into(),
        ..Progress::default()
    };
    Look::over(file, bytes, &tape.pids, || {
        Ok(wire.say(&Message::Progress(progress))?)
    })
}

fn unreadable(e: &io::Error) -> End {
    End::Fault(fault(Side::Decode, "excerpt", &e.to_string()))
}

/// Bytes in these stretches of a file that are not zero, as far as it matters.
fn written(file: &File, stretches: &[(u64, u64)]) -> io::Result<u64> {
    let (mut written, mut buffer) = (0, vec![0; 64 * 1024]);
    for (from, to) in stretches {
        let mut at = *from;
        while at < *to && written <= UNREAD_BYTES_MAX {
            let length = usize::try_from(to - at).unwrap_or(usize::MAX);
            let length = length.min(buffer.len());
            let bytes = buffer.get_mut(..length).unwrap_or_default();
            file.read_exact_at(bytes, at)?;
            written += bytes.iter().filter(|byte| **byte != 0).count() as u64;
            at += length as u64;
        }
    }
    Ok(written)
}
