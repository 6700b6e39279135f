//! Proofs of excerpts: what they let through, and what they do not.
#![allow(clippy::unwrap_used)]
use std::io::Write as _;

use proptest::prelude::*;

use super::*;

fn leaves(bytes: &[u8]) -> Vec<Digest> {
    bytes.chunks(CHUNK_BYTES).map(leaf_hash).collect()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The original with all but some stretches filled.
fn excerpt(original: &[u8], proof: &ChunkProof) -> Vec<u8> {
    let mut out = original.to_vec();
    for (from, to, disclosed) in proof.stretches() {
        if !disclosed {
            let hidden = &mut out[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()];
            proof.filler().fill(from, hidden);
        }
    }
    out
}

fn bytes(chunks: usize, tail: usize) -> Vec<u8> {
    let length = (chunks - 1) * CHUNK_BYTES + tail;
    (0..length)
        .map(|n| u8::try_from(n * 7 / 3 % 251).unwrap())
        .collect()
}

#[test]
fn an_excerpt_is_proven_by_root_and_size_and_nothing_else_is() {
    let original = bytes(11, 1_000);
    let (leaves, size) = (leaves(&original), original.len() as u64);
    let root = tree_root(&leaves);
    for filler in [Filler::Zero, Filler::NullPackets] {
        let shown = vec![(0, 1), (4, 6), (10, 11)];
        let proof = ChunkProof::new(size, filler, shown, &leaves).unwrap();
        let text = proof.to_string();
        assert_eq!(text.parse::<ChunkProof>().unwrap(), proof);
        let good = excerpt(&original, &proof);
        proof.verify(&file(&good), &root).unwrap();
        assert_eq!(proof.disclosed_bytes(), 3 * CHUNK_BYTES as u64 + 1_000);
        // A bit of what is disclosed, of what is not, of the very end.
        for place in [0, 5 * CHUNK_BYTES + 17, 2 * CHUNK_BYTES, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert!(proof.verify(&file(&bad), &root).is_err(), "{place}");
        }
        // Two disclosed chunks changed for each other; one more byte; one less.
        let mut swapped = good.clone();
        let (left, right) = swapped[4 * CHUNK_BYTES..6 * CHUNK_BYTES].split_at_mut(CHUNK_BYTES);
        left.swap_with_slice(right);
        assert!(proof.verify(&file(&swapped), &root).is_err());
        assert!(proof.verify(&file(&good[..good.len() - 1]), &root).is_err());
        assert!(
            proof
                .verify(&file(&[&good[..], b"x"].concat()), &root)
                .is_err()
        );
        // Every hash and every number of the proof counts.
        for (n, line) in text.lines().enumerate().skip(1) {
            let other = match n {
                1 => "bytes 2622441".to_owned(),
                2 => "filler other".to_owned(),
                3 => "chunks 0-1,5-6,10-11".to_owned(),
                _ => leaf_hash(line.as_bytes()).to_string(),
            };
            // With the file as long as it is said to be.
            let longer = [&good[..], &[0]].concat();
            let file_of = if n == 1 { &longer } else { &good };
            for changed in [
                text.replacen(line, &other, 1),
                text.replacen(&format!("{line}\n"), "", 1),
            ] {
                let accepted = changed
                    .parse::<ChunkProof>()
                    .is_ok_and(|proof| proof.verify(&file(file_of), &root).is_ok());
                assert!(!accepted, "{changed}");
            }
        }
        let more = format!("{text}{root}\n").parse::<ChunkProof>().unwrap();
        assert!(more.verify(&file(&good), &root).is_err());
    }
}

#[test]
fn stretches_that_a_proof_cannot_have_are_refused() {
    let original = bytes(4, 9);
    let leaves = leaves(&original);
    for (chunks, fine) in [
        (vec![(0, 4)], true),
        (vec![], false),
        (vec![(1, 1)], false),
        (vec![(0, 5)], false),
        (vec![(0, 1), (1, 2)], false),
        (vec![(2, 3), (0, 1)], false),
        (vec![(0, 1), (2, 3)], true),
    ] {
        let made = ChunkProof::new(original.len() as u64, Filler::Zero, chunks.clone(), &leaves);
        assert_eq!(made.is_ok(), fine, "{chunks:?}");
    }
    assert!(
        ChunkProof::new(
            original.len() as u64,
            Filler::Zero,
            vec![(0, 1)],
            &leaves[1..]
        )
        .is_err()
    );
    for text in [
        "",
        "recvault chunk proof v2\n",
        "recvault chunk proof v1\nbytes 1\nfiller zero\nchunks 1-0\n",
    ] {
        assert!(text.parse::<ChunkProof>().is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is disclosed of whatever tree, hashes of the rest lead to the root of all of it.
    #[test]
    fn whatever_is_disclosed_leads_to_the_root(shown in proptest::collection::vec(any::<bool>(), 1..70)) {
        prop_assume!(shown.contains(&true));
        let leaves: Vec<Digest> = (0..shown.len()).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut chunks: Vec<(u64, u64)> = Vec::new();
        for n in (0..shown.len() as u64).filter(|n| shown[usize::try_from(*n).unwrap()]) {
            match chunks.last_mut() {
                Some(last) if last.1 == n => last.1 += 1,
                _ => chunks.push((n, n + 1)),
            }
        }
        let bytes = (shown.len() * CHUNK_BYTES) as u64;
        let proof = ChunkProof::new(bytes, Filler::Zero, chunks, &leaves).unwrap();
        let mut leaf = |n: u64| Ok(leaves[usize::try_from(n).unwrap()]);
        let root = proof.join(0, proof.count(), &mut proof.hashes.iter(), &mut leaf).unwrap();
        prop_assert_eq!(root, tree_root(&leaves));
        let hidden = shown.iter().filter(|s| !**s).count();
        prop_assert!(proof.hashes.len() <= hidden);
    }
}
