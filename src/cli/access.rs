//! `recvault request`, `requests`, `approve`, `deny`, `cancel`, `export`, `verify` and `trail`.

use std::path::PathBuf;

use clap::Args as Group;

use super::{
    Ended,
    args::{Args, Signing},
    ledger, output,
    progress::Bars,
    sign, store,
};
use crate::{
    base::{ErrorKind, text::bytes_human},
    custody::request::{Form, Seconds},
    export::{self, Known, Rank},
    proof::Algorithm,
    report::{terminal, wording::zone},
    service::{AccessAsk, Answer, Command, DraftAsk, Failure},
};

/// What somebody asks for.
#[derive(Debug, Group)]
pub(super) struct Wish {
    /// The recordings' ids, or enough of their beginnings
    #[arg(long, required = true, num_args = 1.., value_name = "ID")]
    recording: Vec<String>,
    /// view: looked at here; copy: a marked copy to take along; original: the bit-exact one too
    #[arg(long, value_parser = form)]
    form: Form,
    /// Only from this second of the recording on, such as 90 or 1:30
    #[arg(long, value_name = "S", value_parser = second, requires = "to")]
    from: Option<u32>,
    /// Only up to this second, which is not included
    #[arg(long, value_name = "S", value_parser = second, requires = "from")]
    to: Option<u32>,
    /// What for
    #[arg(long)]
    purpose: String,
    /// For whom
    #[arg(long)]
    recipient: String,
    /// Days that the approval is to be good for
    #[arg(long, default_value_t = 7)]
    days: u16,
    /// How often it is to be used
    #[arg(long, default_value_t = 1)]
    uses: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Group)]
pub(super) struct BreakGlass {
    /// The recordings' ids, or enough of their beginnings
    #[arg(long, required = true, num_args = 1.., value_name = "ID")]
    recording: Vec<String>,
    /// copy: a marked copy to take along; original: the bit-exact one too
    #[arg(long, value_parser = form)]
    form: Form,
    /// What for
    #[arg(long)]
    purpose: String,
    /// For whom
    #[arg(long)]
    recipient: String,
    /// Why it cannot wait for an approval
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Group)]
pub(super) struct Requests {
    /// Only this one, or enough of its beginning, with everything that became of it
    request: Option<String>,
    /// Also those that are over
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Group)]
pub(super) struct Decide {
    /// The request, or enough of its beginning
    request: String,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Group)]
pub(super) struct Deny {
    /// The request, or enough of its beginning
    request: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Group)]
pub(super) struct Export {
    /// The request, or enough of its beginning
    request: String,
    /// The folder to make it in, one of your own
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Group)]
pub(super) struct Verify {
    /// The package's folder; its .event and .proof lie beside it
    package: PathBuf,
    /// The log's public key, as the office published it
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// The digest of the genesis roster, as Market Management keeps it
    #[arg(long, value_name = "DIGEST")]
    roster_hash: Option<String>,
    /// A witness's public key
    #[arg(long, value_name = "VKEY")]
    witness: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn form(word: &str) -> Result<Form, String> {
    match word.parse() {
        Ok(form) => Ok(form),
        Err(()) => Err(format!("'{word}' is none of view, copy, original")),
    }
}

/// Seconds, or minutes and seconds, or hours, minutes and seconds.
fn second(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{text}' is none of 90, 1:30, 0:01:30");
    let mut all: u32 = 0;
    for (place, part) in text.split(':').enumerate() {
        let number: u32 = part.parse().map_err(|_| wrong())?;
        if place > 2 || (place > 0 && number >= 60) {
            return Err(wrong());
        }
        let so_far = all.checked_mul(60).and_then(|all| all.checked_add(number));
        all = so_far.ok_or_else(wrong)?;
    }
    Ok(all)
}

pub(super) fn request(args: &Args, wish: &Wish) -> Result<Ended, Failure> {
    let seconds = wish.from.zip(wish.to);
    let seconds = seconds.map(|(from, to)| Seconds { from, to });
    if let Some(none) = seconds.filter(|seconds| seconds.is_empty()) {
        let text = format!(
            "from second {} to second {} there is nothing",
            none.from, none.to
        );
        return Err(Failure::new(ErrorKind::Usage, text)
            .hint("--to is the first second that is no longer wanted, and behind --from"));
    }
    let ask = AccessAsk::Request {
        recordings: wish.recording.clone(),
        seconds,
        form: wish.form,
        purpose: wish.purpose.clone(),
        recipient: wish.recipient.clone(),
        days: wish.days,
        uses: wish.uses,
    };
    shown(args, ask, wish.json)
}

/// Asks, and has the request opened by whoever signs here; one key leaves it waiting for another.
pub(super) fn break_glass(args: &Args, wish: &BreakGlass) -> Result<Ended, Failure> {
    sign::check_means(&wish.signing)?;
    let ask = AccessAsk::BreakGlass {
        recordings: wish.recording.clone(),
        form: wish.form,
        purpose: wish.purpose.clone(),
        recipient: wish.recipient.clone(),
    };
    let answer = store::ask(args, Command::Access(ask), &())?;
    let Answer::Accesses { accesses, .. } = &answer else {
        return Err(store::other_answer());
    };
    let Some(access) = accesses.first() else {
        return Err(store::other_answer());
    };
    let ask = DraftAsk::BreakGlass {
        request: access.digest.to_string(),
        reason: wish.reason.clone(),
    };
    output::text(&format!("BREAK-GLASS request {}\n", access.digest));
    sign::act(args, &wish.signing, ask, None)
}

pub(super) fn requests(args: &Args, requests: &Requests) -> Result<Ended, Failure> {
    let ask = match &requests.request {
        Some(request) => AccessAsk::Show {
            request: request.clone(),
        },
        None => AccessAsk::List { all: requests.all },
    };
    shown(args, ask, requests.json)
}

/// One request whole where one was meant, else a table.
fn shown(args: &Args, ask: AccessAsk, json: bool) -> Result<Ended, Failure> {
    let list = matches!(ask, AccessAsk::List { .. });
    let answer = store::ask(args, Command::Access(ask), &())?;
    let Answer::Accesses {
        accesses,
        now,
        time_zone,
    } = &answer
    else {
        return Err(store::other_answer());
    };
    let (zone, style) = (zone(time_zone), output::style());
    match accesses.as_slice() {
        _ if json => output::json(&answer),
        [access] if !list => output::text(&terminal::access(access, *now, &zone, style)),
        all => output::text(&terminal::accesses(all, *now, &zone, style)),
    }
    Ok(Ended::Clean)
}

pub(super) fn approve(args: &Args, decide: &Decide) -> Result<Ended, Failure> {
    let request = decide.request.clone();
    sign::act(args, &decide.signing, DraftAsk::Approval { request }, None)
}

pub(super) fn deny(args: &Args, deny: &Deny) -> Result<Ended, Failure> {
    let ask = DraftAsk::Denial {
        request: deny.request.clone(),
        reason: deny.reason.clone(),
    };
    sign::act(args, &deny.signing, ask, None)
}

pub(super) fn cancel(args: &Args, request: &str) -> Result<Ended, Failure> {
    let request = request.to_owned();
    let command = Command::Access(AccessAsk::Cancel { request });
    sign::done(&store::ask(args, command, &())?)
}

pub(super) fn export(args: &Args, wanted: &Export) -> Result<Ended, Failure> {
    let to = &wanted.to;
    let absolute = std::path::absolute(to)
        .map_err(|e| Failure::new(ErrorKind::Usage, format!("{}: {e}", to.display())))?;
    let command = Command::Export {
        request: wanted.request.clone(),
        to: absolute,
    };
    let bars = Bars::watcher();
    let answer = store::ask(args, command, &*bars)?;
    drop(bars);
    let Answer::Exported(exported) = &answer else {
        return Err(store::other_answer());
    };
    if wanted.json {
        output::json(&answer);
        return Ok(Ended::Clean);
    }
    if exported.break_glass {
        output::text(
            "BREAK-GLASS: two people opened this in an emergency, and every report says so for 30 days.",
        );
    }
    let place = to.join(&exported.name);
    output::text(&format!(
        "{place} holds {bytes} of evidence.\n\
         tag manifest  {manifest}\n\
         Beside it lie {name}.event and {name}.proof, which belong to it: hand all three over.\n\
         {place}/VERIFY.txt says how to check them without recvault.",
        place = place.display(),
        bytes = bytes_human(exported.bytes),
        manifest = exported.tag_manifest,
        name = exported.name,
    ));
    if exported.witnessed {
        output::text(&format!(
            "{}.witnessed has the proofs that a witness has seen; it goes along.",
            exported.name
        ));
    } else {
        output::text(
            "No witness has seen it in the log yet: once one has, the same command adds those proofs.",
        );
    }
    for id in &exported.not_shown {
        output::note(&format!(
            "recording {id} can be shown to nobody; its original is there"
        ));
    }
    Ok(Ended::Clean)
}

pub(super) fn verify(verify: &Verify) -> Result<Ended, Failure> {
    let key = |text: &Option<String>| text.as_ref().map(|t| t.parse()).transpose();
    let roster = verify.roster_hash.as_ref().map(|text| {
        let wrong = format!("'{text}' is no digest of 64 hexadecimal digits");
        text.parse()
            .map_err(|_| Failure::new(ErrorKind::Usage, wrong))
    });
    let known = Known {
        log: key(&verify.key)?,
        roster: roster.transpose()?,
        witness: key(&verify.witness)?,
    };
    if known
        .witness
        .as_ref()
        .is_some_and(|w| w.algorithm() != Algorithm::Cosignature)
    {
        let text = "the key given as a witness's is a log's";
        return Err(Failure::new(ErrorKind::Usage, text));
    }
    // Its own name, for what lies beside it is called after that.
    let package = verify.package.canonicalize().map_err(|e| {
        let text = format!("{}: {e}", verify.package.display());
        Failure::new(ErrorKind::Usage, text)
    })?;
    let verdict = export::verify(&package, &known);
    if verify.json {
        output::json(&verdict);
    } else {
        for sentence in &verdict.holds {
            output::text(sentence);
        }
        output::text(match verdict.rank {
            Rank::Trusted => "TRUSTED: key, roster and witness are those that you know.",
            Rank::Valid => {
                "VALID: everything in it agrees. Give --key, --roster-hash and --witness from elsewhere to know whose log it is."
            }
            Rank::Invalid => "INVALID",
        });
    }
    match verdict.rank {
        Rank::Invalid => {
            let text = format!(
                "the package is not what it should be: {}",
                verdict.wrong.join("; ")
            );
            Err(Failure::new(ErrorKind::Integrity, text)
                .hint("ask for it again, and keep this one as it is"))
        }
        _ => Ok(Ended::Clean),
    }
}

pub(super) fn trail(args: &Args, id: &str, json: bool) -> Result<Ended, Failure> {
    let id = id.to_owned();
    let answer = store::ask(args, Command::Access(AccessAsk::Trail { id }), &())?;
    ledger::show(answer, json)
}
