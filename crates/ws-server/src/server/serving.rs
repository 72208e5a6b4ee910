//! The task of one socket.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// One socket, from its first byte to its last, in phases: HTTP, then the session that came of it, if one did.
///
/// Each phase has memory of its own, so that an open connection holds none that only its handshake needs. It gives back the
/// next one.
pub(super) struct Serving(BoxFuture<'static, Option<Serving>>);

impl Serving {
    pub(super) fn new(phase: impl Future<Output = Option<Self>> + Send + 'static) -> Self {
        Self(Box::pin(phase))
    }

    pub(super) fn last(phase: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::new(phase.map(|()| None))
    }
}

impl Future for Serving {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(next) = ready!(self.0.as_mut().poll(cx)) {
            *self = next;
        }
        Poll::Ready(())
    }
}
