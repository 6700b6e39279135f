//! Break-glass: recordings that two people open in an emergency, once, for a day, and loudly.

use std::{
    fs,
    path::{Path, PathBuf},
};

use recvault::{
    base::Digest,
    custody::{
        Kind, Roster, Statement, Target,
        access::{Access, AccessState, UseOutcome},
        request::Form,
    },
    intake::summary::emergencies,
    store::{AccessWish, Agreed, Attached, RecordingWish, Refusal, Spent, StoreError},
};
use serde_json::Value;

use crate::{
    access::follow_instructions,
    case::{Case, Run, files_below},
    office::{APPROVER, CLERK, DAY, IT, Office, Signatory},
};

/// An office with two approvers and two others who sign: qian, the clerk, and zhao of IT.
struct Emergency {
    office: Office,
    qian: Signatory,
    zhao: Signatory,
}

impl Emergency {
    fn new() -> Self {
        let office = Office::at("2026-03-01T01:00:00Z");
        let (qian, zhao) = (Signatory::new(6, "qian"), Signatory::new(7, "zhao"));
        let key = |s: &Signatory| s.line().rsplit_once(' ').unwrap().0.to_owned();
        let rules = office.store().rules().unwrap();
        let seen = office.store().head().unwrap().0 - 1;
        let text = rules.rosters.current().text();
        let text = format!(
            "{text}\nperson: qian\nrole: use_department\nuid: {CLERK}\nkey: {} added {seen}\n\nperson: zhao\nrole: it\nuid: {IT}\nkey: {} added {seen}\n",
            key(&qian),
            key(&zhao)
        );
        let roster: Roster = text.parse().unwrap_or_else(|e| panic!("{e}: {text}"));
        let target = Target::Digest(roster.digest());
        let said = office
            .store()
            .draft(Kind::Roster, target, &[("reason", "as decided")])
            .unwrap();
        let signatures = office.approvers.iter().map(|a| a.sign(&said)).collect();
        let attached = Attached::Roster(Box::new(roster));
        let agreed = office.store().submit(CLERK, said, signatures, attached);
        assert!(!agreed.unwrap().waits);
        office.days(2);
        office.store().settle_roster(IT).unwrap();
        Self { office, qian, zhao }
    }

    /// A break-glass request by the clerk for a new recording of these bytes.
    fn ask(&self, bytes: &[u8]) -> Access {
        let id = self.office.admit("a.log", bytes).unwrap().id;
        self.ask_for(&[id]).unwrap()
    }

    fn ask_for(&self, ids: &[recvault::base::RecordingId]) -> Result<Access, StoreError> {
        let wish = AccessWish {
            recordings: ids.iter().copied().map(RecordingWish::whole).collect(),
            form: Form::Original,
            purpose: "a child is missing".into(),
            recipient: "East precinct, Officer Wang".into(),
            // More than an emergency gives.
            days: 30,
            uses: 9,
        };
        self.office.store().request_break_glass(CLERK, wish)
    }

    fn draft(&self, kind: Kind, request: Digest) -> Statement {
        let store = self.office.store();
        let reason = [("reason", "nobody is in the office")];
        store.draft(kind, Target::Digest(request), &reason).unwrap()
    }

    /// Hands a statement over this request in with these signatures.
    fn sign(&self, said: &Statement, by: &[&Signatory]) -> Result<Agreed, StoreError> {
        let signatures = by.iter().map(|s| s.sign(said)).collect();
        let store = self.office.store();
        store.submit(CLERK, said.clone(), signatures, Attached::Nothing)
    }

    fn open(&self, access: &Access) {
        let said = self.draft(Kind::BreakGlass, access.digest);
        let by = [&self.qian, &self.office.approvers[0]];
        assert!(!self.sign(&said, &by).unwrap().waits);
    }

    fn spend(&self, by: u32, access: &Access) -> Result<Spent, StoreError> {
        let store = self.office.store();
        store.spend_access(by, access.digest, false, vec![])
    }

    fn now(&self, access: &Access) -> Access {
        self.office.store().access(access.digest).unwrap().unwrap()
    }

    fn state(&self, access: &Access) -> AccessState {
        let now = self.office.store().times().unwrap().later;
        self.now(access).state(now)
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, StoreError>) -> Refusal {
    match done {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Goal: one person opens nothing, nor do two without an approver; two with one do, also one after
/// the other. Neither way to a look stands in for the other.
#[test]
fn two_people_one_an_approver_open_it_and_nobody_else() {
    let place = Emergency::new();
    let access = place.ask(b"1");
    let [one, two] = &place.office.approvers;
    for by in [
        &[one][..],
        &[&place.qian],
        &[&place.qian, &place.zhao],
        &[two, two],
    ] {
        let said = place.draft(Kind::BreakGlass, access.digest);
        assert!(place.sign(&said, by).unwrap().waits);
        assert_eq!(place.state(&access), AccessState::Pending);
        let early = refused(place.spend(CLERK, &access));
        assert!(early.to_string().ends_with("is pending"), "{early}");
    }
    // An approver alone does not approve it in the usual way.
    let usual = place.draft(Kind::Approval, access.digest);
    let usual = refused(place.sign(&usual, &[one]));
    assert_eq!(usual, Refusal::BreakGlass(access.digest));
    // Nor do two open what was asked for in the usual way.
    let wish = AccessWish {
        recordings: vec![RecordingWish::whole(access.request.ask.recordings[0].id)],
        form: Form::Original,
        purpose: "case".into(),
        recipient: "Wang".into(),
        days: 7,
        uses: 1,
    };
    let ordinary = place.office.store().request_access(CLERK, wish).unwrap();
    let said = place.draft(Kind::BreakGlass, ordinary.digest);
    let opened = refused(place.sign(&said, &[one, &place.qian]));
    assert_eq!(opened, Refusal::NoBreakGlass(ordinary.digest));
    // A signature of one kind is none of the other.
    let glass = place.draft(Kind::BreakGlass, access.digest);
    let signature = one.sign_as(&glass, Kind::Approval.namespace());
    let store = place.office.store();
    let submitted = store.submit(CLERK, glass, vec![signature], Attached::Nothing);
    assert!(submitted.is_err());
    // What the clerk signed waits, and the approver's signature opens it.
    let waiting = store.waiting().unwrap();
    let said = waiting.iter().find(|w| w.people == ["qian"]).unwrap();
    let agreed = place.sign(&said.statement, &[two]).unwrap();
    assert!(!agreed.waits);
    assert_eq!(agreed.people, ["approver-2", "qian"]);
    assert!(agreed.done[0].starts_with("BREAK-GLASS: approver-2 and qian opened"));
    assert_eq!(place.state(&access), AccessState::Approved { left: 1 });
}

/// Goal: it is used once and within a day, whatever was wished; of the two who opened it the one who
/// is no approver may use it, and the approver may not.
#[test]
fn it_is_used_once_within_a_day_and_not_by_the_approver() {
    let place = Emergency::new();
    let access = place.ask(b"2");
    let ask = &access.request.ask;
    assert_eq!(ask.uses, 1);
    let open_ms = ask.expires.ms_since(access.at);
    assert!((DAY - 1_000..=DAY).contains(&open_ms), "{open_ms}");
    place.open(&access);
    let own = refused(place.spend(APPROVER, &access));
    assert_eq!(own, Refusal::OperatorApproved("approver-1".into()));
    let spent = place.spend(CLERK, &access).unwrap();
    assert!(
        refused(place.spend(IT, &access))
            .to_string()
            .ends_with("is used up")
    );
    let store = place.office.store();
    let outcome = UseOutcome::Packaged {
        tag_manifest: access.digest,
        copies: vec![],
        bytes: 8,
    };
    store.end_access(CLERK, &spent, outcome).unwrap();
    assert!(
        refused(place.spend(CLERK, &access))
            .to_string()
            .ends_with("is used up")
    );

    let late = place.ask(b"3");
    place.open(&late);
    let taken_back = place.ask(b"4");
    place.open(&taken_back);
    let denial = place.draft(Kind::Denial, taken_back.digest);
    assert!(
        !place
            .sign(&denial, &[&place.office.approvers[1]])
            .unwrap()
            .waits
    );
    assert!(
        refused(place.spend(CLERK, &taken_back))
            .to_string()
            .ends_with("is denied")
    );
    place.office.clock.pass(DAY);
    assert!(
        refused(place.spend(CLERK, &late))
            .to_string()
            .ends_with("is expired")
    );
    // No more recordings than one approver decides on in the usual way.
    let many: Vec<_> = (10..21)
        .map(|n: u8| place.office.admit("b.log", &[n]).unwrap().id)
        .collect();
    let refusal = refused(place.ask_for(&many));
    assert_eq!(refusal, Refusal::TooMany { asked: 11, max: 10 });
    assert!(place.ask_for(&many[1..]).is_ok());
    store.publish().unwrap();
    let checked = store.check(recvault::store::Depth::Whole, &|_, _| {});
    assert_eq!(checked.unwrap().wrong, Vec::<String>::new());
}

/// Goal: the night names what was opened for thirty days after the last that happened to it, and
/// says which of it is new; what only waits is no emergency yet.
#[test]
fn every_night_names_it_for_thirty_days() {
    let place = Emergency::new();
    let (access, _waits) = (place.ask(b"5"), place.ask(b"6"));
    place.open(&access);
    let store = place.office.store();
    let named = |since_days: i64, days: i64| {
        let opened = place.now(&access).decisions[0].at();
        let since = opened.plus_ms(since_days * DAY);
        let accesses = store.accesses().unwrap();
        emergencies(&accesses, Some(since), opened.plus_ms(days * DAY))
    };
    let tonight = named(-1, 0);
    assert_eq!(tonight.len(), 1);
    assert_eq!(
        (tonight[0].request, tonight[0].is_new),
        (access.digest, true)
    );
    assert_eq!(tonight[0].people, ["approver-1", "qian"]);
    assert!(tonight[0].used.is_empty());
    assert!(!named(1, 2)[0].is_new);
    assert_eq!(named(28, 29).len(), 1);
    assert_eq!(named(29, 30), []);
    // A use counts from itself.
    place.office.clock.pass(DAY / 2);
    let _ = place.spend(CLERK, &access).unwrap();
    assert_eq!(named(29, 30)[0].used[0].1, "qian");
    assert_eq!(named(30, 31), []);
}

/// A store with a recording that no player shows, so that a package is made in no time.
fn recorded() -> (Case, String, PathBuf) {
    let case = Case::with_approvers().file("a.log", "evidence");
    let _ = case.batch().code(0);
    let id = case.list()[0]["id"].as_str().unwrap().to_owned();
    let to = case.beside("out");
    fs::create_dir(&to).unwrap();
    (case, id, to)
}

fn break_glass(case: &Case, id: &str, keys: &[&str]) -> Run {
    let mut args = vec!["break-glass", "--recording", id, "--form", "original"];
    args.extend(["--purpose", "a child is missing", "--recipient", "王警官"]);
    args.extend(["--reason", "nobody is in the office"]);
    let keys: Vec<PathBuf> = keys.iter().map(|key| case.beside(key)).collect();
    for key in &keys {
        args.extend(["--key", key.to_str().unwrap()]);
    }
    case.store_command(&args)
}

/// The newest request.
fn newest(case: &Case) -> Value {
    let answer = case.store_command(&["requests", "--all", "--json"]).code(0);
    let answer = answer.json();
    let all = answer["with"]["accesses"].as_array().unwrap();
    all.last().unwrap().clone()
}

fn export(case: &Case, request: &str, to: &Path) -> Run {
    case.store_command(&["export", request, "--to", to.to_str().unwrap()])
}

/// Goal: at the terminal, from asking to package; a stranger checks the package and reads that it
/// was an emergency; and every report says so.
#[test]
fn clause_4_7_an_emergency_is_loud_in_every_report() {
    let (case, id, to) = recorded();
    // Without any way to sign, nothing is asked for.
    let _ = break_glass(&case, &id, &[]).code(2);
    let _ = case.store_command(&["requests"]).says("No request waits");
    let _ = break_glass(&case, &id, &["approver-1"])
        .code(1)
        .says("purpose: a child is missing")
        .says("needs two people");
    let request = newest(&case)["digest"].as_str().unwrap().to_owned();
    let key = case.beside("approver-2");
    let approve = ["approve", &request, "--key", key.to_str().unwrap()];
    let _ = case.store_command(&approve).code(3).says("is break-glass");
    let _ = export(&case, &request, &to).code(3).says("is pending");
    let listed = case.store_command(&["requests"]).code(0);
    let _ = listed.says("BREAK-GLASS, pending");
    // Pending, it is no emergency yet.
    let _ = case.batch().code(0).says_not("BREAK-GLASS");
    let said = case.store_command(&["statements", "--json"]).code(0).json();
    let said = said["with"]["waiting"][0]["digest"].as_str().unwrap();
    let sign = ["sign", said, "--key", key.to_str().unwrap()];
    let _ = case
        .store_command(&sign)
        .code(0)
        .says("BREAK-GLASS: approver-1 and approver-2 opened")
        .says("purpose: a child is missing");
    let _ = export(&case, &request, &to).code(0).says("BREAK-GLASS");
    let _ = export(&case, &request, &to).code(3).says("is used up");
    // The package says so, and can be checked.
    let package = fs::read_dir(&to).unwrap().map(|e| e.unwrap().path());
    let package = package.into_iter().find(|p| p.is_dir()).unwrap();
    follow_instructions(&package).unwrap();
    let paper = |name: &str| fs::read_to_string(package.join(name)).unwrap();
    let instructions = paper("VERIFY.txt");
    assert!(instructions.contains("-n recvault-break-glass@v1"));
    assert!(!instructions.contains("recvault-approval@v1"));
    for name in ["VERIFY.txt", "index.html", "receipt.txt"] {
        assert!(paper(name).contains("BREAK-GLASS"), "{name}");
    }
    let verify = ["verify", package.to_str().unwrap()];
    let _ = case.command(&verify).code(0).says("BREAK-GLASS");
    // The reports.
    let short = &request[..12];
    let night = case.batch().code(1).says("BREAK-GLASS");
    let _ = night.says(short).says("1 break-glass");
    let reports = files_below(&case.store().join("reports"));
    let newest = |ending: &str| {
        let all = reports
            .iter()
            .filter(|f| f.extension().is_some_and(|e| e == ending));
        let last = all.max_by_key(|f| fs::metadata(f).unwrap().modified().unwrap());
        fs::read_to_string(last.unwrap()).unwrap()
    };
    assert!(newest("html").contains(">break-glass<"));
    let json: Value = serde_json::from_str(&newest("json")).unwrap();
    assert_eq!(json["break_glass"][0]["request"], *request);
    assert_eq!(json["break_glass"][0]["is_new"], true);
    // The next night names it still.
    let _ = case.batch().code(1).says("BREAK-GLASS");
    let access = case.store_command(&["report", "access"]).code(0);
    let _ = access.says("BREAK-GLASS, in an emergency by two people (1)");
    let page = case.beside("r.html");
    let args = ["report", "access", "--html", page.to_str().unwrap()];
    let _ = case.store_command(&args).code(0);
    let page = fs::read_to_string(page).unwrap();
    let place = |text: &str| page.find(text).unwrap();
    assert!(place("Opened in an emergency") < place("Totals"));
    let trail = case.store_command(&["trail", &id]).code(0).out();
    assert_eq!(trail.matches("BREAK-GLASS:").count(), 4, "{trail}");
    let _ = case
        .store_command(&["requests", short])
        .code(0)
        .says("opened in an emergency by approver-1 and approver-2");
    let _ = case.store_command(&["check"]).code(0);
}

/// Goal: a package whose papers pass an emergency off as a usual approval is found out.
#[test]
fn an_emergency_is_not_passed_off_as_an_approval() {
    let (case, id, to) = recorded();
    let keys = ["approver-1", "approver-2"];
    let _ = break_glass(&case, &id, &keys)
        .code(0)
        .says("opened request");
    let request = newest(&case)["digest"].as_str().unwrap().to_owned();
    let _ = export(&case, &request, &to).code(0);
    let package = fs::read_dir(&to).unwrap().map(|e| e.unwrap().path());
    let package = package.into_iter().find(|p| p.is_dir()).unwrap();
    let path = package.join("proof/approval.txt");
    let text = fs::read_to_string(&path).unwrap();
    let forged = text.replace("kind: break-glass", "kind: approval");
    assert_ne!(forged, text);
    fs::write(&path, forged).unwrap();
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let path = package.join(manifest);
        let mut out = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let name = line.split_once("  ").unwrap().1;
            let bytes = fs::read(package.join(name)).unwrap();
            out.push_str(&format!("{}  {name}\n", crate::case::sha256(bytes)));
        }
        fs::write(&path, out).unwrap();
    }
    let verify = ["verify", package.to_str().unwrap()];
    let _ = case
        .command(&verify)
        .code(4)
        .says("the log has another request");
}
