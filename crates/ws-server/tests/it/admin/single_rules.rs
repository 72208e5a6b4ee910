//! Rules that are added, replaced and taken away one by one.

use serde_json::json;
use ws_testing::TestClient;

use super::Api;
use super::asking::Answer;

const YAML: &str = "Content-Type: application/yaml\r\n";

async fn send(api: &Api, method: &str, path: &str, text: &str) -> Answer {
    api.ask_with(method, path, YAML, text).await
}

async fn ids(api: &Api) -> Vec<String> {
    let listed = api.get("/rules").await;
    listed["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
}

async fn answer(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

#[tokio::test]
async fn rules_are_added_replaced_and_taken_away() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    let added = send(&api, "POST", "/rules", "{ name: hello, match: ^hello, response: hi }").await.done();
    assert_eq!(added["ids"], json!(["hello"]));
    assert_eq!((&added["applied"]["entries"], &added["applied"]["open_connections"]), (&json!(1), &json!(1)));
    assert_eq!(answer(&mut client, "hello").await, "hi");

    let rule = api.get("/rules/hello").await;
    let written = json!({ "name": "hello", "match": "^hello", "response": "hi" });
    assert_eq!(rule, json!({ "id": "hello", "matched_by": "added rule hello", "rule": written }));
    let taken = api.get("/messages?handled=matched").await;
    assert_eq!(taken["events"][0]["matched_by"], rule["matched_by"]);

    // JSON, behind what is there and in front of it.
    let json = "Content-Type: application/json\r\n";
    let behind = api.ask_with("POST", "/rules", json, r#"{"match":"^hello you$","response":"never"}"#).await.done();
    assert!(behind["applied"]["warnings"].as_array().unwrap().is_empty(), "{behind}");
    assert_eq!(answer(&mut client, "hello you").await, "hi");
    let front = r#"{"rules":[{"match":"^hello you$","response":"you first"}]}"#;
    let front = api.ask_with("POST", "/rules?first=true", json, front).await.done();
    let (front, behind) = (front["ids"][0].as_str().unwrap(), behind["ids"][0].as_str().unwrap());
    assert_eq!(ids(&api).await, [front, "hello", behind]);
    assert_eq!(answer(&mut client, "hello you").await, "you first");

    let replaced = send(&api, "PUT", "/rules/hello", "{ match: ^hello, response: good day }").await.done();
    assert_eq!(replaced["ids"], json!(["hello"]));
    assert_eq!(answer(&mut client, "hello").await, "good day");
    for id in [front, behind, "hello"] {
        api.ask("DELETE", &format!("/rules/{id}"), None).await.done();
    }
    assert_eq!(api.get("/rules").await, json!({ "uploaded": null, "rules": [], "files": [] }));
    assert_eq!(answer(&mut client, "hello").await, "echo: hello");
}

/// Whatever comes and goes, the other rules remember all on connections that are open.
#[tokio::test]
async fn the_others_remember_all() {
    let (api, server) = Api::of_echo().await;
    let rules = "state: { n: 0 }\n\
                 machines: { door: { initial: shut, states: { shut: { on: { match: ^open$, to: open, response: opened } }, open: } } }\n\
                 rules:\n\
                 - { match: ^turn$, responses: [a, b, c, d], choose: sequence }\n\
                 - { name: count, match: ^count$, set: { n: '{{state.n + 1}}'}, response: '{{state.n}}' }\n\
                 - { match: ^door$, response: '{{machine.door}}' }";
    send(&api, "PUT", "/rules", rules).await.done();
    let mut client = server.connect("/ws").await.unwrap();
    for (text, expected) in [("turn", "a"), ("count", "1"), ("open", "opened")] {
        assert_eq!(answer(&mut client, text).await, expected);
    }
    send(&api, "POST", "/rules?first=true", "{ match: ^new$, response: new }").await.done();
    for (text, expected) in [("turn", "b"), ("new", "new"), ("count", "2"), ("door", "open")] {
        assert_eq!(answer(&mut client, text).await, expected);
    }
    api.ask("DELETE", "/rules/count", None).await.done();
    // Nobody answers this any more.
    client.send_text("count").await.unwrap();
    for (text, expected) in [("turn", "c"), ("door", "open")] {
        assert_eq!(answer(&mut client, text).await, expected);
    }
    // Set by one that is gone, and read by one that is new.
    send(&api, "PUT", "/rules/rule-1", "{ match: ^turn$, response: 'counted {{state.n}}' }").await.done();
    assert_eq!(answer(&mut client, "turn").await, "counted 2");
    assert_eq!(api.get("/rules").await["uploaded"]["text"], rules);
}

#[tokio::test]
async fn each_test_has_rules_of_its_own() {
    let (api, server) = Api::of_echo().await;
    for id in ["a", "b"] {
        let text = format!("{{ name: ping, match: ^ping$, response: pong of {id} }}");
        send(&api, "POST", &format!("/rules?test={id}"), &text).await.done();
    }
    api.ask("DELETE", "/rules/ping?test=b", None).await.done();
    for (path, expected) in
        [("/ws?mockforge-test=a", "pong of a"), ("/ws?mockforge-test=b", "echo: ping"), ("/ws", "echo: ping")]
    {
        assert_eq!(answer(&mut server.connect(path).await.unwrap(), "ping").await, expected);
    }
    assert_eq!(api.get("/rules").await["rules"], json!([]));
    api.ask("GET", "/rules/ping", None).await.problem(404);
    api.ask("DELETE", "/rules/ping?test=unknown", None).await.problem(404);
    send(&api, "PUT", "/rules/ping?test=unknown", "{ response: x }").await.problem(404);
    assert_eq!(api.get("/tests").await["tests"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn mistakes_change_nothing_and_have_their_places() {
    let (api, server) = Api::of_echo().await;
    send(&api, "PUT", "/rules", "rules: [{ name: ping, match: ^ping$, response: pong }]").await.done();
    let text =
        "rules:\n  - match: (\n    response: x\n  - name: ping\n    response: y\n  - mtach: x\n    response: z\n";
    let refused = send(&api, "POST", "/rules", text).await;
    let problem = refused.json();
    let lines: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 4, 6], "{problem}");
    refused.problem(422);
    let refused = send(&api, "POST", "/rules", "state: { x: 1 }\nrules: [{ response: x }]").await.problem(422);
    assert!(refused.contains("`state` belongs to all rules together"), "{refused}");
    let refused = send(&api, "PUT", "/rules/ping", "{ name: pong, response: x }").await.problem(422);
    assert!(refused.contains("expected no name, or `ping`"), "{refused}");
    send(&api, "PUT", "/rules/ping", "rules: [{ match: a, response: x }, { match: b, response: y }]")
        .await
        .problem(422);
    send(&api, "POST", "/rules?first=maybe", "{ response: x }").await.problem(400);
    api.ask_with("POST", "/rules", "Content-Type: application/xml\r\n", "<rule/>").await.problem(415);
    send(&api, "POST", "/rules", "").await.problem(400);
    assert_eq!(ids(&api).await, ["ping"]);
    assert_eq!(answer(&mut server.connect("/ws").await.unwrap(), "ping").await, "pong");
    // It is followed, and never asked.
    send(&api, "POST", "/rules?first=true", "{ name: all, response: everything }").await.done();
    let doubtful = send(&api, "POST", "/rules", "{ match: x, response: y }").await.done();
    assert!(
        doubtful["applied"]["warnings"][0].as_str().unwrap().contains("the rule `all` is asked before"),
        "{doubtful}"
    );
}

/// A name may be any text.
#[tokio::test]
async fn ids_in_paths_are_decoded() {
    let (api, _server) = Api::of_echo().await;
    send(&api, "POST", "/rules", "{ name: 'größe/1 ?', match: x, response: y }").await.done();
    let path = "/rules/gr%C3%B6%C3%9Fe%2F1%20%3F";
    assert_eq!(api.get(path).await["rule"]["response"], "y");
    api.ask("DELETE", path, None).await.done();
    api.ask("GET", path, None).await.problem(404);
    api.ask("GET", "/rules/%FF", None).await.problem(404);
}

/// Those who add at the same time lose nothing of each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rules_are_added_by_many_at_once() {
    let (api, _server) = Api::of_echo().await;
    let api = std::sync::Arc::new(api);
    let adding: Vec<_> = (0..12)
        .map(|n| {
            let api = std::sync::Arc::clone(&api);
            tokio::spawn(async move {
                loop {
                    let text = format!("{{ name: rule {n}, match: ^{n}$, response: x }}");
                    let answer = send(&api, "POST", "/rules", &text).await;
                    // Too many at once is said, and nothing has changed.
                    if answer.status() != 503 {
                        break answer.done();
                    }
                }
            })
        })
        .collect();
    for added in adding {
        assert_eq!(added.await.unwrap()["ids"].as_array().map(Vec::len), Some(1));
    }
    let mut all = ids(&api).await;
    all.sort_unstable();
    let mut expected: Vec<_> = (0..12).map(|n| format!("rule {n}")).collect();
    expected.sort_unstable();
    assert_eq!(all, expected);
}
