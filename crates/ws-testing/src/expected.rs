//! What is expected of messages, and whether it came.

use std::fmt;
use std::time::{Duration, Instant};

use ws_core::{Direction, PathPattern};
use ws_patterns::MessagePattern;
use ws_server::{Journal, JournalEvent, JournalQuery, JournalWatch};

use crate::real_time::within;
use crate::unmet::Unmet;

/// How long is waited, if nobody says.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is looked whether something comes that must not, if nobody says.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing more may come behind an exact number of messages.
const QUIET: Duration = Duration::from_millis(50);

/// What is expected of messages.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) pattern: MessagePattern,
    pub(crate) path: Option<PathPattern>,
    pub(crate) direction: Direction,
    pub(crate) times: Times,
    pub(crate) within: Option<Duration>,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    AtLeast(u64),
    Exactly(u64),
}

impl Times {
    pub(crate) fn are(self, count: u64) -> bool {
        match self {
            Self::AtLeast(least) => count >= least,
            Self::Exactly(wanted) => count == wanted,
        }
    }

    pub(crate) fn are_more_than(self, count: u64) -> bool {
        let (Self::AtLeast(wanted) | Self::Exactly(wanted)) = self;
        wanted > count
    }
}

impl Expected {
    pub(crate) fn new(pattern: MessagePattern) -> Self {
        Self { pattern, path: None, direction: Direction::Inbound, times: Times::AtLeast(1), within: None }
    }

    pub(crate) fn query(&self) -> JournalQuery {
        let query = JournalQuery::messages().pattern(self.pattern.clone()).direction(self.direction);
        match &self.path {
            Some(path) => query.path(path.clone()),
            None => query,
        }
    }

    /// All messages among which it is looked for.
    pub(crate) fn surroundings(&self) -> JournalQuery {
        let query = JournalQuery::messages().direction(self.direction);
        match &self.path {
            Some(path) => query.path(path.clone()),
            None => query,
        }
    }

    fn patience(&self) -> Duration {
        self.within.unwrap_or(if self.times == Times::Exactly(0) { LOOK } else { PATIENCE })
    }

    /// Waits until it is known whether it came.
    pub(crate) async fn settle(self, journal: &Journal, mut watch: JournalWatch) -> Result<Vec<JournalEvent>, Unmet> {
        let (began, patience) = (Instant::now(), self.patience());
        match self.times {
            Times::AtLeast(least) => {
                within(patience, watch.reached(least)).await;
            }
            Times::Exactly(0) => {
                within(patience, watch.reached(1)).await;
            }
            Times::Exactly(wanted) => {
                if within(patience, watch.reached(wanted)).await.is_some() {
                    let left = patience.saturating_sub(began.elapsed());
                    within(left.min(QUIET), watch.reached(wanted + 1)).await;
                }
            }
        }
        watch.catch_up().await;
        self.judge(journal, watch).await
    }

    /// Whether what came until now is what was expected.
    pub(crate) async fn judge(self, journal: &Journal, watch: JournalWatch) -> Result<Vec<JournalEvent>, Unmet> {
        let count = watch.count();
        if self.times.are(count) {
            return Ok(watch.waited(count).await.events);
        }
        let others = journal.find(&self.surroundings().newest_first().limit(Unmet::MOST_OTHERS)).await;
        // No number of them is enough: the nearest are told.
        let waited = watch.waited(u64::MAX).await;
        Err(Unmet::new(self, waited, others))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = |count| if count == 1 { "message" } else { "messages" };
        match self.times {
            Times::AtLeast(least) => write!(f, "at least {least} {}", messages(least))?,
            Times::Exactly(0) => f.write_str("no message")?,
            Times::Exactly(wanted) => write!(f, "exactly {wanted} {}", messages(wanted))?,
        }
        f.write_str(match self.direction {
            Direction::Inbound => " from clients",
            Direction::Outbound => " to clients",
        })?;
        if let Some(path) = &self.path {
            write!(f, " of {path}")?;
        }
        write!(f, " like `{}` within {:?}", self.pattern, self.patience())
    }
}
