//! Frames on the wire: masked on the way out, unmasked on the way in (RFC 6455, section 5.2).
//!
//! It does not fragment and does not accept fragments: no server measured here makes any.

use anyhow::{Result, bail, ensure};

/// The masking key of every frame we send. Not zero, so that the server has to unmask, and fixed, so that a message
/// can be masked once and sent a million times.
pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Result<Self> {
        Ok(match bits {
            0x1 => Self::Text,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            other => bail!("the server sent opcode {other:#x}, which nobody asked for"),
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }
}

/// A whole frame from the server.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: Opcode,
    pub(crate) payload: &'a [u8],
}

/// Takes the first frame off `bytes`, or `None` when it has not all arrived yet.
///
/// # Errors
/// For anything that a server must not send to a client that asked for no extension and takes no fragments.
pub(crate) fn split_first<'a>(bytes: &mut &'a [u8]) -> Result<Option<Frame<'a>>> {
    let [first, second, rest @ ..] = *bytes else { return Ok(None) };
    ensure!(first & 0x70 == 0, "the server set a reserved bit: {first:#04x}");
    ensure!(first & FIN != 0, "the server fragmented a message");
    ensure!(second & MASKED == 0, "the server masked a frame");
    let opcode = Opcode::from_bits(first & 0x0f)?;

    let (length, rest) = match (second & 0x7f, rest) {
        (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            (usize::try_from(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))?, rest)
        }
        (126 | 127, _) => return Ok(None),
        (short, rest) => (usize::from(short), rest),
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    *bytes = rest;
    Ok(Some(Frame { opcode, payload }))
}

/// Appends a masked frame to `out`.
pub(crate) fn push_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.push(FIN | opcode.bits());
    match payload.len() {
        short @ 0..=125 => out.push(MASKED | short as u8),
        medium @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x81];
        match payload.len() {
            short @ 0..=125 => bytes.push(short as u8),
            medium @ 126..=0xffff => {
                bytes.push(126);
                bytes.extend((medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn every_length_form_is_read_and_nothing_sooner_than_it_is_whole() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let wire = server_frame(&payload);
            let last = wire.len() - 1;
            for cut in [0, 1, 2, 3, 9, last].into_iter().filter(|&cut| cut <= last) {
                assert!(split_first(&mut &wire[..cut]).unwrap().is_none(), "{length} bytes, cut at {cut}");
            }
            let mut rest = wire.as_slice();
            let frame = split_first(&mut rest).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload, rest.len()), (Opcode::Text, payload.as_slice(), 0));
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_an_error() {
        for (bytes, why) in [
            ([0xc1, 0x00], "reserved bit"),
            ([0x01, 0x00], "fragmented"),
            ([0x81, 0x80], "masked"),
            ([0x80, 0x00], "opcode 0x0"),
        ] {
            let error = split_first(&mut bytes.as_slice()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_masked_frame_is_the_one_of_the_rfc() {
        let mut out = Vec::new();
        push_masked(&mut out, Opcode::Text, b"Hello");
        // The example of RFC 6455, section 5.7, has the same masking key.
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
