//! What goes over the wire, frame by frame, and how connections end: servers that read and write single bytes.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async;
use ws_load::{Failure, Pace, Payload};

use crate::server::{Server, run};

/// A frame of a client of less than 126 bytes.
#[derive(Debug)]
struct Frame {
    /// Its first byte: whether it is the last one of its message, and its opcode.
    first: u8,
    mask: [u8; 4],
    payload: Vec<u8>,
}

async fn read_frame(stream: &mut TcpStream) -> Option<Frame> {
    let (mut head, mut mask) = ([0; 2], [0; 4]);
    stream.read_exact(&mut head).await.ok()?;
    stream.read_exact(&mut mask).await.ok()?;
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    Some(Frame { first: head[0], mask, payload })
}

/// A server for one connection, and the frames that come: it greets, echoes so many messages and says the last words.
fn server(greeting: &'static [u8], echoes: usize, last_words: Option<&'static [u8]>) -> (Server, Receiver<Frame>) {
    let (sender, frames) = channel();
    let server = Server::serving(move |stream, _| {
        let sender = sender.clone();
        async move {
            let Ok(mut socket) = accept_async(stream).await else { return };
            let stream = socket.get_mut();
            let _ = stream.write_all(greeting).await;
            let mut echoed = 0;
            while let Some(frame) = read_frame(stream).await {
                if matches!(frame.first, 0x81 | 0x82) {
                    if echoed < echoes {
                        let head = [frame.first, frame.payload.len() as u8];
                        let _ = stream.write_all(&[&head, frame.payload.as_slice()].concat()).await;
                        echoed += 1;
                    } else if last_words == Some(&[]) {
                        return;
                    } else if let Some(last_words) = last_words {
                        let _ = stream.write_all(last_words).await;
                    }
                }
                let _ = sender.send(frame);
            }
        }
    });
    (server, frames)
}

#[test]
fn each_end_has_its_kind_and_its_code() {
    for (last_words, failure, code, answer) in [
        (&[0x88, 2, 0x03, 0xf4][..], Failure::Closed(1012), 1012, Some(1012)),
        (&[0x88, 0], Failure::Closed(1005), 1005, Some(1000)),
        (&[0x81, 0x80, 0, 0, 0, 0], Failure::Protocol, 1006, None),
        (&[], Failure::Broken, 1006, None),
    ] {
        let (server, frames) = server(&[], 0, Some(last_words));
        let mut plan = server.plan(1);
        (plan.messages, plan.duration) = (Some(1), None);
        let report = run(plan);
        assert_eq!(report.failures().collect::<Vec<_>>(), [(&failure, 1)], "{report}");
        assert_eq!(report.close_codes().iter().collect::<Vec<_>>(), [(&code, &1)], "{report}");
        assert_eq!((report.sent(), report.lost()), (1, 1), "{report}");
        drop(server);
        let closes: Vec<_> = frames.iter().filter(|frame| frame.first == 0x88).map(|frame| frame.payload).collect();
        assert_eq!(closes, Vec::from_iter(answer.map(|code: u16| code.to_be_bytes().to_vec())), "{report}");
    }
}

#[test]
fn a_close_that_is_not_answered_is_an_error() {
    let (server, frames) = server(&[], 1, None);
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(1), None);
    let report = run(plan);
    assert_eq!(report.failures().collect::<Vec<_>>(), [(&Failure::CloseTimeout, 1)], "{report}");
    assert_eq!(report.close_codes().iter().collect::<Vec<_>>(), [(&1006, &1)], "{report}");
    assert_eq!((report.round_trips(), report.lost()), (1, 0), "{report}");
    drop(server);
    assert_eq!(frames.iter().last().map(|frame| (frame.first, frame.payload)), Some((0x88, vec![0x03, 0xe8])));
}

#[test]
fn a_ping_is_answered_with_what_it_said() {
    let (server, frames) = server(&[0x89, 3, b'a', b'b', b'c'], 1, None);
    let mut plan = server.plan(1);
    (plan.messages, plan.duration) = (Some(1), None);
    let report = run(plan);
    assert_eq!((report.received(), report.unexpected()), (1, 0), "{report}");
    drop(server);
    let pongs: Vec<_> = frames.iter().filter(|frame| frame.first == 0x8a).map(|frame| frame.payload).collect();
    assert_eq!(pongs, [b"abc"]);
}

#[test]
fn messages_are_of_their_kind_and_each_has_a_mask_of_its_own() {
    for (payload, first) in [(Payload::sized(40), 0x81), (Payload::sized(40).binary(), 0x82)] {
        let (server, frames) = server(&[], 8, None);
        let mut plan = server.plan(1);
        plan.payload = payload;
        plan.pace = Pace::Closed { in_flight: 4, think: Duration::ZERO };
        (plan.messages, plan.duration) = (Some(8), None);
        let report = run(plan);
        assert_eq!((report.round_trips(), report.lost()), (8, 0), "{report}");
        drop(server);
        let frames: Vec<_> = frames.iter().collect();
        assert_eq!(
            frames.iter().map(|frame| frame.first).collect::<Vec<_>>(),
            [[first; 8].as_slice(), &[0x88]].concat()
        );
        assert!(frames[..8].iter().all(|frame| frame.payload.len() == 40), "{frames:?}");
        assert_eq!(frames.iter().map(|frame| frame.mask).collect::<BTreeSet<_>>().len(), 9, "{frames:?}");
    }
}
