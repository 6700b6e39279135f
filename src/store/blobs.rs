//! What is too large for an event: a file named after its digest, which stands in the event.
//! Written and synced before the event; `ledger/blobs` is copied with the ledger.

use std::{fs, io, path::Path};

use crate::{base::Digest, base::durable, hashing::sha256};

const MODE: u32 = 0o600;

/// Keeps the bytes; the same again changes nothing.
pub(super) fn put(dir: &Path, bytes: &[u8]) -> io::Result<Digest> {
    let digest = sha256(bytes);
    durable::create_dirs(dir, 0o700)?;
    match durable::create_new(&dir.join(digest.to_string()), MODE, bytes) {
        Ok(()) => durable::sync_dir(dir)?,
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            // Cut off by a crash, it would be there and be another.
            if get(dir, &digest).is_err() {
                durable::replace(&dir.join(digest.to_string()), MODE, bytes)?;
            }
        }
        Err(e) => return Err(e),
    }
    Ok(digest)
}

/// The bytes with this digest.
///
/// # Errors
/// As reading says; `InvalidData` when they are others.
pub(super) fn get(dir: &Path, digest: &Digest) -> io::Result<Vec<u8>> {
    let bytes = fs::read(dir.join(digest.to_string()))?;
    if sha256(&bytes) == *digest {
        return Ok(bytes);
    }
    let text = format!("the blob {digest} has other bytes");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_blob_comes_back_and_one_that_was_cut_off_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = dir.path().join("blobs");
        let digest = put(&blobs, b"a plan").unwrap();
        assert_eq!(put(&blobs, b"a plan").unwrap(), digest);
        assert_eq!(get(&blobs, &digest).unwrap(), b"a plan");
        fs::write(blobs.join(digest.to_string()), b"a pl").unwrap();
        assert!(get(&blobs, &digest).is_err());
        put(&blobs, b"a plan").unwrap();
        assert_eq!(get(&blobs, &digest).unwrap(), b"a plan");
    }
}
