//! Acts that need a person's signature, in one step or by hand.
//!
//! The owner drafts a statement; here, on the person's side and with the person's own key, it is
//! signed by `ssh-keygen`, which knows every sort of key and agent; and it goes back.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command as Program, Stdio},
};

use super::{
    Ended,
    args::{Args, Signing},
    output, store,
};
use crate::{
    base::ErrorKind,
    custody::{Kind, Statement, Target, request::Request},
    report::{terminal, wording::zone},
    service::{Answer, Command, DraftAsk, Failure},
};

/// Drafts, signs and submits; or writes the draft to be signed by hand.
pub(super) fn act(
    args: &Args,
    signing: &Signing,
    ask: DraftAsk,
    attached: Option<String>,
) -> Result<Ended, Failure> {
    let kind = kind_of(&ask);
    let answer = store::ask(args, Command::Draft(ask), &())?;
    let Answer::Draft {
        text,
        namespace,
        about,
    } = answer
    else {
        return Err(store::other_answer());
    };
    check_draft(&kind, &text, &namespace, about.as_deref())?;
    if let Some(about) = about {
        output::text(&about);
    }
    if kind.is_none() && signing.print.is_none() {
        output::text(&text);
    }
    if let Some(path) = &signing.print {
        fs::write(path, &text).map_err(|e| unwritten(path, &e))?;
        output::text(&format!(
            "{text}\n\
             It lies in {path}. Whoever agrees signs it by\n\
             \x20 ssh-keygen -Y sign -f KEY -n {namespace} {path}\n\
             and it takes effect by\n\
             \x20 recvault submit {path} {path}.sig",
            path = path.display()
        ));
        return Ok(Ended::Clean);
    }
    check_means(signing)?;
    let signatures = signing
        .key
        .iter()
        .map(|key| sign(key, &namespace, &text))
        .collect::<Result<Vec<_>, _>>()?;
    submit(args, text, signatures, attached)
}

/// That there is a way to a signature.
pub(super) fn check_means(signing: &Signing) -> Result<(), Failure> {
    if signing.key.is_empty() && signing.print.is_none() {
        let text = "this takes a signature";
        return Err(Failure::new(ErrorKind::Usage, text).hint(
            "--key FILE signs with your key; --print FILE writes what is to be signed by hand",
        ));
    }
    Ok(())
}

/// What act somebody asked to sign for; nothing where it is read off the statement.
const fn kind_of(ask: &DraftAsk) -> Option<Kind> {
    Some(match ask {
        DraftAsk::Waiting { .. } => return None,
        DraftAsk::HoldRelease { .. } => Kind::HoldRelease,
        DraftAsk::Attribution { .. } => Kind::Attribution,
        DraftAsk::Time { .. } => Kind::Time,
        DraftAsk::ClassLower { .. } => Kind::ClassLower,
        DraftAsk::Plan { .. } => Kind::Plan,
        DraftAsk::Policy { .. } => Kind::Policy,
        DraftAsk::Roster { .. } => Kind::Roster,
        DraftAsk::Approval { .. } => Kind::Approval,
        DraftAsk::BreakGlass { .. } => Kind::BreakGlass,
        DraftAsk::Denial { .. } => Kind::Denial,
        DraftAsk::Clock { .. } => Kind::Clock,
    })
}

/// That what came to be signed is what was asked for: the owner of the store, who drafts it, is not
/// the one who signs.
fn check_draft(
    kind: &Option<Kind>,
    text: &str,
    namespace: &str,
    about: Option<&str>,
) -> Result<(), Failure> {
    let statement: Statement = text.parse().map_err(Failure::from)?;
    let asked = kind.unwrap_or_else(|| statement.kind());
    let named = about.map(|about| about.parse::<Request>().map(|r| r.digest()));
    let fits = match named {
        // An approval that does not come with its request cannot be read before it is signed.
        None => !matches!(statement.kind(), Kind::Approval | Kind::BreakGlass),
        Some(Ok(digest)) => statement.target() == Target::Digest(digest),
        Some(Err(_)) => false,
    };
    if statement.kind() == asked && namespace == asked.namespace() && fits {
        return Ok(());
    }
    let text = "the owner of the store gave another statement to sign than was asked for";
    Err(Failure::new(ErrorKind::Integrity, text).hint("sign nothing, and find out why"))
}

/// Sends a signed statement to the owner.
pub(super) fn submit(
    args: &Args,
    statement: String,
    signatures: Vec<String>,
    attached: Option<String>,
) -> Result<Ended, Failure> {
    let command = Command::Submit {
        statement,
        signatures,
        attached,
    };
    done(&store::ask(args, command, &())?)
}

/// Prints what happened.
pub(super) fn done(answer: &Answer) -> Result<Ended, Failure> {
    let Answer::Done { said, waits } = answer else {
        return Err(store::other_answer());
    };
    for sentence in said {
        output::text(sentence);
    }
    Ok(if *waits {
        Ended::Attention
    } else {
        Ended::Clean
    })
}

/// Lists the statements that wait for more signatures.
pub(super) fn statements(args: &Args, json: bool) -> Result<Ended, Failure> {
    let answer = store::ask(args, Command::Statements, &())?;
    let Answer::Statements { waiting, time_zone } = &answer else {
        return Err(store::other_answer());
    };
    if json {
        output::json(&answer);
    } else {
        let zone = zone(time_zone);
        let rows: Vec<[String; 5]> = waiting
            .iter()
            .map(|w| {
                let digest = w.digest.to_string();
                let (people, since) = (w.people.join(", "), w.since.in_zone(&zone));
                [
                    digest[..12].into(),
                    w.act.clone(),
                    w.target.clone(),
                    people,
                    since,
                ]
            })
            .collect();
        output::text(&terminal::statements(&rows, output::style()));
    }
    Ok(Ended::Clean)
}

/// What `ssh-keygen -Y sign` makes of the text with this key: a file, or with a public key's file
/// the agent's.
fn sign(key: &Path, namespace: &str, text: &str) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::new(
            ErrorKind::Fault,
            format!("{} cannot sign: {why}", key.display()),
        )
        .hint("ssh-keygen of OpenSSH 8.2 or newer signs; name a key file, or a .pub whose key your agent holds")
    };
    let mut program = Program::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    if let Some(mut input) = program.stdin.take() {
        input
            .write_all(text.as_bytes())
            .map_err(|e| failed(e.to_string()))?;
    }
    let output = program
        .wait_with_output()
        .map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("ssh-keygen ended with {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|e| failed(e.to_string()))
}

/// Text from a file, for a statement or what it names.
pub(super) fn text_of(path: &PathBuf) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| {
        Failure::new(
            ErrorKind::Usage,
            format!("{} cannot be read: {e}", path.display()),
        )
    })
}

fn unwritten(path: &Path, e: &std::io::Error) -> Failure {
    Failure::new(
        ErrorKind::Fault,
        format!("{} cannot be written: {e}", path.display()),
    )
}
