//! What is asked badly, too large, or too slowly.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::Api;
use crate::raw_client::RawClient;

/// Whatever is no operation is a problem that says so.
#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let (api, _server) = Api::of_echo().await;
    for path in
        ["/nothing", "/connections/", "/connections/x/nothing", "//connections", "/rooms/../connections", "/%2e"]
    {
        api.ask("GET", path, None).await.problem(404);
    }
    for (method, path, allowed) in [
        ("POST", "/connections", "GET, HEAD"),
        ("PUT", "/reload", "GET, POST, HEAD"),
        ("OPTIONS", "/reload", "GET, POST, HEAD"),
        ("TRACE", "/reload", "GET, POST, HEAD"),
        ("GET", "/connections/send", "POST"),
        ("BREW", "/messages/find", "POST"),
    ] {
        let answer = api.ask(method, path, None).await;
        assert_eq!(answer.response.headers["allow"], allowed, "{method} {path}");
        answer.problem(405);
    }
}

/// What cannot be read is refused, and it is said where.
#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let (api, _server) = Api::of_echo().await;
    for (query, expected) in [
        ("limit=0", "limit: invalid value: integer `0`, expected a whole number from 1 to 10000"),
        ("limit=x", "limit: expected a whole number"),
        ("limit=1&limit=2", "limit: said more than once"),
        ("tset=a", "tset: not known here; known are path, limit"),
        ("test=a%20b", "is no id of a test"),
        ("test=a&mockforge-test=b", "more than one test"),
    ] {
        let detail = api.ask("GET", &format!("/connections?{query}"), None).await.problem(400);
        assert!(detail.contains(expected), "{query}: {detail}");
    }
    let detail = api.ask("GET", "/connections?path=ws", None).await.problem(422);
    assert!(detail.contains("a path begins with `/`"), "{detail}");
    for (body, expected) in [
        ("", "a body is wanted here"),
        ("{", "EOF while parsing"),
        ("{\"message\":{\"txt\":\"x\"}}", "`txt` is not known here: give exactly one of `text`, `json`, `base64`"),
        ("{\"message\":{\"text\":\"a\",\"json\":1}}", "give exactly one of `text`, `json`, `base64`"),
        ("{\"message\":{}}", "give exactly one of `text`, `json`, `base64`"),
        ("{\"filter\":{\"paths\":\"/\"},\"message\":{\"text\":\"x\"}}", "unknown field `paths`"),
        ("{\"filter\":{}}", "missing field `message`"),
        ("[]", "invalid"),
    ] {
        let answer = api.ask_with("POST", "/connections/send", "Content-Type: application/json\r\n", body).await;
        let status = if body.len() > 1 { 422 } else { 400 };
        let detail = answer.problem(status);
        assert!(detail.contains(expected), "{body}: {detail}");
    }
    // The place is said once, and what was probably meant with it.
    let answer = api.ask("POST", "/messages/wait", Some(json!({ "filter": { "patern": "x" } }))).await;
    let mistake = &answer.json()["errors"][0];
    let detail = mistake["detail"].as_str().unwrap();
    assert!(detail.starts_with("unknown field `patern`, expected one of `connection`"), "{detail}");
    assert!(detail.ends_with("; did you mean `pattern`?") && !detail.contains("line"), "{detail}");
    assert_eq!((&mistake["line"], &mistake["column"]), (&json!(1), &json!(19)));
    for (body, hint) in [
        (json!({ "filter": { "kind": ["mesage"] } }), "; did you mean `message`?"),
        (json!({ "timeout": 5 }), "; did you mean `timeout_ms`?"),
        (json!({ "elephant": 5 }), "expected `filter` or `timeout_ms`"),
    ] {
        let detail = api.ask("POST", "/messages/wait", Some(body)).await.problem(422);
        assert!(detail.trim_end_matches('"').ends_with(hint), "{detail}");
    }
    // What is about the whole server says so.
    let detail = api.ask("GET", "/config?test=a", None).await.problem(400);
    assert!(detail.contains("`test`: this call is about the whole server"), "{detail}");
    let body = json!({ "filter": {}, "message": { "base64": "###" } });
    let detail = api.ask("POST", "/connections/send", Some(body)).await.problem(422);
    assert!(detail.contains("`base64` is no base64"), "{detail}");
}

/// A body says what it is; where there is none, nobody has to.
#[tokio::test]
async fn a_body_says_what_it_is() {
    let (api, _server) = Api::of_echo().await;
    for content_type in ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"] {
        let detail = api.ask_with("POST", "/messages/count", content_type, "{}").await.problem(415);
        assert!(detail.contains("application/json") && detail.contains("curl --json"), "{detail}");
    }
    let content_type = "Content-Type: Application/JSON; charset=utf-8\r\n";
    api.ask_with("POST", "/messages/count", content_type, "{}").await.done();
    api.ask_with("POST", "/reload", "Content-Length: 0\r\n", "").await.done();
}

/// What is too large is refused before it is read.
#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let (api, server) = Api::of_echo().await;
    let headers = "Content-Type: application/json\r\nContent-Length: 1048577\r\n";
    api.ask_with("POST", "/messages/find", headers, "").await.problem(413);
    // One that does not say how large it is.
    let mut client = RawClient::connect(server.address()).await;
    let head = format!(
        "POST /__admin/messages/find HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.address()
    );
    client.send_bytes(head.as_bytes()).await;
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
    for _ in 0..17 {
        client.send_bytes(chunk.as_bytes()).await;
    }
    assert_eq!(client.response().await.status, 413);
}

/// A body that does not come keeps nobody for ever. Real time would be half a minute: the shutdown is looked at instead.
#[tokio::test]
async fn a_body_that_does_not_come_does_not_keep_the_server() {
    let (_api, server) = Api::of_echo().await;
    let mut client = RawClient::connect(server.address()).await;
    let head = format!(
        "POST /__admin/messages/find HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{{",
        server.address()
    );
    client.send_bytes(head.as_bytes()).await;
    timeout(Duration::from_secs(10), server.shutdown(Duration::from_millis(100))).await.expect("the server ends");
}
