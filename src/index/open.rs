//! How RocksDB is set: for keeping rather than for speed, and for a small memory.

use std::path::Path;

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ChecksumType, ColumnFamilyDescriptor, DB,
    DBCompressionType, DBRecoveryMode, LogLevel, Options,
};

use super::{Batch, Column, Index, IndexError};
use crate::base::durable;

/// The format of keys and rows that this program writes. A reader refuses every other: a greater one
/// it does not know, and a lesser one is made anew from the ledger.
///
/// - 1: the list of dates held sizes.
/// - 2: it holds the facts that a plan looks at.
/// - 3: uses and decisions of a request name their events.
/// - 4: a classification has a recording without a copy looked at again.
pub const FORMAT: u32 = 4;

const FORMAT_KEY: &[u8] = b"format";

/// Blocks read from the disk, for all columns.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// One part of a table's index or filter.
const METADATA_BLOCK_BYTES: usize = 4 * 1_024;

/// Changes that are in the log but not yet in tables, for all columns together. The log takes half as much
/// room beforehand, which on a file system in memory, where trials open thousands of stores, is memory that
/// the kernel has to clear.
const WRITE_BUFFERS_BYTES: usize = if cfg!(feature = "failpoints") {
    1024 * 1024
} else {
    16 * 1024 * 1024
};

/// One column's share before it is written out; also bounds the memory set aside for it unused.
const WRITE_BUFFER_BYTES: usize = WRITE_BUFFERS_BYTES / 2;

/// Room that the list of the index's files takes beforehand.
const MANIFEST_BYTES: usize = 64 * 1_024;

/// Log kept for columns that change seldom; replayed when the index is opened.
const WAL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Descriptors that tables may hold; the owner also serves people.
const OPEN_FILES_MAX: i32 = 256;

/// RocksDB's own diary, which nobody needs unless something broke.
const DIARY_BYTES_MAX: usize = 1024 * 1024;

impl Index {
    /// Makes an empty index at `path`, which must not hold one.
    ///
    /// # Errors
    /// [`IndexError::Exists`], or as RocksDB says.
    pub fn create(path: &Path) -> Result<Self, IndexError> {
        if path.join("CURRENT").exists() {
            return Err(IndexError::Exists(path.to_owned()));
        }
        durable::create_dirs(path, 0o700).map_err(|e| IndexError::Rocks(e.to_string()))?;
        let index = open(path, true)?;
        let mut batch = Batch::new();
        batch.put(Column::Meta, FORMAT_KEY, FORMAT.to_be_bytes());
        index.commit(&batch)?;
        Ok(index)
    }

    /// Opens the index at `path`.
    ///
    /// # Errors
    /// [`IndexError::NotAnIndex`], [`IndexError::Newer`], [`IndexError::Older`],
    /// [`IndexError::Busy`], or as RocksDB says.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        if !path.join("CURRENT").exists() {
            return Err(IndexError::NotAnIndex(path.to_owned()));
        }
        let newer = |found: String| IndexError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        };
        // RocksDB must be told every column, and one that we cannot name is from the future.
        let known = |name: &String| {
            name == rocksdb::DEFAULT_COLUMN_FAMILY_NAME
                || Column::ALL.iter().any(|c| c.name() == name)
        };
        if let Some(name) = DB::list_cf(&Options::default(), path)?
            .iter()
            .find(|n| !known(n))
        {
            return Err(newer(format!("unknown (column '{name}')")));
        }
        let index = open(path, false)?;
        let format = index.get(Column::Meta, FORMAT_KEY)?;
        match format.as_deref().map(<[u8; 4]>::try_from) {
            Some(Ok(bytes)) if u32::from_be_bytes(bytes) > FORMAT => {
                Err(newer(u32::from_be_bytes(bytes).to_string()))
            }
            Some(Ok(bytes)) if u32::from_be_bytes(bytes) < FORMAT => Err(IndexError::Older {
                path: path.to_owned(),
                found: u32::from_be_bytes(bytes),
            }),
            Some(Ok(_)) => Ok(index),
            // Killed between making the columns and the first commit: nothing was ever kept here.
            None if index.snapshot().is_empty()? => {
                let mut batch = Batch::new();
                batch.put(Column::Meta, FORMAT_KEY, FORMAT.to_be_bytes());
                index.commit(&batch)?;
                Ok(index)
            }
            _ => Err(IndexError::Damaged(
                "its format number is missing".to_owned(),
            )),
        }
    }
}

fn open(path: &Path, create: bool) -> Result<Index, IndexError> {
    open_with(path, &database_options(create))
}

pub(super) fn open_with(path: &Path, options: &Options) -> Result<Index, IndexError> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let columns =
        Column::ALL.map(|c| ColumnFamilyDescriptor::new(c.name(), column_options(c, &cache)));
    Ok(Index {
        db: DB::open_cf_descriptors(options, path, columns)?,
    })
}

pub(super) fn database_options(create: bool) -> Options {
    let mut o = Options::default();
    o.create_if_missing(create);
    // A kill while the index was made leaves some columns; an older index lacks new ones.
    o.create_missing_column_families(true);
    // A hole in the log must not be jumped over, and a torn tail must not keep us out.
    o.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    o.set_track_and_verify_wals_in_manifest(true);
    // Four megabytes taken beforehand are the last ones of a disk that is nearly full.
    o.set_manifest_preallocation_size(MANIFEST_BYTES);
    o.set_recycle_log_file_num(0);
    o.set_paranoid_checks(true);
    o.set_db_write_buffer_size(WRITE_BUFFERS_BYTES);
    o.set_max_total_wal_size(WAL_BYTES_MAX);
    o.set_max_open_files(OPEN_FILES_MAX);
    o.set_max_background_jobs(2);
    // Otherwise sixteen threads for every column, at every start of every command.
    o.set_max_file_opening_threads(1);
    o.set_log_level(LogLevel::Warn);
    o.set_max_log_file_size(DIARY_BYTES_MAX);
    o.set_keep_log_file_num(2);
    o.set_stats_dump_period_sec(0);
    o.set_stats_persist_period_sec(0);
    o
}

fn column_options(column: Column, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    // In parts, of which a lookup reads one: whole, those of ten million rows would push each
    // other out of the cache, and every lookup would read megabytes.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_metadata_block_size(METADATA_BLOCK_BYTES);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_checksum_type(ChecksumType::XXH3);
    table.set_format_version(5);
    if matches!(
        column,
        Column::Records | Column::Keeping | Column::CacheMemo
    ) {
        // Looked up one by one, and mostly for what is not there: new files, new recordings. Where
        // it is there, it is in one table of many.
        table.set_bloom_filter(10.0, false);
    }
    let mut o = Options::default();
    o.set_block_based_table_factory(&table);
    o.set_write_buffer_size(WRITE_BUFFER_BYTES);
    o.set_compression_type(DBCompressionType::Lz4);
    o
}
