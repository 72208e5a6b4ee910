//! Conditions as nobody would write them, for property tests.

use proptest::collection::{btree_map, hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use ws_conditions::{
    Bandwidth, Conditions, ConnectionNumbers, Drip, Fault, FaultDirection, FaultRule, LatencyDistribution,
    LatencyProfile, Schedule, Trigger,
};

/// A figure that makes sense, or one at an edge, or any.
fn figure() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..20, 1 => Just(u64::MAX), 1 => Just(86_400_000), 1 => any::<u64>()]
}

/// Exactly representable, so that it survives being written down.
pub(crate) fn probability() -> BoxedStrategy<f64> {
    (0_u8..=8).prop_map(|eighths| f64::from(eighths) / 8.0).boxed()
}

/// Any number, and what is none.
pub(crate) fn wild_number() -> BoxedStrategy<f64> {
    prop_oneof![6 => probability(), 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)].boxed()
}

fn fault() -> impl Strategy<Value = Fault> {
    let status = prop_oneof![3 => 400_u16..600, 1 => any::<u16>()];
    let headers = btree_map("[a-zA-Z-]{0,8}|.{0,3}", ".{0,4}", 0..3);
    prop_oneof![
        (status, headers, ".{0,5}").prop_map(|(status, headers, body)| Fault::Refuse { status, headers, body }),
        figure().prop_map(|delay_ms| Fault::DelayHandshake { delay_ms }),
        Just(Fault::DropHandshake),
        Just(Fault::Reset),
        Just(Fault::Disconnect),
        Just(Fault::HalfOpen),
        (any::<u16>(), ".{0,60}").prop_map(|(code, reason)| Fault::Close { code, reason }),
        Just(Fault::Drop),
        (0_u32..1_100).prop_map(|times| Fault::Duplicate { times }),
        Just(Fault::Reorder),
        figure().prop_map(|delay_ms| Fault::Delay { delay_ms }),
        figure().prop_map(|bytes| Fault::Truncate { bytes }),
        Just(Fault::Corrupt),
        (0_u32..10).prop_map(|parts| Fault::Fragment { parts }),
        Just(Fault::BadUtf8),
        figure().prop_map(|bytes| Fault::Oversized { bytes }),
        Just(Fault::BadRsv),
        Just(Fault::BadOpcode),
    ]
}

/// At times that a test of some seconds meets, or never.
fn schedule() -> impl Strategy<Value = Schedule> {
    (figure(), option::of(figure()), option::of(figure())).prop_map(|(at_ms, every_ms, for_ms)| Schedule {
        at_ms,
        every_ms,
        for_ms,
    })
}

fn trigger(number: BoxedStrategy<f64>) -> impl Strategy<Value = Trigger> {
    let connections = (1_u64..4, option::of(0_u64..3)).prop_map(|(first, length)| match length {
        Some(length) => ConnectionNumbers::from(first..=first + length),
        None => ConnectionNumbers::from(first..),
    });
    let seldom = |figure| option::weighted(0.25, figure);
    (
        option::of(number),
        seldom(figure().boxed()),
        seldom(figure().boxed()),
        option::weighted(0.25, connections),
        option::weighted(0.1, "[a-c\\[]"),
        seldom(figure().boxed()),
        option::weighted(0.3, schedule()),
    )
        .prop_map(|(probability, every, nth, connections, matching, after_ms, schedule)| Trigger {
            probability,
            every,
            nth,
            connections,
            matching,
            after_ms,
            schedule,
        })
}

fn rule(number: BoxedStrategy<f64>) -> impl Strategy<Value = FaultRule> {
    (fault(), trigger(number), proptest::bool::weighted(0.2)).prop_map(|(fault, when, inbound)| {
        let handshake = matches!(fault, Fault::Refuse { .. } | Fault::DelayHandshake { .. } | Fault::DropHandshake);
        let direction = if inbound && !handshake { FaultDirection::In } else { FaultDirection::Out };
        FaultRule { fault, when, direction }
    })
}

fn latency(number: BoxedStrategy<f64>) -> impl Strategy<Value = LatencyProfile> {
    let distribution = prop_oneof![
        Just(LatencyDistribution::Fixed),
        Just(LatencyDistribution::Normal),
        Just(LatencyDistribution::Pareto)
    ];
    let figures = (figure(), figure(), figure(), option::of(figure()));
    (figures, distribution, option::of(number.clone()), option::of(number), hash_map("[a-c]", figure(), 0..2)).prop_map(
        |((base_ms, jitter_ms, min_ms, max_ms), distribution, std_dev_ms, pareto_shape, tag_overrides)| {
            LatencyProfile { base_ms, jitter_ms, distribution, std_dev_ms, pareto_shape, min_ms, max_ms, tag_overrides }
        },
    )
}

/// Conditions whose probabilities and shapes are such numbers. Most do not compile.
pub(crate) fn conditions(number: BoxedStrategy<f64>) -> impl Strategy<Value = Conditions> {
    let bandwidth = || {
        option::weighted(0.3, (figure(), option::of(figure())))
            .prop_map(|of| of.map(|(bytes_per_second, burst)| Bandwidth { bytes_per_second, burst }))
    };
    let drip =
        option::weighted(0.3, (figure(), figure())).prop_map(|of| of.map(|(bytes, every_ms)| Drip { bytes, every_ms }));
    (
        any::<Option<u64>>(),
        option::weighted(0.3, latency(number.clone())),
        bandwidth(),
        bandwidth(),
        drip,
        vec(rule(number), 0..4),
    )
        .prop_map(|(seed, latency, bandwidth_out, bandwidth_in, drip, faults)| Conditions {
            seed,
            latency,
            bandwidth_out,
            bandwidth_in,
            drip,
            faults,
        })
}
