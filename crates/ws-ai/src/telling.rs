//! Sending a story to a client, at its pace, and what the client is told when it fails.
//!
//! What clients are told is a fixed vocabulary: what a provider says of a failure goes into the log alone.

use futures_util::StreamExt;
use serde_json::json;
use tracing::warn;
use ws_core::{HandlerError, HandlerResult, Message, WsSender};

use crate::engine::{Engine, for_log};
use crate::pace::Pace;
use crate::{AiError, AiEvent, Story};

/// Where the events of a story go.
pub(crate) trait Outlet {
    /// Sends a message. An error says that the client is gone.
    async fn send(&mut self, message: Message) -> Result<(), Gone>;
}

/// The client is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Outlet for WsSender {
    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        Self::send(self, message).await.map_err(|_| Gone)
    }
}

/// How a story ended.
#[derive(Debug)]
pub(crate) enum Told {
    /// All its events were sent.
    All,
    /// The client has left.
    Left,
    /// There are no more, and the client was told.
    Failed(AiError),
}

/// Sends a story, so many events a second; `sent` counts them. The story is written ahead while it waits.
pub(crate) async fn tell(story: &mut Story, rate: f64, outlet: &mut impl Outlet, sent: &mut u64) -> Told {
    let mut pace = Pace::new(rate);
    loop {
        if story.has_ended() {
            return Told::All;
        }
        story.beside(pace.due()).await;
        match story.next().await {
            Some(Ok(event)) => {
                let message = Message::text(text_of(story.engine(), &event));
                if story.beside(outlet.send(message)).await.is_err() {
                    return Told::Left;
                }
                pace.left();
                *sent += 1;
            }
            Some(Err(error)) => {
                let (sequence, timestamp) = story.next_stamp();
                if let Some(message) = failure_message(story.engine(), &error, sequence, timestamp) {
                    // Who is gone need not be told.
                    let _ = outlet.send(message).await;
                }
                return Told::Failed(error);
            }
            None => return Told::All,
        }
    }
}

/// Tells a story on a connection, and closes it with code 1000 behind the last event.
pub(crate) async fn tell_connection(mut story: Story, rate: f64, mut sender: WsSender) -> HandlerResult<()> {
    match tell(&mut story, rate, &mut sender, &mut 0).await {
        Told::All => {
            // An error says that it is closing already.
            let _ = sender.close(ws_core::close_code::NORMAL, ALL_SENT).await;
            Ok(())
        }
        Told::Left => Ok(()),
        Told::Failed(error) => Err(handler_error(&error)),
    }
}

/// Why a connection is closed with code 1000.
pub(crate) const ALL_SENT: &str = "all events were sent";

/// What an event is as a message.
pub(crate) fn text_of(engine: &Engine, event: &AiEvent) -> String {
    if engine.config.envelope { event.to_json() } else { event.data.to_string() }
}

/// The event that tells of a failure. There is none without envelopes: it would be taken for data.
pub(crate) fn failure_message(engine: &Engine, error: &AiError, sequence: u64, timestamp: String) -> Option<Message> {
    let (code, message) = for_clients(error);
    let data = json!({ "code": code, "message": message });
    let event = AiEvent { kind: "error".to_owned(), timestamp, sequence, data };
    engine.config.envelope.then(|| Message::text(event.to_json()))
}

/// What makes a session close its connection with code 1011, and the reason that clients may know; the log gets the whole.
pub(crate) fn handler_error(error: &AiError) -> HandlerError {
    warn!(error = for_log(error), "no more events can be written");
    HandlerError::Generic(for_clients(error).0.to_owned())
}

/// The code of a failure, and a sentence.
pub(crate) fn for_clients(error: &AiError) -> (&'static str, &'static str) {
    match error {
        AiError::Provider(_) => ("provider_failed", "the provider of the events has failed"),
        AiError::Invalid { .. } => ("invalid_events", "the provider of the events wrote none that are valid"),
        AiError::Budget(_) => ("budget_spent", "what may be spent on events is spent"),
        _ => ("not_available", "there are no events here"),
    }
}
