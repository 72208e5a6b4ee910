//! The layout of Chrome's developer tools.

use serde_json::{Value, json};

use super::{Socket, first_opened, headers, milliseconds};

const PAGE: &str = "page_1";
/// Milliseconds in a second: messages have those.
const UNIT: f64 = 1000.0;

pub(super) fn har(sockets: &[Socket<'_>]) -> Value {
    let title = sockets.first().map_or("", |socket| &socket.url);
    json!({
        "log": {
            "version": "1.2",
            "creator": {"name": "mockforge", "version": env!("CARGO_PKG_VERSION")},
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

fn entry(socket: &Socket<'_>) -> Value {
    let duration = milliseconds(socket.duration);
    json!({
        "_initiator": {"type": "script", "stack": {"callFrames": []}},
        "_priority": null,
        "_resourceType": "websocket",
        "cache": {},
        "request": {
            "method": "GET",
            "url": socket.url,
            "httpVersion": "HTTP/1.1",
            "headers": headers(),
            "queryString": socket.query(),
            "cookies": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 101,
            "statusText": "Switching Protocols",
            "httpVersion": "HTTP/1.1",
            "headers": headers(),
            "cookies": [],
            "content": {"size": 0, "mimeType": "x-unknown", "compression": 0},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": 0,
            "_transferSize": 0,
            "_error": null,
            "_fetchedViaServiceWorker": false,
        },
        "serverIPAddress": "",
        "startedDateTime": socket.started(),
        "time": duration,
        "timings": {
            "blocked": -1,
            "dns": -1,
            "ssl": -1,
            "connect": -1,
            "send": 0,
            "wait": 0,
            "receive": duration,
            "_blocked_queueing": -1,
        },
        "pageref": PAGE,
        "_webSocketMessages": socket.messages(UNIT),
    })
}
