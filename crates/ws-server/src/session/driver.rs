//! Runs the handlers of one connection: one call at a time, in the order of registration.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::{debug, error, info};
use ws_core::engine::SessionContext;
use ws_core::{Connection, Direction, Handled, HandlerError, HandlerResult, Message, Unmatched, WsMessage};
use ws_metrics::HandlerCall;

use super::chain::{Chain, Metered};
use super::inbox::{Inbound, Inbox, Next};
use super::message_span::MessageSpan;
use crate::WsConfig;
use crate::live::Live;
use crate::observers::Observers;

/// Who wants to know what handlers failed in, and what they have no answer to.
pub(crate) struct Failures<'a> {
    connection: &'a Arc<Connection>,
    observers: &'a Observers,
}

impl<'a> Failures<'a> {
    pub(crate) fn of(connection: &'a Arc<Connection>, observers: &'a Observers) -> Self {
        Self { connection, observers }
    }

    pub(crate) fn report(&self, call: &str, failure: &HandlerError) {
        error!(connection = self.connection.id(), path = self.connection.path(), "{call} failed: {failure}");
        self.observers.tell(|observer| observer.on_handler_error(self.connection, failure));
    }

    /// The connection begins to play a script that somebody has started.
    fn tell_play(&self, entries: usize) {
        info!(connection = self.connection.id(), entries, "a script is played to an open connection");
        if let Some(journal) = self.observers.journal() {
            journal.note_play(self.connection, entries);
        }
    }

    fn report_unmatched(&self, unmatched: &Unmatched) {
        let (connection, path) = (self.connection.id(), self.connection.path());
        debug!(connection, path, "nothing matches {}", shown(&unmatched.message));
        for miss in &unmatched.near_misses {
            debug!(connection, path, "  {miss}");
        }
        self.observers.tell(|observer| observer.on_unmatched(self.connection, unmatched));
    }

    fn report_handled(&self, number: u64, handled: &Handled) {
        if let Handled::Unmatched(unmatched) = handled {
            self.report_unmatched(unmatched);
        }
        self.observers.tell(|observer| observer.on_handled(self.connection, number, handled));
    }
}

/// Runs `on_connect`, then `on_message` for all that comes into the inbox, until that is closed; between two messages it takes
/// up what the connection is to play.
///
/// # Errors
/// The reason to close the connection with: an error in `on_connect`, or a call that took longer than it may.
#[expect(clippy::manual_async_fn, reason = "what an `async fn` is given stands in its future twice")]
pub(crate) fn drive(
    context: &mut SessionContext,
    chain: &Chain,
    inbox: &Inbox<'_>,
    live: &Live,
    config: &WsConfig,
    failures: &Failures<'_>,
) -> impl Future<Output = Result<(), String>> {
    async move {
        let mut handlers = chain.current();
        for Metered { handler, meter } in &*handlers {
            let call = meter.begin(HandlerCall::OnConnect);
            match within(config, "on_connect", handler.on_connect(context.view()), failures).await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => {
                    call.fail();
                    failures.report("on_connect", &failure);
                    return Err(failure.to_string());
                }
                Err(reason) => {
                    call.fail();
                    return Err(reason);
                }
            }
            if context.take_stopped() {
                break;
            }
        }
        chain.settle(config.reload_policy);
        // What was sent as a greeting answers no message.
        context.take_handled(0, false);
        while let Some(next) = inbox.next().await {
            if let Next::Play = next {
                exchange_play(context, chain, live, config, failures).await?;
            }
            // Without work, too, it lets go of handlers that there are no more.
            chain.bring_up_to_date(&mut handlers);
            let Some((span, mut handling)) = begin(context, &handlers, inbox, config, failures) else { continue };
            let handled = poll_fn(|cx| {
                let _in_span = span.enter();
                handling.as_mut().poll(cx)
            });
            let handled = handled.await;
            match &handled {
                Ok(None) => span.succeed(),
                Ok(Some(failure)) => span.fail(failure),
                Err(reason) => span.fail(reason),
            }
            handled?;
        }
        Ok(())
    }
}

/// Ends what the connection plays, and begins what it is to play.
async fn exchange_play(
    context: &mut SessionContext,
    chain: &Chain,
    live: &Live,
    config: &WsConfig,
    failures: &Failures<'_>,
) -> Result<(), String> {
    let wanted = live.play();
    let Some(before) = chain.exchange_play(wanted.clone()) else { return Ok(()) };
    if let Some(before) = before {
        let ended = within(config, "on_disconnect", before.before.on_disconnect(context.view()), failures).await?;
        if let Err(failure) = ended {
            failures.report("on_disconnect", &failure);
        }
    }
    if let Some(play) = wanted {
        failures.tell_play(play.entries);
        let begun = within(config, "on_connect", play.before.on_connect(context.view()), failures).await?;
        if let Err(failure) = begun {
            failures.report("on_connect", &failure);
            return Err(failure.to_string());
        }
    }
    Ok(())
}

/// What came of a message: the first failure, which the connection survives, or the reason to close it.
type Outcome = Result<Option<HandlerError>, String>;

/// The next message on its way through the handlers, and its span.
///
/// The way is boxed: what one message takes is, mostly, the same memory for all connections, and so in the processor's cache;
/// and who is idle has none of it.
fn begin<'a>(
    context: &'a mut SessionContext,
    handlers: &'a [Metered],
    inbox: &'a Inbox<'_>,
    config: &'a WsConfig,
    failures: &'a Failures<'_>,
) -> Option<(MessageSpan, Pin<Box<impl Future<Output = Outcome> + use<'a>>>)> {
    let next = inbox.take()?;
    let span = MessageSpan::of(Direction::Inbound, &next.message);
    Some((span, Box::pin(handle(context, handlers, next, inbox, config, failures))))
}

/// Runs `on_message` of every handler for one message; gives back the first failure, which the connection survives.
fn handle(
    context: &mut SessionContext,
    handlers: &[Metered],
    Inbound { message, number }: Inbound,
    inbox: &Inbox<'_>,
    config: &WsConfig,
    failures: &Failures<'_>,
) -> impl Future<Output = Outcome> {
    let mut message = Some(WsMessage::from(message));
    async move {
        let mut left = handlers.len();
        let mut stopped = false;
        let mut failed = None;
        for Metered { handler, meter } in handlers {
            left -= 1;
            let copy = if left == 0 { message.take() } else { message.clone() };
            let Some(copy) = copy else { break };
            let call = meter.begin(HandlerCall::OnMessage);
            match within(config, "on_message", handler.on_message(context.view(), copy), failures).await {
                Ok(Ok(())) => {}
                // Who answers a client that has closed has done nothing wrong.
                Ok(Err(HandlerError::SendError(_))) if inbox.is_finished() => {}
                Ok(Err(failure)) => {
                    call.fail();
                    failures.report("on_message", &failure);
                    failed.get_or_insert(failure);
                }
                Err(reason) => {
                    call.fail();
                    return Err(reason);
                }
            }
            if context.take_stopped() {
                stopped = true;
                break;
            }
        }
        failures.report_handled(number, &context.take_handled(number, stopped));
        Ok(failed)
    }
}

/// Runs `on_disconnect` of every handler; each gets its time, and the failure of one does not keep it from the others.
pub(crate) async fn disconnect(context: &mut SessionContext, chain: &Chain, limit: Duration, failures: &Failures<'_>) {
    for Metered { handler, meter } in &*chain.current() {
        let call = meter.begin(HandlerCall::OnDisconnect);
        let work = AssertUnwindSafe(async { handler.on_disconnect(context.view()).await }).catch_unwind();
        let failure = match timeout(limit, work).await {
            Ok(Ok(Ok(()))) => continue,
            Ok(Ok(Err(failure))) => failure,
            Ok(Err(panic)) => HandlerError::Generic(panic_text(&*panic)),
            Err(_) => HandlerError::Generic(format!("it took longer than {limit:?}")),
        };
        call.fail();
        failures.report("on_disconnect", &failure);
    }
}

#[expect(clippy::manual_async_fn, reason = "what an `async fn` is given stands in its future twice")]
fn within(
    config: &WsConfig,
    call: &str,
    work: impl Future<Output = HandlerResult<()>>,
    failures: &Failures<'_>,
) -> impl Future<Output = Result<HandlerResult<()>, String>> {
    async move {
        let Some(limit) = config.handler_timeout else { return Ok(work.await) };
        // Boxed, so that a connection without a limit does not hold room for a timer.
        Box::pin(timeout(limit, work)).await.map_err(|_| {
            let reason = format!("it took longer than {limit:?}");
            failures.report(call, &HandlerError::Generic(reason.clone()));
            format!("{call}: {reason}")
        })
    }
}

/// What a line of the log may show of a message.
fn shown(message: &Message) -> String {
    const LONGEST: usize = 200;
    match message {
        Message::Text(text) => match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{:?}...", &text[..end]),
            None => format!("{:?}", &**text),
        },
        message => format!("a message of {} bytes that is no text", message.len()),
    }
}

/// What a panic says of itself.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}
