//! One call: how it is sent, how long it may take, and what of its answer async-openai gets to see.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::Client;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, header};
use reqwest::{Body, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::answer::Answer;
use super::chunk::Chunk;
use super::lines::{Ending, Form, Lines};
use super::refusal::{Refusal, quote};
use super::transport::{Place, client};
use crate::provider::api_key::ApiKey;
use crate::provider::choice::ModelEndpoint;
use crate::{AiError, ProviderError, ProviderErrorKind};

/// How much of an answer that is none is read.
const MOST_BYTES_OF_A_REFUSAL: usize = 8 << 10;

/// What a server sends, as it comes.
pub(super) type Bytes = BoxStream<'static, Result<Vec<u8>, reqwest::Error>>;

/// The calls of one endpoint. They share its connections, and nothing else.
pub(super) struct Calls {
    http: reqwest::Client,
    place: Place,
    key: Option<ApiKey>,
    idle: Duration,
}

impl Calls {
    pub(super) fn new(endpoint: &ModelEndpoint, call_timeout: Duration) -> Result<Self, AiError> {
        let http = client(endpoint, call_timeout)?;
        let place = Place::new(&endpoint.base_url);
        Ok(Self { http, place, key: endpoint.key.clone(), idle: call_timeout })
    }

    /// Sends a request; an answer has begun when this returns it.
    pub(super) async fn begin(&self, body: &Value) -> Result<Answer, Refusal> {
        let ending = Ending::default();
        let call = Call {
            http: self.http.clone(),
            key: self.key.clone(),
            patience: Patience::new(self.idle),
            ending: ending.clone(),
        };
        let client = Client::build(self.http.clone(), self.place.clone()).with_http_service(call);
        match client.chat().create_stream_byot::<_, Chunk>(body).await {
            Ok(chunks) => Ok(Answer::new(chunks, ending, self.key.clone())),
            Err(OpenAIError::Boxed(error)) if error.is::<Refusal>() => match error.downcast::<Refusal>() {
                Ok(refusal) => Err(*refusal),
                Err(_) => Err(unexpected()),
            },
            Err(_) => Err(unexpected()),
        }
    }
}

/// All errors are made in `Call`. What async-openai would say may quote the server, so it is not repeated.
fn unexpected() -> Refusal {
    Refusal::new(ProviderErrorKind::Malformed, "the request could not be sent")
}

/// How long a server is waited for.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// How long nothing may come.
    idle: Duration,
    /// Until when all must have come; `None`: for ever, as the sum is beyond what clocks can tell.
    until: Option<Instant>,
}

impl Patience {
    fn new(idle: Duration) -> Self {
        // A server that sends a word now and then is not idle, but there is an end to it.
        Self { idle, until: Instant::now().checked_add(idle.saturating_mul(10)) }
    }

    pub(super) async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, ProviderError> {
        let left = self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let within = self.idle.min(left);
        tokio::time::timeout(within, work).await.map_err(|_| {
            let problem = match left < self.idle {
                true => format!("the provider's answer took longer than {:?}", self.idle.saturating_mul(10)),
                false => format!("nothing came from the provider for {:?}", self.idle),
            };
            ProviderError::new(ProviderErrorKind::Timeout, problem)
        })
    }
}

/// The HTTP service that async-openai gets for one call.
#[derive(Clone)]
struct Call {
    http: reqwest::Client,
    key: Option<ApiKey>,
    patience: Patience,
    ending: Ending,
}

impl tower_service::Service<HttpRequestFactory> for Call {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let call = self.clone();
        Box::pin(async move { call.send(request).await.map_err(|refusal| OpenAIError::Boxed(Box::new(refusal))) })
    }
}

impl Call {
    async fn send(self, request: HttpRequestFactory) -> Result<Response, Refusal> {
        let mut request = request.build().await.map_err(|_| unexpected())?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(key) = &self.key {
            let bearer = format!("Bearer {}", key.reveal());
            let mut value = HeaderValue::try_from(bearer).map_err(|_| unexpected())?;
            // Whoever prints a request does not print this.
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let sent = self.patience.wait(self.http.execute(request)).await.map_err(without_words)?;
        let response = sent.map_err(|error| not_sent(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes: Bytes = response.bytes_stream().map_ok(Vec::from).boxed();
        if !status.is_success() {
            let said = self.first_words(&mut bytes).await;
            return Err(Refusal::of_status(status, &headers, said, self.key.as_ref()));
        }
        let form = match content_type(&headers).as_str() {
            "" | "text/event-stream" | "text/plain" => Form::Events,
            // The server does not stream.
            "application/json" => Form::Whole,
            other => {
                let said = self.first_words(&mut bytes).await;
                let said = quote(&format!("{other}: {said}"), self.key.as_ref());
                let message = format!("the provider's answer is not a stream of events, but {said}");
                return Err(Refusal::new(ProviderErrorKind::Malformed, message));
            }
        };
        let lines = Lines::new(bytes, form, self.patience, self.key, self.ending);
        let mut response = http::Response::new(Body::wrap_stream(lines.into_stream()));
        *response.status_mut() = status;
        Ok(response.into())
    }

    /// The beginning of a body, as far as it comes in time.
    async fn first_words(&self, bytes: &mut Bytes) -> String {
        let mut words = Vec::new();
        while words.len() < MOST_BYTES_OF_A_REFUSAL
            && let Ok(Some(Ok(more))) = self.patience.wait(bytes.next()).await
        {
            words.extend(more);
        }
        words.truncate(MOST_BYTES_OF_A_REFUSAL);
        String::from_utf8_lossy(&words).into_owned()
    }
}

fn without_words(error: ProviderError) -> Refusal {
    Refusal { error, said: String::new() }
}

fn not_sent(error: &reqwest::Error) -> Refusal {
    let kind =
        if error.is_connect() || error.is_timeout() { ProviderErrorKind::Connect } else { ProviderErrorKind::Cut };
    let what = if kind == ProviderErrorKind::Connect { "the provider cannot be reached" } else { "the call broke off" };
    Refusal::new(kind, format!("{what}: {}", innermost(error)))
}

/// The reason that the system gave, without the URL and the layers above it.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(below) = reason.source() {
        reason = below;
    }
    quote(&reason.to_string(), None)
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_lowercase()
}
