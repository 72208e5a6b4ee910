//! Handshakes that fail by chance, as the specification has it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Fault, FaultRule, Trigger};

/// How likely a handshake is to fail, and with which responses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FaultConfig {
    /// The share of handshakes that fail: 0 to 1.
    pub failure_rate: f64,
    /// The statuses that they fail with, all equally likely: 400 to 599. Empty is 500 alone.
    pub status_codes: Vec<u16>,
    /// The bodies of the responses, by status. A string is sent as text, anything else as JSON.
    pub error_responses: HashMap<String, Value>,
}

impl FaultConfig {
    /// The same as rules of which at most one happens.
    pub(crate) fn into_rules(self) -> Vec<FaultRule> {
        let rate = self.failure_rate;
        if rate == 0.0 {
            return Vec::new();
        }
        let statuses = if self.status_codes.is_empty() { &[500] } else { &self.status_codes[..] };
        let rule = |status: u16, probability| {
            let (headers, body) = response(self.error_responses.get(&status.to_string()));
            FaultRule::new(Fault::Refuse { status, headers, body })
                .when(Trigger { probability: Some(probability), ..Trigger::default() })
        };
        if !(0.0..=1.0).contains(&rate) {
            // One rule, which carries the rate as it was written, and is refused for it.
            return vec![rule(statuses[0], rate)];
        }
        let count = statuses.len() as f64;
        // Only what the rules before let pass comes to a rule.
        let share = |nth: usize| rate / (count - nth as f64 * rate);
        statuses.iter().enumerate().map(|(nth, status)| rule(*status, share(nth))).collect()
    }
}

fn response(body: Option<&Value>) -> (BTreeMap<String, String>, String) {
    let (content_type, body) = match body {
        None => return Default::default(),
        Some(Value::String(text)) => ("text/plain; charset=utf-8", text.clone()),
        Some(json) => ("application/json", json.to_string()),
    };
    (BTreeMap::from([("content-type".to_owned(), content_type.to_owned())]), body)
}
