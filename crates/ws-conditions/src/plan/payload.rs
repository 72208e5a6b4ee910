//! Breaking one text or binary message. What only looks at it shares its payload; what changes it copies it once.

use bytes::Bytes;
use bytestring::ByteString;
use rand::{Rng, RngExt};
use ws_core::{Message, RawFrame};

use crate::{Act, ConnectionFault};

/// A byte that is nowhere part of UTF-8.
const NEVER_UTF8: u8 = 0xff;
/// A reserved bit that no registered extension uses.
const RSV2: u8 = 0b010;
/// A reserved opcode of data frames.
const RESERVED_OPCODE: u8 = 0x3;

pub(super) fn truncate(message: &Message, bytes: usize) -> Act {
    if message.len() <= bytes {
        return Act::Pass;
    }
    match message {
        Message::Text(text) => {
            let left = &text[..text.floor_char_boundary(bytes)];
            Act::Replace(Message::Text(text.slice_ref(left)))
        }
        Message::Binary(data) => Act::Replace(Message::Binary(data.slice(..bytes))),
        _ => Act::Pass,
    }
}

pub(super) fn corrupt<R: Rng>(message: &Message, rng: &mut R) -> Act {
    // About as often as a bad memory cell would; in a short message, once.
    const ONE_IN: usize = 1024;
    match message {
        Message::Text(text) => {
            let mut bytes = text.as_bytes().to_vec();
            let mut last = None;
            for begin in (0..bytes.len()).step_by(ONE_IN) {
                let place = rng.random_range(begin..bytes.len().min(begin + ONE_IN));
                let end_of_character = text.ceil_char_boundary(place + 1) - 1;
                // Another bit pattern of the same kind: one of ASCII, or of a continuation byte that ends a character.
                let most = if bytes[end_of_character].is_ascii() { 0x7f } else { 0x3f };
                let flipped = rng.random_range(1..=most);
                // A character that lies across two chunks must not be flipped back.
                if last.replace(end_of_character) != Some(end_of_character) {
                    bytes[end_of_character] ^= flipped;
                }
            }
            ByteString::try_from(Bytes::from(bytes)).map_or(Act::Pass, |text| changed(message, Message::Text(text)))
        }
        Message::Binary(data) => {
            let mut bytes = data.to_vec();
            for chunk in bytes.chunks_mut(ONE_IN) {
                let place = rng.random_range(0..chunk.len());
                chunk[place] ^= rng.random_range(1..=0xff);
            }
            changed(message, Message::Binary(bytes.into()))
        }
        _ => Act::Pass,
    }
}

fn changed(before: &Message, after: Message) -> Act {
    if before.is_empty() { Act::Pass } else { Act::Replace(after) }
}

pub(super) fn fragment(message: &Message, parts: usize) -> Act {
    let Some(whole) = frame(message) else { return Act::Pass };
    let (payload, parts) = (whole.payload, parts.max(1));
    // Without overflow: as even as whole bytes allow.
    let border = |part: usize| payload.len() / parts * part + (payload.len() % parts).min(part);
    let frames = (0..parts).map(|part| {
        let opcode = if part == 0 { whole.opcode } else { RawFrame::CONTINUATION };
        let mut frame = RawFrame::new(opcode, payload.slice(border(part)..border(part + 1)));
        frame.fin = part + 1 == parts;
        frame
    });
    Act::Frames(frames.collect())
}

pub(super) fn bad_utf8<R: Rng>(message: &Message, rng: &mut R) -> Act {
    let Message::Text(text) = message else { return Act::Pass };
    let mut bytes = text.as_bytes().to_vec();
    if bytes.is_empty() {
        bytes.push(NEVER_UTF8);
    } else {
        let place = rng.random_range(0..bytes.len());
        bytes[place] = NEVER_UTF8;
    }
    Act::Frames(vec![RawFrame::new(RawFrame::TEXT, bytes)])
}

pub(super) fn oversized(message: &Message, announced: u64) -> Act {
    let Some(mut frame) = frame(message) else { return Act::Pass };
    frame.announced = Some(announced.max(frame.payload.len() as u64 + 1));
    Act::End(ConnectionFault::Unfinished(frame))
}

pub(super) fn bad_rsv(message: &Message) -> Act {
    with_frame(message, |frame| frame.rsv = RSV2)
}

pub(super) fn bad_opcode(message: &Message) -> Act {
    with_frame(message, |frame| frame.opcode = RESERVED_OPCODE)
}

fn with_frame(message: &Message, change: impl FnOnce(&mut RawFrame)) -> Act {
    let Some(mut frame) = frame(message) else { return Act::Pass };
    change(&mut frame);
    Act::Frames(vec![frame])
}

/// The frame of a text or binary message, as it should be.
fn frame(message: &Message) -> Option<RawFrame> {
    match message {
        Message::Text(text) => Some(RawFrame::new(RawFrame::TEXT, text.as_bytes().clone())),
        Message::Binary(data) => Some(RawFrame::new(RawFrame::BINARY, data.clone())),
        _ => None,
    }
}
