//! From a recording to the package that is handed over, as several tests go that way at the
//! terminal.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::case::{Case, Run};

/// A store with one generated recording that was looked at, and a folder to export to.
pub fn recorded() -> (Case, String, PathBuf) {
    let case = Case::with_approvers().fleet(2);
    let _ = case.batch();
    let all = case.list();
    let shown = |r: &&Value| r["state"] == "archived";
    let id = all.iter().find(shown).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let to = case.beside("handed over");
    fs::create_dir(&to).unwrap();
    (case, id, to)
}

/// Asks for it; gives back the request.
pub fn ask(case: &Case, id: &str, form: &str) -> String {
    let args = [
        "request",
        "--recording",
        id,
        "--form",
        form,
        "--purpose",
        "案件 2026-117",
        "--recipient",
        "东城派出所 王警官 <script>",
        "--json",
    ];
    let answer = case.store_command(&args).code(0).json();
    let request = &answer["with"]["accesses"][0]["digest"];
    request.as_str().unwrap().to_owned()
}

pub fn export(case: &Case, request: &str, to: &Path) -> Run {
    case.store_command(&["export", request, "--to", to.to_str().unwrap()])
}

pub fn approve_by_hand(case: &Case, request: &str, n: u8) -> Run {
    let key = case.beside(&format!("approver-{n}"));
    case.store_command(&["approve", request, "--key", key.to_str().unwrap()])
}

/// The one package in a folder.
pub fn package(to: &Path) -> PathBuf {
    let entries = fs::read_dir(to).unwrap().map(|e| e.unwrap().path());
    let mut dirs: Vec<_> = entries.filter(|p| p.is_dir()).collect();
    assert_eq!(dirs.len(), 1, "{dirs:?}");
    dirs.remove(0)
}
