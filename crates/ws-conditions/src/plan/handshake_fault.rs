//! Faults of handshakes, ready to happen.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ws_core::Refusal;

use super::when::When;
use crate::HandshakeAnswer;

/// A fault and when it happens.
pub(super) struct HandshakeRule {
    pub(super) when: When,
    pub(super) fault: HandshakeFault,
}

pub(super) enum HandshakeFault {
    Delay(Duration),
    Answer(Answer),
}

/// An answer that is no acceptance.
pub(super) enum Answer {
    Refuse { status: StatusCode, headers: HeaderMap, body: Bytes },
    Drop,
}

impl Answer {
    pub(super) fn make(&self) -> HandshakeAnswer {
        match self {
            Self::Drop => HandshakeAnswer::Drop,
            Self::Refuse { status, headers, body } => {
                let refusal = headers
                    .iter()
                    .fold(Refusal::new(*status), |refusal, (name, value)| refusal.header(name.clone(), value.clone()));
                HandshakeAnswer::Refuse(refusal.body(body.clone()))
            }
        }
    }
}
