//! Repair: of two copies of an original, one of which is bad, the good one takes the bad one's
//! place, by the same steps by which it once came there.
//!
//! - The bad copy is kept aside. At no instant is there no copy under the name.
//! - Two bad copies are left as they are: somebody may still make one out of them.
//!
//! It does not ask whether the recording is doomed, and would bring back what a removal that was
//! cut short has half removed: its caller does not call it for such.

use std::path::PathBuf;

use super::{Fixity, Placed, Vault, VaultError, shelf::Shelf, way::Way};
use crate::base::{
    Digest,
    killpoint::{done, step},
};

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repaired {
    /// Nothing: both copies are sound.
    Nothing,
    /// The original stands again, from the mirror.
    Original {
        /// What was wrong.
        was: Fixity,
        /// Where the bad copy is kept; `None` when there was none.
        aside: Option<PathBuf>,
    },
    /// The mirror stands again, from the original.
    Mirror {
        /// What was wrong.
        was: Fixity,
        /// Where the bad copy is kept; `None` when there was none.
        aside: Option<PathBuf>,
    },
}

impl Vault {
    /// Re-reads both copies of an original and replaces a bad or missing one by the good one.
    /// Killed anywhere, the next call does the rest.
    ///
    /// # Errors
    /// [`VaultError::BothBad`] when there is no good one: nothing is overwritten or moved.
    /// [`VaultError::Unsound`] when what was put in place does not read back. Else as
    /// [`Vault::mirror`].
    pub fn repair(&self, digest: &Digest) -> Result<Repaired, VaultError> {
        let mirror = self.mirror_shelf()?;
        // 1. Both, as the disks have them.
        let (original, mirrored) = (
            self.originals.verify(digest, None),
            mirror.verify(digest, None),
        );
        let original_is_bad = !original.is_sound();
        let (from, to, was): (&Shelf, &Shelf, _) = match (original, mirrored) {
            (Fixity::Sound { .. }, Fixity::Sound { .. }) => return Ok(Repaired::Nothing),
            (Fixity::Sound { .. }, was) => (&self.originals, &mirror, was),
            (was, Fixity::Sound { .. }) => (&mirror, &self.originals, was),
            (original, mirror) => {
                return Err(VaultError::BothBad {
                    id: digest.id(),
                    original,
                    mirror,
                });
            }
        };
        // 2. and 3. A copy of the good one, hashed, on the disk of the bad one, and read back.
        let (scratch, _) = from.copy_to(to, digest, &Way::REPAIR)?;
        // 4. The bad one aside, the good one in its place in one step, the folder durable.
        let aside = match to.place(&scratch, digest, None, &Way::REPAIR)? {
            Placed::Healed { aside, .. } => Some(aside),
            Placed::Fresh | Placed::Already => None,
        };
        // 5. What stands there now.
        let path = to.path_of(digest, None);
        let struck = |e| VaultError::io("reading back", &path, e);
        step("vault.repair.verify").map_err(struck)?;
        let now = to.verify(digest, None);
        done("vault.repair.verify").map_err(struck)?;
        if !now.is_sound() {
            return Err(VaultError::Unsound { path, was: now });
        }
        Ok(if original_is_bad {
            Repaired::Original { was, aside }
        } else {
            Repaired::Mirror { was, aside }
        })
    }
}
