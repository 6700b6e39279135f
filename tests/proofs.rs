//! Random logs: every proof that they make is accepted, by us and by another implementation, and
//! none that was changed.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use recvault::{
    base::{Digest, merkle::leaf_hash},
    ledger::Ledger,
    proof::{Consistency, Inclusion},
};
use sha2::{Sha256, digest::Output};

use crate::log::Log;

fn theirs(root: &Digest, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root.as_bytes()).into(), size)
}

fn outputs(path: &[Digest]) -> Vec<Output<Sha256>> {
    path.iter().map(|h| (*h.as_bytes()).into()).collect()
}

fn they_accept(proof: &Inclusion, line: &[u8], root: &Digest) -> bool {
    let path = InclusionProof::from_digests(&outputs(&proof.path));
    theirs(root, proof.size)
        .verify_inclusion(&line, proof.index, &path)
        .is_ok()
}

fn they_accept_growth(proof: &Consistency, old: &Digest, new: &Digest) -> bool {
    let path = ConsistencyProof::from_digests(&outputs(&proof.path));
    theirs(new, proof.new)
        .verify_consistency(&theirs(old, proof.old), &path)
        .is_ok()
}

/// All paths that are one change away.
fn changed(path: &[Digest]) -> Vec<Vec<Digest>> {
    let mut out = vec![[path, &[Digest::new([1; 32])]].concat()];
    for n in 0..path.len() {
        let mut bytes = *path[n].as_bytes();
        bytes[n % 32] ^= 1 << (n % 8);
        let mut one = path.to_vec();
        one[n] = Digest::new(bytes);
        out.push(one);
        let mut one = path.to_vec();
        one.remove(n);
        out.push(one);
        let mut one = path.to_vec();
        one.insert(n, path[n]);
        out.push(one);
        let mut one = path.to_vec();
        one.swap(n, (n + 1) % path.len());
        if one != path {
            out.push(one);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Appended in any portions, opened again or not, published or not: proofs hold here and in
    /// `ct-merkle`, changed ones neither here nor there.
    #[test]
    fn proofs_of_random_logs_are_accepted_and_changed_ones_refused(
        portions in prop::collection::vec((0_u64..400, any::<bool>(), any::<bool>()), 1..8),
        picks in prop::collection::vec(any::<(u64, u64)>(), 12),
    ) {
        let mut log = Log::new();
        for (count, reopen, publish) in portions {
            log.grow(log.ledger.len() + count, |n| format!("event {n}").into_bytes());
            if reopen {
                log.ledger = Ledger::open(log.path()).unwrap();
            }
            if publish {
                log.ledger.publish(&log.key).unwrap();
            }
        }
        prop_assert_eq!(log.verified().root, log.ledger.root().unwrap());
        let len = log.ledger.len();
        prop_assume!(len > 0);
        for (a, b) in picks {
            let size = a % len + 1;
            let root = log.ledger.root_at(size).unwrap();
            let n = b % size;
            let line = format!("event {n}").into_bytes();
            let proof = log.ledger.inclusion(n, size).unwrap();
            prop_assert_eq!(proof.verify(&leaf_hash(&line), &root), Ok(()));
            prop_assert!(they_accept(&proof, &line, &root));
            prop_assert!(proof.verify(&leaf_hash(b"another"), &root).is_err());
            for path in changed(&proof.path) {
                let bad = Inclusion { path, ..proof.clone() };
                prop_assert!(bad.verify(&leaf_hash(&line), &root).is_err());
                prop_assert!(!they_accept(&bad, &line, &root));
            }
            let old = b % size + 1;
            let old_root = log.ledger.root_at(old).unwrap();
            let growth = log.ledger.consistency(old, size).unwrap();
            prop_assert_eq!(growth.verify(&old_root, &root), Ok(()));
            prop_assert!(they_accept_growth(&growth, &old_root, &root));
            for path in changed(&growth.path) {
                let bad = Consistency { path, ..growth.clone() };
                prop_assert!(bad.verify(&old_root, &root).is_err(), "{old} to {size}");
                prop_assert!(!they_accept_growth(&bad, &old_root, &root));
            }
        }
    }
}
