//! The part of a session that carries messages between a client and its upstream.
//!
//! It alone touches the upstream's socket. In each turn of the session it takes what handlers left in the [`Uplink`], feeds
//! and flushes it at once, and gives all that has come to the client's queue.

mod stall;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tracing::{debug, warn};
use ws_core::{
    CloseFrame, HandlerResult, Message, Origin, SessionEnding, SessionPart, TrySendError, WsSender, close_code,
};

use self::stall::Stall;
use crate::uplink::Uplink;
use crate::upstream::{Upstream, rebuke};
use crate::{ProxyDirection, ProxyError, TransformFn};

/// What an idle connection may keep of the room that its last messages took, in messages.
const IDLE_CAPACITY: usize = 64;

/// How often in a row an upstream may end before it took anything, until it counts as down.
const FRUITLESS: u32 = 3;

/// Opens a connection for the next messages.
pub(crate) type Dial = Box<dyn Fn() -> BoxFuture<'static, Result<Upstream, ProxyError>> + Send>;

/// Carries messages between one client and its upstream.
pub(crate) struct Relay {
    side: Side,
    kind: Kind,
    uplink: Arc<Uplink>,
    client: WsSender,
    /// Taken from the uplink, and not yet fed.
    up: VecDeque<Message>,
    /// For the upstream, ahead of `up`. While something waits here, nothing is read.
    back: VecDeque<Message>,
    /// For the client, in order. While something waits here, nothing is read.
    down: VecDeque<Message>,
    /// The message that waits for room in the client's queue; it stands before `down`.
    room: Option<BoxFuture<'static, HandlerResult<()>>>,
    stall: Stall,
    fruitless: u32,
}

/// The upstream's side.
enum Side {
    /// There is no connection, and nothing to send.
    Idle,
    Dialling(BoxFuture<'static, Result<Upstream, ProxyError>>),
    Open(Upstream),
    /// The closing handshake goes on.
    Closing(Upstream),
    Gone,
}

/// Whose connection it is.
enum Kind {
    /// The client's: all that it says goes up, control frames too, and the end of one side is the end of the other.
    Proxy(Option<TransformFn>),
    /// Chosen messages go up, over a connection that is opened when it is needed.
    Passthrough(Dial),
}

impl Relay {
    pub(crate) fn proxy(
        upstream: Upstream,
        uplink: Arc<Uplink>,
        client: WsSender,
        transform: Option<TransformFn>,
    ) -> Self {
        Self::new(Side::Open(upstream), Kind::Proxy(transform), uplink, client)
    }

    pub(crate) fn passthrough(dial: Dial, uplink: Arc<Uplink>, client: WsSender) -> Self {
        Self::new(Side::Idle, Kind::Passthrough(dial), uplink, client)
    }

    fn new(side: Side, kind: Kind, uplink: Arc<Uplink>, client: WsSender) -> Self {
        Self {
            side,
            kind,
            uplink,
            client: client.with_origin(Origin::Proxy),
            up: VecDeque::new(),
            back: VecDeque::new(),
            down: VecDeque::new(),
            room: None,
            stall: Stall::default(),
            fruitless: 0,
        }
    }

    /// Goes on as far as it can.
    fn go_on(&mut self, cx: &mut Context<'_>) {
        loop {
            match &mut self.side {
                Side::Idle => {
                    let Kind::Passthrough(dial) = &self.kind else { return };
                    if self.up.is_empty() {
                        self.uplink.take(&mut self.up);
                    }
                    if self.up.is_empty() {
                        return;
                    }
                    self.side = Side::Dialling(dial());
                }
                Side::Dialling(dialling) => match dialling.as_mut().poll(cx) {
                    Poll::Ready(Ok(upstream)) => self.side = Side::Open(upstream),
                    Poll::Ready(Err(error)) => return self.fail(&error),
                    Poll::Pending => return,
                },
                Side::Open(_) => match self.carry(cx) {
                    Ok(()) => return,
                    Err(end) => self.upstream_ended(end, cx),
                },
                Side::Closing(upstream) => {
                    if upstream.poll_closed(cx).is_ready() {
                        self.side = Side::Gone;
                    }
                    return;
                }
                Side::Gone => return,
            }
        }
    }

    /// Carries both ways until there is nothing more, or no room for it.
    fn carry(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        loop {
            // First what came: after the upstream's end nothing more is fed to it.
            self.carry_down(cx)?;
            let held_up = !self.back.is_empty();
            self.carry_up(cx)?;
            if !held_up || !self.back.is_empty() {
                return Ok(());
            }
        }
    }

    /// Gives the client what the upstream says, for as long as there is room.
    fn carry_down(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        while self.poll_delivered(cx).is_ready() && self.back.is_empty() {
            let Side::Open(upstream) = &mut self.side else { return Ok(()) };
            match upstream.poll_next(cx) {
                Poll::Ready(Ok(Message::Close(frame))) => return Err(End::Closed(frame)),
                Poll::Ready(Ok(message)) => self.arrived(message),
                Poll::Ready(Err(error)) => return Err(End::Failed(error)),
                Poll::Pending => return Ok(()),
            }
        }
        Ok(())
    }

    fn arrived(&mut self, message: Message) {
        match &self.kind {
            Kind::Proxy(None) => self.deliver(message),
            Kind::Proxy(Some(transform)) => {
                let (down, back) = (&mut self.down, &mut self.back);
                let transformed = transform.apply(ProxyDirection::ToClient, &message);
                transformed.apply(message, |message| keep(down, message), |message| keep(back, message));
            }
            // The client's own pings are answered by its session, and the upstream's are for us.
            Kind::Passthrough(_) => match message {
                Message::Ping(data) => self.back.push_back(Message::Pong(data)),
                Message::Pong(_) => {}
                message => self.deliver(message),
            },
        }
    }

    /// Ready when all that was for the client is in its queue.
    fn poll_delivered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(room) = &mut self.room {
                // An error says that the client is gone: the session is about to tell us.
                let _ = ready!(room.as_mut().poll(cx));
                self.room = None;
            }
            match self.down.pop_front() {
                Some(message) => self.deliver(message),
                None => return Poll::Ready(()),
            }
        }
    }

    fn deliver(&mut self, message: Message) {
        if let Err(TrySendError::Full(message)) = self.client.try_send(message) {
            let client = self.client.clone();
            self.room = Some(Box::pin(async move { client.send(message).await }));
        }
    }

    /// Gives the upstream what the client said, for as long as it takes something.
    fn carry_up(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        if let Poll::Ready(done) = self.poll_up(cx) {
            self.stall.clear();
            return done.map_err(End::Failed);
        }
        let Side::Open(upstream) = &self.side else { return Ok(()) };
        if self.stall.poll(cx, upstream.written()).is_pending() {
            return Ok(());
        }
        Err(End::Failed(ProxyError::Stalled { url: upstream.url().to_string(), after: stall::LIMIT }))
    }

    /// Ready when all that there is for the upstream is on the wire.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        let Side::Open(upstream) = &mut self.side else { return Poll::Ready(Ok(())) };
        loop {
            if self.up.is_empty() {
                self.uplink.take(&mut self.up);
            }
            if self.up.is_empty() && self.back.is_empty() {
                break;
            }
            ready!(upstream.poll_ready(cx))?;
            if let Some(message) = self.back.pop_front().or_else(|| self.up.pop_front()) {
                upstream.feed(message)?;
                self.fruitless = 0;
            }
        }
        if self.up.capacity() > IDLE_CAPACITY {
            self.up = VecDeque::new();
        }
        upstream.poll_flush(cx)
    }

    fn upstream_ended(&mut self, end: End, cx: &mut Context<'_>) {
        let Side::Open(mut upstream) = mem::replace(&mut self.side, Side::Gone) else { return };
        self.stall.clear();
        self.back.clear();
        if let End::Failed(error) = &end
            && let Some(frame) = rebuke(error)
        {
            // If that fails too, nothing is lost.
            let _ = upstream.feed(Message::Close(Some(frame)));
        }
        // The upstream has its answer before the client hears of it.
        let is_closed = upstream.poll_closed(cx).is_ready();
        if matches!(self.kind, Kind::Passthrough(_)) && end.may_be_reconnected() && self.fruitless < FRUITLESS {
            debug!("the upstream {} ended; the next message opens a new connection", upstream.url());
            self.fruitless += 1;
            self.side = Side::Idle;
            return;
        }
        match end {
            End::Closed(frame) => self.close_client(frame.map(sendable)),
            End::Failed(error) => self.fail(&error),
        }
        if !is_closed {
            self.side = Side::Closing(upstream);
        }
    }

    /// Ends the client's connection because the upstream does not work.
    fn fail(&mut self, error: &ProxyError) {
        warn!("{error}");
        self.close_client(Some(bad_gateway(error)));
        self.side = Side::Gone;
    }

    fn close_client(&mut self, frame: Option<CloseFrame>) {
        self.uplink.end();
        self.up.clear();
        // It never waits for room; an error says that the client is gone.
        let _ = self.client.try_send(Message::Close(frame));
    }

    /// Says good-bye to the upstream, behind all that the client said before.
    fn poll_parted(&mut self, cx: &mut Context<'_>, ending: &SessionEnding) -> Poll<()> {
        self.room = None;
        self.down.clear();
        if let Side::Idle | Side::Dialling(_) = self.side {
            self.go_on(cx);
        }
        if let Side::Open(_) = self.side {
            let parted = match self.discard(cx) {
                Ok(()) => ready!(self.poll_up(cx)),
                Err(error) => Err(error),
            };
            let Side::Open(mut upstream) = mem::replace(&mut self.side, Side::Gone) else { return Poll::Ready(()) };
            if parted.is_err() {
                return Poll::Ready(());
            }
            if let Some(lease) = upstream.take_lease() {
                lease.give_back(upstream);
                return Poll::Ready(());
            }
            // A client that was just gone leaves an upstream that sees just that.
            let Some(frame) = &ending.close_frame else { return Poll::Ready(()) };
            if upstream.feed(Message::Close(frame.clone().map(sendable))).is_err() {
                return Poll::Ready(());
            }
            self.side = Side::Closing(upstream);
        }
        match &mut self.side {
            Side::Closing(upstream) => upstream.poll_closed(cx),
            Side::Dialling(_) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// What still comes is for nobody; unread, it could keep the upstream from reading.
    fn discard(&mut self, cx: &mut Context<'_>) -> Result<(), ProxyError> {
        let Side::Open(upstream) = &mut self.side else { return Ok(()) };
        while let Poll::Ready(message) = upstream.poll_next(cx) {
            if let Message::Close(_) = message? {
                break;
            }
        }
        Ok(())
    }
}

impl SessionPart for Relay {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<HandlerResult<()>> {
        self.go_on(cx);
        // It stays to be told of the end.
        Poll::Pending
    }

    fn poll_end(&mut self, cx: &mut Context<'_>, ending: &SessionEnding) -> Poll<()> {
        self.poll_parted(cx, ending)
    }
}

/// Whatever becomes of the session, nobody waits for an upstream that is gone.
impl Drop for Relay {
    fn drop(&mut self) {
        self.uplink.end();
    }
}

/// How an upstream ended.
enum End {
    Closed(Option<CloseFrame>),
    Failed(ProxyError),
}

impl End {
    /// Whether it was no verdict on what was said: the upstream may be asked again.
    fn may_be_reconnected(&self) -> bool {
        match self {
            Self::Closed(frame) => {
                frame.as_ref().is_none_or(|frame| matches!(frame.code, close_code::NORMAL | close_code::GOING_AWAY))
            }
            Self::Failed(error) => matches!(error, ProxyError::Lost { .. }),
        }
    }
}

/// Keeps what a transform made, if it may be sent.
fn keep(queue: &mut VecDeque<Message>, message: Message) {
    match message.check_control() {
        Ok(()) => queue.push_back(message),
        Err(error) => warn!("a transform made what cannot be sent: {error}"),
    }
}

/// The same code and reason, if they may stand in a Close frame.
fn sendable(frame: CloseFrame) -> CloseFrame {
    let code = frame.code;
    CloseFrame::new(code, frame.reason).unwrap_or_else(|_| CloseFrame {
        code: close_code::BAD_GATEWAY,
        reason: format!("the other side closed with code {code}").into(),
    })
}

/// What a client is told when its upstream does not work.
pub(crate) fn bad_gateway(error: &ProxyError) -> CloseFrame {
    let mut reason = error.to_string();
    reason.truncate(reason.floor_char_boundary(close_code::MAX_REASON_BYTES));
    CloseFrame { code: close_code::BAD_GATEWAY, reason: reason.into() }
}
