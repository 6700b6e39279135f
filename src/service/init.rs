//! Laying out a new store.

use std::{path::Path, sync::Arc};

use jiff::tz::TimeZone;

use super::Failure;
use crate::{
    base::{ErrorKind, SystemClock, durable},
    config::Config,
    store::Store,
};

/// Lays out a store in `dir`, an empty folder or none yet, with every setting commented.
///
/// # Errors
/// When the folder is not empty, the zone is not known, or writing fails.
pub fn init(dir: &Path, office: &str, time_zone: &str) -> Result<(), Failure> {
    if TimeZone::get(time_zone).is_err() {
        let text = format!("'{time_zone}' is no time zone");
        return Err(
            Failure::new(ErrorKind::Usage, text).hint("IANA names such as Asia/Shanghai are known")
        );
    }
    let by = rustix::process::getuid().as_raw();
    Store::create(dir, office, by, Arc::new(SystemClock))?;
    let path = dir.join("recvault.toml");
    durable::create_new(&path, 0o600, Config::text_for(office, time_zone).as_bytes()).map_err(|e| {
        Failure::new(
            ErrorKind::Fault,
            format!("{} cannot be written: {e}", path.display()),
        )
    })
}
