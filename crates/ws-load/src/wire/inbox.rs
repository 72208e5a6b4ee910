//! What has been read and is no whole message yet. No IO.

use super::frame::{self, LARGEST, Opcode};

/// Something whole that a server has sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard<'b> {
    Text(&'b [u8]),
    Binary(&'b [u8]),
    Ping(&'b [u8]),
    Pong,
    /// With its code, if it has one, and what is said beside that.
    Close(Option<u16>, &'b [u8]),
}

/// How a server has broken the protocol.
pub(super) type Protocol = String;

/// Bytes of frames that are not whole, and fragments of a message that is not.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    fragments: Option<(Opcode, Vec<u8>)>,
}

impl Inbox {
    /// Takes what was read and tells `hear` of all that is whole now.
    ///
    /// # Errors
    /// If it breaks the protocol.
    pub(crate) fn take(&mut self, read: &[u8], mut hear: impl FnMut(Heard<'_>)) -> Result<(), Protocol> {
        let fragments = &mut self.fragments;
        let mut hear_all = |bytes: &[u8]| {
            let mut done = 0;
            while let Some(frame) = frame::first(&bytes[done..]).map_err(|error| error.to_string())? {
                hear_frame(&frame, fragments, &mut hear)?;
                done += frame.length;
            }
            Ok::<_, Protocol>(done)
        };
        if self.bytes.is_empty() {
            // The usual case: nothing is copied.
            let done = hear_all(read)?;
            self.bytes.extend_from_slice(&read[done..]);
        } else {
            self.bytes.extend_from_slice(read);
            let done = hear_all(&self.bytes)?;
            self.bytes.drain(..done);
        }
        if self.bytes.is_empty() && self.bytes.capacity() > 0 {
            // Ten thousand connections hold no buffers while they are idle.
            self.bytes = Vec::new();
        }
        Ok(())
    }
}

fn hear_frame(
    frame: &frame::Frame<'_>,
    fragments: &mut Option<(Opcode, Vec<u8>)>,
    hear: &mut impl FnMut(Heard<'_>),
) -> Result<(), Protocol> {
    match (frame.opcode, &mut *fragments) {
        (Opcode::Ping, _) => hear(Heard::Ping(frame.payload)),
        (Opcode::Pong, _) => hear(Heard::Pong),
        (Opcode::Close, _) => {
            hear(Heard::Close(close_code(frame.payload)?, frame.payload.get(2..).unwrap_or_default()));
        }
        (Opcode::Continuation, None) => return Err("a continuation of nothing".to_owned()),
        (Opcode::Continuation, Some((_, message))) => {
            if message.len() + frame.payload.len() > LARGEST {
                return Err("a message of more than 64 MiB".to_owned());
            }
            message.extend_from_slice(frame.payload);
            if frame.is_last
                && let Some((opcode, message)) = fragments.take()
            {
                hear_message(opcode, &message, hear)?;
            }
        }
        (_, Some(_)) => return Err("a new message within a fragmented one".to_owned()),
        (opcode, None) if frame.is_last => hear_message(opcode, frame.payload, hear)?,
        (opcode, None) => *fragments = Some((opcode, frame.payload.to_vec())),
    }
    Ok(())
}

fn hear_message(opcode: Opcode, payload: &[u8], hear: &mut impl FnMut(Heard<'_>)) -> Result<(), Protocol> {
    if opcode != Opcode::Text {
        hear(Heard::Binary(payload));
    } else if std::str::from_utf8(payload).is_ok() {
        hear(Heard::Text(payload));
    } else {
        return Err("text that is not UTF-8".to_owned());
    }
    Ok(())
}

fn close_code(payload: &[u8]) -> Result<Option<u16>, Protocol> {
    match payload {
        [] => Ok(None),
        [_] => Err("a Close frame with half a code".to_owned()),
        [a, b, ..] => match u16::from_be_bytes([*a, *b]) {
            code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(Some(code)),
            code => Err(format!("a Close frame with the code {code}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(inbox: &mut Inbox, bytes: &[u8]) -> Result<Vec<String>, Protocol> {
        let mut all = Vec::new();
        inbox.take(bytes, |heard| all.push(format!("{heard:?}")))?;
        Ok(all)
    }

    fn text(text: &str) -> String {
        format!("{:?}", Heard::Text(text.as_bytes()))
    }

    #[test]
    fn messages_are_whole_however_they_are_cut() {
        // "hi" in two fragments with a ping between them, then "!".
        let bytes = [&[0x01, 1, b'h'][..], &[0x89, 0], &[0x80, 1, b'i'], &[0x81, 1, b'!']].concat();
        let expected = [format!("{:?}", Heard::Ping(&[])), text("hi"), text("!")];
        for cut in 0..bytes.len() {
            let mut inbox = Inbox::default();
            let mut all = heard(&mut inbox, &bytes[..cut]).unwrap();
            all.extend(heard(&mut inbox, &bytes[cut..]).unwrap());
            assert_eq!(all, expected, "cut at {cut}");
            assert_eq!(inbox.bytes.capacity(), 0, "nothing is held when nothing is open");
        }
    }

    #[test]
    fn what_breaks_the_protocol_is_told() {
        for (bytes, why) in [
            (&[0x80, 0][..], "a continuation of nothing"),
            (&[0x01, 0, 0x81, 0], "within a fragmented one"),
            (&[0x81, 1, 0xff], "not UTF-8"),
            (&[0x88, 1, 3], "half a code"),
            (&[0x88, 2, 0x03, 0xee], "1006"),
        ] {
            let error = heard(&mut Inbox::default(), bytes).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn codes_that_nobody_may_send_are_told() {
        let heard = |code: u16| heard(&mut Inbox::default(), &[&[0x88, 2], &code.to_be_bytes()[..]].concat()).is_ok();
        let allowed: Vec<_> = (0..=u16::MAX).filter(|code| heard(*code)).collect();
        let expected: Vec<_> = (1000..=1003).chain(1007..=1014).chain(3000..=4999).collect();
        assert_eq!(allowed, expected);
    }

    #[test]
    fn fragments_of_too_much_are_told() {
        let mut inbox = Inbox::default();
        let half = |opcode| {
            let length = (LARGEST as u64 / 2).to_be_bytes();
            [&[opcode, 127], &length[..], &vec![b'x'; LARGEST / 2]].concat()
        };
        assert!(heard(&mut inbox, &half(0x02)).unwrap().is_empty());
        assert!(heard(&mut inbox, &half(0x00)).unwrap().is_empty());
        let error = heard(&mut inbox, &[0x80, 1, b'x']).unwrap_err();
        assert_eq!(error, "a message of more than 64 MiB");
    }

    #[test]
    fn close_has_its_code() {
        let close = |bytes: &[u8]| heard(&mut Inbox::default(), bytes).unwrap();
        assert_eq!(close(&[0x88, 2, 0x03, 0xf3]), ["Close(Some(1011), [])"]);
        assert_eq!(close(&[0x88, 0]), ["Close(None, [])"]);
        assert_eq!(close(&[0x88, 3, 0x03, 0xf3, b'!']), ["Close(Some(1011), [33])"]);
    }
}
