//! A request to look: which recordings, which seconds, in what form, for what purpose, for whom, how
//! often, until when. Its text is what an approver reads, and its digest is what the approval signs.
//!
//! ```text
//! recvault access request v1
//! log: recvault/<SHA-256 of the genesis roster>
//! roster: <SHA-256 of the roster in force>
//! checkpoint: 1234 <root>
//! nonce: <26 base32 characters>
//! requester: li
//! form: copy
//! purpose: 案件 2026-117
//! recipient: 东城派出所 王警官
//! expires: 2026-12-11T16:00:00Z
//! uses: 1
//! recording: mzymsttb4rbelt3o sha256 <digest> bytes 1048576
//! recording: 4f2k… sha256 <digest> bytes 1048576 seconds 12-42
//! ```
//!
//! Of an original whose seconds are asked for, the line goes on with what its excerpt discloses:
//! `seconds 12-42 discloses 0-1,10-44`, for an excerpt is cut in chunks of the file.
//!
//! UTF-8, line feeds, one at the end; the lines stand in this order, recordings by id. Reading is
//! strict: what is not exactly what [`Request::text`] writes is refused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    kind::read_moment,
    line::{LineError, check_value, read_number},
    statement::{Nonce, log_name},
};
use crate::base::{Digest, ErrorKind, Explain, Moment, RecordingId};

/// Recordings in one request. More than a person can judge is not judged.
pub const RECORDINGS_MAX: usize = 150;

/// Times that one approval may be used.
pub const USES_MAX: u64 = 100;

/// Stretches of seconds that one excerpt is said to disclose; more are told as fewer and longer ones.
pub const DISCLOSED_MAX: usize = 4;

/// Bytes of a request's text: it lies in the log's details, and people read it.
pub const REQUEST_BYTES_MAX: usize = 40 * 1024;

const HEADER: &str = "recvault access request v1";

/// In what form somebody wants to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Looked at here; nothing is carried away.
    View,
    /// A marked copy is carried away.
    Copy,
    /// The bit-exact original is carried away beside the marked copy.
    Original,
}

impl Form {
    /// All of them, in the order of what they disclose.
    pub const ALL: [Self; 3] = [Self::View, Self::Copy, Self::Original];

    /// The word in texts and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Copy => "copy",
            Self::Original => "original",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Form {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|f| f.word() == s).ok_or(())
    }
}

/// A stretch of a recording in whole seconds of it, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seconds {
    /// The first second.
    pub from: u32,
    /// The first second behind it.
    pub to: u32,
}

impl Seconds {
    /// How many there are.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.to.saturating_sub(self.from)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether all of `other` lies in it.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let number = |text| u32::try_from(read_number(text)?).ok();
        let (from, to) = (number(from)?, number(to)?);
        (from < to).then_some(Self { from, to })
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// One recording that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Which.
    pub id: RecordingId,
    /// SHA-256 of the original.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Only these seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<Seconds>,
    /// The seconds that the chunks of an excerpt of the original disclose, those asked for and those
    /// beside them: in order, none touching another. Nothing where no such excerpt is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discloses: Vec<Seconds>,
}

impl Wanted {
    /// All of it.
    #[must_use]
    pub const fn whole(id: RecordingId, digest: Digest, bytes: u64) -> Self {
        Self {
            id,
            digest,
            bytes,
            seconds: None,
            discloses: Vec::new(),
        }
    }

    /// Whether what it discloses is told, where it has to be.
    fn tells(&self, form: Form) -> bool {
        let Some(seconds) = self.seconds.filter(|_| form == Form::Original) else {
            return self.discloses.is_empty();
        };
        let in_order = self.discloses.windows(2).all(|two| two[0].to < two[1].from);
        in_order
            && self.discloses.len() <= DISCLOSED_MAX
            && self.discloses.iter().all(|some| !some.is_empty())
            && self.discloses.iter().any(|some| some.covers(seconds))
    }
}

/// A request, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Request {
    /// What is asked for and by whom.
    pub ask: Ask,
    /// Digest of the log's genesis roster.
    pub log: Digest,
    /// Digest of the roster in force.
    pub roster: Digest,
    /// Events under the checkpoint that the requester saw, and their root.
    pub checkpoint: (u64, Digest),
    /// Random, so that no request has the digest of another.
    pub nonce: Nonce,
}

/// What is asked for and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who asks: a handle of the roster, or `uid` and a number.
    pub requester: String,
    /// In what form.
    pub form: Form,
    /// What for.
    pub purpose: String,
    /// For whom.
    pub recipient: String,
    /// Until when it may be used.
    pub expires: Moment,
    /// How often.
    pub uses: u64,
    /// Which recordings, by id.
    pub recordings: Vec<Wanted>,
}

/// Why something is no request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// A value cannot stand in a text that is signed.
    #[error("the {name} cannot be signed: {why}")]
    Value {
        /// Which.
        name: &'static str,
        /// Why not.
        why: LineError,
    },
    /// A number out of its bounds.
    #[error("{name}: {value}; it goes from 1 to {max}")]
    OutOfBounds {
        /// Of what.
        name: &'static str,
        /// What was asked.
        value: u64,
        /// The most.
        max: u64,
    },
    /// Two of the recordings are one, or they are out of order.
    #[error("recording {0} is there twice or out of order")]
    Twice(RecordingId),
    /// A recording's id is not the head of its digest.
    #[error("{0} is not the id of the recording with that digest")]
    AnotherId(RecordingId),
    /// What an excerpt discloses is not told, or told of what is no excerpt of an original.
    #[error("what an excerpt of recording {0} discloses is not told as it has to be")]
    Discloses(RecordingId),
    /// More than [`REQUEST_BYTES_MAX`].
    #[error("the request has {0} bytes; at most {REQUEST_BYTES_MAX} are taken")]
    Long(usize),
    /// The text is not what a request's text is.
    #[error("line {0} is not what stands there in a request")]
    Line(usize),
}

impl Explain for RequestError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

impl Request {
    /// Checks that the parts are such as may be signed.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn checked(self) -> Result<Self, RequestError> {
        let Ask {
            requester,
            purpose,
            recipient,
            uses,
            recordings,
            ..
        } = &self.ask;
        for (name, value) in [
            ("requester", requester),
            ("purpose", purpose),
            ("recipient", recipient),
        ] {
            check_value(value).map_err(|why| RequestError::Value { name, why })?;
        }
        let within = |name, value: u64, max: u64| match (1..=max).contains(&value) {
            true => Ok(()),
            false => Err(RequestError::OutOfBounds { name, value, max }),
        };
        within("uses", *uses, USES_MAX)?;
        within("recordings", recordings.len() as u64, RECORDINGS_MAX as u64)?;
        if let Some(two) = recordings.windows(2).find(|two| two[0].id >= two[1].id) {
            return Err(RequestError::Twice(two[1].id));
        }
        if let Some(wrong) = recordings.iter().find(|w| w.digest.id() != w.id) {
            return Err(RequestError::AnotherId(wrong.id));
        }
        if let Some(silent) = recordings.iter().find(|w| !w.tells(self.ask.form)) {
            return Err(RequestError::Discloses(silent.id));
        }
        match self.text().len() {
            bytes if bytes > REQUEST_BYTES_MAX => Err(RequestError::Long(bytes)),
            _ => Ok(self),
        }
    }

    /// The one text that it has.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            ask,
            log,
            roster,
            checkpoint: (size, root),
            nonce,
        } = self;
        let mut out = format!(
            "{HEADER}\nlog: {}\nroster: {roster}\ncheckpoint: {size} {root}\nnonce: {nonce}\nrequester: {}\nform: {}\npurpose: {}\nrecipient: {}\nexpires: {}\nuses: {}\n",
            log_name(log),
            ask.requester,
            ask.form,
            ask.purpose,
            ask.recipient,
            ask.expires,
            ask.uses,
        );
        for wanted in &ask.recordings {
            let Wanted {
                id, digest, bytes, ..
            } = wanted;
            out.push_str(&format!("recording: {id} sha256 {digest} bytes {bytes}"));
            if let Some(seconds) = wanted.seconds {
                out.push_str(&format!(" seconds {seconds}"));
            }
            if !wanted.discloses.is_empty() {
                out.push_str(&format!(" discloses {}", stretches(&wanted.discloses)));
            }
            out.push('\n');
        }
        out
    }

    /// SHA-256 of the text: its name, and what an approval signs.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::new(Sha256::digest(self.text()).into())
    }
}

impl FromStr for Request {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        if text.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::Long(text.len()));
        }
        let mut lines = text.split('\n').enumerate();
        let mut next = |name: &str| {
            let (n, line) = lines.next().unwrap_or((0, ""));
            let value = line.strip_prefix(name).and_then(|l| l.strip_prefix(": "));
            value.ok_or(RequestError::Line(n + 1)).map(|v| (n + 1, v))
        };
        if !text.starts_with(&format!("{HEADER}\n")) {
            return Err(RequestError::Line(1));
        }
        let _ = next("");
        let (n, log) = next("log")?;
        let log = log.strip_prefix("recvault/").and_then(|d| d.parse().ok());
        let log = log.ok_or(RequestError::Line(n))?;
        let (n, roster) = next("roster")?;
        let roster = roster.parse().map_err(|_| RequestError::Line(n))?;
        let (n, checkpoint) = next("checkpoint")?;
        let checkpoint = checkpoint
            .split_once(' ')
            .and_then(|(size, root)| Some((read_number(size)?, root.parse().ok()?)));
        let checkpoint = checkpoint.ok_or(RequestError::Line(n))?;
        let (n, nonce) = next("nonce")?;
        let nonce = Nonce::read(nonce).ok_or(RequestError::Line(n))?;
        let requester = next("requester")?.1.to_owned();
        let (n, form) = next("form")?;
        let form = form.parse().map_err(|()| RequestError::Line(n))?;
        let purpose = next("purpose")?.1.to_owned();
        let recipient = next("recipient")?.1.to_owned();
        let (n, expires) = next("expires")?;
        let expires = read_moment(expires).ok_or(RequestError::Line(n))?;
        let (n, uses) = next("uses")?;
        let uses = read_number(uses).ok_or(RequestError::Line(n))?;
        let mut recordings = Vec::new();
        for (n, line) in lines {
            if line.is_empty() {
                break;
            }
            let wanted = line.strip_prefix("recording: ").and_then(read_wanted);
            recordings.push(wanted.ok_or(RequestError::Line(n + 1))?);
            if recordings.len() > RECORDINGS_MAX {
                break;
            }
        }
        let ask = Ask {
            requester,
            form,
            purpose,
            recipient,
            expires,
            uses,
            recordings,
        };
        let request = Self {
            ask,
            log,
            roster,
            checkpoint,
            nonce,
        }
        .checked()?;
        let again = request.text();
        if again == text {
            return Ok(request);
        }
        let same = again.lines().zip(text.lines()).take_while(|(a, b)| a == b);
        Err(RequestError::Line(same.count() + 1))
    }
}

/// Stretches of seconds as texts have them.
#[must_use]
pub fn stretches(all: &[Seconds]) -> String {
    let all: Vec<String> = all.iter().map(Seconds::to_string).collect();
    all.join(",")
}

fn read_wanted(text: &str) -> Option<Wanted> {
    let mut words = text.split(' ');
    let id = words.next()?.parse().ok()?;
    let mut named = |name| (words.next()? == name).then(|| words.next()).flatten();
    let digest = named("sha256")?.parse().ok()?;
    let bytes = read_number(named("bytes")?)?;
    let (mut seconds, mut discloses) = (None, Vec::new());
    let rest: Vec<&str> = words.collect();
    for pair in rest.chunks(2) {
        match pair {
            ["seconds", value] => seconds = Some(Seconds::read(value)?),
            ["discloses", value] => {
                let all: Option<_> = value.split(',').map(Seconds::read).collect();
                discloses = all?;
            }
            _ => return None,
        }
    }
    Some(Wanted {
        id,
        digest,
        bytes,
        seconds,
        discloses,
    })
}

impl TryFrom<String> for Request {
    type Error = RequestError;
    fn try_from(text: String) -> Result<Self, RequestError> {
        text.parse()
    }
}

impl From<Request> for String {
    fn from(request: Request) -> Self {
        request.text()
    }
}

#[cfg(test)]
pub(in crate::custody) mod tests;
