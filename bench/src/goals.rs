//! What the project has promised about its speed, and whether this run keeps it.

use crate::results::{Results, Spread};

pub(crate) struct Goal {
    pub(crate) scenario: &'static str,
    pub(crate) limit: Limit,
}

pub(crate) enum Limit {
    /// The figure of `server` is at most `times` that of `peer`.
    Times { server: &'static str, peer: &'static str, times: f64 },
    /// Our figure itself is at most this.
    Figure(f64),
    /// The figure of `server` is at most `by` more than ours.
    Above { server: &'static str, by: f64 },
}

pub(crate) const GOALS: [Goal; 8] = [
    Goal { scenario: "echo-64", limit: Limit::Times { server: "ours", peer: "tokio-websockets", times: 1.25 } },
    Goal { scenario: "echo-64", limit: Limit::Times { server: "ours-journal", peer: "ours", times: 1.25 } },
    Goal { scenario: "echo-512", limit: Limit::Times { server: "ours", peer: "tokio-websockets", times: 1.25 } },
    Goal { scenario: "pipelined", limit: Limit::Times { server: "ours", peer: "bun", times: 2.0 } },
    Goal { scenario: "broadcast", limit: Limit::Times { server: "ours", peer: "bun", times: 3.0 } },
    Goal { scenario: "proxied", limit: Limit::Times { server: "ours", peer: "pump", times: 1.25 } },
    Goal { scenario: "idle", limit: Limit::Figure(8.0) },
    // A million messages at 1 us each are 1 s.
    Goal { scenario: "script-64", limit: Limit::Above { server: "ours-js", by: 10.0 } },
];

impl Goal {
    /// What the limit is compared with; `None` when one of the two did not run.
    pub(crate) fn measured(&self, results: &Results) -> Option<Spread> {
        match self.limit {
            Limit::Times { server, peer, .. } => results.ratio(self.scenario, server, peer),
            Limit::Figure(_) => results.figure(self.scenario, "ours"),
            Limit::Above { server, .. } => results.difference(self.scenario, server, "ours"),
        }
    }

    /// Whether the median is within the limit; `None` when it was not measured.
    pub(crate) fn kept(&self, results: &Results) -> Option<bool> {
        let (Limit::Times { times: most, .. } | Limit::Figure(most) | Limit::Above { by: most, .. }) = self.limit;
        self.measured(results).map(|measured| measured.median <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{SCENARIOS, Sample};

    fn kept(scenario: &'static str, figures: &[(&str, f64)]) -> Option<bool> {
        let mut results = Results::default();
        for &(server, figure) in figures {
            results.push(scenario, server, Sample { figure, traffic: None });
        }
        GOALS.iter().find(|goal| goal.scenario == scenario).unwrap().kept(&results)
    }

    #[test]
    fn a_goal_is_kept_up_to_its_limit() {
        assert_eq!(kept("echo-64", &[("ours", 5.0), ("tokio-websockets", 4.0)]), Some(true));
        assert_eq!(kept("echo-64", &[("ours", 5.1), ("tokio-websockets", 4.0)]), Some(false));
        assert_eq!(kept("idle", &[("ours", 8.0)]), Some(true));
        assert_eq!(kept("idle", &[("ours", 8.1)]), Some(false));
        assert_eq!(kept("script-64", &[("ours", 5.0), ("ours-js", 15.0)]), Some(true));
        assert_eq!(kept("script-64", &[("ours", 5.0), ("ours-js", 15.1)]), Some(false));
    }

    #[test]
    fn what_did_not_run_is_neither_kept_nor_missed() {
        assert_eq!(kept("pipelined", &[("ours", 0.1)]), None);
        assert_eq!(kept("idle", &[("bun", 0.1)]), None);
        assert_eq!(kept("script-64", &[("ours-js", 0.1)]), None);
    }

    #[test]
    fn every_goal_is_about_a_scenario_that_exists() {
        for goal in &GOALS {
            assert!(SCENARIOS.iter().any(|scenario| scenario.name == goal.scenario), "{}", goal.scenario);
        }
    }
}
