//! What a network does to connections, as people write it. Judging it is the plan's business.

mod fields;

use serde::{Deserialize, Serialize};

use crate::error::Problems;
use crate::plan::Compiler;
use crate::{Bandwidth, ConditionsError, Drip, FaultRule, LatencyProfile, Matcher, PRESETS, Plan};
use fields::ConditionsFields;

/// What a network does to connections. The default does nothing.
///
/// In a configuration file, `preset` names where to begin: fields beside it replace those of the preset, and `faults`
/// come after its own.
///
/// ```yaml
/// conditions:
///   preset: flaky-mobile
///   seed: 7
///   latency: { base_ms: 80, jitter_ms: 20 }
///   faults:
///     - { fault: refuse, status: 503, connections: 3 }
///     - { fault: disconnect, matching: "^crash$", direction: in }
///     - { fault: drop, probability: 0.1, at_ms: 10000, for_ms: 5000 }
/// ```
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use ws_conditions::{Act, Conditions, Fault, FaultRule, LatencyProfile, Trigger};
/// use ws_core::{Direction, Message};
///
/// let every_second = Trigger { every: Some(2), ..Default::default() };
/// let conditions = Conditions {
///     latency: Some(LatencyProfile::new(50, 0)),
///     faults: vec![FaultRule::new(Fault::Drop).when(every_second)],
///     ..Default::default()
/// };
/// let now = Instant::now();
/// let plan = conditions.compile(|_| Err("no patterns here".into()))?;
///
/// let mut connection = plan.connection(1, now, now);
/// let mut decide = || connection.on_message(Direction::Outbound, &Message::text("hi"), &[], now);
/// assert_eq!((decide().act, decide().act), (Act::Pass, Act::Drop));
/// assert_eq!(decide().delay, Duration::from_millis(50));
/// # Ok::<(), ws_conditions::ConditionsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "ConditionsFields")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conditions {
    /// Makes all that is random repeat. Without it, each [`Plan`] draws its own, which [`Plan::seed`] tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How late messages to the client are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyProfile>,
    /// How many bytes go to the client in a second, for each connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth_out: Option<Bandwidth>,
    /// How many bytes come from the client in a second, for each connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth_in: Option<Bandwidth>,
    /// Sends a few bytes at a time to the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drip: Option<Drip>,
    /// What goes wrong, and when. All delays that are due add up; of the other faults the first that is due happens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRule>,
}

impl Conditions {
    /// The conditions of the preset `name`, one of [`PRESETS`].
    ///
    /// ```
    /// assert!(ws_conditions::Conditions::preset("server-restart").is_some());
    /// ```
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| preset.conditions())
    }

    /// Checks everything, and makes a plan that can be asked. `matcher` makes of a pattern what decides whether a message
    /// matches it, or says what is wrong with the pattern.
    ///
    /// # Errors
    /// [`ConditionsError`] names every key whose value makes no sense.
    pub fn compile(self, mut matcher: impl FnMut(&str) -> Result<Matcher, String>) -> Result<Plan, ConditionsError> {
        Problems::collect(|problems| Compiler { matcher: &mut matcher }.plan(self, problems))
    }
}
