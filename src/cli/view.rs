//! `recvault view`: a page on this machine, by a link that works once.

use std::sync::{Mutex, PoisonError};

use clap::Args as Group;

use super::{Ended, args::Args, output, progress::Bars, sign, store};
use crate::{
    intake::{Progress, Watcher},
    service::{Command, Failure},
};

/// What somebody wants to look at.
#[derive(Debug, Group)]
pub(super) struct View {
    /// The request, or enough of its beginning
    request: String,
    /// For how long at most
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=480))]
    minutes: u16,
}

pub(super) fn run(args: &Args, wanted: &View) -> Result<Ended, Failure> {
    let command = Command::View {
        request: wanted.request.clone(),
        minutes: wanted.minutes,
    };
    let terminal = Terminal {
        bars: Mutex::new(Some(Bars::watcher())),
        minutes: wanted.minutes,
    };
    sign::done(&store::ask(args, command, &terminal)?)
}

/// Draws how far the copies are, and then prints the link: here, and nowhere else.
struct Terminal {
    bars: Mutex<Option<Box<dyn Watcher>>>,
    minutes: u16,
}

impl Watcher for Terminal {
    fn note(&self, progress: &Progress) {
        let bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bars) = &*bars {
            bars.note(progress);
        }
    }

    fn link(&self, link: &str) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        drop(bars.take());
        output::text(&format!(
            "{link}\n\
             Open this in a browser of your own on this machine; it works once. What is shown is logged.\n\
             It ends by the page's button, by Ctrl-C, or after {} minutes.",
            self.minutes
        ));
    }
}
