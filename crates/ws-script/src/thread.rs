//! The life of a script's thread: it runs one turn after the other and never waits inside of one.
//!
//! Messages on their way out, ends of connections, finished operations, timers and calls all get their share: none can
//! starve the others.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use ws_core::{Message, Origin, Verdict};

use crate::exports::Exports;
use crate::instance::{Answer, Call, Done, Instance, Plan};
use crate::module::Loaded;
use crate::native::{Finished, NewOperations};
use crate::seat::{Ended, Key, Seat, Seated, Seats};
use crate::turn::{Turn, Watch};
use crate::{ScriptError, ScriptErrorKind, ScriptErrors};

/// How much of one kind is done before the others get their turn.
const SHARE: usize = 64;
/// How many runtimes of before a reload may go on with their timers and awaits.
const MAX_RETIRED: usize = 3;
/// How long others may take to load before a reload is given up.
const DECISION_TIME: Duration = Duration::from_secs(60);

/// A call from a connection's session. The first one brings the seat.
pub(crate) struct Command {
    pub(crate) key: Key,
    pub(crate) seat: Option<Seat>,
    pub(crate) call: Call,
    pub(crate) done: Done,
}

/// A message on its way out; the session waits for the answer.
pub(crate) struct Question {
    pub(crate) key: Key,
    pub(crate) message: Message,
    pub(crate) origin: Origin,
    pub(crate) reply: SyncSender<Result<Verdict, ScriptError>>,
}

/// What a loaded script tells the others.
pub(crate) struct Ready {
    pub(crate) exports: Exports,
    pub(crate) files: Loaded,
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
        match Worker::load(plan, watch) {
            Ok((worker, exports)) => {
                let files = worker.current.as_ref().map(|(_, current)| current.loaded()).unwrap_or_default();
                if ready.send(Ok(Ready { exports, files, state_lost: None })).is_ok() {
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
    plan: Plan,
    turn: Turn,
    seats: Seats,
    started: NewOperations,
    /// None if it broke and could not be loaded again.
    current: Option<(u64, Instance)>,
    /// The oldest first.
    retired: Vec<(u64, Instance)>,
    last_id: u64,
}

impl Worker {
    fn load(plan: Plan, watch: Watch) -> Result<(Self, Exports), ScriptErrors> {
        let (turn, seats, started) = (Turn::new(watch), Seats::default(), NewOperations::default());
        let (instance, exports) = Instance::load(&plan, 1, &turn, &seats, &started, None)?;
        let current = Some((1, instance));
        Ok((Self { plan, turn, seats, started, current, retired: Vec::new(), last_id: 1 }, exports))
    }

    async fn serve(mut self, mut inbox: Inbox) {
        let mut operations: FuturesUnordered<BoxFuture<'static, Finished>> = FuturesUnordered::new();
        loop {
            operations.extend(self.started.take());
            let due = self.next_due();
            tokio::select! {
                biased;
                Some(question) = inbox.questions.recv() => self.answer(question),
                Some(reload) = inbox.reloads.recv() => self.reload(reload).await,
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

    fn instances(&mut self) -> impl Iterator<Item = &mut (u64, Instance)> {
        self.retired.iter_mut().chain(self.current.as_mut())
    }

    fn next_due(&mut self) -> Option<Instant> {
        self.instances().filter_map(|(_, instance)| instance.next_due()).min()
    }

    fn run_timers(&mut self) {
        let now = Instant::now();
        for (_, instance) in self.instances() {
            for _ in 0..SHARE {
                if instance.broken().is_some() || !instance.run_due_timer(now) {
                    break;
                }
            }
        }
        self.look_after();
    }

    fn command(&mut self, command: Command) {
        let Command { key, seat, call, done } = command;
        if let Some(seat) = seat {
            self.seats.borrow_mut().insert(key, Rc::new(Seated::new(seat)));
        }
        if matches!(call, Call::Disconnect(_)) {
            self.instances().for_each(|(_, instance)| instance.end(key));
        }
        let Some((_, current)) = &mut self.current else {
            let message = "the script broke and could not be loaded again";
            return done.send(Err(ScriptError::new(ScriptErrorKind::Gone, &*self.plan.name, message)));
        };
        if current.call(key, call, done) {
            self.forget(key);
        }
        self.look_after();
    }

    fn answer(&mut self, question: Question) {
        let verdict = match &mut self.current {
            Some((_, current)) if self.seats.borrow().contains_key(&question.key) => {
                current.outbound(question.key, &question.message, question.origin)
            }
            _ => Ok(Verdict::Pass),
        };
        // Who asked may have stopped waiting.
        let _ = question.reply.try_send(verdict);
        self.look_after();
    }

    fn finish(&mut self, finished: Finished) {
        if let Some((_, instance)) = self.instances().find(|(id, _)| *id == finished.instance) {
            instance.finish(finished);
        }
        self.look_after();
    }

    fn forget(&mut self, key: Key) {
        self.instances().for_each(|(_, instance)| instance.forget(key));
        self.seats.borrow_mut().remove(&key);
    }

    /// After each turn: ends what is over, and starts again what broke.
    fn look_after(&mut self) {
        let departed: Vec<Key> = self.instances().flat_map(|(_, instance)| instance.take_departed()).collect();
        departed.into_iter().for_each(|key| self.forget(key));
        self.retired.retain(|(_, instance)| instance.broken().is_none() && !instance.is_idle());
        let broken = self.current.as_ref().and_then(|(_, current)| current.broken().cloned());
        if let Some(error) = broken {
            self.restart(&error);
        }
    }

    /// Loads the script again, without its state. All its connections are closed: what they were in is gone.
    fn restart(&mut self, error: &ScriptError) {
        tracing::error!(target: "script", "{error}: the script is loaded again, its state is lost and its connections are closed");
        if let Some(hook) = &self.plan.options.on_error {
            hook(None, error);
        }
        for seated in self.seats.borrow().values() {
            seated.close("the handler was restarted");
        }
        self.current = None;
        self.last_id += 1;
        match Instance::load(&self.plan, self.last_id, &self.turn, &self.seats, &self.started, None) {
            Ok((instance, _)) => self.current = Some((self.last_id, instance)),
            Err(errors) => tracing::error!(target: "script", "it cannot be loaded again: {errors}"),
        }
    }

    async fn reload(&mut self, reload: Reload) {
        let Reload { plan, reply, decision } = reload;
        let (state, state_lost) = match self.current.as_mut().map(|(_, current)| current.state()) {
            Some(Ok(state)) => (Some(state), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        self.last_id += 1;
        let loaded = Instance::load(&plan, self.last_id, &self.turn, &self.seats, &self.started, state.as_deref());
        let (instance, exports) = match loaded {
            Ok(loaded) => loaded,
            Err(errors) => {
                let _ = reply.send(Err(errors));
                return self.look_after();
            }
        };
        if reply.send(Ok(Ready { exports, files: instance.loaded(), state_lost })).is_err() {
            return;
        }
        if !matches!(timeout(DECISION_TIME, decision).await, Ok(Ok(()))) {
            return;
        }
        if let Some((id, mut old)) = self.current.replace((self.last_id, instance)) {
            for (key, written) in old.carry() {
                if let Some(seated) = self.seats.borrow().get(&key) {
                    seated.carried.replace(Some(written));
                }
            }
            self.retired.push((id, old));
            if self.retired.len() > MAX_RETIRED {
                self.retired.remove(0);
            }
        }
        self.plan = plan;
        self.look_after();
    }
}

/// What a call is answered that nobody could take.
pub(crate) fn no_answer(name: &str) -> Result<Answer, ScriptError> {
    Err(ScriptError::new(ScriptErrorKind::Gone, name, "the script was ended"))
}
