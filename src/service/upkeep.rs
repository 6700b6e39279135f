//! The mirror, and which recorders may be wiped.

use std::{collections::BTreeMap, path::Path};

use super::{Answer, Failure, MirrorAsk, Recorder};
use crate::{
    base::{Explain, Moment, text::bytes_human, text::name_human},
    config::Config,
    intake::{night::NightSettings, scan},
    recording::Field,
    report::wording::count,
    store::{Recorded, Recorders, Store},
};

pub(super) fn mirror(
    store: &Store,
    config: &Config,
    root: &Path,
    ask: MirrorAsk,
) -> Result<Answer, Failure> {
    let vault = store.vault();
    let path = root.join(&config.store.mirror);
    if !vault.has_mirror() {
        let named = !config.store.mirror.as_os_str().is_empty();
        let failure = Failure::from(crate::vault::VaultError::NoMirror);
        return Err(match named {
            true => failure.hint("recvault.toml names one since: start `recvault serve` anew"),
            false => failure,
        });
    }
    let mut said = Vec::new();
    if ask == MirrorAsk::Init {
        store.create_mirror(&path)?;
        said.push(format!("The mirror is laid out at {}.", path.display()));
    }
    match vault.check_mirror() {
        Ok(()) => {
            let space = vault.mirror_space()?;
            said.push(format!(
                "{} is this store's mirror: {} free of {}.",
                path.display(),
                bytes_human(space.free_bytes),
                bytes_human(space.total_bytes)
            ));
            if vault.same_file_system()? {
                said.push(
                    "It lies on the file system of the originals, and would be lost with them."
                        .into(),
                );
            }
        }
        Err(e) => said.push(format!("{e}; {}", e.hint().unwrap_or_default())),
    }
    let waiting = store.unmirrored()?;
    let bytes = waiting.iter().map(|(_, bytes)| bytes).sum();
    said.push(match waiting.len() {
        0 => "No original waits for its copy.".into(),
        n => format!(
            "{n} originals ({}) wait for their copy; the next night makes it.",
            bytes_human(bytes)
        ),
    });
    Ok(Answer::Done { said, waits: false })
}

/// A recorder may be wiped when everything that came from it is in the store twice. What lies in
/// the inbox and names no recorder could be of any of them.
pub(super) fn safe_to_wipe(
    store: &Store,
    settings: &NightSettings,
    now: Moment,
) -> Result<Answer, Failure> {
    // Whatever is said here stands under a checkpoint.
    let checkpoint = store.publish()?.size;
    let Recorders {
        all: recorded,
        unmirrored_of_nobody,
    } = store.recorders()?;
    let mut all: BTreeMap<String, Recorder> = recorded
        .into_iter()
        .map(|recorded| (recorded.device.clone(), judge(store, recorded)))
        .collect();
    for device in settings.attributing.register.devices() {
        all.entry(device.id.clone()).or_insert_with(|| Recorder {
            device: device.id.clone(),
            recordings: 0,
            but: vec!["nothing of it ever came in".into()],
        });
    }
    if store.vault().has_mirror() && unmirrored_of_nobody > 0 {
        for recorder in all.values_mut() {
            recorder.but.push(format!(
                "{} no recorder and not on the mirror",
                count(unmirrored_of_nobody, "recording is of", "recordings are of")
            ));
        }
    }
    let scanned = scan::scan(&settings.inbox, &settings.scan, now);
    let ready = scanned.ready.iter();
    let names: Vec<&[u8]> = ready.map(|f| f.name.as_slice()).collect();
    let memos = store.memos(&names)?;
    let known = scanned.ready.iter().zip(memos).filter(|(found, memo)| {
        let same =
            |m: &crate::index::Memo| m.bytes == found.bytes && m.modified_ns == found.modified_ns;
        !memo.as_ref().is_some_and(same)
    });
    let new = known.map(|(found, _)| &found.name);
    // By recorder, and under no recorder those that name none.
    let mut waiting: BTreeMap<Option<String>, Vec<&Vec<u8>>> = BTreeMap::new();
    for name in new.chain(scanned.left.iter().map(|left| &left.name)) {
        let zone = &settings.attributing.zone;
        let claims = settings.attributing.grammar.read(name, zone).claims;
        let device = claims.into_iter().find_map(|claim| match claim.field {
            Field::Device(device) => Some(device),
            _ => None,
        });
        waiting.entry(device).or_default().push(name);
    }
    for (device, names) in waiting {
        let first = names.first().map_or(String::new(), |name| name_human(name));
        let waits = format!(
            "{} in the inbox, {first} among them",
            count(names.len() as u64, "file waits", "files wait")
        );
        match device {
            Some(device) => all
                .entry(device.clone())
                .or_insert_with(|| Recorder {
                    device,
                    recordings: 0,
                    but: Vec::new(),
                })
                .but
                .push(waits),
            None => {
                for recorder in all.values_mut() {
                    recorder.but.push(format!("{waits}, and name no recorder"));
                }
            }
        }
    }
    Ok(Answer::Recorders {
        recorders: all.into_values().collect(),
        checkpoint,
    })
}

fn judge(store: &Store, recorded: Recorded) -> Recorder {
    let Recorded {
        device,
        recordings,
        unmirrored,
        damaged,
    } = recorded;
    let mut but = Vec::new();
    if !store.vault().has_mirror() {
        but.push("the store has no mirror".into());
    } else if let Err(e) = store.vault().check_mirror() {
        but.push(e.to_string());
    }
    if store.vault().has_mirror() && unmirrored > 0 {
        but.push(format!(
            "{unmirrored} of its recordings are not on the mirror"
        ));
    }
    if damaged > 0 {
        but.push(format!("{damaged} of its recordings have no sound copy"));
    }
    Recorder {
        device,
        recordings,
        but,
    }
}
