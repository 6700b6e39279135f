//! Looking without carrying away: the marked copies of one use, on a page that this machine alone
//! serves, to the asker alone, for a while.
//!
//! Write order, DESIGN section 4:
//!
//! 1. batch: the use is spent, by the caller, before the first byte is opened
//! 2. copies and contact sheets are made into files that never have a name
//! 3. the link is told
//! 4. batch: which bytes of which recording; only behind it are they given, and so each time
//! 5. batch: the outcome
//!
//! What is cut off before anything was given leaves a use that is open; what is cut off behind that
//! is spent. Nothing of it outlives the process. Fails by [`ExportError`].

mod body;
mod peer;
mod room;
mod server;

use std::{
    fs::File,
    io,
    time::{Duration, Instant},
};

use super::{
    ExportError, ExportSettings, Marking, can_be_shown, copy, io_of, pages, record, sheet,
};
use crate::{
    base::RecordingId,
    custody::access::UseOutcome,
    media::protocol::Progress,
    recording::Record,
    store::{Spent, Store, StoreError},
};
use room::{Door, Exhibit, Room};

/// How somebody looks.
pub struct Viewing<'a> {
    /// Who does: nobody else's browser is answered.
    pub by: u32,
    /// For how long at most.
    pub time: Duration,
    /// Is told the link, once; whoever has it looks.
    pub link: &'a dyn Fn(&str),
    /// Whether it is to end.
    pub over: &'a dyn Fn() -> bool,
}

/// What somebody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// Bytes that were given.
    pub bytes: u64,
    /// In how many answers, each an event.
    pub answers: u64,
}

/// Shows the recordings of a use that was spent.
///
/// # Errors
/// [`ExportError`].
pub fn view(
    store: &Store,
    settings: &ExportSettings,
    spent: &Spent,
    viewing: &Viewing<'_>,
    heard: &mut dyn FnMut(RecordingId, &Progress),
) -> Result<Viewed, ExportError> {
    let by = viewing.by;
    let shown = prepare(store, settings, spent, heard).and_then(|(records, exhibits)| {
        let listener = server::listen().map_err(io_of("the server"))?;
        if (viewing.over)() {
            let stopped = io::Error::other("it was stopped before anything was shown");
            return Err(io_of("the server")(stopped));
        }
        let port = listener.local_addr().map_err(io_of("the server"))?.port();
        let door = Door {
            link: secret()?,
            session: secret()?,
            port,
        };
        let page = pages::viewing(settings, spent, &records, &|id| {
            exhibits.iter().any(|e| e.id == id && e.sheet.is_some())
        });
        let extension = &settings.plan.extension;
        let room = Room::new(store, spent, by, &exhibits, page, extension, &door);
        let until = Instant::now() + time(spent, viewing);
        (viewing.link)(&format!("http://127.0.0.1:{port}/open/{}", door.link));
        let served = server::serve(&room, by, listener, until, viewing.over);
        let (bytes, answers) = room.given();
        match served {
            Err(e) if answers == 0 => Err(io_of("the server")(e)),
            _ => Ok(Viewed { bytes, answers }),
        }
    });
    let outcome = match &shown {
        Ok(viewed) => UseOutcome::Viewed {
            bytes: viewed.bytes,
        },
        // The use stays open: the ledger says that this attempt came to nothing.
        Err(e) => UseOutcome::Failed { why: e.to_string() },
    };
    let ended = store.end_access(by, spent, outcome);
    let viewed = shown?;
    ended?;
    Ok(viewed)
}

/// Looking ends with the approval, if not before.
fn time(spent: &Spent, viewing: &Viewing<'_>) -> Duration {
    let left = spent.access.request.ask.expires.ms_since(spent.at);
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    left.min(viewing.time)
}

/// Makes copies and sheets of everything that was approved.
fn prepare(
    store: &Store,
    settings: &ExportSettings,
    spent: &Spent,
    heard: &mut dyn FnMut(RecordingId, &Progress),
) -> Result<(Vec<Record>, Vec<Exhibit>), ExportError> {
    let (mut records, mut exhibits) = (Vec::new(), Vec::new());
    let register = store.register();
    let nameless = || store.vault().nameless_file().map_err(StoreError::from);
    for wanted in &spent.access.request.ask.recordings {
        let Some(record) = record(store, wanted)? else {
            return Err(ExportError::Altered(wanted.id));
        };
        if !can_be_shown(&record) {
            return Err(ExportError::NotShown(wanted.id));
        }
        let id = record.id;
        let original = store.vault().open_object(&record.digest);
        let original = original.map_err(StoreError::from)?;
        let marking = Marking::of(settings, spent, &record, &register);
        let mut heard = |p: &Progress| heard(id, p);
        let copy = nameless()?;
        let facts = copy::make(settings, &record, &marking, &original, &copy, &mut heard)?;
        let sheet = match facts.width {
            0 => None,
            _ => {
                let page = nameless()?;
                sheet::make(settings, &record, &marking, &copy, &page, &mut heard)?;
                let bytes = length(&page)?;
                Some((page, bytes))
            }
        };
        exhibits.push(Exhibit {
            id,
            copy_bytes: length(&copy)?,
            copy,
            sheet,
        });
        records.push(record);
    }
    Ok((records, exhibits))
}

fn length(file: &File) -> Result<u64, ExportError> {
    let metadata = file.metadata().map_err(io_of("the copy"))?;
    Ok(metadata.len())
}

/// A secret that nobody guesses.
fn secret() -> Result<String, ExportError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| io_of("the link")(io::Error::other(e.to_string())))?;
    Ok(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}
