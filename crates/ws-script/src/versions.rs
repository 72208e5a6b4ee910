//! The versions of a script that may be called: the present one, and those before it that are still wanted.
//!
//! A server exchanges all its scripts at one moment. Who was there before that goes on with the old version until then,
//! so a message never meets the old version of one script and the new one of another.

use std::sync::{Arc, Weak};

use tokio::time::Instant;

use crate::instance::Instance;
use crate::native::Finished;
use crate::seat::{Carried, Ended, Key, Seats};
use crate::sharing::Sharing;

/// How many versions before the present one may be kept.
const MAX_PAST: usize = 3;

/// A right to call a version. While there is one, the version is kept, if it is not too old.
pub(crate) struct Lease {
    pub(crate) version: u64,
    ended: Arc<Ended>,
}

impl Lease {
    pub(crate) fn new(version: u64, ended: Arc<Ended>) -> Arc<Self> {
        Arc::new(Self { version, ended })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The thread may forget the version.
        self.ended.wake();
    }
}

/// A version and the runtime that it has now.
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) lease: Weak<Lease>,
    /// Names the runtime: a restart gives the version another one.
    pub(crate) runtime: u64,
    pub(crate) instance: Instance,
    /// For one of the past: how it shares its `state` with the present one.
    pub(crate) sharing: Option<Sharing>,
}

/// A version that is about to run.
pub(crate) struct Entry<'a> {
    instance: &'a mut Instance,
    /// For one of the past: with whom it shares its `state`, and how.
    sharing: Option<(&'a mut Sharing, &'a mut Instance)>,
}

impl Entry<'_> {
    /// Runs a turn of the version, or several: in them, its `state` is that of the present one.
    pub(crate) fn run<T>(self, turns: impl FnOnce(&mut Instance) -> T) -> T {
        match self.sharing {
            Some((sharing, present)) => sharing.run(self.instance, present, turns),
            None => turns(self.instance),
        }
    }
}

/// All versions of a script that have a runtime.
pub(crate) struct Versions {
    /// None if it broke and could not be loaded again.
    present: Option<Version>,
    /// The oldest first.
    past: Vec<Version>,
}

impl Versions {
    pub(crate) fn new(first: Version) -> Self {
        Self { present: Some(first), past: Vec::new() }
    }

    pub(crate) fn present(&mut self) -> Option<&mut Version> {
        self.present.as_mut()
    }

    pub(crate) fn instances(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.past.iter_mut().chain(self.present.as_mut()).map(|version| &mut version.instance)
    }

    /// Who answers calls of a version about a connection: the version itself or, if it is gone, the present one. What hangs
    /// on the connection's context comes along when a version sees it for the first time.
    pub(crate) fn called(&mut self, number: u64, key: Key, seats: &Seats) -> Option<Entry<'_>> {
        if self.past.is_empty() {
            return self.entry(0);
        }
        let past = self.past.iter().position(|past| past.number == number);
        let asked = past.unwrap_or(self.past.len());
        let knows_it = self.at(asked)?.instance.knows(key);
        if !knows_it {
            let from = (0..=self.past.len()).rev().find(|at| self.at(*at).is_some_and(|it| it.instance.knows(key)));
            if let Some(from) = from.and_then(|at| self.at(at)) {
                hand_over(from, key, seats);
            }
        }
        self.entry(asked)
    }

    /// The versions by their age; behind those of the past comes the present one.
    fn entry(&mut self, at: usize) -> Option<Entry<'_>> {
        let present = self.present.as_mut().map(|present| &mut present.instance);
        match self.past.get_mut(at) {
            Some(past) => Some(Entry { instance: &mut past.instance, sharing: past.sharing.as_mut().zip(present) }),
            None => present.map(|instance| Entry { instance, sharing: None }),
        }
    }

    fn at(&mut self, at: usize) -> Option<&mut Version> {
        if at == self.past.len() { self.present.as_mut() } else { self.past.get_mut(at) }
    }

    /// Runs the timers that are due at `now`, at most so many of each version.
    pub(crate) fn run_timers(&mut self, now: Instant, most: usize) {
        for at in 0..=self.past.len() {
            let Some(entry) = self.entry(at) else { continue };
            if entry.instance.next_due().is_none_or(|due| due > now) {
                continue;
            }
            entry.run(|instance| {
                for _ in 0..most {
                    if instance.broken().is_some() || !instance.run_due_timer(now) {
                        break;
                    }
                }
            });
        }
    }

    /// Tells the runtime that started an operation.
    pub(crate) fn finish(&mut self, finished: Finished) {
        let started = (0..=self.past.len()).find(|at| self.at(*at).is_some_and(|it| it.runtime == finished.runtime));
        if let Some(entry) = started.and_then(|at| self.entry(at)) {
            entry.run(|instance| instance.finish(finished));
        }
    }

    /// A new version takes over, which was given `state` as JSON by the one before it. That goes on with what it has begun
    /// for connections.
    pub(crate) fn take_over(&mut self, new: Version, state: Option<String>, seats: &Seats) {
        if let Some(mut old) = self.present.replace(new) {
            old.instance.end_own_timers();
            old.sharing = state.map(Sharing::new);
            self.past.push(old);
        }
        if self.past.len() > MAX_PAST {
            let oldest = self.past.remove(0);
            let unfinished = oldest.instance.unfinished();
            if unfinished > 0 {
                let name = oldest.instance.name();
                tracing::warn!(
                    target: "script",
                    "{name}: {unfinished} timers and awaits of an old version have ended: there are {MAX_PAST} newer ones"
                );
            }
            self.retire(oldest, seats);
        }
    }

    /// The present version has broken.
    pub(crate) fn take_broken(&mut self) -> Option<Version> {
        self.present.take_if(|present| present.instance.broken().is_some())
    }

    pub(crate) fn restart(&mut self, again: Version) {
        self.present = Some(again);
    }

    /// Forgets versions that nobody can call any more and that have nothing left to do.
    pub(crate) fn forget_unwanted(&mut self, seats: &Seats) {
        let mut at = 0;
        while let Some(past) = self.past.get(at) {
            let is_wanted = past.lease.strong_count() > 0 || past.instance.unfinished() > 0;
            if is_wanted && past.instance.broken().is_none() {
                at += 1;
            } else {
                let past = self.past.remove(at);
                self.retire(past, seats);
            }
        }
    }

    /// What hangs on contexts that no newer version has seen waits for the one that will.
    fn retire(&mut self, mut old: Version, seats: &Seats) {
        if old.instance.broken().is_some() {
            return;
        }
        for key in old.instance.keys() {
            let mut newer = self.past.iter().chain(&self.present).filter(|newer| newer.number > old.number);
            if !newer.any(|newer| newer.instance.knows(key)) {
                hand_over(&mut old, key, seats);
            }
        }
    }
}

/// Leaves what hangs on a context for the version that sees the connection next, if nothing newer waits for that already.
fn hand_over(from: &mut Version, key: Key, seats: &Seats) {
    let Some(seated) = seats.borrow().get(&key).cloned() else { return };
    let is_old = seated.carried.borrow().as_ref().is_some_and(|carried| carried.version > from.number);
    if !is_old {
        let written = from.instance.carry(key);
        seated.carried.replace(Some(Carried { version: from.number, written }));
    }
}
