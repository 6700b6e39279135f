//! The index made anew: one fold over the ledger and the details that it refers to. What the
//! writer does group by group is done here again by the same functions, so that the rows are the
//! same, byte for byte, whatever the groups were.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::{
    StoreError,
    details::Details,
    fold::Folding,
    group::{Committed, rows_of},
    rows,
};
use crate::{
    base::Digest,
    event::{Event, Sealed, line},
    index::Index,
    ledger::Ledger,
    proof::Checkpoint,
    registry::Register,
};

/// Events folded into one batch: enough that syncing costs little, few enough that memory stays.
const GROUP: usize = 512;

/// What making the index anew came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events folded.
    pub events: u64,
    /// Details that an event refers to and nobody has any more; they read `erased`.
    pub erased: u64,
}

/// Makes the index of the store below `root` anew from its ledger. The old one, if there is one,
/// is kept beside it as `index.old-N`. The caller owns the store, and has not opened it.
///
/// # Errors
/// When the ledger cannot be read or does not add up; the old index is then untouched.
pub fn rebuild(root: &Path) -> Result<Rebuilt, StoreError> {
    let ledger = Ledger::open(&root.join("ledger"))?;
    let fresh = root.join("index.new");
    if fresh.exists() {
        // Left by a rebuild that was cut off: nothing refers to it.
        std::fs::remove_dir_all(&fresh).map_err(layout(&fresh))?;
    }
    let details = Details::open(&root.join("ledger/details.jsonl"))
        .and_then(|mut details| details.read_all())
        .map_err(StoreError::Details)?;
    let rebuilt = {
        let index = Index::create(&fresh)?;
        let rebuilt = fold_ledger(&ledger, &details, &index, ledger.len())?;
        index.settle()?;
        rebuilt
    };
    let index = root.join("index");
    if index.exists() {
        let aside = (1..1_000)
            .map(|n| root.join(format!("index.old-{n}")))
            .find(|path| !path.exists())
            .ok_or_else(|| StoreError::NotEmpty(root.join("index.old-999")))?;
        std::fs::rename(&index, &aside).map_err(layout(&aside))?;
    }
    std::fs::rename(&fresh, &index).map_err(layout(&index))?;
    crate::base::durable::sync_dir(root).map_err(layout(root))?;
    Ok(rebuilt)
}

fn layout(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Layout { path, source }
}

/// Folds the first `len` events into an empty index.
pub(super) fn fold_ledger(
    ledger: &Ledger,
    details: &HashMap<Sealed, Vec<u8>>,
    index: &Index,
    len: u64,
) -> Result<Rebuilt, StoreError> {
    let erased = std::cell::RefCell::new(std::collections::HashSet::new());
    let text_of = |sealed: Sealed| {
        let text = details.get(&sealed).cloned();
        if text.is_none() {
            erased.borrow_mut().insert(sealed);
        }
        text
    };
    let (mut register, mut known) = (Arc::new(Register::default()), None);
    let (mut next, mut prev) = (0, Digest::new([0; 32]));
    let mut events = ledger.read(0, len)?;
    loop {
        let below = Committed(index.snapshot());
        let mut folding = Folding::new(&below, register, known);
        let mut lines = Vec::new();
        for line in events.by_ref().take(GROUP) {
            let (n, line) = line?;
            let event = Event::from_line(n, &line)?;
            if event.prev != prev {
                return Err(StoreError::Disagree { n });
            }
            folding.apply(&event, &text_of)?;
            prev = line::line_digest(&line);
            lines.push((event.what.recording(), line));
        }
        if lines.is_empty() {
            break;
        }
        let batch = rows_of(&folding, next, &lines, prev)?;
        next += lines.len() as u64;
        register = folding.register;
        known = folding.rules;
        drop(below);
        index.commit(&batch)?;
    }
    let mut batch = crate::index::Batch::new();
    rows::put_complete(&mut batch, next);
    let signed = ledger
        .checkpoint()?
        .map(|note| Checkpoint::parse(note.text()));
    if let Some(checkpoint) = signed.transpose()? {
        rows::put_published(&mut batch, checkpoint.size);
    }
    index.commit(&batch)?;
    let erased = erased.into_inner().len() as u64;
    Ok(Rebuilt {
        events: next,
        erased,
    })
}
