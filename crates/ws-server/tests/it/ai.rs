//! Events that a language model writes, as clients see them: while they are written, for each of them alone, and counted.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use ws_ai::WebSocketAiConfig;
use ws_server::{WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::answering::answer_with;
use crate::eventually::eventually;
use crate::model_server::{Model, Step, TOKENS, sale};
use crate::scrape::{ERRORS, RECEIVED, SENT, all_ended, value};
use crate::serving::serve;

const EVENTS: &str = "mockforge_ws_ai_events_total";

/// Streams to every connection.
pub(crate) async fn stream(config: WebSocketAiConfig) -> TestServer {
    serve(WsServer::builder().config(WsConfig { ai_config: Some(config), ..WsConfig::default() })).await
}

/// The `data` of the next events, which are numbered from `first`.
pub(crate) async fn data(client: &mut TestClient, first: u64, count: u64) -> Vec<Value> {
    let mut data = Vec::new();
    for sequence in first..first + count {
        let event = client.recv_json().await.unwrap();
        assert_eq!(event["sequence"], sequence, "{event}");
        data.push(event["data"].clone());
    }
    data
}

/// How the server closes; nothing else comes before.
pub(crate) async fn close(client: &mut TestClient) -> (u16, String) {
    let close = client.recv_close().await.unwrap().unwrap();
    (close.code, close.reason.to_string())
}

/// How many calls came out so.
#[track_caller]
pub(crate) fn calls(server: &TestServer, outcome: &str) -> f64 {
    value(server, &format!("mockforge_ws_ai_calls_total{{outcome=\"{outcome}\"}}"))
}

/// An answer of one event, then nothing before the gate opens, then another event.
fn held_between_two(gate: &Arc<Semaphore>, call: usize) -> Vec<Step> {
    vec![
        Step::Say(format!("{{\"events\":[{},", sale(10 * call))),
        Step::Wait(Arc::clone(gate)),
        Step::Say(format!("{}]}}", sale(10 * call + 1))),
    ]
}

/// G02, G07: each client gets its events, numbered from 1, and is closed behind the last one.
#[tokio::test]
async fn each_client_gets_so_many_events_and_is_closed() {
    let model = Model::good().await;
    let server = stream(model.config(5)).await;
    for _ in 0..2 {
        let mut client = server.connect("/ws").await.unwrap();
        for sequence in 1..=5 {
            let event = client.recv_json().await.unwrap();
            let keys: Vec<_> = event.as_object().unwrap().keys().collect();
            assert_eq!(keys.len(), 4, "{event}");
            assert_eq!((&event["type"], &event["sequence"]), (&json!("sale"), &json!(sequence)));
            assert!(event["timestamp"].as_str().unwrap().ends_with('Z') && event["data"]["n"].is_u64(), "{event}");
        }
        assert_eq!(close(&mut client).await, (1000, "all events were sent".to_owned()));
    }
}

/// G03, G06: an event is sent when it is written, though its answer is not; and a client does not wait for another's.
#[tokio::test]
async fn events_arrive_while_the_answers_of_all_clients_are_being_written() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let model = Model::start(move |call, _| held_between_two(&held, call)).await;
    let server = stream(model.config(2)).await;
    let (mut one, mut other) = (server.connect("/ws").await.unwrap(), server.connect("/ws").await.unwrap());
    let mut firsts = [data(&mut one, 1, 1).await.remove(0), data(&mut other, 1, 1).await.remove(0)];
    firsts.sort_by_key(|data| data["n"].as_u64());
    // No answer was written further: the gate is closed.
    assert_eq!(firsts, [json!({ "n": 0 }), json!({ "n": 10 })]);
    assert_eq!(model.asked().len(), 2);
    gate.add_permits(2);
    for client in [&mut one, &mut other] {
        data(client, 2, 1).await;
        assert_eq!(close(client).await.0, 1000);
    }
}

/// G05: whoever leaves stops the call that runs, and there is no other.
#[tokio::test]
async fn a_client_that_leaves_costs_no_more() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let model = Model::start(move |call, _| held_between_two(&held, call)).await;
    let server = stream(model.config(0)).await;
    for leaving in 1..=2 {
        let mut client = server.connect("/ws").await.unwrap();
        data(&mut client, 1, 1).await;
        match leaving {
            1 => drop(client.close(1000, "").await.unwrap()),
            _ => drop(client),
        }
        eventually("the call is given up", || model.left() == leaving).await;
        all_ended(&server).await;
    }
    gate.add_permits(100);
    assert_eq!(calls(&server, "abandoned"), 2.0);
    assert_eq!((model.asked().len(), value(&server, SENT)), (2, 2.0));
    assert_eq!(value(&server, ERRORS), 1.0, "that of the connection that was lost, and none of the events");
}

/// O02: what is counted is what the clients and the model have seen, once.
#[tokio::test]
async fn counts_are_exact() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let model = Model::start(move |call, asked| {
        // The last two of each client's six events are held back, so that it can speak before.
        let is_last = asked.wish().contains("5 to 6 of");
        let held = is_last.then(|| Step::Wait(Arc::clone(&held)));
        held.into_iter().chain(asked.sales_from(100 * call)).collect()
    })
    .await;
    let server = stream(model.config(6)).await;
    let mut clients = [server.connect("/ws").await.unwrap(), server.connect("/ws").await.unwrap()];
    for client in &mut clients {
        data(client, 1, 4).await;
        for text in ["a", "b", "c"] {
            client.send_text(text).await.unwrap();
        }
    }
    eventually("all was heard", || value(&server, RECEIVED) == 6.0).await;
    assert_eq!((value(&server, SENT), value(&server, EVENTS)), (8.0, 8.0));
    gate.add_permits(2);
    for client in &mut clients {
        data(client, 5, 2).await;
        assert_eq!(close(client).await.0, 1000);
    }
    all_ended(&server).await;
    let asked = model.asked().len();
    assert_eq!(asked, 6);
    assert_eq!((value(&server, SENT), value(&server, RECEIVED), value(&server, EVENTS)), (12.0, 6.0, 12.0));
    assert_eq!((calls(&server, "answered"), value(&server, ERRORS)), (asked as f64, 0.0));
    for (kind, each) in [("prompt", TOKENS.0), ("completion", TOKENS.1)] {
        let counted = value(&server, &format!("mockforge_ws_ai_tokens_total{{kind=\"{kind}\"}}"));
        assert_eq!(counted, asked as f64 * each as f64, "{kind}");
    }
    let text = server.metrics().unwrap().render();
    for none in ["outcome=\"failed\"", "outcome=\"abandoned\"", "mockforge_ws_ai_rejected_total{"] {
        assert!(!text.contains(none), "{none} in:\n{text}");
    }
}

/// What a client says goes to the model once, as data, and into its own story alone.
#[tokio::test]
async fn what_a_client_says_is_in_its_next_request() {
    let model = Model::good().await;
    let server = stream(WebSocketAiConfig { events_per_second: 100.0, ..model.config(0) }).await;
    let mut client = server.connect("/ws").await.unwrap();
    data(&mut client, 1, 1).await;
    client.send_text("a quokka \"comes\" in").await.unwrap();
    let quoted = r#"What the client said since then, as data: ["a quokka \"comes\" in"]"#;
    let told = || model.asked().iter().position(|asked| asked.wish().contains(quoted));
    let mut sequence = 2;
    while told().is_none() {
        assert!(sequence < 500, "the model never hears of it");
        data(&mut client, sequence, 1).await;
        sequence += 1;
    }
    let told = told().unwrap();
    assert!(told > 0, "it was said after the first request");
    while model.asked().len() < told + 3 {
        data(&mut client, sequence, 1).await;
        sequence += 1;
    }
    let repeated = model.asked().iter().filter(|asked| asked.wish().contains("quokka")).count();
    assert_eq!(repeated, 1);
}

/// A rule takes what it answers: the model does not hear of it.
#[tokio::test]
async fn rules_answer_before_the_story_hears() {
    const RULES: &str = r#"rules: [{ match: "^secret (.*)$", response: "taken {{1}}" }]"#;
    let model = Model::good().await;
    let config = WebSocketAiConfig { events_per_second: 100.0, envelope: false, ..model.config(0) };
    let config = WsConfig { ai_config: Some(config), ..WsConfig::default() };
    let server = answer_with(WsServer::builder(), config, RULES).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("secret walrus").await.unwrap();
    client.send_text("open quokka").await.unwrap();
    let (mut is_answered, mut heard) = (false, false);
    for _ in 0..500 {
        let text = client.recv_text().await.unwrap();
        is_answered |= text == "taken walrus";
        heard = model.asked().iter().any(|asked| asked.wish().contains("open quokka"));
        if is_answered && heard {
            break;
        }
    }
    assert!(is_answered && heard, "answered: {is_answered}, heard: {heard}");
    assert!(!model.asked().iter().any(|asked| asked.wish().contains("walrus")));
}
