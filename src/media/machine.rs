//! What the worker's own process used, and what it is made of.

use gstreamer as gst;

/// CPU time of this process, in milliseconds.
#[must_use]
pub fn cpu_ms() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let s = u64::try_from(t.tv_sec).unwrap_or(0);
    let ns = u64::try_from(t.tv_nsec).unwrap_or(0);
    s.saturating_mul(1_000).saturating_add(ns / 1_000_000)
}

/// Most memory that this process held, in bytes; 0 where the kernel does not say.
#[must_use]
pub fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.trim().strip_suffix(" kB"))
        .and_then(|n| n.trim().parse::<u64>().ok())
        .map_or(0, |kb| kb.saturating_mul(1_024))
}

/// Versions of what does the work.
#[must_use]
pub fn made_with() -> Vec<String> {
    let mut out = vec![
        concat!("recvault ", env!("CARGO_PKG_VERSION")).to_owned(),
        gst::version_string().to_string(),
    ];
    let registry = gst::Registry::get();
    for plugin in ["libav", "x264", "x265", "opus", "aom", "svtav1"] {
        if let Some(p) = registry.find_plugin(plugin) {
            out.push(format!("{} {}", plugin, p.version()));
        }
    }
    out.extend(super::worker::in_force().map(|contained| format!("held by {contained}")));
    out
}
