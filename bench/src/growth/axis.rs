//! What there is more and more of, and what is measured then.

use anyhow::Result;

use crate::{
    load::{Broadcast, Echo, Idle, ManyRooms, RuleKind, Rules, Timing},
    server::Server,
};

pub(crate) struct Axis {
    /// Also of the plot.
    pub(crate) name: &'static str,
    /// In words, for the reader of the table.
    pub(super) title: &'static str,
    /// What the numbers of the steps count.
    pub(super) of_what: &'static str,
    pub(super) unit: &'static str,
    pub(super) steps: &'static [usize],
    pub(super) lines: &'static [Line],
}

/// One line of the plot.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Of the server.
    pub(super) options: &'static [&'static str],
    pub(super) put: fn(usize) -> Put,
}

/// What a server is put through at one step.
pub(super) enum Put {
    Echo(Echo),
    Idle(Idle),
    Broadcast(Broadcast),
    ManyRooms(ManyRooms),
    /// The server follows the rules.
    Rules(Rules),
}

const CPU_OF_A_MESSAGE: &str = "CPU us per message";
const CPU_OF_A_DELIVERY: &str = "CPU us per delivery";

pub(crate) const AXES: &[Axis] = &[
    Axis {
        name: "connections",
        title: "Echo of 32 B by a handler, one message in flight on each connection",
        of_what: "connections",
        unit: CPU_OF_A_MESSAGE,
        steps: &[10, 100, 1_000, 10_000],
        lines: &[
            Line { name: "nobody watches", options: &[], put: echo },
            Line { name: "journal", options: &["--journal"], put: echo },
            Line { name: "observer", options: &["--observer"], put: echo },
        ],
    },
    Axis {
        name: "memory",
        title: "Connections that have echoed one message and are silent since",
        of_what: "connections",
        unit: "KiB per connection",
        steps: &[10, 100, 1_000, 10_000],
        lines: &[
            Line { name: "nobody watches", options: &[], put: idle },
            Line { name: "journal", options: &["--journal"], put: idle },
        ],
    },
    Axis {
        name: "rooms",
        title: "Broadcasts to rooms of 10 members, to each in its turn; 1,000 connections",
        of_what: "rooms",
        unit: CPU_OF_A_DELIVERY,
        steps: &[1, 10, 100, 1_000, 10_000],
        lines: &[Line { name: "ours", options: &[], put: |rooms| Put::ManyRooms(ManyRooms { rooms }) }],
    },
    Axis {
        name: "members",
        title: "Broadcasts to one room, 32 of them not yet heard by all",
        of_what: "members",
        unit: CPU_OF_A_DELIVERY,
        steps: &[10, 100, 1_000, 10_000],
        lines: &[Line { name: "ours", options: &[], put: broadcast }],
    },
    Axis {
        name: "rules",
        title: "Messages that one of many rules answers, each rule in its turn; 64 connections",
        of_what: "rules",
        unit: CPU_OF_A_MESSAGE,
        steps: &[1, 10, 100, 1_000],
        lines: &[
            Line { name: "exact texts", options: &[], put: |count| rules(RuleKind::Exact, count) },
            Line { name: "regular expressions", options: &[], put: |count| rules(RuleKind::Regex, count) },
            Line { name: "values in JSON", options: &[], put: |count| rules(RuleKind::Json, count) },
        ],
    },
];

fn echo(connections: usize) -> Put {
    Put::Echo(Echo { connections, bytes: 32, in_flight: 1 })
}

fn idle(connections: usize) -> Put {
    Put::Idle(Idle { connections })
}

fn broadcast(members: usize) -> Put {
    Put::Broadcast(Broadcast { members, bytes: 32, outstanding: 32 })
}

fn rules(kind: RuleKind, count: usize) -> Put {
    Put::Rules(Rules { kind, count, connections: 64 })
}

impl Put {
    /// What one message, delivery or connection costs.
    ///
    /// # Errors
    /// When the server does anything wrong.
    pub(super) fn run(&self, server: &Server, timing: Timing) -> Result<f64> {
        let (address, probe) = (server.address(), server.probe());
        let traffic = match self {
            Self::Idle(idle) => return Ok(idle.run(address, &probe)? / 1024.0),
            Self::Echo(echo) => echo.run(address, &probe, timing)?,
            Self::Broadcast(broadcast) => broadcast.run(address, &probe, timing)?,
            Self::ManyRooms(rooms) => rooms.run(address, &probe, timing)?,
            Self::Rules(rules) => rules.run(address, &probe, timing)?,
        };
        Ok(traffic.cpu_seconds_per_million())
    }
}
