//! The realms that a request is about, and why something cannot be done for one.

use std::sync::Arc;

use http::StatusCode;
use ws_replay::ReplayErrors;

use super::Admin;
use super::problem::{Mistake, Problem};
use super::which::Which;
use crate::realm::{Realm, TestError, TestId};

impl Admin {
    /// The realms of `which`; none, if the test is not there. One that is asked for by name is kept for who comes back.
    pub(super) fn realms(&self, which: &Which) -> Vec<Arc<Realm>> {
        let realms = &self.shared.realms;
        match which {
            Which::Untagged => vec![Arc::clone(realms.server())],
            Which::Test(id) => realms.keep(Some(id)).into_iter().collect(),
            Which::All => {
                let mut all = realms.all();
                all.push(Arc::clone(realms.server()));
                all
            }
        }
    }
}

pub(super) fn no_test(id: &TestId) -> Problem {
    Problem::not_found(format!("there is no test {id}: nobody has connected to it or set it up, or it has ended"))
}

impl From<TestError> for Problem {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Replay(errors) => errors.into(),
            TestError::Conditions(errors) => {
                let mistakes = errors.problems().iter().map(Mistake::new);
                Self::senseless("the conditions make no sense").errors(mistakes)
            }
            TestError::Id(_) => Self::unreadable(error.to_string()),
            TestError::Unmanaged => Self::new(StatusCode::CONFLICT, error.to_string()),
            TestError::TooMuch(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            TestError::Full(_) | TestError::Ending => Self::not_now(error.to_string(), 1),
        }
    }
}

impl From<ReplayErrors> for Problem {
    fn from(errors: ReplayErrors) -> Self {
        let mistakes = errors.errors().iter().map(|mistake| match mistake.position() {
            Some(place) => Mistake::at(place.line, place.column, mistake.kind()),
            None => Mistake::new(mistake.kind()),
        });
        let more = match errors.not_listed() {
            0 => String::new(),
            more => format!("; {more} more are not listed"),
        };
        Self::senseless(format!("nothing has changed: there are mistakes in what was sent{more}")).errors(mistakes)
    }
}
