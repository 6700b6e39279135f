//! Making the index anew from the ledger, and the store without one: the commands that must not
//! open the store first.

use std::{path::Path, sync::Arc};

use super::{
    Failure, Ownership,
    init::{Approvers, beginning},
    owner::unopened,
};
use crate::{
    base::{Digest, ErrorKind, SystemClock},
    config::Config,
    ledger::Ledger,
    store::{self, Rebuilt, Regained},
};

/// Makes the index of the store at `root` anew from its ledger.
///
/// # Errors
/// When somebody owns the store, or the ledger does not add up.
pub fn rebuild(root: &Path) -> Result<Rebuilt, Failure> {
    let _ownership = own(root)?;
    Ok(store::rebuild(root)?)
}

/// Makes the store at `root` anew from sidecars and vault, under a new log with these approvers.
/// Gives back the digest of its roster too, for Market Management to keep.
///
/// # Errors
/// When somebody owns the store, its ledger is there after all, the keys are no two people's, or
/// reading or writing fails.
pub fn regain(root: &Path, approvers: &Approvers) -> Result<(Regained, Digest), Failure> {
    let _ownership = own(root)?;
    let events = Ledger::open(&root.join("ledger")).map_or(0, |ledger| ledger.len());
    if events > 0 && !root.join("regained/complete").exists() {
        let text = format!("the ledger is there and holds {events} events");
        return Err(Failure::new(ErrorKind::Refused, text).hint(
            "recvault rebuild makes the index anew from it; one that cannot be used has to be moved away first",
        ));
    }
    let config = Config::load(&root.join("recvault.toml"))?;
    let mirror = &config.store.mirror;
    let mirror = (!mirror.as_os_str().is_empty()).then(|| root.join(mirror));
    let (roster, policy) = beginning(approvers, &config.office.zone_name)?;
    let digest = roster.digest();
    let by = rustix::process::getuid().as_raw();
    let regained = store::regain(
        root,
        mirror.as_deref(),
        &config.office.name,
        roster,
        policy,
        by,
        Arc::new(SystemClock),
    )?;
    Ok((regained, digest))
}

fn own(root: &Path) -> Result<Ownership, Failure> {
    let taken = Ownership::take(root).map_err(|e| unopened(root, &e))?;
    taken.ok_or_else(|| {
        let text = format!("the store {} is in use", root.display());
        Failure::new(ErrorKind::Busy, text)
            .hint("stop recvault serve, or wait for the night to end")
    })
}
