//! Bounds that the kernel keeps whatever runs in the process.

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use crate::media::worker::INPUT_FD;

/// Descriptors. GStreamer's queues and an encoder's threads take some dozens.
const DESCRIPTORS: u64 = 512;

/// Threads and processes of the user, all of them together. It does not hold root: there `TasksMax` of
/// a service does.
const THREADS: u64 = 8_192;

/// Bytes of one file that is written, however small the recording is.
const FILE_BYTES: u64 = 4 << 30;

/// And for each byte of the recording: lossless pictures of one that hardly moves take some hundreds.
const FILE_BYTES_A_BYTE: u64 = 1_000;

/// Seconds of processor time: two weeks of a core, for the longest recording at the slowest preset. What
/// moves nothing is stopped long before by the parent.
const CPU_S: u64 = 14 * 24 * 3_600;

/// Bytes that decoders, encoders and their threads' stacks take whatever the picture.
const BASE_BYTES: u64 = 3 << 30;

/// Bytes for each pixel of the picture: SVT-AV1 takes 0.5 GB at 1080p and 1.1 GB at 4K, x265 with
/// many threads several times as much.
const BYTES_A_PIXEL: u64 = 768;

/// Pixels of the largest picture that is decoded: 8K.
const PIXELS_MAX: u64 = 7_680 * 4_320;

/// Addresses beyond that: libraries, shared mappings and what is set aside without being used.
pub const ADDRESSES_BEYOND: u64 = 4 << 30;

/// How much memory a worker may take for pictures of so many pixels.
#[must_use]
pub const fn memory_bytes(pixels: u64) -> u64 {
    let pixels = if pixels < PIXELS_MAX {
        pixels
    } else {
        PIXELS_MAX
    };
    BASE_BYTES + BYTES_A_PIXEL * pixels
}

/// How much may be written into one file.
fn file_bytes() -> u64 {
    let recording = std::fs::metadata(format!("/proc/self/fd/{INPUT_FD}"));
    let bytes = recording.map_or(0, |m| m.len());
    FILE_BYTES.saturating_add(bytes.saturating_mul(FILE_BYTES_A_BYTE))
}

/// Puts them in force, and gives back those that could not be.
pub(super) fn set() -> Vec<(&'static str, Errno)> {
    [
        ("no core", Resource::Core, 0),
        ("descriptors", Resource::Nofile, DESCRIPTORS),
        ("threads", Resource::Nproc, THREADS),
        ("bytes of a file", Resource::Fsize, file_bytes()),
        ("processor time", Resource::Cpu, CPU_S),
        ("memory", Resource::Data, memory_bytes(PIXELS_MAX)),
        (
            "addresses",
            Resource::As,
            memory_bytes(PIXELS_MAX) + ADDRESSES_BEYOND,
        ),
    ]
    .into_iter()
    .filter_map(|(what, resource, most)| {
        // A bound that is narrower already stays.
        let narrower = |now: Option<u64>| Some(now.map_or(most, |now| now.min(most)));
        let now = getrlimit(resource);
        let limit = Rlimit {
            current: narrower(now.current),
            maximum: narrower(now.maximum),
        };
        setrlimit(resource, limit).err().map(|e| (what, e))
    })
    .collect()
}
