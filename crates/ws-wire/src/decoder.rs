//! Frames to messages: fragments are joined, payloads unmasked, text is checked, and what the protocol or a limit forbids is
//! an error as soon as it shows.
//!
//! It moves no bytes and answers nothing.

use std::mem::take;

use bytes::buf::Limit;
use bytes::{BufMut, Bytes};
use bytestring::ByteString;
use ws_core::{CloseFrame, Message, RawFrame};

use crate::WireError;
use crate::frame::{Header, Key, Role, mask, turned};
use crate::input::ROOM;

/// The longest payload of a control frame.
const MAX_CONTROL: u64 = 125;

/// How much is unmasked before it is copied: a multiple of the key.
const BLOCK: usize = 1024;

/// What of a message has come so far.
#[derive(Debug)]
pub(crate) struct Decoder {
    role: Role,
    max_message_size: usize,
    /// The data frame whose payload is on its way.
    frame: Option<Frame>,
    /// The opcode of the message whose frames are on their way.
    message: Option<u8>,
    /// Its payload, unmasked. Never more than a multiple of what has come, whatever was announced.
    payload: Vec<u8>,
    /// How much of it is known to be UTF-8.
    valid: usize,
}

/// A data frame that does not come whole.
#[derive(Debug)]
struct Frame {
    is_final: bool,
    key: Option<Key>,
    left: usize,
}

impl Decoder {
    pub(crate) fn new(role: Role, max_message_size: usize) -> Self {
        Self { role, max_message_size, frame: None, message: None, payload: Vec::new(), valid: 0 }
    }

    /// The next message in `input`, if one ends there, and how many bytes need not be shown again.
    ///
    /// # Errors
    /// What the peer did wrong; the decoder is of no more use then.
    pub(crate) fn decode(&mut self, input: &mut [u8]) -> Result<(usize, Option<Message>), WireError> {
        let mut used = 0;
        loop {
            if self.frame.is_some() {
                used += self.take_part(&mut input[used..])?;
                return match self.finish()? {
                    Finished::Message(message) => Ok((used, Some(message))),
                    Finished::Frame => continue,
                    Finished::Nothing => Ok((used, None)),
                };
            }
            let Some((header, size)) = Header::parse(&input[used..]) else { return Ok((used, None)) };
            let length = self.check(&header)?;
            let payload = &mut input[used + size..];
            let is_whole = payload.len() >= length;
            if header.opcode() >= RawFrame::CLOSE {
                if !is_whole {
                    return Ok((used, None));
                }
                let message = control(header.opcode(), unmasked(&mut payload[..length], header.key))?;
                return Ok((used + size + length, Some(message)));
            }
            // What comes whole and alone, as most do, passes through no other place.
            if is_whole && header.is_final() && self.message.is_none() {
                let mut copy = Vec::with_capacity(length);
                append(&mut copy, &mut payload[..length], header.key);
                let payload = Bytes::from(copy);
                let message = if header.opcode() == RawFrame::TEXT {
                    Message::Text(payload.try_into().map_err(|_| not_utf8())?)
                } else {
                    Message::Binary(payload)
                };
                return Ok((used + size + length, Some(message)));
            }
            used += size;
            self.message.get_or_insert(header.opcode());
            self.frame = Some(Frame { is_final: header.is_final(), key: header.key, left: length });
        }
    }

    /// Whether what comes next is the header of a frame.
    #[inline]
    pub(crate) fn is_between_frames(&self) -> bool {
        self.frame.is_none()
    }

    /// The place to read into, where the rest of the payload is better read there than into a buffer: then call
    /// [`arrived`](Self::arrived).
    #[inline]
    pub(crate) fn room(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let left = self.frame.as_ref().map_or(0, |frame| frame.left);
        if left < ROOM {
            return None;
        }
        self.make_room(1);
        let room = left.min(self.payload.capacity() - self.payload.len());
        Some((&mut self.payload).limit(room))
    }

    /// Takes note of `count` bytes that were read into [`room`](Self::room).
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub(crate) fn arrived(&mut self, count: usize) -> Result<(), WireError> {
        let start = self.payload.len() - count;
        if let Some(Frame { key: Some(key), .. }) = self.frame {
            mask(&mut self.payload[start..], key);
        }
        self.passed(count)
    }

    /// Takes what of the frame's payload is there; returns how much that was.
    fn take_part(&mut self, input: &mut [u8]) -> Result<usize, WireError> {
        let Some(frame) = &self.frame else { return Ok(0) };
        let (key, count) = (frame.key, frame.left.min(input.len()));
        self.make_room(count);
        append(&mut self.payload, &mut input[..count], key);
        self.passed(count)?;
        Ok(count)
    }

    /// `count` bytes more of the frame's payload are in their place.
    fn passed(&mut self, count: usize) -> Result<(), WireError> {
        if let Some(frame) = &mut self.frame {
            frame.left -= count;
            frame.key = frame.key.map(|key| turned(key, count));
        }
        self.check_text()
    }

    /// Makes room for `count` bytes at least. Memory follows what has come: an announced length alone takes little.
    fn make_room(&mut self, count: usize) {
        let Some(frame) = &self.frame else { return };
        if self.payload.capacity() - self.payload.len() < count {
            let ahead = frame.left.min(self.payload.len().max(ROOM)).max(count);
            if frame.is_final {
                self.payload.reserve_exact(ahead);
            } else {
                self.payload.reserve(ahead);
            }
        }
    }

    /// Ends the frame, and the message, if nothing of them is left to come.
    fn finish(&mut self) -> Result<Finished, WireError> {
        match &self.frame {
            Some(frame) if frame.left > 0 => return Ok(Finished::Nothing),
            Some(frame) if !frame.is_final => {
                self.frame = None;
                return Ok(Finished::Frame);
            }
            _ => self.frame = None,
        }
        let is_text = self.message.take() == Some(RawFrame::TEXT);
        let valid = take(&mut self.valid);
        let payload = Bytes::from(take(&mut self.payload));
        if !is_text {
            return Ok(Finished::Message(Message::Binary(payload)));
        }
        if valid < payload.len() {
            return Err(not_utf8());
        }
        Ok(Finished::Message(Message::Text(checked_text(payload))))
    }

    /// Checks what of a text has come since the last time; a character may end in a later part.
    fn check_text(&mut self) -> Result<(), WireError> {
        if self.message != Some(RawFrame::TEXT) {
            return Ok(());
        }
        match std::str::from_utf8(&self.payload[self.valid..]) {
            Ok(text) => self.valid += text.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(not_utf8()),
        }
        Ok(())
    }

    /// Whether a frame with this header may come here; returns the length of its payload.
    fn check(&self, header: &Header) -> Result<usize, WireError> {
        let opcode = header.opcode();
        let length = header.length;
        if !matches!(opcode, RawFrame::CONTINUATION..=RawFrame::BINARY | RawFrame::CLOSE..=RawFrame::PONG) {
            return violation("an opcode that means nothing");
        }
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= self.max_message_size) else {
            return Err(self.too_big(length));
        };
        match (self.role, header.key) {
            (Role::Server, None) => return violation("a frame of a client that is not masked"),
            (Role::Client, Some(_)) => return violation("a frame of a server that is masked"),
            _ => {}
        }
        if header.rsv() != 0 {
            return violation("a reserved bit that is set");
        }
        if opcode >= RawFrame::CLOSE {
            return match header.is_final() {
                false => violation("a control frame in fragments"),
                true if header.length > MAX_CONTROL => violation("a control frame of more than 125 bytes"),
                true => Ok(length),
            };
        }
        match (opcode, self.message) {
            (RawFrame::CONTINUATION, None) => return violation("a fragment of no message"),
            (RawFrame::TEXT | RawFrame::BINARY, Some(_)) => {
                return violation("a message amid the fragments of another");
            }
            _ => {}
        }
        if length > self.max_message_size - self.payload.len() {
            return Err(self.too_big((self.payload.len() as u64).saturating_add(header.length)));
        }
        Ok(length)
    }

    fn too_big(&self, size: u64) -> WireError {
        WireError::TooBig(format!(
            "the message is too long: {size} bytes of {} that it may have",
            self.max_message_size
        ))
    }
}

/// How far a part of a payload has led.
enum Finished {
    Nothing,
    Frame,
    Message(Message),
}

fn violation<T>(what: &str) -> Result<T, WireError> {
    Err(WireError::Protocol(what.to_owned()))
}

fn not_utf8() -> WireError {
    WireError::Utf8("the text is not valid UTF-8".to_owned())
}

fn unmasked(payload: &mut [u8], key: Option<Key>) -> &[u8] {
    if let Some(key) = key {
        mask(payload, key);
    }
    payload
}

/// Unmasked and copied block by block: what is copied is still in the cache, and large copies are slow on some processors
/// unless source and destination lie alike.
fn append(copy: &mut Vec<u8>, payload: &mut [u8], key: Option<Key>) {
    for block in payload.chunks_mut(BLOCK) {
        copy.extend_from_slice(unmasked(block, key));
    }
}

fn control(opcode: u8, payload: &[u8]) -> Result<Message, WireError> {
    let data = Bytes::copy_from_slice(payload);
    match (opcode, payload) {
        (RawFrame::PING, _) => Ok(Message::Ping(data)),
        (RawFrame::PONG, _) => Ok(Message::Pong(data)),
        (_, []) => Ok(Message::Close(None)),
        (_, [_]) => violation("half a close code"),
        (_, [high, low, ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            let reason = data.slice(2..).try_into().map_err(|_| not_utf8())?;
            Ok(Message::Close(Some(CloseFrame { code, reason })))
        }
    }
}

#[expect(unsafe_code, reason = "its bytes were checked as they came; checking them twice would cost for nothing")]
fn checked_text(payload: Bytes) -> ByteString {
    // SAFETY: `finish` has seen that all of it is valid UTF-8.
    unsafe { ByteString::from_bytes_unchecked(payload) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_length_takes_no_memory_before_its_payload_comes() {
        let mut decoder = Decoder::new(Role::Client, usize::MAX);
        let mut header = *b"\x82\x7f\0\0\0\0\x40\0\0\0";
        assert_eq!(decoder.decode(&mut header).unwrap(), (10, None));
        for _ in 0..100 {
            let mut room = decoder.room().unwrap();
            let count = room.remaining_mut().min(10_000);
            room.put_bytes(0, count);
            decoder.arrived(count).unwrap();
            assert!(decoder.payload.capacity() <= ROOM.max(2 * decoder.payload.len()));
        }
    }

    #[test]
    fn a_large_message_holds_no_more_memory_than_it_has_bytes() {
        let length = 10 * ROOM + 3;
        let mut decoder = Decoder::new(Role::Client, length);
        let mut header = b"\x82\x7f\0\0\0\0".to_vec();
        header.extend_from_slice(&(length as u32).to_be_bytes());
        decoder.decode(&mut header).unwrap();
        let mut moved = 0;
        while let Some(mut room) = decoder.room() {
            let count = room.remaining_mut();
            room.put_bytes(7, count);
            decoder.arrived(count).unwrap();
            moved += 1;
        }
        // It grows by as much as it has, so that what has come is not moved again and again.
        assert!(moved <= 5, "{moved} times");
        let left = length - decoder.payload.len();
        decoder.take_part(&mut vec![7; left]).unwrap();
        assert_eq!(decoder.payload.capacity(), length);
        let (_, message) = decoder.decode(&mut []).unwrap();
        assert_eq!(message, Some(Message::binary(vec![7; length])));
        assert_eq!(decoder.payload.capacity(), 0);
    }

    #[test]
    fn text_that_is_wrong_is_an_error_before_its_frame_ends() {
        let mut decoder = Decoder::new(Role::Client, 100);
        assert!(matches!(decoder.decode(&mut b"\x81\x20ab\xed\xa0".to_vec()), Err(WireError::Utf8(_))));
    }
}
