//! Admit, steps 4 to 6 of DESIGN section 4: a staged copy becomes a recording. Step 5 is the
//! writer's commit; before it the recording is not ours, and killed there the next night begins
//! anew with the source that still lies in the inbox.

use super::{Refusal, Store, StoreError, conflicts};
use crate::{
    base::{Digest, Moment, RecordingId},
    event::{RecordingAdmitted, What},
    index::Memo,
    recording::{Attribution, Finding, FindingKind, Kind, State},
    vault::{Placed, Staged},
};

/// What is known of a file when it is admitted.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Path below the inbox, as bytes.
    pub name: Vec<u8>,
    /// Its modification time.
    pub modified_at: Moment,
    /// What sort of file it is.
    pub kind: Kind,
    /// `Admitted` when a worker can say more, else `Kept`.
    pub state: State,
    /// Whose it is.
    pub attribution: Attribution,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What to remember of the file in the inbox.
    pub memo: Option<Memo>,
}

/// A recording that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Its id.
    pub id: RecordingId,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is new; else the same bytes were here before and this is another sighting.
    pub fresh: bool,
    /// Whether these bytes were disposed of before, and lie aside now.
    pub reappeared: bool,
}

impl Store {
    /// Makes a staged copy a recording.
    ///
    /// # Errors
    /// As linking or committing says; the staged copy is then gone and the source still there.
    pub fn admit(
        &self,
        by: u32,
        staged: Staged,
        admission: Admission,
    ) -> Result<Admitted, StoreError> {
        // What was lawfully disposed of does not come back: it is put aside, undecoded, and said.
        let id = staged.digest().id();
        if self
            .record(id)?
            .is_some_and(|r| !r.state.is_there() && r.digest == staged.digest())
        {
            return self.reappeared(by, staged, admission);
        }
        // 4. Link into the vault without overwriting; an object already there is re-hashed.
        let published = self.vault.publish(staged)?;
        let (digest, bytes, chunk_root) = (
            published.hashed.digest,
            published.hashed.bytes,
            published.hashed.chunk_root,
        );
        let healed = matches!(published.placed, Placed::Healed { .. });
        // 5. Commit point: after this the recording is ours. 6. The writer adds to its sidecar.
        self.commit(by, move |proposal| {
            let known = proposal.record(id)?;
            if known.as_ref().is_some_and(|k| k.digest != digest) {
                return Err(StoreError::SameHead { id });
            }
            if known.as_ref().is_some_and(|k| !k.state.is_there()) {
                // Its disposal began since: the source stays, and the next night says so.
                return Err(Refusal::Gone(id).into());
            }
            let name = proposal.seal(&admission.name)?;
            proposal.memo(&admission.name, admission.memo.map(|memo| Memo { digest, ..memo }));
            let modified_at = admission.modified_at;
            if known.is_some() {
                proposal.event(What::RecordingSighted { id, name, modified_at });
                return Ok(Admitted { id, digest, bytes, fresh: false, reappeared: false });
            }
            let mut attribution = admission.attribution;
            let remark = match &mut attribution.remark {
                Some(value) => {
                    let sealed = proposal.seal(value.value.as_bytes())?;
                    value.value.clear();
                    Some(sealed)
                }
                None => None,
            };
            let mut findings = admission.findings;
            if healed {
                let text = "the vault held a damaged copy of these bytes; the good one was put in its place";
                findings.push(Finding::new(FindingKind::VaultHealed, text));
            }
            let (kind, of) = (admission.kind, attribution.clone());
            proposal.event(What::RecordingAdmitted(Box::new(RecordingAdmitted {
                id,
                digest,
                bytes,
                chunk_root,
                name,
                modified_at,
                kind: admission.kind,
                state: admission.state,
                attribution,
                remark,
                findings,
            })));
            conflicts::tell(proposal, id, kind, &of, &[])?;
            Ok(Admitted { id, digest, bytes, fresh: true, reappeared: false })
        })
    }

    fn reappeared(
        &self,
        by: u32,
        staged: Staged,
        admission: Admission,
    ) -> Result<Admitted, StoreError> {
        let (digest, bytes) = (staged.digest(), staged.hashed().bytes);
        let id = digest.id();
        self.vault.put_aside(staged)?;
        self.commit(by, move |proposal| {
            let name = proposal.seal(&admission.name)?;
            let memo = admission.memo.map(|memo| Memo { digest, ..memo });
            proposal.memo(&admission.name, memo);
            proposal.event(What::RecordingReappeared { id, name });
            Ok(Admitted {
                id,
                digest,
                bytes,
                fresh: false,
                reappeared: true,
            })
        })
    }
}
