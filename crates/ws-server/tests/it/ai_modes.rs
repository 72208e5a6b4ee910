//! Events as a mode of a server: on which paths, beside what, and how long. The embedded provider writes most of them.

use std::fs;

use serde_json::{Value, json};
use ws_ai::{ReplayAugmentationConfig, WebSocketAiConfig};
use ws_server::{WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::ai::{close, data, stream};
use crate::model_server::{Model, refuse};
use crate::playing::{file, play_with};
use crate::scrape::{ERRORS, SENT, all_ended, value};
use crate::serving::serve;

/// Events of the embedded provider, as fast as can be.
fn embedded(event_count: usize) -> WebSocketAiConfig {
    let replay = ReplayAugmentationConfig { provider: "embedded".to_owned(), ..ReplayAugmentationConfig::default() };
    WebSocketAiConfig {
        narrative: "a busy stock market with AAPL".to_owned(),
        event_count,
        events_per_second: 1_000.0,
        replay: Some(replay),
        ..WebSocketAiConfig::default()
    }
}

async fn with_seed(seed: u64) -> TestServer {
    let config = WsConfig { ai_config: Some(embedded(20)), seed: Some(seed), ..WsConfig::default() };
    serve(WsServer::builder().config(config)).await
}

/// All that a client gets.
async fn all(client: &mut TestClient) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..20 {
        texts.push(client.recv_text().await.unwrap());
    }
    assert_eq!(close(client).await, (1000, "all events were sent".to_owned()));
    texts
}

/// G10: a seed repeats every byte of each connection, and each has a story of its own.
#[tokio::test]
async fn a_seed_repeats_every_byte_of_every_connection() {
    async fn run(seed: u64) -> [Vec<String>; 2] {
        let server = with_seed(seed).await;
        // Both are open at once.
        let (mut one, mut other) = (server.connect("/ws").await.unwrap(), server.connect("/ws").await.unwrap());
        [all(&mut one).await, all(&mut other).await]
    }
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first[0], first[1]);
    assert_ne!(first, run(8).await);
}

/// A count of 0 has no end but that the client leaves.
#[tokio::test]
async fn without_a_count_events_come_until_the_client_leaves() {
    let server = stream(embedded(0)).await;
    let mut client = server.connect("/ws").await.unwrap();
    data(&mut client, 1, 100).await;
    let close = client.close(1000, "enough").await.unwrap().unwrap();
    assert_eq!((close.code, &*close.reason), (1000, "enough"));
    all_ended(&server).await;
    assert!(value(&server, SENT) >= 100.0);
    assert_eq!(value(&server, ERRORS), 0.0);
}

/// What is switched off leaves what answers without it.
#[tokio::test]
async fn switched_off_events_leave_echo() {
    let server = stream(WebSocketAiConfig { enabled: false, ..embedded(5) }).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("hi").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: hi");
}

/// Without envelopes there is only data: of a failure, only the close frame tells.
#[tokio::test]
async fn without_envelopes_there_is_only_data() {
    let model = Model::start(|call, asked| match call {
        0 => asked.sales_from(1),
        _ => refuse(400),
    })
    .await;
    let server = stream(WebSocketAiConfig { envelope: false, ..model.config(4) }).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in [r#"{"n":1}"#, r#"{"n":2}"#] {
        assert_eq!(client.recv_text().await.unwrap(), text);
    }
    assert_eq!(close(&mut client).await.0, 1011);
}

/// Events may be what answers on some paths alone; they are written as in a file.
#[tokio::test]
async fn paths_may_have_events_of_their_own() {
    let of_shop = json!({ "narrative": "three sensors in a greenhouse", "event_count": 2, "event_rate": 1000, "envelope": false });
    let config = json!({
        "ai_config": { "narrative": "a busy stock market", "max_events": 3, "event_rate": 1000 },
        "paths": [
            { "path": "/ws/shop", "mode": "ai", "ai_config": of_shop },
            { "path": "/ws/echo", "mode": "echo" },
        ],
    });
    let server = serve(WsServer::builder().config(serde_json::from_value(config).unwrap())).await;
    let mut market = server.connect("/ws").await.unwrap();
    data(&mut market, 1, 3).await;
    assert_eq!(close(&mut market).await.0, 1000);
    let mut shop = server.connect("/ws/shop").await.unwrap();
    for _ in 0..2 {
        assert_eq!(shop.recv_json().await.unwrap().get("sequence"), None);
    }
    assert_eq!(close(&mut shop).await.0, 1000);
    let mut echo = server.connect("/ws/echo").await.unwrap();
    echo.send_text("hi").await.unwrap();
    assert_eq!(echo.recv_text().await.unwrap(), "echo: hi");
}

/// G09: a script is enriched at its points and nowhere else, once for all clients.
#[tokio::test]
async fn a_script_is_enriched_at_its_points_alone() {
    const SCRIPT: &str = concat!(
        "{\"ts\":0,\"text\":\"{\\\"type\\\":\\\"welcome\\\",  \\\"spaced\\\": 1.50}\"}\n",
        "{\"ts\":1,\"step_id\":\"open\",\"text\":\"second \\u00e9\"}\n",
        "{\"ts\":2,\"text\":\"third\"}\n",
        "{\"ts\":3,\"step_id\":\"late\",\"text\":\"fourth\"}\n",
    );
    const OWN: [&str; 4] = ["{\"type\":\"welcome\",  \"spaced\": 1.50}", "second \u{e9}", "third", "fourth"];
    let model = Model::good().await;
    let mut config = model.config(20);
    let replay = config.replay.as_mut().unwrap();
    replay.augmentation_points = vec!["welcome".to_owned(), "open".to_owned()];
    replay.events_per_point = 2;
    let script = file(SCRIPT);
    let config =
        WsConfig { replay_file: Some(script.path().to_owned()), ai_config: Some(config), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    let mut heard: Vec<Vec<String>> = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect("/ws").await.unwrap();
        let mut texts = Vec::new();
        for _ in 0..8 {
            texts.push(client.recv_text().await.unwrap());
        }
        heard.push(texts);
    }
    for texts in &heard {
        let is_event = |text: &str| serde_json::from_str(text).is_ok_and(|text: Value| text["type"] == "sale");
        let own: Vec<_> = texts.iter().filter(|text| !is_event(text)).collect();
        assert_eq!(own, OWN);
        let after: Vec<_> = texts.iter().map(|text| if is_event(text) { "+" } else { "" }).collect();
        assert!(is_event(&texts[1]), "behind the first point: {after:?}");
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(model.asked().len(), 2);
    assert_eq!(fs::read_to_string(script.path()).unwrap(), SCRIPT);
    // Without points, the same file plays as it is.
    let plain = play_with(WsServer::builder(), WsConfig::default(), SCRIPT).await;
    let mut client = plain.connect("/ws").await.unwrap();
    for text in OWN {
        assert_eq!(client.recv_text().await.unwrap(), text);
    }
}
