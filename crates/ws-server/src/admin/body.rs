//! What is sent to operations, and what they answer: how each is read or written, and how it is described.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::{Instant, timeout_at};

use super::object::object;
use super::problem::{Mistake, Problem};

/// The most bytes of a body that is no upload.
const MOST_BYTES: usize = 1024 * 1024;
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const JSON: &str = "application/json";

/// What an operation takes.
pub(super) trait Taken: Sized + Send + 'static {
    /// The most bytes; 0: it takes nothing, and what is sent is not read.
    const MOST_BYTES: usize;
    /// Whether there may be nothing.
    const IS_OPTIONAL: bool = false;
    /// Whether only a few may send it at once.
    const IS_LARGE: bool = false;
    /// The content types that it may come in.
    const CONTENT_TYPES: &'static [&'static str];

    fn schema(generator: &mut SchemaGenerator) -> Schema;

    /// Reads what was sent; `content_type` is one of the above.
    fn parse(content_type: &str, bytes: &Bytes) -> Result<Self, Problem>;
}

impl Taken for () {
    const MOST_BYTES: usize = 0;
    const CONTENT_TYPES: &'static [&'static str] = &[];

    fn schema(_: &mut SchemaGenerator) -> Schema {
        false.into()
    }

    fn parse(_: &str, _: &Bytes) -> Result<Self, Problem> {
        Ok(())
    }
}

/// A value as JSON, taken or answered.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Taken for Json<T> {
    const MOST_BYTES: usize = MOST_BYTES;
    const CONTENT_TYPES: &'static [&'static str] = &[JSON];

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }

    fn parse(_: &str, bytes: &Bytes) -> Result<Self, Problem> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let read = object(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
        read.map(Self).map_err(|error: serde_json::Error| {
            // Of JSON that is something else than it is taken for, serde says that it cannot be read, too.
            let problem = if error.is_data() || serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
                Problem::senseless("the body is not the JSON that is wanted here")
            } else {
                Problem::unreadable("the body is no JSON")
            };
            problem.errors([Mistake::of_json(&error)])
        })
    }
}

/// A value as JSON; nothing stands for its default.
pub(super) struct JsonOrNothing<T>(pub(super) T);

impl<T: DeserializeOwned + JsonSchema + Default + Send + 'static> Taken for JsonOrNothing<T> {
    const MOST_BYTES: usize = MOST_BYTES;
    const IS_OPTIONAL: bool = true;
    const CONTENT_TYPES: &'static [&'static str] = &[JSON];

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }

    fn parse(content_type: &str, bytes: &Bytes) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        Json::parse(content_type, bytes).map(|Json(value)| Self(value))
    }
}

/// A text in one of the formats of files.
pub(super) struct UploadedText(pub(super) String);

impl Taken for UploadedText {
    const MOST_BYTES: usize = 16 * 1024 * 1024;
    const IS_LARGE: bool = true;
    const CONTENT_TYPES: &'static [&'static str] = &["application/yaml", JSON, "application/x-ndjson", "text/plain"];

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = String::json_schema(generator);
        schema.insert("minLength".to_owned(), 1.into());
        schema
    }

    fn parse(_: &str, bytes: &Bytes) -> Result<Self, Problem> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self(text.to_owned())),
            Err(error) => Err(Problem::unreadable(format!("the text is not UTF-8: {error}"))),
        }
    }
}

/// Reads the body of a request.
pub(super) async fn take<T: Taken>(request: &Parts, body: Body) -> Result<T, Problem> {
    if T::MOST_BYTES == 0 {
        return T::parse("", &Bytes::new());
    }
    let content_type = content_type(&request.headers);
    let known = content_type.as_deref().and_then(|sent| T::CONTENT_TYPES.iter().find(|known| **known == sent));
    let is_said_to_be_empty = says_length(&request.headers) == Some(0);
    if known.is_none() && (content_type.is_some() || has_body(&request.headers)) && !is_said_to_be_empty {
        return Err(unsupported(T::CONTENT_TYPES));
    }
    let bytes = read(&request.headers, body, T::MOST_BYTES).await?;
    if bytes.is_empty() && !T::IS_OPTIONAL {
        return Err(Problem::unreadable(format!("a body is wanted here: {}", T::CONTENT_TYPES.join(" or "))));
    }
    T::parse(known.copied().unwrap_or_default(), &bytes)
}

/// The content type without its parameters, in lower case.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn says_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING) || says_length(headers).is_some_and(|length| length > 0)
}

fn unsupported(wanted: &[&str]) -> Problem {
    let hint = match wanted {
        [JSON] => "`curl --json` sends it".to_owned(),
        _ => format!("`curl -H 'Content-Type: {}'` says so", wanted.first().copied().unwrap_or_default()),
    };
    let detail = format!("send the body as {} ({hint})", wanted.join(", "));
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}

async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Problem> {
    let too_large =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body may have {most} bytes, and has more"));
    // Before anything of it is read.
    if says_length(headers).is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let deadline = Instant::now() + BODY_TIMEOUT;
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    loop {
        match timeout_at(deadline, chunks.next()).await {
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Ok(chunk))) if bytes.len() + chunk.len() > most => return Err(too_large()),
            Ok(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk),
            Ok(Some(Err(_))) => return Err(Problem::unreadable("the body ended early")),
            Err(_) => {
                let detail = format!("the body was not there after {} s", BODY_TIMEOUT.as_secs());
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
            }
        }
    }
}

/// What an operation answers where it is done.
pub(super) trait Answer: Send + 'static {
    const STATUS: StatusCode = StatusCode::OK;
    /// None: there is no content.
    const CONTENT_TYPE: Option<&'static str>;

    fn schema(generator: &mut SchemaGenerator) -> Schema;

    fn into_response(self) -> Response;
}

impl<T: Serialize + JsonSchema + Send + 'static> Answer for Json<T> {
    const CONTENT_TYPE: Option<&'static str> = Some(JSON);

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }

    fn into_response(self) -> Response {
        json(Self::STATUS, JSON, &self.0)
    }
}

/// A value as an answer.
pub(super) fn json(status: StatusCode, content_type: &'static str, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response(),
        // No type of ours has maps whose keys are no texts.
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// It is done, and there is nothing to say.
pub(super) struct Done;

impl Answer for Done {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;
    const CONTENT_TYPE: Option<&'static str> = None;

    fn schema(_: &mut SchemaGenerator) -> Schema {
        false.into()
    }

    fn into_response(self) -> Response {
        Self::STATUS.into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// A body of which a byte comes every `pause`, and that never ends.
    fn endless(pause: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            sleep(pause).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        }))
    }

    /// Neither one of which nothing comes, nor one that comes by drops, keeps anybody longer than a body may take.
    #[tokio::test(start_paused = true)]
    async fn a_body_comes_in_time() {
        for pause in [Duration::from_secs(3_600), Duration::from_secs(7), Duration::from_millis(1)] {
            let began = Instant::now();
            let problem = read(&HeaderMap::new(), endless(pause), MOST_BYTES).await.unwrap_err();
            assert_eq!(problem.status(), StatusCode::REQUEST_TIMEOUT);
            assert_eq!(began.elapsed(), Duration::from_secs(30), "{pause:?}");
        }
        let slow = stream::once(async {
            sleep(Duration::from_secs(29)).await;
            Ok::<_, Infallible>(Bytes::from_static(b"{}"))
        });
        assert_eq!(read(&HeaderMap::new(), Body::from_stream(slow), MOST_BYTES).await.unwrap(), "{}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_read_than_there_may_be() {
        for (length, status) in [(7, None), (8, Some(StatusCode::PAYLOAD_TOO_LARGE))] {
            let body = Body::from("x".repeat(length));
            let read = read(&HeaderMap::new(), body, 7).await;
            assert_eq!(read.err().map(|problem| problem.status()), status, "{length}");
        }
        // It never ends: it is refused when there is too much of it, and not when the time is up.
        let began = Instant::now();
        let problem = read(&HeaderMap::new(), endless(Duration::from_millis(1)), 7).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}
