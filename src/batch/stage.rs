//! Threads and queues of a batch.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, Scope},
};

use crossbeam_channel::{Receiver, bounded};

use crate::base::limits;

/// The work on one item panicked: a defect of recvault, kept with what it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("defect in stage '{stage}': {said}")]
pub struct Defect {
    /// The stage.
    pub stage: &'static str,
    /// What the panic said.
    pub said: String,
}

/// The stages of one batch, within one scope of threads.
pub struct Stages<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
}

impl<'scope, 'env> Stages<'scope, 'env> {
    /// Runs `build`, which starts stages and drains the last one; all threads have ended when
    /// this returns.
    pub fn run<R>(build: impl for<'s> FnOnce(&Stages<'s, 'env>) -> R) -> R {
        thread::scope(|scope| build(&Stages { scope }))
    }

    /// Feeds the items of an iterator into a queue, from a thread of its own. Ends early when
    /// nobody takes them any more.
    pub fn source<T, I>(&self, items: I) -> Receiver<T>
    where
        T: Send + 'scope,
        I: IntoIterator<Item = T> + Send + 'scope,
    {
        let (send, receive) = bounded(limits::STAGE_QUEUE_MAX);
        self.scope.spawn(move || {
            for item in items {
                if send.send(item).is_err() {
                    break;
                }
            }
        });
        receive
    }

    /// `threads` threads that take items, work on them and hand the results on, in the order in
    /// which they finish. A panic becomes the item's [`Defect`].
    pub fn stage<I, O, F>(
        &self,
        name: &'static str,
        threads: usize,
        input: &Receiver<I>,
        work: F,
    ) -> Receiver<Result<O, Defect>>
    where
        I: Send + 'scope,
        O: Send + 'scope,
        F: Fn(I) -> O + Send + Sync + Clone + 'scope,
    {
        let (send, receive) = bounded(limits::STAGE_QUEUE_MAX);
        for _ in 0..threads.max(1) {
            let (input, send, work) = (input.clone(), send.clone(), work.clone());
            self.scope.spawn(move || {
                for item in input {
                    let out =
                        catch_unwind(AssertUnwindSafe(|| work(item))).map_err(|panic| Defect {
                            stage: name,
                            said: said(&*panic),
                        });
                    if send.send(out).is_err() {
                        break;
                    }
                }
            });
        }
        receive
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_item_comes_out_once_and_a_panic_is_only_its_own() {
        let out: Vec<_> = Stages::run(|stages| {
            let numbers = stages.source(0..1_000_u32);
            let halves = stages.stage("halve", 3, &numbers, |n| {
                assert!(n != 500, "five hundred");
                n / 2
            });
            halves.iter().collect()
        });
        assert_eq!(out.len(), 1_000);
        let defects: Vec<_> = out.iter().filter_map(|r| r.as_ref().err()).collect();
        assert_eq!(
            defects,
            [&Defect {
                stage: "halve",
                said: "five hundred".into()
            }]
        );
        let sum: u32 = out.iter().filter_map(|r| r.as_ref().ok()).sum();
        assert_eq!(sum, (0..1_000).map(|n| n / 2).sum::<u32>() - 250);
    }

    #[test]
    fn a_slow_stage_holds_the_fast_one_back() {
        let made = AtomicUsize::new(0);
        Stages::run(|stages| {
            let source = stages.source((0..1_000_usize).inspect(|_| {
                made.fetch_add(1, Ordering::SeqCst);
            }));
            let slow = stages.stage("slow", 1, &source, |n| n);
            // Nothing is taken out: source, two queues and two hands can hold this much and no more.
            while source.len() < limits::STAGE_QUEUE_MAX || slow.len() < limits::STAGE_QUEUE_MAX {
                thread::yield_now();
            }
            assert!(made.load(Ordering::SeqCst) <= 2 * limits::STAGE_QUEUE_MAX + 3);
            assert_eq!(slow.iter().count(), 1_000);
        });
    }
}
