//! Which files of the inbox are recordings already. A memo of path, size, modification time and
//! inode saves reading them again; a sample of the known ones is read again every night, so that
//! a file that was replaced behind its memo does not stay unseen for ever.

use std::fs::File;

use super::{Totals, scan::Found};
use crate::{
    hashing,
    index::Memo,
    recording::{Finding, FindingKind},
    store::{Admitted, Store, StoreError},
};

/// The inbox, sorted by what is known of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// To be admitted.
    pub fresh: Vec<Found>,
    /// Recordings already; only their source still lies here.
    pub known: Vec<(Found, Admitted)>,
    /// Of `fresh`: files that had other bytes under the same memo.
    pub replaced: Vec<(Found, Finding)>,
}

/// Whether nothing about the file changed since it was remembered.
fn is_of(memo: &Memo, found: &Found) -> bool {
    (memo.bytes, memo.modified_ns, memo.device, memo.inode)
        == (found.bytes, found.modified_ns, found.inode.0, found.inode.1)
}

/// Looks the files up in the memo and reads a sample of the known ones again.
pub(super) fn recognise(
    store: &Store,
    found: Vec<Found>,
    date: &str,
    sample: usize,
    totals: &mut Totals,
) -> Result<Known, StoreError> {
    let names: Vec<&[u8]> = found.iter().map(|f| f.name.as_slice()).collect();
    let memos = store.memos(&names)?;
    let mut out = Known::default();
    for (found, memo) in found.into_iter().zip(memos) {
        match memo.filter(|m| is_of(m, &found)) {
            None => out.fresh.push(found),
            Some(memo) => {
                let (id, digest, bytes) = (memo.digest.id(), memo.digest, found.bytes);
                out.known.push((
                    found,
                    Admitted {
                        id,
                        digest,
                        bytes,
                        fresh: false,
                        reappeared: false,
                    },
                ));
            }
        }
    }
    totals.files_known = out.known.len() as u64;
    // Which ones: those whose name and date hash lowest, so that nobody can know them long before
    // and every file has its night.
    let mut order: Vec<(crate::base::Digest, usize)> = out
        .known
        .iter()
        .enumerate()
        .map(|(i, (found, _))| {
            (
                hashing::sha256(&[date.as_bytes(), b"\n", &found.name].concat()),
                i,
            )
        })
        .collect();
    order.sort_unstable();
    let mut replaced: Vec<usize> = Vec::new();
    for (_, i) in order.into_iter().take(sample) {
        let (found, admitted) = &out.known[i];
        totals.files_rehashed += 1;
        // What cannot be read now is admitted like a new file, which says why it cannot.
        let now = File::open(&found.path)
            .ok()
            .and_then(|f| hashing::hash_file(&f).ok());
        if now.is_none_or(|now| now.digest != admitted.digest) {
            replaced.push(i);
        }
    }
    replaced.sort_unstable();
    for i in replaced.into_iter().rev() {
        let (found, admitted) = out.known.remove(i);
        let text = format!(
            "under this name, size and time lay recording {}; now it has other bytes, which are taken in as another recording",
            admitted.id
        );
        out.replaced
            .push((found.clone(), Finding::new(FindingKind::FileReplaced, text)));
        out.fresh.push(found);
    }
    Ok(out)
}
