//! The task of one socket.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;

/// One socket, from its first byte to its last, in phases.
///
/// Each phase has memory of its own, so that an open connection holds none that only its handshake needs.
pub(super) enum Serving {
    /// What comes before a session; gives back how it goes on, if it does.
    Handshake(BoxFuture<'static, Option<Serving>>),
    /// The last phase. Nothing is wrapped around it: each message would go through that.
    Session(BoxFuture<'static, ()>),
}

impl Serving {
    pub(super) fn new(handshake: impl Future<Output = Option<Self>> + Send + 'static) -> Self {
        Self::Handshake(Box::pin(handshake))
    }
}

impl Future for Serving {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Session(session) => return session.as_mut().poll(cx),
                Self::Handshake(handshake) => match ready!(handshake.as_mut().poll(cx)) {
                    Some(next) => *self = next,
                    None => return Poll::Ready(()),
                },
            }
        }
    }
}
