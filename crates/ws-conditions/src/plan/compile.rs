//! From what people write to what can be judged. Everything is checked here, so that judging never fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ws_core::CloseFrame;
use ws_core::close_code::MAX_REASON_BYTES;

use super::handshake_fault::{Answer, HandshakeFault, HandshakeRule};
use super::message_fault::{MessageFault, MessageRule};
use super::moments::{Clock, MomentRule};
use super::when::When;
use super::{Compiled, MAX_DELAY_MS, Matcher, Plan};
use crate::error::Problems;
use crate::fault::Subject;
use crate::{Conditions, ConnectionFault, Fault, FaultDirection, FaultRule, Trigger};

/// The most copies of a message, and the most frames that one can come in.
const MAX_TIMES: u64 = 1_000;
const MAX_PARTS: u64 = 4_096;

pub(crate) struct Compiler<'a> {
    pub(crate) matcher: &'a mut dyn FnMut(&str) -> Result<Matcher, String>,
}

impl Compiler<'_> {
    /// The plan, which is only worth something if no problems were found.
    pub(crate) fn plan(mut self, conditions: Conditions, problems: &mut Problems<'_>) -> Plan {
        let Conditions { seed, latency, bandwidth_out, bandwidth_in, drip, faults } = conditions;
        if let Some(latency) = &latency {
            latency.check(problems.below("latency"));
        }
        for (key, bandwidth) in [("bandwidth_out", bandwidth_out), ("bandwidth_in", bandwidth_in)] {
            if let Some(bandwidth) = bandwidth {
                bandwidth.check(problems.below(key));
            }
        }
        if let Some(drip) = drip {
            drip.check(problems.below("drip"));
        }
        let mut compiled = Compiled {
            seed: seed.unwrap_or_else(rand::random),
            latency: latency.filter(|latency| !latency.is_none()),
            bandwidth_out,
            bandwidth_in,
            drip,
            handshakes: Vec::new(),
            outbound: Vec::new(),
            inbound: Vec::new(),
            moments: Vec::new(),
        };
        for (nth, rule) in faults.into_iter().enumerate() {
            self.rule(rule, &mut compiled, &mut problems.below(format_args!("faults[{nth}]")));
        }
        Plan { compiled: Arc::new(compiled) }
    }

    fn rule(&mut self, rule: FaultRule, compiled: &mut Compiled, problems: &mut Problems<'_>) {
        let FaultRule { fault, when, direction } = rule;
        when.check(problems);
        let by_time = fault.subject() == Subject::Connection && !when.is_about_messages();
        if direction == FaultDirection::In {
            check_inbound(&fault, by_time, problems);
        }
        if by_time {
            let clock = clock(&when, problems);
            if let Some(fault) = connection_fault(fault, problems) {
                let Trigger { probability, connections, .. } = when;
                compiled.moments.push(MomentRule { probability, connections, clock, fault });
            }
            return;
        }
        if fault.subject() == Subject::Handshake {
            check_handshake_trigger(&when, problems);
        }
        check_windows(&when, problems);
        let when = self.when(when, problems);
        if fault.subject() == Subject::Handshake {
            if let Some(fault) = handshake_fault(fault, problems) {
                compiled.handshakes.push(HandshakeRule { when, fault });
            }
            return;
        }
        let name = fault.name();
        if let Some(fault) = message_fault(fault, problems) {
            let rules = match direction {
                FaultDirection::Out => &mut compiled.outbound,
                FaultDirection::In => &mut compiled.inbound,
            };
            rules.push(MessageRule { when, fault, name });
        }
    }

    fn when(&mut self, trigger: Trigger, problems: &mut Problems<'_>) -> When {
        let Trigger { probability, every, nth, connections, matching, after_ms, schedule } = trigger;
        let matching = matching
            .and_then(|pattern| (self.matcher)(&pattern).map_err(|problem| problems.add("matching", problem)).ok());
        When {
            probability,
            every,
            nth,
            connections,
            matching,
            after: after_ms.map(Duration::from_millis),
            windows: schedule.map(|schedule| schedule.windows()),
        }
    }
}

fn check_inbound(fault: &Fault, by_time: bool, problems: &mut Problems<'_>) {
    let problem = match fault.subject() {
        Subject::Handshake => "a handshake has no direction: leave it out",
        Subject::Frame => "this fault is about frames to the client: leave it out",
        Subject::Connection if by_time => "this fault happens by time, not by message: leave it out",
        Subject::Connection | Subject::Message => return,
    };
    problems.add("direction", problem);
}

fn check_handshake_trigger(when: &Trigger, problems: &mut Problems<'_>) {
    if when.matching.is_some() {
        problems.add("matching", "a handshake has no message to match: leave it out");
    }
    if when.after_ms.is_some() {
        problems.add("after_ms", "a handshake has no age: use `at_ms`, the time since the server's start");
    }
}

/// Moments are too short for anything but faults of the connection.
fn check_windows(when: &Trigger, problems: &mut Problems<'_>) {
    if when.schedule.is_some_and(|schedule| schedule.every_ms.is_some() && schedule.for_ms.is_none()) {
        problems.add("for_ms", "missing: with `every_ms`, say how long it lasts each time");
    }
}

fn clock(when: &Trigger, problems: &mut Problems<'_>) -> Clock {
    match (when.after_ms, when.schedule) {
        (Some(_), Some(_)) => {
            problems.add("after_ms", "expected either this or `at_ms`, `every_ms` and `for_ms`, got both");
        }
        (None, Some(schedule)) if schedule.at_ms == 0 && schedule.every_ms.is_none() && schedule.for_ms.is_none() => {
            problems.add("at_ms", "nothing is connected when the server starts: expected a later time, or `for_ms`");
        }
        _ => {}
    }
    match when.schedule {
        Some(schedule) => Clock::Server(schedule.windows()),
        None => Clock::Age(Duration::from_millis(when.after_ms.unwrap_or(0))),
    }
}

fn delay(delay_ms: u64, problems: &mut Problems<'_>) -> Duration {
    problems.in_range("delay_ms", delay_ms, 0, MAX_DELAY_MS);
    Duration::from_millis(delay_ms)
}

fn handshake_fault(fault: Fault, problems: &mut Problems<'_>) -> Option<HandshakeFault> {
    Some(match fault {
        Fault::DelayHandshake { delay_ms } => HandshakeFault::Delay(delay(delay_ms, problems)),
        Fault::DropHandshake => HandshakeFault::Answer(Answer::Drop),
        Fault::Refuse { status, headers, body } => {
            problems.in_range("status", status.into(), 400, 599);
            let headers = response_headers(headers, problems);
            let status = StatusCode::from_u16(status).ok()?;
            HandshakeFault::Answer(Answer::Refuse { status, headers, body: body.into() })
        }
        _ => return None,
    })
}

fn response_headers(headers: BTreeMap<String, String>, problems: &mut Problems<'_>) -> HeaderMap {
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let key = format!("headers[{name}]");
        match (HeaderName::try_from(&name), HeaderValue::try_from(value)) {
            (Err(_), _) => problems.add(key, "expected the name of a header, such as Retry-After"),
            (_, Err(_)) => problems.add(key, "expected a value without line breaks and other control characters"),
            (Ok(header::CONTENT_LENGTH | header::TRANSFER_ENCODING), _) => {
                problems.add(key, "the server sets this header itself: leave it out");
            }
            (Ok(name), Ok(value)) => drop(parsed.append(name, value)),
        }
    }
    parsed
}

fn connection_fault(fault: Fault, problems: &mut Problems<'_>) -> Option<ConnectionFault> {
    Some(match fault {
        Fault::Reset => ConnectionFault::Reset,
        Fault::Disconnect => ConnectionFault::Disconnect,
        Fault::HalfOpen => ConnectionFault::HalfOpen,
        Fault::Close { code, reason } => {
            if reason.len() > MAX_REASON_BYTES {
                let length = reason.len();
                problems.add("reason", format!("expected at most {MAX_REASON_BYTES} bytes, got {length}"));
            }
            ConnectionFault::Close(CloseFrame { code, reason: reason.into() })
        }
        _ => return None,
    })
}

fn message_fault(fault: Fault, problems: &mut Problems<'_>) -> Option<MessageFault> {
    Some(match fault {
        Fault::Drop => MessageFault::Drop,
        Fault::Duplicate { times } => {
            problems.in_range("times", times.into(), 2, MAX_TIMES);
            MessageFault::Duplicate(times)
        }
        Fault::Reorder => MessageFault::Reorder,
        Fault::Delay { delay_ms } => MessageFault::Delay(delay(delay_ms, problems)),
        Fault::Truncate { bytes } => MessageFault::Truncate(usize::try_from(bytes).unwrap_or(usize::MAX)),
        Fault::Corrupt => MessageFault::Corrupt,
        Fault::Fragment { parts } => {
            problems.in_range("parts", parts.into(), 2, MAX_PARTS);
            MessageFault::Fragment(parts as usize)
        }
        Fault::BadUtf8 => MessageFault::BadUtf8,
        Fault::Oversized { bytes } => {
            problems.in_range("bytes", bytes, 1, u64::MAX);
            MessageFault::Oversized(bytes)
        }
        Fault::BadRsv => MessageFault::BadRsv,
        Fault::BadOpcode => MessageFault::BadOpcode,
        fault => MessageFault::End(connection_fault(fault, problems)?),
    })
}
