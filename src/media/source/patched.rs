//! A recording with an index before it that its recorder did not come to write, or without its last piece
//! that is not whole: read as one file, of which everything stays where it is.

use std::{
    fs::File,
    os::{fd::RawFd, unix::fs::FileExt},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::media::{
    graph::fault,
    protocol::{Fault, Side},
};

/// Bytes that are handed out at once to whoever asks for no number.
const BYTES_USUAL: u32 = 64 * 1024;

/// The source of a head and so much of the recording, from any place in any order.
///
/// # Errors
/// When the recording cannot be opened.
pub(super) fn source(head: Vec<u8>, fd: RawFd, end: Option<u64>) -> Result<gst::Element, Fault> {
    let broken = |e: std::io::Error| fault(Side::Decode, "appsrc", &e.to_string());
    let file = File::open(format!("/proc/self/fd/{fd}")).map_err(broken)?;
    let behind = file.metadata().map_err(broken)?.len();
    let behind = end.map_or(behind, |end| end.min(behind));
    let total = behind.saturating_add(head.len() as u64);
    let at = Arc::new(AtomicU64::new(0));
    let sought = Arc::clone(&at);
    let read = move |source: &gst_app::AppSrc, wanted: u32| {
        let wanted = if wanted == u32::MAX {
            BYTES_USUAL
        } else {
            wanted
        };
        let begin = at.load(Ordering::Relaxed);
        let len = u64::from(wanted).min(total.saturating_sub(begin));
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        if bytes.is_empty() || fill(&head, &file, begin, &mut bytes).is_err() {
            let _ = source.end_of_stream();
            return;
        }
        at.store(begin.saturating_add(len), Ordering::Relaxed);
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_offset(begin);
            buffer.set_offset_end(begin.saturating_add(len));
        }
        let _ = source.push_buffer(buffer);
    };
    let callbacks = gst_app::AppSrcCallbacks::builder()
        .need_data(read)
        .seek_data(move |_, to| {
            sought.store(to, Ordering::Relaxed);
            true
        })
        .build();
    let source = gst_app::AppSrc::builder()
        .stream_type(gst_app::AppStreamType::RandomAccess)
        .format(gst::Format::Bytes)
        .callbacks(callbacks)
        .build();
    source.set_size(i64::try_from(total).unwrap_or(i64::MAX));
    Ok(source.upcast())
}

/// What stands there in both together.
fn fill(head: &[u8], file: &File, begin: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    let of_head = usize::try_from(begin).ok().and_then(|at| head.get(at..));
    let of_head = of_head.unwrap_or_default();
    let (first, rest) = bytes.split_at_mut(of_head.len().min(bytes.len()));
    first.copy_from_slice(of_head.get(..first.len()).unwrap_or_default());
    let behind = begin.saturating_add(first.len() as u64);
    if rest.is_empty() {
        return Ok(());
    }
    file.read_exact_at(rest, behind.saturating_sub(head.len() as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    #[test]
    fn both_parts_are_one_from_every_place() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"recording").unwrap();
        let all = b"headrecording";
        for begin in 0..all.len() {
            for end in begin..=all.len() {
                let mut bytes = vec![0; end - begin];
                fill(b"head", &file, begin as u64, &mut bytes).unwrap();
                assert_eq!(bytes, all[begin..end]);
            }
        }
        assert!(fill(b"head", &file, 10, &mut [0; 4]).is_err());
    }
}
