//! What was measured, and what may be concluded: medians, spreads, and ratios of runs that lay side by side.

use serde::Serialize;

use crate::{load::Traffic, scenario::Sample};

/// Median and range of the same thing measured several times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` for no values at all.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] };
        Some(Self { median, min, max })
    }
}

/// All runs of one server in one scenario, in the order of the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) scenario: &'static str,
    pub(crate) server: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Results(Vec<Series>);

impl Results {
    /// Adds a run.
    pub(crate) fn push(&mut self, scenario: &'static str, server: &str, sample: Sample) {
        match self.0.iter_mut().find(|series| series.scenario == scenario && series.server == server) {
            Some(series) => series.samples.push(sample),
            None => self.0.push(Series { scenario, server: server.to_owned(), samples: vec![sample] }),
        }
    }

    /// The runs of a server in a scenario; empty when it did not take part.
    pub(crate) fn samples(&self, scenario: &str, server: &str) -> &[Sample] {
        let series = self.0.iter().find(|series| series.scenario == scenario && series.server == server);
        series.map_or(&[], |series| &series.samples)
    }

    pub(crate) fn figure(&self, scenario: &str, server: &str) -> Option<Spread> {
        Spread::of(self.samples(scenario, server).iter().map(|sample| sample.figure))
    }

    /// How many times the figure of `peer` the one of `server` is, each run against its neighbour of the same round.
    pub(crate) fn ratio(&self, scenario: &str, server: &str, peer: &str) -> Option<Spread> {
        let pairs = self.samples(scenario, server).iter().zip(self.samples(scenario, peer));
        Spread::of(pairs.map(|(ours, theirs)| ours.figure / theirs.figure))
    }

    /// How many times as much `server` does in a second as `peer`, each run against its neighbour of the same round.
    pub(crate) fn rate_ratio(&self, scenario: &str, server: &str, peer: &str) -> Option<Spread> {
        let rates = |server| {
            let traffic = self.samples(scenario, server).iter().filter_map(|sample| sample.traffic.as_ref());
            traffic.map(Traffic::events_per_second)
        };
        Spread::of(rates(server).zip(rates(peer)).map(|(ours, theirs)| ours / theirs))
    }

    /// The one of `peers` with the least median; `None` when not all of them have run.
    pub(crate) fn best<'a>(&self, scenario: &str, peers: &[&'a str]) -> Option<&'a str> {
        let medians = peers.iter().map(|&peer| Some((peer, self.figure(scenario, peer)?.median)));
        let medians: Vec<(&str, f64)> = medians.collect::<Option<_>>()?;
        medians.into_iter().min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(peer, _)| peer)
    }

    /// How much the figure of `server` lies above the one of `base`, each run against its neighbour of the same round.
    pub(crate) fn difference(&self, scenario: &str, server: &str, base: &str) -> Option<Spread> {
        let pairs = self.samples(scenario, server).iter().zip(self.samples(scenario, base));
        Spread::of(pairs.map(|(above, below)| above.figure - below.figure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(series: &[(&'static str, &[f64])]) -> Results {
        let mut results = Results::default();
        for (server, figures) in series {
            for &figure in *figures {
                results.push("echo", server, Sample { figure, traffic: None });
            }
        }
        results
    }

    #[test]
    fn the_median_is_the_middle_of_the_sorted_values() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_and_differences_are_of_neighbours_not_of_medians() {
        // The machine was slow in the second round: both figures doubled, their ratio did not.
        let results = results(&[("ours", &[2.0, 4.0, 2.0]), ("peer", &[1.0, 2.0, 4.0])]);
        assert_eq!(results.ratio("echo", "ours", "peer"), Some(Spread { median: 2.0, min: 0.5, max: 2.0 }));
        assert_eq!(results.figure("echo", "ours").map(|spread| spread.median), Some(2.0));
        assert_eq!(results.ratio("echo", "ours", "absent"), None);
        assert_eq!(results.figure("other", "ours"), None);
        assert_eq!(results.difference("echo", "ours", "peer"), Some(Spread { median: 1.0, min: -2.0, max: 2.0 }));
        assert_eq!(results.difference("echo", "ours", "absent"), None);
    }

    #[test]
    fn the_best_is_who_mostly_is_and_not_who_once_was() {
        let results = results(&[("lucky", &[1.0, 5.0, 5.0]), ("steady", &[4.0, 4.0, 4.0])]);
        assert_eq!(results.best("echo", &["lucky", "steady"]), Some("steady"));
        assert_eq!(results.best("echo", &["lucky", "absent"]), None);
    }
}
