//! From connections of a HAR file to the lines of a recording.

use std::borrow::Cow;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use ws_core::Message;

use super::HarSocket;
use super::sockets::Content;
use crate::recorder::line::{self, Place};

/// Where this server has its WebSockets.
const ROOT: &str = "/ws";

/// The longest payload of a ping or pong.
const MAX_PING_BYTES: usize = 125;

pub(super) fn of<'h>(sockets: impl Iterator<Item = &'h HarSocket>) -> String {
    let mut recording = line::HEADER.to_owned();
    for (socket, conn) in sockets.zip(1..) {
        session(socket, conn, &mut recording);
    }
    recording
}

fn session(socket: &HarSocket, conn: u64, recording: &mut String) {
    let first = socket.messages.iter().find_map(|message| message.time);
    let opened = socket.opened.map(|opened| opened.as_millisecond());
    // The clocks of both may differ; nothing was said before the handshake.
    let start = match (opened, first.map(whole)) {
        (Some(opened), Some(first)) => opened.min(first),
        (opened, first) => opened.or(first).unwrap_or_default(),
    };
    // What counts from another beginning than 1970 tells no time of day.
    let at = Timestamp::from_millisecond(start).ok().filter(|at| at.as_second() > 100_000_000);
    let mut ts = 0;
    let place = |ts| Place { ts, conn: Some(conn) };
    recording.push_str(&line::imported(place(ts), &path(&socket.url), at, &websocket_url(&socket.url)));
    for message in &socket.messages {
        if let Some(time) = message.time {
            ts = u64::try_from(whole(time).saturating_sub(start)).unwrap_or(0).max(ts);
        }
        let frame = match &message.content {
            Content::Text(text) => Message::Text(text.clone()),
            Content::Binary(data) => Message::Binary(data.clone()),
            Content::Ping(data) => Message::Ping(data.slice(..data.len().min(MAX_PING_BYTES))),
            Content::Pong(data) => Message::Pong(data.slice(..data.len().min(MAX_PING_BYTES))),
            Content::Close => Message::Close(None),
            Content::Missing(reason) => {
                recording.push_str(&line::truncated(Some(place(ts)), reason));
                continue;
            }
        };
        recording.push_str(&line::frame(place(ts), message.direction, &frame, &[]));
    }
}

/// Whole milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "a time out of range becomes the farthest one")]
fn whole(time: f64) -> i64 {
    time.round() as i64
}

/// Some tools write the URL of the handshake, which is HTTP; others find a connection by this.
fn websocket_url(url: &str) -> Cow<'_, str> {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Cow::Owned(format!("ws://{rest}")),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => Cow::Owned(format!("wss://{rest}")),
        _ => Cow::Borrowed(url),
    }
}

/// The path on which this server will have the connection.
fn path(url: &str) -> String {
    let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let before_query = behind_scheme.split(['?', '#']).next().unwrap_or_default();
    let path = before_query.find('/').map_or("", |start| &before_query[start..]);
    let path = percent_decode_str(path).decode_utf8_lossy();
    match path.strip_prefix(ROOT) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => path.into_owned(),
        _ if path == "/" => ROOT.to_owned(),
        _ => format!("{ROOT}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_websockets() {
        for (url, expected) in [
            ("http://h/a?b=http://c", "ws://h/a?b=http://c"),
            ("HTTPS://h", "wss://h"),
            ("wss://h/a", "wss://h/a"),
            ("/a", "/a"),
        ] {
            assert_eq!(websocket_url(url), expected);
        }
    }

    #[test]
    fn paths_are_below_ours() {
        for (url, expected) in [
            ("ws://localhost:8080/echo", "/ws/echo"),
            ("wss://h/ws", "/ws"),
            ("wss://h/ws/a?b=/c#d", "/ws/a"),
            ("http://h/wsx/a%20b", "/ws/wsx/a b"),
            ("ws://h", "/ws"),
            ("ws://h/", "/ws"),
            ("ws://h?x=/y", "/ws"),
            ("", "/ws"),
        ] {
            assert_eq!(path(url), expected, "{url}");
        }
    }
}
