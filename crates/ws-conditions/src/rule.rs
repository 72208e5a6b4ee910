//! A fault and when it happens.

mod fields;

use serde::{Deserialize, Serialize};
use ws_core::Direction;

use crate::{Fault, Trigger};
use fields::RuleFields;

/// A fault and when it happens.
///
/// What the conditions of the [`Trigger`] are about depends on the fault:
///
/// - Faults of the handshake are judged at each handshake.
/// - Faults of a message are judged on each text and binary message that goes in the rule's direction.
/// - Faults of the connection are judged on each such message too, if the trigger has `nth`, `every`, `matching`, or
///   `probability` without a time. Such a message is not delivered: the fault comes instead. Otherwise they happen by
///   time: at each moment of the schedule, once at the age `after_ms`, or, with neither, as soon as the connection is
///   open. Then `probability` is judged once for each moment and connection; and when the schedule has a `for_ms`,
///   connections that are opened within it get the fault too, at once.
///
/// In a configuration file all keys are flat:
///
/// ```
/// use ws_conditions::{Fault, FaultRule, Trigger};
///
/// let rule: FaultRule = serde_json::from_str(r#"{ "fault": "close", "code": 4000, "nth": 5, "connections": "1-2" }"#)?;
/// let same = FaultRule::new(Fault::Close { code: 4000, reason: String::new() })
///     .when(Trigger { nth: Some(5), connections: Some((1..=2).into()), ..Default::default() });
/// assert_eq!(rule, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleFields", into = "RuleFields")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// When it happens.
    pub when: Trigger,
    /// Which way the messages go that are counted and hurt.
    pub direction: FaultDirection,
}

/// Which way messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum FaultDirection {
    /// To the client.
    #[default]
    Out,
    /// From the client.
    In,
}

impl FaultRule {
    /// `fault` always happens, to messages to the client.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, when: Trigger::default(), direction: FaultDirection::Out }
    }

    /// Chooses when it happens.
    #[must_use]
    pub fn when(mut self, when: Trigger) -> Self {
        self.when = when;
        self
    }

    /// Judges messages from the client instead of those to it.
    #[must_use]
    pub fn inbound(mut self) -> Self {
        self.direction = FaultDirection::In;
        self
    }
}

impl From<FaultDirection> for Direction {
    fn from(direction: FaultDirection) -> Self {
        match direction {
            FaultDirection::Out => Self::Outbound,
            FaultDirection::In => Self::Inbound,
        }
    }
}
