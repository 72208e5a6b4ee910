//! A test that runs on a server, for who is in the same program.

use std::fmt;
use std::sync::Arc;

use ws_conditions::Conditions;

use super::{TestError, TestId};
use crate::assemble::Upload;
use crate::shared::Shared;

/// One test among those that run on a server at the same time: what it brings along, and what it has counted, is its own.
///
/// A connection belongs to a test if its handshake names it, by the header `X-Mockforge-Test: ID` or the query parameter
/// `mockforge-test=ID`. Such connections have rules, replay, conditions and rooms for themselves: what the configuration says
/// of them, unless something was uploaded in its place. Upstreams, models, limits of the whole server, and handlers in Rust
/// and JavaScript are the same for all tests; handlers know the test by
/// [`WsContext::test_id`](ws_core::WsContext::test_id).
///
/// The test is there from its first connection or upload on. There may be 1,000 at once: while there are more, tests make
/// room that nobody is connected to and that nothing was uploaded for; others do so after an hour in which nobody came.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ws_server::{WsConfig, WsServer};
///
/// let server = WsServer::builder().config(WsConfig { port: 0, ..Default::default() }).build()?.serve().await?;
/// let test = server.test("checkout-7")?;
/// test.upload_rules("rules: [{ match: ^ping$, response: pong }]")?;
/// println!("{}?mockforge-test={}", server.url(), test.id());
/// test.end().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TestRealm {
    shared: Arc<Shared>,
    id: TestId,
}

/// What an upload came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// How many rules, entries or faults there are in it.
    pub entries: usize,
    /// What is doubtful in it; it is used all the same.
    pub warnings: Vec<String>,
    /// How many connections of the test were open. Rules and conditions reach them with their next message; a replay is for
    /// connections that come after.
    pub open_connections: usize,
}

impl TestRealm {
    pub(crate) fn new(shared: Arc<Shared>, id: &str) -> Result<Self, TestError> {
        Ok(Self { shared, id: id.parse()? })
    }

    /// The id of the test.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Uploads rules, in the format of rules files. They answer in front of the modes of every path, behind registered handlers
    /// and scripts; a message that they take goes no further. They take the place of rules that were uploaded before, whose
    /// state on open connections they take over. They cannot name files.
    ///
    /// # Errors
    /// [`TestError::Replay`] names every mistake; others say why there is no room for the test.
    pub fn upload_rules(&self, text: &str) -> Result<Applied, TestError> {
        self.upload(Upload::rules(text)?)
    }

    /// Uploads a replay script, in the format of replay files. It plays on connections that come after, in the place of the
    /// modes of every path, with uploaded rules beside it.
    ///
    /// # Errors
    /// As [`upload_rules`](Self::upload_rules).
    pub fn upload_replay(&self, text: &str) -> Result<Applied, TestError> {
        self.upload(Upload::replay(text)?)
    }

    /// Sets what the network does to connections, on every path. Handshakes are counted from here on; open connections come
    /// under the conditions at once, and begin anew under them: messages and times are counted from here.
    ///
    /// # Errors
    /// [`TestError::Conditions`] names what makes no sense; others say why there is no room for the test.
    pub fn set_conditions(&self, conditions: impl Into<Conditions>) -> Result<Applied, TestError> {
        let seed = self.shared.version().config.seed;
        self.upload(Upload::conditions(conditions.into(), seed)?)
    }

    /// Begins the test anew: uploads are gone, nothing has been counted, rules and rooms remember nothing, and open connections
    /// are closed with code 1012.
    pub fn reset(&self) {
        self.shared.reset(Some(&self.id), false);
    }

    /// Ends the test: closes its connections with code 1001, and waits until they are gone; those that are not after
    /// [`WsConfig::close_timeout`](crate::WsConfig::close_timeout) are cut off. Until then, nobody gets in under the same id;
    /// after that, it is another test.
    pub async fn end(self) {
        self.shared.end_test(&self.id).await;
    }

    fn upload(&self, upload: Upload) -> Result<Applied, TestError> {
        self.shared.upload(Some(&self.id), upload)
    }
}

impl fmt::Debug for TestRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRealm").field("id", &self.id()).finish_non_exhaustive()
    }
}
