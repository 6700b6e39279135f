//! The compliance clock by examples, and against a world that does its worst.
#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::retention::{Terms, canonical};

const DAY_MS: i64 = 24 * HOUR_MS;
const YEAR_MS: i64 = 365 * DAY_MS;
/// 24 November 2026.
const BEGIN: i64 = 1_795_500_000_000;

fn terms() -> ClockTerms {
    Terms::default().clock
}

/// A machine in true time.
#[derive(Clone, Debug)]
struct World {
    true_ms: i64,
    /// How far the wall clock is from the truth.
    wall_off_ms: i64,
    booted_ms: i64,
    boots: u8,
    clock: ComplianceClock,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            true_ms: BEGIN,
            wall_off_ms: 0,
            booted_ms: BEGIN - HOUR_MS,
            boots: 0,
            clock: ComplianceClock::start(Reading {
                wall: Moment::from_ms(BEGIN),
                boottime_ms: HOUR_MS,
                boot: BootId::new([0; 16]),
            }),
        };
        world.read();
        world
    }

    fn reading(&self) -> Reading {
        Reading {
            wall: Moment::from_ms(self.true_ms + self.wall_off_ms),
            boottime_ms: self.true_ms - self.booted_ms,
            boot: BootId::new([self.boots; 16]),
        }
    }

    fn read(&mut self) -> Times {
        self.clock.apply_reading(self.reading(), terms())
    }

    /// Awake or asleep: boot time counts both.
    fn pass(&mut self, ms: i64) -> &mut Self {
        self.true_ms += ms;
        self
    }

    fn off_for(&mut self, ms: i64) -> &mut Self {
        self.pass(ms);
        self.booted_ms = self.true_ms;
        self.boots = self.boots.wrapping_add(1);
        self
    }

    fn truth(&self) -> Moment {
        Moment::from_ms(self.true_ms)
    }

    fn witness(&mut self, at: Moment) -> Result<(), ClockError> {
        let now = self.reading();
        self.clock.apply_witnessed(at, now, terms())
    }

    fn confirm(&mut self) -> Result<(), ClockError> {
        let (at, now) = (self.truth(), self.reading());
        self.clock.apply_confirmed(at, now, terms())
    }
}

#[test]
fn within_a_boot_it_follows_the_slower_of_wall_and_boot_time() {
    let mut world = World::new();
    world.pass(DAY_MS).read();
    assert_eq!(world.clock.time(), world.truth());
    // The wall clock is set an hour ahead: boot time is the slower one.
    world.wall_off_ms = HOUR_MS;
    let times = world.pass(DAY_MS).read();
    assert_eq!(times.disposal, Some(world.truth()));
    assert_eq!(times.later, world.truth().plus_ms(HOUR_MS));
    // It is set two hours back: the compliance clock stands until it is passed.
    world.wall_off_ms = -HOUR_MS;
    let before = world.clock.time();
    let times = world.pass(1_000).read();
    assert_eq!(times.disposal, Some(world.truth().plus_ms(-HOUR_MS)));
    // What is stamped goes on: nothing that comes in now may look older than it is.
    assert_eq!((world.clock.time(), times.later), (before, world.truth()));
    world.pass(2 * HOUR_MS).read();
    assert_eq!(world.clock.time(), world.truth().plus_ms(-HOUR_MS));
    // And set right again.
    world.wall_off_ms = 0;
    let times = world.pass(1_000).read();
    assert_eq!(times.disposal, Some(world.truth()));
    canonical::tests::holds(&world.clock);
    canonical::tests::holds(&times);
}

#[test]
fn a_jump_stops_disposal_until_two_people_confirm() {
    let gap = terms().gap_ms();
    // How the wall clock is set, whether over a reboot, and whether that stops disposal.
    let cases = [
        (gap, false, false),
        (gap + 1, false, true),
        (-gap, false, false),
        (-gap - 1, false, true),
        (10 * YEAR_MS, false, true),
        (-10 * YEAR_MS, false, true),
        // A reboot takes a second here.
        (gap - 1_000, true, false),
        (gap - 999, true, true),
        (-gap - 1_000, true, false),
        (-gap - 1_001, true, true),
        (10 * YEAR_MS, true, true),
        (-10 * YEAR_MS, true, true),
    ];
    for (set_ms, reboot, stops) in cases {
        let what = format!("{set_ms} {reboot}");
        let mut world = World::new();
        world.wall_off_ms = set_ms;
        let times = if reboot {
            world.off_for(1_000).read()
        } else {
            world.pass(1_000).read()
        };
        assert_eq!(times.disposal.is_none(), stops, "{what}");
        assert_eq!(world.clock.stopped().is_some(), stops, "{what}");
        canonical::tests::holds(&world.clock);
        if !stops {
            continue;
        }
        // Setting the clock right does not start it again, nor does a reboot, nor a witness.
        world.wall_off_ms = 0;
        world.pass(1_000).read();
        let before = world.clock.time();
        world.off_for(HOUR_MS).read();
        assert_eq!(
            world.clock.time(),
            before,
            "{what}: the wall clock moves nothing"
        );
        world.witness(world.truth()).unwrap();
        assert_eq!(world.clock.times().disposal, None, "{what}");
        world.confirm().unwrap();
        assert_eq!(world.clock.times().disposal, Some(world.truth()), "{what}");
    }
}

#[test]
fn reboots_add_up_until_somebody_vouches_for_the_time() {
    let mut world = World::new();
    // Seven reboots of a day each are believed; one second more is not.
    for _ in 0..7 {
        let times = world.off_for(DAY_MS).read();
        assert_eq!(times.disposal, Some(world.truth()));
        world.pass(HOUR_MS).read();
    }
    assert_eq!(world.clock.unconfirmed_ms(), 7 * DAY_MS);
    let believed = world.clock.time();
    let mut witnessed = world.clone();
    world.off_for(1_000).read();
    let wall = world.truth();
    let advance_ms = 7 * DAY_MS + 1_000;
    let stop = Stop::Unconfirmed { advance_ms, wall };
    assert_eq!(world.clock.stopped(), Some(stop));
    assert_eq!(world.clock.time(), believed, "the advance is not taken");
    world.confirm().unwrap();
    assert_eq!(world.clock.times().disposal, Some(world.truth()));
    assert_eq!(world.clock.unconfirmed_ms(), 0);

    let now = witnessed.truth();
    witnessed.witness(now).unwrap();
    let times = witnessed.off_for(DAY_MS).read();
    assert_eq!(times.disposal, Some(witnessed.truth()), "it begins anew");
}

#[test]
fn an_old_witness_time_shown_again_covers_only_its_own_time() {
    let mut world = World::new();
    let old = world.truth();
    world.off_for(2 * DAY_MS).read();
    world.witness(old).unwrap();
    assert_eq!(world.clock.unconfirmed_ms(), 2 * DAY_MS);
    // One from the day in between covers half.
    let between = old.plus_ms(DAY_MS);
    world.witness(between).unwrap();
    assert_eq!(world.clock.unconfirmed_ms(), DAY_MS);
    assert_eq!(world.clock.vouched(), between);
}

#[test]
fn a_time_that_contradicts_the_machine_is_refused() {
    let mut world = World::new();
    let gap = terms().gap_ms();
    world.wall_off_ms = -10 * YEAR_MS;
    world.read();
    let before = world.clock;
    let (at, wall) = (world.truth(), world.reading().wall);
    let contradicts = Err(ClockError::Contradicts { at, wall });
    assert_eq!(world.confirm(), contradicts);
    assert_eq!(world.witness(at), contradicts);
    assert_eq!(world.clock, before);
    world.wall_off_ms = 0;
    world.read();
    for by in [gap + 1, -gap - 1] {
        let far = world.truth().plus_ms(by);
        assert!(
            world
                .clock
                .apply_confirmed(far, world.reading(), terms())
                .is_err()
        );
    }
    assert!(world.clock.stopped().is_some());
    world.confirm().unwrap();
    assert_eq!(world.clock.stopped(), None);
}

#[test]
fn a_machine_put_back_to_an_earlier_state_is_another_boot() {
    let mut world = World::new();
    world.pass(DAY_MS).read();
    let before = world.clock.time();
    let mut reading = world.reading();
    reading.boottime_ms -= HOUR_MS;
    reading.wall = reading.wall.plus_ms(HOUR_MS);
    world.clock.apply_reading(reading, terms());
    assert_eq!(world.clock.time(), before.plus_ms(HOUR_MS));
    assert_eq!(world.clock.unconfirmed_ms(), HOUR_MS);
}

#[test]
fn readings_from_the_ends_of_time_are_no_panic() {
    for wall in [i64::MIN, i64::MAX] {
        for boottime_ms in [i64::MIN, i64::MAX] {
            for boot in [0, 9] {
                let mut world = World::new();
                let boot = BootId::new([boot; 16]);
                let wall = Moment::from_ms(wall);
                let reading = Reading {
                    wall,
                    boottime_ms,
                    boot,
                };
                assert_eq!(world.clock.apply_reading(reading, terms()).disposal, None);
                let before = world.clock.time();
                world.clock.apply_reading(world.reading(), terms());
                assert!(world.clock.time() >= before);
            }
        }
    }
}

#[test]
fn a_boot_id_is_read_as_linux_writes_it() {
    let id: BootId = "2f0e1d3c-4b5a-6978-8796-a5b4c3d2e1f0\n".parse().unwrap();
    assert_eq!(id.to_string(), "2f0e1d3c4b5a69788796a5b4c3d2e1f0");
    canonical::tests::holds(&id);
    for bad in ["", "2f0e", "2f0e1d3c4b5a69788796a5b4c3d2e1fg"] {
        assert!(bad.parse::<BootId>().is_err(), "{bad}");
    }
}

/// One thing that happens to a machine.
#[derive(Clone, Debug)]
enum Step {
    /// Awake or asleep.
    Pass(i64),
    /// Off, and on again.
    Off(i64),
    /// Root sets the wall clock.
    Set(i64),
    /// The wall clock is set right.
    Right,
    /// A witness time of so long ago is shown.
    Witness(i64),
    /// Two honest people confirm the time.
    Confirm,
    /// Nobody reads the clock after the next step.
    Unread,
}

fn any_step() -> impl Strategy<Value = Step> {
    let some = prop_oneof![0..10_000_i64, 0..2 * DAY_MS, 0..30 * DAY_MS];
    let near = prop_oneof![-4 * DAY_MS..4 * DAY_MS, -10 * YEAR_MS..10 * YEAR_MS];
    prop_oneof![
        4 => some.clone().prop_map(Step::Pass),
        4 => some.clone().prop_map(Step::Off),
        4 => near.prop_map(Step::Set),
        2 => Just(Step::Right),
        1 => some.prop_map(Step::Witness),
        1 => Just(Step::Confirm),
        1 => Just(Step::Unread),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Safety. Whatever root does to the wall clock, however often the machine is off or asleep:
    /// the time that disposal is judged by is never further ahead of the truth than what the
    /// clock itself calls unconfirmed, which is never more than the allowance.
    #[test]
    fn disposal_never_runs_ahead_of_the_truth(steps in vec(any_step(), 1..60)) {
        let mut world = World::new();
        let mut unread = false;
        for step in steps {
            let before = world.clock;
            match step {
                Step::Pass(ms) => { world.pass(ms); }
                Step::Off(ms) => { world.off_for(ms); }
                Step::Set(off_ms) => world.wall_off_ms = off_ms,
                Step::Right => world.wall_off_ms = 0,
                Step::Witness(age_ms) => {
                    let at = world.truth().plus_ms(-age_ms);
                    let _ = world.witness(at);
                }
                Step::Confirm => { let _ = world.confirm(); }
                Step::Unread => { unread = true; continue; }
            }
            if !std::mem::take(&mut unread) {
                let times = world.read();
                prop_assert!(times.later >= world.reading().wall && times.later >= world.clock.time());
                if let Some(disposal) = times.disposal {
                    prop_assert!(disposal <= world.reading().wall);
                    let ahead_ms = disposal.ms_since(world.truth());
                    prop_assert!(ahead_ms <= world.clock.unconfirmed_ms(), "{ahead_ms} ms ahead");
                }
            }
            prop_assert!(world.clock.time() >= before.time(), "it went back");
            prop_assert!((0..=terms().allowance_ms()).contains(&world.clock.unconfirmed_ms()));
            // The state is what events hold: nothing is lost by writing and reading it.
            let text = canonical::canonical(&world.clock);
            prop_assert_eq!(serde_json::from_str::<ComplianceClock>(&text).unwrap(), world.clock);
        }
    }

    /// Liveness. A machine whose clock is right to half a second, off at night and at weekends,
    /// seen by a witness once a week: never stopped, and always within a second of the truth.
    #[test]
    fn a_sane_clock_is_followed(
        days in vec((0..16 * HOUR_MS, 0..10 * HOUR_MS, -500_i64..500, any::<bool>()), 30..120),
    ) {
        let mut world = World::new();
        for (n, (on_ms, off_ms, jitter_ms, asleep)) in days.into_iter().enumerate() {
            for _ in 0..20 {
                world.wall_off_ms = jitter_ms;
                world.pass(on_ms / 20).read();
                world.wall_off_ms = 0;
                world.pass(1_000).read();
            }
            let times = if asleep { world.pass(off_ms).read() } else { world.off_for(off_ms).read() };
            prop_assert!(times.disposal.is_some(), "stopped on day {}: {:?}", n, world.clock);
            let behind_ms = world.truth().ms_since(times.disposal.unwrap());
            prop_assert!((-1_000..=1_000).contains(&behind_ms), "{behind_ms} ms behind");
            if n % 7 == 6 {
                // Its answer took a few seconds to arrive.
                let at = world.truth().plus_ms(-5_000);
                world.witness(at).unwrap();
            }
        }
    }
}
