//! Looking at what was approved, without carrying it away: shown by the process that owns the store,
//! to the browser of whoever asked.

use std::time::Duration;

use super::{
    Answer, Failure,
    access::{self, OffTheList, Running},
};
use crate::{
    base::text::bytes_human,
    custody::request::Form,
    export::{self, ExportSettings, Viewed, Viewing},
    intake::Watcher,
    report::wording::count,
    store::Store,
};

/// Who wants to look at what.
pub(super) struct Ask<'a> {
    pub(super) by: u32,
    /// Digest of the request, or enough of its beginning.
    pub(super) request: &'a str,
    /// For how long at most.
    pub(super) minutes: u16,
}

/// Shows it until whoever looks closes it, goes away, or `stop` says so.
pub(super) fn view(
    store: &Store,
    settings: &ExportSettings,
    running: &Running,
    ask: &Ask<'_>,
    watcher: &dyn Watcher,
    stop: &dyn Fn() -> bool,
) -> Result<Answer, Failure> {
    let access = access::one(store, ask.request)?;
    let (spent, _listed) = {
        let mut list = running.lock();
        if access.request.ask.form == Form::View {
            export::preflight(store, &access, &store.root().join("renditions"))?;
        }
        let spent = store.spend_access(ask.by, access.digest, true, list.clone())?;
        list.push(spent.id);
        let listed = OffTheList(running, vec![spent.id]);
        (spent, listed)
    };
    let recordings = &spent.access.request.ask.recordings;
    let viewing = Viewing {
        by: ask.by,
        time: Duration::from_secs(u64::from(ask.minutes) * 60),
        link: &|link| watcher.link(link),
        over: &|| stop() || !watcher.is_there(),
    };
    let viewed = export::view(store, settings, &spent, &viewing, &mut |id, p| {
        watcher.note(&access::copying(recordings, id, p, "view"));
    })?;
    let Viewed { bytes, answers } = viewed;
    let answers = count(answers, "answer", "answers");
    Ok(Answer::Done {
        said: vec![format!(
            "The view is closed: {} were given in {answers}, each of them an event.",
            bytes_human(bytes)
        )],
        waits: false,
    })
}
