//! Acts that people sign for. A statement comes in as its text with signatures; here, on the rows
//! as they stand, it is judged, and what it agrees to happens in the same batch.

use super::{
    Proposal, Store, StoreError, access, correcting,
    error::Refusal,
    waiting::{Attached, Waiting},
};
use crate::{
    base::{Digest, Moment, RecordingId, text::duration_human},
    custody::{
        Context, Kind, Matter, Nonce, Quorum, Standing, Statement, Target, access::AccessState,
        judge, statement::Head, verify_statement,
    },
    event::What,
    index::Column,
    proof::{Algorithm, Verifier},
    retention::{Clause, Lowering, PlanApproval, class::Raised},
};

/// What a statement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Digest of the statement.
    pub statement: Digest,
    /// Those whose signature counted.
    pub people: Vec<String>,
    /// What happened, as sentences.
    pub done: Vec<String>,
    /// Nothing happened yet: it waits for more people to sign.
    pub waits: bool,
}

/// What a decision on a statement looks at.
struct Submitted<'a> {
    statement: &'a Statement,
    /// Those that came now.
    signatures: &'a [String],
    /// Those that came before.
    earlier: &'a [String],
    attached: &'a Attached,
    seen_at: Option<Moment>,
}

impl Store {
    /// A statement for people to sign, as of now. Whether it can be acted on is judged when it
    /// comes back.
    ///
    /// # Errors
    /// When its fields are not those of its kind.
    pub fn draft(
        &self,
        kind: Kind,
        target: Target,
        fields: &[(&str, &str)],
    ) -> Result<Statement, StoreError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|e| StoreError::Rows(e.to_string()))?;
        let (next, _) = self.head()?;
        let head = Head {
            kind,
            log: self.rules()?.rosters.log(),
            seen: next.saturating_sub(1),
            nonce: Nonce::new(nonce),
            target,
        };
        Ok(Statement::new(head, fields.iter().copied()).map_err(Refusal::from)?)
    }

    /// Acts on a statement, if those who signed it are enough.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with the reason; then nothing happened.
    pub fn submit(
        &self,
        by: u32,
        statement: Statement,
        signatures: Vec<String>,
        attached: Attached,
    ) -> Result<Agreed, StoreError> {
        self.settle_roster(by)?;
        let seen = statement.seen();
        let seen_at = self.event(seen)?.map(|event| event.at);
        let attached = self.attached(&statement, attached)?;
        let blobs = self.blobs();
        self.commit(by, move |proposal| {
            let digest = statement.digest();
            if proposal.is_used(digest)? {
                return Err(Refusal::Used(digest).into());
            }
            let waiting = proposal.waiting(digest)?;
            let mut earlier = waiting.as_ref().map_or(vec![], |w| w.signatures.clone());
            let submitted = Submitted {
                statement: &statement,
                signatures: &signatures,
                earlier: &earlier,
                attached: &attached,
                seen_at,
            };
            let quorum = match agreement(proposal, &submitted)? {
                Ok(quorum) => quorum,
                Err((sentence, people)) => {
                    let known = waiting.map_or(vec![], |w| w.people);
                    if people.iter().all(|person| known.contains(person)) {
                        return Err(Refusal::Wanting(sentence).into());
                    }
                    let attached = attached.keep(&blobs).map_err(StoreError::Blob)?;
                    proposal.event(What::StatementSigned {
                        statement,
                        signatures,
                        people: people.clone(),
                        attached,
                    });
                    return Ok(Agreed {
                        statement: digest,
                        people,
                        done: vec![format!("Nothing happens yet: {sentence}.")],
                        waits: true,
                    });
                }
            };
            let people = quorum.people().to_vec();
            earlier.extend(signatures);
            proposal.event(What::StatementAccepted {
                statement: statement.clone(),
                signatures: earlier,
                people: people.clone(),
            });
            let done = act(proposal, &statement, &quorum, attached)?;
            Ok(Agreed {
                statement: digest,
                people,
                done,
                waits: false,
            })
        })
    }

    /// The text that a statement names, from where the first who signed it left it.
    fn attached(&self, statement: &Statement, given: Attached) -> Result<Attached, StoreError> {
        if given != Attached::Nothing {
            return Ok(given);
        }
        let key = statement.digest();
        let row = self.index.get(Column::Waiting, key.as_bytes())?;
        let waiting: Option<Waiting> = row
            .map(|row| serde_json::from_slice(&row))
            .transpose()
            .map_err(|e| StoreError::Rows(e.to_string()))?;
        match waiting.and_then(|w| w.attached) {
            Some(blob) => Attached::kept(statement.kind(), &self.blobs(), &blob),
            None => Ok(Attached::Nothing),
        }
    }

    /// Reads the clocks for the log, so that the compliance clock goes on from here whatever
    /// happens to the machine.
    ///
    /// # Errors
    /// The writer's.
    pub fn read_clock(&self, by: u32) -> Result<(), StoreError> {
        self.commit(by, |proposal| {
            let reading = proposal.reading();
            proposal.event(What::ClockRead { reading });
            Ok(())
        })
    }

    /// Lets a roster take force whose delay has passed. Asked before anything is judged by one.
    ///
    /// # Errors
    /// The writer's.
    pub fn settle_roster(&self, by: u32) -> Result<(), StoreError> {
        if self.rules()?.rosters.pending().is_none() {
            return Ok(());
        }
        self.commit(by, |proposal| {
            let rules = proposal.rules()?;
            // Time gives rights here, so that the earlier of the two clocks counts.
            let Some(now) = rules.times(proposal.reading()).disposal else {
                return Ok(());
            };
            if let Some(change) = rules.rosters.plan_due(now) {
                let change = Box::new(change);
                proposal.event(What::RosterChanged { change });
            }
            Ok(())
        })
    }
}

/// Those who agree to the statement, if they are enough; else what is wanting, and who agrees.
fn agreement(
    proposal: &Proposal<'_>,
    submitted: &Submitted<'_>,
) -> Result<Result<Quorum, (String, Vec<String>)>, StoreError> {
    let Submitted {
        statement,
        attached,
        seen_at,
        ..
    } = *submitted;
    let rules = proposal.rules()?;
    let roster = rules.rosters.current();
    let verified = |armored: &String| verify_statement(statement, armored, roster);
    let signatures = submitted.signatures.iter().map(verified);
    let mut signers = signatures
        .collect::<Result<Vec<_>, _>>()
        .map_err(Refusal::from)?;
    // A signature that came before may be by a key that is no longer known: it no longer counts.
    signers.extend(submitted.earlier.iter().filter_map(|s| verified(s).ok()));
    let (amendment, keeping, asked);
    let matter = match (statement.kind(), statement.target()) {
        (Kind::Roster, _) => {
            let Attached::Roster(proposed) = attached else {
                return Err(Refusal::Unattached("roster").into());
            };
            amendment = rules
                .rosters
                .amendment(statement, proposed)
                .map_err(Refusal::from)?;
            Matter::Roster(&amendment)
        }
        (Kind::HoldRelease, Target::Recording(recording)) => {
            keeping = proposal.keeping(recording)?;
            let number = statement.number("hold").unwrap_or_default();
            let hold = keeping.holds.hold(number);
            let hold = hold.ok_or(Refusal::from(crate::custody::hold::HoldRefused::NoSuch(
                number,
            )))?;
            Matter::Hold { recording, hold }
        }
        (Kind::ClassLower, Target::Recording(recording)) => {
            keeping = proposal.keeping(recording)?;
            let proposer = keeping.classed_by.as_ref();
            Matter::Proposed(proposer.ok_or(Refusal::NotClassed(recording))?)
        }
        (Kind::Approval | Kind::Denial | Kind::BreakGlass, Target::Digest(request)) => {
            asked = access::known(proposal, request)?;
            let (two, state) = (
                access::takes_two(proposal, &asked)?,
                asked.state(proposal.now()),
            );
            match (statement.kind(), asked.break_glass) {
                (Kind::Approval, true) => return Err(Refusal::BreakGlass(request).into()),
                (Kind::BreakGlass, false) => return Err(Refusal::NoBreakGlass(request).into()),
                _ => {}
            }
            let decidable = match statement.kind() {
                Kind::Approval | Kind::BreakGlass => state == AccessState::Pending,
                // An approver may take an approval back as well, also from under a use that runs.
                _ => match state {
                    AccessState::UsedUp => asked.uses.iter().any(|u| u.outcome.is_none()),
                    state => state.is_open(),
                },
            };
            if !decidable {
                return Err(access::not(request, state));
            }
            let requester = &asked.requester;
            Matter::Access {
                request,
                requester,
                two,
            }
        }
        (Kind::Plan, Target::Digest(root)) => {
            let plan = rules.plan().filter(|p| p.root == root);
            Matter::Proposed(&plan.ok_or(Refusal::NoSuchPlan(root))?.by)
        }
        _ => Matter::Plain,
    };
    let context = Context {
        log: rules.rosters.log(),
        events: proposal.next_event(),
        seen_at,
        now: proposal.now(),
        roster,
        matter,
    };
    match judge(statement, &signers, &context) {
        Standing::Enough(quorum) => Ok(Ok(quorum)),
        Standing::Wanting { sentence, people } => Ok(Err((sentence, people))),
        Standing::Refused(unfit) => Err(Refusal::from(unfit).into()),
    }
}

/// What the statement agrees to.
fn act(
    proposal: &mut Proposal<'_>,
    statement: &Statement,
    quorum: &Quorum,
    attached: Attached,
) -> Result<Vec<String>, StoreError> {
    let digest = statement.digest();
    let target = statement.target();
    match (statement.kind(), target, attached) {
        (Kind::Roster, _, Attached::Roster(proposed)) => {
            let rules = proposal.rules()?;
            let change = rules
                .rosters
                .plan_change(statement, &proposed, quorum, proposal.now())
                .map_err(Refusal::from)?;
            let change = Box::new(change);
            proposal.event(What::RosterChanged { change });
            Ok(vec!["The roster changes as agreed.".into()])
        }
        (Kind::HoldRelease, Target::Recording(id), _) => {
            let holds = proposal.keeping(id)?.holds;
            let hold = holds
                .release(id, statement, quorum)
                .map_err(Refusal::from)?;
            let number = hold.number;
            let said = format!("Hold {number} on recording {id} is released.");
            proposal.event(What::HoldReleased {
                id,
                number,
                statement: digest,
            });
            Ok(vec![said])
        }
        (Kind::ClassLower, Target::Recording(id), _) => lower(proposal, statement, id),
        (Kind::Attribution, Target::Recording(id), _) => {
            correcting::attribute(proposal, statement, id)
        }
        (Kind::Time, Target::Recording(id), _) => correcting::retime(proposal, statement, id),
        (Kind::Policy, Target::Digest(named), Attached::Policy(policy)) => {
            if policy.digest() != named {
                return Err(Refusal::Unattached("policy").into());
            }
            for key in &policy.terms().witnesses {
                let key: Verifier = key.parse()?;
                if key.algorithm() != Algorithm::Cosignature {
                    return Err(Refusal::NoWitness(key.name().to_owned()).into());
                }
            }
            let rules = proposal.rules()?;
            let change = rules
                .policy()
                .map(|now| crate::retention::compare(now, &policy));
            let mut done = vec![format!("Policy version {} is in force.", policy.version())];
            if let Some(change) = change {
                done.push(change.map_err(Refusal::from)?.words());
            }
            proposal.event(What::PolicyAdopted {
                policy,
                statement: digest,
            });
            Ok(done)
        }
        (Kind::Clock, Target::Clock, _) => {
            let at = statement.moment("confirm").unwrap_or_default();
            let reading = proposal.reading();
            let rules = proposal.rules()?;
            let mut behind_ms = 0;
            if let Some(policy) = rules.policy() {
                let mut clock = rules.clock;
                clock.apply_reading(reading, policy.terms().clock);
                behind_ms = clock.behind_ms(at);
                clock
                    .apply_confirmed(at, reading, policy.terms().clock)
                    .map_err(Refusal::from)?;
            }
            proposal.event(What::ClockConfirmed {
                at,
                reading,
                behind_ms,
                statement: digest,
            });
            let mut done = vec![format!("The time is confirmed: {at}.")];
            if behind_ms > 0 {
                done.push(format!(
                    "What the log dates before it may be late by {}, and is kept as much longer.",
                    duration_human(behind_ms)
                ));
            }
            Ok(done)
        }
        (Kind::Approval, Target::Digest(request), _) => {
            let people = quorum.people().to_vec();
            proposal.event(What::AccessApproved {
                request,
                statement: digest,
                people,
            });
            Ok(vec![format!("Request {request} is approved.")])
        }
        (Kind::BreakGlass, Target::Digest(request), _) => {
            let people = quorum.people().to_vec();
            let expires = access::known(proposal, request)?.request.ask.expires;
            let said = format!(
                "BREAK-GLASS: {} opened request {request}, for one use until {expires}. \
                 Every report says so for the next 30 days.",
                people.join(" and ")
            );
            proposal.event(What::AccessApproved {
                request,
                statement: digest,
                people,
            });
            Ok(vec![said])
        }
        (Kind::Denial, Target::Digest(request), _) => {
            let people = quorum.people().to_vec();
            proposal.event(What::AccessDenied {
                request,
                statement: digest,
                people,
            });
            Ok(vec![format!("Request {request} is denied.")])
        }
        (Kind::Plan, Target::Digest(root), _) => {
            let rules = proposal.rules()?;
            let plan = rules.plan().filter(|p| p.root == root);
            let plan = plan.ok_or(Refusal::NoSuchPlan(root))?;
            if plan.approval.is_some() {
                return Err(Refusal::ApprovedAlready(root).into());
            }
            let (items, bytes) = (statement.number("items"), statement.number("bytes"));
            if (items, bytes) != (Some(plan.items), Some(plan.bytes)) {
                return Err(Refusal::NoSuchPlan(root).into());
            }
            let approval = PlanApproval {
                root,
                statement: digest,
                signers: quorum.people().to_vec(),
                approved: proposal.now(),
                expires: None,
                not_before: statement.moment("not-before"),
            };
            proposal.event(What::DisposalApproved { approval });
            Ok(vec![format!(
                "Plan {root} is approved. Nothing is removed before its grace is over."
            )])
        }
        (kind, ..) => Err(Refusal::NotYet(kind).into()),
    }
}

/// Orders that every clause which is not the one to remain ceases to keep the recording.
fn lower(
    proposal: &mut Proposal<'_>,
    statement: &Statement,
    id: RecordingId,
) -> Result<Vec<String>, StoreError> {
    let to = statement.field("to").unwrap_or_default();
    let remains: Option<Clause> = match to {
        "standard" => None,
        clause => Some(clause.parse().map_err(Refusal::from)?),
    };
    let now = proposal.now();
    let standing = proposal.keeping(id)?.standing;
    let ends: Vec<Clause> = standing
        .clauses()
        .filter(|(clause, raised)| {
            Some(*clause) != remains && raised.stands_at(now) && raised.lowering.is_none()
        })
        .map(|(clause, _)| clause)
        .collect();
    if ends.is_empty() {
        return Err(Refusal::NotClassed(id).into());
    }
    let stays = |(clause, raised): (Clause, &Raised)| {
        Some(clause) == remains && raised.stands_at(now) && raised.lowering.is_none()
    };
    if remains.is_some() && !standing.clauses().any(stays) {
        // Lowering raises nothing: what is to remain must stand, and not be on its way out, or
        // the recording would go although people signed that it stays.
        return Err(Refusal::NotClassed(id).into());
    }
    let mut done = Vec::new();
    for clause in ends {
        let rules = proposal.rules()?;
        let Some(policy) = rules.policy() else {
            continue;
        };
        let lowering = Lowering::new(clause, now, policy).map_err(Refusal::from)?;
        done.push(format!(
            "Clause {clause} keeps recording {id} until {} and no longer.",
            lowering.stands_until.in_zone(policy.zone())
        ));
        proposal.event(What::RecordingLowered {
            id,
            lowering,
            statement: statement.digest(),
        });
    }
    Ok(done)
}
