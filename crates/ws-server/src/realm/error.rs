//! What cannot be done for a test.

use ws_conditions::ConditionsError;
use ws_replay::ReplayErrors;

/// What cannot be done for a test.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// This is no id of a test.
    #[error("{0:?} is no id of a test: use 1 to 64 of the characters A-Z, a-z, 0-9, `.`, `_` and `-`")]
    Id(String),
    /// There are as many tests as there may be, and none of them can be let go.
    #[error("there are {0} tests already, which is as many as there may be: end one")]
    Full(usize),
    /// The test was ended, and not all of its connections are gone.
    #[error("the test has just ended: its last connections are still closing")]
    Ending,
    /// All connections of the test are in scopes that the embedder has chosen, and there no upload reaches them.
    #[error(
        "the connections of the test have scopes that the program has chosen for them: an upload does not reach these"
    )]
    Unmanaged,
    /// Rules were to be changed, and others have changed them again and again meanwhile.
    #[error("others change the rules at the same time: try again")]
    Overtaken,
    /// What is uploaded for all tests together takes too much room.
    #[error("uploads would take more than {0} bytes together: end a test, or take some back")]
    TooMuch(usize),
    /// The rules or the script cannot be used; every mistake in them is named.
    #[error(transparent)]
    Replay(#[from] ReplayErrors),
    /// The conditions make no sense; every mistake in them is named.
    #[error(transparent)]
    Conditions(#[from] ConditionsError),
}
