//! A fault rule as a file has it: one flat set of keys, of which each fault has its own.
//!
//! Serde's own ways to a flat shape (`flatten`, tagged enums) let unknown keys pass or lose positions, so the keys stand
//! here once more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FaultDirection, FaultRule};
use crate::fault::Subject;
use crate::{ConnectionNumbers, Fault, Schedule, Trigger};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct RuleFields {
    /// What goes wrong.
    fault: FaultName,
    /// Which way the messages go that are counted and hurt.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<FaultDirection>,

    /// How likely it is each time that everything else holds: 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// Every so many messages, or handshakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    /// That message, or handshake, alone; counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    /// Connections of these numbers: 3, 1-2 or 3-.
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<ConnectionNumbers>,
    /// Messages that match this pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    matching: Option<String>,
    /// From this age of the connection on.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_ms: Option<u64>,
    /// When it begins, on the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    /// After how long it begins again.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_ms: Option<u64>,
    /// How long it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    for_ms: Option<u64>,

    /// refuse: the status of the response, 400 to 599; 503 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// refuse: headers of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    /// refuse: the body of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// delay, delay_handshake: how late.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    /// close: the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// close: a text of at most 123 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// duplicate: how often the message comes in all; 2 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    /// truncate: how many are left; oversized: how many are announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// fragment: in how many frames the message comes; 2 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum FaultName {
    Refuse,
    DelayHandshake,
    DropHandshake,
    Reset,
    Disconnect,
    HalfOpen,
    Close,
    Drop,
    Duplicate,
    Reorder,
    Delay,
    Truncate,
    Corrupt,
    Fragment,
    BadUtf8,
    Oversized,
    BadRsv,
    BadOpcode,
}

impl TryFrom<RuleFields> for FaultRule {
    type Error = String;

    fn try_from(mut fields: RuleFields) -> Result<Self, Self::Error> {
        let fault = fields.take_fault()?;
        if let Some(key) = fields.first_left() {
            return Err(format!("`{key}` is no key of the fault `{}`", fault.name()));
        }
        if fault.subject() == Subject::Handshake && fields.direction.is_some() {
            return Err(format!("a handshake has no `direction`: leave it out of the fault `{}`", fault.name()));
        }
        let direction = fields.direction.unwrap_or_default();
        Ok(Self { fault, when: fields.trigger(), direction })
    }
}

impl RuleFields {
    /// Takes the keys of the fault, and leaves those that it does not have.
    fn take_fault(&mut self) -> Result<Fault, String> {
        Ok(match self.fault {
            FaultName::Refuse => Fault::Refuse {
                status: self.status.take().unwrap_or(503),
                headers: self.headers.take().unwrap_or_default(),
                body: self.body.take().unwrap_or_default(),
            },
            FaultName::DelayHandshake => Fault::DelayHandshake {
                delay_ms: self
                    .delay_ms
                    .take()
                    .ok_or("the fault `delay_handshake` needs `delay_ms`, a number of milliseconds")?,
            },
            FaultName::DropHandshake => Fault::DropHandshake,
            FaultName::Reset => Fault::Reset,
            FaultName::Disconnect => Fault::Disconnect,
            FaultName::HalfOpen => Fault::HalfOpen,
            FaultName::Close => Fault::Close {
                code: self.code.take().ok_or("the fault `close` needs `code`, such as 1011")?,
                reason: self.reason.take().unwrap_or_default(),
            },
            FaultName::Drop => Fault::Drop,
            FaultName::Duplicate => Fault::Duplicate { times: self.times.take().unwrap_or(2) },
            FaultName::Reorder => Fault::Reorder,
            FaultName::Delay => Fault::Delay {
                delay_ms: self.delay_ms.take().ok_or("the fault `delay` needs `delay_ms`, a number of milliseconds")?,
            },
            FaultName::Truncate => Fault::Truncate {
                bytes: self.bytes.take().ok_or("the fault `truncate` needs `bytes`, how many are left")?,
            },
            FaultName::Corrupt => Fault::Corrupt,
            FaultName::Fragment => Fault::Fragment { parts: self.parts.take().unwrap_or(2) },
            FaultName::BadUtf8 => Fault::BadUtf8,
            FaultName::Oversized => Fault::Oversized {
                bytes: self.bytes.take().ok_or("the fault `oversized` needs `bytes`, how many are announced")?,
            },
            FaultName::BadRsv => Fault::BadRsv,
            FaultName::BadOpcode => Fault::BadOpcode,
        })
    }

    /// The first key of some fault that was not taken.
    fn first_left(&self) -> Option<&'static str> {
        let left = [
            ("status", self.status.is_some()),
            ("headers", self.headers.is_some()),
            ("body", self.body.is_some()),
            ("delay_ms", self.delay_ms.is_some()),
            ("code", self.code.is_some()),
            ("reason", self.reason.is_some()),
            ("times", self.times.is_some()),
            ("bytes", self.bytes.is_some()),
            ("parts", self.parts.is_some()),
        ];
        left.iter().find(|(_, is_left)| *is_left).map(|(key, _)| *key)
    }

    fn trigger(self) -> Trigger {
        let has_schedule = self.at_ms.is_some() || self.every_ms.is_some() || self.for_ms.is_some();
        let schedule = Schedule { at_ms: self.at_ms.unwrap_or(0), every_ms: self.every_ms, for_ms: self.for_ms };
        Trigger {
            probability: self.probability,
            every: self.every,
            nth: self.nth,
            connections: self.connections,
            matching: self.matching,
            after_ms: self.after_ms,
            schedule: has_schedule.then_some(schedule),
        }
    }
}

impl From<FaultRule> for RuleFields {
    fn from(rule: FaultRule) -> Self {
        let FaultRule { fault, when, direction } = rule;
        let mut fields = Self {
            fault: FaultName::of(&fault),
            direction: (direction != FaultDirection::default()).then_some(direction),
            probability: when.probability,
            every: when.every,
            nth: when.nth,
            connections: when.connections,
            matching: when.matching,
            after_ms: when.after_ms,
            at_ms: when.schedule.map(|schedule| schedule.at_ms),
            every_ms: when.schedule.and_then(|schedule| schedule.every_ms),
            for_ms: when.schedule.and_then(|schedule| schedule.for_ms),
            status: None,
            headers: None,
            body: None,
            delay_ms: None,
            code: None,
            reason: None,
            times: None,
            bytes: None,
            parts: None,
        };
        match fault {
            Fault::Refuse { status, headers, body } => {
                fields.status = Some(status);
                fields.headers = Some(headers).filter(|headers| !headers.is_empty());
                fields.body = Some(body).filter(|body| !body.is_empty());
            }
            Fault::DelayHandshake { delay_ms } | Fault::Delay { delay_ms } => fields.delay_ms = Some(delay_ms),
            Fault::Close { code, reason } => {
                fields.code = Some(code);
                fields.reason = Some(reason).filter(|reason| !reason.is_empty());
            }
            Fault::Duplicate { times } => fields.times = Some(times),
            Fault::Truncate { bytes } | Fault::Oversized { bytes } => fields.bytes = Some(bytes),
            Fault::Fragment { parts } => fields.parts = Some(parts),
            Fault::DropHandshake
            | Fault::Reset
            | Fault::Disconnect
            | Fault::HalfOpen
            | Fault::Drop
            | Fault::Reorder
            | Fault::Corrupt
            | Fault::BadUtf8
            | Fault::BadRsv
            | Fault::BadOpcode => {}
        }
        fields
    }
}

impl FaultName {
    fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Refuse { .. } => Self::Refuse,
            Fault::DelayHandshake { .. } => Self::DelayHandshake,
            Fault::DropHandshake => Self::DropHandshake,
            Fault::Reset => Self::Reset,
            Fault::Disconnect => Self::Disconnect,
            Fault::HalfOpen => Self::HalfOpen,
            Fault::Close { .. } => Self::Close,
            Fault::Drop => Self::Drop,
            Fault::Duplicate { .. } => Self::Duplicate,
            Fault::Reorder => Self::Reorder,
            Fault::Delay { .. } => Self::Delay,
            Fault::Truncate { .. } => Self::Truncate,
            Fault::Corrupt => Self::Corrupt,
            Fault::Fragment { .. } => Self::Fragment,
            Fault::BadUtf8 => Self::BadUtf8,
            Fault::Oversized { .. } => Self::Oversized,
            Fault::BadRsv => Self::BadRsv,
            Fault::BadOpcode => Self::BadOpcode,
        }
    }
}
