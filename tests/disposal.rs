//! Nothing leaves the vault before its lawful date, under a hold, or without an approval; and what
//! may go does go, and is certified.

use std::{fs, process::Command, thread};

use recvault::{
    base::Explain,
    custody::{Kind, Target},
    disposal::{self, Applied},
    recording::State,
    retention::{Clause, Verdict, evaluate},
    store::{HoldRequest, Store},
};

use crate::office::{CLERK, DAY, IT, Office};

fn apply(store: &Store) -> Applied {
    disposal::apply(store, IT).unwrap()
}

pub fn hold(case: &str) -> HoldRequest {
    HoldRequest {
        case: case.into(),
        reason: "a complaint".into(),
        requester: Some("the court".into()),
    }
}

/// Goal (clause 4.6): taken in on 30 November at noon in Shanghai, it is kept through 1 March,
/// because 30 February does not exist; then planned, approved, and after the grace removed, with a
/// certificate that a stranger can check.
#[test]
fn clause_4_6_keeps_three_calendar_months() {
    let office = Office::at("2025-11-30T04:00:00Z");
    let id = office.admit("a.log", b"evidence").unwrap().id;
    // 30 November and 91 days is 1 March, noon: the last day.
    office.days(91);
    assert_eq!(office.store().plan().unwrap().items().len(), 0);
    office.days(1);
    let plan = office.plan();
    assert_eq!(plan.items().len(), 1);
    // Due is not gone: nobody has approved it.
    office.days(30);
    assert_eq!(apply(office.store()).gone, []);
    assert!(office.is_there(id));
    office.approve(&plan).unwrap();
    office.days(14);
    let early = apply(office.store());
    assert!(
        early.gone.is_empty() && early.kept[0].why.contains("grace"),
        "{early:?}"
    );
    office.days(1);
    let applied = apply(office.store());
    assert_eq!(
        (applied.gone.as_slice(), applied.certificates),
        (&[id][..], 1)
    );
    assert!(!office.is_there(id));
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!(record.state, State::Disposed);
    assert_eq!(
        apply(office.store()),
        Applied::default(),
        "nothing is left to do"
    );

    // The certificate, for people and for a stranger's tools.
    let file = |ending: &str| office.root().join(format!("certificates/{id}.{ending}"));
    let text = fs::read_to_string(file("txt")).unwrap();
    for fact in [
        "approver-1",
        "lawful since     2026-03-02 00:00:00 +08:00",
        &record.digest.to_string(),
    ] {
        assert!(text.contains(fact), "nothing of {fact} in {text}");
    }
    let vkey = office.store().log().to_string();
    let checked = Command::new("python3")
        .args(["docs/verify.py", "inclusion"])
        .args([file("proof"), file("event")])
        .arg(&vkey)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    // A certificate that is lost is made again of the ledger.
    fs::remove_file(file("txt")).unwrap();
    assert_eq!(apply(office.store()).certificates, 1);
    assert_eq!(fs::read_to_string(file("txt")).unwrap(), text);
}

/// Goal: a hold keeps a recording at every point of the way to its disposal; releasing it takes an
/// approver's signature and leaves the date as it was.
#[test]
fn a_hold_keeps_at_every_point_and_only_an_approver_lifts_it() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let store = office.store();
    let id = office.admit("a.log", b"held").unwrap().id;
    let first = store.place_hold(CLERK, id, hold("2026-1")).unwrap();
    let second = store.place_hold(CLERK, id, hold("2026-2")).unwrap();
    assert_eq!((first.number, second.number), (1, 2));
    office.days(120);
    assert_eq!(store.plan().unwrap().items().len(), 0, "two holds");
    let release = |hold: &str, by: &[usize]| {
        let fields = [("hold", hold), ("reason", "the case is closed")];
        office.agree(Kind::HoldRelease, Target::Recording(id), &fields, by)
    };
    assert!(release("1", &[]).unwrap_err().to_string().contains("needs"));
    release("1", &[0]).unwrap();
    assert!(release("1", &[0]).is_err(), "it is lifted already");
    assert_eq!(store.plan().unwrap().items().len(), 0, "one hold");
    release("2", &[1]).unwrap();
    let plan = office.plan();
    assert_eq!(plan.items().len(), 1);
    office.approve(&plan).unwrap();
    office.days(15);
    // Placed in the last moment, behind plan and approval and grace.
    store.place_hold(CLERK, id, hold("2026-3")).unwrap();
    let applied = apply(store);
    assert!(
        applied.gone.is_empty() && applied.kept[0].why.contains("Hold 3"),
        "{applied:?}"
    );
    assert!(office.is_there(id));
    release("3", &[0]).unwrap();
    assert_eq!(apply(store).gone, [id]);
    // Nobody is told that what is gone is kept.
    let gone = store.place_hold(CLERK, id, hold("2026-4")).unwrap_err();
    assert!(gone.to_string().contains("disposed of"), "{gone}");
}

/// Goal: a clause keeps without an end; lowering it takes an approver who did not class it, waits
/// its delay, and never goes below the three months.
#[test]
fn clause_4_6_1_to_4_6_4_keep_long_term_and_lowering_waits() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let store = office.store();
    let id = office.admit("a.log", b"obstruction").unwrap().id;
    store
        .classify(CLERK, id, Clause::Obstruction, "a stone".into())
        .unwrap();
    office.days(400);
    assert_eq!(store.plan().unwrap().items().len(), 0);
    let lower = |by: &[usize]| {
        let fields = [("to", "standard"), ("reason", "the case is closed")];
        office.agree(Kind::ClassLower, Target::Recording(id), &fields, by)
    };
    assert!(lower(&[]).is_err());
    lower(&[0]).unwrap();
    assert!(lower(&[0]).is_err(), "it is ordered already");
    office.days(30);
    assert_eq!(store.plan().unwrap().items().len(), 0, "30 days of delay");
    office.days(1);
    assert_eq!(store.plan().unwrap().items().len(), 1);
    // Anybody may raise it again, at once.
    store
        .classify(CLERK, id, Clause::OtherImportant, String::new())
        .unwrap();
    assert_eq!(store.plan().unwrap().items().len(), 0);
}

/// Goal: what nobody can attribute, and what a recorder with a suspect clock made, never expires
/// by itself; the same bytes seen again restart their months.
#[test]
fn doubts_keep_for_ever_and_a_sighting_restarts() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let store = office.store();
    office
        .admit_with("nobody.log", b"whose?", |a| a.attribution.officer = None)
        .unwrap();
    office
        .admit_with("1970.log", b"when?", |a| {
            let kind = recvault::recording::FindingKind::ClockSuspect;
            a.findings
                .push(recvault::recording::Finding::new(kind, "1970"));
        })
        .unwrap();
    let twice = office.admit("twice.log", b"twice").unwrap().id;
    office.days(60);
    assert!(!office.admit("again.log", b"twice").unwrap().fresh);
    office.days(40);
    assert_eq!(
        store.plan().unwrap().items().len(),
        0,
        "100 days after the first"
    );
    office.days(1_000);
    let plan = store.plan().unwrap();
    assert_eq!(
        plan.items().iter().map(|i| i.id).collect::<Vec<_>>(),
        [twice]
    );
}

/// Goal: a clock that is put ahead hastens nothing: disposal stops until two people confirm the
/// time.
#[test]
fn a_clock_put_ahead_stops_disposal() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    let id = office.admit("a.log", b"young").unwrap().id;
    office.days(3);
    // IT sets the clock a year ahead, and reboots to hide it.
    office.clock.set_wall(365 * DAY);
    office.store().read_clock(IT).unwrap();
    let stopped = office.store().plan().unwrap_err();
    assert!(stopped.to_string().contains("two people"), "{stopped}");
    assert!(stopped.hint().is_some());
    office.clock.reboot(60_000);
    office.reopen();
    office.store().read_clock(IT).unwrap();
    assert!(office.store().plan().is_err());
    assert_eq!(apply(office.store()).gone, []);
    assert!(office.is_there(id));
    // Set right again and confirmed by two, it goes on.
    office.clock.set_wall(-365 * DAY);
    let now = recvault::base::Clock::now(&*office.clock).to_string();
    let confirm = |by: &[usize]| {
        let fields = [
            ("confirm", now.as_str()),
            ("reason", "checked by telephone"),
        ];
        office.agree(Kind::Clock, Target::Clock, &fields, by)
    };
    assert!(confirm(&[0]).unwrap().waits, "one is not two");
    assert!(office.store().plan().is_err());
    confirm(&[0, 1]).unwrap();
    assert_eq!(
        office.store().plan().unwrap().items().len(),
        0,
        "it is young"
    );
    office.days(120);
    assert_eq!(office.store().plan().unwrap().items().len(), 1);
}

/// Goal: killed behind the tombstone, the next run finishes the removal; what was disposed of and
/// comes back is put aside and never an object again.
#[test]
fn a_disposal_is_finished_and_what_comes_back_is_put_aside() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    let id = office.admit("a.log", b"going").unwrap().id;
    office.days(100);
    let plan = office.plan();
    office.approve(&plan).unwrap();
    office.days(15);
    // As a process that was killed right behind the tombstone leaves it.
    let (root, since) = (plan.root(), plan.items()[0].since);
    let judged = office.store().times().unwrap().disposal.unwrap();
    office
        .store()
        .commit(IT, move |proposal| {
            proposal.event(recvault::event::What::RecordingDoomed {
                id,
                plan: root,
                since,
                judged,
            });
            Ok(())
        })
        .unwrap();
    office.reopen();
    assert!(office.is_there(id));
    let applied = apply(office.store());
    assert_eq!((applied.finished, applied.certificates), (1, 1));
    assert!(!office.is_there(id));
    assert_eq!(apply(office.store()), Applied::default());

    let again = office.admit("a.log", b"going").unwrap();
    assert!(again.reappeared && !again.fresh);
    assert!(!office.is_there(id));
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!(record.state, State::Disposed);
}

/// Goal: of a hold and a disposal at the same instant one comes first, in 1,000 interleavings: a
/// hold that was accepted is never ignored.
#[test]
fn a_hold_during_a_disposal_is_never_ignored() {
    const ROUNDS: u64 = 1_000;
    let office = Office::at("2026-01-10T04:00:00Z");
    let store = office.store();
    let ids: Vec<_> = (0..ROUNDS)
        .map(|n| {
            office
                .admit(&format!("{n}.log"), &n.to_be_bytes())
                .unwrap()
                .id
        })
        .collect();
    office.days(100);
    let plan = office.plan();
    assert_eq!(plan.items().len() as u64, ROUNDS);
    office.approve(&plan).unwrap();
    office.days(15);
    let mut order = ids.clone();
    // Not in the plan's order, so that each meets the disposal at another distance.
    order.sort_by_key(|id| id.to_string().chars().rev().collect::<String>());
    let held = thread::scope(|scope| {
        let holding = scope.spawn(|| {
            let placed = order
                .iter()
                .filter(|id| store.place_hold(CLERK, **id, hold("x")).is_ok());
            placed.copied().collect::<Vec<_>>()
        });
        apply(store);
        holding.join().unwrap()
    });
    for id in &ids {
        let there = office.is_there(*id);
        assert_eq!(there, held.contains(id), "{id}: held and there go together");
    }
    assert!(
        !held.is_empty() && held.len() < ids.len(),
        "{} held",
        held.len()
    );
    // The record and the decision agree, too.
    let rules = store.rules().unwrap();
    for id in held.iter().take(20) {
        let record = store.record(*id).unwrap().unwrap();
        let inputs = store.keeping(*id).unwrap().caught_up(&record, &rules);
        let now = store.times().unwrap().later;
        let verdict = evaluate(rules.policy().unwrap(), &inputs, now);
        assert!(matches!(verdict, Verdict::Keep { .. }));
    }
}
