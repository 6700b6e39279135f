//! The rows that are not recordings: the log's head, the register, the nights.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Rules, StoreError};
use crate::{
    base::{Digest, Moment},
    event::What,
    index::{Batch, Column, Direction, Index, KeyRange, keys},
    registry::Register,
};

const HEAD: &[u8] = b"head";
const COMPLETE: &[u8] = b"complete";
const PUBLISHED: &[u8] = b"published";
const REGISTER: &[u8] = b"register";
const RULES: &[u8] = b"rules";

/// Where the log ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// Place of the next event.
    pub next: u64,
    /// Digest of the last line.
    pub prev: Digest,
}

/// A night that ended, as its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Night {
    /// The event.
    pub n: u64,
    /// When it ended.
    pub at: Moment,
    /// What the event says.
    pub what: What,
}

pub(super) fn put_head(batch: &mut Batch, next: u64, prev: Digest) {
    let head = serde_json::json!(Head { next, prev });
    batch.put(Column::Meta, HEAD, head.to_string());
}

pub(super) fn head(index: &Index) -> Result<Head, StoreError> {
    let start = Head {
        next: 0,
        prev: Digest::new([0; 32]),
    };
    Ok(get(index, Column::Meta, HEAD)?.unwrap_or(start))
}

/// Up to which event ledger file and sidecars are known to be complete and synced.
pub(super) fn put_complete(batch: &mut Batch, next: u64) {
    batch.put(Column::Meta, COMPLETE, next.to_string());
}

pub(super) fn complete(index: &Index) -> Result<u64, StoreError> {
    Ok(get(index, Column::Meta, COMPLETE)?.unwrap_or(0))
}

/// Over how many events a checkpoint was signed last: an older one, or none, is not ours.
pub(super) fn put_published(batch: &mut Batch, size: u64) {
    batch.put(Column::Meta, PUBLISHED, size.to_string());
}

pub(super) fn published(index: &Index) -> Result<u64, StoreError> {
    Ok(get(index, Column::Meta, PUBLISHED)?.unwrap_or(0))
}

pub(super) fn put_register(batch: &mut Batch, register: &Register) -> Result<(), StoreError> {
    let json = serde_json::to_vec(register).map_err(|e| StoreError::Rows(e.to_string()))?;
    batch.put(Column::Register, REGISTER, json);
    Ok(())
}

pub(super) fn register(index: &Index) -> Result<Register, StoreError> {
    Ok(get(index, Column::Register, REGISTER)?.unwrap_or_default())
}

pub(super) fn put_rules(batch: &mut Batch, rules: &Rules) -> Result<(), StoreError> {
    let json = serde_json::to_vec(rules).map_err(|e| StoreError::Rows(e.to_string()))?;
    batch.put(Column::Meta, RULES, json);
    Ok(())
}

pub(super) fn rules(index: &Index) -> Result<Option<Rules>, StoreError> {
    get(index, Column::Meta, RULES)
}

pub(super) fn put_night(
    batch: &mut Batch,
    n: u64,
    at: Moment,
    what: &What,
) -> Result<(), StoreError> {
    let night = Night {
        n,
        at,
        what: what.clone(),
    };
    let json = serde_json::to_vec(&night).map_err(|e| StoreError::Rows(e.to_string()))?;
    batch.put(Column::Nights, keys::number(n), json);
    Ok(())
}

pub(super) fn nights(index: &Index, limit: usize) -> Result<Vec<Night>, StoreError> {
    let snapshot = index.snapshot();
    let rows = snapshot.scan(Column::Nights, &KeyRange::all(), Direction::Backward)?;
    rows.take(limit)
        .map(|row| {
            let (_, json) = row?;
            serde_json::from_slice(&json).map_err(|e| StoreError::Rows(e.to_string()))
        })
        .collect()
}

fn get<T: DeserializeOwned>(
    index: &Index,
    column: Column,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    let Some(json) = index.get(column, key)? else {
        return Ok(None);
    };
    serde_json::from_slice(&json)
        .map(Some)
        .map_err(|e| StoreError::Rows(e.to_string()))
}
