//! `recvault mirror`, `recvault fixity` and `recvault safe-to-wipe`.

use super::{
    Ended,
    args::{Args, Json, Mirror, MirrorCommand},
    output,
    progress::Bars,
    sign, store,
};
use crate::{
    base::{ErrorKind, text::bytes_human},
    intake::Upkeep,
    report::{terminal, wording::count},
    service::{Answer, Command, Failure, MirrorAsk},
};

pub(super) fn mirror(args: &Args, mirror: &Mirror) -> Result<Ended, Failure> {
    let ask = match mirror.command {
        MirrorCommand::Init => MirrorAsk::Init,
        MirrorCommand::Show => MirrorAsk::Show,
    };
    sign::done(&store::ask(args, Command::Mirror(ask), &())?)
}

pub(super) fn fixity(args: &Args, json: &Json) -> Result<Ended, Failure> {
    let bars = Bars::watcher();
    let answer = store::ask(args, Command::Fixity, &*bars)?;
    drop(bars);
    let Answer::Upkeep { upkeep, said } = &answer else {
        return Err(store::other_answer());
    };
    if json.json {
        output::json(&answer);
    } else {
        for sentence in said {
            output::text(sentence);
        }
        output::text(&format!(
            "{} ({}) read again, {} repaired.",
            count(upkeep.reread, "copy", "copies"),
            bytes_human(upkeep.reread_bytes),
            upkeep.repaired
        ));
    }
    check_undamaged(upkeep)?;
    Ok(if upkeep.needs_attention() {
        Ended::Attention
    } else {
        Ended::Clean
    })
}

/// Evidence without a sound copy is more than attention.
pub(super) fn check_undamaged(upkeep: &Upkeep) -> Result<(), Failure> {
    let damaged = upkeep.damaged.len() as u64;
    if damaged == 0 {
        return Ok(());
    }
    let text = format!(
        "{} no sound copy left",
        count(damaged, "recording has", "recordings have")
    );
    Err(Failure::new(ErrorKind::Integrity, text).hint(
        "keep both disks as they are; look for a third copy: a backup, an export, the recorder",
    ))
}

pub(super) fn safe_to_wipe(args: &Args, json: &Json) -> Result<Ended, Failure> {
    let answer = store::ask(args, Command::SafeToWipe, &())?;
    let Answer::Recorders {
        recorders,
        checkpoint,
    } = &answer
    else {
        return Err(store::other_answer());
    };
    if json.json {
        output::json(&answer);
    } else {
        let rows: Vec<(&str, u64, String)> = recorders
            .iter()
            .map(|r| (r.device.as_str(), r.recordings, r.but.join("; ")))
            .collect();
        output::text(&terminal::recorders(&rows, *checkpoint, output::style()));
    }
    Ok(Ended::Clean)
}
