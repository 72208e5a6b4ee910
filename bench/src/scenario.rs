//! What a server is put through, and which figure comes of it.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    load::{Broadcast, Connect, Echo, Idle, OpenLoop, Ping, Replay, Timing, Traffic},
    server::{Ability, Server},
};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// In words, for the reader of the table.
    pub(crate) title: &'static str,
    load: Load,
}

enum Load {
    Echo(Echo),
    /// The server stands before another one, which echoes.
    Proxied(Echo),
    Broadcast(Broadcast),
    Idle(Idle),
    Connect(Connect),
    OpenLoop(OpenLoop),
    Replay(Replay),
    /// By a handler that each server has in its own language.
    Handled(Echo),
    HandledPing(Ping),
}

/// What one run of a scenario against one server gave.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    /// The one number that servers are compared by; less is better.
    pub(crate) figure: f64,
    /// What was behind it, for scenarios with traffic.
    pub(crate) traffic: Option<Traffic>,
}

/// Scenarios that share a table. They stand together in [`SCENARIOS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Echo,
    Connections,
    Proxies,
    Replay,
    Handlers,
}

impl Group {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Echo => "Echo",
            Self::Connections => "Rooms and connections",
            Self::Proxies => "Proxies",
            Self::Replay => "Replay",
            Self::Handlers => "Handlers, by language",
        }
    }
}

pub(crate) const SCENARIOS: [Scenario; 15] = [
    Scenario {
        name: "echo-64",
        title: "echo, 64 connections x 32 B",
        load: Load::Echo(Echo { connections: 64, bytes: 32, in_flight: 1 }),
    },
    Scenario {
        name: "echo-512",
        title: "echo, 512 connections x 32 B",
        load: Load::Echo(Echo { connections: 512, bytes: 32, in_flight: 1 }),
    },
    Scenario {
        name: "echo-16k",
        title: "echo, 64 connections x 16 KiB",
        load: Load::Echo(Echo { connections: 64, bytes: 16 * 1024, in_flight: 1 }),
    },
    Scenario {
        name: "pipelined",
        title: "echo, 64 connections x 32 B, 16 in flight each",
        load: Load::Echo(Echo { connections: 64, bytes: 32, in_flight: 16 }),
    },
    Scenario {
        name: "broadcast",
        title: "broadcast to a room of 500, 32 B, 32 outstanding",
        load: Load::Broadcast(Broadcast { members: 500, bytes: 32, outstanding: 32 }),
    },
    Scenario { name: "idle", title: "5,000 idle connections", load: Load::Idle(Idle { connections: 5000 }) },
    Scenario {
        name: "connect",
        title: "connect, upgrade and close, 64 at once",
        load: Load::Connect(Connect { count: 10_000 }),
    },
    Scenario {
        name: "open-512",
        title: "echo in an open loop, 512 connections x 32 B, 5,000 messages a second in all; from the time each is due",
        load: Load::OpenLoop(OpenLoop { connections: 512, bytes: 32, rate: 5_000 }),
    },
    Scenario {
        name: "proxied",
        title: "echo behind a proxy, 64 connections x 32 B; the proxy is counted",
        load: Load::Proxied(Echo { connections: 64, bytes: 32, in_flight: 1 }),
    },
    Scenario {
        name: "proxied-pipelined",
        title: "echo behind a proxy, 64 connections x 32 B, 16 in flight each; the proxy is counted",
        load: Load::Proxied(Echo { connections: 64, bytes: 32, in_flight: 16 }),
    },
    Scenario {
        name: "replay",
        title: "a fixed file of 100 messages x 32 B, over and over, to 64 connections, as fast as it goes",
        load: Load::Replay(Replay { connections: 64 }),
    },
    Scenario {
        name: "script-8",
        title: "echo by a handler, 8 connections x 32 B",
        load: Load::Handled(Echo { connections: 8, bytes: 32, in_flight: 1 }),
    },
    Scenario {
        name: "script-64",
        title: "echo by a handler, 64 connections x 32 B",
        load: Load::Handled(Echo { connections: 64, bytes: 32, in_flight: 1 }),
    },
    Scenario {
        name: "script-512",
        title: "echo by a handler, 512 connections x 32 B",
        load: Load::Handled(Echo { connections: 512, bytes: 32, in_flight: 1 }),
    },
    Scenario {
        name: "script-json-64",
        title: "JSON read and answered by a handler, 64 connections",
        load: Load::HandledPing(Ping { connections: 64 }),
    },
];

impl Scenario {
    /// What a server must be able to do to take part.
    pub(crate) fn needs(&self) -> Ability {
        match self.load {
            Load::Broadcast(_) => Ability::Rooms,
            Load::Proxied(_) => Ability::Proxy,
            Load::Handled(_) | Load::HandledPing(_) => Ability::Handlers,
            Load::Replay(_) => Ability::Replay,
            Load::Echo(_) | Load::Idle(_) | Load::Connect(_) | Load::OpenLoop(_) => Ability::Echo,
        }
    }

    pub(crate) fn group(&self) -> Group {
        match self.load {
            Load::Echo(_) => Group::Echo,
            Load::Broadcast(_) | Load::Idle(_) | Load::Connect(_) | Load::OpenLoop(_) => Group::Connections,
            Load::Proxied(_) => Group::Proxies,
            Load::Replay(_) => Group::Replay,
            Load::Handled(_) | Load::HandledPing(_) => Group::Handlers,
        }
    }

    /// Whether the figure is a tail of a distribution, which moves by more than half without a reason.
    pub(crate) fn is_tail(&self) -> bool {
        matches!(self.load, Load::OpenLoop(_))
    }

    /// What the figure counts.
    pub(crate) fn unit(&self) -> &'static str {
        match self.load {
            Load::Echo(_) | Load::Proxied(_) | Load::Replay(_) | Load::Handled(_) | Load::HandledPing(_) => {
                "CPU s per M messages"
            }
            Load::OpenLoop(_) => "p99 in ms",
            Load::Broadcast(_) => "CPU s per M deliveries",
            Load::Idle(_) => "KiB RSS per connection",
            Load::Connect(_) => "CPU s per M connections",
        }
    }

    /// Puts a freshly started server through it.
    ///
    /// # Errors
    /// When the server does anything wrong.
    pub(crate) fn run(&self, server: &Server, timing: Timing) -> Result<Sample> {
        let (address, probe) = (server.address(), server.probe());
        let traffic = match &self.load {
            Load::Echo(echo) | Load::Proxied(echo) | Load::Handled(echo) => echo.run(address, &probe, timing)?,
            Load::HandledPing(ping) => ping.run(address, &probe, timing)?,
            Load::Broadcast(broadcast) => broadcast.run(address, &probe, timing)?,
            Load::Connect(connect) => connect.run(address, &probe)?,
            Load::Replay(replay) => replay.run(address, &probe, timing)?,
            Load::OpenLoop(open_loop) => {
                let traffic = open_loop.run(address, &probe, timing)?;
                let p99_us = traffic.round_trip.context("no round trip")?.p99_us;
                return Ok(Sample { figure: p99_us as f64 / 1e3, traffic: Some(traffic) });
            }
            Load::Idle(idle) => return Ok(Sample { figure: idle.run(address, &probe)? / 1024.0, traffic: None }),
        };
        Ok(Sample { figure: traffic.cpu_seconds_per_million(), traffic: Some(traffic) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_of_a_group_stand_together() {
        let groups: Vec<Group> =
            SCENARIOS.chunk_by(|one, next| one.group() == next.group()).map(|chunk| chunk[0].group()).collect();
        for (index, group) in groups.iter().enumerate() {
            assert!(!groups[..index].contains(group), "{group:?} is torn apart");
        }
    }
}
