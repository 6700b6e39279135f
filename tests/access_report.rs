//! `report access`: who looked at what, for the people who answer for it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use recvault::{
    base::{Digest, SystemClock},
    custody::{Actor, access::use_id},
    event::What,
    store::Store,
};

use crate::case::{Case, Run};

const PURPOSE: &str = "=1+1, \"案件\" <b>2026-117</b>";

/// A store with a recording that no player shows, so that a package is made in no time.
fn recorded() -> (Case, String) {
    let case = Case::with_approvers().file("a.log", "evidence");
    let _ = case.batch();
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    fs::create_dir(case.beside("out")).unwrap();
    (case, id)
}

fn ask(case: &Case, id: &str) -> String {
    let args = [
        "request",
        "--recording",
        id,
        "--form",
        "original",
        "--purpose",
        PURPOSE,
        "--recipient",
        "东城派出所 王警官",
        "--json",
    ];
    let answer = case.store_command(&args).code(0).json();
    let request = &answer["with"]["accesses"][0]["digest"];
    request.as_str().unwrap().to_owned()
}

fn approve(case: &Case, request: &str) {
    let key = case.beside("approver-1");
    let args = ["approve", request, "--key", key.to_str().unwrap()];
    let _ = case.store_command(&args).code(0);
}

fn export(case: &Case, request: &str) {
    let to = case.beside("out");
    let args = ["export", request, "--to", to.to_str().unwrap()];
    let _ = case.store_command(&args).code(0);
}

fn report(case: &Case, more: &[&str]) -> Run {
    case.store_command(&[&["report", "access"], more].concat())
}

/// Goal: what is handed over, unused and waiting is told to a person, a spreadsheet and a program
/// alike, chosen by period, recording and person.
#[test]
fn clause_4_7_the_report_tells_who_looked_at_what() {
    let (case, id) = recorded();
    let _ = report(&case, &[]).code(0).says("0 requests");
    let requests: Vec<String> = (0..3).map(|_| ask(&case, &id)).collect();
    approve(&case, &requests[0]);
    export(&case, &requests[0]);
    approve(&case, &requests[1]);
    let _ = report(&case, &[])
        .code(0)
        .says("3 requests: 1 pending, 1 approved, 1 used up")
        .says("Uses without a valid approval: none.")
        .says("Copies outstanding (1)")
        .says("东城派出所 王警官")
        .says("Approvals unused (1)")
        .says("Waiting for a decision (1)")
        .says("From request to decision: median");
    // As data.
    let json = report(&case, &["--json"]).code(0).json();
    assert_eq!(json["counts"]["requests"], 3);
    assert_eq!(json["wrong"], serde_json::json!([]));
    assert_eq!(json["outstanding"][0]["request"], *requests[0]);
    assert_eq!(json["outstanding"][0]["recordings"][0], *id);
    assert_eq!(json["unused"][0]["request"], *requests[1]);
    assert!(json["unused"][0]["left_ms"].as_i64().unwrap() > 6 * 86_400_000);
    assert_eq!(json["pending"][0]["request"], *requests[2]);
    let package = fs::read_dir(case.beside("out")).unwrap();
    let package = package.map(|e| e.unwrap().path()).find(|p| p.is_dir());
    let manifest = fs::read(package.unwrap().join("tagmanifest-sha256.txt")).unwrap();
    assert_eq!(
        json["outstanding"][0]["tag_manifest"],
        crate::case::sha256(manifest)
    );
    // For a spreadsheet: a row for each use and each request without one, and no formula.
    let rows = report(&case, &["--csv", "-"]).code(0).out();
    assert_eq!(rows.lines().count(), 4, "{rows}");
    assert_eq!(rows.matches("\"'=1+1, \"\"案件\"\" ").count(), 3, "{rows}");
    let (csv, html) = (case.beside("r.csv"), case.beside("r.html"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let _ = report(&case, &["--csv", &path(&csv)]).code(0).says("r.csv");
    let _ = report(&case, &["--html", &path(&html)]).code(0);
    let written = fs::read_to_string(&csv).unwrap();
    assert!(written.starts_with("\u{feff}request,"));
    assert!(rows.lines().all(|row| written.contains(row)));
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("&lt;b&gt;2026-117&lt;/b&gt;") && !page.contains("<b>2026-117"));
    assert!(page.contains(requests[0].as_str()) && page.contains("Every use had its approval."));
    for file in [&csv, &html] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    // Chosen.
    let counted = |more: &[&str]| report(&case, &[more, &["--json"]].concat()).code(0).json();
    let all = |more: &[&str]| counted(more)["counts"]["requests"].as_u64().unwrap();
    assert_eq!(all(&["--recording", &id[..6]]), 3);
    assert_eq!(all(&["--recording", "mzymsttb4rbelt3o"]), 0);
    assert_eq!(all(&["--person", "approver-1"]), 2);
    assert_eq!(all(&["--person", "approver-2"]), 0);
    assert_eq!(all(&["--from", "2020-01-01"]), 3);
    assert_eq!(all(&["--to", "2020-01-01"]), 0);
    // Said wrongly.
    let _ = report(&case, &["--recording", "no"])
        .code(2)
        .says("nobody asked");
    let _ = report(&case, &["--recording", ""]).code(2);
    let _ = report(&case, &["--from", "2026-02-30"]).code(2);
    let _ = report(&case, &["--from", "2026-02-02", "--to", "2026-02-01"]).code(2);
    let _ = report(&case, &["--json", "--csv", "-"]).code(2);
    let nowhere = path(&case.beside("not/there"));
    let _ = report(&case, &["--html", &nowhere])
        .code(1)
        .says("not/there");
}

/// Goal: a use that nobody approved is loud in every form, whatever is asked for, though the log
/// holds it as an event like any other.
#[test]
fn clause_4_7_a_use_without_approval_is_loud() {
    let (case, id) = recorded();
    let request = ask(&case, &id);
    let digest: Digest = request.parse().unwrap();
    // Somebody who has the store may write what recvault itself would refuse.
    let store = Store::open(&case.store(), Arc::new(SystemClock)).unwrap();
    let forged = What::AccessSpent {
        request: digest,
        number: 1,
        id: use_id(&digest, 1),
        again: false,
        actor: Actor {
            uid: 4_711,
            person: None,
        },
    };
    store
        .commit(4_711, |proposal| {
            proposal.event(forged);
            Ok(())
        })
        .unwrap();
    drop(store);
    let loud = |more: &[&str]| {
        let run = report(&case, more).code(4);
        run.says("had no valid approval: nobody had approved it")
    };
    let _ = loud(&[])
        .says("1 USE WITHOUT A VALID APPROVAL")
        .says("uid 4711");
    let _ = loud(&["--person", "nobody"]).says("1 USE WITHOUT");
    let _ = loud(&["--to", "2020-01-01"]).says("1 USE WITHOUT");
    assert_eq!(
        loud(&["--json"]).json()["wrong"][0]["wrong"][0],
        "unapproved"
    );
    let _ = loud(&["--csv", "-"]).says(",nobody had approved it,");
    let html = case.beside("r.html");
    let _ = loud(&["--html", html.to_str().unwrap()]);
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("Not every use had its approval."));
}
