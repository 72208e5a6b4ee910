//! What the project has promised about its speed, and whether this run keeps it.

use std::fmt;

use crate::results::{Results, Spread};

pub(crate) struct Goal {
    pub(crate) scenario: &'static str,
    pub(crate) limit: Limit,
}

pub(crate) enum Limit {
    /// The figure of `server` is at most `times` that of the best of `peers`.
    Times { server: &'static str, peers: &'static [&'static str], times: f64 },
    /// Our figure itself is at most this.
    Figure(f64),
    /// The figure of `server` is at most `by` more than ours.
    Above { server: &'static str, by: f64 },
    /// We do at least `times` as much in a second as `peer`.
    Rate { peer: &'static str, times: f64 },
}

use Limit::{Above, Figure, Rate, Times};

/// The best that others have reached on one core.
const ECHOES: &[&str] = &["tokio-websockets", "fastwebsockets", "bun"];
const IN_RUST: &[&str] = &["tokio-websockets", "fastwebsockets", "axum", "tokio-tungstenite"];

pub(crate) const GOALS: [Goal; 13] = [
    Goal { scenario: "echo-64", limit: Times { server: "ours", peers: ECHOES, times: 1.1 } },
    Goal { scenario: "echo-512", limit: Times { server: "ours", peers: ECHOES, times: 1.1 } },
    Goal { scenario: "echo-16k", limit: Times { server: "ours", peers: ECHOES, times: 1.2 } },
    Goal { scenario: "pipelined", limit: Times { server: "ours", peers: &["bun"], times: 1.25 } },
    Goal { scenario: "broadcast", limit: Times { server: "ours", peers: &["bun"], times: 1.5 } },
    Goal { scenario: "idle", limit: Figure(4.0) },
    Goal { scenario: "connect", limit: Times { server: "ours", peers: IN_RUST, times: 1.2 } },
    Goal { scenario: "open-512", limit: Times { server: "ours", peers: &["bun"], times: 1.0 } },
    Goal { scenario: "proxied", limit: Times { server: "ours", peers: &["nginx"], times: 1.1 } },
    Goal { scenario: "proxied", limit: Times { server: "ours", peers: &["pump"], times: 1.25 } },
    Goal { scenario: "replay", limit: Rate { peer: "mockoon", times: 100.0 } },
    Goal { scenario: "echo-64", limit: Times { server: "ours-journal", peers: &["ours"], times: 1.25 } },
    // A million messages at 1 us each are 1 s.
    Goal { scenario: "script-64", limit: Above { server: "ours-js", by: 10.0 } },
];

impl Goal {
    /// What the limit is compared with; `None` when one of those that it needs did not run.
    pub(crate) fn measured(&self, results: &Results) -> Option<Spread> {
        match self.limit {
            Times { server, peers, .. } => results.ratio(self.scenario, server, results.best(self.scenario, peers)?),
            Figure(_) => results.figure(self.scenario, "ours"),
            Above { server, .. } => results.difference(self.scenario, server, "ours"),
            Rate { peer, .. } => results.rate_ratio(self.scenario, "ours", peer),
        }
    }

    /// Whether the median is within the limit; `None` when it was not measured.
    pub(crate) fn kept(&self, results: &Results) -> Option<bool> {
        let median = self.measured(results)?.median;
        Some(match self.limit {
            Times { times: most, .. } | Figure(most) | Above { by: most, .. } => median <= most,
            Rate { times: least, .. } => median >= least,
        })
    }

    /// What is compared, in words; the best of several peers is named as soon as it is known.
    pub(crate) fn describe(&self, results: &Results) -> String {
        let scenario = self.scenario;
        match self.limit {
            Times { server, peers: [peer], .. } => format!("{scenario}: {server} / {peer}"),
            Times { server, peers, .. } => match results.best(scenario, peers) {
                Some(best) => format!("{scenario}: {server} / {best}"),
                None => format!("{scenario}: {server} / best of {}", peers.join(", ")),
            },
            Figure(_) => format!("{scenario}: ours"),
            Above { server, .. } => format!("{scenario}: {server} - ours"),
            Rate { peer, .. } => format!("{scenario}: rate of ours / {peer}"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Times { times: most, .. } | Figure(most) | Above { by: most, .. } => write!(f, "at most {most}"),
            Rate { times: least, .. } => write!(f, "at least {least}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        load::Traffic,
        scenario::{SCENARIOS, Sample},
    };

    fn results(scenario: &'static str, figures: &[(&str, f64)]) -> Results {
        let mut results = Results::default();
        for &(server, figure) in figures {
            results.push(scenario, server, Sample { figure, traffic: None });
        }
        results
    }

    fn kept(scenario: &'static str, figures: &[(&str, f64)]) -> Option<bool> {
        GOALS.iter().find(|goal| goal.scenario == scenario).unwrap().kept(&results(scenario, figures))
    }

    #[test]
    fn a_goal_is_kept_up_to_its_limit() {
        let peers = [("tokio-websockets", 4.0), ("fastwebsockets", 5.0), ("bun", 6.0)];
        let beside = |ours| Vec::from_iter([("ours", ours)].into_iter().chain(peers));
        assert_eq!(kept("echo-64", &beside(4.4)), Some(true));
        assert_eq!(kept("echo-64", &beside(4.5)), Some(false));
        assert_eq!(kept("idle", &[("ours", 4.0)]), Some(true));
        assert_eq!(kept("idle", &[("ours", 4.1)]), Some(false));
        assert_eq!(kept("script-64", &[("ours", 5.0), ("ours-js", 15.0)]), Some(true));
        assert_eq!(kept("script-64", &[("ours", 5.0), ("ours-js", 15.1)]), Some(false));
    }

    #[test]
    fn a_rate_has_to_be_reached() {
        let replay = |ours: u64, mockoon: u64| {
            let mut results = Results::default();
            for (server, events) in [("ours", ours), ("mockoon", mockoon)] {
                let traffic =
                    Traffic { events, seconds: 1.0, user_seconds: 1.0, system_seconds: 0.0, round_trip: None };
                results.push("replay", server, Sample { figure: 1.0, traffic: Some(traffic) });
            }
            GOALS.iter().find(|goal| goal.scenario == "replay").unwrap().kept(&results)
        };
        assert_eq!(replay(100_000, 1_000), Some(true));
        assert_eq!(replay(99_000, 1_000), Some(false));
    }

    #[test]
    fn what_did_not_run_is_neither_kept_nor_missed() {
        assert_eq!(kept("pipelined", &[("ours", 0.1)]), None);
        // The best of those that ran is not the best of all.
        assert_eq!(kept("echo-64", &[("ours", 1.0), ("tokio-websockets", 4.0), ("bun", 4.0)]), None);
        assert_eq!(kept("idle", &[("bun", 0.1)]), None);
        assert_eq!(kept("script-64", &[("ours-js", 0.1)]), None);
    }

    #[test]
    fn a_goal_says_what_it_compares() {
        let goal = &GOALS[0];
        let all = [("ours", 4.0), ("tokio-websockets", 4.0), ("fastwebsockets", 3.0), ("bun", 6.0)];
        assert_eq!(goal.describe(&results("echo-64", &all)), "echo-64: ours / fastwebsockets");
        let some = goal.describe(&results("echo-64", &all[..2]));
        assert_eq!(some, "echo-64: ours / best of tokio-websockets, fastwebsockets, bun");
        assert_eq!(goal.limit.to_string(), "at most 1.1");
    }

    #[test]
    fn every_goal_is_about_a_scenario_and_servers_that_exist() {
        let known = crate::server::Entrant::known();
        for goal in &GOALS {
            assert!(SCENARIOS.iter().any(|scenario| scenario.name == goal.scenario), "{}", goal.scenario);
            let servers = match goal.limit {
                Times { server, peers, .. } => [&[server], peers].concat(),
                Figure(_) => vec!["ours"],
                Above { server, .. } => vec![server, "ours"],
                Rate { peer, .. } => vec![peer, "ours"],
            };
            for server in servers {
                assert!(known.iter().any(|entrant| entrant.name == server), "{server}");
            }
        }
    }
}
