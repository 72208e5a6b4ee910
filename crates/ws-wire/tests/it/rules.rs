//! What a peer may send and what not: RFC 6455, sections 5 and 7, case by case. What is wrong shows with the first byte from
//! which it can be told, however the stream is cut.

use bytestring::ByteString;
use ws_core::{CloseFrame, Message};

use crate::heard::{End, Heard, Stream};

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The most that a message may have here.
const LIMIT: usize = 200;

/// A header of a client, which announces `length`; its key is zero, so what follows stands as it is.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut header = match length {
        0..126 => vec![first, 0x80 | length as u8],
        126..65_536 => [&[first, 0x80 | 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, 0x80 | 127][..], &length.to_be_bytes()].concat(),
    };
    header.extend([0; 4]);
    header
}

fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    [header(first, payload.len() as u64), payload.to_vec()].concat()
}

/// What a server hears, be the bytes there at once or one by one.
fn heard(frames: &[Vec<u8>]) -> Heard {
    let bytes = frames.concat();
    let cuts = (0..bytes.len()).collect();
    let whole = Stream { bytes, cuts: Vec::new(), by_client: false, closing: false, max_message_size: LIMIT };
    let byte_by_byte = Stream { cuts, ..whole.clone() };
    let heard = whole.heard();
    assert_eq!(byte_by_byte.heard(), heard, "{whole:?}");
    heard
}

#[track_caller]
fn fails(frames: &[Vec<u8>], end: End) {
    let heard = heard(frames);
    assert_eq!((heard.end, heard.messages), (end, vec![]), "{frames:?}");
}

#[track_caller]
fn brings(frames: &[Vec<u8>], messages: &[Message]) {
    let heard = heard(frames);
    assert_eq!((heard.end, &*heard.messages), (End::Lost, messages), "{frames:?}");
}

#[test]
fn a_reserved_bit_stands_for_nothing() {
    for bit in [0x40, 0x20, 0x10] {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            fails(&[header(FIN | bit | opcode, 5)], End::Protocol);
        }
        fails(&[frame(TEXT, "a"), header(FIN | bit | CONTINUATION, 5)], End::Protocol);
    }
}

#[test]
fn an_opcode_that_is_not_assigned_stands_for_nothing() {
    for opcode in (3..8).chain(11..16) {
        fails(&[header(FIN | opcode, 0)], End::Protocol);
        fails(&[header(opcode, 0)], End::Protocol);
    }
}

#[test]
fn clients_mask_and_servers_do_not() {
    for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
        fails(&[vec![FIN | opcode, 5]], End::Protocol);
        let masked = Stream {
            bytes: header(FIN | opcode, 5),
            cuts: vec![],
            by_client: true,
            closing: false,
            max_message_size: 9,
        };
        assert_eq!(masked.heard().end, End::Protocol, "{opcode}");
    }
}

#[test]
fn a_control_frame_is_short_and_whole() {
    for opcode in [CLOSE, PING, PONG] {
        fails(&[header(opcode, 0)], End::Protocol);
        fails(&[header(FIN | opcode, 126)], End::Protocol);
    }
    let longest = [b'x'; 125];
    brings(&[frame(FIN | PING, longest)], &[Message::Ping(longest.to_vec().into())]);
    brings(&[frame(FIN | PONG, longest)], &[Message::Pong(longest.to_vec().into())]);
}

#[test]
fn fragments_belong_to_one_message_and_control_frames_may_stand_between_them() {
    fails(&[header(CONTINUATION, 5)], End::Protocol);
    fails(&[header(FIN | CONTINUATION, 0)], End::Protocol);
    for opcode in [TEXT, BINARY] {
        fails(&[frame(TEXT, "a"), header(FIN | opcode, 0)], End::Protocol);
        fails(&[frame(BINARY, "a"), frame(CONTINUATION, "b"), header(opcode, 0)], End::Protocol);
    }
    let ping = || frame(FIN | PING, "?");
    let pinged = || Message::Ping("?".into());
    brings(
        &[frame(TEXT, "a"), ping(), frame(CONTINUATION, ""), ping(), frame(FIN | CONTINUATION, "b"), ping()],
        &[pinged(), pinged(), Message::text("ab"), pinged()],
    );
    brings(&[frame(BINARY, ""), frame(FIN | CONTINUATION, "")], &[Message::binary("")]);
    let closed = heard(&[frame(TEXT, "a"), frame(FIN | CLOSE, [])]);
    assert_eq!((closed.messages, closed.end), (vec![Message::Close(None)], End::Closed));
}

/// Nobody waits for, or makes room for, what is not taken anyway.
#[test]
fn what_is_announced_beyond_the_limit_is_an_error_before_it_comes() {
    let full = vec![b'x'; LIMIT];
    brings(&[frame(FIN | BINARY, &full)], &[Message::binary(full.clone())]);
    for length in [LIMIT as u64 + 1, 65_535, 65_536, 1 << 32, 1 << 62, 1 << 63, u64::MAX] {
        for opcode in [TEXT, BINARY] {
            fails(&[header(FIN | opcode, length)], End::TooBig);
            fails(&[header(opcode, length)], End::TooBig);
        }
    }
    // All fragments together, however small each of them is.
    let (front, back) = full.split_at(LIMIT - 1);
    let ping = || frame(FIN | PING, [b'p'; 100]);
    brings(
        &[frame(BINARY, front), ping(), frame(FIN | CONTINUATION, back)],
        &[Message::Ping(vec![b'p'; 100].into()), Message::binary(full.clone())],
    );
    fails(&[frame(BINARY, front), header(CONTINUATION, 2)], End::TooBig);
    fails(&[frame(BINARY, front), frame(CONTINUATION, back), header(FIN | CONTINUATION, 1)], End::TooBig);
    fails(&[frame(BINARY, front), header(FIN | CONTINUATION, u64::MAX)], End::TooBig);
    // The next message may have as much again.
    brings(&[frame(FIN | BINARY, &full), frame(FIN | BINARY, &full)], &[(); 2].map(|()| Message::binary(full.clone())));
}

/// The protocol wants the shortest; to take the others harms nobody.
#[test]
fn a_length_may_be_written_in_more_bytes_than_it_takes() {
    for length in [&[0x80 | 126, 0, 2][..], &[0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 2]] {
        for (opcode, message) in [(TEXT, Message::text("ab")), (PING, Message::Ping("ab".into()))] {
            brings(&[vec![FIN | opcode], length.to_vec(), b"\0\0\0\0ab".to_vec()], &[message]);
        }
    }
}

#[test]
fn text_is_checked_over_its_fragments_and_as_soon_as_it_comes() {
    let text = "aé€😀";
    for cut in 0..text.len() {
        let (front, back) = text.as_bytes().split_at(cut);
        brings(&[frame(TEXT, front), frame(FIN | CONTINUATION, back)], &[Message::text(text)]);
        let is_whole = text.is_char_boundary(cut);
        let alone = heard(&[frame(FIN | TEXT, front)]);
        assert_eq!(alone.end, if is_whole { End::Lost } else { End::Utf8 }, "cut at {cut}");
        let fragments = heard(&[frame(TEXT, front), frame(FIN | CONTINUATION, "")]);
        assert_eq!(fragments.end, if is_whole { End::Lost } else { End::Utf8 }, "cut at {cut}");
        // Nothing of one message is left over for the next.
        brings(
            &[frame(FIN | BINARY, front), frame(FIN | TEXT, "b")],
            &[Message::binary(front.to_vec()), Message::text("b")],
        );
    }
    let wrong: [&[u8]; 6] = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x28"];
    for wrong in wrong {
        fails(&[frame(FIN | TEXT, wrong)], End::Utf8);
        // Neither the rest of the fragment nor of the message is waited for.
        fails(&[frame(TEXT, wrong)], End::Utf8);
        fails(&[header(TEXT, 100), wrong.to_vec()], End::Utf8);
        for cut in 1..wrong.len() {
            fails(&[frame(TEXT, &wrong[..cut]), header(CONTINUATION, 100), wrong[cut..].to_vec()], End::Utf8);
        }
        brings(&[frame(FIN | BINARY, wrong)], &[Message::binary(wrong.to_vec())]);
    }
}

#[test]
fn a_close_frame_has_a_code_that_may_be_sent_or_none() {
    fails(&[frame(FIN | CLOSE, [3])], End::Protocol);
    fails(&[frame(FIN | CLOSE, b"\x03\xe8\xff")], End::Utf8);
    let closed = heard(&[frame(FIN | CLOSE, [])]);
    assert_eq!((closed.end, &*closed.written), (End::Closed, &b"\x88\0"[..]));
    assert_eq!(closed.messages, [Message::Close(None)]);

    let closes = |code: u16, reason: &str| {
        // What comes behind it is not looked at.
        let heard = heard(&[frame(FIN | CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat()), vec![0xff; 9]]);
        assert_eq!(heard.end, End::Closed);
        let answered = u16::from_be_bytes([heard.written[2], heard.written[3]]);
        let reason = ByteString::try_from(heard.written[4..].to_vec()).unwrap();
        assert_eq!(heard.messages, [Message::Close(Some(CloseFrame { code: answered, reason: reason.clone() }))]);
        (answered, reason)
    };
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(closes(code, "bye"), (code, "bye".into()));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        assert_eq!(closes(code, "bye").0, 1002, "{code}");
    }
    assert_eq!(closes(1000, &"x".repeat(123)).1.len(), 123);
}

#[test]
fn what_ends_in_the_middle_is_lost() {
    for frames in
        [frame(FIN | TEXT, "abc"), frame(BINARY, "abc"), frame(FIN | PING, "abc"), frame(FIN | CLOSE, [3, 232])]
    {
        for cut in 0..frames.len() {
            fails(&[frames[..cut].to_vec()], End::Lost);
        }
    }
}

/// Each takes a step, and no step looks at what came before it: this would else take minutes.
#[test]
fn a_message_may_have_as_many_fragments_as_it_has_bytes() {
    let count = 300_000;
    let mut bytes = frame(TEXT, "");
    (0..count).for_each(|_| bytes.extend(frame(CONTINUATION, "x")));
    bytes.extend(frame(FIN | CONTINUATION, ""));
    let cuts = (0..bytes.len()).step_by(1000).collect();
    let stream = Stream { bytes, cuts, by_client: false, closing: false, max_message_size: count };
    assert_eq!(stream.heard().messages, [Message::text("x".repeat(count))]);
}
