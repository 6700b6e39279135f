//! Where a test may kill the program or let a step of it fail: a named point at each numbered
//! step of the write orders (DESIGN section 4).
//!
//! - A point has two places: before its step, by its name, and behind it, as `<name>.done`. A
//!   fault at the first is a step that *failed*, at the second one that *failed but persisted*.
//! - Every point of the whole program stands in [`POINTS`] with its step. One that does not is a
//!   defect, and the first pass over it says so.
//! - Without the cargo feature `failpoints`, which no shipped binary has, nothing of this is in
//!   the program: [`step`], [`done`] and [`arm`] are empty.
//!
//! With the feature, a process that calls [`arm`] reads `FAILPOINTS` as the crate `fail` does:
//! `vault.admit.link=return(kill)` kills it before the link, `vault.admit.link.done=return(fail)`
//! lets the link stand and reports an error, `vault.admit.link=2*off->return(kill)` lets two
//! passes go by. Separate points by `;`.

use std::io;

/// Every point with the step that it stands at.
///
/// The steps of Admit have their numbers from DESIGN section 4. Those of Derive and Dispose are
/// counted along the arrows there: Derive 1 the worker writes, 2 verified, 3 linked, 4 batch;
/// Dispose 1 batch (tombstone), 2 unlink, 3 fsync, 4 batch (gone), 5 certificate; Export 1 batch
/// (intent, use spent), 2 package in a hidden folder, 3 batch (outcome), 4 its name, 5 the proof
/// beside it. Mirror and
/// Repair go through Admit's steps 2 to 4 on another shelf. Publish 1 syncs ledger and sidecars,
/// 2 signs the checkpoint. There is one writer, so that the batches of all orders are one point.
pub const POINTS: &[(&str, &str)] = &[
    ("intake.admit.open", "Admit 1"),
    ("intake.release.move", "Admit 7"),
    ("intake.release.remove", "Admit 7"),
    ("intake.derive.work", "Derive 1"),
    ("intake.derive.verify", "Derive 2"),
    (
        "store.commit.details",
        "Admit 5, Derive 4, Dispose 1, Dispose 4",
    ),
    (
        "store.commit.batch",
        "Admit 5, Derive 4, Dispose 1, Dispose 4, Export 1, Export 3",
    ),
    (
        "store.commit.ledger",
        "Admit 5, Derive 4, Dispose 1, Dispose 4",
    ),
    (
        "store.commit.sidecar",
        "Admit 6, Derive 4, Dispose 1, Dispose 4",
    ),
    ("store.publish.sync", "Publish 1"),
    ("store.publish.sign", "Publish 2"),
    ("disposal.certificate", "Dispose 5"),
    ("export.begin", "Export 2"),
    ("export.copy", "Export 2"),
    ("export.original", "Export 2"),
    ("export.excerpt", "Export 2"),
    ("export.complete", "Export 2"),
    ("export.name", "Export 4"),
    ("export.folder", "Export 4"),
    ("export.beside", "Export 5"),
    ("export.witnessed", "Export 5"),
    ("vault.admit.copy", "Admit 2"),
    ("vault.admit.sync", "Admit 3"),
    ("vault.admit.reread", "Admit 3"),
    ("vault.admit.drawer", "Admit 4"),
    ("vault.admit.link", "Admit 4"),
    ("vault.admit.aside", "Admit 4"),
    ("vault.admit.heal", "Admit 4"),
    ("vault.admit.folder", "Admit 4"),
    ("vault.derive.sync", "Derive 3"),
    ("vault.derive.reread", "Derive 3"),
    ("vault.derive.drawer", "Derive 3"),
    ("vault.derive.link", "Derive 3"),
    ("vault.derive.aside", "Derive 3"),
    ("vault.derive.heal", "Derive 3"),
    ("vault.derive.folder", "Derive 3"),
    ("vault.mirror.copy", "Mirror 2"),
    ("vault.mirror.sync", "Mirror 3"),
    ("vault.mirror.reread", "Mirror 3"),
    ("vault.mirror.drawer", "Mirror 4"),
    ("vault.mirror.link", "Mirror 4"),
    ("vault.mirror.aside", "Mirror 4"),
    ("vault.mirror.heal", "Mirror 4"),
    ("vault.mirror.folder", "Mirror 4"),
    ("vault.sidecar.write", "Mirror 5"),
    ("vault.sidecar.replace", "Mirror 5"),
    ("vault.sidecar.folder", "Mirror 5"),
    ("vault.repair.copy", "Repair 2"),
    ("vault.repair.sync", "Repair 3"),
    ("vault.repair.reread", "Repair 3"),
    ("vault.repair.drawer", "Repair 4"),
    ("vault.repair.link", "Repair 4"),
    ("vault.repair.aside", "Repair 4"),
    ("vault.repair.heal", "Repair 4"),
    ("vault.repair.folder", "Repair 4"),
    ("vault.repair.verify", "Repair 5"),
    ("vault.remove.original", "Dispose 2"),
    ("vault.remove.original_folder", "Dispose 3"),
    ("vault.remove.mirror", "Dispose 2"),
    ("vault.remove.mirror_folder", "Dispose 3"),
    ("vault.remove.rendition", "Dispose 2"),
    ("vault.remove.rendition_folder", "Dispose 3"),
    ("vault.remove.aside", "Dispose 2"),
    ("vault.remove.aside_folder", "Dispose 3"),
];

/// The name of a point that is carried about as data. Without the feature it is empty, so that
/// not even names are left in the program.
#[must_use]
pub const fn named(name: &'static str) -> &'static str {
    if cfg!(feature = "failpoints") {
        name
    } else {
        ""
    }
}

/// Arms the points that `FAILPOINTS` names, for the rest of this process. Call it once, first.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub const fn arm() {}

/// Before the step of the point `name`.
///
/// # Errors
/// Only when a test armed it to fail: the step is not to be done.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn step(_name: &'static str) -> io::Result<()> {
    Ok(())
}

/// Behind the step of the point `name`.
///
/// # Errors
/// Only when a test armed it to fail: the step is done, and its caller is told that it is not.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn done(_name: &'static str) -> io::Result<()> {
    Ok(())
}

/// Does the step of the point `name`, which is one system call.
///
/// # Errors
/// The system's word, or as [`step`] and [`done`].
#[inline(always)]
pub fn around<T, E: Into<io::Error>>(
    name: &'static str,
    work: impl FnOnce() -> Result<T, E>,
) -> io::Result<T> {
    step(name)?;
    let made = work().map_err(Into::into)?;
    done(name)?;
    Ok(made)
}

#[cfg(feature = "failpoints")]
pub use armed::{arm, done, step};

#[cfg(feature = "failpoints")]
mod armed {
    use std::{io, thread};

    use rustix::{
        io::Errno,
        process::{Signal, getpid, kill_process},
    };

    use super::POINTS;

    /// Arms the points that `FAILPOINTS` names, for the rest of this process. Call it once, first.
    ///
    /// # Panics
    /// When `FAILPOINTS` cannot be read or names what is not in [`POINTS`]: a test that arms
    /// nothing would pass for nothing.
    pub fn arm() {
        let scenario = fail::FailScenario::setup();
        for (place, _) in fail::list() {
            check_listed(place.strip_suffix(".done").unwrap_or(&place));
        }
        // Dropping it would disarm everything.
        std::mem::forget(scenario);
    }

    fn check_listed(name: &str) {
        assert!(
            POINTS.iter().any(|(listed, _)| *listed == name),
            "{name} is not in POINTS"
        );
    }

    /// Before the step of the point `name`.
    ///
    /// # Errors
    /// When it is armed to fail: the step is not to be done.
    pub fn step(name: &'static str) -> io::Result<()> {
        check_listed(name);
        pass(name)
    }

    /// Behind the step of the point `name`.
    ///
    /// # Errors
    /// When it is armed to fail: the step is done, and its caller is told that it is not.
    pub fn done(name: &'static str) -> io::Result<()> {
        pass(&format!("{name}.done"))
    }

    fn pass(place: &str) -> io::Result<()> {
        fail::fail_point!(place, |action| act(place, action.as_deref()));
        Ok(())
    }

    fn act(place: &str, action: Option<&str>) -> io::Result<()> {
        match action {
            Some("kill") => {
                let _ = kill_process(getpid(), Signal::KILL);
                // The signal has this thread before it could come here; nothing may go on.
                loop {
                    thread::park();
                }
            }
            Some("fail") => Err(Errno::IO.into()),
            other => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{place} can be told to kill or to fail, not to {other:?}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list is what a harness goes by: each name once, each with a step and a number.
    #[test]
    fn every_point_is_listed_once_with_the_step_that_it_stands_at() {
        for (n, (name, design)) in POINTS.iter().enumerate() {
            assert!(
                POINTS[..n].iter().all(|(earlier, _)| earlier != name),
                "{name} twice"
            );
            for step in design.split(", ") {
                let (order, number) = step.split_once(' ').unwrap_or_default();
                let known = ORDERS
                    .iter()
                    .any(|(o, last)| *o == order && number.parse().is_ok_and(|n: u8| n <= *last));
                assert!(known, "{name}: {design}");
            }
            let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
            assert!(
                name.chars().all(plain) && !name.ends_with(".done"),
                "{name}"
            );
        }
    }

    /// The write orders of DESIGN section 4, and the number of each one's last step.
    const ORDERS: &[(&str, u8)] = &[
        ("Admit", 7),
        ("Derive", 4),
        ("Dispose", 5),
        ("Mirror", 5),
        ("Repair", 5),
        ("Publish", 2),
        ("Export", 5),
    ];

    /// No step of an order is without a point. What comes before the first write of mirror and
    /// repair, looking at what is there, is no step that could be half done.
    #[test]
    fn every_step_of_the_design_has_a_point() {
        for (order, last) in ORDERS {
            let first = if matches!(*order, "Mirror" | "Repair") {
                2
            } else {
                1
            };
            for n in first..=*last {
                let step = format!("{order} {n}");
                let has = POINTS.iter().any(|(_, s)| s.split(", ").any(|s| s == step));
                assert!(has, "{step} has no point");
            }
        }
    }

    /// What is not armed does nothing, with the feature and without.
    #[test]
    fn an_unarmed_point_lets_the_step_be_done() {
        let mut steps = 0;
        let made = around("vault.admit.link", || {
            steps += 1;
            Ok::<_, io::Error>(7)
        });
        assert!(matches!(made, Ok(7)));
        assert_eq!(steps, 1);
    }
}
