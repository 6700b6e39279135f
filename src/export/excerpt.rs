//! An excerpt of an original: a file as long as it, with the chunks in their places that hold the
//! seconds, and nothing in the place of all others; and the proof that those chunks are the
//! original's, which shows nothing of the rest.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::fs::FileExt},
};

use super::{Bag, ExportError, ExportSettings, io_of};
use crate::{
    base::{RecordingId, killpoint::around, limits::CHUNK_BYTES, merkle::tree_root},
    custody::request::{Seconds, Wanted},
    hashing::chunk_leaves,
    media::{
        Cut,
        protocol::{ExcerptFacts, ExcerptJob, Part, Progress},
        worker::{Files, Launch, Worker},
    },
    proof::{ChunkProof, Filler},
    recording::Record,
    store::{Store, StoreError},
};

/// What the names of excerpts begin with, behind `data/`.
pub(super) fn name_begins(id: RecordingId) -> String {
    format!("{id}.excerpt.")
}

/// Name of its proof.
pub(super) fn proof_name(id: RecordingId) -> String {
    format!("proof/{id}.chunks")
}

/// The seconds of a recording as milliseconds of it.
pub(super) fn part(seconds: Seconds) -> Part {
    Part {
        from_ms: u64::from(seconds.from) * 1_000,
        to_ms: u64::from(seconds.to) * 1_000,
        in_a_row: false,
    }
}

/// What an excerpt of this original would disclose. Nothing of it is shown to anybody by this.
///
/// # Errors
/// [`ExportError::NoExcerpt`] where none can be made, or the worker's word.
pub fn discloses(
    store: &Store,
    launch: &Launch,
    record: &Record,
    seconds: Seconds,
    heard: &mut dyn FnMut(&Progress),
) -> Result<Vec<Seconds>, ExportError> {
    let original = store.vault().open_object(&record.digest);
    let original = original.map_err(StoreError::from)?;
    Ok(find(launch, record, seconds, &original, heard)?.1.discloses)
}

fn find(
    launch: &Launch,
    record: &Record,
    seconds: Seconds,
    original: &File,
    heard: &mut dyn FnMut(&Progress),
) -> Result<(Cut, ExcerptFacts), ExportError> {
    let id = record.id;
    let container = record.media.as_ref().map_or("", |m| m.container.as_str());
    let Some(cut) = Cut::of(container) else {
        let container = container.to_owned();
        return Err(ExportError::NoExcerpt { id, container });
    };
    let failed = |e: &dyn std::fmt::Display| ExportError::Excerpt {
        id,
        why: e.to_string(),
    };
    let files = Files {
        input: Some(original.as_fd()),
        output: None,
    };
    let job = ExcerptJob {
        container: container.to_owned(),
        bytes: record.bytes,
        part: part(seconds),
    };
    let worker = Worker::spawn(launch, &files).map_err(|e| failed(&e))?;
    let found = worker.excerpt(job, |p| heard(p)).map_err(|e| failed(&e))?;
    Ok((cut, found))
}

/// Adds the excerpt of an original and its proof to the bag. It discloses no more than was approved.
///
/// # Errors
/// [`ExportError`].
pub(super) fn add(
    settings: &ExportSettings,
    record: &Record,
    (wanted, seconds): (&Wanted, Seconds),
    original: &File,
    bag: &mut Bag,
    heard: &mut dyn FnMut(&Progress),
) -> Result<(), ExportError> {
    let id = record.id;
    let (cut, found) = find(&settings.launch, record, seconds, original, heard)?;
    let approved = |some: &Seconds| wanted.discloses.iter().any(|all| all.covers(*some));
    if !found.discloses.iter().all(approved) {
        return Err(ExportError::Discloses(id));
    }
    let leaves = chunk_leaves(original).map_err(|e| ExportError::Excerpt {
        id,
        why: e.to_string(),
    })?;
    if tree_root(&leaves) != record.chunk_root {
        return Err(ExportError::Altered(id));
    }
    let filler = match cut.is_stream() {
        true => Filler::NullPackets,
        false => Filler::Zero,
    };
    let unproven = |e: &dyn std::fmt::Display| ExportError::Excerpt {
        id,
        why: e.to_string(),
    };
    let proof = ChunkProof::new(record.bytes, filler, found.chunks, &leaves);
    let proof = proof.map_err(|e| unproven(&e))?;
    let file = format!("{}{}", name_begins(id), cut.extension);
    let output = bag.open_payload(&file).map_err(io_of(&file))?;
    around("export.excerpt", || write(&proof, original, &output)).map_err(io_of(&file))?;
    let checked = proof.verify(&output, &record.chunk_root);
    checked.map_err(|e| unproven(&e))?;
    let _ = bag.filled(&file).map_err(io_of(&file))?;
    let name = proof_name(id);
    bag.add_tag(&name, proof.to_string().as_bytes())
        .map_err(io_of(&name))
}

/// Writes the excerpt into an empty file. Zeros are left out, and take no room.
fn write(proof: &ChunkProof, original: &File, excerpt: &File) -> io::Result<()> {
    excerpt.set_len(proof.bytes())?;
    let mut buffer = vec![0; CHUNK_BYTES];
    for (from, to, disclosed) in proof.stretches() {
        if !disclosed && proof.filler() == Filler::Zero {
            continue;
        }
        let mut at = from;
        while at < to {
            let length = usize::try_from(to - at).unwrap_or(usize::MAX);
            let length = length.min(buffer.len());
            let bytes = buffer.get_mut(..length).unwrap_or_default();
            match disclosed {
                true => original.read_exact_at(bytes, at)?,
                false => proof.filler().fill(at, bytes),
            }
            excerpt.write_all_at(bytes, at)?;
            at += length as u64;
        }
    }
    Ok(())
}
