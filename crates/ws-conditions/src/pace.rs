//! How many bytes may pass now. It never waits: it says when to ask again.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Bandwidth, Drip};

/// Allows the bytes of one direction of one connection, by bandwidth and drip.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use ws_conditions::{Bandwidth, Conditions};
/// use ws_core::Direction;
///
/// let bandwidth = Bandwidth { bytes_per_second: 1_000, burst: Some(500) };
/// let now = Instant::now();
/// let conditions = Conditions { bandwidth_out: Some(bandwidth), ..Default::default() };
/// let plan = conditions.compile(|_| Err("no patterns here".into()))?;
/// let mut pace = plan.connection(1, now, now).pace(Direction::Outbound).unwrap();
///
/// assert_eq!(pace.allow(2_000, now), Ok(500));
/// let later = pace.allow(1_500, now).unwrap_err();
/// assert_eq!(pace.allow(1_500, now + Duration::from_millis(100)), Ok(100));
/// # assert!(later > now);
/// # Ok::<(), ws_conditions::ConditionsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pace {
    bucket: Option<Bucket>,
    drops: Option<Drops>,
}

impl Pace {
    /// `None` when nothing is limited.
    pub(crate) fn new(bandwidth: Option<Bandwidth>, drip: Option<Drip>) -> Option<Self> {
        if bandwidth.is_none() && drip.is_none() {
            return None;
        }
        Some(Self { bucket: bandwidth.map(Bucket::new), drops: drip.map(Drops::new) })
    }

    /// Takes up to `wanted` bytes at `now`, and says how many; none only when none are wanted.
    ///
    /// What is taken counts as passed: who cannot move it after all loses it.
    ///
    /// # Errors
    /// When nothing may pass yet: the time to ask again, later than `now`.
    pub fn allow(&mut self, wanted: usize, now: Instant) -> Result<usize, Instant> {
        if wanted == 0 {
            return Ok(0);
        }
        let mut allowed = wanted as u64;
        if let Some(bucket) = &mut self.bucket {
            allowed = bucket.available(allowed, now)?.min(allowed);
        }
        if let Some(drops) = &mut self.drops {
            allowed = drops.available(now)?.min(allowed);
            drops.left -= allowed;
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.take(allowed);
        }
        // No more than was wanted, which was a `usize`.
        Ok(allowed as usize)
    }
}

const NANOS: u128 = 1_000_000_000;

/// A token bucket, exact: its level is kept in billionths of a byte.
#[derive(Debug, Clone)]
struct Bucket {
    rate: u128,
    capacity: u128,
    /// Fewer bytes than this are not worth waking up for, unless no more are wanted.
    worthwhile: u64,
    level: u128,
    filled: Option<Instant>,
}

impl Bucket {
    fn new(bandwidth: Bandwidth) -> Self {
        let rate = bandwidth.bytes_per_second.max(1);
        let burst = bandwidth.burst.unwrap_or(rate / 10).max(1);
        let capacity = u128::from(burst) * NANOS;
        let worthwhile = (rate / 50).clamp(1, burst);
        Self { rate: rate.into(), capacity, worthwhile, level: capacity, filled: None }
    }

    fn available(&mut self, wanted: u64, now: Instant) -> Result<u64, Instant> {
        let elapsed = self.filled.map_or(Duration::ZERO, |filled| now.saturating_duration_since(filled));
        self.filled = Some(self.filled.map_or(now, |filled| filled.max(now)));
        self.level = elapsed.as_nanos().saturating_mul(self.rate).saturating_add(self.level).min(self.capacity);
        let needed = u128::from(wanted.min(self.worthwhile)) * NANOS;
        if self.level >= needed {
            return Ok((self.level / NANOS) as u64);
        }
        // At most a second, for a single byte at one byte per second.
        let nanos = (needed - self.level).div_ceil(self.rate);
        Err(now + Duration::from_nanos(nanos as u64))
    }

    fn take(&mut self, bytes: u64) {
        self.level = self.level.saturating_sub(u128::from(bytes) * NANOS);
    }
}

/// What a drip leaves until the next time.
#[derive(Debug, Clone)]
struct Drops {
    bytes: u64,
    every: Duration,
    left: u64,
    /// When there are `bytes` again; `None` before the first.
    next: Option<Instant>,
}

impl Drops {
    fn new(drip: Drip) -> Self {
        let every = Duration::from_millis(drip.every_ms.max(1));
        Self { bytes: drip.bytes.max(1), every, left: 0, next: None }
    }

    fn available(&mut self, now: Instant) -> Result<u64, Instant> {
        if self.next.is_none_or(|next| next <= now) {
            self.left = self.bytes;
            // A wake-up that is a little late must not slow the drip down.
            let on_time = self.next.map(|next| next + self.every).filter(|next| *next > now);
            self.next = Some(on_time.unwrap_or(now + self.every));
        }
        match self.next {
            Some(next) if self.left == 0 => Err(next),
            _ => Ok(self.left),
        }
    }
}
