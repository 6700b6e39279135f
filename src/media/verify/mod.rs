//! Is a rendition what was promised? Asked in a fresh worker, before it is linked into place.
//!
//! Every packet is demuxed, parsed and counted; the first picture of every group (or, on demand,
//! every picture) is decoded and the block code of its band read and compared with the recording
//! and the second that it must name. Nothing of the worker that wrote the file is believed.

mod codes;

use std::{
    fs::File,
    io::{Read, Seek},
    os::fd::{AsRawFd, BorrowedFd},
};

use sha2::{Digest as _, Sha256};

use super::{
    derive::Wire,
    machine,
    packets::{End, Packets},
    protocol::{Message, Progress, ProtocolError, Verified, VerifyJob},
};
use crate::{
    base::Digest,
    recording::{Finding, FindingKind},
};
use codes::Codes;

/// How much longer or shorter than promised a rendition may be: one frame at 10 a second, which
/// also covers Matroska's milliseconds.
const DURATION_TOLERANCE_MS: i64 = 100;
/// Key frames between two words to the parent.
const TELL_EVERY: u64 = 50;

/// Verifies a rendition and says what is wrong with it, `Verified` last.
///
/// # Errors
/// When the parent is gone.
pub fn verify(
    job: &VerifyJob,
    input: BorrowedFd<'_>,
    wire: &mut Wire<'_>,
) -> Result<(), ProtocolError> {
    let mut verified = Verified::default();
    let mut reasons = match look(job, input, wire, &mut verified) {
        Ok(reasons) => reasons,
        Err(End::Pipe(e)) => return Err(e),
        // Whatever stops the reading of a file that we have just written is the file's fault.
        Err(End::Fault(f)) => vec![format!("{}: {}", f.element, f.text)],
    };
    match digest(input) {
        Ok(digest) => verified.digest = Some(digest),
        Err(e) => reasons.push(format!("it cannot be read: {e}")),
    }
    verified.sound = reasons.is_empty();
    for reason in reasons {
        wire.find(Finding::new(
            FindingKind::RenditionRejected,
            format!("The rendition was rejected: {reason}."),
        ))?;
    }
    verified.cpu_ms = machine::cpu_ms();
    verified.peak_rss_bytes = machine::peak_rss_bytes();
    wire.say(&Message::Verified(Box::new(verified)))
}

fn look(
    job: &VerifyJob,
    input: BorrowedFd<'_>,
    wire: &mut Wire<'_>,
    out: &mut Verified,
) -> Result<Vec<String>, End> {
    let mut packets = Packets::open(input.as_raw_fd())?;
    let mut codes: Option<Codes> = None;
    let mut bad = Vec::new();
    let mut first_ms = None;
    let mut end_ms = 0_i64;
    let mut told = 0;
    while let Some(packet) = packets.next_picture()? {
        out.frames = out.frames.saturating_add(1);
        let begin = packet.begin_ms();
        first_ms.get_or_insert(begin);
        end_ms = end_ms.max(begin.saturating_add(packet.length_ms()));
        if packet.is_key() {
            out.keyframes = out.keyframes.saturating_add(1);
        }
        if packet.is_key() || job.full {
            let codes = match &mut codes {
                Some(c) => c,
                none => none.insert(Codes::start(&packet, job)?),
            };
            codes.feed(&packet)?;
            codes.collect(&mut bad)?;
        }
        if out.frames / TELL_EVERY != told {
            told = out.frames / TELL_EVERY;
            wire.say(&Message::Progress(Progress {
                position_ms: begin,
                duration_ms: job.promised.duration_ms,
                frames: out.frames,
            }))?;
        }
    }
    let expected = if job.full { out.frames } else { out.keyframes };
    if let Some(codes) = codes {
        let (decoded, read) = codes.finish(&mut bad)?;
        (out.decoded, out.codes_read) = (decoded, read);
    }
    let (sound_begin, sound_end) = packets.sound_ms();
    out.duration_ms = match first_ms {
        Some(first) => end_ms.saturating_sub(first),
        None => sound_end.saturating_sub(sound_begin),
    };
    let promised = &job.promised;
    let mut reasons = Vec::new();
    if out.frames != promised.frames {
        reasons.push(format!(
            "it has {} pictures instead of {}",
            out.frames, promised.frames
        ));
    }
    if out.decoded != expected {
        reasons.push(format!(
            "{} of {expected} pictures that must decode alone do",
            out.decoded
        ));
    }
    if promised.sound && sound_end <= sound_begin {
        reasons.push("it has no sound".into());
    }
    if out.duration_ms.abs_diff(promised.duration_ms) > DURATION_TOLERANCE_MS.unsigned_abs() {
        reasons.push(format!(
            "it lasts {} ms instead of {}",
            out.duration_ms, promised.duration_ms
        ));
    }
    if let (n @ 1.., Some(first)) = (bad.len(), bad.first()) {
        reasons.push(format!("{n} block codes are wrong, first {}", first.1));
    }
    Ok(reasons)
}

fn digest(input: BorrowedFd<'_>) -> std::io::Result<Digest> {
    let mut file = File::from(input.try_clone_to_owned()?);
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return Ok(Digest::new(hash.finalize().into()));
        }
        hash.update(chunk.get(..n).unwrap_or(&[]));
    }
}
