//! The parent's part of each dialogue.

use super::{Worker, WorkerFault};
use crate::{
    base::limits::FINDINGS_MAX,
    media::{
        profile::Requirement,
        protocol::{
            Answer, Capabilities, DeriveJob, Done, ExcerptFacts, ExcerptJob, Likeness, LikenessJob,
            Message, Opened, Progress, Request, SheetFacts, SheetJob, TraceJob, Traced, Verified,
            VerifyJob,
        },
    },
    recording::{Finding, salvage::Shape},
};

/// What came of a derivation; what arrived before a failure is kept.
#[derive(Debug)]
pub struct Derived {
    /// What the container says, if it could be opened at all.
    pub opened: Option<Opened>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The end.
    pub outcome: Result<Done, WorkerFault>,
}

/// What came of a verification.
#[derive(Debug)]
pub struct VerifyOutcome {
    /// Why the rendition is not what was promised.
    pub findings: Vec<Finding>,
    /// The end.
    pub outcome: Result<Verified, WorkerFault>,
}

impl Worker {
    /// Has a recording derived. `decide` answers what the container says of itself; `heard` is
    /// told whatever moves.
    pub fn derive(
        mut self,
        job: DeriveJob,
        decide: impl FnOnce(&Opened) -> Answer,
        mut heard: impl FnMut(&Progress),
    ) -> Derived {
        let mut opened = None;
        let mut findings = Vec::new();
        let outcome = self.derive_inner(job, decide, &mut heard, &mut opened, &mut findings);
        Derived {
            opened,
            findings,
            outcome,
        }
    }

    fn derive_inner(
        &mut self,
        job: DeriveJob,
        decide: impl FnOnce(&Opened) -> Answer,
        heard: &mut impl FnMut(&Progress),
        opened: &mut Option<Opened>,
        findings: &mut Vec<Finding>,
    ) -> Result<Done, WorkerFault> {
        self.say(&Request::Derive(job))?;
        let mut decide = Some(decide);
        loop {
            match self.hear()? {
                Message::Hello { .. } => {}
                Message::Opened(said) => {
                    let Some(decide) = decide.take() else {
                        return Err(out_of_turn("opened twice"));
                    };
                    self.bound_memory(&said.media);
                    let answer = decide(&said);
                    *opened = Some(*said);
                    self.say(&answer)?;
                }
                Message::Progress(p) => heard(&p),
                Message::Finding(f) => keep(findings, f)?,
                Message::Done(done) => return Ok(*done),
                _ => return Err(out_of_turn("an answer to another question")),
            }
        }
    }

    /// Has a rendition looked at.
    pub fn verify(mut self, job: VerifyJob, mut heard: impl FnMut(&Progress)) -> VerifyOutcome {
        let mut findings = Vec::new();
        let outcome = (|| {
            self.say(&Request::Verify(job))?;
            loop {
                match self.hear()? {
                    Message::Hello { .. } => {}
                    Message::Progress(p) => heard(&p),
                    Message::Finding(f) => keep(&mut findings, f)?,
                    Message::Verified(v) => return Ok(*v),
                    _ => return Err(out_of_turn("an answer to another question")),
                }
            }
        })();
        VerifyOutcome { findings, outcome }
    }

    /// Has the contact sheet of a marked copy made.
    ///
    /// # Errors
    /// When the worker fails.
    pub fn sheet(
        self,
        job: SheetJob,
        mut heard: impl FnMut(&Progress),
    ) -> Result<SheetFacts, WorkerFault> {
        self.ask(&Request::Sheet(job), &mut heard, |message| match message {
            Message::Sheet(facts) => Some(facts),
            _ => None,
        })
    }

    /// Has the pictures of a file of unknown origin looked at for codes.
    ///
    /// # Errors
    /// When the worker fails, which a file that is no video brings about.
    pub fn trace(self, job: TraceJob) -> Result<Traced, WorkerFault> {
        self.ask(&Request::Trace(job), &mut |_| {}, |message| match message {
            Message::Traced(traced) => Some(*traced),
            _ => None,
        })
    }

    /// Has the chunks found that hold a part of an original.
    ///
    /// # Errors
    /// When the worker fails, which a file without an index that can be read brings about.
    pub fn excerpt(
        self,
        job: ExcerptJob,
        mut heard: impl FnMut(&Progress),
    ) -> Result<ExcerptFacts, WorkerFault> {
        self.ask(
            &Request::Excerpt(job),
            &mut heard,
            |message| match message {
                Message::Excerpt(facts) => Some(facts),
                _ => None,
            },
        )
    }

    /// Has it told how the recorder of a whole recording writes.
    ///
    /// # Errors
    /// When the worker fails, which a recording without an index brings about.
    pub fn shape(self) -> Result<Shape, WorkerFault> {
        self.ask(&Request::Shape, &mut |_| {}, |message| match message {
            Message::Shape(shape) => Some(*shape),
            _ => None,
        })
    }

    /// Has a copy, which is its output, held against its recording.
    ///
    /// # Errors
    /// When the worker fails, which a recording without pictures brings about.
    pub fn likeness(self, job: LikenessJob) -> Result<Likeness, WorkerFault> {
        self.ask(
            &Request::Likeness(job),
            &mut |_| {},
            |message| match message {
                Message::Likeness(found) => Some(found),
                _ => None,
            },
        )
    }

    /// Asks what this machine has.
    ///
    /// # Errors
    /// When the worker fails.
    pub fn capabilities(self, elements: Vec<Requirement>) -> Result<Capabilities, WorkerFault> {
        let request = Request::Capabilities { elements };
        self.ask(&request, &mut |_| {}, |message| match message {
            Message::Capabilities(all) => Some(*all),
            _ => None,
        })
    }

    /// Asks for something that has one answer; whatever moves until then is `heard`.
    fn ask<T>(
        mut self,
        request: &Request,
        heard: &mut dyn FnMut(&Progress),
        answer: impl Fn(Message) -> Option<T>,
    ) -> Result<T, WorkerFault> {
        self.say(request)?;
        loop {
            match self.hear()? {
                Message::Hello { .. } => {}
                Message::Progress(p) => heard(&p),
                message => {
                    let other = || out_of_turn("an answer to another question");
                    return answer(message).ok_or_else(other);
                }
            }
        }
    }
}

/// Bytes of the texts of all findings that are kept of one worker, of the 48 KiB of an event.
const FINDINGS_BYTES_MAX: usize = 16 * 1_024;

fn out_of_turn(what: &str) -> WorkerFault {
    WorkerFault::Talk(format!("it spoke out of turn: {what}"))
}

/// A worker counts what goes beyond the bound itself; one that does not is not ours.
fn keep(findings: &mut Vec<Finding>, mut finding: Finding) -> Result<(), WorkerFault> {
    if findings.len() >= FINDINGS_MAX {
        return Err(WorkerFault::Talk(format!(
            "more than {FINDINGS_MAX} findings"
        )));
    }
    // All of them together stand in one event.
    let taken: usize = findings.iter().map(|f| f.text.len()).sum();
    let left = FINDINGS_BYTES_MAX.saturating_sub(taken);
    let end = finding.text.floor_char_boundary(left);
    finding.text.truncate(end);
    findings.push(finding);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::recording::FindingKind;

    #[test]
    fn findings_of_one_worker_fit_into_one_event() {
        let mut kept = Vec::new();
        for n in 0..FINDINGS_MAX {
            let text = format!("{n} {}", "过".repeat(400));
            keep(&mut kept, Finding::new(FindingKind::NotMedia, text)).unwrap();
        }
        let bytes: usize = kept.iter().map(|f| f.text.len()).sum();
        assert!(
            (FINDINGS_BYTES_MAX - 3..=FINDINGS_BYTES_MAX).contains(&bytes),
            "{bytes}"
        );
        assert_eq!(kept.len(), FINDINGS_MAX);
        assert!(
            keep(
                &mut kept,
                Finding::new(FindingKind::NotMedia, String::new())
            )
            .is_err()
        );
    }
}
