//! The rules beside the script of one connection: those that are followed now, and what those have found that were before.

use std::sync::Arc;

use ws_core::Connection;

use crate::rules::{RuleSession, RuleSessions};
use crate::{CheckOutcome, CheckResult};

/// The most results that are kept of rules that are gone.
const MOST_EARLIER_CHECKS: usize = 1_000;

/// The rules of one session of a script.
pub(super) struct SessionRules {
    followed: Vec<Arc<RuleSession>>,
    /// What was found by the checks of rules that reloads have taken away.
    earlier_checks: Vec<CheckResult>,
}

impl SessionRules {
    pub(super) fn new(followed: Vec<Arc<RuleSession>>) -> Self {
        Self { followed, earlier_checks: Vec::new() }
    }

    /// From now on, `rules` are those beside the script. The others have ended, unless another handler follows them.
    pub(super) fn exchange(&mut self, rules: &[Arc<RuleSession>], script: &str, connection: &Connection) {
        let is_among = |session: &Arc<RuleSession>| rules.iter().any(|other| Arc::ptr_eq(session, other));
        if self.followed.len() == rules.len() && self.followed.iter().all(is_among) {
            return;
        }
        for gone in self.followed.iter().filter(|session| !is_among(session)) {
            if gone.resign(script) {
                RuleSessions::take(connection, gone.name());
                let found =
                    gone.checks(gone.now()).into_iter().filter(|check| *check.outcome() != CheckOutcome::NotReached);
                self.earlier_checks.extend(found);
                self.earlier_checks.truncate(MOST_EARLIER_CHECKS);
            }
        }
        self.followed = rules.to_vec();
    }

    /// The connection has ended.
    pub(super) fn finish(&self) {
        self.followed.iter().for_each(|rules| rules.finish(rules.now()));
    }

    /// What all checks of the rules have found if the session ends now.
    pub(super) fn checks(&self) -> Vec<CheckResult> {
        let followed = self.followed.iter().flat_map(|rules| rules.checks(rules.now()));
        self.earlier_checks.iter().cloned().chain(followed).collect()
    }
}
