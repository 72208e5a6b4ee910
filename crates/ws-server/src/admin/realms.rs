//! Why something cannot be done for a test.

use http::StatusCode;
use ws_replay::ReplayErrors;

use super::problem::{Mistake, Problem};
use crate::realm::{TestError, TestId};

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
            TestError::Full(_) | TestError::Ending | TestError::Overtaken => Self::not_now(error.to_string(), 1),
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
