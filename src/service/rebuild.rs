//! Making the index anew: the one command that must not open the store first.

use std::path::Path;

use super::{Failure, Ownership, owner::unopened};
use crate::{
    base::ErrorKind,
    store::{self, Rebuilt},
};

/// Makes the index of the store at `root` anew from its ledger.
///
/// # Errors
/// When somebody owns the store, or the ledger does not add up.
pub fn rebuild(root: &Path) -> Result<Rebuilt, Failure> {
    let Some(_ownership) = Ownership::take(root).map_err(|e| unopened(root, &e))? else {
        let text = format!("the store {} is in use", root.display());
        return Err(Failure::new(ErrorKind::Busy, text)
            .hint("stop recvault serve, or wait for the night to end"));
    };
    Ok(store::rebuild(root)?)
}
