//! How many bytes pass, and when.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;
use ws_conditions::{Bandwidth, Conditions, Drip, Pace};
use ws_core::Direction;

use crate::asking::compile;

fn pace(conditions: Conditions) -> Option<Pace> {
    let now = Instant::now();
    compile(conditions).unwrap().connection(1, now, now).pace(Direction::Outbound)
}

fn bandwidth(bytes_per_second: u64, burst: Option<u64>) -> Pace {
    let bandwidth_out = Some(Bandwidth { bytes_per_second, burst });
    pace(Conditions { bandwidth_out, ..Conditions::default() }).unwrap()
}

fn drip(bytes: u64, every_ms: u64) -> Pace {
    pace(Conditions { drip: Some(Drip { bytes, every_ms }), ..Conditions::default() }).unwrap()
}

/// Moves `bytes` as fast as it is allowed, asking when it is told to; says how long that takes, and in how many parts.
fn transfer(pace: &mut Pace, bytes: usize) -> (Duration, usize) {
    let start = Instant::now();
    let (mut now, mut left, mut parts) = (start, bytes, 0);
    while left > 0 {
        match pace.allow(left, now) {
            Ok(allowed) => {
                assert!(allowed >= 1 && allowed <= left);
                left -= allowed;
                parts += 1;
            }
            Err(later) => {
                assert!(later > now);
                now = later;
            }
        }
    }
    (now - start, parts)
}

#[test]
fn directions_have_their_own() {
    let now = Instant::now();
    let plan = compile(Conditions {
        bandwidth_in: Some(Bandwidth { bytes_per_second: 10, burst: Some(5) }),
        drip: Some(Drip { bytes: 3, every_ms: 10 }),
        ..Conditions::default()
    });
    let connection = plan.unwrap().connection(1, now, now);
    assert_eq!(connection.pace(Direction::Inbound).unwrap().allow(100, now), Ok(5));
    assert_eq!(connection.pace(Direction::Outbound).unwrap().allow(100, now), Ok(3));
    assert!(pace(Conditions::default()).is_none());
}

#[test]
fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
    let (took, _) = transfer(&mut bandwidth(1_000, Some(500)), 2_500);
    assert_eq!(took, Duration::from_secs(2));
    // The default burst is a tenth of a second's worth.
    let (took, parts) = transfer(&mut bandwidth(100_000, None), 110_000);
    assert_eq!(took, Duration::from_secs(1));
    assert!(parts <= 60, "{parts}");
}

#[test]
fn a_byte_a_second_is_a_byte_a_second() {
    let mut pace = bandwidth(1, None);
    let now = Instant::now();
    assert_eq!(pace.allow(10, now), Ok(1));
    assert_eq!(pace.allow(10, now), Err(now + Duration::from_secs(1)));
    assert_eq!(pace.allow(10, now + Duration::from_secs(1)), Ok(1));
}

#[test]
fn a_pause_saves_up_no_more_than_a_burst() {
    let mut pace = bandwidth(1_000, Some(100));
    let now = Instant::now();
    assert_eq!(pace.allow(100, now), Ok(100));
    assert_eq!(pace.allow(10_000, now + Duration::from_secs(3_600)), Ok(100));
}

#[test]
fn nothing_is_wanted_and_nothing_taken() {
    let mut pace = bandwidth(1, None);
    let now = Instant::now();
    assert_eq!((pace.allow(0, now), pace.allow(1, now), pace.allow(0, now)), (Ok(0), Ok(1), Ok(0)));
}

#[test]
fn a_drip_passes_a_few_at_a_time() {
    let mut pace = drip(3, 50);
    let now = Instant::now();
    let at = |ms| now + Duration::from_millis(ms);
    assert_eq!(pace.allow(2, now), Ok(2));
    assert_eq!(pace.allow(2, at(10)), Ok(1));
    assert_eq!(pace.allow(2, at(10)), Err(at(50)));
    // A little late: the next is on time all the same.
    assert_eq!(pace.allow(9, at(57)), Ok(3));
    assert_eq!(pace.allow(9, at(60)), Err(at(100)));
    // Long after: nothing is made up for.
    assert_eq!(pace.allow(9, at(1_001)), Ok(3));
    assert_eq!(pace.allow(9, at(1_001)), Err(at(1_051)));

    assert_eq!(transfer(&mut drip(3, 50), 10), (Duration::from_millis(150), 4));
}

#[test]
fn the_stricter_of_both_counts() {
    let both = |bytes_per_second, bytes| {
        let bandwidth_out = Some(Bandwidth { bytes_per_second, burst: Some(1) });
        let drip = Some(Drip { bytes, every_ms: 100 });
        transfer(&mut pace(Conditions { bandwidth_out, drip, ..Conditions::default() }).unwrap(), 21).0
    };
    assert_eq!(both(1_000_000, 1), Duration::from_secs(2));
    assert_eq!(both(10, 100), Duration::from_secs(2));
}

proptest! {
    /// Never more than the burst and what the time brought; and asking on time loses nothing.
    #[test]
    fn the_account_is_exact(
        rate in 1_u64..2_000_000,
        burst in 1_u64..100_000,
        asks in proptest::collection::vec((1_usize..50_000, 0_u64..40_000_000), 1..60),
    ) {
        let mut pace = bandwidth(rate, Some(burst));
        let start = Instant::now();
        let (mut now, mut moved) = (start, 0_u128);
        for (wanted, nanos) in asks {
            now += Duration::from_nanos(nanos);
            match pace.allow(wanted, now) {
                Ok(allowed) => {
                    prop_assert!((1..=wanted).contains(&allowed));
                    moved += allowed as u128;
                }
                Err(later) => {
                    prop_assert!(later > now);
                    now = later;
                    let allowed = pace.allow(wanted, now);
                    prop_assert!(allowed.is_ok(), "told to come now, and turned away");
                    moved += allowed.unwrap() as u128;
                }
            }
            let brought = (now - start).as_nanos() * u128::from(rate) / 1_000_000_000;
            prop_assert!(moved <= brought + u128::from(burst));
        }
    }

    #[test]
    fn no_figure_makes_it_panic(
        rate in prop_oneof![Just(1_u64), Just(u64::MAX), any::<u64>()],
        burst in proptest::option::of(prop_oneof![Just(1_u64), Just(u64::MAX), any::<u64>()]),
        bytes in prop_oneof![Just(1_u64), Just(u64::MAX), any::<u64>()],
        every_ms in 1_u64..=86_400_000,
        wanted in any::<usize>(),
    ) {
        let conditions = Conditions {
            bandwidth_out: Some(Bandwidth { bytes_per_second: rate.max(1), burst: burst.map(|burst| burst.max(1)) }),
            drip: Some(Drip { bytes: bytes.max(1), every_ms }),
            ..Conditions::default()
        };
        let mut pace = pace(conditions).unwrap();
        let mut now = Instant::now();
        for _ in 0..20 {
            match pace.allow(wanted, now) {
                Ok(allowed) => prop_assert!(allowed <= wanted),
                Err(later) => {
                    prop_assert!(later > now);
                    now = later;
                }
            }
        }
    }
}
