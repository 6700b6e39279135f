//! `docs/verify.py`, which a court's expert runs without any of our code, says what we say: of
//! what we make, of what was made without us, and of everything that was changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use recvault::{
    base::Moment,
    ledger::{Ledger, verify},
    proof::{Algorithm, NoteKey, Verifier},
};

use crate::log::{Copy, Log, Spoilt, files_of, folder, line, spoil};

/// What the expert's machine must have; a machine without it is told so, aloud.
fn have(tools: &[(&str, &str)]) -> bool {
    for (tool, argument) in tools {
        if Command::new(tool).arg(argument).output().is_err() {
            eprintln!("NOT TESTED: docs/verify.py, because there is no {tool} here");
            return false;
        }
    }
    true
}

const PYTHON: (&str, &str) = ("python3", "--version");
const OPENSSL: (&str, &str) = ("openssl", "version");

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.py")
}

/// What the script says, and whether it verified.
fn says(arguments: &[&str]) -> (bool, String) {
    let run = Command::new("python3")
        .arg(script())
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&run.stderr);
    assert_eq!(complaint, "", "{arguments:?}");
    let last = said.lines().last().unwrap_or_default().to_owned();
    let verified = run.status.success();
    let verdict = if verified {
        "VERIFIED: "
    } else {
        "NOT VERIFIED: "
    };
    assert!(last.starts_with(verdict), "{said}");
    (verified, said)
}

fn judge(dir: &Path, key: &Verifier) -> (bool, String) {
    says(&["ledger", dir.to_str().unwrap(), &key.to_string()])
}

#[test]
fn the_script_is_short_and_needs_only_what_every_python_has() {
    let text = fs::read_to_string(script()).unwrap();
    // 250 for the log, and what excerpts of originals take.
    assert!(text.lines().count() < 270, "{}", text.lines().count());
    for line in text.lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }
    let imports: Vec<&str> = text.lines().filter(|l| l.contains("import ")).collect();
    assert_eq!(
        imports,
        [
            "import argparse, base64, bisect, datetime, hashlib, os, pathlib, re, subprocess, sys, tempfile"
        ]
    );
}

#[test]
fn the_script_accepts_what_we_make() {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    for lengths in [&[0][..], &[1], &[255, 256], &[257], &[600, 65_793, 65_800]] {
        let mut log = Log::published(lengths);
        let (verified, said) = judge(log.path(), &log.verifier());
        assert!(verified, "{lengths:?}: {said}");
        let root = log.checkpoint().root.to_string();
        assert!(said.contains(&root), "{said}");
        // Events behind the checkpoint, also a tail that is about to become a bundle.
        for more in [3, 256 - log.ledger.len() % 256] {
            let len = log.ledger.len() + more;
            log.grow(len, line);
            let (verified, said) = judge(log.path(), &log.verifier());
            assert!(
                verified && said.contains("more are not signed yet"),
                "{said}"
            );
        }
    }
}

/// Goal: a sample of every kind of change, all over the log; the same verdict here and there.
#[test]
fn the_script_refuses_every_change_that_we_refuse() {
    change_trial(37, 19);
}

/// Bits are flipped at every `stride`-th byte, and of all changes every `step`-th is tried.
pub fn change_trial(stride: usize, step: usize) {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    let log = Log::published(&[530]);
    let good = files_of(log.path());
    let mut copy = Copy::new();
    let all = spoil(&good, stride);
    let mut refused = 0;
    for Spoilt { what, file, files } in all.into_iter().step_by(step) {
        let dir = copy.put(&files);
        let ours = verify(&dir, &log.verifier(), &|_| {});
        // Of a log without a checkpoint we say that nobody has signed it, and the script no more.
        let ours = ours.is_ok_and(|v| v.checkpoint.is_some());
        let (theirs, said) = judge(&dir, &log.verifier());
        assert_eq!(theirs, ours, "{file}: {what}: {said}");
        refused += usize::from(!theirs);
    }
    assert!(refused >= 40, "{refused}");
}

/// All tiles made anew over one changed event: only the signature is left to tell.
#[test]
fn the_script_recomputes_the_root_that_was_signed() {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    let log = Log::published(&[300]);
    let mut forged = Log::new();
    forged.grow(300, |n| if n == 9 { b"forged".to_vec() } else { line(n) });
    forged.ledger.publish(&forged.key).unwrap();
    fs::copy(
        log.path().join("checkpoint"),
        forged.path().join("checkpoint"),
    )
    .unwrap();
    let (verified, said) = judge(forged.path(), &log.verifier());
    assert!(
        !verified && said.contains("not that of the first 300"),
        "{said}"
    );
}

#[test]
fn the_script_asks_for_the_right_key_and_knows_witnesses() {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    let log = Log::published(&[20]);
    let stranger = Log::of_key([8; 32]).verifier();
    assert!(!judge(log.path(), &stranger).0);
    let vkey = log.verifier().to_string();
    let dir = log.path().to_str().unwrap();
    for bad in ["", "x", &vkey[1..], &vkey[..vkey.len() - 4]] {
        assert!(!says(&["ledger", dir, bad]).0, "{bad}");
    }
    let witness = NoteKey::from_seed("market/w", Algorithm::Cosignature, &[9; 32]).unwrap();
    let by = witness.verifier().to_string();
    let ask = ["ledger", dir, &vkey, "--witness", &by];
    assert!(!says(&ask).0, "nobody has cosigned it");
    let text = log.checkpoint().text();
    let at = Moment::from_s(1_800_000_000);
    let cosignature = witness.sign(&text, at);
    let key = witness.verifier();
    log.ledger.keep_cosignature(&cosignature, &key).unwrap();
    let (verified, said) = says(&ask);
    assert!(verified, "{said}");
    assert!(
        said.contains("by market/w, 2027-01-15 08:00:00 UTC"),
        "{said}"
    );
    let checkpoint = log.path().join("checkpoint");
    let note = fs::read_to_string(&checkpoint).unwrap();
    let other = witness.sign(&text, Moment::from_s(1_800_000_001));
    let forged = note.replace(&cosignature.to_string(), &other.to_string());
    fs::write(&checkpoint, &forged).unwrap();
    assert!(says(&ask).0, "another date, signed as well");
    let mut bent = cosignature;
    bent.bytes[7] ^= 1;
    fs::write(&checkpoint, note + &bent.to_string() + "\n").unwrap();
    assert!(!says(&ask).0, "one date signed, and one not");
}

#[test]
fn the_script_judges_proofs_of_events_as_we_do() {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    let log = Log::published(&[1_000]);
    let dir = folder();
    let (proof, event) = (dir.path().join("x.proof"), dir.path().join("event"));
    let vkey = log.verifier().to_string();
    let ask = || {
        let (proof, event) = (proof.to_str().unwrap(), event.to_str().unwrap());
        says(&["inclusion", proof, event, &vkey])
    };
    for n in [0, 255, 256, 767, 992, 999] {
        fs::write(&proof, log.prove(n).to_string()).unwrap();
        fs::write(&event, line(n)).unwrap();
        let (verified, said) = ask();
        assert!(
            verified && said.contains(&format!("event {n} of")),
            "{said}"
        );
        // An editor puts a line end behind it.
        fs::write(&event, [line(n), b"\n".to_vec()].concat()).unwrap();
        assert!(ask().0);
        fs::write(&event, line(n + 1)).unwrap();
        assert!(!ask().0, "another event for {n}");
    }
    let good = log.prove(767).to_string();
    fs::write(&event, line(767)).unwrap();
    let mut texts: Vec<String> = Vec::new();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    for n in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(n);
        texts.push(without.concat());
        let mut swapped = lines.clone();
        swapped.swap(n, (n + 1) % lines.len());
        texts.push(swapped.concat());
        let (head, tail) = lines[n].split_at(lines[n].len() / 2);
        let mut edited = lines.clone();
        let other = if tail.starts_with('B') { "C" } else { "B" };
        let edit = format!("{head}{other}{}", &tail[1..]);
        edited[n] = &edit;
        texts.push(edited.concat());
    }
    texts.push(good.replace("index 767", "index 0767"));
    texts.push(good.replace("index 767", "index 766"));
    texts.push(good.replace("index 767", "index 1767"));
    for text in texts {
        fs::write(&proof, &text).unwrap();
        let file = recvault::proof::ProofFile::parse(text.as_bytes());
        let ours = file.is_ok_and(|f| f.verify(&line(767), &log.verifier(), &[]).is_ok());
        let (theirs, said) = ask();
        assert_eq!(theirs, ours, "{said}\n{text}");
        assert!(!theirs, "{text}");
    }
}

#[test]
fn the_script_tells_growth_from_rewriting() {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    let mut log = Log::published(&[300]);
    let dir = folder();
    let [old, new] = ["old", "new"].map(|n| dir.path().join(n));
    fs::copy(log.path().join("checkpoint"), &old).unwrap();
    log.grow(700, line);
    log.ledger.publish(&log.key).unwrap();
    fs::copy(log.path().join("checkpoint"), &new).unwrap();
    let vkey = log.verifier().to_string();
    let ask = |folder: &Path, old: &Path, new: &Path| {
        let [folder, old, new] = [folder, old, new].map(|p| p.to_str().unwrap());
        says(&["consistency", folder, old, new, &vkey]).0
    };
    assert!(ask(log.path(), &old, &new));
    assert!(ask(log.path(), &old, &old) && !ask(log.path(), &new, &old));
    let mut rewritten = Log::new();
    rewritten.grow(700, |n| if n == 5 { b"forged".to_vec() } else { line(n) });
    rewritten.ledger.publish(&rewritten.key).unwrap();
    let forged = rewritten.path().join("checkpoint");
    assert!(
        judge(rewritten.path(), &log.verifier()).0,
        "alone it is perfect"
    );
    assert!(!ask(rewritten.path(), &old, &forged));
    assert!(!ask(log.path(), &old, &forged));
    assert!(!ask(rewritten.path(), &old, &new));
    let mut short = Log::new();
    short.grow(400, line);
    assert!(!ask(short.path(), &old, &new), "the folder ends before");
}

/// The other direction: a log made by Python and openssl, with nothing of ours.
const MAKER: &str = r#"
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
import verify as v
folder, count = sys.argv[2], int(sys.argv[3])
def openssl(*more):
    return subprocess.run(["openssl", *more], check=True, stdout=subprocess.PIPE).stdout
def write(name, content):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(content)
events = [b"made by python %d" % n for n in range(count)]
levels = [[v.sha(b"\0", e) for e in events]]
while len(levels[-1]) >= 256:
    below = levels[-1]
    levels.append([v.root_of(below[n:n + 256]) for n in range(0, len(below) // 256 * 256, 256)])
def bundle(part):
    return b"".join(len(e).to_bytes(2, "big") + e for e in part)
def parts(kind, items, content):
    for n in range(0, len(items), 256):
        part = items[n:n + 256]
        write(v.name_of(kind, n // 256, len(part)), content(part))
for level, hashes in enumerate(levels):
    parts(level, hashes, b"".join)
parts("entries", events, bundle)
write("tail", bundle(events[count // 256 * 256:]))
key = os.path.join(sys.argv[4], "key")
openssl("genpkey", "-algorithm", "ed25519", "-out", key)
public = b"\1" + openssl("pkey", "-in", key, "-pubout", "-outform", "DER")[-32:]
key_id = v.sha(b"python/log\n", public)[:4]
def base64(raw):
    return v.base64.b64encode(raw).decode()
text = "python/log\n%d\n%s\n" % (count, base64(v.root_of(levels[0])))
message = os.path.join(sys.argv[4], "message")
open(message, "w").write(text)
signature = openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", message)
note = text + "\n\u2014 python/log " + base64(key_id + signature) + "\n"
write("checkpoint", note.encode())
print("python/log+" + key_id.hex() + "+" + base64(public))
"#;

#[test]
fn we_accept_a_log_that_was_made_without_us_and_go_on_with_it() {
    if !have(&[PYTHON, OPENSSL]) {
        return;
    }
    for count in [0_u64, 1, 255, 256, 257, 800, 66_000] {
        let (dir, scratch) = (folder(), folder());
        let made = Command::new("python3")
            .args(["-B", "-c", MAKER])
            .arg(script().parent().unwrap())
            .args([dir.path().to_str().unwrap(), &count.to_string()])
            .arg(scratch.path())
            .output()
            .unwrap();
        let key = String::from_utf8(made.stdout).unwrap();
        let complaint = String::from_utf8_lossy(&made.stderr);
        let key: Verifier = key
            .trim()
            .parse()
            .unwrap_or_else(|e| panic!("{e} {complaint}"));
        assert!(judge(dir.path(), &key).0);
        let verified = verify(dir.path(), &key, &|_| {}).unwrap();
        assert_eq!(
            (verified.events, verified.checkpoint.unwrap().size),
            (count, count)
        );
        let mut ledger = Ledger::open(dir.path()).unwrap();
        assert_eq!(ledger.root().unwrap(), verified.root);
        let lines = ledger.read(0, u64::MAX).unwrap();
        for (n, read) in (0..).zip(lines) {
            let want = format!("made by python {n}").into_bytes();
            assert_eq!(read.unwrap(), (n, want));
        }
        for more in 0..300 {
            ledger.append(&[format!("ours {more}").as_bytes()]).unwrap();
        }
        assert_eq!(
            verify(dir.path(), &key, &|_| {}).unwrap().events,
            count + 300
        );
        assert!(judge(dir.path(), &key).0);
        if count > 0 {
            let mut files = files_of(dir.path());
            let name = if count < 256 {
                "tail"
            } else {
                "tile/entries/000"
            };
            files.get_mut(name).unwrap()[4] ^= 1;
            let spoilt = Copy::new().put(&files);
            assert!(!judge(&spoilt, &key).0 && verify(&spoilt, &key, &|_| {}).is_err());
        }
    }
}

#[test]
fn the_script_judges_a_persons_statement_by_its_key_and_purpose() {
    if !have(&[PYTHON, ("ssh-keygen", "-?")]) {
        return;
    }
    let dir = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let keygen = |arguments: &[&str]| {
        let run = Command::new("ssh-keygen").args(arguments).output().unwrap();
        assert!(run.status.success(), "{run:?}");
    };
    let purpose = "recvault-approval@v1";
    for name in ["key", "other"] {
        keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &at(name)]);
    }
    fs::write(at("statement"), "kind approval\ntarget abc\n").unwrap();
    keygen(&[
        "-q",
        "-Y",
        "sign",
        "-f",
        &at("key"),
        "-n",
        purpose,
        &at("statement"),
    ]);
    let public = fs::read_to_string(at("key.pub")).unwrap();
    fs::write(at("allowed"), format!("lin@market {public}")).unwrap();
    let other = fs::read_to_string(at("other.pub")).unwrap();
    fs::write(at("others"), format!("lin@market {other}")).unwrap();
    fs::write(at("changed"), "kind approval\ntarget abd\n").unwrap();
    let ask = |file: &str, allowed: &str, who: &str, purpose: &str| {
        let (file, allowed, signature) = (at(file), at(allowed), at("statement.sig"));
        says(&["statement", &file, &signature, &allowed, who, purpose]).0
    };
    assert!(ask("statement", "allowed", "lin@market", purpose));
    for (file, allowed, who, purpose) in [
        ("changed", "allowed", "lin@market", purpose),
        ("statement", "others", "lin@market", purpose),
        ("statement", "allowed", "wang@market", purpose),
        (
            "statement",
            "allowed",
            "lin@market",
            "recvault-hold-release@v1",
        ),
        ("missing", "allowed", "lin@market", purpose),
    ] {
        assert!(
            !ask(file, allowed, who, purpose),
            "{file} {allowed} {who} {purpose}"
        );
    }
}
