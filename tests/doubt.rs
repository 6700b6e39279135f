//! Every doubt falls on the keeping side: about the clock, about what was signed, about a clause.

use recvault::{
    base::Clock,
    custody::{Kind, Target},
    disposal,
    retention::Clause,
    store::Attached,
};

use crate::office::{CLERK, DAY, IT, Office, Signatory};

/// Goal: while the wall clock is put back, what comes in is stamped by boot time, and so does not
/// look older than it is once the wall clock is right again.
#[test]
fn a_wall_clock_put_back_makes_nothing_look_older() {
    let office = Office::at("2026-03-01T01:00:00Z");
    let begun = office.clock.now();
    office.clock.set_wall(-2 * DAY);
    office.store().read_clock(IT).unwrap();
    office.clock.pass(DAY);
    let id = office.admit("a.log", b"meanwhile").unwrap().id;
    let record = office.store().record(id).unwrap().unwrap();
    assert_eq!(record.admitted_at, begun.plus_ms(DAY));
}

/// Goal: a machine that was off for two months behind a wall clock that hides it stamps two months
/// too early; once two people say what time it is, that is kept two months longer.
#[test]
fn a_hidden_time_off_keeps_longer_once_it_is_known() {
    let mut office = Office::at("2026-01-10T04:00:00Z");
    office.days(1);
    office.clock.reboot(0);
    office.reopen();
    office.admit("b.log", b"stamped in January").unwrap();
    // In truth it is 12 March, and now the wall clock says so.
    office.clock.set_wall(60 * DAY);
    office.store().read_clock(IT).unwrap();
    let now = office.clock.now().to_string();
    let fields = [("confirm", now.as_str()), ("reason", "by telephone")];
    let done = office
        .agree(Kind::Clock, Target::Clock, &fields, &[0, 1])
        .unwrap();
    assert!(
        done.done
            .iter()
            .any(|line| line.contains("kept as much longer")),
        "{:?}",
        done.done
    );
    office.days(45);
    let due = |office: &Office| office.store().plan().unwrap().items().len();
    assert_eq!(
        due(&office),
        0,
        "three months since January, not since March"
    );
    office.days(48);
    assert_eq!(due(&office), 1);
}

/// Goal: people who sign that nothing goes before a day are obeyed, also where the grace is over.
#[test]
fn a_signed_date_binds_a_plan() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let id = office.admit("a.log", b"not before").unwrap().id;
    office.days(100);
    let plan = office.plan();
    let amount = plan.amount();
    let (items, bytes) = (amount.items.to_string(), amount.bytes.to_string());
    let first = office.clock.now().plus_ms(40 * DAY).to_string();
    let fields = [
        ("items", items.as_str()),
        ("bytes", bytes.as_str()),
        ("not-before", first.as_str()),
    ];
    office
        .agree(Kind::Plan, Target::Digest(plan.root()), &fields, &[0])
        .unwrap();
    office.days(30);
    assert_eq!(disposal::apply(office.store(), IT).unwrap().gone, []);
    assert!(office.is_there(id));
    office.days(11);
    assert_eq!(disposal::apply(office.store(), IT).unwrap().gone, [id]);
}

/// Goal: a recording cannot be lowered to a clause that is on its way out, for then it would go
/// although people signed that it stays.
#[test]
fn what_is_on_its_way_out_is_nothing_to_lower_to() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let (store, id) = (office.store(), office.admit("a.log", b"one").unwrap().id);
    let raise = |clause| store.classify(CLERK, id, clause, String::new()).unwrap();
    let lower = |to: &str| {
        let fields = [("to", to), ("reason", "the case is closed")];
        office.agree(Kind::ClassLower, Target::Recording(id), &fields, &[0])
    };
    raise(Clause::Obstruction);
    lower("standard").unwrap();
    raise(Clause::OtherImportant);
    assert!(lower("4.6.1").is_err(), "4.6.1 ends within thirty days");
    office.days(200);
    assert!(lower("4.6.1").is_err(), "4.6.1 has ended");
    assert_eq!(store.plan().unwrap().items().len(), 0, "4.6.4 keeps it");
    raise(Clause::Obstruction);
    lower("4.6.1").unwrap();
}

/// Goal: a statement with more signatures than a line of the ledger holds is refused, and is
/// nobody else's trouble.
#[test]
fn more_signatures_than_a_line_holds_stop_nobody_else() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let id = office.admit("a.log", b"one").unwrap().id;
    office
        .store()
        .classify(CLERK, id, Clause::Obstruction, String::new())
        .unwrap();
    let fields = [("to", "standard"), ("reason", "the case is closed")];
    let lower = |by: &[usize]| office.agree(Kind::ClassLower, Target::Recording(id), &fields, by);
    assert!(lower(&[0; 1_000]).is_err());
    office.admit("b.log", b"two").unwrap();
    lower(&[0]).unwrap();
}

/// Goal: only a signature over this very statement, by a key of the roster, agrees to anything.
#[test]
fn a_strangers_signature_and_one_over_another_statement_agree_to_nothing() {
    let office = Office::at("2026-01-10T04:00:00Z");
    let store = office.store();
    let [a, b] = ["a.log", "b.log"].map(|name| office.admit(name, name.as_bytes()).unwrap().id);
    let draft = |id| {
        store
            .classify(CLERK, id, Clause::Obstruction, String::new())
            .unwrap();
        let fields = [("to", "standard"), ("reason", "the case is closed")];
        let target = Target::Recording(id);
        store.draft(Kind::ClassLower, target, &fields).unwrap()
    };
    let (wanted, other) = (draft(a), draft(b));
    let approver = &office.approvers[0];
    let submit =
        |signature: String| store.submit(CLERK, wanted.clone(), vec![signature], Attached::Nothing);
    let (before, _) = store.head().unwrap();
    assert!(submit(approver.sign(&other)).is_err(), "another statement");
    let stranger = Signatory::new(9, "approver-1");
    assert!(submit(stranger.sign(&wanted)).is_err(), "a stranger's key");
    assert!(submit(String::new()).is_err(), "no signature at all");
    assert_eq!(store.head().unwrap().0, before, "and nothing was logged");
    submit(approver.sign(&wanted)).unwrap();
}
