//! Whether a package is what its papers say, without the store that made it: the same checks as its
//! own instructions, in one step and with one verdict.
//!
//! - *invalid*: something in it is not what it should be; each thing is said.
//! - *valid*: everything in it agrees, under the log's key that lies in it.
//! - *trusted*: the log's key, the digest of its genesis roster and a witness's key came from
//!   elsewhere, and they agree too. Only then is it known *which* office's log it was.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    excerpt, package_name,
    proofs::{OUTCOME, beside},
    roster,
};
use crate::{
    base::{Digest, RecordingId},
    custody::{
        Kind, Role, Roster, Statement, Target,
        access::{UseOutcome, use_id},
        request::{Form, Request, Wanted, stretches},
        statement::log_name,
        verify_statement,
    },
    event::{Event, What},
    hashing::{hash_file, sha256},
    proof::{ChunkProof, ProofFile, Proven, Verifier},
};

/// What the one who checks knows from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The log's public key.
    pub log: Option<Verifier>,
    /// Digest of the genesis roster.
    pub roster: Option<Digest>,
    /// A witness's public key.
    pub witness: Option<Verifier>,
}

/// How far a package can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// It is not what its papers say.
    Invalid,
    /// It agrees with itself and with the log's key that lies in it.
    Valid,
    /// It agrees with what is known from elsewhere.
    Trusted,
}

/// What checking a package came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How far it can be relied on.
    pub rank: Rank,
    /// What holds, as sentences.
    pub holds: Vec<String>,
    /// What does not.
    pub wrong: Vec<String>,
}

/// A package being looked at; what does not hold is collected.
struct Look<'a> {
    dir: &'a Path,
    known: &'a Known,
    log: Option<Verifier>,
    /// Every event so far stands under a checkpoint that the known witness has seen.
    cosigned: bool,
    holds: Vec<String>,
    wrong: Vec<String>,
}

type Checked<T> = Result<T, String>;

/// Checks the package in this folder, with what lies beside it.
#[must_use]
pub fn verify(dir: &Path, known: &Known) -> Verdict {
    let mut look = Look {
        dir,
        known,
        log: None,
        cosigned: known.witness.is_some(),
        holds: Vec::new(),
        wrong: Vec::new(),
    };
    if let Err(why) = look.all() {
        look.wrong.push(why);
    }
    let trusted = known.log.is_some() && known.roster.is_some() && look.cosigned;
    Verdict {
        rank: match (look.wrong.is_empty(), trusted) {
            (false, _) => Rank::Invalid,
            (true, false) => Rank::Valid,
            (true, true) => Rank::Trusted,
        },
        holds: look.holds,
        wrong: look.wrong,
    }
}

impl Look<'_> {
    fn all(&mut self) -> Checked<()> {
        let files = self.bag()?;
        let key = self.text("proof/log.vkey")?;
        let log: Verifier = key
            .trim_end()
            .parse()
            .map_err(|e| format!("proof/log.vkey is no key: {e}"))?;
        match &self.known.log {
            Some(known) if *known != log => {
                return Err(format!("the log's key is {log}, not the one that you gave"));
            }
            _ => self.log = Some(log),
        }
        let (request, people, approved_at) = self.approval()?;
        let copies = self.outcome(&request, approved_at)?;
        payload(&files, &request, &copies)?;
        for wanted in &request.ask.recordings {
            let chunk_root = self.admission(wanted)?;
            if request.ask.form == Form::Original && wanted.seconds.is_some() {
                self.excerpt(wanted, &chunk_root, &files)?;
            }
        }
        self.holds.push(format!(
            "{} asked for it, for {} ({}); {} signed for it.",
            request.ask.requester,
            request.ask.recipient,
            request.ask.purpose,
            people.join(" and ")
        ));
        Ok(())
    }

    fn read(&self, name: &str) -> Checked<Vec<u8>> {
        let path = self.dir.join(name);
        fs::read(path).map_err(|e| format!("{name} cannot be read: {e}"))
    }

    fn text(&self, name: &str) -> Checked<String> {
        String::from_utf8(self.read(name)?).map_err(|_| format!("{name} is not UTF-8"))
    }

    /// The bag: every file that the manifests name is what they say, and no other is there.
    fn bag(&mut self) -> Checked<BTreeMap<String, Digest>> {
        let declared = self.text("bagit.txt")?;
        if declared != "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n" {
            return Err("bagit.txt does not declare a bag of version 1.0".into());
        }
        let mut all = BTreeMap::new();
        for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
            for line in self.text(manifest)?.lines() {
                let entry = line.split_once("  ");
                let entry = entry.and_then(|(d, name)| Some((d.parse::<Digest>().ok()?, name)));
                let Some((digest, name)) = entry.filter(|(_, name)| is_plain(name)) else {
                    return Err(format!("{manifest} has a line that is none: {line}"));
                };
                let file = fs::File::open(self.dir.join(name));
                let found = file.map_err(|e| e.to_string());
                let found = found.and_then(|f| hash_file(&f).map_err(|e| e.to_string()));
                match found {
                    Ok(found) if found.digest == digest => {}
                    Ok(_) => return Err(format!("{name} is not what {manifest} says")),
                    Err(e) => return Err(format!("{name} cannot be read: {e}")),
                }
                if all.insert(name.to_owned(), digest).is_some() {
                    return Err(format!("{name} stands in the manifests twice"));
                }
            }
        }
        for file in files_below(self.dir)? {
            if file != "tagmanifest-sha256.txt" && !all.contains_key(&file) {
                return Err(format!("{file} is there, and no manifest names it"));
            }
        }
        self.holds
            .push(format!("{} files are what the manifests say.", all.len()));
        Ok(all)
    }

    /// The roster by which the approval was judged, and that it came out of the genesis roster by
    /// its own rules.
    fn roster(&mut self, log: Digest, approved: u64) -> Checked<Roster> {
        let read = |name: &str| -> Checked<Roster> {
            let text = self.text(name)?;
            text.parse().map_err(|e| format!("{name}: {e}"))
        };
        let (genesis, roster) = (read("proof/genesis.txt")?, read("proof/roster.txt")?);
        if genesis.digest() != log {
            return Err("proof/genesis.txt is not the roster that the log is named after".into());
        }
        let mut changes = Vec::new();
        loop {
            let name = roster::name(changes.len());
            if !self.dir.join(format!("proof/{name}.event")).exists() {
                break;
            }
            changes.push(self.in_proof(&name)?);
        }
        let followed = roster::follow(genesis, &changes, approved)?;
        if followed != roster {
            return Err("proof/roster.txt is not what the genesis roster came to".into());
        }
        self.holds.push(match changes.len() {
            0 => "Who could approve stands in the genesis roster.".into(),
            _ => "Who could approve was agreed on by the rules of the rosters before, from the genesis roster on.".into(),
        });
        Ok(roster)
    }

    /// That an event stands in the log, and the event: by its proof, and where a witness is known also
    /// by one that leads to what the witness has signed.
    fn proven(&mut self, event: &Path, name: &str, proof: &Path) -> Checked<Event> {
        let (proven, cosigned) = self.proven_by(event, proof)?;
        let witnessed = beside(self.dir, "witnessed").join(format!("{name}.proof"));
        let cosigned = match !cosigned && self.known.witness.is_some() && witnessed.exists() {
            true => {
                let (same, cosigned) = self.proven_by(event, &witnessed)?;
                cosigned && same.n == proven.n
            }
            false => cosigned,
        };
        self.cosigned &= cosigned;
        Ok(proven)
    }

    /// The same by one proof, and whether the known witness has seen it.
    fn proven_by(&self, event: &Path, proof: &Path) -> Checked<(Event, bool)> {
        let read = |path: &Path| {
            fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
        };
        let line = read(event)?;
        let name = event.display();
        let wrong = |e: &dyn std::fmt::Display| format!("{name}: {e}");
        let proof = ProofFile::parse(&read(proof)?).map_err(|e| wrong(&e))?;
        let Some(log) = &self.log else {
            return Err("the log's key is not known".into());
        };
        let witness: Vec<&Verifier> = self.known.witness.iter().collect();
        let Proven {
            checkpoint,
            cosigned,
        } = proof.verify(&line, log, &witness).map_err(|e| wrong(&e))?;
        if let Some(roster) = self
            .known
            .roster
            .filter(|r| checkpoint.origin != log_name(r))
        {
            return Err(format!(
                "{name} is of the log {}, not of the one of roster {roster}",
                checkpoint.origin
            ));
        }
        let event = Event::from_line(proof.index, &line).map_err(|e| wrong(&e))?;
        Ok((event, !cosigned.is_empty()))
    }

    fn in_proof(&mut self, name: &str) -> Checked<Event> {
        let path = |ending: &str| self.dir.join(format!("proof/{name}.{ending}"));
        let (event, proof) = (path("event"), path("proof"));
        self.proven(&event, name, &proof)
    }

    /// The request, those who approved it, and the event that says so.
    fn approval(&mut self) -> Checked<(Request, Vec<String>, u64)> {
        let text = self.text("proof/request.txt")?;
        let request: Request = text
            .parse()
            .map_err(|e| format!("proof/request.txt: {e}"))?;
        let statement: Statement = self
            .text("proof/approval.txt")?
            .parse()
            .map_err(|e| format!("proof/approval.txt: {e}"))?;
        let about = Target::Digest(request.digest());
        let break_glass = statement.kind() == Kind::BreakGlass;
        if !(break_glass || statement.kind() == Kind::Approval) || statement.target() != about {
            return Err("proof/approval.txt does not approve this request".into());
        }
        if statement.log() != request.log {
            return Err("request and approval are of two logs".into());
        }
        if self.log.as_ref().map(Verifier::name) != Some(&*log_name(&request.log)) {
            return Err("the request is of another log than its proofs".into());
        }
        let accepted = self.in_proof("approval")?;
        let roster = self.roster(request.log, accepted.n)?;
        let What::StatementAccepted {
            statement: logged,
            signatures,
            people,
        } = accepted.what
        else {
            return Err("proof/approval.event is no acceptance".into());
        };
        let asked = self.in_proof("request")?;
        let requester = match asked.what {
            What::AccessRequested(event)
                if event.request == request.digest()
                    && asked.n < accepted.n
                    && event.break_glass == break_glass =>
            {
                event.actor
            }
            _ => return Err("the log has another request".into()),
        };
        if logged != statement {
            return Err("the log accepted another statement".into());
        }
        let mut signed: Vec<String> = Vec::new();
        let mut approves = false;
        for signature in &signatures {
            let Ok(signer) = verify_statement(&statement, signature, &roster) else {
                continue;
            };
            let person = roster.person(signer.person());
            let approver = person.is_some_and(|p| p.role == Role::Approver);
            let apart = person.is_some_and(|p| requester.is_surely_not(p));
            // In an emergency everybody counts, and one of them has to be an approver.
            approves |= approver;
            if break_glass || (approver && apart) {
                signed.push(signer.person().to_owned());
            }
        }
        signed.sort();
        signed.dedup();
        if signed.is_empty() || signed != people {
            return Err("the approval is not signed by those who the log says approved it".into());
        }
        if break_glass && !(approves && signed.len() >= 2) {
            return Err(
                "it is break-glass, and was not opened by two people, one an approver".into(),
            );
        }
        self.holds.push(match break_glass {
            true => format!(
                "BREAK-GLASS: request {} was opened in an emergency at event {}, by two people and not by the usual approval.",
                request.digest(),
                accepted.n
            ),
            false => format!(
                "Request {} was approved at event {}.",
                request.digest(),
                accepted.n
            ),
        });
        Ok((request, signed, accepted.n))
    }

    /// The log knows this very package. Gives back the digests of the marked copies in it.
    fn outcome(&mut self, request: &Request, approved_at: u64) -> Checked<Vec<Digest>> {
        let (event, proof) = (beside(self.dir, "event"), beside(self.dir, "proof"));
        let ended = self.proven(&event, OUTCOME, &proof)?;
        let What::AccessEnded {
            request: of,
            number,
            outcome:
                UseOutcome::Packaged {
                    tag_manifest,
                    copies,
                    ..
                },
        } = ended.what
        else {
            return Err("the event beside the package is no outcome of one".into());
        };
        let found = sha256(&self.read("tagmanifest-sha256.txt")?);
        if of != request.digest() || tag_manifest != found {
            return Err("the log's outcome is that of another package".into());
        }
        if ended.n < approved_at || !(1..=request.ask.uses).contains(&u64::from(number)) {
            return Err("the approval does not reach to this use of it".into());
        }
        let name = package_name(use_id(&of, number));
        let info = self.text("bag-info.txt")?;
        if !info.contains(&format!("External-Identifier: {name}\n")) {
            return Err(format!("bag-info.txt does not say {name}"));
        }
        self.holds
            .push(format!("The log knows it as {name}, event {}.", ended.n));
        Ok(copies)
    }

    /// That a recording was admitted with this digest and size; gives back the root over its chunks.
    fn admission(&mut self, wanted: &Wanted) -> Checked<Digest> {
        let id = wanted.id;
        // As strict as the script, which reads the line by eye: one body, one root.
        let line = self.text(&format!("proof/{id}.event"))?;
        let once = |what: &str| line.matches(what).count() == 1;
        if !once("\"body\":") || !once("\"chunk_root\":") {
            return Err(format!("proof/{id}.event says something twice"));
        }
        let admitted = self.in_proof(&id.to_string())?;
        match admitted.what {
            What::RecordingAdmitted(a) if (a.digest, a.bytes) == (wanted.digest, wanted.bytes) => {
                self.holds.push(format!(
                    "Recording {id} was admitted at event {}, {}.",
                    admitted.n, admitted.at
                ));
                Ok(a.chunk_root)
            }
            _ => Err(format!("the log admitted recording {id} otherwise")),
        }
    }

    /// That an excerpt is one of the original with this root over its chunks.
    fn excerpt(
        &mut self,
        wanted: &Wanted,
        chunk_root: &Digest,
        files: &BTreeMap<String, Digest>,
    ) -> Checked<()> {
        let (id, name) = (wanted.id, excerpt::proof_name(wanted.id));
        let wrong = |e: &dyn std::fmt::Display| format!("{name}: {e}");
        let proof: ChunkProof = self.text(&name)?.parse().map_err(|e| wrong(&e))?;
        if proof.bytes() != wanted.bytes {
            return Err(wrong(&"it is of a file of another size"));
        }
        let file = excerpt_of(files, id).ok_or_else(|| format!("data/ has no excerpt of {id}"))?;
        let open = File::open(self.dir.join(file)).map_err(|e| format!("{file}: {e}"))?;
        let checked = proof.verify(&open, chunk_root);
        checked.map_err(|e| format!("{file} is no excerpt of recording {id}: {e}"))?;
        self.holds.push(format!(
            "{file} has {} of the {} bytes of recording {id}, each in its place; the request says that they disclose seconds {}.",
            proof.disclosed_bytes(),
            proof.bytes(),
            stretches(&wanted.discloses)
        ));
        Ok(())
    }
}

/// What is under `data/` is what was approved: of each recording the original, where originals were
/// approved, and the marked copies that the log knows; nothing else.
fn payload(files: &BTreeMap<String, Digest>, request: &Request, copies: &[Digest]) -> Checked<()> {
    let with_originals = request.ask.form == Form::Original;
    let mut left: Vec<(&String, &Digest)> = files
        .iter()
        .filter(|(name, _)| name.starts_with("data/"))
        .collect();
    for wanted in &request.ask.recordings {
        if wanted.seconds.is_some() && with_originals {
            let file = excerpt_of(files, wanted.id);
            let file = file.ok_or_else(|| format!("data/ has no excerpt of {}", wanted.id))?;
            left.retain(|(name, _)| *name != file);
            continue;
        }
        let file = format!("data/{}.original", wanted.id);
        let found = files.get(&file).filter(|_| with_originals);
        if with_originals && found != Some(&wanted.digest) {
            return Err(format!("{file} is not the original that was asked for"));
        }
        if found.is_some() {
            left.retain(|(name, _)| **name != file);
        }
    }
    let mut known = copies.to_vec();
    for (name, digest) in left {
        match known.iter().position(|copy| copy == digest) {
            Some(at) => drop(known.swap_remove(at)),
            None => return Err(format!("{name} was not approved")),
        }
    }
    match known.as_slice() {
        [] => Ok(()),
        _ => Err("a marked copy is missing".into()),
    }
}

/// The excerpt of a recording, if there is one and no other.
fn excerpt_of(files: &BTreeMap<String, Digest>, id: RecordingId) -> Option<&String> {
    let begins = format!("data/{}", excerpt::name_begins(id));
    let mut found = files.keys().filter(|name| name.starts_with(&begins));
    found.next().filter(|_| found.next().is_none())
}

/// Whether a manifest may name a file so: below the bag, and in one way.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Every file below a folder, as manifests name them.
fn files_below(dir: &Path) -> Checked<Vec<String>> {
    let failed = |e: std::io::Error| format!("{} cannot be listed: {e}", dir.display());
    let mut folders: Vec<PathBuf> = vec![PathBuf::new()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = folder.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(name);
            } else {
                files.push(name.to_string_lossy().into_owned());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        base::{
            limits::CHUNK_BYTES,
            merkle::{leaf_hash, tree_root},
        },
        custody::request::Seconds,
        proof::Filler,
    };

    /// Goal: what a store that signs anything packs as an excerpt is held to the original all the same:
    /// manifests and outcome say nothing of that.
    #[test]
    fn an_excerpt_is_held_to_the_original() {
        let original: Vec<u8> = (0..3 * CHUNK_BYTES).map(|n| (n % 250) as u8 + 1).collect();
        let leaves: Vec<Digest> = original.chunks(CHUNK_BYTES).map(leaf_hash).collect();
        let (root, size) = (tree_root(&leaves), original.len() as u64);
        let wanted = Wanted {
            discloses: vec![Seconds { from: 0, to: 9 }],
            ..Wanted::whole(sha256(&original).id(), sha256(&original), size)
        };
        let proof = ChunkProof::new(size, Filler::Zero, vec![(1, 2)], &leaves).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        fs::create_dir(dir.path().join("proof")).unwrap();
        let file = format!("data/{}mp4", excerpt::name_begins(wanted.id));
        let judge = |bytes: &[u8], wanted: &Wanted, names: &[&str], root: &Digest| {
            fs::write(dir.path().join(&file), bytes).unwrap();
            let proof_file = dir.path().join(excerpt::proof_name(wanted.id));
            fs::write(proof_file, proof.to_string()).unwrap();
            let files = names.iter().map(|n| ((*n).to_owned(), sha256(bytes)));
            let mut look = Look {
                dir: dir.path(),
                known: &Known::default(),
                log: None,
                cosigned: false,
                holds: Vec::new(),
                wrong: Vec::new(),
            };
            look.excerpt(wanted, root, &files.collect())
        };
        let mut good = original.clone();
        good[..CHUNK_BYTES].fill(0);
        good[2 * CHUNK_BYTES..].fill(0);
        let names = [file.as_str()];
        judge(&good, &wanted, &names, &root).unwrap();
        let mut altered = good.clone();
        altered[CHUNK_BYTES] ^= 1;
        assert!(judge(&altered, &wanted, &names, &root).is_err());
        assert!(
            judge(&original, &wanted, &names, &root).is_err(),
            "more than is proven"
        );
        assert!(
            judge(&good, &wanted, &names, &leaves[0]).is_err(),
            "another original"
        );
        let larger = Wanted {
            bytes: size + 1,
            ..wanted.clone()
        };
        assert!(
            judge(&good, &larger, &names, &root).is_err(),
            "another size"
        );
        let second = file.replace(".mp4", ".mov");
        assert!(
            judge(&good, &wanted, &[&file, &second], &root).is_err(),
            "two of them"
        );
        assert!(judge(&good, &wanted, &[], &root).is_err(), "none");
    }
}
