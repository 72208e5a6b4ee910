//! The plan of the house as data. A change here is a change of the architecture: ARCHITECTURE.md says the same.

/// A crate, where it stands, and what it may use of ours.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: &'static str,
    /// Its folder, from the root.
    pub(super) folder: &'static str,
    pub(super) floor: Floor,
    pub(super) may_use: MayUse,
}

/// How high a crate stands: its tests may use whatever stands lower.
#[derive(Clone, Copy, Debug)]
pub(super) enum Floor {
    Number(u8),
    /// Outside of the house: its tests may use everything in it.
    Outside,
}

/// What a crate may use of ours, its tests apart.
#[derive(Debug)]
pub(super) enum MayUse {
    Only(&'static [&'static str]),
    EverythingBelow,
}

use Floor::{Number, Outside};
use MayUse::{EverythingBelow, Only};

const fn room(name: &'static str, folder: &'static str, floor: Floor, may_use: MayUse) -> Room {
    Room { name, folder, floor, may_use }
}

/// Every package of the workspace, also those that are still to come.
pub(super) const ROOMS: &[Room] = &[
    room("ws-core", "crates/ws-core", Number(0), Only(&[])),
    room("ws-patterns", "crates/ws-patterns", Number(1), Only(&["ws-core"])),
    room("ws-rooms", "crates/ws-rooms", Number(1), Only(&["ws-core"])),
    room("ws-conditions", "crates/ws-conditions", Number(1), Only(&["ws-core"])),
    room("ws-wire", "crates/ws-wire", Number(1), Only(&["ws-core"])),
    room("ws-metrics", "crates/ws-metrics", Number(1), Only(&["ws-core"])),
    room("ws-script", "crates/ws-script", Number(1), Only(&["ws-core"])),
    room("ws-replay", "crates/ws-replay", Number(2), Only(&["ws-core", "ws-patterns"])),
    room("ws-proxy", "crates/ws-proxy", Number(2), Only(&["ws-core", "ws-patterns", "ws-wire"])),
    room("ws-ai", "crates/ws-ai", Number(3), Only(&["ws-core", "ws-replay"])),
    room("ws-server", "crates/ws-server", Number(4), EverythingBelow),
    room("ws-testing", "crates/ws-testing", Number(5), EverythingBelow),
    room("mockforge-ws", "crates/mockforge-ws", Number(6), EverythingBelow),
    room("mockforge-cli", "crates/mockforge-cli", Number(7), Only(&["mockforge-ws", "ws-load"])),
    room("mockforge-examples", "examples", Number(7), EverythingBelow),
    // It shares no code with the server, so it cannot share its bugs.
    room("ws-load", "crates/ws-load", Outside, Only(&[])),
    room("xtask", "xtask", Outside, Only(&[])),
];

/// Upward arrows that tests may have all the same.
const TESTS_MAY_ALSO_USE: &[(&str, &str)] = &[
    // The test kit drives a whole server: the server's tests over sockets are written with it.
    ("ws-server", "ws-testing"),
    // A proxy is shown by what clients of a whole server get from real upstreams.
    ("ws-proxy", "ws-server"),
    ("ws-proxy", "ws-testing"),
];

impl Room {
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        ROOMS.iter().find(|room| room.name == name)
    }

    /// Whether this crate may name `other` outside of its tests.
    pub(super) fn may_use(&self, other: &str) -> bool {
        match self.may_use {
            Only(names) => names.contains(&other),
            EverythingBelow => Self::of(other).is_some_and(|other| other.is_below(self)),
        }
    }

    /// Whether the tests of this crate may name `other`.
    pub(super) fn tests_may_use(&self, other: &str) -> bool {
        let is_below = || match self.floor {
            Number(_) => Self::of(other).is_some_and(|other| other.is_below(self)),
            Outside => true,
        };
        self.may_use(other) || is_below() || TESTS_MAY_ALSO_USE.contains(&(self.name, other))
    }

    fn is_below(&self, other: &Self) -> bool {
        matches!((self.floor, other.floor), (Number(this), Number(other)) if this < other)
    }
}

impl std::fmt::Display for MayUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Only([]) => f.write_str("none of our crates"),
            Only(names) => f.write_str(&names.join(", ")),
            EverythingBelow => f.write_str("what stands below it"),
        }
    }
}

/// Who may depend on axum. Tests may, too.
pub(super) const AXUM: &[&str] = &["mockforge-examples", "ws-server", "ws-testing"];

/// Who may have axum behind a feature that is off by default.
pub(super) const OPTIONAL_AXUM: &[&str] = &["ws-core"];

/// Something that a crate alone must not pull.
#[derive(Debug)]
pub(super) enum Unwanted {
    /// A package, in any version.
    Package(&'static str),
    /// A feature of a package that is itself allowed.
    Feature(&'static str, &'static str),
}

use Unwanted::{Feature, Package};

/// A library that does no IO needs no web server, no socket and no runtime.
const IO: &[Unwanted] = &[
    Package("axum"),
    Package("hyper"),
    Package("hyper-util"),
    Package("tokio-tungstenite"),
    Package("tungstenite"),
    Feature("tokio", "fs"),
    Feature("tokio", "net"),
    Feature("tokio", "process"),
    Feature("tokio", "rt"),
    Feature("tokio", "rt-multi-thread"),
    Feature("tokio", "signal"),
];

/// What writes events by itself needs nobody to ask; a runtime is there for its cache's files.
const OFFLINE: &[Unwanted] = &[
    Package("async-openai"),
    Package("axum"),
    Package("hyper"),
    Package("hyper-util"),
    Package("reqwest"),
    Package("rustls"),
    Package("tokio-tungstenite"),
    Package("tungstenite"),
    Feature("tokio", "net"),
    Feature("tokio", "process"),
    Feature("tokio", "rt-multi-thread"),
    Feature("tokio", "signal"),
];

/// What a crate with its default features must not pull when somebody takes it alone.
pub(super) const ALONE: &[(&str, &[Unwanted])] = &[
    ("ws-core", IO),
    ("ws-patterns", IO),
    ("ws-rooms", IO),
    ("ws-conditions", IO),
    ("ws-metrics", IO),
    ("ws-replay", IO),
    ("ws-ai", OFFLINE),
];
