//! What a server is put through, and which figure comes of it.

use anyhow::Result;
use serde::Serialize;

use crate::{
    load::{Broadcast, Connect, Echo, Idle, Ping, Timing, Traffic},
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

pub(crate) const SCENARIOS: [Scenario; 13] = [
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
    Scenario { name: "idle", title: "5,000 idle connections", load: Load::Idle(Idle { connections: 5000 }) },
    Scenario {
        name: "connect",
        title: "connect, upgrade and close, 64 at once",
        load: Load::Connect(Connect { count: 10_000 }),
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
            _ => Ability::Echo,
        }
    }

    /// What the figure counts.
    pub(crate) fn unit(&self) -> &'static str {
        match self.load {
            Load::Echo(_) | Load::Proxied(_) | Load::Handled(_) | Load::HandledPing(_) => "CPU s per M messages",
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
            Load::Idle(idle) => return Ok(Sample { figure: idle.run(address, &probe)? / 1024.0, traffic: None }),
        };
        Ok(Sample { figure: traffic.cpu_seconds_per_million(), traffic: Some(traffic) })
    }
}
