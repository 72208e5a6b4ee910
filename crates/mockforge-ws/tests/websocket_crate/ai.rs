//! What several chapters show of AI events.
//!
//! The snippets name the provider `openai`. It is found by the environment, as a user's is: `what_names_a_model` starts a
//! server with that API, and the snippets in a process of their own, with its address and a key. Without the feature `openai`
//! they are only compiled.

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::routing::any;
use mockforge_ws::{
    AiError, AiEventGenerator, CloseFrame, Message, ReplayAugmentationConfig, TestClient, WebSocketAiConfig,
};
use serde_json::Value;

use super::*;

/// A server that gives each WebSocket to a function.
async fn with_socket<F>(tell: impl Fn(WebSocket) -> F + Clone + Send + Sync + 'static) -> TestServer
where
    F: Future<Output = ()> + Send + 'static,
{
    let serve = async move |upgrade: WebSocketUpgrade| upgrade.on_upgrade(tell);
    TestServer::new(Router::new().route("/ws", any(serve))).await
}

/// The next event, of which all keys are there, and which is this one of its story.
async fn event(client: &mut TestClient, sequence: u64) -> Value {
    let event = client.recv_json().await.unwrap();
    let keys: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(["type", "timestamp", "sequence", "data"].iter().all(|key| keys.contains(key)), "{event}");
    assert_eq!(event["sequence"], sequence, "{event}");
    event
}

/// "AI Event Mode", as written.
async fn ai_event_mode(socket: WebSocket) -> Result<(), AiError> {
    let ai_config = WebSocketAiConfig {
        enabled: true,
        narrative: "Simulate 5 minutes of live stock market trading".to_string(),
        event_count: 20,
        replay: Some(ReplayAugmentationConfig {
            provider: "openai".to_string(),
            model: "gpt-3.5-turbo".to_string(),
            ..Default::default()
        }),
        ..Default::default()
    };

    let generator = AiEventGenerator::new(ai_config)?;
    #[expect(unused_must_use, reason = "as the document has it")]
    generator.stream_events(socket, Some(20)).await;
    Ok(())
}

/// "Replay Augmentation", as written.
#[expect(clippy::let_and_return, reason = "as the document has it")]
fn replay_augmentation() -> ReplayAugmentationConfig {
    let augmentation_config = ReplayAugmentationConfig {
        narrative: "Add realistic user interactions to chat replay".to_string(),
        augmentation_points: vec!["user_message".to_string()],
        provider: "openai".to_string(),
        model: "gpt-4".to_string(),
        ..Default::default()
    };
    augmentation_config
}

mod event_generation {
    use super::*;

    /// The method that is declared, with exactly those types.
    async fn stream_events(generator: &AiEventGenerator, socket: WebSocket, max_events: Option<usize>) {
        assert_eq!(generator.stream_events(socket, max_events).await.unwrap(), 3);
    }

    /// G01, G03: those are all, then it is over.
    #[tokio::test]
    async fn a_stream_by_narrative() {
        let config = WebSocketAiConfig {
            narrative: "three sensors in a greenhouse".to_string(),
            events_per_second: 1_000.0,
            ..Default::default()
        };
        let generator = AiEventGenerator::new(config).unwrap();
        let server = with_socket(move |socket| {
            let generator = generator.clone();
            async move { stream_events(&generator, socket, Some(3)).await }
        })
        .await;
        let mut client = server.connect("/ws").await.unwrap();
        for sequence in 1..=3 {
            event(&mut client, sequence).await;
        }
        let frame = client.recv_close().await.unwrap();
        assert!(matches!(frame, Some(CloseFrame { code: 1000, .. })), "{frame:?}");
    }
}

mod usage_example {
    use tokio::time::Instant;

    use super::*;

    async fn stream(socket: WebSocket) -> Result<(), AiError> {
        use mockforge_ws::{AiEventGenerator, WebSocketAiConfig};

        let config = WebSocketAiConfig {
            enabled: true,
            narrative: "Simulate real-time chat conversation".to_string(),
            event_count: 50,
            events_per_second: 2.0,
            ..Default::default()
        };

        let generator = AiEventGenerator::new(config)?;
        #[expect(unused_must_use, reason = "as the document has it")]
        generator.stream_events_with_rate(socket, None, 2.0).await;
        Ok(())
    }

    /// Nobody waits for all 50: two a second, never early, until the client leaves.
    #[tokio::test]
    async fn ai_event_generation() {
        let (ended, mut has_ended) = tokio::sync::mpsc::channel(1);
        let server = with_socket(move |socket| {
            let ended = ended.clone();
            async move { ended.send(stream(socket).await).await.unwrap() }
        })
        .await;
        let mut client = server.connect("/ws").await.unwrap();
        event(&mut client, 1).await;
        let first = Instant::now();
        event(&mut client, 2).await;
        event(&mut client, 3).await;
        // The first may have come a little late.
        assert!(first.elapsed() >= Duration::from_millis(800), "{:?}", first.elapsed());
        client.send(Message::Close(None)).await.unwrap();
        tokio::time::timeout(PATIENCE, has_ended.recv()).await.unwrap().unwrap().unwrap();
    }
}

/// Without the feature, what is missing is said.
#[cfg(not(feature = "openai"))]
#[test]
fn without_the_feature_a_model_is_refused() {
    let config = WebSocketAiConfig {
        narrative: "a chat".to_string(),
        replay: Some(ReplayAugmentationConfig {
            provider: "ollama".to_string(),
            model: "llama3.2".to_string(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let error = AiEventGenerator::new(config).unwrap_err().to_string();
    assert!(error.contains("the feature `openai`"), "{error}");
    // What is only compiled.
    let _ = (ai_event_mode, replay_augmentation);
}

#[cfg(feature = "openai")]
mod what_names_a_model {
    use mockforge_ws::WsConfig;
    use serde_json::json;
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// The kinds of the events that the server writes, five in each answer.
    const KINDS: [&str; 5] = ["one", "two", "three", "four", "five"];

    /// A server with the API of OpenAI; it refuses whoever has another key.
    async fn model() -> MockServer {
        let events: Vec<_> = KINDS.iter().map(|kind| json!({"type": kind, "data": {"n": kind}})).collect();
        let content = json!({"events": events}).to_string();
        let chunk = |choices: Value| json!({"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "none", "choices": choices});
        let text = chunk(json!([{"index": 0, "delta": {"content": content}, "finish_reason": null}]));
        let end = chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
        let body = format!("data: {text}\n\ndata: {end}\n\ndata: [DONE]\n\n");
        let answer = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/v1/chat/completions"))
            .and(header("authorization", "Bearer sk-document"))
            .respond_with(answer)
            .mount(&server)
            .await;
        server
    }

    /// Runs a test of this file as a user's program, and tells what the model was asked.
    async fn asked_by(test: &str) -> Vec<Value> {
        let model = model().await;
        let base_url = format!("{}/v1", model.uri());
        let variables = [("OPENAI_API_KEY", "sk-document"), ("OPENAI_BASE_URL", base_url.as_str())];
        run_alone(&format!("ai::what_names_a_model::{test}"), &variables).await;
        let requests = model.received_requests().await.unwrap();
        requests.iter().map(|request| request.body_json().unwrap()).collect()
    }

    #[tokio::test]
    #[ignore = "takes the model from its environment; `ai_event_mode_streams_what_the_model_writes` starts it"]
    async fn ai_event_mode_with_a_model() {
        let (ended, mut has_ended) = tokio::sync::mpsc::channel(1);
        let server = with_socket(move |socket| {
            let ended = ended.clone();
            async move { ended.send(ai_event_mode(socket).await).await.unwrap() }
        })
        .await;
        let mut client = server.connect("/ws").await.unwrap();
        // One in a second: nobody waits for all 20.
        for (n, kind) in (1..).zip(&KINDS[..3]) {
            assert_eq!(event(&mut client, n).await["type"], *kind);
        }
        client.send(Message::Close(None)).await.unwrap();
        tokio::time::timeout(PATIENCE, has_ended.recv()).await.unwrap().unwrap().unwrap();
    }

    /// G01, G04.
    #[tokio::test]
    async fn ai_event_mode_streams_what_the_model_writes() {
        let asked = asked_by("ai_event_mode_with_a_model").await;
        assert_eq!(asked[0]["model"], "gpt-3.5-turbo");
        let prompt = asked[0]["messages"].to_string();
        assert!(prompt.contains("Simulate 5 minutes of live stock market trading"), "{prompt}");
    }

    #[tokio::test]
    #[ignore = "takes the model from its environment; `replay_augmentation_enriches_a_script` starts it"]
    async fn replay_augmentation_with_a_model() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.jsonl");
        let script = r#"
{"ts":0,"text":"{\"type\":\"welcome\"}"}
{"ts":10,"text":"{\"type\":\"user_message\"}"}
{"ts":20,"text":"{\"type\":\"bye\"}"}
"#;
        fs::write(&file, script).unwrap();
        let ai_config =
            WebSocketAiConfig { events_per_second: 100.0, replay: Some(replay_augmentation()), ..Default::default() };
        let config = WsConfig { replay_file: Some(file), ai_config: Some(ai_config), ..Default::default() };
        let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
        let mut client = server.connect("/ws").await.unwrap();
        for kind in ["welcome", "user_message", "one", "two", "three", "bye"] {
            assert_eq!(client.recv_json().await.unwrap()["type"], kind);
        }
    }

    /// G05.
    #[tokio::test]
    async fn replay_augmentation_enriches_a_script() {
        let asked = asked_by("replay_augmentation_with_a_model").await;
        let [request] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(request["model"], "gpt-4");
        let prompt = request["messages"].to_string();
        assert!(prompt.contains("Add realistic user interactions to chat replay"), "{prompt}");
    }
}
