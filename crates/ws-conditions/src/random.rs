//! Where decisions get what is random.
//!
//! A draw is addressed, not consumed: it depends on the seed, the connection's number, what is decided and which message
//! (or moment) it is about. So what happens to the fifth message does not depend on how the other direction, heartbeats
//! or the clock went, and a connection keeps no generator while nothing is decided.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// What a draw is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Handshake,
    OutboundFaults,
    InboundFaults,
    OutboundPayload,
    InboundPayload,
    Latency,
    ControlLatency,
    /// Whether a moment of this rule happens.
    Moment(u32),
}

impl Purpose {
    const fn stream(self) -> u64 {
        match self {
            Self::Handshake => 0,
            Self::OutboundFaults => 1,
            Self::InboundFaults => 2,
            Self::OutboundPayload => 3,
            Self::InboundPayload => 4,
            Self::Latency => 5,
            Self::ControlLatency => 6,
            Self::Moment(rule) => (1 << 32) | rule as u64,
        }
    }
}

/// The draws of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    key: [u8; 32],
}

impl Draws {
    pub(crate) fn new(seed: u64, connection: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&connection.to_le_bytes());
        // Templates use the same seed: these draws must not mirror theirs.
        key[24..].copy_from_slice(b"network.");
        Self { key }
    }

    /// A generator for the `nth` decision of this purpose.
    pub(crate) fn of(&self, purpose: Purpose, nth: u64) -> ChaCha8Rng {
        // Far more than a decision draws, so that neighbours do not overlap.
        const BLOCKS_PER_DECISION: u64 = 1 << 16;
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(purpose.stream());
        rng.set_block_pos(nth.wrapping_mul(BLOCKS_PER_DECISION));
        rng
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    fn draw(seed: u64, connection: u64, purpose: Purpose, nth: u64) -> u64 {
        Draws::new(seed, connection).of(purpose, nth).random()
    }

    /// The figures pin the stream across versions.
    #[test]
    fn every_part_of_the_address_counts() {
        let base = draw(7, 1, Purpose::Latency, 1);
        assert_eq!(base, draw(7, 1, Purpose::Latency, 1));
        for other in [
            draw(8, 1, Purpose::Latency, 1),
            draw(7, 2, Purpose::Latency, 1),
            draw(7, 1, Purpose::OutboundFaults, 1),
            draw(7, 1, Purpose::Moment(0), 1),
            draw(7, 1, Purpose::Latency, 2),
        ] {
            assert_ne!(base, other);
        }
    }
}
