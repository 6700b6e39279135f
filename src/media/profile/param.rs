//! Typed, bounded parameters of a profile.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamKind {
    /// A whole number within bounds, both included.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number within bounds, both included.
    Float {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// True or false.
    Bool,
    /// One of these words.
    Choice(Vec<String>),
}

/// One parameter of a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// What it may be.
    pub kind: ParamKind,
    /// What it is unless somebody says otherwise.
    pub default: Setting,
    /// What it does, for a person.
    pub note: String,
}

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A word.
    Word(String),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Word(v) => f.write_str(v),
        }
    }
}

impl ParamKind {
    /// The value as this kind holds it, or why it does not.
    ///
    /// # Errors
    /// A sentence part that follows the parameter's name: `is 99, not within 0 to 13`.
    pub fn check_setting(&self, value: &Setting) -> Result<Setting, String> {
        match (self, value) {
            (Self::Int { min, max }, Setting::Int(v)) if v >= min && v <= max => Ok(value.clone()),
            (Self::Int { min, max }, Setting::Int(v)) => {
                Err(format!("is {v}, not within {min} to {max}"))
            }
            (Self::Float { min, max }, Setting::Int(_) | Setting::Float(_)) => {
                let v = match value {
                    Setting::Int(v) => *v as f64,
                    Setting::Float(v) => *v,
                    _ => f64::NAN,
                };
                if v.is_finite() && v >= *min && v <= *max {
                    Ok(Setting::Float(v))
                } else {
                    Err(format!("is {v}, not within {min} to {max}"))
                }
            }
            (Self::Bool, Setting::Bool(_)) => Ok(value.clone()),
            (Self::Choice(words), Setting::Word(v)) if words.contains(v) => Ok(value.clone()),
            (Self::Choice(words), Setting::Word(v)) => {
                Err(format!("is '{v}', not one of {}", words.join(", ")))
            }
            (kind, v) => Err(format!("is {v}, which is not {}", kind.noun())),
        }
    }

    const fn noun(&self) -> &'static str {
        match self {
            Self::Int { .. } => "a whole number",
            Self::Float { .. } => "a number",
            Self::Bool => "true or false",
            Self::Choice(_) => "a word",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_outside_its_bounds_or_of_another_type_is_refused() {
        let int = ParamKind::Int { min: 0, max: 13 };
        let float = ParamKind::Float { min: 0.5, max: 2.0 };
        let words = ParamKind::Choice(vec!["fast".into(), "slow".into()]);
        let word = |s: &str| Setting::Word(s.into());
        let cases = [
            (&int, Setting::Int(13), true),
            (&int, Setting::Int(14), false),
            (&int, Setting::Int(-1), false),
            (&int, word("13"), false),
            (&int, Setting::Float(3.0), false),
            (&float, Setting::Int(1), true),
            (&float, Setting::Float(0.49), false),
            (&float, Setting::Float(f64::NAN), false),
            (&words, word("slow"), true),
            (&words, word("slow ! filesink location=x"), false),
            (&ParamKind::Bool, Setting::Bool(true), true),
            (&ParamKind::Bool, Setting::Int(1), false),
        ];
        for (kind, value, fine) in cases {
            assert_eq!(kind.check_setting(&value).is_ok(), fine, "{kind:?} {value}");
        }
    }
}
