//! How scripts are played: what is random, what time templates see, whether templates are expanded at all.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// How a script is played.
///
/// ```
/// use ws_replay::{ReplayOptions, TemplateClock};
///
/// // Repeats all that is random, and starts the clock of templates at a fixed time ...
/// let repeatable = ReplayOptions::seeded(7);
/// // ... or only the former.
/// let on_real_time = ReplayOptions { clock: TemplateClock::real(), ..ReplayOptions::seeded(7) };
/// assert_eq!(repeatable.seed, on_real_time.seed);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayOptions {
    /// Makes all that is random repeat: the n-th connection on a path gets the same values in every run. `None`: every
    /// connection gets values of its own.
    pub seed: Option<u64>,
    /// The time that `{{now}}` sees.
    pub clock: TemplateClock,
    /// Whether templates are expanded. If not, every text is sent as it stands.
    pub expand: bool,
    /// How fast the delays of a script pass.
    pub speed: Speed,
}

impl Default for ReplayOptions {
    /// No seed, real time, templates expanded, delays as they stand in the file.
    fn default() -> Self {
        Self { seed: None, clock: TemplateClock::real(), expand: true, speed: Speed::default() }
    }
}

impl ReplayOptions {
    /// With a seed, and so with the clock of templates starting at 2024-01-01T00:00:00Z.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed: Some(seed), clock: TemplateClock::of_seeded_runs(), ..Self::default() }
    }
}

/// The time that `{{now}}` sees.
///
/// It reads and displays as `real` or as the RFC 3339 time at which it starts.
///
/// ```
/// use ws_replay::TemplateClock;
///
/// let clock: TemplateClock = "2024-06-01T12:00:00+02:00".parse()?;
/// assert_eq!(clock.to_string(), "2024-06-01T10:00:00Z");
/// assert_eq!("real".parse(), Ok(TemplateClock::real()));
/// # Ok::<(), ws_replay::TemplateClockError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateClock {
    /// `None`: real time.
    start: Option<Timestamp>,
}

/// What is neither `real` nor a time in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `real` or a time such as 2024-01-01T00:00:00Z, found `{found}`")]
pub struct TemplateClockError {
    found: String,
}

impl TemplateClock {
    /// The time of day.
    #[must_use]
    pub fn real() -> Self {
        Self { start: None }
    }

    /// A clock that starts at `start` with each session and moves with the script: the entry with `ts` 1500 sees
    /// `start` + 1.5 s, whenever it is sent. A time outside the years -9999 to 9999 becomes the nearest one inside.
    #[must_use]
    pub fn starting_at(start: SystemTime) -> Self {
        let nearest = if start < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
        Self { start: Some(Timestamp::try_from(start).unwrap_or(nearest)) }
    }

    fn of_seeded_runs() -> Self {
        Self { start: Some(Timestamp::constant(1_704_067_200, 0)) }
    }

    /// The time that somebody sees who is `script_time` into a session.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let clock = ws_replay::TemplateClock::starting_at(SystemTime::UNIX_EPOCH);
    /// let second = Duration::from_secs(1);
    /// assert_eq!(clock.time_at(second), SystemTime::UNIX_EPOCH + second);
    /// ```
    #[must_use]
    pub fn time_at(self, script_time: Duration) -> SystemTime {
        self.at(script_time).into()
    }

    /// The time of an entry whose `ts` is `script_time`.
    pub(crate) fn at(self, script_time: Duration) -> Timestamp {
        match self.start {
            None => Timestamp::now(),
            Some(start) => {
                let moved = SignedDuration::try_from(script_time).unwrap_or(SignedDuration::MAX);
                start.saturating_add(moved).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

impl FromStr for TemplateClock {
    type Err = TemplateClockError;

    fn from_str(text: &str) -> Result<Self, TemplateClockError> {
        if text.eq_ignore_ascii_case("real") {
            return Ok(Self::real());
        }
        let start = text.parse().map_err(|_| TemplateClockError { found: text.to_owned() })?;
        Ok(Self { start: Some(start) })
    }
}

impl fmt::Display for TemplateClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            None => f.write_str("real"),
            Some(start) => start.fmt(f),
        }
    }
}

/// How fast the delays of a script pass: so many times as fast as they stand in the file, or [`MAX`](Self::MAX), without
/// delays.
///
/// What is no delay of the script keeps its time: time-outs, silences, and entries that repeat in the background. `{{now}}` of a fixed
/// clock shows the time of the file at any speed, so that the messages are the same.
///
/// It reads and displays as a number or as `max`.
///
/// ```
/// use ws_replay::Speed;
///
/// assert_eq!("2.5".parse(), Speed::times(2.5));
/// assert_eq!("max".parse(), Ok(Speed::MAX));
/// assert_eq!(Speed::default().to_string(), "1");
/// assert!(Speed::times(0.0).is_err() && Speed::times(f64::NAN).is_err());
/// # Ok::<(), ws_replay::SpeedError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(f64);

/// What is neither a number above 0 nor `max`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a number above 0 such as 2 or 0.5, or `max`, found `{found}`")]
pub struct SpeedError {
    found: String,
}

impl Speed {
    /// Without any delay.
    pub const MAX: Self = Self(f64::INFINITY);

    /// So many times as fast. Infinity is [`MAX`](Self::MAX).
    ///
    /// # Errors
    /// If it is not above 0.
    pub fn times(factor: f64) -> Result<Self, SpeedError> {
        if factor > 0.0 { Ok(Self(factor)) } else { Err(SpeedError { found: factor.to_string() }) }
    }

    /// How many times as fast; infinity is [`MAX`](Self::MAX).
    #[must_use]
    pub fn factor(self) -> f64 {
        self.0
    }

    /// How long a delay of the script really takes.
    pub(crate) fn of(self, delay: Duration) -> Duration {
        // A division would round where there is nothing to divide.
        if self == Self::default() {
            return delay;
        }
        Duration::try_from_secs_f64(delay.as_secs_f64() / self.0).unwrap_or(Duration::MAX)
    }
}

/// It is never NaN.
impl Eq for Speed {}

impl Default for Speed {
    /// As fast as the file says.
    fn default() -> Self {
        Self(1.0)
    }
}

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::MAX);
        }
        let factor = text.parse().ok().and_then(|factor| Self::times(factor).ok());
        factor.ok_or_else(|| SpeedError { found: text.to_owned() })
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX { f.write_str("max") } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_divides_delays() {
        let second = Duration::from_secs(1);
        let of = |text: &str, delay| text.parse::<Speed>().unwrap().of(delay);
        assert_eq!(of("2", second), Duration::from_millis(500));
        assert_eq!(of("0.25", second), 4 * second);
        assert_eq!(of("max", Duration::from_millis(u64::MAX)), Duration::ZERO);
        assert_eq!(of("1", Duration::MAX), Duration::MAX);
        assert_eq!(of("1e-300", second), Duration::MAX);
        for text in ["0", "-1", "nan", "", "fast", "-0"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_seed_starts_the_clock_at_a_known_time() {
        assert_eq!(ReplayOptions::seeded(1).clock.to_string(), "2024-01-01T00:00:00Z");
        assert_eq!(ReplayOptions::default().clock, TemplateClock::real());
    }

    #[test]
    fn a_clock_out_of_range_stops_at_the_end_of_time() {
        let clock = TemplateClock::starting_at(SystemTime::UNIX_EPOCH);
        assert_eq!(clock.at(Duration::from_millis(u64::MAX)), Timestamp::MAX);
        assert_eq!(clock.at(Duration::MAX), Timestamp::MAX);
        assert_eq!(clock.at(Duration::from_millis(1500)).to_string(), "1970-01-01T00:00:01.5Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "now", "2024-01-01", "2024-01-01T00:00:00"] {
            let error = text.parse::<TemplateClock>().unwrap_err().to_string();
            assert!(error.starts_with("expected `real` or a time such as"), "{error}");
        }
    }
}
