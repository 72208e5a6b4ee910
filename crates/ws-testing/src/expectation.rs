//! Expecting messages of a server: now, or until the server is verified.

use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use ws_core::{Direction, PathPattern};
use ws_patterns::MessagePattern;
use ws_server::{Journal, JournalEvent};

use crate::expected::{Expected, Times};
use crate::promises::Promises;
use crate::unmet::Unmet;

/// What is expected of a server's messages; awaited, it says whether that came.
///
/// Unless it is told otherwise, it expects at least one message from a client of any path, within five seconds. What the
/// server has seen before counts. Time is real, also where tokio's clock stands still.
#[must_use = "an expectation is of use only if it is awaited"]
pub struct Expectation<'s> {
    journal: &'s Journal,
    expected: Expected,
}

/// What is expected of a server's messages until it is [verified](crate::TestServer::verify); said to the end by how often that
/// is: [`times`](Self::times), [`at_least`](Self::at_least) or [`never`](Self::never).
#[must_use = "nothing is expected before `times`, `at_least` or `never`"]
pub struct Expecting<'s> {
    journal: &'s Journal,
    promises: &'s Promises,
    expected: Expected,
}

macro_rules! narrowed {
    ($name:ident) => {
        impl $name<'_> {
            /// Messages of connections with such a path: `*` is one segment, and `**` at the end is all the rest.
            ///
            /// # Panics
            /// If it is no pattern of paths.
            pub fn on(mut self, path: &str) -> Self {
                let path: PathPattern = path.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
                self.expected.path = Some(path);
                self
            }

            /// Messages that a client sends.
            pub fn from_client(mut self) -> Self {
                self.expected.direction = Direction::Inbound;
                self
            }

            /// Messages that the server sends.
            pub fn to_client(mut self) -> Self {
                self.expected.direction = Direction::Outbound;
                self
            }

            /// How long is waited for them: 5 seconds, and half a second for those that must not come, if this is not called.
            pub fn within(mut self, limit: Duration) -> Self {
                self.expected.within = Some(limit);
                self
            }
        }
    };
}

narrowed!(Expectation);
narrowed!(Expecting);

impl<'s> Expectation<'s> {
    pub(crate) fn new(journal: &'s Journal, pattern: MessagePattern) -> Self {
        Self { journal, expected: Expected::new(pattern) }
    }

    /// Exactly so many: when they have come, none may follow for 50 ms.
    pub fn times(mut self, count: u64) -> Self {
        self.expected.times = Times::Exactly(count);
        self
    }

    /// So many or more: it is met when they have come.
    pub fn at_least(mut self, count: u64) -> Self {
        self.expected.times = Times::AtLeast(count);
        self
    }

    /// None: it is known only when the time is over.
    pub fn never(self) -> Self {
        self.times(0)
    }
}

/// The messages that were expected, the first hundred of them, or why not.
impl<'s> IntoFuture for Expectation<'s> {
    type Output = Result<Vec<JournalEvent>, Unmet>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 's>>;

    fn into_future(self) -> Self::IntoFuture {
        let watch = self.journal.watch(self.expected.query());
        Box::pin(self.expected.settle(self.journal, watch))
    }
}

impl<'s> Expecting<'s> {
    pub(crate) fn new(journal: &'s Journal, promises: &'s Promises, pattern: MessagePattern) -> Self {
        Self { journal, promises, expected: Expected::new(pattern) }
    }

    /// Exactly so many.
    pub fn times(self, count: u64) {
        self.keep(Times::Exactly(count));
    }

    /// So many or more.
    pub fn at_least(self, count: u64) {
        self.keep(Times::AtLeast(count));
    }

    /// None.
    pub fn never(self) {
        self.times(0);
    }

    fn keep(self, times: Times) {
        self.promises.add(self.journal, Expected { times, ..self.expected });
    }
}
