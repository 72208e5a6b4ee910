//! What a message says: its number in 16 hexadecimal digits, then filling up to the wanted length.
//!
//! The number tells connections and messages apart, so an answer that went astray, came twice or came late is seen.

use anyhow::{Result, ensure};

use super::frame::{self, MASK, Opcode};

const DIGITS: usize = 16;

/// Makes and checks the messages of one run.
pub(crate) struct Payload {
    /// A whole masked frame; a copy of it with other digits is a new message.
    template: Vec<u8>,
    digits_at: usize,
    filling: Vec<u8>,
}

impl Payload {
    /// Messages of `length` bytes, at least 16.
    pub(crate) fn new(length: usize) -> Self {
        assert!(length >= DIGITS, "a message has to hold its number");
        let filling = vec![b'.'; length - DIGITS];
        let mut template = Vec::new();
        frame::push_masked(&mut template, Opcode::Text, &[vec![b'0'; DIGITS], filling.clone()].concat());
        Self { digits_at: template.len() - length, template, filling }
    }

    /// Appends message `number`, framed and masked.
    pub(crate) fn push(&self, out: &mut Vec<u8>, number: u64) {
        let digits_at = out.len() + self.digits_at;
        out.extend_from_slice(&self.template);
        for (index, digit) in digits(number).into_iter().enumerate() {
            out[digits_at + index] = digit ^ MASK[index % MASK.len()];
        }
    }

    /// # Errors
    /// When `payload` is not, byte for byte, message `number`.
    pub(crate) fn check(&self, payload: &[u8], number: u64) -> Result<()> {
        let same = payload
            .split_first_chunk()
            .is_some_and(|(got, rest): (&[u8; DIGITS], _)| *got == digits(number) && rest == self.filling);
        ensure!(
            same,
            "expected message {number:016x} of {} bytes, got {} bytes: {:?}",
            DIGITS + self.filling.len(),
            payload.len(),
            String::from_utf8_lossy(&payload[..payload.len().min(2 * DIGITS)]),
        );
        Ok(())
    }

    /// The number of a message, whichever it is.
    ///
    /// # Errors
    /// When `payload` is no message of this run.
    pub(crate) fn number(&self, payload: &[u8]) -> Result<u64> {
        let digits = payload.get(..DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
        self.check(payload, number)?;
        Ok(number)
    }
}

fn digits(number: u64) -> [u8; DIGITS] {
    std::array::from_fn(|index| b"0123456789abcdef"[(number >> (4 * (DIGITS - 1 - index))) as usize & 0xf])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_passes_its_own_check_and_no_other() {
        let payload = Payload::new(40);
        let mut wire = Vec::new();
        payload.push(&mut wire, 0x0123_4567_89ab_cdef);
        let header = wire.len() - 40;
        let plain: Vec<u8> = wire[header..].iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        assert_eq!(plain, b"0123456789abcdef........................");

        payload.check(&plain, 0x0123_4567_89ab_cdef).unwrap();
        assert_eq!(payload.number(&plain).unwrap(), 0x0123_4567_89ab_cdef);
        assert!(payload.number(b"not a number at all.....................").is_err());
        assert!(payload.check(&plain, 0x0123_4567_89ab_cdee).is_err());
        assert!(payload.check(&plain[..39], 0x0123_4567_89ab_cdef).is_err());
        assert!(payload.check(&[plain.as_slice(), b"."].concat(), 0x0123_4567_89ab_cdef).is_err());
        assert!(payload.check(b"", 0).is_err());
    }
}
