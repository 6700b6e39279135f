//! The clauses of the regulation under which recordings are kept long-term, with its own words.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::{ErrorKind, Explain, nearest::nearest};

/// A clause of the regulation that keeps a recording "for a long period of time".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Clause {
    /// 4.6.1: evading, refusing or obstructing the management, or abuse, insult, beating.
    #[serde(rename = "4.6.1")]
    Obstruction,
    /// 4.6.2: mass incidents and emergencies.
    #[serde(rename = "4.6.2")]
    MassIncident,
    /// 4.6.3: events and cases that the police dealt with.
    #[serde(rename = "4.6.3")]
    PoliceCase,
    /// 4.6.4: other important circumstances.
    #[serde(rename = "4.6.4")]
    OtherImportant,
}

/// The regulation's own words for what every recording is kept by.
pub const STORED_WORDS: &str =
    "The audio and video data shall be stored once and every day for at least 3 months.";

impl Clause {
    /// All of them, in the regulation's order.
    pub const ALL: [Self; 4] = [
        Self::Obstruction,
        Self::MassIncident,
        Self::PoliceCase,
        Self::OtherImportant,
    ];

    /// Its number, such as `4.6.2`: what people type and events hold.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Obstruction => "4.6.1",
            Self::MassIncident => "4.6.2",
            Self::PoliceCase => "4.6.3",
            Self::OtherImportant => "4.6.4",
        }
    }

    /// The regulation's own words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Obstruction => {
                "The business owners shall evade, refuse or obstruct the legitimate management work of the market management personnel, or abuse, insult or beat the market management personnel."
            }
            Self::MassIncident => {
                "Market management personnel involved in handling mass incidents and emergencies."
            }
            Self::PoliceCase => {
                "Events and cases that have been dealt with by public security organs."
            }
            Self::OtherImportant => {
                "Other important circumstances that are considered necessary for long-term preservation."
            }
        }
    }

    /// A few words for a column of a table.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Obstruction => "obstruction or abuse",
            Self::MassIncident => "mass incident or emergency",
            Self::PoliceCase => "police case",
            Self::OtherImportant => "otherwise important",
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.number())
    }
}

/// The text names no clause that keeps a recording long-term.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{text}' is not a clause for long-term keeping: those are 4.6.1 to 4.6.4")]
pub struct UnknownClause {
    /// The text.
    pub text: String,
}

impl Explain for UnknownClause {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        let near = nearest(&self.text, Clause::ALL.map(Clause::number));
        near.map(|clause| format!("did you mean {clause}?"))
    }
}

impl FromStr for Clause {
    type Err = UnknownClause;
    fn from_str(text: &str) -> Result<Self, UnknownClause> {
        Self::ALL
            .into_iter()
            .find(|clause| clause.number() == text.trim())
            .ok_or_else(|| UnknownClause { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_clause_is_its_number_in_text_and_in_events() {
        for clause in Clause::ALL {
            assert_eq!(clause.number().parse(), Ok(clause));
            assert_eq!(serde_json::to_value(clause).unwrap(), clause.number());
        }
        for text in ["4.6", "4.6.5", "", "4.6.2.1", "mass"] {
            assert!(text.parse::<Clause>().is_err(), "{text}");
        }
        let hint = "4.6.22".parse::<Clause>().unwrap_err().hint();
        assert_eq!(hint.as_deref(), Some("did you mean 4.6.2?"));
    }
}
