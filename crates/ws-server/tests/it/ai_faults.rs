//! Language models that fail, as clients, the log and the metrics see it.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;
use tempfile::NamedTempFile;
use ws_ai::{AiLimits, OnFailure, WebSocketAiConfig};

use crate::ai::{calls, close, data, stream};
use crate::log_lines::LogLines;
use crate::model_server::{Model, Step, refuse, sale, say};
use crate::own_process;
use crate::scrape::{ERRORS, SENT, all_ended, ended_with, value};

const KEY: &str = "sk-test-0123456789abcdef";

/// A model that answers so at first, and well from then on.
async fn failing_first(answer: Vec<Step>) -> Model {
    Model::start(move |call, asked| if call == 0 { answer.clone() } else { asked.sales_from(100 * call) }).await
}

/// A file with a schema of which only cheap sales are.
fn cheap() -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".json").unwrap();
    let price = json!({ "type": "integer", "minimum": 0, "maximum": 10 });
    let schema = json!({ "type": "object", "properties": { "price": price }, "required": ["price"] });
    file.write_all(schema.to_string().as_bytes()).unwrap();
    file
}

fn sale_at(price: u32) -> Vec<Step> {
    say(json!({ "events": [{ "type": "sale", "data": { "price": price } }] }).to_string())
}

/// G08: a call that fails is repeated, and the client gets all its events.
#[tokio::test]
async fn what_goes_better_the_second_time_is_not_seen() {
    let cut = vec![Step::Say(format!("{{\"events\":[{},{{\"type\":\"sa", sale(7))), Step::Cut];
    for (what, answer) in [("500", refuse(500)), ("429", refuse(429)), ("cut", cut), ("silent", vec![Step::Hang])] {
        let is_cut = what == "cut";
        let model = failing_first(answer).await;
        let patience = if what == "silent" { Duration::from_millis(200) } else { Duration::from_secs(30) };
        let limits = AiLimits { retries: 1, call_timeout: patience, ..AiLimits::default() };
        let server = stream(WebSocketAiConfig { limits, ..model.config(2) }).await;
        let mut client = server.connect("/ws").await.unwrap();
        let first = data(&mut client, 1, 2).await.remove(0);
        assert_eq!(first, json!({ "n": if is_cut { 7 } else { 100 } }), "{what}");
        assert_eq!(close(&mut client).await.0, 1000, "{what}");
        all_ended(&server).await;
        assert_eq!((calls(&server, "failed"), calls(&server, "answered")), (1.0, 1.0), "{what}");
        assert_eq!(value(&server, ERRORS), 0.0, "{what}: it is the model's, and was made good");
        let rest = if is_cut { "Write exactly 1 events: 2 to 2 of" } else { "Write exactly 2 events: 1 to 2 of" };
        assert!(model.asked()[1].wish().contains(rest), "{what}: {}", model.asked()[1].wish());
    }
}

/// G08: events are found in what surrounds them; an answer with none is asked for again.
#[tokio::test]
async fn what_models_write_around_events_does_no_harm() {
    let both = format!("{{\"events\":[{},{}]}}", sale(1), sale(2));
    for (text, asked) in [
        (format!("```json\n{both}\n```"), 1),
        (format!("<think>{{\"type\":\"sale\"}}</think>Sure! Here {{are}} they: {both} Enjoy."), 1),
        (format!("{}\n{}\n", sale(1), sale(2)), 1),
        ("I am ready. What is your question?".to_owned(), 2),
        ("{\"events\": \"none\"".to_owned(), 2),
    ] {
        let model = failing_first(say(&*text)).await;
        let server = stream(model.config(2)).await;
        let mut client = server.connect("/ws").await.unwrap();
        let data = data(&mut client, 1, 2).await;
        let from = if asked == 1 { 1 } else { 100 };
        assert_eq!(data, [json!({ "n": from }), json!({ "n": from + 1 })], "{text}");
        assert_eq!(close(&mut client).await.0, 1000, "{text}");
        assert_eq!(model.asked().len(), asked, "{text}");
    }
}

/// A model that wants to be left alone is, by all clients.
#[tokio::test]
async fn a_wish_to_be_left_alone_holds_for_all_clients() {
    let refused = Vec::from([Step::Refuse(429, "retry-after: 1\r\n", "slow down".to_owned())]);
    let model = failing_first(refused).await;
    // One call at once: the other client's waits until the refusal is there.
    let limits = AiLimits { retries: 1, concurrent_calls: 1, ..AiLimits::default() };
    let server = stream(WebSocketAiConfig { limits, ..model.config(2) }).await;
    let mut clients = [server.connect("/ws").await.unwrap(), server.connect("/ws").await.unwrap()];
    for client in &mut clients {
        data(client, 1, 2).await;
        assert_eq!(close(client).await.0, 1000);
    }
    let asked = model.asked();
    assert_eq!(asked.len(), 3);
    for later in &asked[1..] {
        let waited = later.at - asked[0].at;
        assert!(waited >= Duration::from_secs(1), "early: {waited:?}");
    }
}

/// G08: what does not go better is told, closes with code 1011, and is one error.
#[tokio::test]
async fn a_model_that_fails_for_ever_is_told_and_counted_once() {
    let model = Model::start(|_, _| refuse(500)).await;
    let server = stream(model.config(4)).await;
    let mut client = server.connect("/ws").await.unwrap();
    let event = client.recv_json().await.unwrap();
    assert_eq!((&event["type"], &event["sequence"]), (&json!("error"), &json!(1)));
    assert_eq!(event["data"]["code"], "provider_failed");
    assert_eq!(close(&mut client).await, (1011, "Handler error: provider_failed".to_owned()));
    all_ended(&server).await;
    assert_eq!((value(&server, ERRORS), ended_with(&server, "handler_error")), (1.0, 1.0));
    assert_eq!((calls(&server, "failed"), model.asked().len(), value(&server, SENT)), (2.0, 2, 1.0));
}

/// Events that break the schema are not sent; the model hears what is wrong with them.
#[tokio::test]
async fn what_breaks_the_schema_is_complained_of() {
    let schema = cheap();
    let model = Model::start(|call, _| sale_at(if call == 0 { 99 } else { 5 })).await;
    let event_schema = Some(schema.path().to_owned());
    let server = stream(WebSocketAiConfig { event_schema, ..model.config(1) }).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(data(&mut client, 1, 1).await, [json!({ "price": 5 })]);
    assert_eq!(close(&mut client).await.0, 1000);
    let asked = model.asked();
    assert!(!asked[0].wish().contains("not taken"), "{}", asked[0].wish());
    let (_, complaint) = asked[1].wish().split_once("Earlier answers were not taken").unwrap();
    assert!(complaint.contains("price") && complaint.contains("10"), "{complaint}");
    assert_eq!(value(&server, "mockforge_ws_ai_rejected_total{reason=\"schema\"}"), 1.0);
    assert_eq!((calls(&server, "answered"), value(&server, ERRORS)), (2.0, 0.0));
}

/// What stays invalid is never sent: the client is told, or gets what the embedded provider writes.
#[tokio::test]
async fn what_breaks_the_schema_for_ever_is_reported_or_replaced() {
    let schema = cheap();
    for on_failure in [OnFailure::Report, OnFailure::Replace] {
        let model = Model::start(|call, _| sale_at(50 + u32::try_from(call).unwrap())).await;
        let event_schema = Some(schema.path().to_owned());
        let config = WebSocketAiConfig { event_schema, on_failure, seed: Some(7), ..model.config(3) };
        let server = stream(config).await;
        let mut client = server.connect("/ws").await.unwrap();
        if on_failure == OnFailure::Report {
            assert_eq!(client.recv_json().await.unwrap()["data"]["code"], "invalid_events");
            assert_eq!(close(&mut client).await, (1011, "Handler error: invalid_events".to_owned()));
        } else {
            for data in data(&mut client, 1, 3).await {
                assert!(data["price"].as_u64().unwrap() <= 10, "{data}");
            }
            assert_eq!(close(&mut client).await.0, 1000);
        }
        all_ended(&server).await;
        assert_eq!(model.asked().len(), 2, "it is asked twice, and no more");
        let errors = if on_failure == OnFailure::Report { 1.0 } else { 0.0 };
        assert_eq!(value(&server, ERRORS), errors);
    }
}

/// The embedded provider writes on behind what was sent.
#[tokio::test]
async fn a_model_that_fails_is_replaced_if_that_is_wanted() {
    let model = Model::start(|call, asked| if call == 0 { asked.sales_from(1) } else { refuse(503) }).await;
    let server = stream(WebSocketAiConfig { on_failure: OnFailure::Replace, ..model.config(5) }).await;
    let mut client = server.connect("/ws").await.unwrap();
    let data = data(&mut client, 1, 5).await;
    assert_eq!(data[..2], [json!({ "n": 1 }), json!({ "n": 2 })]);
    assert_eq!(close(&mut client).await.0, 1000);
    all_ended(&server).await;
    assert_eq!((value(&server, ERRORS), model.asked().len()), (0.0, 3));
}

/// The key goes to the model, and nowhere else: also when the model repeats it.
#[test]
fn the_key_is_told_to_nobody_else() {
    let key = ("MOCKFORGE_AI_API_KEY", Some(KEY));
    let printed = own_process::run("ai_faults::refused_with_a_key_in_the_environment", &[key]);
    assert!(!printed.contains(KEY), "{printed}");
}

#[tokio::test]
#[ignore = "needs a process of its own"]
async fn refused_with_a_key_in_the_environment() {
    let log = LogLines::capture();
    for (status, logged) in [(401, "401 Unauthorized"), (404, "wrong key ***")] {
        let text = json!({ "error": { "message": format!("wrong key {KEY}") } }).to_string();
        let model = Model::start(move |_, _| vec![Step::Refuse(status, "", text.clone())]).await;
        let server = stream(model.config(4)).await;
        let mut client = server.connect("/ws").await.unwrap();
        let event = client.recv_text().await.unwrap();
        let (code, reason) = close(&mut client).await;
        assert_eq!(code, 1011);
        all_ended(&server).await;
        let authorization: Vec<_> = model.asked().into_iter().map(|asked| asked.authorization).collect();
        assert_eq!(authorization, [Some(format!("Bearer {KEY}"))], "a wrong key gets no better");
        for told in [event, reason] {
            assert!(!told.contains("wrong") && !told.contains(KEY), "{told}");
        }
        assert!(!log.with(logged).is_empty(), "the log says why:\n{}", log.all().join("\n"));
        assert!(log.with(KEY).is_empty(), "{:?}", log.with(KEY));
    }
}
