//! The handle to a script's thread, for any number of sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use ws_core::{Connection, Message, Origin, Verdict, WsContext};

use crate::instance::{Answer, Call, Done, Plan};
use crate::scheduling::wait_for_its_turn;
use crate::seat::{Ended, Seat, Visits, close_reason};
use crate::thread::{Command, Inbox, Question, Ready, Reload, no_answer, run};
use crate::turn::Watch;
use crate::{ScriptError, ScriptErrorKind, ScriptErrors, ScriptOptions};

/// How many calls wait for a thread before sessions do.
const MAX_COMMANDS: usize = 1024;
/// The engine's own functions run below the script's stack.
const OWN_STACK: usize = 1024 * 1024;
/// How often who waits for an answer looks whether one can still come.
const LOOK: Duration = Duration::from_secs(1);
/// Beyond the time of the turn itself: others may be before it.
const QUESTION_TIME: Duration = Duration::from_millis(50);

/// A script that runs on a thread of its own. The thread ends when the last handle is dropped.
pub(crate) struct Script {
    id: u64,
    pub(crate) name: Arc<str>,
    options: ScriptOptions,
    commands: mpsc::Sender<Command>,
    questions: mpsc::Sender<Question>,
    reloads: mpsc::Sender<Reload>,
    ended: Arc<Ended>,
    watch: Watch,
}

/// A script that is loading, or a new version of it.
pub(crate) struct Loading {
    name: Arc<str>,
    watch: Watch,
    ready: Receiver<Result<Ready, ScriptErrors>>,
}

impl Loading {
    /// Waits until it is loaded. This blocks.
    pub(crate) fn wait(self) -> Result<Ready, ScriptErrors> {
        loop {
            let problem = match self.ready.recv_timeout(Duration::from_millis(100)) {
                Ok(ready) => return ready,
                Err(RecvTimeoutError::Timeout) if !self.watch.is_stuck() => continue,
                Err(RecvTimeoutError::Timeout) => "it does not end: a function of the engine itself runs for ever",
                Err(RecvTimeoutError::Disconnected) => "its thread ended while it loaded",
            };
            return Err(ScriptError::new(ScriptErrorKind::Load, &*self.name, problem).into());
        }
    }
}

impl Script {
    /// Starts a thread that loads the script.
    pub(crate) fn start(plan: Plan) -> Result<(Arc<Self>, Loading), ScriptErrors> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (commands, command_inbox) = mpsc::channel(MAX_COMMANDS);
        let (questions, question_inbox) = mpsc::channel(MAX_COMMANDS);
        let (reloads, reload_inbox) = mpsc::channel(1);
        let (ended, watch) = (Arc::new(Ended::default()), Watch::default());
        let inbox = Inbox {
            commands: command_inbox,
            questions: question_inbox,
            reloads: reload_inbox,
            ended: Arc::clone(&ended),
        };
        let (ready_sender, ready) = sync_channel(1);
        let (name, options): (Arc<str>, _) = (plan.name.as_str().into(), plan.options.clone());
        let thread_watch = watch.clone();
        let stack = options.limits.stack + OWN_STACK;
        thread::Builder::new()
            .name(format!("script {name}"))
            .stack_size(stack)
            .spawn(move || {
                wait_for_its_turn();
                run(plan, thread_watch, inbox, &ready_sender);
            })
            .map_err(|error| ScriptError::new(ScriptErrorKind::Load, &*name, format!("it gets no thread: {error}")))?;
        let loading = Loading { name: Arc::clone(&name), watch: watch.clone(), ready };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok((Arc::new(Self { id, name, options, commands, questions, reloads, ended, watch }), loading))
    }

    /// Makes a new version beside the present one. It takes over when the sender is used, and is dropped with it.
    pub(crate) fn prepare(&self, plan: Plan) -> Option<(Loading, oneshot::Sender<()>)> {
        if self.watch.is_stuck() {
            return None;
        }
        let (reply, ready): (SyncSender<_>, _) = sync_channel(1);
        let (decide, decision) = oneshot::channel();
        self.reloads.try_send(Reload { plan, reply, decision }).ok()?;
        Some((Loading { name: Arc::clone(&self.name), watch: self.watch.clone(), ready }, decide))
    }

    /// Whether its thread hangs where nothing can stop it.
    pub(crate) fn is_stuck(&self) -> bool {
        self.watch.is_stuck()
    }

    /// Calls a callback of a version and waits for the end of it. When this future is dropped, nobody waits; when the connection ends,
    /// the call does, too.
    pub(crate) async fn call(&self, ctx: &WsContext, version: u64, call: Call) -> Result<Answer, ScriptError> {
        let visit = Visits::find_or_begin(ctx.connection(), self.id, &self.ended);
        let permit = loop {
            match timeout(LOOK, self.commands.reserve()).await {
                Ok(Ok(permit)) => break permit,
                Ok(Err(_)) => return no_answer(&self.name),
                Err(_) => self.look(ctx).await?,
            }
        };
        let seat = (!visit.is_known.swap(true, Ordering::Relaxed)).then(|| Seat::of(ctx));
        let (done, mut answer) = oneshot::channel();
        permit.send(Command { key: visit.key, version, seat, call, done: Done(done) });
        loop {
            match timeout(LOOK, &mut answer).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(_)) => return no_answer(&self.name),
                Err(_) => self.look(ctx).await?,
            }
        }
    }

    async fn look(&self, ctx: &WsContext) -> Result<(), ScriptError> {
        if !self.watch.is_stuck() {
            return Ok(());
        }
        // Its messages would wait for ever.
        let reason = close_reason(&self.name, "does not answer");
        let _ = ctx.close(ws_core::close_code::INTERNAL_ERROR, &reason).await;
        let message = "it hangs in a function of the engine that cannot be stopped: a reload replaces it";
        Err(ScriptError::new(ScriptErrorKind::Time, &*self.name, message))
    }

    /// Asks a version about a message on its way out, and waits for the answer on this very thread.
    pub(crate) fn ask(
        &self,
        connection: &Connection,
        version: u64,
        message: &Message,
        origin: Origin,
    ) -> Result<Verdict, ScriptError> {
        let Some(visit) = Visits::find(connection, self.id) else { return Ok(Verdict::Pass) };
        if !visit.is_known.load(Ordering::Relaxed) {
            return Ok(Verdict::Pass);
        }
        let late = || {
            ScriptError::new(
                ScriptErrorKind::Time,
                &*self.name,
                "onOutbound did not answer in time: the message passed",
            )
        };
        let (reply, answer) = sync_channel(1);
        let question = Question { key: visit.key, version, message: message.clone(), origin, reply };
        self.questions.try_send(question).map_err(|_| late())?;
        let wait = || answer.recv_timeout(self.options.limits.time + QUESTION_TIME);
        let answer = match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        };
        answer.unwrap_or_else(|_| Err(late()))
    }

    /// Logs an error that no call returns.
    pub(crate) fn report(&self, connection: &Arc<Connection>, error: &ScriptError) {
        tracing::error!(target: "script", connection = connection.id(), "{error}");
        if let Some(hook) = &self.options.on_error {
            hook(Some(connection), error);
        }
    }

    /// Takes note of a connection that needs no call.
    pub(crate) fn meet(&self, connection: &Connection) {
        Visits::find_or_begin(connection, self.id, &self.ended);
    }

    /// Whether any version of the script has been called for a connection.
    pub(crate) fn has_met(&self, connection: &Connection) -> bool {
        Visits::find(connection, self.id).is_some()
    }

    /// The connection has ended.
    pub(crate) fn leave(&self, connection: &Connection) {
        Visits::end(connection, self.id);
    }
}
