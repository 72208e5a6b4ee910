//! A real WebSocket client whose every wait ends by itself.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use futures_util::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, protocol};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use ws_core::{CloseFrame, Message};
use ws_patterns::{MessagePattern, MessageText};

/// How long a client waits unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a test client did not get what it waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server refused the handshake.
    #[error("the handshake was refused with HTTP {status}{}", behind_colon(body))]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The body of the response.
        body: String,
    },
    /// Nothing came in time.
    #[error("nothing came within {0:?}")]
    TimedOut(Duration),
    /// Something else came.
    #[error("expected {expected}, got {got:?}")]
    Unexpected {
        /// What was waited for.
        expected: &'static str,
        /// What came.
        got: Message,
    },
    /// A message came that is not as was expected.
    #[error("{difference}, in {got:?}")]
    Different {
        /// The first thing that is different.
        difference: String,
        /// What came.
        got: Message,
    },
    /// The connection ended.
    #[error("the connection ended while {expected} was expected")]
    Ended {
        /// What was waited for.
        expected: &'static str,
    },
    /// The connection or the protocol failed.
    #[error(transparent)]
    Failed(Box<tungstenite::Error>),
}

/// The text of a body, if it has any.
fn behind_colon(body: &str) -> String {
    match body.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl From<tungstenite::Error> for ClientError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(response) => {
                let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
                Self::Refused { status: response.status(), body }
            }
            error => Self::Failed(Box::new(error)),
        }
    }
}

/// How a test client connects.
#[derive(Debug, Clone)]
pub struct TestClientBuilder {
    headers: Vec<(HeaderName, HeaderValue)>,
    patience: Duration,
}

impl TestClientBuilder {
    /// Adds a header to the handshake.
    ///
    /// # Panics
    /// If name or value may not stand in a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = name.parse().expect("a header name");
        self.headers.push((name, HeaderValue::from_str(value).expect("a header value")));
        self
    }

    /// Offers subprotocols, the preferred one first, e.g. `graphql-transport-ws, graphql-ws`.
    #[must_use]
    pub fn subprotocols(self, names: &str) -> Self {
        self.header(header::SEC_WEBSOCKET_PROTOCOL.as_str(), names)
    }

    /// Sets how long the client waits for anything; 5 seconds by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects to `url`.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server answers with something else than 101, otherwise what went wrong.
    pub async fn connect(self, url: &str) -> Result<TestClient, ClientError> {
        let mut request = url.into_client_request()?;
        for (name, value) in self.headers {
            request.headers_mut().append(name, value);
        }
        // Small messages leave at once.
        let connected = timeout(self.patience, connect_async_with_config(request, None, true)).await;
        let (stream, response) = connected.map_err(|_| ClientError::TimedOut(self.patience))??;
        let subprotocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let subprotocol = subprotocol.and_then(|name| name.to_str().ok()).map(str::to_owned);
        Ok(TestClient { stream, subprotocol, patience: self.patience })
    }
}

/// A WebSocket client for tests. It answers pings while it waits for messages.
#[derive(Debug)]
pub struct TestClient {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    subprotocol: Option<String>,
    patience: Duration,
}

impl TestClient {
    /// Connects to `url`, e.g. `ws://127.0.0.1:3001/ws`.
    ///
    /// # Errors
    /// As [`TestClientBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        Self::builder().connect(url).await
    }

    /// Says more about how to connect.
    #[must_use]
    pub fn builder() -> TestClientBuilder {
        TestClientBuilder { headers: Vec::new(), patience: PATIENCE }
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`ClientError::Failed`] if the connection has ended, [`ClientError::TimedOut`] if the server does not read.
    pub async fn send(&mut self, message: Message) -> Result<(), ClientError> {
        let sent = timeout(self.patience, self.stream.send(into_wire(message))).await;
        Ok(sent.map_err(|_| ClientError::TimedOut(self.patience))??)
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: &str) -> Result<(), ClientError> {
        self.send(Message::text(text.to_owned())).await
    }

    /// Sends a value as JSON text.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_json(&mut self, value: &Value) -> Result<(), ClientError> {
        self.send(Message::text(value.to_string())).await
    }

    /// The next message of any kind; `None` when the connection has ended.
    ///
    /// # Errors
    /// [`ClientError::TimedOut`] if nothing comes, [`ClientError::Failed`] if the protocol is broken or the connection
    /// ends without a Close frame.
    pub async fn recv(&mut self) -> Result<Option<Message>, ClientError> {
        let received = timeout(self.patience, self.stream.next()).await;
        let Some(message) = received.map_err(|_| ClientError::TimedOut(self.patience))? else { return Ok(None) };
        let message = from_wire(message?);
        if matches!(message, Message::Close(_)) {
            // The answer leaves at once, as that of other clients does. A server that waits for none is gone by now.
            let _ = timeout(self.patience, self.stream.flush()).await;
        }
        Ok(Some(message))
    }

    /// The text of the next message, which must be one; pings and pongs are passed over.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] or [`ClientError::Ended`] if something else comes, otherwise as [`recv`](Self::recv).
    pub async fn recv_text(&mut self) -> Result<String, ClientError> {
        match self.recv_expecting("text").await? {
            Message::Text(text) => Ok(text.into()),
            got => Err(ClientError::Unexpected { expected: "text", got }),
        }
    }

    /// The next message, which must be text that is JSON.
    ///
    /// # Errors
    /// As [`recv_text`](Self::recv_text); text that is no JSON is [`ClientError::Unexpected`].
    pub async fn recv_json(&mut self) -> Result<Value, ClientError> {
        let text = self.recv_text().await?;
        serde_json::from_str(&text).map_err(|_| ClientError::Unexpected { expected: "JSON", got: Message::text(text) })
    }

    /// The next message, which must be text that is JSON of this type.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ws_server::{WsConfig, WsServer};
    /// # use ws_testing::TestServer;
    /// # let config = WsConfig { raw_echo: true, ..Default::default() };
    /// # let server = TestServer::start(WsServer::builder().config(config).build()?).await;
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     id: u64,
    /// }
    ///
    /// let mut client = server.connect("/ws").await?;
    /// client.send_text(r#"{"id": 7}"#).await?;
    /// let order: Order = client.recv_json_as().await?;
    /// assert_eq!(order.id, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv_text`](Self::recv_text); [`ClientError::Different`] if the text is none such.
    pub async fn recv_json_as<T: DeserializeOwned>(&mut self) -> Result<T, ClientError> {
        let text = self.recv_text().await?;
        serde_json::from_str(&text)
            .map_err(|error| ClientError::Different { difference: error.to_string(), got: Message::text(text) })
    }

    /// The next message, which must be text that is JSON and has all of `expected`: objects may have more members, all else
    /// is equal.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ws_server::{WsConfig, WsServer};
    /// # use ws_testing::TestServer;
    /// # let config = WsConfig { raw_echo: true, ..Default::default() };
    /// # let server = TestServer::start(WsServer::builder().config(config).build()?).await;
    /// use serde_json::json;
    ///
    /// let mut client = server.connect("/ws").await?;
    /// client.send_json(&json!({"type": "welcome", "at": 1700000000})).await?;
    /// let message = client.expect_json(json!({"type": "welcome"})).await?;
    /// assert!(message["at"].is_number());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv_text`](Self::recv_text); [`ClientError::Different`] names the first thing that is different.
    pub async fn expect_json(&mut self, expected: Value) -> Result<Value, ClientError> {
        let text = self.recv_text().await?;
        let message = MessageText::new(text.as_str());
        match MessagePattern::json_subset(expected).difference(&message) {
            None => Ok(message.json().cloned().unwrap_or_default()),
            Some(difference) => {
                let got = Message::text(text.clone());
                Err(ClientError::Different { difference: difference.to_string(), got })
            }
        }
    }

    /// The data of the next message, which must be binary; pings and pongs are passed over.
    ///
    /// # Errors
    /// As [`recv_text`](Self::recv_text).
    pub async fn recv_binary(&mut self) -> Result<Vec<u8>, ClientError> {
        match self.recv_expecting("binary").await? {
            Message::Binary(data) => Ok(data.into()),
            got => Err(ClientError::Unexpected { expected: "binary", got }),
        }
    }

    /// The Close frame that must come next; `None` inside is a Close frame without a code.
    ///
    /// # Errors
    /// As [`recv_text`](Self::recv_text).
    pub async fn recv_close(&mut self) -> Result<Option<CloseFrame>, ClientError> {
        match self.recv_expecting("a Close frame").await? {
            Message::Close(frame) => Ok(frame),
            got => Err(ClientError::Unexpected { expected: "a Close frame", got }),
        }
    }

    async fn recv_expecting(&mut self, expected: &'static str) -> Result<Message, ClientError> {
        loop {
            match self.recv().await? {
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                Some(message) => return Ok(message),
                None => return Err(ClientError::Ended { expected }),
            }
        }
    }

    /// Checks that nothing but pings and pongs comes for as long as `quiet`.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] if a message comes, otherwise as [`recv`](Self::recv).
    pub async fn expect_silence(&mut self, quiet: Duration) -> Result<(), ClientError> {
        let patience = std::mem::replace(&mut self.patience, Duration::MAX);
        let came = timeout(quiet, self.recv_expecting("silence")).await;
        self.patience = patience;
        match came {
            Err(_) => Ok(()),
            Ok(came) => Err(ClientError::Unexpected { expected: "silence", got: came? }),
        }
    }

    /// Closes the connection with `code` and waits until it has ended; gives back the server's Close frame.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn close(mut self, code: u16, reason: &str) -> Result<Option<CloseFrame>, ClientError> {
        self.send(Message::Close(Some(CloseFrame { code, reason: reason.to_owned().into() }))).await?;
        let mut answer = None;
        while let Some(message) = self.recv().await? {
            if let Message::Close(frame) = message {
                answer = frame;
            }
        }
        Ok(answer)
    }
}

fn into_wire(message: Message) -> tungstenite::Message {
    match message {
        Message::Text(text) => tungstenite::Message::text(&*text),
        Message::Binary(data) => tungstenite::Message::Binary(data),
        Message::Ping(data) => tungstenite::Message::Ping(data),
        Message::Pong(data) => tungstenite::Message::Pong(data),
        Message::Close(frame) => tungstenite::Message::Close(
            frame.map(|frame| protocol::CloseFrame { code: frame.code.into(), reason: (&*frame.reason).into() }),
        ),
    }
}

fn from_wire(message: tungstenite::Message) -> Message {
    match message {
        tungstenite::Message::Text(text) => Message::text(text.as_str().to_owned()),
        tungstenite::Message::Binary(data) => Message::Binary(data),
        tungstenite::Message::Ping(data) => Message::Ping(data),
        tungstenite::Message::Pong(data) => Message::Pong(data),
        tungstenite::Message::Close(frame) => Message::Close(
            frame.map(|frame| CloseFrame { code: frame.code.into(), reason: frame.reason.as_str().to_owned().into() }),
        ),
        tungstenite::Message::Frame(_) => unreachable!("a stream that is read gives whole messages"),
    }
}
