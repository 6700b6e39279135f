//! Whole histories, drawn at random, and judged by `history.py`: it shares no code with recvault
//! and reads nothing but a copy of the ledger, and beside it what time it truly was.

use std::{
    cell::{Cell, RefCell},
    fs,
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use recvault::{
    base::{Clock, ErrorKind, Explain, RecordingId},
    custody::{Kind, Target},
    disposal,
    recording::{Finding, FindingKind, Source, Value},
    registry::{Change, Device, Officer},
    retention::{Clause, Terms},
    store::{Attached, HoldRequest, StoreError},
};
use serde_json::{Value as Json, json};

use crate::{
    case::copy_dir,
    office::{CLERK, DAY, IT, Office},
};

const HOUR: i64 = DAY / 24;

/// One thing that happens. Numbers that name a recording count round those that are there.
#[derive(Clone, Debug)]
enum Step {
    /// A new recording, and what is special about it.
    Admit(Special),
    SeenAgain(usize),
    Classify(usize, Clause),
    Lower(usize),
    Hold(usize),
    Release(usize, u32),
    /// Whose it is, or that it began so many hours before it was taken in.
    Correct(usize, i64),
    /// Another policy, of so many months.
    Policy(u16),
    /// So many hours go by, the machine running.
    Pass(i64),
    /// Somebody sets the wall clock by so many milliseconds.
    Jump(i64),
    /// The machine is off for so many hours, and its wall clock is wrong by so much behind that.
    Off(i64, i64),
    /// Another command opens the store.
    Reopen,
    /// The wall clock is put right, and two people say so.
    Confirm,
    /// The same, but only one of the two signs.
    HalfConfirm,
    /// A correction that only one of two signs.
    HalfCorrect(usize, i64),
    /// This one of the two signs whatever waits for more signatures.
    SignWaiting(usize),
    Plan,
    Approve,
    Apply,
    /// Plan, approval, and a fortnight later its night; and what happens meanwhile.
    Dispose(Option<Box<Step>>),
}

#[derive(Clone, Debug)]
enum Special {
    Nothing,
    /// It ended so many hours after it was taken in, or before.
    Ended(i64),
    NobodysDevice,
    ClockSuspect,
}

fn special() -> impl Strategy<Value = Special> {
    prop_oneof![
        6 => Just(Special::Nothing),
        2 => (-100 * 24..40 * 24_i64).prop_map(Special::Ended),
        1 => Just(Special::NobodysDevice),
        1 => Just(Special::ClockSuspect),
    ]
}

fn jump() -> impl Strategy<Value = i64> {
    const DECADE: i64 = 3_652 * DAY;
    prop_oneof![
        -2 * HOUR..2 * HOUR,
        -4 * DAY..4 * DAY,
        -200 * DAY..200 * DAY,
        -DECADE..DECADE,
    ]
}

/// What happens whether or not the clocks are right.
fn calm() -> BoxedStrategy<Step> {
    let which = || 0..12_usize;
    prop_oneof![
        6 => special().prop_map(Step::Admit),
        1 => which().prop_map(Step::SeenAgain),
        1 => (which(), 0..4_usize).prop_map(|(n, c)| Step::Classify(n, Clause::ALL[c])),
        1 => which().prop_map(Step::Lower),
        2 => which().prop_map(Step::Hold),
        2 => (which(), 1..3_u32).prop_map(|(n, hold)| Step::Release(n, hold)),
        2 => (which(), 0..60 * 24_i64).prop_map(|(n, hours)| Step::Correct(n, hours)),
        1 => (which(), 0..60 * 24_i64).prop_map(|(n, hours)| Step::HalfCorrect(n, hours)),
        1 => (0..2_usize).prop_map(Step::SignWaiting),
        1 => (3..7_u16).prop_map(Step::Policy),
        6 => (1..100 * 24_i64).prop_map(Step::Pass),
        1 => Just(Step::Reopen),
        1 => Just(Step::Plan),
        2 => Just(Step::Approve),
        2 => Just(Step::Apply),
        7 => proptest::option::of(meanwhile().prop_map(Box::new)).prop_map(Step::Dispose),
    ]
    .boxed()
}

/// What may happen between the approval of a plan and its night.
fn meanwhile() -> impl Strategy<Value = Step> {
    let which = || 0..12_usize;
    prop_oneof![
        4 => which().prop_map(Step::Hold),
        1 => which().prop_map(Step::SeenAgain),
        1 => (which(), 0..4_usize).prop_map(|(n, c)| Step::Classify(n, Clause::ALL[c])),
        1 => (which(), 0..60 * 24_i64).prop_map(|(n, hours)| Step::Correct(n, hours)),
        1 => (3..7_u16).prop_map(Step::Policy),
    ]
}

fn wild() -> BoxedStrategy<Step> {
    prop_oneof![
        20 => calm(),
        1 => jump().prop_map(Step::Jump),
        2 => (0..60 * 24_i64, prop_oneof![Just(0), jump()]).prop_map(|(h, by)| Step::Off(h, by)),
        3 => Just(Step::Confirm),
        1 => Just(Step::HalfConfirm),
    ]
    .boxed()
}

/// An office to which things happen, and what time it truly is.
struct Story {
    office: Office,
    truth: Cell<i64>,
    /// What time it truly was when the events before a number were written.
    told: RefCell<Vec<(u64, i64)>>,
    recordings: RefCell<Vec<(RecordingId, String)>>,
    policy: Cell<u64>,
}

impl Story {
    fn begin() -> Self {
        let office = Office::at("2026-01-10T04:00:00Z");
        let truth = Cell::new(office.clock.now().as_ms());
        let story = Self {
            office,
            truth,
            told: RefCell::default(),
            recordings: RefCell::default(),
            policy: Cell::new(1),
        };
        let device = Change::DeviceAdded(Device {
            id: "BWC-0001".into(),
            model: String::new(),
            unit: "North".into(),
            price_fen: None,
        });
        let officer = Change::OfficerAdded(Officer {
            id: "1003".into(),
            name: String::new(),
            unit: "North".into(),
        });
        let register = vec![device, officer];
        story.office.store().import(IT, register).unwrap();
        story.note();
        story
    }

    /// Notes what time it truly is, for the events since the last note.
    fn note(&self) {
        let (next, _) = self.office.store().head().unwrap();
        self.told.borrow_mut().push((next, self.truth.get()));
    }

    fn pass(&self, ms: i64) {
        self.office.clock.pass(ms);
        self.truth.set(self.truth.get() + ms);
        self.office.store().read_clock(IT).unwrap();
        self.note();
    }

    /// One that is there, or, where none is, one that was.
    fn recording(&self, n: usize) -> Option<(RecordingId, String)> {
        let all = self.recordings.borrow();
        let there = |(id, _): &&(RecordingId, String)| self.office.is_there(*id);
        let left: Vec<_> = all.iter().filter(there).collect();
        let left = if left.is_empty() {
            all.iter().collect()
        } else {
            left
        };
        left.get(n.checked_rem(left.len())?).map(|r| (*r).clone())
    }

    /// One that is there or was.
    fn any_recording(&self, n: usize) -> Option<(RecordingId, String)> {
        let all = self.recordings.borrow();
        all.get(n.checked_rem(all.len())?).cloned()
    }

    /// Two people confirm what time it truly is, by a wall clock that was put right.
    fn confirm(&self, by: &[usize]) -> Result<(), StoreError> {
        let wrong = self.truth.get() - self.office.clock.now().as_ms();
        self.office.clock.set_wall(wrong);
        self.office.store().read_clock(IT)?;
        let now = self.office.clock.now().to_string();
        let fields = [("confirm", now.as_str()), ("reason", "by telephone")];
        self.office
            .agree(Kind::Clock, Target::Clock, &fields, by)
            .map(|_| ())
    }

    fn approve(&self) -> Result<(), StoreError> {
        match self.office.store().newest_plan()? {
            Some((_, plan)) => self.office.approve(&plan).map(|_| ()),
            None => Ok(()),
        }
    }

    fn plan(&self) -> Result<(), StoreError> {
        let plan = self.office.store().plan()?;
        self.office.store().record_plan(IT, &plan)
    }

    fn dispose(&mut self, meanwhile: Option<&Step>) -> Result<(), StoreError> {
        self.plan()?;
        self.approve()?;
        self.note();
        if let Some(step) = meanwhile {
            self.step(step);
        }
        self.pass(15 * DAY);
        disposal::apply(self.office.store(), IT).unwrap();
        Ok(())
    }

    /// Lets it happen. What the rules refuse does not.
    fn step(&mut self, step: &Step) {
        let done = self.attempt(step);
        self.note();
        match done {
            Err(e) if e.kind() != ErrorKind::Refused => panic!("{step:?}: {e}"),
            _ => {}
        }
    }

    fn attempt(&mut self, step: &Step) -> Result<(), StoreError> {
        let agree = |kind, n: usize, fields: &[(&str, &str)]| match self.recording(n) {
            Some((id, _)) => self
                .office
                .agree(kind, Target::Recording(id), fields, &[0])
                .map(|_| ()),
            None => Ok(()),
        };
        match *step {
            Step::Admit(ref special) => self.admit(special),
            Step::SeenAgain(n) => match self.any_recording(n) {
                Some((_, name)) => self.office.admit(&name, name.as_bytes()).map(|_| ()),
                None => Ok(()),
            },
            Step::Classify(n, clause) => match self.recording(n) {
                Some((id, _)) => self
                    .office
                    .store()
                    .classify(CLERK, id, clause, "looked at".into())
                    .map(|_| ()),
                None => Ok(()),
            },
            Step::Lower(n) => agree(
                Kind::ClassLower,
                n,
                &[("reason", "not so"), ("to", "standard")],
            ),
            Step::Hold(n) => match self.recording(n) {
                Some((id, _)) => {
                    let (next, _) = self.office.store().head()?;
                    let request = HoldRequest {
                        case: format!("2026-{next}"),
                        reason: "a complaint".into(),
                        requester: Some("the court".into()),
                    };
                    self.office
                        .store()
                        .place_hold(CLERK, id, request)
                        .map(|_| ())
                }
                None => Ok(()),
            },
            Step::Release(n, hold) => {
                let fields = [("hold", &*hold.to_string()), ("reason", "closed")];
                agree(Kind::HoldRelease, n, &fields)
            }
            Step::Correct(n, hours) => self.correct(n, hours, &[0, 1]),
            Step::HalfCorrect(n, hours) => self.correct(n, hours, &[0]),
            Step::HalfConfirm => self.confirm(&[1]),
            Step::SignWaiting(by) => self.sign_waiting(by),
            Step::Policy(months) => self.adopt(months),
            Step::Pass(hours) => {
                self.pass(hours * HOUR);
                Ok(())
            }
            Step::Jump(by) => {
                self.office.clock.set_wall(by);
                self.office.store().read_clock(IT)
            }
            Step::Off(hours, wrong_by) => {
                self.office.close();
                self.office.clock.reboot(hours * HOUR + wrong_by);
                self.truth.set(self.truth.get() + hours * HOUR);
                self.office.reopen();
                self.office.store().read_clock(IT)
            }
            Step::Reopen => {
                self.office.reopen();
                Ok(())
            }
            Step::Confirm => self.confirm(&[0, 1]),
            Step::Plan => self.plan(),
            Step::Approve => self.approve(),
            Step::Apply => {
                disposal::apply(self.office.store(), IT).unwrap();
                Ok(())
            }
            Step::Dispose(ref meanwhile) => self.dispose(meanwhile.as_deref()),
        }
    }

    fn admit(&self, special: &Special) -> Result<(), StoreError> {
        let name = format!("{}.log", self.recordings.borrow().len());
        let now = self.office.clock.now();
        let admitted = self
            .office
            .admit_with(&name, name.as_bytes(), |a| match *special {
                Special::Nothing => {}
                Special::Ended(hours) => {
                    a.attribution.ended_at = Some(Value {
                        value: now.plus_ms(hours * HOUR),
                        source: Source::FileName(1),
                    });
                }
                Special::NobodysDevice => a.attribution.device = None,
                Special::ClockSuspect => a
                    .findings
                    .push(Finding::new(FindingKind::ClockSuspect, "1970")),
            })?;
        self.recordings.borrow_mut().push((admitted.id, name));
        Ok(())
    }

    /// One of the two signs whatever waits; what is refused by then is refused.
    fn sign_waiting(&self, by: usize) -> Result<(), StoreError> {
        for waiting in self.office.store().waiting()? {
            match self.office.submit(&waiting.statement, &[by]) {
                Err(e) if e.kind() != ErrorKind::Refused => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    fn correct(&self, n: usize, hours: i64, by: &[usize]) -> Result<(), StoreError> {
        let Some((id, _)) = self.recording(n) else {
            return Ok(());
        };
        let record = self.office.store().record(id)?.unwrap();
        let start = record.admitted_at.plus_ms(-hours * HOUR).to_string();
        let (kind, field) = match record.attribution.device {
            None => (Kind::Attribution, ("device", "BWC-0001")),
            Some(_) => (Kind::Time, ("start", start.as_str())),
        };
        let mut fields = [("reason", "by the duty list"), field];
        fields.sort_unstable();
        self.office
            .agree(kind, Target::Recording(id), &fields, by)
            .map(|_| ())
    }

    fn adopt(&self, months: u16) -> Result<(), StoreError> {
        let terms = Terms {
            version: self.policy.get() + 1,
            keep_months: months,
            ..Terms::default()
        };
        let policy = terms.into_policy().unwrap();
        let store = self.office.store();
        let target = Target::Digest(policy.digest());
        let statement = store.draft(Kind::Policy, target, &[("reason", "a decision")])?;
        let signatures = self.office.approvers.iter().map(|a| a.sign(&statement));
        let signatures = signatures.collect();
        store.submit(
            CLERK,
            statement,
            signatures,
            Attached::Policy(Box::new(policy)),
        )?;
        self.policy.set(self.policy.get() + 1);
        Ok(())
    }

    /// So many days, and two disposals, under a clock that is right; then everything that was due is gone.
    fn come_to_rest(&mut self, days: i64) {
        self.confirm(&[0, 1]).unwrap();
        self.note();
        self.pass(days * DAY);
        for _ in 0..2 {
            self.dispose(None).unwrap();
            self.note();
        }
    }

    /// A copy of the ledger, and the truth beside it.
    fn copy(&self, to: &Path, all_due_are_gone: bool) {
        self.office.store().publish().unwrap();
        self.note();
        copy_dir(&self.office.root().join("ledger"), to);
        let truth = json!({ "truth": *self.told.borrow(), "all_due_are_gone": all_due_are_gone });
        fs::write(to.join("truth.json"), truth.to_string()).unwrap();
    }
}

/// The second opinion, as long as it is asked.
struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Oracle {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/history.py");
        let mut child = Command::new("python3")
            .args(["-B", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            questions,
            answers,
        }
    }

    fn judge(&mut self, folder: &Path) -> Json {
        let questions = self.questions.as_mut().unwrap();
        writeln!(questions, "{}", folder.display()).unwrap();
        let answer = self.answers.next().unwrap().unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn stop(mut self) {
        self.questions = None;
        assert!(self.child.wait().unwrap().success());
    }
}

/// Draws so many histories and has each judged.
pub fn trial(cases: u32) {
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let oracle = RefCell::new(Oracle::start());
    let (events, gone, clean) = (Cell::new(0), Cell::new(0), Cell::new(0_u64));
    let steps = prop_oneof![
        (vec(calm(), 10..40), 0..200_i64).prop_map(|(steps, rest)| (steps, Some(rest))),
        vec(wild(), 10..50).prop_map(|steps| (steps, None)),
    ];
    let judged = TestRunner::new(config).run(&steps, |(steps, rest)| {
        let mut story = Story::begin();
        for step in &steps {
            story.step(step);
        }
        if let Some(days) = rest {
            story.come_to_rest(days);
        }
        let copy = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let copy = copy.unwrap();
        story.copy(copy.path(), rest.is_some());
        let answer = oracle.borrow_mut().judge(copy.path());
        prop_assert_eq!(&answer["wrong"], &json!([]), "{:?}", answer);
        let number = |key: &str| answer[key].as_u64().unwrap();
        events.set(events.get() + number("events"));
        gone.set(gone.get() + number("gone"));
        clean.set(clean.get() + u64::from(rest.is_some()));
        Ok(())
    });
    oracle.into_inner().stop();
    judged.unwrap();
    let (events, gone, clean) = (events.get(), gone.get(), clean.get());
    eprintln!(
        "{cases} histories, {clean} under clocks that were right: {events} events, {gone} removed"
    );
    assert!(
        gone > u64::from(cases) / 2,
        "too little was removed to prove anything"
    );
}

/// Goal (regulation 4.6): whatever is done in whatever order, and whatever the clocks say, nothing
/// is removed before its lawful date, under a hold, or unapproved; and where the clocks are right,
/// everything that is due goes. Two thousand histories, by two tests at once.
#[test]
fn no_history_removes_anything_unlawfully() {
    trial(1_000);
}

/// The other half of them; see above.
#[test]
fn nor_does_any_of_another_thousand() {
    trial(1_000);
}
