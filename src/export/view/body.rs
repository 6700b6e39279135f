//! What an answer carries: words, or a stretch of a file that is read as it is taken.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// Bytes that are read at once.
const PIECE: u64 = 64 * 1024;

/// The body of an answer.
pub(super) enum Served {
    /// Words, or nothing.
    Words(Option<Bytes>),
    /// A stretch of a file.
    Stretch {
        file: File,
        from: u64,
        to: u64,
        /// Counts what was given.
        given: Arc<AtomicU64>,
    },
}

impl Served {
    /// Nothing.
    pub(super) const fn nothing() -> Self {
        Self::Words(None)
    }

    /// These words.
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self::Words(Some(Bytes::from(text.into())))
    }

    /// Bytes that are still to come.
    fn left(&self) -> u64 {
        match self {
            Self::Words(words) => words.as_ref().map_or(0, |words| words.len() as u64),
            Self::Stretch { from, to, .. } => to.saturating_sub(*from),
        }
    }
}

impl Body for Served {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let left = self.left();
        let words = match self.get_mut() {
            Self::Words(words) => words.take().map(Ok),
            Self::Stretch { .. } if left == 0 => None,
            Self::Stretch {
                file, from, given, ..
            } => {
                let mut piece = vec![0; usize::try_from(left.min(PIECE)).unwrap_or(0)];
                Some(file.read_exact_at(&mut piece, *from).map(|()| {
                    *from = from.saturating_add(piece.len() as u64);
                    given.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    Bytes::from(piece)
                }))
            }
        };
        Poll::Ready(words.map(|words| words.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
