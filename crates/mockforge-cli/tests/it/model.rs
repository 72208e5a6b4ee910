//! A server that is no language model, and answers as one: always the same.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Answers each call with these texts, one in each piece, and says that it has cost 100 tokens in and 20 out.
pub(crate) async fn model(pieces: &[&str]) -> MockServer {
    let contents = pieces.iter().map(|text| json!({"choices": [{"index": 0, "delta": {"content": text}}]}));
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}});
    let chunks: String = contents.chain([usage]).map(|chunk| format!("data: {}\n\n", with_id(chunk))).collect();
    let answer = ResponseTemplate::new(200).set_body_raw(format!("{chunks}data: [DONE]\n\n"), "text/event-stream");
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(answer).mount(&server).await;
    server
}

/// How often it was asked.
pub(crate) async fn calls(model: &MockServer) -> usize {
    model.received_requests().await.unwrap().len()
}

/// Where its API is.
pub(crate) fn base_url(model: &MockServer) -> String {
    format!("{}/v1", model.uri())
}

fn with_id(mut chunk: Value) -> Value {
    chunk["id"] = json!("1");
    chunk["object"] = json!("chat.completion.chunk");
    chunk["created"] = json!(0);
    chunk["model"] = json!("none");
    chunk
}
