//! The worker's end of the dialogue.

use std::io::{BufRead, Write};

use crate::{
    base::limits::FINDINGS_MAX,
    media::protocol::{Message, ProtocolError, clean_text, read_line, write_line},
    recording::Finding,
};

/// Lines in, lines out, and the bound on findings.
pub struct Wire<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
    sent: usize,
    uncounted: u64,
}

impl<'a> Wire<'a> {
    /// A dialogue over these two.
    pub fn new(input: &'a mut dyn BufRead, output: &'a mut dyn Write) -> Self {
        Self {
            input,
            output,
            sent: 0,
            uncounted: 0,
        }
    }

    /// Says something.
    ///
    /// # Errors
    /// When the parent is gone.
    pub fn say(&mut self, message: &Message) -> Result<(), ProtocolError> {
        write_line(&mut self.output, message)
    }

    /// Hears something; `None` when the parent is gone.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn hear<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, ProtocolError> {
        read_line(&mut self.input)
    }

    /// Sends a finding, or counts it when there were too many.
    ///
    /// # Errors
    /// When the parent is gone.
    pub fn find(&mut self, mut finding: Finding) -> Result<(), ProtocolError> {
        if self.sent >= FINDINGS_MAX {
            self.uncounted = self.uncounted.saturating_add(1);
            return Ok(());
        }
        self.sent = self.sent.saturating_add(1);
        finding.text = clean_text(&finding.text);
        self.say(&Message::Finding(finding))
    }

    /// Findings that were only counted.
    #[must_use]
    pub fn uncounted(&self) -> u64 {
        self.uncounted
    }
}
