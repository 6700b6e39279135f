//! Laying out a new store.

use std::{path::Path, sync::Arc};

use jiff::tz::TimeZone;

use super::Failure;
use crate::{
    base::{Digest, ErrorKind, SystemClock, durable},
    config::Config,
    custody::{Nonce, Roster},
    retention::{Policy, Terms},
    store::Store,
};

/// The approvers that a log begins with.
#[derive(Clone, Debug, Default)]
pub struct Approvers {
    /// Their public keys, each as a line of an `authorized_keys` file.
    pub keys: Vec<String>,
    /// Their user ids on this machine, in the order of the keys; none where they are not known.
    pub uids: Vec<u32>,
}

/// Lays out a store in `dir`, an empty folder or none yet, with every setting commented.
/// Without approvers nothing that takes an approval can ever happen in this store. Gives back what
/// Market Management has to keep: the digest of the roster that the store begins with.
///
/// # Errors
/// When the folder is not empty, the zone is not known, the keys are no two people's, or writing
/// fails.
pub fn init(
    dir: &Path,
    office: &str,
    time_zone: &str,
    approvers: &Approvers,
) -> Result<Digest, Failure> {
    if TimeZone::get(time_zone).is_err() {
        let text = format!("'{time_zone}' is no time zone");
        return Err(
            Failure::new(ErrorKind::Usage, text).hint("IANA names such as Asia/Shanghai are known")
        );
    }
    let (roster, policy) = beginning(approvers, time_zone)?;
    let digest = roster.digest();
    let by = rustix::process::getuid().as_raw();
    Store::create(dir, office, roster, policy, by, Arc::new(SystemClock))?;
    let path = dir.join("recvault.toml");
    durable::create_new(&path, 0o600, Config::text_for(office, time_zone).as_bytes()).map_err(
        |e| {
            Failure::new(
                ErrorKind::Fault,
                format!("{} cannot be written: {e}", path.display()),
            )
        },
    )?;
    Ok(digest)
}

/// The roster and the policy that a log begins with.
pub(super) fn beginning(
    approvers: &Approvers,
    time_zone: &str,
) -> Result<(Roster, Policy), Failure> {
    let Approvers { keys, uids } = approvers;
    if !uids.is_empty() && uids.len() != keys.len() {
        let text = format!("{} keys of approvers and {} uids", keys.len(), uids.len());
        return Err(Failure::new(ErrorKind::Usage, text)
            .hint("give one uid for each key, in the same order, or none"));
    }
    let uid = |n: usize| uids.get(n).copied();
    let keys = keys
        .iter()
        .enumerate()
        .map(|(n, key)| (key.as_str(), uid(n)));
    let keys: Vec<(&str, Option<u32>)> = keys.collect();
    // Two stores of one office are two logs, also where the same people approve.
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("the system gives no randomness: {e}"),
        )
    })?;
    let roster = Roster::genesis_of(&keys)?.for_store(Nonce::new(nonce))?;
    let terms = Terms {
        zone: time_zone.to_owned(),
        ..Terms::default()
    };
    Ok((roster, terms.into_policy()?))
}
