//! How long messages take: a distribution of delays, and draws from it.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal, Pareto};
use serde::{Deserialize, Serialize};

use crate::error::Problems;
use crate::plan::MAX_DELAY_MS;

/// The shape of the delays around their base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LatencyDistribution {
    /// The base itself.
    #[default]
    Fixed,
    /// A bell curve whose mean is the base and whose standard deviation is `std_dev_ms`.
    Normal,
    /// Mostly near the base, which is the least, with a long tail of late ones: the smaller `pareto_shape`, the longer.
    Pareto,
}

/// How long messages to the client are delayed, in whole milliseconds.
///
/// A delay is drawn from the distribution; then a jitter of -`jitter_ms` to +`jitter_ms`, all equally likely, is added;
/// then it is held between `min_ms` and `max_ms`. It is never negative and never longer than a day.
///
/// ```
/// use std::time::Duration;
/// use ws_conditions::LatencyProfile;
///
/// let profile = LatencyProfile::new(50, 20).with_tag_override("/ws/slow", 2_000);
/// let delay = profile.sample(&[], &mut rand::rng());
/// assert!((30..=70).contains(&delay.as_millis()));
/// assert_eq!(profile.sample(&["/ws/slow"], &mut rand::rng()), Duration::from_secs(2));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LatencyProfile {
    /// The middle of the delays; their least before jitter with [`LatencyDistribution::Pareto`].
    pub base_ms: u64,
    /// How far a delay strays to either side.
    pub jitter_ms: u64,
    /// The shape of the delays around the base.
    pub distribution: LatencyDistribution,
    /// The standard deviation, which [`LatencyDistribution::Normal`] needs: not negative, finite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std_dev_ms: Option<f64>,
    /// The shape, which [`LatencyDistribution::Pareto`] needs: more than 0. The mean is finite above 1, the variance
    /// above 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pareto_shape: Option<f64>,
    /// No delay is shorter.
    pub min_ms: u64,
    /// No delay is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
    /// Delays that are not drawn but given, by tag; the server's tag is the connection's path. The first tag of a
    /// message that stands here counts.
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub tag_overrides: HashMap<String, u64>,
}

impl LatencyProfile {
    /// `base_ms`, give or take `jitter_ms`.
    #[must_use]
    pub fn new(base_ms: u64, jitter_ms: u64) -> Self {
        Self { base_ms, jitter_ms, ..Self::default() }
    }

    /// A bell curve around `mean_ms`. What would be negative is 0.
    #[must_use]
    pub fn with_normal_distribution(mean_ms: u64, std_dev_ms: f64) -> Self {
        Self {
            base_ms: mean_ms,
            distribution: LatencyDistribution::Normal,
            std_dev_ms: Some(std_dev_ms),
            ..Self::default()
        }
    }

    /// At least `base_ms`, with a tail of late ones. Give it a [`with_max_ms`](Self::with_max_ms): the tail is long.
    #[must_use]
    pub fn with_pareto_distribution(base_ms: u64, shape: f64) -> Self {
        Self { base_ms, distribution: LatencyDistribution::Pareto, pareto_shape: Some(shape), ..Self::default() }
    }

    /// Delays what carries `tag` by `ms`, without a draw.
    #[must_use]
    pub fn with_tag_override(mut self, tag: impl Into<String>, ms: u64) -> Self {
        self.tag_overrides.insert(tag.into(), ms);
        self
    }

    /// Delays by at least `ms`.
    #[must_use]
    pub fn with_min_ms(mut self, ms: u64) -> Self {
        self.min_ms = ms;
        self
    }

    /// Delays by at most `ms`.
    #[must_use]
    pub fn with_max_ms(mut self, ms: u64) -> Self {
        self.max_ms = Some(ms);
        self
    }

    /// The same network: 1 to 20 ms.
    #[must_use]
    pub fn fast() -> Self {
        Self::new(10, 10).with_min_ms(1).with_max_ms(20)
    }

    /// The internet: 50 to 200 ms.
    #[must_use]
    pub fn normal() -> Self {
        Self::new(125, 75).with_min_ms(50).with_max_ms(200)
    }

    /// A bad line: 300 to 800 ms.
    #[must_use]
    pub fn slow() -> Self {
        Self::new(550, 250).with_min_ms(300).with_max_ms(800)
    }

    /// Draws a delay for something that carries `tags`.
    ///
    /// It never fails: a standard deviation or shape that is missing or makes no sense (which compiling
    /// [`Conditions`](crate::Conditions) reports) leaves the base; when `min_ms` is more than `max_ms`, `max_ms` holds.
    #[must_use]
    pub fn sample<R: Rng + ?Sized>(&self, tags: &[&str], rng: &mut R) -> Duration {
        let ms = self.overridden(tags).unwrap_or_else(|| self.draw(rng));
        let most = self.max_ms.map_or(MAX_DELAY_MS, |max| max.min(MAX_DELAY_MS));
        Duration::from_millis(ms.max(self.min_ms).min(most))
    }

    /// Whether every delay is 0.
    pub(crate) fn is_none(&self) -> bool {
        let drawn = self.base_ms | self.jitter_ms | self.min_ms != 0 || self.std_dev_ms.is_some_and(|sd| sd != 0.0);
        self.max_ms == Some(0) || !(drawn || self.tag_overrides.values().any(|ms| *ms != 0))
    }

    fn overridden(&self, tags: &[&str]) -> Option<u64> {
        if self.tag_overrides.is_empty() {
            return None;
        }
        tags.iter().find_map(|tag| self.tag_overrides.get(*tag)).copied()
    }

    fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> u64 {
        let base = self.base_ms.min(MAX_DELAY_MS);
        let drawn = match self.distribution {
            LatencyDistribution::Fixed => base,
            LatencyDistribution::Normal => {
                let std_dev = self.std_dev_ms.filter(|sd| *sd >= 0.0).unwrap_or(0.0);
                Normal::new(base as f64, std_dev).map_or(base, |normal| whole_ms(normal.sample(rng)))
            }
            LatencyDistribution::Pareto => Pareto::new(base as f64, self.pareto_shape.unwrap_or(f64::NAN))
                .map_or(base, |pareto| whole_ms(pareto.sample(rng))),
        };
        match self.jitter_ms.min(MAX_DELAY_MS) {
            0 => drawn,
            jitter => (drawn + rng.random_range(0..=2 * jitter)).saturating_sub(jitter),
        }
    }

    pub(crate) fn check(&self, mut problems: Problems<'_>) {
        let needs = |wanted| self.distribution == wanted;
        problems.in_range("base_ms", self.base_ms, 0, MAX_DELAY_MS);
        problems.in_range("jitter_ms", self.jitter_ms, 0, MAX_DELAY_MS);
        match (needs(LatencyDistribution::Normal), self.std_dev_ms) {
            (true, None) => problems.add("std_dev_ms", "missing: `distribution: normal` needs a standard deviation"),
            (true, Some(sd)) if !(sd.is_finite() && sd >= 0.0) => {
                problems.add("std_dev_ms", format!("expected a number of at least 0, got {sd}"));
            }
            (false, Some(_)) => problems.add("std_dev_ms", "only `distribution: normal` has one"),
            _ => {}
        }
        match (needs(LatencyDistribution::Pareto), self.pareto_shape) {
            (true, None) => problems.add("pareto_shape", "missing: `distribution: pareto` needs a shape, such as 2.0"),
            (true, Some(shape)) if !(shape.is_finite() && shape > 0.0) => {
                problems.add("pareto_shape", format!("expected a number above 0, got {shape}"));
            }
            (false, Some(_)) => problems.add("pareto_shape", "only `distribution: pareto` has one"),
            _ => {}
        }
        problems.in_range("min_ms", self.min_ms, 0, MAX_DELAY_MS);
        if let Some(max) = self.max_ms {
            problems.in_range("max_ms", max, self.min_ms, MAX_DELAY_MS);
        }
        let mut overrides: Vec<_> = self.tag_overrides.iter().collect();
        overrides.sort_unstable();
        for (tag, ms) in overrides {
            problems.in_range(&format!("tag_overrides[{tag}]"), *ms, 0, MAX_DELAY_MS);
        }
    }
}

/// `none`, `fast`, `normal`, `slow`, or a number of milliseconds: `250` or `250ms`.
impl FromStr for LatencyProfile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::default()),
            "fast" => Ok(Self::fast()),
            "normal" => Ok(Self::normal()),
            "slow" => Ok(Self::slow()),
            _ => match text.strip_suffix("ms").unwrap_or(text).trim_end().parse() {
                Ok(ms @ ..=MAX_DELAY_MS) => Ok(Self::new(ms, 0)),
                _ => Err(format!("expected none, fast, normal, slow or 0 to {MAX_DELAY_MS} milliseconds")),
            },
        }
    }
}

/// Rounds to the nearest; what is negative or no number is 0, what is too large a day.
fn whole_ms(ms: f64) -> u64 {
    // `as` saturates, and makes NaN 0.
    (ms.round() as u64).min(MAX_DELAY_MS)
}
