//! How many connections are to be open at a moment. Pure: moments come in, numbers come out.

use std::str::FromStr;
use std::time::Duration;

use super::read_duration;

/// How many connect, and when.
#[derive(Clone, Debug, PartialEq)]
pub enum Crowd {
    /// So many, opened evenly over `ramp`. Without a ramp all are opened first, and then the load begins.
    Fixed {
        /// At least 1.
        connections: usize,
        /// Zero: all at once.
        ramp: Duration,
    },
    /// As many as the stages say, from 0 on.
    Stages(Vec<Stage>),
    /// So many come in a second, whatever the server does; each is kept for the plan's lifetime.
    Arrivals {
        /// New connections in a second.
        per_second: f64,
        /// Who comes when so many are there has to wait, and the wait counts.
        at_most: usize,
    },
}

/// A part of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// How long it takes.
    pub over: Duration,
    /// How many connections are open at its end. Up to there their number changes evenly.
    pub to: usize,
}

impl Crowd {
    /// The most that are to be open at once.
    pub(crate) fn most(&self) -> usize {
        match self {
            Self::Fixed { connections, .. } => *connections,
            Self::Stages(stages) => stages.iter().map(|stage| stage.to).max().unwrap_or(0),
            Self::Arrivals { at_most, .. } => *at_most,
        }
    }

    pub(crate) fn has_times(&self) -> bool {
        match self {
            Self::Stages(stages) => stages.iter().any(|stage| !stage.over.is_zero()),
            _ => true,
        }
    }

    pub(crate) fn is_there_from_the_start(&self) -> bool {
        matches!(self, Self::Fixed { ramp: Duration::ZERO, .. })
    }

    /// How many are to be open so long after the start; of arrivals that is decided elsewhere.
    pub(crate) fn level(&self, elapsed: Duration) -> usize {
        match self {
            Self::Fixed { connections, ramp } => between(0, *connections, elapsed, *ramp),
            Self::Stages(stages) => {
                let (mut from, mut elapsed) = (0, elapsed);
                for stage in stages {
                    match elapsed.checked_sub(stage.over) {
                        Some(rest) => (from, elapsed) = (stage.to, rest),
                        None => return between(from, stage.to, elapsed, stage.over),
                    }
                }
                from
            }
            Self::Arrivals { .. } => 0,
        }
    }
}

/// A number that goes evenly from one to another over a time.
fn between(from: usize, to: usize, elapsed: Duration, over: Duration) -> usize {
    if elapsed >= over {
        return to;
    }
    let share = elapsed.as_secs_f64() / over.as_secs_f64();
    let way = (to.abs_diff(from) as f64 * share) as usize;
    // The first one comes at once, not when the first share of the time is over.
    if to > from { (from + way + 1).min(to) } else { from - way }
}

impl FromStr for Stage {
    type Err = String;

    /// `DURATION:CONNECTIONS`.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected DURATION:CONNECTIONS such as 10s:500, not `{text}`");
        let (over, to) = text.split_once(':').ok_or_else(expected)?;
        Ok(Self { over: read_duration(over).ok_or_else(expected)?, to: to.parse().map_err(|_| expected())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(crowd: &Crowd, millis: &[u64]) -> Vec<usize> {
        millis.iter().map(|millis| crowd.level(Duration::from_millis(*millis))).collect()
    }

    #[test]
    fn a_ramp_opens_evenly() {
        let crowd = Crowd::Fixed { connections: 10, ramp: Duration::from_secs(10) };
        assert_eq!(levels(&crowd, &[0, 999, 1_000, 5_500, 9_999, 10_000, 60_000]), [1, 1, 2, 6, 10, 10, 10]);
        let at_once = Crowd::Fixed { connections: 10, ramp: Duration::ZERO };
        assert_eq!(levels(&at_once, &[0, 1]), [10, 10]);
    }

    #[test]
    fn stages_follow_each_other() {
        let stages = ["10s:100", "5s:100", "0s:50", "10s:0"].map(|stage| stage.parse().unwrap());
        let crowd = Crowd::Stages(stages.to_vec());
        assert_eq!(
            levels(&crowd, &[0, 5_000, 10_000, 14_999, 15_000, 20_000, 25_000, 99_000]),
            [1, 51, 100, 100, 50, 25, 0, 0]
        );
        assert_eq!(crowd.most(), 100);
    }

    #[test]
    fn wrong_stages_are_told() {
        for wrong in ["", "10s", "500", "10:5", "10s:x", "x:5"] {
            let error = wrong.parse::<Stage>().unwrap_err();
            assert!(error.contains("expected DURATION:CONNECTIONS"), "{error}");
        }
    }
}
