//! Conditions as a file has them: with the name of a preset to begin from.

use serde::Deserialize;

use crate::{Bandwidth, Conditions, Drip, FaultRule, LatencyProfile, PRESETS};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct ConditionsFields {
    /// Conditions with a known story to begin from.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>())))]
    preset: Option<String>,
    /// Makes all that is random repeat.
    seed: Option<u64>,
    /// How late messages to the client are.
    latency: Option<LatencyProfile>,
    /// How many bytes go to the client in a second, for each connection.
    bandwidth_out: Option<Bandwidth>,
    /// How many bytes come from the client in a second, for each connection.
    bandwidth_in: Option<Bandwidth>,
    /// Sends a few bytes at a time to the client.
    drip: Option<Drip>,
    /// What goes wrong, and when.
    #[serde(default)]
    faults: Vec<FaultRule>,
}

impl TryFrom<ConditionsFields> for Conditions {
    type Error = String;

    fn try_from(fields: ConditionsFields) -> Result<Self, Self::Error> {
        let begin = fields.preset.as_deref().map_or(Ok(Self::default()), |name| {
            Self::preset(name).ok_or_else(|| {
                let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                format!("unknown `preset`, expected one of {}", names.join(", "))
            })
        })?;
        let mut faults = begin.faults;
        faults.extend(fields.faults);
        Ok(Self {
            seed: fields.seed.or(begin.seed),
            latency: fields.latency.or(begin.latency),
            bandwidth_out: fields.bandwidth_out.or(begin.bandwidth_out),
            bandwidth_in: fields.bandwidth_in.or(begin.bandwidth_in),
            drip: fields.drip.or(begin.drip),
            faults,
        })
    }
}
