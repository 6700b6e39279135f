//! What a night adds up to beside its recordings: the room on the disk, and what it took of the machine.

use super::{Ending, Room};
use crate::{
    event::What,
    store::{Store, StoreError},
};

/// How an event calls it.
pub(super) const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Drained => "drained",
        Ending::Abandoned => "abandoned",
        Ending::DiskFull => "disk_full",
    }
}

/// Nights over whose intake the forecast is taken: two weeks have every weekday twice.
const FORECAST_NIGHTS: usize = 14;

/// The room on the disk, and for how long it lasts.
pub(super) fn room(store: &Store) -> Result<Room, StoreError> {
    let space = store.vault().space()?;
    let (mut bytes, mut nights) = (0_u64, 0_u64);
    for night in store.nights(FORECAST_NIGHTS)? {
        if let What::NightEnded { bytes_in, .. } = night.what {
            bytes = bytes.saturating_add(bytes_in);
            nights += 1;
        }
    }
    let mean = bytes.checked_div(nights).unwrap_or(0);
    Ok(Room {
        free_bytes: space.free_bytes,
        total_bytes: space.total_bytes,
        days_left: space.free_bytes.checked_div(mean),
    })
}

/// CPU time of this process.
pub(super) fn own_cpu_ms() -> u64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    u64::try_from(spent.tv_sec).unwrap_or(0) * 1_000
        + u64::try_from(spent.tv_nsec).unwrap_or(0) / 1_000_000
}

/// `VmHWM` of this process, in bytes; 0 where the kernel does not say.
pub(super) fn own_peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1_024)
}
