//! One profile file, from text to checked parts.

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use toml::Spanned;

use super::{Param, ParamKind, Plan, Requirement, Setting};
use crate::base::{Digest, ErrorKind, Explain};

/// Raw picture formats that the engine can hand to an encoder: 8-bit planar YUV, which checks
/// and band can work on.
const FORMATS: [&str; 3] = ["I420", "Y42B", "Y444"];

/// Bytes of a profile file; the longest shipped one has two thousand.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// Why a profile was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// The file is not a profile.
    #[error("{file}:{line}: {reason}")]
    Broken {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A value given for a parameter does not fit it.
    #[error("profile {profile}: {name} {reason}")]
    Setting {
        /// The profile.
        profile: String,
        /// The parameter.
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// There is no profile of this name.
    #[error("there is no profile '{name}'; there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A folder or file could not be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// What the system says.
        reason: String,
    },
}

impl Explain for ProfileError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { .. } => Some("compare it with the shipped files in pipelines/".into()),
            Self::Setting { .. } => {
                Some("the profile's file lists its parameters and their bounds".into())
            }
            Self::Unknown { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// A checked profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name; the configuration asks for it by this.
    pub name: String,
    /// What it is, for a person.
    pub title: String,
    /// File-name extension of what it writes, without the dot.
    pub extension: String,
    /// Raw formats that its encoder takes.
    pub formats: Vec<String>,
    /// The picture's codec as a person names it.
    pub video_codec: String,
    /// The sound's codec as a person names it.
    pub audio_codec: String,
    /// Its parameters.
    pub params: BTreeMap<String, Param>,
    /// Elements that it needs.
    pub requires: Vec<Requirement>,
    video: String,
    audio: String,
    mux: String,
    text_digest: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    name: Spanned<String>,
    title: String,
    extension: Spanned<String>,
    format: Spanned<Vec<Spanned<String>>>,
    video: RawTrack,
    audio: RawTrack,
    mux: RawMux,
    #[serde(default)]
    params: BTreeMap<Spanned<String>, Spanned<RawParam>>,
    requires: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrack {
    codec: String,
    encode: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMux {
    element: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParam {
    #[serde(rename = "type")]
    kind: Spanned<String>,
    min: Option<Bound>,
    max: Option<Bound>,
    choices: Option<Vec<Spanned<String>>>,
    default: Spanned<Setting>,
    note: String,
}

/// A bound as it was written.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Bound {
    Int(i64),
    Float(f64),
}

/// Points at a place in the text.
struct Place<'a> {
    file: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn broken(&self, span: Range<usize>, reason: impl Into<String>) -> ProfileError {
        let head = self
            .text
            .get(..span.start.min(self.text.len()))
            .unwrap_or("");
        ProfileError::Broken {
            file: self.file.to_owned(),
            line: head
                .bytes()
                .filter(|b| *b == b'\n')
                .count()
                .saturating_add(1),
            reason: reason.into(),
        }
    }
}

impl Profile {
    /// Reads and checks the text of a profile; `file` is for messages only.
    ///
    /// # Errors
    /// [`ProfileError::Broken`] with the line of the first thing that is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let place = Place { file, text };
        if text.len() > FILE_BYTES_MAX {
            return Err(place.broken(0..0, format!("longer than {FILE_BYTES_MAX} bytes")));
        }
        let raw: RawProfile = toml::from_str(text)
            .map_err(|e| place.broken(e.span().unwrap_or(0..0), e.message().to_owned()))?;
        check_word(&place, &raw.name, "a name", 40)?;
        check_word(&place, &raw.extension, "an extension", 8)?;
        if raw.format.get_ref().is_empty() {
            return Err(place.broken(raw.format.span(), "format lists nothing"));
        }
        for format in raw.format.get_ref() {
            if !FORMATS.contains(&format.get_ref().as_str()) {
                let known = FORMATS.join(", ");
                return Err(place.broken(
                    format.span(),
                    format!("format '{}' is none of {known}", format.get_ref()),
                ));
            }
        }
        let mut params = BTreeMap::new();
        for (name, param) in raw.params {
            check_word(&place, &name, "a parameter's name", 40)?;
            params.insert(name.into_inner(), check_param(&place, param)?);
        }
        let mut used = Vec::new();
        for part in [&raw.video.encode, &raw.audio.encode, &raw.mux.element] {
            if part.get_ref().trim().is_empty() {
                return Err(place.broken(part.span(), "the launch text is empty"));
            }
            for name in slots(part.get_ref()).map_err(|e| place.broken(part.span(), e))? {
                if !params.contains_key(name) {
                    return Err(
                        place.broken(part.span(), format!("{{{name}}} has no [params.{name}]"))
                    );
                }
                used.push(name.to_owned());
            }
        }
        if let Some(idle) = params.keys().find(|name| !used.contains(name)) {
            let at = text.find(&format!("[params.{idle}]")).unwrap_or(0);
            return Err(place.broken(at..at, format!("parameter '{idle}' is used nowhere")));
        }
        let mut requires = Vec::new();
        for (element, package) in raw.requires {
            check_word(&place, &element, "an element", 64)?;
            check_word(&place, &package, "a package", 80)?;
            requires.push(Requirement {
                element: element.into_inner(),
                package: package.into_inner(),
            });
        }
        Ok(Self {
            name: raw.name.into_inner(),
            title: raw.title,
            extension: raw.extension.into_inner(),
            formats: raw
                .format
                .into_inner()
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
            video_codec: raw.video.codec,
            audio_codec: raw.audio.codec,
            params,
            requires,
            video: raw.video.encode.into_inner(),
            audio: raw.audio.encode.into_inner(),
            mux: raw.mux.element.into_inner(),
            text_digest: Sha256::digest(text.as_bytes()).into(),
        })
    }

    /// Fills in the parameters: `settings` where given, the defaults elsewhere, and `threads`
    /// (the engine's own share of the machine) for a parameter of that name that nobody set. Such
    /// a share is the machine's and the hour's, and no part of the digest.
    ///
    /// # Errors
    /// [`ProfileError::Setting`] when a setting does not fit or no such parameter exists.
    pub fn plan(
        &self,
        settings: &BTreeMap<String, Setting>,
        threads: Option<u32>,
    ) -> Result<Plan, ProfileError> {
        let refuse = |name: &str, reason: String| ProfileError::Setting {
            profile: self.name.clone(),
            name: name.to_owned(),
            reason,
        };
        if let Some(name) = settings.keys().find(|n| !self.params.contains_key(*n)) {
            return Err(refuse(name, "is not a parameter of this profile".into()));
        }
        let mut values = BTreeMap::new();
        for (name, param) in &self.params {
            let value = match settings.get(name) {
                Some(v) => param.kind.check_setting(v).map_err(|e| refuse(name, e))?,
                None => match (&param.kind, threads) {
                    (ParamKind::Int { min, max }, Some(n)) if name == "threads" => {
                        Setting::Int(i64::from(n).clamp(*min, *max))
                    }
                    _ => param.default.clone(),
                },
            };
            values.insert(name.as_str(), value.to_string());
        }
        let shared = |name: &str| name == "threads" && !settings.contains_key(name);
        let mut hash = Sha256::new();
        hash.update(self.text_digest);
        for (name, value) in values.iter().filter(|(name, _)| !shared(name)) {
            hash.update(format!("{name}={value}\n"));
        }
        Ok(Plan {
            profile: self.name.clone(),
            digest: Digest::new(hash.finalize().into()),
            extension: self.extension.clone(),
            formats: self.formats.clone(),
            video: fill(&self.video, &values),
            audio: fill(&self.audio, &values),
            mux: fill(&self.mux, &values),
        })
    }
}

/// The names in `{}` of a launch text.
fn slots(text: &str) -> Result<Vec<&str>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let tail = rest.get(open..).unwrap_or("");
        let Some(inner) = tail.strip_prefix('{') else {
            return Err("'}' without '{'".into());
        };
        let close = inner.find('}').ok_or("'{' without '}'")?;
        let name = inner.get(..close).unwrap_or("");
        if !is_word(name, 40) {
            return Err(format!("'{{{name}}}' is not a parameter's name"));
        }
        out.push(name);
        rest = inner
            .get(close..)
            .and_then(|s| s.strip_prefix('}'))
            .unwrap_or("");
    }
    Ok(out)
}

fn fill(text: &str, values: &BTreeMap<&str, String>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// Letters, digits and `. _ + -`: nothing that launch syntax or a path gives a meaning to.
fn is_word(s: &str, bytes_max: usize) -> bool {
    !s.is_empty()
        && s.len() <= bytes_max
        && !s.starts_with(['.', '-'])
        && s.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+'))
}

fn check_word(
    place: &Place<'_>,
    word: &Spanned<String>,
    what: &str,
    bytes_max: usize,
) -> Result<(), ProfileError> {
    if is_word(word.get_ref(), bytes_max) {
        return Ok(());
    }
    Err(place.broken(
        word.span(),
        format!(
            "'{}' is not {what}: letters, digits and . _ + -, at most {bytes_max}",
            word.get_ref()
        ),
    ))
}

fn check_param(place: &Place<'_>, param: Spanned<RawParam>) -> Result<Param, ProfileError> {
    let span = param.span();
    let raw = param.into_inner();
    let bounded = raw.min.is_some() || raw.max.is_some();
    let listed = raw.choices.is_some();
    let kind = match raw.kind.get_ref().as_str() {
        "int" if !listed => match (raw.min, raw.max) {
            (Some(Bound::Int(min)), Some(Bound::Int(max))) if min <= max => {
                ParamKind::Int { min, max }
            }
            _ => {
                return Err(place.broken(
                    span,
                    "an int needs whole numbers min and max, min not above max",
                ));
            }
        },
        "float" if !listed => {
            let number = |b: Option<Bound>| match b {
                Some(Bound::Int(v)) => Some(v as f64),
                Some(Bound::Float(v)) if v.is_finite() => Some(v),
                _ => None,
            };
            match (number(raw.min), number(raw.max)) {
                (Some(min), Some(max)) if min <= max => ParamKind::Float { min, max },
                _ => {
                    return Err(
                        place.broken(span, "a float needs numbers min and max, min not above max")
                    );
                }
            }
        }
        "bool" if !bounded && !listed => ParamKind::Bool,
        "choice" if !bounded => {
            let choices = raw.choices.unwrap_or_default();
            if choices.is_empty() {
                return Err(place.broken(span, "a choice needs choices"));
            }
            for word in &choices {
                check_word(place, word, "a choice", 40)?;
            }
            ParamKind::Choice(choices.into_iter().map(Spanned::into_inner).collect())
        }
        "int" | "float" | "bool" => {
            return Err(place.broken(
                span,
                "choices belong to a choice, min and max to an int or float",
            ));
        }
        "choice" => return Err(place.broken(span, "min and max belong to an int or float")),
        other => {
            return Err(place.broken(
                raw.kind.span(),
                format!("type '{other}' is none of int, float, bool, choice"),
            ));
        }
    };
    let at = raw.default.span();
    let default = kind
        .check_setting(raw.default.get_ref())
        .map_err(|e| place.broken(at, format!("default {e}")))?;
    Ok(Param {
        kind,
        default,
        note: raw.note,
    })
}

#[cfg(test)]
mod tests;
