//! Rules: every message is one that a single rule of many takes, each rule in its turn, and is answered with itself.

use std::{fmt, fmt::Write as _, io::Write as _, net::SocketAddr};

use anyhow::{Result, ensure};

use super::{
    dialog::{Dialog, Place},
    frame::{self, Opcode},
    window::{Timing, Traffic},
};
use crate::process::Probe;

/// Longer than what is said to any rule.
const LONGEST: usize = 64;

/// What the rules of a file look at; all at the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleKind {
    /// The whole text.
    Exact,
    /// A regular expression that begins with a literal.
    Regex,
    /// A value in JSON.
    Json,
}

pub(crate) struct Rules {
    pub(crate) kind: RuleKind,
    /// How many there are.
    pub(crate) count: usize,
    /// Each has one message in flight.
    pub(crate) connections: usize,
}

impl Rules {
    /// The rules, as a file of a server of ours.
    pub(crate) fn yaml(&self) -> String {
        let mut yaml = String::from("rules:\n");
        for rule in 0..self.count {
            let matched = match self.kind {
                RuleKind::Exact => format!("{{ exact: {} }}", Said(self.kind, rule)),
                RuleKind::Regex => format!("'^/command-{rule} (\\w+)$'"),
                RuleKind::Json => format!("{{ json: {{ type: event-{rule} }} }}"),
            };
            let _ = writeln!(yaml, "  - match: {matched}\n    response: \"{{{{request.ws.message}}}}\"");
        }
        yaml
    }

    /// # Errors
    /// When an answer is wrong, out of order or missing.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let place = Place { address, path: super::ECHO, connections: self.connections, in_flight: 1 };
        place.hold(self, probe, timing)
    }

    /// Makes what is said in turn `number`, without an allocation.
    fn say<T>(&self, number: u64, hear: impl FnOnce(&[u8]) -> T) -> T {
        let mut buffer = [0; LONGEST];
        let mut rest = buffer.as_mut_slice();
        write!(rest, "{}", Said(self.kind, number as usize % self.count)).expect("what is said fits its buffer");
        let length = LONGEST - rest.len();
        hear(&buffer[..length])
    }
}

/// What only this rule takes.
struct Said(RuleKind, usize);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, rule) = self;
        match kind {
            RuleKind::Exact => write!(f, "order number {rule}"),
            RuleKind::Regex => write!(f, "/command-{rule} argument"),
            RuleKind::Json => write!(f, r#"{{"type":"event-{rule}","user":"Ada","count":7}}"#),
        }
    }
}

impl Dialog for Rules {
    fn ask(&self, out: &mut Vec<u8>, number: u64) {
        self.say(number, |text| frame::push_masked(out, Opcode::Text, text));
    }

    fn check(&self, answer: &[u8], number: u64) -> Result<()> {
        self.say(number, |text| {
            ensure!(
                answer == text,
                "expected {}, got {} bytes: {:?}",
                String::from_utf8_lossy(text),
                answer.len(),
                String::from_utf8_lossy(&answer[..answer.len().min(LONGEST)]),
            );
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_rules_and_its_messages() {
        let rules = |kind| Rules { kind, count: 3, connections: 1 };
        for (kind, line, message) in [
            (RuleKind::Exact, "  - match: { exact: order number 2 }\n", "order number 2"),
            (RuleKind::Regex, "  - match: '^/command-2 (\\w+)$'\n", "/command-2 argument"),
            (
                RuleKind::Json,
                "  - match: { json: { type: event-2 } }\n",
                r#"{"type":"event-2","user":"Ada","count":7}"#,
            ),
        ] {
            let rules = rules(kind);
            assert!(rules.yaml().contains(line), "{}", rules.yaml());
            // Turn 5 is rule 2's again.
            rules.check(message.as_bytes(), 5).unwrap();
            assert!(rules.check(message.as_bytes(), 6).is_err());
        }
    }
}
