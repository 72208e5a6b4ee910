//! A connection without a socket: its sender, and the queue that a session would drain.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ws_core::engine::{Outbound, OutboundQueue, QueueNews, outbound_queue};
use ws_core::{HandlerResult, Message, QueueLimits, Rooms, WsSender};
use ws_rooms::RoomManager;

pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) sender: WsSender,
    pub(crate) queue: OutboundQueue,
}

impl Client {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self::with_queue_of(1 << 20, id)
    }

    /// A client whose outbound queue holds so many messages.
    pub(crate) fn with_queue_of(messages: usize, id: impl Into<String>) -> Self {
        let (sender, queue) = outbound_queue(QueueLimits { messages, bytes: usize::MAX });
        Self { id: id.into(), sender, queue }
    }

    /// Joins as a handler does by its context: with the sender.
    pub(crate) async fn join(&self, rooms: &RoomManager, room: &str) -> HandlerResult<()> {
        Rooms::join(rooms, &self.id, &self.sender, room).await
    }

    /// What a session would be told beside messages.
    pub(crate) fn news(&mut self) -> QueueNews {
        self.queue.awake(&Context::from_waker(Waker::noop()))
    }

    /// Everything that waits in the queue.
    pub(crate) fn outbound(&mut self) -> Vec<Outbound> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        while let Poll::Ready(next) = self.queue.poll_next(&mut cx) {
            all.push(next);
        }
        all
    }

    /// The texts that wait in the queue.
    pub(crate) fn texts(&mut self) -> Vec<String> {
        self.outbound().into_iter().map(|outbound| outbound.message.as_text().unwrap().to_owned()).collect()
    }
}

/// `count` clients called `c0`, `c1`, ... that are all in `room`.
pub(crate) async fn clients_in(rooms: &RoomManager, room: &str, count: usize) -> Vec<Client> {
    let clients: Vec<_> = (0..count).map(|n| Client::new(format!("c{n}"))).collect();
    for client in &clients {
        client.join(rooms, room).await.unwrap();
    }
    clients
}

/// Sends text to a room; returns to how many it went.
pub(crate) async fn broadcast(rooms: &RoomManager, room: &str, text: &str) -> usize {
    Rooms::broadcast(rooms, room, Message::text(text)).await.unwrap()
}

/// What a future gives that must not wait for anything.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

pub(crate) fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
