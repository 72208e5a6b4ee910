//! A handler's hands: what it can do with its connection.

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytestring::ByteString;
use serde_json::Value;

use crate::engine::SpawnQueue;
use crate::{
    CloseFrame, Connection, Extensions, HandlerResult, Handshake, Message, Metadata, NearMiss, RoomSender, Rooms,
    SessionPart, Unmatched, WsSender,
};

/// A connection as its handlers see it.
///
/// All handlers of a connection share one context: what one keeps in metadata or extensions, the others find.
// In this order: each message looks at what stands between the strings and the rest, which should be few lines of the
// processor's cache.
#[repr(C)]
pub struct WsContext {
    /// The connection's id: unique, and the same for its whole life.
    pub connection_id: String,
    /// The path that was asked for, percent-decoded once, e.g. `/ws/chat`.
    pub path: String,
    /// The connection, its rooms, and the way to its client.
    rooms: RoomSender,
    pub(crate) stopped: AtomicBool,
    /// Whether somebody took the present message.
    pub(crate) matched: AtomicBool,
    /// Whether somebody has sent something because of the present message.
    pub(crate) answered: AtomicBool,
    /// By what name somebody took it, if it has one.
    pub(crate) matched_by: Mutex<Option<Arc<str>>>,
    /// The present message, if somebody wanted to match it and did not.
    pub(crate) unmatched: Mutex<Option<Box<Unmatched>>>,
    pub(crate) spawned: SpawnQueue,
    /// Made when somebody asks for it: most connections keep nothing.
    metadata: OnceLock<Metadata>,
    /// Boxed: it is there at the very end only.
    pub(crate) close_frame: Option<Box<CloseFrame>>,
}

impl WsContext {
    /// A context without a socket, for unit tests of handlers: what they send arrives at `sender`'s receiver, a tokio
    /// `mpsc::unbounded_channel` of our [`Message`] or axum's.
    ///
    /// Contexts that were made on the same rooms reach each other by broadcasts. Spawned work waits for
    /// [`run_spawned`](Self::run_spawned).
    pub fn new(
        connection_id: impl Into<String>,
        path: impl Into<String>,
        rooms: impl Rooms + 'static,
        sender: impl Into<WsSender>,
    ) -> Self {
        let handshake = Handshake::of_path(path.into());
        let connection = Connection::with_id(connection_id.into(), handshake, None, Extensions::default());
        Self::assemble(Arc::new(connection), Arc::new(rooms), sender.into())
    }

    pub(crate) fn assemble(connection: Arc<Connection>, rooms: Arc<dyn Rooms>, sender: WsSender) -> Self {
        Self {
            connection_id: connection.id().to_owned(),
            path: connection.path().to_owned(),
            rooms: RoomSender::new(connection, sender, rooms),
            metadata: OnceLock::new(),
            close_frame: None,
            stopped: AtomicBool::new(false),
            matched: AtomicBool::new(false),
            matched_by: Mutex::default(),
            answered: AtomicBool::new(false),
            unmatched: Mutex::default(),
            spawned: SpawnQueue::default(),
        }
    }

    /// The way to the client, for an answer to the present message.
    fn answering(&self) -> &WsSender {
        self.answered.store(true, Ordering::Relaxed);
        self.rooms.sender()
    }

    /// Sends any message; see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and [`HandlerError::ConnectionError`](crate::HandlerError::ConnectionError) for
    /// a control frame that may not be sent.
    pub async fn send(&self, message: impl Into<Message>) -> HandlerResult<()> {
        self.answering().send(message.into()).await
    }

    /// Sends a text message. It is on the wire at once, also while the handler goes on; when the client reads too slowly,
    /// this waits.
    ///
    /// # Errors
    /// [`HandlerError::SendError`](crate::HandlerError::SendError) if the connection has ended or is closing.
    pub async fn send_text(&self, text: &str) -> HandlerResult<()> {
        self.answering().send(Message::Text(ByteString::from(text))).await
    }

    /// Sends a binary message; see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_binary(&self, data: Vec<u8>) -> HandlerResult<()> {
        self.answering().send_binary(data).await
    }

    /// Sends a value as one text message of compact JSON; see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_json(&self, value: &Value) -> HandlerResult<()> {
        self.answering().send_json(value).await
    }

    /// Closes the connection after what was sent before. Nothing can be sent afterwards. The running call may go on for
    /// as long as the closing handshake takes; work that was spawned ends.
    ///
    /// # Errors
    /// [`HandlerError::ConnectionError`](crate::HandlerError::ConnectionError) if code or reason may not be sent (see
    /// [`CloseFrame::new`]), [`HandlerError::SendError`](crate::HandlerError::SendError) if the connection has ended or is
    /// closing already.
    pub async fn close(&self, code: u16, reason: &str) -> HandlerResult<()> {
        self.answering().close(code, reason).await
    }

    /// Ends the connection after what was sent before, without a Close frame: the client sees code 1006, as when the server
    /// is gone.
    ///
    /// # Errors
    /// [`HandlerError::SendError`](crate::HandlerError::SendError) if the connection has ended or is closing already.
    pub fn disconnect(&self) -> HandlerResult<()> {
        self.answering().disconnect()
    }

    /// The Close frame of the side that closed first. It is there in `on_disconnect`, unless the connection ended without
    /// one or it had no code.
    #[must_use]
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.close_frame.as_deref()
    }

    /// Ends the chain of the current call: the handlers registered after this one do not get this message (in
    /// `on_connect`: this call). It has no effect in `on_disconnect`.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Says that the present message is what this handler expects: a rule, a wait or a route took it. Handlers that come
    /// later see the message, and [`is_matched`](Self::is_matched).
    pub fn mark_matched(&self) {
        self.matched.store(true, Ordering::Relaxed);
    }

    /// The same as [`mark_matched`](Self::mark_matched), by the name of who took it: a place in a file, a name. The first
    /// name stays.
    pub fn mark_matched_by(&self, name: Arc<str>) {
        self.mark_matched();
        lock(&self.matched_by).get_or_insert(name);
    }

    /// Whether a handler before this one has taken the present message. Those that answer what nobody else does leave such
    /// messages alone.
    #[must_use]
    pub fn is_matched(&self) -> bool {
        self.matched.load(Ordering::Relaxed)
    }

    /// Says that the present message was answered by other means than this context: a [`sender`](Self::sender) that was
    /// taken before. It does not count as unmatched then.
    pub fn mark_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Says that this handler wanted to match the present message and did not, and what came nearest. If no handler has taken
    /// the message, stopped the chain or sent anything by this context when the chain ends, observers are told ([`SessionObserver::on_unmatched`](crate::SessionObserver)).
    pub fn add_near_misses(&self, message: &Message, misses: impl IntoIterator<Item = NearMiss>) {
        let mut unmatched = lock(&self.unmatched);
        unmatched.get_or_insert_with(|| Box::new(Unmatched::new(message.clone()))).add(misses);
    }

    /// A handle that sends to this connection and outlives the call.
    #[must_use]
    pub fn sender(&self) -> WsSender {
        self.rooms.sender().clone()
    }

    /// Runs `work` beside the handlers: it is polled by this connection's session and ends with it at the latest. An
    /// error or a panic in it is logged and counted, and closes the connection with code 1011.
    pub fn spawn(&self, work: impl Future<Output = HandlerResult<()>> + Send + 'static) {
        self.spawned.spawn(Box::pin(work));
    }

    /// Puts `part` beside the handlers: it is polled in every turn of this connection's session, and told when that ends.
    pub fn attach(&self, part: impl SessionPart + 'static) {
        self.spawned.attach(Box::new(part));
    }

    /// Says whether pings are left to the handlers from now on; if not, the session answers them.
    pub fn leave_pings(&self, leave: bool) {
        self.connection().set_leaves_pings(leave);
    }

    /// Runs what was spawned and attached to its end, one after the other. Only for contexts made with [`new`](Self::new); on a
    /// real connection the session does it.
    ///
    /// # Errors
    /// The first error of the spawned work.
    pub async fn run_spawned(&mut self) -> HandlerResult<()> {
        loop {
            let spawned = self.spawned.take();
            if spawned.futures.is_empty() && spawned.parts.is_empty() {
                return Ok(());
            }
            for work in spawned.futures {
                work.await?;
            }
            for mut part in spawned.parts {
                poll_fn(|cx| part.poll(cx)).await?;
            }
        }
    }

    /// What the client said at its handshake: path, query, headers, cookies, address.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        self.connection().handshake()
    }

    /// The test that the connection belongs to; see [`Handshake::test_id`].
    #[must_use]
    pub fn test_id(&self) -> Option<&str> {
        self.connection().test_id()
    }

    /// The connection as hooks and observers see it.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        self.rooms.connection()
    }

    /// Typed state of the connection, among it what `on_handshake` accepted with.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        self.connection().extensions()
    }

    /// The rooms of this connection's server, for work that outlives the call.
    #[must_use]
    pub fn rooms(&self) -> Arc<dyn Rooms> {
        Arc::clone(self.rooms.all_rooms())
    }

    /// A handle by which work that outlives the call joins, leaves and sends to rooms, as this context does.
    #[must_use]
    pub fn room_sender(&self) -> RoomSender {
        self.rooms.clone()
    }

    /// Makes this connection a member of `room`. It leaves by itself when it ends.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](crate::HandlerError::RoomError) if the room cannot be joined.
    pub async fn join_room(&self, room: &str) -> HandlerResult<()> {
        self.rooms.join(room).await
    }

    /// Leaves `room`, if this connection is in it.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](crate::HandlerError::RoomError) if the room cannot be left.
    pub async fn leave_room(&self, room: &str) -> HandlerResult<()> {
        self.rooms.leave(room).await
    }

    /// Sends text to every member of `room`, this connection included if it is one. An empty or unknown room is no error.
    ///
    /// It does not wait for slow members. But when this connection's own queue is half full it waits for that, and a loop
    /// of broadcasts lets other connections have their turn, so that a burst of thousands cuts nobody who reads.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](crate::HandlerError::RoomError) if the room cannot be reached.
    pub async fn broadcast_to_room(&self, room: &str, text: &str) -> HandlerResult<()> {
        self.answered.store(true, Ordering::Relaxed);
        self.rooms.broadcast(room, Message::Text(ByteString::from(text))).await
    }

    /// The rooms that this connection is in, in the order in which it joined them.
    pub async fn get_rooms(&self) -> Vec<String> {
        self.rooms.rooms().await
    }

    /// The ids of the connections that are in `room`, in no order.
    pub async fn get_room_members(&self, room: &str) -> Vec<String> {
        self.rooms.all_rooms().members(room).await
    }

    /// Keeps a value for this connection.
    pub async fn set_metadata(&self, key: &str, value: Value) {
        self.kept().set(key, value);
    }

    /// The value that was kept for this connection under `key`.
    pub async fn get_metadata(&self, key: &str) -> Option<Value> {
        self.metadata.get()?.get(key)
    }

    /// A handle to what is kept for this connection, for work that outlives the call.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        self.kept().clone()
    }

    fn kept(&self) -> &Metadata {
        self.metadata.get_or_init(Metadata::default)
    }
}

/// None of these locks is held while code of others runs, so a poisoned one is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for WsContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsContext")
            .field("connection_id", &self.connection_id)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
