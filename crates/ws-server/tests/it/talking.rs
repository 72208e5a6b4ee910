//! Conversations of test clients.

use ws_testing::{TestClient, TestServer};

/// A client of `/ws` that has said this.
pub(crate) async fn client_saying(server: &TestServer, texts: &[&str]) -> TestClient {
    let mut client = server.connect("/ws").await.unwrap();
    for text in texts {
        client.send_text(text).await.unwrap();
    }
    client
}

/// Hears these texts, one after the other.
pub(crate) async fn hear(client: &mut TestClient, texts: &[&str]) {
    for text in texts {
        assert_eq!(client.recv_text().await.unwrap(), *text);
    }
}

/// Says a text and hears these answers. What is not among them would be heard at the next one.
pub(crate) async fn say(client: &mut TestClient, text: &str, answers: &[&str]) {
    client.send_text(text).await.unwrap();
    for answer in answers {
        assert_eq!(client.recv_text().await.unwrap(), *answer, "after {text:?}");
    }
}
