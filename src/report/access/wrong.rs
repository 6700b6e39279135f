//! Whether a use was covered, judged from the events alone: by their order in the log, and by the
//! times that they carry.

use serde::Serialize;

use crate::custody::access::{Access, Decision, Use};

/// In which way a use was not covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Nobody had approved it when it began.
    Unapproved,
    /// The approval had been taken back, or the request denied.
    TakenBack,
    /// It began after its time.
    Late,
    /// It began in time, and was gone on with after it.
    LateAgain,
    /// The approval had been used as often as it may be.
    TooOften,
    /// Who ran it had approved it.
    OperatorApproved,
    /// It is break-glass, and one person alone opened it.
    Alone,
}

impl Wrong {
    /// As a sentence about the use.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unapproved => "nobody had approved it",
            Self::TakenBack => "it had been denied or taken back",
            Self::Late => "its time was over",
            Self::LateAgain => "it was gone on with when its time was over",
            Self::TooOften => "it had been used as often as approved",
            Self::OperatorApproved => "who ran it had approved it",
            Self::Alone => "one person alone had opened it",
        }
    }

    /// The same in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Unapproved => "未经批准",
            Self::TakenBack => "批准已撤回",
            Self::Late => "批准已过期",
            Self::LateAgain => "批准过期后继续使用",
            Self::TooOften => "超出批准次数",
            Self::OperatorApproved => "批准人自行使用",
            Self::Alone => "仅一人开启",
        }
    }
}

/// Everything that is wrong with a use of this request.
#[must_use]
pub fn wrong(access: &Access, used: &Use) -> Vec<Wrong> {
    let mut out = Vec::new();
    match access.decided_before(used.event) {
        Some(Decision::Approved { people, .. }) if access.break_glass => {
            // One of the two may use it: the other agreed.
            if people.len() < 2 {
                out.push(Wrong::Alone);
            }
        }
        Some(Decision::Approved { people, .. }) => {
            if used
                .operator
                .person
                .as_ref()
                .is_some_and(|p| people.contains(p))
            {
                out.push(Wrong::OperatorApproved);
            }
        }
        Some(_) => out.push(Wrong::TakenBack),
        None => out.push(Wrong::Unapproved),
    }
    let expires = access.request.ask.expires;
    if used.at >= expires {
        out.push(Wrong::Late);
    } else if used.again_at.iter().any(|at| *at >= expires) {
        out.push(Wrong::LateAgain);
    }
    // By their order and not by the number that they bear: numbers may repeat in a forged log.
    let earlier = access.uses.iter().filter(|u| u.event < used.event).count();
    if earlier as u64 >= access.request.ask.uses {
        out.push(Wrong::TooOften);
    }
    out
}
