//! Why a recording is kept, or is due, as one paragraph: result, clause, policy, inputs. It is
//! made from the same reasons that decide, so that it cannot say anything else.

use super::{Inputs, Policy, Verdict, evaluate};
use crate::base::{Moment, RecordingId};

/// The verdict on a recording at `now` as a paragraph for a person who has to account for it.
/// For an instant of the past, `policy` and `inputs` are those of that instant.
#[must_use]
pub fn why(id: RecordingId, policy: &Policy, inputs: &Inputs, now: Moment) -> String {
    let zone = policy.zone();
    let at = |moment: Moment| moment.in_zone(zone);
    let verdict = evaluate(policy, inputs, now);
    let result = match &verdict {
        Verdict::Due { since, .. } => format!("is due for disposal since {}", at(*since)),
        Verdict::Keep {
            until: Some(until), ..
        } => format!("is kept until {}", at(*until)),
        Verdict::Keep { until: None, .. } => "is kept and has no date of expiry".into(),
    };
    let reasons: String = verdict
        .reasons()
        .iter()
        .map(|reason| format!(" {}", reason.sentence(zone)))
        .collect();
    let nothing_else = if verdict.is_due() {
        " No hold is in force, no clause of 4.6.1 to 4.6.4 stands, it has been examined, and neither its owner nor its recorder's clock is in doubt."
    } else {
        ""
    };
    let end = match inputs.recorded_end {
        Some(end) => format!("its recorder says that it ended at {}", at(end)),
        None => "no source says when it ended".into(),
    };
    let times = match inputs.sightings {
        0 | 1 => "once".into(),
        n => format!("{n} times, most lately"),
    };
    format!(
        "Recording {id} {result}, as judged at {} under policy version {} (SHA-256 {}; days are those of {}).{reasons}{nothing_else} What this rests on: {end}; its bytes were ingested {times} at {}.",
        at(now),
        policy.version(),
        policy.digest(),
        policy.terms().zone,
        at(inputs.latest_ingest),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        base::Digest,
        retention::{
            Clause, Lowering, Promise, Raising,
            fixture::{hold, inputs, moment, policy},
        },
    };

    /// Whole paragraphs, so that somebody who reads this file reads what an auditor reads.
    #[test]
    fn an_account_names_clause_policy_inputs_and_result() {
        let id = Digest::new([7; 32]).id();
        let policy = policy(2, |_| {});
        let sha = policy.digest();
        let clause = Clause::MassIncident;
        let mut kept = inputs("2025-11-30T10:00:00Z");
        kept.recorded_end = Some(moment("2025-11-30T02:12:44Z"));
        let mut twice = kept.clone();
        twice.sightings = 3;
        twice.promised = Some(Promise {
            until: moment("2026-05-30T15:59:59.999Z"),
            policy: 1,
        });
        let mut raised = kept.clone();
        let at = moment("2025-12-01T01:30:00Z");
        raised
            .standing
            .apply_raising(&Raising::new(clause, at, &policy));
        let mut lowered = raised.clone();
        let ordered = moment("2026-02-20T01:30:00Z");
        let lowering = Lowering::new(clause, ordered, &policy).unwrap();
        lowered.standing.apply_lowering(&lowering).unwrap();
        let mut held = kept.clone();
        held.recorded_end = None;
        held.holds.push(hold());
        held.clock_suspect = true;
        let opening = |result: &str, now: &str| {
            format!(
                "Recording a4dqobyha4dqobyh {result}, as judged at {now} under policy version 2 (SHA-256 {sha}; days are those of Asia/Shanghai)."
            )
        };
        let months = "Clause 4.6 asks for at least 3 months; policy version 2 keeps 3 calendar months, counted from the latest ingest (2025-11-30 18:00:00 +08:00) to the end of the local day: 2026-03-01 23:59:59 +08:00 (the day of the same number does not exist, so the next that does counts).";
        let free = "No hold is in force, no clause of 4.6.1 to 4.6.4 stands, it has been examined, and neither its owner nor its recorder's clock is in doubt.";
        let mass = "Clause 4.6.2 (\"Market management personnel involved in handling mass incidents and emergencies.\") keeps it long-term since 2025-12-01 09:30:00 +08:00, without an expiry; a review is due by 2026-12-01 23:59:59 +08:00.";
        let end = "What this rests on: its recorder says that it ended at 2025-11-30 10:12:44 +08:00; its bytes were ingested once at 2025-11-30 18:00:00 +08:00.";
        let cases: [(_, _, _, _, &[&str]); 7] = [
            (
                &kept,
                "2026-03-01T15:59:59Z",
                "2026-03-01 23:59:59 +08:00",
                "is kept until 2026-03-01 23:59:59 +08:00",
                &[months, end],
            ),
            (
                &kept,
                "2026-03-01T16:00:00Z",
                "2026-03-02 00:00:00 +08:00",
                "is due for disposal since 2026-03-02 00:00:00 +08:00",
                &[months, free, end],
            ),
            (
                &twice,
                "2026-03-02T16:00:00Z",
                "2026-03-03 00:00:00 +08:00",
                "is kept until 2026-05-30 23:59:59 +08:00",
                &[
                    "Under policy version 1 it was promised to be kept until 2026-05-30 23:59:59 +08:00, and a promised date is never made earlier.",
                    months,
                    "What this rests on: its recorder says that it ended at 2025-11-30 10:12:44 +08:00; its bytes were ingested 3 times, most lately at 2025-11-30 18:00:00 +08:00.",
                ],
            ),
            (
                &raised,
                "2026-03-02T16:00:00Z",
                "2026-03-03 00:00:00 +08:00",
                "is kept and has no date of expiry",
                &[mass, months, end],
            ),
            (
                &lowered,
                "2026-03-02T16:00:00Z",
                "2026-03-03 00:00:00 +08:00",
                "is kept until 2026-03-22 23:59:59 +08:00",
                &[
                    mass,
                    "A lowering of clause 4.6.2 was ordered at 2026-02-20 09:30:00 +08:00; it takes effect after 2026-03-22 23:59:59 +08:00, and until then the clause stands.",
                    months,
                    end,
                ],
            ),
            (
                &lowered,
                "2026-04-02T16:00:00Z",
                "2026-04-03 00:00:00 +08:00",
                "is due for disposal since 2026-03-23 00:00:00 +08:00",
                &[
                    "Clause 4.6.2 stood until 2026-03-22 23:59:59 +08:00, by a lowering that was ordered at 2026-02-20 09:30:00 +08:00.",
                    months,
                    free,
                    end,
                ],
            ),
            (
                &held,
                "2026-04-02T16:00:00Z",
                "2026-04-03 00:00:00 +08:00",
                "is kept and has no date of expiry",
                &[
                    "Hold 7 for case 2026-113 keeps it until the hold is released.",
                    "It does not expire by itself while its recorder's clock is suspect; its recorded times are not believed.",
                    months,
                    "What this rests on: no source says when it ended; its bytes were ingested once at 2025-11-30 18:00:00 +08:00.",
                ],
            ),
        ];
        for (inputs, now, shown, result, sentences) in cases {
            let expected = format!("{} {}", opening(result, shown), sentences.join(" "));
            assert_eq!(why(id, &policy, inputs, moment(now)), expected);
        }
    }
}
