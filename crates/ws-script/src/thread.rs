//! The life of a script's thread: it runs one turn after the other and never waits inside of one.
//!
//! Messages on their way out, ends of connections, finished operations, timers and calls all get their share: none can
//! starve the others.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use ws_core::{Message, Origin, Verdict};

use crate::difference::difference;
use crate::exports::Exports;
use crate::instance::{Answer, Call, Done, Instance, Plan};
use crate::module::Loaded;
use crate::native::{Finished, NewOperations};
use crate::seat::{Ended, Key, Seat, Seated, Seats};
use crate::turn::{Turn, Watch};
use crate::versions::{Lease, Version, Versions};
use crate::{ScriptError, ScriptErrorKind, ScriptErrors};

/// How much of one kind is done before the others get their turn.
const SHARE: usize = 64;

/// A call from a connection's session. The first one brings the seat.
pub(crate) struct Command {
    pub(crate) key: Key,
    pub(crate) version: u64,
    pub(crate) seat: Option<Seat>,
    pub(crate) call: Call,
    pub(crate) done: Done,
}

/// A message on its way out; the session waits for the answer.
pub(crate) struct Question {
    pub(crate) key: Key,
    pub(crate) version: u64,
    pub(crate) message: Message,
    pub(crate) origin: Origin,
    pub(crate) reply: SyncSender<Result<Verdict, ScriptError>>,
}

/// What a loaded script tells the others.
pub(crate) struct Ready {
    pub(crate) exports: Exports,
    pub(crate) files: Loaded,
    pub(crate) lease: Arc<Lease>,
    /// Why the script's state begins anew, if that could not be kept.
    pub(crate) state_lost: Option<ScriptError>,
}

/// A reload in two steps: the new runtime is made, and takes over if all the others could be made, too.
pub(crate) struct Reload {
    pub(crate) plan: Plan,
    pub(crate) reply: SyncSender<Result<Ready, ScriptErrors>>,
    /// Dropped: everything stays as it is.
    pub(crate) decision: oneshot::Receiver<()>,
}

/// Where work for the thread arrives.
pub(crate) struct Inbox {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) reloads: mpsc::Receiver<Reload>,
    pub(crate) ended: Arc<Ended>,
}

/// Loads the script, says so, and serves until nobody can call any more.
pub(crate) fn run(plan: Plan, watch: Watch, inbox: Inbox, ready: &SyncSender<Result<Ready, ScriptErrors>>) {
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let clock = match clock {
        Ok(clock) => clock,
        Err(error) => {
            let _ = ready.send(Err(ScriptError::new(ScriptErrorKind::Load, plan.name, error.to_string()).into()));
            return;
        }
    };
    // Timers need the clock from the top level on.
    clock.block_on(async {
        match Worker::load(plan, watch, Arc::clone(&inbox.ended)) {
            Ok((worker, loaded)) => {
                if ready.send(Ok(loaded)).is_ok() {
                    worker.serve(inbox).await;
                }
            }
            Err(errors) => {
                // Who asked has gone: nobody needs to know.
                let _ = ready.send(Err(errors));
            }
        }
    });
}

struct Worker {
    /// What the present version was made from.
    plan: Plan,
    turn: Turn,
    seats: Seats,
    started: NewOperations,
    ended: Arc<Ended>,
    versions: Versions,
    /// A new version that waits for those of the other scripts.
    pending: Option<Pending>,
    last_version: u64,
    last_runtime: u64,
}

/// A version that takes over when it is told to.
struct Pending {
    version: Version,
    plan: Plan,
    /// What it was given of the state of the version before.
    state: Option<String>,
    decision: oneshot::Receiver<()>,
}

impl Worker {
    fn load(plan: Plan, watch: Watch, ended: Arc<Ended>) -> Result<(Self, Ready), ScriptErrors> {
        let (turn, seats, started) = (Turn::new(watch), Seats::default(), NewOperations::default());
        let (instance, exports) = Instance::load(&plan, 1, &turn, &seats, &started, None)?;
        let lease = Lease::new(1, Arc::clone(&ended));
        let files = instance.loaded();
        let first = Version { number: 1, lease: Arc::downgrade(&lease), runtime: 1, instance, sharing: None };
        let versions = Versions::new(first);
        let worker =
            Self { plan, turn, seats, started, ended, versions, pending: None, last_version: 1, last_runtime: 1 };
        Ok((worker, Ready { exports, files, lease, state_lost: None }))
    }

    async fn serve(mut self, mut inbox: Inbox) {
        let mut operations: FuturesUnordered<BoxFuture<'static, Finished>> = FuturesUnordered::new();
        loop {
            operations.extend(self.started.take());
            let due = self.next_due();
            tokio::select! {
                biased;
                decided = decision_of(&mut self.pending), if self.pending.is_some() => self.decide(decided),
                Some(question) = inbox.questions.recv() => self.answer(question),
                Some(reload) = inbox.reloads.recv(), if self.pending.is_none() => self.reload(reload),
                () = inbox.ended.news() => {}
                Some(finished) = operations.next() => self.finish(finished),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                command = inbox.commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
            }
            for key in inbox.ended.take() {
                self.forget(key);
            }
            for _ in 0..SHARE {
                let Ok(question) = inbox.questions.try_recv() else { break };
                self.answer(question);
            }
            for _ in 0..SHARE {
                operations.extend(self.started.take());
                let Some(Some(finished)) = operations.next().now_or_never() else { break };
                self.finish(finished);
            }
            self.run_timers();
            for _ in 0..SHARE {
                let Ok(command) = inbox.commands.try_recv() else { break };
                self.command(command);
            }
        }
    }

    fn next_due(&mut self) -> Option<Instant> {
        self.versions.instances().filter_map(|instance| instance.next_due()).min()
    }

    fn run_timers(&mut self) {
        self.versions.run_timers(Instant::now(), SHARE);
        self.look_after();
    }

    fn command(&mut self, command: Command) {
        let Command { key, version, seat, call, done } = command;
        if let Some(seat) = seat {
            self.seats.borrow_mut().insert(key, Rc::new(Seated::new(seat)));
        }
        self.decide_if_told();
        if matches!(call, Call::Disconnect(_)) {
            self.versions.instances().for_each(|instance| instance.end(key));
        }
        let Some(entry) = self.versions.called(version, key, &self.seats) else {
            let message = "the script broke and could not be loaded again";
            return done.send(Err(ScriptError::new(ScriptErrorKind::Gone, &*self.plan.name, message)));
        };
        if entry.run(|instance| instance.call(key, call, done)) {
            self.forget(key);
        }
        self.look_after();
    }

    fn answer(&mut self, question: Question) {
        let Question { key, version, message, origin, reply } = question;
        self.decide_if_told();
        let is_seated = self.seats.borrow().contains_key(&key);
        let asked = if is_seated { self.versions.called(version, key, &self.seats) } else { None };
        let verdict =
            asked.map_or(Ok(Verdict::Pass), |entry| entry.run(|instance| instance.outbound(key, &message, origin)));
        // Who asked may have stopped waiting.
        let _ = reply.try_send(verdict);
        self.look_after();
    }

    fn finish(&mut self, finished: Finished) {
        self.versions.finish(finished);
        self.look_after();
    }

    fn forget(&mut self, key: Key) {
        self.versions.instances().for_each(|instance| instance.forget(key));
        self.seats.borrow_mut().remove(&key);
    }

    /// After each turn: ends what is over, and starts again what broke.
    fn look_after(&mut self) {
        let departed: Vec<Key> = self.versions.instances().flat_map(Instance::take_departed).collect();
        departed.into_iter().for_each(|key| self.forget(key));
        self.versions.forget_unwanted(&self.seats);
        if let Some(broken) = self.versions.take_broken() {
            self.restart(broken);
        }
    }

    /// Loads the script again, without its state. All its connections are closed: what they were in is gone.
    fn restart(&mut self, broken: Version) {
        let Version { number, lease, instance, .. } = broken;
        let error = instance.broken().cloned();
        drop(instance);
        if let Some(error) = error {
            tracing::error!(target: "script", "{error}: the script is loaded again, its state is lost and its connections are closed");
            if let Some(hook) = &self.plan.options.on_error {
                hook(None, &error);
            }
        }
        for seated in self.seats.borrow().values() {
            seated.close(&self.plan.name, "was restarted");
        }
        match self.make(&self.plan.clone(), None) {
            Ok((runtime, instance, _)) => {
                self.versions.restart(Version { number, lease, runtime, instance, sharing: None });
            }
            Err(errors) => tracing::error!(target: "script", "it cannot be loaded again: {errors}"),
        }
    }

    /// Makes a new version, which takes over if the scripts beside it could be made, too. Until then the present one goes on.
    fn reload(&mut self, reload: Reload) {
        let Reload { plan, reply, decision } = reload;
        let (state, state_lost) = match self.state() {
            Some(Ok(state)) => (Some(state), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        match self.make(&plan, state.as_deref()) {
            Ok((runtime, instance, exports)) => {
                let number = self.last_version + 1;
                let lease = Lease::new(number, Arc::clone(&self.ended));
                let version = Version { number, lease: Arc::downgrade(&lease), runtime, instance, sharing: None };
                let files = version.instance.loaded();
                self.pending = Some(Pending { version, plan, state, decision });
                // Who asked may be gone: then the decision is, too.
                let _ = reply.send(Ok(Ready { exports, files, lease, state_lost }));
            }
            Err(errors) => {
                let _ = reply.send(Err(errors));
            }
        }
        self.look_after();
    }

    fn state(&mut self) -> Option<Result<String, ScriptError>> {
        self.versions.present().map(|present| present.instance.state())
    }

    fn make(&mut self, plan: &Plan, state: Option<&str>) -> Result<(u64, Instance, Exports), ScriptErrors> {
        self.last_runtime += 1;
        let runtime = self.last_runtime;
        let (instance, exports) = Instance::load(plan, runtime, &self.turn, &self.seats, &self.started, state)?;
        Ok((runtime, instance, exports))
    }

    /// Who calls after a reload finds that its versions have taken over.
    fn decide_if_told(&mut self) {
        match self.pending.as_mut().map(|pending| pending.decision.try_recv()) {
            Some(Ok(())) => self.decide(true),
            Some(Err(TryRecvError::Closed)) => self.decide(false),
            Some(Err(TryRecvError::Empty)) | None => {}
        }
    }

    fn decide(&mut self, takes_over: bool) {
        let Some(pending) = self.pending.take_if(|_| takes_over) else { return self.pending = None };
        let Pending { mut version, plan, state: mut given, .. } = pending;
        if let Some(Ok(now)) = self.state()
            && given.as_ref() != Some(&now)
        {
            self.catch_up(&mut version, &plan, given.as_deref(), &now);
            given = Some(now);
        }
        self.last_version = version.number;
        self.versions.take_over(version, given, &self.seats);
        self.plan = plan;
        self.look_after();
    }

    /// Calls went on while other scripts were loading: the top level of the new version sees what they have changed, too.
    fn catch_up(&mut self, version: &mut Version, plan: &Plan, given: Option<&str>, now: &str) {
        let errors = match self.make(plan, Some(now)) {
            Ok((runtime, instance, _)) => {
                (version.runtime, version.instance) = (runtime, instance);
                return;
            }
            Err(errors) => errors,
        };
        let name = &plan.name;
        tracing::warn!(target: "script", "the top level of {name} has not seen what calls have changed in `state`: {errors}");
        let changed = difference(given.unwrap_or("{}"), now).map(|change| version.instance.change_state(&change));
        if let Some(Err(error)) = changed {
            tracing::warn!(target: "script", "what calls have changed in `state` while {name} was loaded is lost: {error}");
        }
    }
}

/// Whether a new version shall take over, once that is known.
async fn decision_of(pending: &mut Option<Pending>) -> bool {
    match pending {
        Some(pending) => (&mut pending.decision).await.is_ok(),
        None => false,
    }
}

/// What a call is answered that nobody could take.
pub(crate) fn no_answer(name: &str) -> Result<Answer, ScriptError> {
    Err(ScriptError::new(ScriptErrorKind::Gone, name, "the script was ended"))
}
