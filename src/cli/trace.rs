//! `recvault trace`: which export a copy is of.
//!
//! A copy is known by its bytes, remuxed by its tags, and encoded anew by the code in its picture.
//! All of that is looked at here, with the rights of whoever asks, and the picture in a worker; the
//! store's owner learns a digest and ids.

use std::{
    fs::File,
    io::{BufReader, Read},
    os::fd::AsFd,
    path::Path,
};

use serde::Serialize;

use super::{Ended, args::Args, output, store};
use crate::{
    base::{Digest, ErrorKind, RecordingId},
    custody::access::{Access, Use, UseOutcome},
    hashing::hash_file,
    media::{
        protocol::{CodeSeen, TraceJob, Traced},
        worker::{Files, Worker},
    },
    report::{terminal, wording::zone},
    service::{AccessAsk, Answer, CallersLaunch, Command, Failure},
};

/// What stands before the id in the tags of a copy.
const TAG: &[u8] = b"recvault:id:";

/// What a file shows of where it comes from.
struct Looked {
    digest: Digest,
    tags: Vec<RecordingId>,
    picture: Picture,
}

/// What its picture shows.
#[derive(Debug, Default, Serialize)]
struct Picture {
    /// Pictures that were looked at.
    frames: u32,
    /// The codes in them.
    codes: Vec<CodeSeen>,
    /// Why none was, where it could not be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_read: Option<String>,
}

/// By what one use was found.
#[derive(Debug, Serialize)]
struct FoundBy {
    request: Digest,
    number: u32,
    #[serde(rename = "use")]
    id: RecordingId,
    bytes: bool,
    tags: bool,
    /// Pictures that carry its code.
    frames: u32,
}

/// The answer, and by what it was found.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    answer: &'a Answer,
    found_by: Vec<FoundBy>,
    picture: &'a Picture,
}

pub(super) fn run(args: &Args, path: &Path, json: bool) -> Result<Ended, Failure> {
    let looked = look(args, path)?;
    let mut ids = looked.tags.clone();
    for code in &looked.picture.codes {
        if !ids.contains(&code.id) {
            ids.push(code.id);
        }
    }
    let digest = looked.digest;
    let ask = AccessAsk::Trace { digest, ids };
    let answer = store::ask(args, Command::Access(ask), &())?;
    let Answer::Accesses {
        accesses,
        now,
        time_zone,
    } = &answer
    else {
        return Err(store::other_answer());
    };
    let found_by: Vec<FoundBy> = accesses
        .iter()
        .flat_map(|access| access.uses.iter().map(|spent| looked.found(access, spent)))
        .collect();
    if json {
        output::json(&Told {
            answer: &answer,
            found_by,
            picture: &looked.picture,
        });
    } else {
        let (zone, style) = (zone(time_zone), output::style());
        for access in accesses {
            output::text(&terminal::access(access, *now, &zone, style));
            for by in found_by.iter().filter(|by| by.request == access.digest) {
                output::text(&by.sentence(&looked.picture));
            }
        }
        if accesses.is_empty() {
            output::text("No export is known by the bytes, the tags or the picture of this file.");
        }
        looked.picture.remarks(&found_by);
    }
    Ok(if accesses.is_empty() {
        Ended::Attention
    } else {
        Ended::Clean
    })
}

fn look(args: &Args, path: &Path) -> Result<Looked, Failure> {
    let unread = |e: &dyn std::fmt::Display| {
        let text = format!("{} cannot be read: {e}", path.display());
        Failure::new(ErrorKind::Usage, text)
    };
    let file = File::open(path).map_err(|e| unread(&e))?;
    let digest = hash_file(&file).map_err(|e| unread(&e))?.digest;
    let tags = tagged_ids(&mut BufReader::new(&file)).map_err(|e| unread(&e))?;
    let launch = CallersLaunch::at(&store::root(args)?)?;
    let files = Files {
        input: Some(file.as_fd()),
        output: None,
    };
    let traced =
        Worker::spawn(&launch.launch, &files).and_then(|worker| worker.trace(TraceJob::default()));
    let picture = match traced {
        Ok(Traced { frames, codes }) => Picture {
            not_read: (frames == 0).then(|| "it has no picture".to_owned()),
            frames,
            codes,
        },
        // It is still known by its bytes, or its tags.
        Err(fault) => Picture {
            not_read: Some(fault.to_string()),
            ..Picture::default()
        },
    };
    Ok(Looked {
        digest,
        tags,
        picture,
    })
}

impl Looked {
    fn found(&self, access: &Access, spent: &Use) -> FoundBy {
        let bytes = match &spent.outcome {
            Some(UseOutcome::Packaged { copies, .. }) => copies.contains(&self.digest),
            _ => false,
        };
        let codes = self.picture.codes.iter();
        FoundBy {
            request: access.digest,
            number: spent.number,
            id: spent.id,
            bytes,
            tags: self.tags.contains(&spent.id),
            frames: codes
                .filter(|code| code.id == spent.id)
                .map(|code| code.frames)
                .sum(),
        }
    }
}

impl FoundBy {
    fn sentence(&self, picture: &Picture) -> String {
        let mut by = Vec::new();
        if self.bytes {
            by.push("its bytes".to_owned());
        }
        if self.tags {
            by.push("its tags".to_owned());
        }
        if self.frames > 0 {
            by.push(format!(
                "its picture (the code in {} of {} frames)",
                self.frames, picture.frames
            ));
        }
        format!(
            "This file is a copy of use {} ({}), known by {}.",
            self.number,
            self.id,
            by.join(", ")
        )
    }
}

impl Picture {
    /// What else there is to say of it.
    fn remarks(&self, found: &[FoundBy]) {
        if let Some(why) = &self.not_read {
            output::note(&format!("its picture could not be looked at: {why}"));
        }
        for code in &self.codes {
            if !found.iter().any(|by| by.id == code.id) {
                output::note(&format!(
                    "{} of {} frames carry the code {}, which no export of this store has",
                    code.frames, self.frames, code.id
                ));
            }
        }
    }
}

/// Every id behind a [`TAG`] in the file, wherever its container keeps it.
fn tagged_ids(file: &mut impl Read) -> std::io::Result<Vec<RecordingId>> {
    const ID_CHARS: usize = 16;
    let mut ids = Vec::new();
    let mut window: Vec<u8> = Vec::new();
    let mut piece = vec![0; 1024 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(ids);
        }
        window.extend_from_slice(&piece[..read]);
        for (at, _) in window
            .windows(TAG.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == TAG)
        {
            let id = window.get(at + TAG.len()..at + TAG.len() + ID_CHARS);
            let id = id.and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
            ids.extend(id.filter(|id| !ids.contains(id)));
        }
        // What may be cut in two at the end is looked at again with the next piece.
        let keep = window.len().min(TAG.len() + ID_CHARS);
        window.drain(..window.len() - keep);
    }
}
