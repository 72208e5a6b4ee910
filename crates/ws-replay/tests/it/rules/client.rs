//! Connections that follow rules, without sockets, and rooms that they share.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use ws_core::engine::{OutboundQueue, SessionContext, outbound_queue};
use ws_core::{
    Connection, Extensions, HandlerResult, Handshake, Message, NearMiss, Offered, Origin, QueueLimits, Rooms, WhenFull,
    WsHandler, WsMessage, WsSender,
};
use ws_replay::{ReplayOptions, RuleHandler, RuleSet};

pub(crate) fn rules(text: &str) -> Arc<RuleSet> {
    match RuleSet::parse(text, "rules.yaml") {
        Ok(rules) => Arc::new(rules),
        Err(errors) => panic!("{errors}\n{text}"),
    }
}

pub(crate) fn handler(text: &str) -> RuleHandler {
    RuleHandler::new(rules(text), ReplayOptions::default())
}

/// Rooms as ws-rooms keeps them, as far as rules see them.
#[derive(Default)]
pub(crate) struct TestRooms(Mutex<HashMap<String, Vec<(String, WsSender)>>>);

#[async_trait]
impl Rooms for TestRooms {
    async fn join(&self, connection_id: &str, sender: &WsSender, room: &str) -> HandlerResult<()> {
        let mut rooms = self.0.lock().unwrap();
        let members = rooms.entry(room.to_owned()).or_default();
        if members.iter().all(|(id, _)| id != connection_id) {
            members.push((connection_id.to_owned(), sender.clone().with_origin(Origin::Room)));
        }
        Ok(())
    }

    async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        if let Some(members) = self.0.lock().unwrap().get_mut(room) {
            members.retain(|(id, _)| id != connection_id);
        }
        Ok(())
    }

    async fn leave_all(&self, connection_id: &str) -> HandlerResult<()> {
        self.0.lock().unwrap().values_mut().for_each(|members| members.retain(|(id, _)| id != connection_id));
        Ok(())
    }

    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize> {
        let rooms = self.0.lock().unwrap();
        let members = rooms.get(room).map_or(&[][..], Vec::as_slice);
        Ok(members.iter().filter(|(_, sender)| sender.offer(message.clone(), WhenFull::Cut) == Offered::Sent).count())
    }

    async fn members(&self, room: &str) -> Vec<String> {
        let rooms = self.0.lock().unwrap();
        rooms.get(room).map_or_else(Vec::new, |members| members.iter().map(|(id, _)| id.clone()).collect())
    }

    async fn rooms_of(&self, connection_id: &str) -> Vec<String> {
        let rooms = self.0.lock().unwrap();
        let has = |members: &&Vec<(String, WsSender)>| members.iter().any(|(id, _)| id == connection_id);
        rooms.iter().filter(|(_, members)| has(members)).map(|(name, _)| name.clone()).collect()
    }
}

/// A connection: what its session holds, and the client's end of it. Dropping it ends what was spawned.
pub(crate) struct Client<'h> {
    pub(crate) context: SessionContext,
    pub(crate) handler: &'h dyn WsHandler,
    queue: OutboundQueue,
    spawned: JoinSet<HandlerResult<()>>,
    opened_at: Instant,
}

impl<'h> Client<'h> {
    pub(crate) async fn connect(handler: &'h dyn WsHandler) -> Self {
        Self::join(handler, "/ws", &Arc::default()).await
    }

    pub(crate) async fn join(handler: &'h dyn WsHandler, target: &str, rooms: &Arc<TestRooms>) -> Self {
        let mut client = Self::open(handler, target, rooms);
        client.handler.on_connect(client.context.view()).await.unwrap();
        client.spawn();
        client
    }

    /// A connection that was there before the handler came.
    pub(crate) fn open(handler: &'h dyn WsHandler, target: &str, rooms: &Arc<TestRooms>) -> Self {
        let handshake = Handshake::new(target, http::HeaderMap::new(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        let opened_at = connection.opened_at();
        let (sender, queue) = outbound_queue(QueueLimits::default());
        let context = SessionContext::new(connection, Arc::clone(rooms) as Arc<dyn Rooms>, sender);
        Self { context, handler, queue, spawned: JoinSet::new(), opened_at }
    }

    /// As the session does after each call.
    pub(crate) fn spawn(&mut self) {
        for work in self.context.spawn_queue().take().futures {
            self.spawned.spawn(work);
        }
    }

    /// How much work runs beside the session.
    pub(crate) fn working(&mut self) -> usize {
        while let Some(done) = self.spawned.try_join_next() {
            done.unwrap().unwrap();
        }
        self.spawned.len()
    }

    /// Sends a message; returns whether it was matched, or else what came near.
    pub(crate) async fn send(&mut self, message: WsMessage) -> Vec<NearMiss> {
        self.handler.on_message(self.context.view(), message).await.unwrap();
        self.spawn();
        self.context.take_unmatched().map_or_else(Vec::new, |unmatched| unmatched.near_misses)
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(WsMessage::Text(text.to_owned())).await;
    }

    /// As [`say`](Self::say), on a server on which things may fail.
    pub(crate) async fn try_to_say(&mut self, text: &str) {
        let _ = self.handler.on_message(self.context.view(), WsMessage::Text(text.to_owned())).await;
        self.spawn();
    }

    /// The next message, as the client gets it, if it comes soon enough.
    pub(crate) async fn next_within(&mut self, ms: u64) -> Option<Message> {
        let outbound = timeout(Duration::from_millis(ms), poll_fn(|cx| self.queue.poll_next(cx))).await.ok()?;
        let connection = Arc::clone(self.context.view().connection());
        self.handler.on_outbound(&connection, &outbound.message, outbound.origin);
        Some(outbound.message)
    }

    /// The next message, and when it came, in milliseconds since the connection was opened.
    pub(crate) async fn next(&mut self) -> (u64, Message) {
        const AN_HOUR: u64 = 3_600_000;
        let message = self.next_within(AN_HOUR).await.unwrap();
        (self.elapsed_ms(), message)
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap()
    }

    /// The text of the next message.
    pub(crate) async fn hear(&mut self) -> String {
        match self.next().await.1 {
            Message::Text(text) => text.to_string(),
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.hear().await
    }

    /// Whether nothing comes for so long.
    pub(crate) async fn is_silent_for(&mut self, ms: u64) -> bool {
        self.next_within(ms).await.is_none()
    }

    /// Something that is sent by somebody else.
    pub(crate) async fn be_sent(&mut self, text: &str) {
        self.context.view().send_text(text).await.unwrap();
        assert_eq!(self.hear().await, text);
    }

    pub(crate) async fn leave(&mut self) {
        self.handler.on_disconnect(self.context.view()).await.unwrap();
    }
}
