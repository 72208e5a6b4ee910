//! The layout of Playwright's `recordHar`.

use serde_json::{Value, json};

use super::{Socket, first_opened, headers, milliseconds};

const PAGE: &str = "page@1";
const FRAME: &str = "frame@1";
/// Messages have milliseconds.
const UNIT: f64 = 1.0;

pub(super) fn har(sockets: &[Socket<'_>]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let title = sockets.first().map_or("", |socket| &socket.url);
    let first = sockets.iter().map(|socket| socket.opened).min().unwrap_or_default();
    let entry = |socket: &Socket<'_>| {
        let since_first = socket.opened.duration_since(first).as_secs_f64() * 1000.0;
        entry(socket, since_first)
    };
    json!({
        "log": {
            "version": "1.2",
            "creator": {"name": "mockforge", "version": version},
            "browser": {"name": "mockforge", "version": version},
            "pages": [{
                "startedDateTime": first_opened(sockets),
                "id": PAGE,
                "title": title,
                "pageTimings": {"onContentLoad": 0, "onLoad": 0},
            }],
            "entries": sockets.iter().map(entry).collect::<Value>(),
        }
    })
}

fn entry(socket: &Socket<'_>, since_first: f64) -> Value {
    json!({
        "pageref": PAGE,
        "startedDateTime": socket.started(),
        "time": milliseconds(socket.duration),
        "request": {
            "method": "GET",
            "url": socket.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(),
            "queryString": socket.query(),
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": 101,
            "statusText": "Switching Protocols",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(),
            "content": {"size": -1, "mimeType": "x-unknown"},
            "headersSize": -1,
            "bodySize": -1,
            "redirectURL": "",
            "_transferSize": -1,
        },
        "cache": {},
        "timings": {"send": -1, "wait": -1, "receive": -1},
        "_frameref": FRAME,
        "_monotonicTime": since_first,
        "_resourceType": "websocket",
        "_webSocketMessages": socket.messages(UNIT),
    })
}
