//! A connection to an upstream in the hands of a program.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use tokio::time::timeout;
use ws_core::{CloseFrame, HandlerError, Message};

use crate::ProxyError;
use crate::upstream::Upstream;

/// How long the closing handshake may take.
const CLOSING: Duration = Duration::from_secs(1);

/// A connection to an upstream, from [`UpstreamPool::get_connection`](crate::UpstreamPool::get_connection).
///
/// Several tasks may use it at once. Dropped without [`close`](Self::close), the upstream sees that it just ends; with a
/// stateless upstream it goes back to the pool instead.
pub struct UpstreamConnection {
    upstream: Mutex<Option<Upstream>>,
    url: String,
    subprotocol: Option<String>,
    waiting: Arc<Waiting>,
    /// Wakes all that wait. The socket knows only this one: it has room for one waker in each direction.
    waker: Waker,
}

impl UpstreamConnection {
    pub(super) fn new(upstream: Upstream, subprotocol: Option<String>) -> Self {
        let waiting = Arc::new(Waiting::default());
        let waker = Waker::from(Arc::clone(&waiting));
        let url = upstream.url().to_string();
        Self { upstream: Mutex::new(Some(upstream)), url, subprotocol, waiting, waker }
    }

    /// The subprotocol that the upstream chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Sends a message, and waits while the upstream does not take it.
    ///
    /// # Errors
    /// [`ProxyError::Ended`] if a Close frame was sent or has come, [`ProxyError::Frame`] for a control frame that may not be
    /// sent, otherwise what failed.
    pub async fn forward_message(&self, message: impl Into<Message>) -> Result<(), ProxyError> {
        let message: Message = message.into();
        message.check_control().map_err(wrong_frame)?;
        let mut message = Some(message);
        poll_fn(|cx| {
            self.poll(cx, |upstream, cx| {
                if let Some(next) = message.take() {
                    if upstream.is_closing() {
                        return Poll::Ready(Err(ProxyError::Ended { url: self.url.clone() }));
                    }
                    match upstream.poll_ready(cx) {
                        Poll::Ready(ready) => ready.and_then(|()| upstream.feed(next))?,
                        Poll::Pending => {
                            message = Some(next);
                            return Poll::Pending;
                        }
                    }
                }
                upstream.poll_flush(cx)
            })
        })
        .await
    }

    /// The next message from the upstream; a Close frame is the last. Pings have been answered.
    ///
    /// # Errors
    /// [`ProxyError::Lost`] if the upstream was gone without a Close frame, [`ProxyError::Ended`] behind one, otherwise what
    /// failed.
    pub async fn next(&self) -> Result<Message, ProxyError> {
        poll_fn(|cx| {
            self.poll(cx, |upstream, cx| {
                if upstream.is_closed() {
                    return Poll::Ready(Err(ProxyError::Ended { url: self.url.clone() }));
                }
                let message = ready!(upstream.poll_next_answering(cx))?;
                Poll::Ready(Ok(message))
            })
        })
        .await
    }

    /// Closes the connection, and waits a second at most for the upstream to do the same.
    ///
    /// # Errors
    /// [`ProxyError::Frame`] if code or reason may not stand in a Close frame, otherwise what failed.
    pub async fn close(self, code: u16, reason: &str) -> Result<(), ProxyError> {
        let frame = Some(CloseFrame::new(code, reason.to_owned()).map_err(wrong_frame)?);
        let closing = poll_fn(|cx| {
            self.poll(cx, |upstream, cx| {
                ready!(upstream.poll_ready(cx))?;
                upstream.feed(Message::Close(frame.clone()))?;
                upstream.poll_closed(cx).map(Ok)
            })
        });
        timeout(CLOSING, closing).await.unwrap_or(Ok(()))
    }

    fn upstream(&self) -> MutexGuard<'_, Option<Upstream>> {
        self.upstream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the upstream in the name of all that wait.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        work: impl FnOnce(&mut Upstream, &mut Context<'_>) -> Poll<Result<T, ProxyError>>,
    ) -> Poll<Result<T, ProxyError>> {
        // Before the socket is looked at, so that nothing which happens in between is missed.
        self.waiting.join(cx.waker());
        match &mut *self.upstream() {
            Some(upstream) => work(upstream, &mut Context::from_waker(&self.waker)),
            None => Poll::Ready(Err(ProxyError::Ended { url: self.url.clone() })),
        }
    }
}

impl Drop for UpstreamConnection {
    fn drop(&mut self) {
        if let Some(mut upstream) = self.upstream().take()
            && let Some(lease) = upstream.take_lease()
        {
            lease.give_back(upstream);
        }
    }
}

impl fmt::Debug for UpstreamConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamConnection").field("url", &self.url).finish_non_exhaustive()
    }
}

fn wrong_frame(error: HandlerError) -> ProxyError {
    ProxyError::Frame { problem: error.to_string() }
}

/// Tasks that wait for one socket.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waker>>);

impl Waiting {
    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, waker: &Waker) {
        let mut wakers = self.wakers();
        if !wakers.iter().any(|waiting| waiting.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().for_each(Waker::wake);
    }
}
