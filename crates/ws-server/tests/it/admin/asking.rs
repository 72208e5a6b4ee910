//! Asking the API, as a client that knows nothing but HTTP.

use std::net::SocketAddr;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use ws_metrics::MetricsRegistry;
use ws_server::{WsConfig, WsServer, WsServerBuilder};
use ws_testing::TestServer;

use crate::raw_client::{RawClient, Response};

/// A server with its API.
pub(crate) async fn serve_admin(builder: WsServerBuilder) -> TestServer {
    TestServer::start(builder.admin_routes().metrics(MetricsRegistry::new()).build().unwrap()).await
}

/// The API of a server.
pub(crate) struct Api {
    address: SocketAddr,
    headers: String,
    description: OnceCell<Value>,
}

impl Api {
    pub(crate) fn of(server: &TestServer) -> Self {
        Self { address: server.address(), headers: String::new(), description: OnceCell::new() }
    }

    /// The API of an echo server, and the server.
    pub(crate) async fn of_echo() -> (Self, TestServer) {
        let server = serve_admin(WsServer::builder()).await;
        (Self::of(&server), server)
    }

    /// The API of a server with this configuration, and the server.
    pub(crate) async fn of_config(config: WsConfig) -> (Self, TestServer) {
        let server = serve_admin(WsServer::builder().config(config)).await;
        (Self::of(&server), server)
    }

    /// Says this with every request.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }

    /// Asks; the answer is one that the description has.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let content_type = if body.is_some() { "Content-Type: application/json\r\n" } else { "" };
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.ask_with(method, path, content_type, &body).await
    }

    /// Asks with a body of any kind; `headers` are lines.
    pub(crate) async fn ask_with(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let answer = self.send(method, path, headers, body).await;
        let description = self.description.get_or_init(|| async { self.describe().await }).await;
        assert_described(description, method, path, &answer);
        answer
    }

    /// Sends a request as it is written.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let (host, own, length) = (self.address, &self.headers, body.len());
        let mut client = RawClient::connect(self.address).await;
        let length = if length > 0 { format!("Content-Length: {length}\r\n") } else { String::new() };
        let has_host = headers.lines().any(|line| line.to_lowercase().starts_with("host:"));
        let host = if has_host { String::new() } else { format!("Host: {host}\r\n") };
        let request = format!("{method} /__admin{path} HTTP/1.1\r\n{host}{own}{headers}{length}\r\n{body}");
        client.request(&request).await.into()
    }

    async fn describe(&self) -> Value {
        self.send("GET", "/openapi.json", "", "").await.done()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).await.done()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, Some(body)).await.done()
    }

    /// The id of the only open connection.
    pub(crate) async fn only_connection(&self) -> String {
        let listed = self.get("/connections?test=*").await;
        assert_eq!(listed["total"], 1, "{listed}");
        listed["connections"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        assert_eq!(response.headers["x-content-type-options"], "nosniff");
        Self { response }
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.response.status.as_u16()
    }

    pub(crate) fn content_type(&self) -> &str {
        self.response.headers.get(http::header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.response.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What was answered, if it was done.
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        assert!(self.response.status.is_success(), "{self:?}");
        if self.response.status == StatusCode::NO_CONTENT { Value::Null } else { self.json() }
    }

    /// The detail of a problem.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> String {
        assert_eq!(self.status(), status, "{self:?}");
        assert_eq!(self.content_type(), "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!("about:blank")));
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        let errors = problem["errors"].as_array().into_iter().flatten().map(|error| error["detail"].to_string());
        let lines = std::iter::once(problem["detail"].as_str().unwrap().to_owned()).chain(errors);
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Checks that the description has the answer: its status for the operation, with its content type.
#[track_caller]
fn assert_described(description: &Value, method: &str, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let fits = |pattern: &str| {
        let (wanted, found): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        let same = |(wanted, found): (&&str, &&str)| wanted == found || (*wanted == "{id}" && !found.is_empty());
        wanted.len() == found.len() && wanted.iter().zip(&found).all(same)
    };
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
    let paths = description["paths"].as_object().unwrap();
    // A path that is written out is no id.
    let fitting = paths.iter().filter(|(pattern, _)| fits(pattern)).min_by_key(|(pattern, _)| pattern.contains('{'));
    let operation = fitting.and_then(|(_, operations)| operations.get(&method));
    let Some(operation) = operation else {
        assert!(matches!(answer.status(), 401 | 403 | 404 | 405), "{method} {path}: {answer:?}");
        return;
    };
    let described = &operation["responses"][answer.status().to_string()];
    assert!(described.is_object(), "{method} {path} is not described to answer {answer:?}");
    match described["content"].as_object() {
        Some(content) => assert!(content.contains_key(answer.content_type()), "{method} {path}: {answer:?}"),
        None => assert!(answer.response.body.is_empty(), "{method} {path}: {answer:?}"),
    }
}
