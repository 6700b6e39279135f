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

/// Lays out a store in `dir`, an empty folder or none yet, with every setting commented.
/// `approver_keys` are the approvers' public keys, each as a line of an `authorized_keys` file;
/// without any, nothing that takes an approval can ever happen in this store. Gives back what
/// Market Management has to keep: the digest of the roster that the store begins with.
///
/// # Errors
/// When the folder is not empty, the zone is not known, the keys are no two people's, or writing
/// fails.
pub fn init(
    dir: &Path,
    office: &str,
    time_zone: &str,
    approver_keys: &[String],
) -> Result<Digest, Failure> {
    if TimeZone::get(time_zone).is_err() {
        let text = format!("'{time_zone}' is no time zone");
        return Err(
            Failure::new(ErrorKind::Usage, text).hint("IANA names such as Asia/Shanghai are known")
        );
    }
    let (roster, policy) = beginning(approver_keys, time_zone)?;
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
    approver_keys: &[String],
    time_zone: &str,
) -> Result<(Roster, Policy), Failure> {
    let keys: Vec<&str> = approver_keys.iter().map(String::as_str).collect();
    // Two stores of one office are two logs, also where the same people approve.
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("the system gives no randomness: {e}"),
        )
    })?;
    let roster = Roster::genesis(&keys)?.for_store(Nonce::new(nonce))?;
    let terms = Terms {
        zone: time_zone.to_owned(),
        ..Terms::default()
    };
    Ok((roster, terms.into_policy()?))
}
