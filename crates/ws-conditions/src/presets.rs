//! Conditions with a known story, by name.

use std::collections::BTreeMap;

use crate::{Bandwidth, Conditions, Drip, Fault, FaultRule, LatencyProfile, Schedule, Trigger};

/// Conditions that have a name.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// The name, such as `flaky-mobile`.
    pub name: &'static str,
    /// What happens, in one line.
    pub story: &'static str,
    conditions: fn() -> Conditions,
}

/// All presets, in alphabetical order.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "flaky-mobile",
        story: "A phone on the move: late and uneven, little bandwidth, and now and then the connection is gone without \
                a Close frame, or silent for good.",
        conditions: flaky_mobile,
    },
    Preset {
        name: "proxy-reload",
        story: "A reverse proxy takes a new configuration: 10 s after the start, and then every 30 s, all connections \
                are dropped at once, without a Close frame; new ones are taken.",
        conditions: proxy_reload,
    },
    Preset {
        name: "server-restart",
        story: "A deployment: 10 s after the start, and then every 30 s, all connections are closed with 1012, and for \
                2 s new ones are refused with HTTP 503.",
        conditions: server_restart,
    },
    Preset {
        name: "slow-consumer",
        story: "A client that reads 2 KiB a second: what is sent faster piles up, until the server's policy for slow \
                clients acts.",
        conditions: slow_consumer,
    },
];

impl Preset {
    /// Its conditions.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        (self.conditions)()
    }
}

fn flaky_mobile() -> Conditions {
    let with_probability = |fault, probability| {
        FaultRule::new(fault).when(Trigger { probability: Some(probability), ..Trigger::default() })
    };
    Conditions {
        latency: Some(LatencyProfile::with_normal_distribution(120, 60.0).with_min_ms(40).with_max_ms(1_000)),
        bandwidth_out: Some(Bandwidth::new(100 * 1024)),
        bandwidth_in: Some(Bandwidth::new(40 * 1024)),
        faults: vec![
            with_probability(Fault::Delay { delay_ms: 1_500 }, 0.02),
            with_probability(Fault::Disconnect, 0.005),
            with_probability(Fault::HalfOpen, 0.001),
        ],
        ..Conditions::default()
    }
}

const EACH_30_S: Schedule = Schedule { at_ms: 10_000, every_ms: Some(30_000), for_ms: None };

fn proxy_reload() -> Conditions {
    let at_reloads = Trigger { schedule: Some(EACH_30_S), ..Trigger::default() };
    Conditions { faults: vec![FaultRule::new(Fault::Disconnect).when(at_reloads)], ..Conditions::default() }
}

fn server_restart() -> Conditions {
    let close = Fault::Close { code: ws_core::close_code::SERVICE_RESTART, reason: "service restart".into() };
    let refuse = Fault::Refuse {
        status: 503,
        headers: BTreeMap::from([("retry-after".into(), "2".into())]),
        body: "service restart".into(),
    };
    let at = |schedule| Trigger { schedule: Some(schedule), ..Trigger::default() };
    let meanwhile = Schedule { for_ms: Some(2_000), ..EACH_30_S };
    Conditions {
        faults: vec![FaultRule::new(close).when(at(EACH_30_S)), FaultRule::new(refuse).when(at(meanwhile))],
        ..Conditions::default()
    }
}

fn slow_consumer() -> Conditions {
    Conditions { drip: Some(Drip { bytes: 256, every_ms: 125 }), ..Conditions::default() }
}
