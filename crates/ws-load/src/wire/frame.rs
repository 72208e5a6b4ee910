//! Frames as a client writes and reads them (RFC 6455, section 5). No IO.

use std::fmt;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A frame whose payload is still where it was read.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame<'b> {
    pub(crate) is_last: bool,
    pub(crate) opcode: Opcode,
    pub(crate) payload: &'b [u8],
    /// How many bytes it took with its header.
    pub(crate) length: usize,
}

/// What no server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadFrame(&'static str);

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The largest payload of one frame, and of one message: what is larger ends the connection.
pub(crate) const LARGEST: usize = 64 << 20;

const MASKED: u8 = 0x80;

/// Appends a whole, masked frame.
pub(crate) fn push(out: &mut Vec<u8>, opcode: Opcode, mask: u32, payload: &[u8]) {
    out.push(0x80 | opcode as u8);
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
    let mask = mask.to_ne_bytes();
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    // Eight bytes at a time: the mask repeats every four.
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (chunks, rest) = out[start..].as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

/// The first frame of `bytes`; `None`: it is not whole yet.
///
/// # Errors
/// If it is none that a server may send.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Frame<'_>>, BadFrame> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(BadFrame("a reserved opcode")),
    };
    let is_last = first & 0x80 != 0;
    let is_control = opcode as u8 >= 8;
    if first & 0x70 != 0 {
        return Err(BadFrame("a reserved bit is set"));
    } else if second & MASKED != 0 {
        return Err(BadFrame("a server must not mask"));
    } else if is_control && (!is_last || *second > 125) {
        return Err(BadFrame("a control frame that is fragmented or too long"));
    }
    let (header, length) = match second {
        126 => match rest {
            [a, b, ..] => (4, u64::from(u16::from_be_bytes([*a, *b]))),
            _ => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (10, u64::from_be_bytes(*length)),
            None => return Ok(None),
        },
        short => (2, u64::from(*short)),
    };
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= LARGEST) else {
        return Err(BadFrame("a frame of more than 64 MiB"));
    };
    let whole = header + length;
    Ok(bytes.get(header..whole).map(|payload| Frame { is_last, opcode, payload, length: whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![opcode];
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
    fn every_length_is_read_and_nothing_sooner_than_it_is_whole() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let bytes = of_server(0x81, &payload);
            for cut in [0, 1, 2, 3, 9, bytes.len() - 1].into_iter().filter(|cut| *cut < bytes.len()) {
                assert_eq!(first(&bytes[..cut]), Ok(None), "{length} bytes, cut at {cut}");
            }
            let more = [bytes.as_slice(), b"next"].concat();
            let frame = first(&more).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload, frame.length), (Opcode::Text, payload.as_slice(), bytes.len()));
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_told() {
        for (bytes, why) in [
            (vec![0xc1, 0], "a reserved bit"),
            (vec![0x83, 0], "a reserved opcode"),
            (vec![0x81, 0x80], "must not mask"),
            (vec![0x09, 0], "fragmented"),
            (vec![0x89, 126], "too long"),
            (of_server(0x82, &[])[..1].iter().copied().chain([127]).chain(u64::MAX.to_be_bytes()).collect(), "64 MiB"),
        ] {
            let error = first(&bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_masked_frame_is_the_one_of_the_rfc() {
        let mut out = Vec::new();
        push(&mut out, Opcode::Text, u32::from_ne_bytes([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let mut out = Vec::new();
            push(&mut out, Opcode::Text, 0, &vec![b'x'; length]);
            // Without its mask it is what a server would send.
            out[1] &= !MASKED;
            out.drain(out.len() - length - 4..out.len() - length);
            assert_eq!(out, of_server(0x81, &vec![b'x'; length]));
        }
    }

    #[test]
    fn masks_repeat_over_the_whole_payload() {
        for length in [7, 8, 9, 200, 70_000] {
            let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut out = Vec::new();
            push(&mut out, Opcode::Binary, 0xdead_beef, &payload);
            let start = out.len() - length;
            let mask: [u8; 4] = out[start - 4..start].try_into().unwrap();
            let plain: Vec<u8> = out[start..].iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            assert_eq!(plain, payload);
        }
    }
}
