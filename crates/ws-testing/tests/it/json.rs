//! JSON that clients expect.

use serde_json::{Value, json};
use ws_testing::ClientError;

use crate::echo;

#[tokio::test]
async fn json_has_what_is_expected_of_it() {
    let server = echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    let order = json!({"type": "order", "lines": [{"item": "tea", "count": 2}]});
    client.send_json(&order).await.unwrap();
    assert_eq!(client.expect_json(json!({"lines": [{"item": "tea"}]})).await.unwrap(), order);
    client.send_json(&order).await.unwrap();
    let error = client.expect_json(json!({"lines": [{"item": "tee"}]})).await.unwrap_err();
    assert!(matches!(&error, ClientError::Different { difference, .. } if difference.contains("\"tee\"")), "{error}");
    client.send_text("no JSON").await.unwrap();
    assert!(matches!(client.expect_json(json!({})).await, Err(ClientError::Different { .. })));
    client.send_text("null").await.unwrap();
    assert_eq!(client.expect_json(Value::Null).await.unwrap(), Value::Null);
}

#[tokio::test]
async fn json_is_read_as_a_type() {
    let server = echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("[1, 2]").await.unwrap();
    assert_eq!(client.recv_json_as::<Vec<u8>>().await.unwrap(), [1, 2]);
    client.send_text("[1, 256]").await.unwrap();
    let error = client.recv_json_as::<Vec<u8>>().await.unwrap_err().to_string();
    assert!(error.contains("256"), "{error}");
}
