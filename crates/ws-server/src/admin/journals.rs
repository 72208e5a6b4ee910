//! The journals of the connections that a request is about, and what is asked of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::problem::{Mistake, Problem};
use super::reach;
use super::which::Which;
use super::whole::Whole;
use crate::journal::{EventFilter, EventName, FilterErrors, Found, Journal, JournalQuery};
use crate::realm::{Realm, TestId};

/// Every kind of event.
pub(super) const ALL_KINDS: [EventName; 10] = [
    EventName::Open,
    EventName::Refused,
    EventName::Message,
    EventName::Unmatched,
    EventName::Play,
    EventName::Fault,
    EventName::Error,
    EventName::Skipped,
    EventName::End,
    EventName::Reload,
];

/// The most events of one answer.
pub(super) type EventLimit = Whole<1, 1_000>;

/// Which events come first, and count where not all are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// The oldest.
    #[default]
    Asc,
    /// The newest.
    Desc,
}

impl Admin {
    /// The journals of `which`; none, if it is a test that is not there. One that is asked for by name is kept for who comes
    /// back.
    pub(super) fn journals(&self, which: &Which) -> Result<Vec<Journal>, Problem> {
        let realms = &self.shared.realms;
        let journal = |realm: &Realm| realm.observers.journal().cloned();
        let journals = match which {
            Which::Untagged => vec![journal(realms.server())],
            Which::Test(id) => realms.keep(Some(id)).as_deref().map(journal).into_iter().collect(),
            Which::All => {
                let mut all = realms.of_tests(journal);
                all.push(journal(realms.server()));
                all
            }
        };
        journals.into_iter().collect::<Option<_>>().ok_or_else(switched_off)
    }

    /// The journal of a test, or that of the connections of none, for who waits: a test is made if it is not there.
    pub(super) fn journal_to_come(&self, test: Option<&TestId>) -> Result<Journal, Problem> {
        let realm = self.shared.realms.want(test)?;
        realm.observers.journal().cloned().ok_or_else(switched_off)
    }

    /// What a filter means, checked.
    pub(super) async fn query(&self, filter: EventFilter, which: &Which) -> Result<JournalQuery, Problem> {
        let members = match filter.room.as_deref() {
            Some(room) => Some(reach::members(&self.connections(which), room).await),
            None => None,
        };
        filter.compile(members).map_err(|mistakes: FilterErrors| {
            let errors = mistakes.mistakes().iter().map(Mistake::new);
            Problem::senseless("the filter makes no sense").errors(errors)
        })
    }
}

fn switched_off() -> Problem {
    Problem::new(http::StatusCode::NOT_IMPLEMENTED, "this server keeps no journal: `journal.enabled` is false")
}

/// What all of them have.
pub(super) async fn find(journals: &[Journal], query: &JournalQuery) -> Found {
    let mut parts = Vec::with_capacity(journals.len());
    for journal in journals {
        parts.push(journal.find(query).await);
    }
    Found::merged(parts, query)
}
