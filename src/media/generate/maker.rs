//! The child process that makes recordings, and its parent's side. One [`Spec`] per line in, one
//! [`Answer`] per line out, until the input ends.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use gstreamer as gst;
use serde::{Deserialize, Serialize};

use super::{GenerateError, Spec, make};
use crate::media::protocol::{read_line, write_line};

/// The hidden subcommand that a binary gives to [`serve`].
pub const SUBCOMMAND: &str = "__generate";

/// What the child says of one [`Spec`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// The file is there.
    Made,
    /// There is a file of that name.
    Exists,
    /// It cannot be made of this.
    Spec(String),
    /// The disk, an encoder or GStreamer said no.
    Unable { element: String, text: String },
}

/// The child process. Dropping it ends its input, and so the process.
#[derive(Debug)]
pub struct Maker {
    child: Child,
    /// None once it is to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Maker {
    /// Starts `exe`, which is usually this very binary, as a maker of recordings.
    ///
    /// # Errors
    /// [`GenerateError::Maker`].
    pub fn start(exe: &Path) -> Result<Self, GenerateError> {
        let failed = |e: std::io::Error| GenerateError::Maker(e.to_string());
        let mut child = Command::new(exe)
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let Some(from) = from else {
            return Err(GenerateError::Maker("a pipe is missing".into()));
        };
        Ok(Self {
            child,
            to,
            from: BufReader::new(from),
        })
    }

    /// Has one recording made, and waits for it.
    ///
    /// # Errors
    /// As [`make`] says, or [`GenerateError::Maker`] when the child is gone.
    pub fn make(&mut self, spec: &Spec) -> Result<(), GenerateError> {
        let failed = |e: &dyn std::fmt::Display| GenerateError::Maker(e.to_string());
        let Some(to) = &mut self.to else {
            return Err(failed(&"it has ended"));
        };
        write_line(to, spec).map_err(|e| failed(&e))?;
        match read_line(&mut self.from).map_err(|e| failed(&e))? {
            Some(Answer::Made) => Ok(()),
            Some(Answer::Exists) => Err(GenerateError::Exists(spec.path.clone())),
            Some(Answer::Spec(what)) => Err(GenerateError::spec(what)),
            Some(Answer::Unable { element, text }) => Err(GenerateError::Unable { element, text }),
            None => Err(failed(&"it ended without an answer")),
        }
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}

/// The child's side: makes what it is asked for until the input ends. Gives back the exit code: 0
/// at the end of the input, 1 when the other side makes no sense or is gone.
pub fn serve(input: &mut impl BufRead, output: &mut impl Write) -> u8 {
    let started = gst::init();
    loop {
        let spec = match read_line::<Spec>(input) {
            Ok(Some(spec)) => spec,
            Ok(None) => return 0,
            Err(_) => return 1,
        };
        let made = match &started {
            Ok(()) => make(&spec),
            Err(e) => Err(GenerateError::Unable {
                element: "gstreamer".into(),
                text: e.to_string(),
            }),
        };
        if write_line(output, &answer(made)).is_err() {
            return 1;
        }
    }
}

fn answer(made: Result<(), GenerateError>) -> Answer {
    match made {
        Ok(()) => Answer::Made,
        Err(GenerateError::Exists(_)) => Answer::Exists,
        Err(GenerateError::Spec { what }) => Answer::Spec(what),
        Err(GenerateError::Unable { element, text }) => Answer::Unable { element, text },
        Err(GenerateError::Disk { path, source }) => Answer::Unable {
            element: path.to_string_lossy().into_owned(),
            text: source.to_string(),
        },
        Err(GenerateError::Maker(text)) => Answer::Unable {
            element: String::new(),
            text,
        },
    }
}
