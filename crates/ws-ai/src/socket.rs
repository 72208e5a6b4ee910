//! Streaming a story to a socket of somebody else's server.

use std::pin::pin;
use std::str;
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::time::timeout;
use ws_core::{CloseFrame, Message, close_code};

use crate::telling::{ALL_SENT, Gone, Outlet, Told, for_clients, tell};
use crate::{AiError, Listener, Story};

/// How long a client has to answer our Close frame.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// Sends `story` to `socket` and hears what comes from there, both at once, until either ends.
pub(crate) async fn tell_socket<S, M, E>(mut story: Story, rate: f64, socket: S) -> Result<u64, AiError>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send,
    M: From<Message> + Into<Message>,
{
    let (sink, mut incoming) = socket.split();
    let mut outlet = SinkOutlet(sink);
    let listener = story.listener();
    let mut sent = 0;
    let told = {
        let mut hearing = pin!(hear(&mut incoming, &listener));
        let mut telling = pin!(tell(&mut story, rate, &mut outlet, &mut sent));
        tokio::select! {
            () = &mut hearing => Told::Left,
            told = &mut telling => told,
        }
    };
    // The call of a provider that is open is of no use from here on.
    drop(story);
    let (code, reason) = match &told {
        Told::All => (close_code::NORMAL, ALL_SENT),
        Told::Failed(error) => (close_code::INTERNAL_ERROR, for_clients(error).0),
        Told::Left => return Ok(sent),
    };
    let goodbye = async {
        let frame = CloseFrame { code, reason: reason.into() };
        // Going away with unread messages would reset the connection, and the last events with it.
        if outlet.send(Message::Close(Some(frame))).await.is_ok() {
            hear(&mut incoming, &Listener::default()).await;
        }
    };
    // Either way it is over.
    let _ = timeout(LONGEST_GOODBYE, goodbye).await;
    match told {
        Told::Failed(error) => Err(error),
        Told::All | Told::Left => Ok(sent),
    }
}

/// Hears what comes, until the client closes or is gone.
async fn hear<M: Into<Message>, E>(incoming: &mut (impl Stream<Item = Result<M, E>> + Unpin), listener: &Listener) {
    while let Some(Ok(message)) = incoming.next().await {
        match message.into() {
            Message::Text(text) => listener.hear(&text),
            Message::Binary(data) => {
                if let Ok(text) = str::from_utf8(&data) {
                    listener.hear(text);
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => break,
        }
    }
}

/// The half of a socket that sends.
struct SinkOutlet<S, M>(SplitSink<S, M>);

impl<S: Sink<M>, M: From<Message>> Outlet for SinkOutlet<S, M> {
    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.0.send(M::from(message)).await.map_err(|_| Gone)
    }
}
