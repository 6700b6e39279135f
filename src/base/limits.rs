//! Every bound of the engine that is not configuration, each with its reason.

/// Bytes in a leaf of the chunk tree. Small enough that an excerpt of a few seconds discloses
/// little besides them, large enough that a proof stays short (DESIGN section 5).
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes in one ledger line; larger lists go into a blob. C2SP tiles hold entries of at most
/// 64 KiB, and a line must still fit when a later version adds a field.
pub const EVENT_BYTES_MAX: usize = 48 * 1024;

/// Bytes in one message between a worker and its parent.
pub const WORKER_LINE_BYTES_MAX: usize = 64 * 1024;

/// Findings that one recording may have; after that they are only counted.
pub const FINDINGS_MAX: usize = 1_000;

/// Findings that stand in the event itself; the rest go to a blob. 200 sentences of 160 bytes
/// stay well under [`EVENT_BYTES_MAX`].
pub const FINDINGS_INLINE_MAX: usize = 100;

/// Items waiting between two stages of a night. Enough to keep the next stage busy while one
/// slow item passes, small enough that memory does not grow with the inbox.
pub const STAGE_QUEUE_MAX: usize = 8;

/// Points on a recording's time line of luma and sound: as many as a page is wide, few enough
/// to stand in an event.
pub const TIMELINE_POINTS_MAX: usize = 480;

/// Bytes of a file name kept in full. Linux allows 255 a part and 4,096 a path.
pub const NAME_BYTES_MAX: usize = 4_096;

/// Bytes of a JSON sidecar that is read. A recorder's own has a few hundred.
pub const SIDECAR_BYTES_MAX: u64 = 256 * 1024;

/// Bytes of one command on the owner's socket; the largest carries an imported register.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Commits that the writer puts into one synced batch. More waits longer for little less fsync.
pub const COMMIT_GROUP_MAX: usize = 64;

/// Attempts to derive a recording whose worker died, before only a person or a new version of
/// the tools makes it worth trying again.
pub const DERIVE_ATTEMPTS_MAX: u32 = 3;
