//! Where connections wait for their next owner, one shelf for each kind of handshake.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;
use ws_core::{CloseFrame, Message, close_code};

use crate::dial::{Answer, Dialer, Dialled, Request};
use crate::upstream::Upstream;
use crate::{ProxyError, WsProxyConfig};

/// For how many kinds of handshake connections are kept ready at a time.
const MOST_SHELVES: usize = 64;
/// The most messages, and bytes, that an upstream may send to nobody; one that sends more is no upstream to wait with.
const MOST_EARLY: (usize, usize) = (64, 64 * 1024);
/// How long an upstream may take to show that it has nothing more to say to the last client, and how long a client waits for
/// that.
const QUIET_WITHIN: Duration = Duration::from_secs(1);
/// How long the closing handshake of an unused connection may take.
const CLOSING: Duration = Duration::from_secs(1);

/// Opens connections, and keeps some ready.
pub(crate) struct Pool {
    dialer: Arc<Dialer>,
    size: usize,
    stateless: bool,
    idle_timeout: Duration,
    shelves: Mutex<HashMap<Key, Shelf>>,
    /// A connection came back, or will not.
    returned: Notify,
    /// Opens and keeps connections; all of it ends with the pool.
    upkeep: Mutex<JoinSet<()>>,
}

/// A handshake, to the letter.
type Key = Arc<[u8]>;

#[derive(Default)]
struct Shelf {
    ready: Vec<Arc<Kept>>,
    dialling: usize,
    returning: usize,
}

impl Pool {
    /// # Errors
    /// If the CA file cannot be used.
    pub(crate) fn new(config: &WsProxyConfig) -> Result<Arc<Self>, ProxyError> {
        Ok(Arc::new(Self {
            dialer: Arc::new(Dialer::new(config)?),
            size: config.connection_pool_size,
            stateless: config.stateless,
            idle_timeout: config.idle_timeout,
            shelves: Mutex::default(),
            returned: Notify::new(),
            upkeep: Mutex::default(),
        }))
    }

    /// A connection: one that is ready, or a new one.
    pub(crate) async fn connect(self: &Arc<Self>, request: &Request) -> Result<Dialled, ProxyError> {
        if self.size == 0 {
            return self.dialer.dial(request).await;
        }
        let key = key(request);
        let mut dialled = match self.take_or_await(&key).await {
            Some(ready) => ready,
            None => self.dialer.dial(request).await?,
        };
        if self.stateless {
            let answer = dialled.answer.clone();
            dialled.upstream = dialled.upstream.with_lease(Lease { pool: Arc::downgrade(self), key, answer });
        } else {
            self.fill(&key, request);
        }
        Ok(dialled)
    }

    /// A connection that is ready; waits for one that is just coming back.
    async fn take_or_await(&self, key: &Key) -> Option<Dialled> {
        let waiting = async {
            loop {
                // Made before the shelf is looked at, so that nothing which comes back in between is missed.
                let returned = self.returned.notified();
                if let Some(ready) = self.take(key) {
                    return Some(ready);
                }
                if self.shelves().get(key).is_none_or(|shelf| shelf.returning == 0) {
                    return None;
                }
                returned.await;
            }
        };
        timeout(QUIET_WITHIN, waiting).await.ok().flatten()
    }

    fn take(&self, key: &Key) -> Option<Dialled> {
        loop {
            let kept = self.shelves().get_mut(key)?.ready.pop()?;
            // One that has just ended is passed over.
            if let Some(ready) = kept.take() {
                return Some(ready);
            }
        }
    }

    /// Opens connections in the background until the shelf is full.
    fn fill(self: &Arc<Self>, key: &Key, request: &Request) {
        let missing = {
            let mut shelves = self.shelves();
            if shelves.len() >= MOST_SHELVES && !shelves.contains_key(key) {
                return;
            }
            let shelf = shelves.entry(Arc::clone(key)).or_default();
            let missing = self.size.saturating_sub(shelf.ready.len() + shelf.dialling);
            shelf.dialling += missing;
            missing
        };
        for _ in 0..missing {
            let place =
                Place { pool: Arc::downgrade(self), key: Arc::clone(key), counted: |shelf| &mut shelf.dialling };
            let (dialer, request) = (Arc::clone(&self.dialer), request.clone());
            self.spawn(async move {
                match dialer.dial(&request).await {
                    Ok(dialled) => place.put(dialled).await,
                    Err(error) => debug!("no connection is kept ready: {error}"),
                }
            });
        }
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<Key, Shelf>> {
        // No code of others runs under this lock.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        while upkeep.try_join_next().is_some() {}
        upkeep.spawn_on(work, &runtime);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.size).field("stateless", &self.stateless).finish_non_exhaustive()
    }
}

fn key(request: &Request) -> Key {
    let url = &*request.url;
    let mut key =
        format!("{}\n{} {}\n", if url.tls { "wss" } else { "ws" }, url.authority(), url.target()).into_bytes();
    let subprotocols = request.subprotocols.iter().map(|value| ("sec-websocket-protocol", value));
    let credentials = url.credentials.iter().map(|value| ("credentials", value));
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in subprotocols.chain(credentials).chain(headers) {
        key.extend_from_slice(name.as_bytes());
        key.push(b':');
        key.extend_from_slice(value.as_bytes());
        key.push(b'\n');
    }
    key.into()
}

/// A place on a shelf for a connection that is on its way there; given up when dropped.
struct Place {
    pool: Weak<Pool>,
    key: Key,
    /// Where it is counted meanwhile.
    counted: fn(&mut Shelf) -> &mut usize,
}

impl Place {
    /// Keeps the connection ready there until somebody takes it, it ends, or it was unused for too long.
    async fn put(self, dialled: Dialled) {
        let kept = Arc::new(Kept(Mutex::new(Some(Waiting { dialled, keeper: None }))));
        let (pool, key) = (self.pool.clone(), Arc::clone(&self.key));
        let Some(idle_timeout) = pool.upgrade().map(|pool| {
            if let Some(shelf) = pool.shelves().get_mut(&key) {
                shelf.ready.push(Arc::clone(&kept));
            }
            pool.idle_timeout
        }) else {
            return;
        };
        // From here on it is counted as ready.
        drop(self);
        let _ = timeout(idle_timeout, poll_fn(|cx| kept.poll_unfit(cx))).await;
        if let Some(pool) = pool.upgrade() {
            pool.forget(&key, &kept);
        }
        // Nobody takes it any more; somebody may have before.
        let unused = kept.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Waiting { dialled: Dialled { mut upstream, .. }, .. }) = unused {
            let frame = CloseFrame { code: close_code::NORMAL, reason: Default::default() };
            let _ = upstream.feed(Message::Close(Some(frame)));
            let _ = timeout(CLOSING, poll_fn(|cx| upstream.poll_closed(cx))).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        if let Some(shelf) = pool.shelves().get_mut(&self.key) {
            *(self.counted)(shelf) -= 1;
        }
        pool.tidy(&self.key);
        pool.returned.notify_waiters();
    }
}

impl Pool {
    fn forget(&self, key: &Key, kept: &Arc<Kept>) {
        if let Some(shelf) = self.shelves().get_mut(key) {
            shelf.ready.retain(|other| !Arc::ptr_eq(other, kept));
        }
        self.tidy(key);
    }

    /// A shelf that nothing is on, and nothing is on its way to, is taken down.
    fn tidy(&self, key: &Key) {
        let mut shelves = self.shelves();
        if shelves.get(key).is_some_and(|shelf| shelf.ready.is_empty() && shelf.dialling + shelf.returning == 0) {
            shelves.remove(key);
        }
    }
}

/// A connection that waits for its owner. Whoever takes it has it alone.
struct Kept(Mutex<Option<Waiting>>);

struct Waiting {
    dialled: Dialled,
    /// Who keeps it; told when it is taken.
    keeper: Option<Waker>,
}

impl Kept {
    /// Takes the connection, if it has not ended.
    fn take(&self) -> Option<Dialled> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Waiting { mut dialled, keeper } = waiting?;
        if let Some(keeper) = keeper {
            keeper.wake();
        }
        let is_unfit = poll_unfit(&mut dialled.upstream, &mut Context::from_waker(Waker::noop())).is_ready();
        (!is_unfit).then_some(dialled)
    }

    /// Ready when it is taken, or has ended.
    fn poll_unfit(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = &mut *kept else { return Poll::Ready(()) };
        waiting.keeper = Some(cx.waker().clone());
        poll_unfit(&mut waiting.dialled.upstream, cx)
    }
}

/// Answers pings, and keeps what else comes, in order. Ready when the connection is of no use any more.
fn poll_unfit(upstream: &mut Upstream, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        match upstream.poll_flush(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            // An upstream that does not take the answers to its pings does not get more of them.
            Poll::Pending => return Poll::Pending,
        }
        match upstream.poll_arrived(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Message::Ping(data))) => {
                if upstream.feed(Message::Pong(data)).is_err() {
                    return Poll::Ready(());
                }
            }
            Poll::Ready(Ok(Message::Pong(_))) => {}
            Poll::Ready(Ok(Message::Close(_)) | Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(message)) => {
                upstream.keep(message);
                let (messages, bytes) = upstream.kept();
                // What was used may be talking to the client before.
                if upstream.is_used() || messages > MOST_EARLY.0 || bytes > MOST_EARLY.1 {
                    return Poll::Ready(());
                }
            }
        }
    }
}

/// The right of a used connection to go back where others take it. Only connections to stateless upstreams have it.
pub(crate) struct Lease {
    pool: Weak<Pool>,
    key: Key,
    answer: Answer,
}

impl Lease {
    /// Gives a connection back, as soon as the upstream has shown that it has nothing more to say to the last client.
    pub(crate) fn give_back(self, mut upstream: Upstream) {
        let Some(pool) = self.pool.upgrade() else { return };
        {
            let mut shelves = pool.shelves();
            if shelves.len() >= MOST_SHELVES && !shelves.contains_key(&self.key) {
                return;
            }
            let shelf = shelves.entry(Arc::clone(&self.key)).or_default();
            if shelf.ready.len() + shelf.returning >= pool.size {
                return;
            }
            shelf.returning += 1;
        }
        let place = Place { pool: self.pool, key: self.key, counted: |shelf| &mut shelf.returning };
        let answer = self.answer;
        pool.spawn(async move {
            if matches!(timeout(QUIET_WITHIN, quiet(&mut upstream)).await, Ok(Ok(()))) {
                upstream.set_used();
                place.put(Dialled { upstream, answer }).await;
            }
        });
    }
}

/// Asks with a ping, and throws away all that comes before the answer: it was for the last client.
async fn quiet(upstream: &mut Upstream) -> Result<(), ProxyError> {
    let question: [u8; 8] = rand::random();
    upstream.feed(Message::Ping(question.to_vec().into()))?;
    loop {
        poll_fn(|cx| upstream.poll_flush(cx)).await?;
        match poll_fn(|cx| upstream.poll_arrived(cx)).await? {
            Message::Pong(answer) if *answer == question => return Ok(()),
            Message::Ping(data) => upstream.feed(Message::Pong(data))?,
            Message::Close(_) => return Err(ProxyError::Ended { url: upstream.url().to_string() }),
            _ => {}
        }
    }
}
