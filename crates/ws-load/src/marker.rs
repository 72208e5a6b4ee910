//! The id that a message carries, and that is looked for in its answer: `mf-VVVVVV-NNNNNNNN-DDDDDDDDDDDD`, in hexadecimal digits
//! the virtual user, the number of the message and the moment at which it was due.
//!
//! The length is fixed, and no JSON, URL or header has to escape it.

use memchr::memmem;

use crate::clock::Nanos;

const START: &[u8] = b"mf-";
const USER: usize = 6;
const NUMBER: usize = 8;
const DUE: usize = 12;

/// Who has sent which message, and when it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The virtual user, from 1; its lowest 24 bits.
    pub(crate) user: u32,
    /// The number of the message among those of the user, from 1; its lowest 32 bits.
    pub(crate) number: u32,
    /// Nanoseconds since the clock's epoch; the lowest 48 bits: 78 hours.
    pub(crate) due: u64,
}

impl Marker {
    /// Bytes of a marker.
    pub(crate) const LENGTH: usize = START.len() + USER + 1 + NUMBER + 1 + DUE;

    pub(crate) fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(START);
        push_hex::<USER>(out, u64::from(self.user));
        out.push(b'-');
        push_hex::<NUMBER>(out, u64::from(self.number));
        out.push(b'-');
        push_hex::<DUE>(out, self.due);
    }

    /// How long ago it was due.
    pub(crate) fn age(self, now: Nanos) -> Nanos {
        now.wrapping_sub(self.due) & ((1 << (4 * DUE)) - 1)
    }

    /// The first marker in a message.
    pub(crate) fn find(message: &[u8]) -> Option<Self> {
        // An echo has it at its start.
        Self::at_start(message)
            .or_else(|| memmem::find_iter(message, START).find_map(|start| Self::at_start(&message[start..])))
    }

    fn at_start(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LENGTH] = bytes.first_chunk()?;
        let (start, rest) = bytes.split_at(START.len());
        let (user, rest) = rest.split_at(USER);
        let (number, due) = rest.split_at(1 + NUMBER);
        if start != START || number[0] != b'-' || due[0] != b'-' {
            return None;
        }
        Some(Self { user: hex(user)? as u32, number: hex(&number[1..])? as u32, due: hex(&due[1..])? })
    }
}

fn push_hex<const DIGITS: usize>(out: &mut Vec<u8>, value: u64) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; DIGITS];
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        *digit = HEX[(rest & 0xf) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&digits);
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u64::from(char::from(*digit).to_digit(16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_found_wherever_it_stands() {
        let marker = Marker { user: 7, number: 0xdead_beef, due: 0x1234_5678_9abc };
        let mut text = Vec::new();
        marker.push(&mut text);
        assert_eq!(String::from_utf8_lossy(&text), "mf-000007-deadbeef-123456789abc");
        assert_eq!(text.len(), Marker::LENGTH);
        for (before, after) in [("", ""), ("echo: ", ""), ("{\"id\":\"mf-x ", "\"}"), ("mf-mf-", "f")] {
            let message = [before.as_bytes(), &text, after.as_bytes()].concat();
            assert_eq!(Marker::find(&message), Some(marker), "{before}");
        }
        for nothing in [&b""[..], b"mf-", b"mf-000007_deadbeef-123456789abc", &text[..30]] {
            assert_eq!(Marker::find(nothing), None);
        }
    }

    #[test]
    fn its_age_is_right_for_days() {
        let marker = Marker { user: 1, number: 1, due: 0xffff_ffff_fff0 };
        assert_eq!([0xffff_ffff_fff5, 0x1_0000_0000_0005, 0x3_ffff_ffff_fff1].map(|now| marker.age(now)), [5, 21, 1]);
    }
}
