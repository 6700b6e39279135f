//! Layer 3. What bytes are: SHA-256 over the whole file and, in the same pass, an RFC 6962 tree
//! over its 256 KiB chunks, while the file is copied.
//!
//! - One pass reads each byte once: [`copy_hashed`] copies, digests and cuts leaves together.
//! - Memory is bounded by the blocks of one `block::Pool` a pass, whatever the file's size.
//! - [`chunk_leaves`] and [`hash_file`] ask the disk and not the page cache, as far as the file
//!   system lets them.
//!
//! A pass fails by [`HashError`], which tells reading from writing: the first is about the
//! source, the second about our disk.

mod block;
mod lane;
mod pass;

pub use lane::drop_cache;
pub use pass::{Copied, HashError, chunk_leaves, copy_hashed, hash_file};

use crate::base::Digest;

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest::new(sha2::Sha256::digest(bytes).into())
}

/// Whether the processor computes SHA-256 itself; `sha2` then uses it without being asked.
#[must_use]
pub fn sha_ni() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("sha") && std::arch::is_x86_feature_detected!("sse4.1")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}
