//! The layout of a frame ([RFC 6455, section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)), and masking.
//!
//! It says what stands in a header, not whether it may.

/// The bit of a frame's first byte that says that no fragment follows.
pub(crate) const FIN: u8 = 0b1000_0000;
/// The bit of a frame's second byte that says that the payload is masked.
const MASKED: u8 = 0b1000_0000;
/// What stands in the place of a length that takes two bytes.
const TWO_BYTES: u8 = 126;
/// What stands in the place of a length that takes eight bytes.
const EIGHT_BYTES: u8 = 127;

/// Which side of a connection we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

/// What a payload is masked with: RFC 6455, section 5.3.
pub(crate) type Key = [u8; 4];

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// FIN, the reserved bits and the opcode, as they stand in the first byte.
    pub(crate) first: u8,
    pub(crate) key: Option<Key>,
    /// Of the payload, as announced.
    pub(crate) length: u64,
}

impl Header {
    /// The longest header in bytes.
    pub(crate) const MAX: usize = 14;

    /// The header at the start of `bytes`, and how many bytes it takes; `None` while it is not whole.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length, rest) = match second & !MASKED {
            TWO_BYTES => rest.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
            EIGHT_BYTES => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
            length => (length.into(), rest),
        };
        let (key, rest) = match second & MASKED {
            0 => (None, rest),
            _ => rest.split_first_chunk().map(|(key, rest)| (Some(*key), rest))?,
        };
        Some((Self { first, key, length }, bytes.len() - rest.len()))
    }

    /// Writes it, with its length in as few bytes as hold it.
    #[inline]
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let masked = if self.key.is_some() { MASKED } else { 0 };
        match self.length {
            length @ ..126 => out.extend_from_slice(&[self.first, masked | length as u8]),
            length @ ..65_536 => {
                out.extend_from_slice(&[self.first, masked | TWO_BYTES]);
                out.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                out.extend_from_slice(&[self.first, masked | EIGHT_BYTES]);
                out.extend_from_slice(&length.to_be_bytes());
            }
        }
        if let Some(key) = self.key {
            out.extend_from_slice(&key);
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    /// The three reserved bits.
    pub(crate) fn rsv(&self) -> u8 {
        self.first >> 4 & 0b111
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.first & 0b1111
    }
}

/// Masks what is not masked, unmasks what is. A part of a payload that does not begin with its first byte wants its key
/// [turned](turned).
pub(crate) fn mask(payload: &mut [u8], key: Key) {
    // Four at a time is what the compiler turns into vector instructions, wherever the bytes lie.
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// The key for what stands `passed` bytes further on.
pub(crate) fn turned(mut key: Key, passed: usize) -> Key {
    key.rotate_left(passed % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_not_before_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536, u64::MAX] {
            for key in [None, Some(*b"keyz")] {
                let header = Header { first: FIN | 2, key, length };
                let mut bytes = Vec::new();
                header.put(&mut bytes);
                for cut in 0..bytes.len() {
                    assert_eq!(Header::parse(&bytes[..cut]), None, "{header:?} cut at {cut}");
                }
                assert_eq!(Header::parse(&bytes), Some((header, bytes.len())));
                assert!(bytes.len() <= Header::MAX);
            }
        }
    }

    #[test]
    fn a_payload_is_masked_byte_by_byte_wherever_it_is_cut() {
        let payload: Vec<u8> = (0..100).collect();
        let key = [1, 20, 60, 250];
        let expected: Vec<u8> = payload.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        for cut in 0..payload.len() {
            let mut masked = payload.clone();
            let (front, back) = masked.split_at_mut(cut);
            mask(front, key);
            mask(back, turned(key, cut));
            assert_eq!(masked, expected, "cut at {cut}");
        }
    }
}
