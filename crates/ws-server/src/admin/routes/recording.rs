//! Recording what connections say, and reading what was recorded.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::admin::body::{Answer, Json};
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;
use crate::admin::recordings::{RecordingError, RecordingFormat, RecordingState, Recordings};
use crate::admin::which::{Scoping, Which};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/recording", "get_recording", "The recording that runs, or the last one.", state),
        Operation::post(
            "/recording/start",
            "start_recording",
            "Records connections from now on, open ones too.",
            start,
        )
        .says("One recording runs at a time; what the last one left behind is gone. It ends at 64 MiB.")
        .of(Scoping::OneOrAll)
        .fails(&[409, 503]),
        Operation::post("/recording/stop", "stop_recording", "Ends the recording.", stop).fails(&[409, 503]),
        Operation::get("/recording/download", "download_recording", "What was recorded so far.", download)
            .fails(&[409, 422, 503]),
    ]
}

/// A recording.
#[derive(Serialize, JsonSchema)]
struct Recording {
    /// Whether it runs.
    running: bool,
    /// Whose connections are recorded: the id of a test, `*` for all, or null for those of no test.
    test: Option<String>,
    /// When it was started, in RFC 3339; null, if there was none.
    started_at: Option<String>,
    /// Connections that were recorded.
    connections: u64,
    /// Frames that were recorded.
    entries: u64,
    /// Bytes that were written.
    bytes: u64,
    /// Frames that are missing, because the disk or the size did not allow them.
    lost: u64,
    /// Whether anything is cut short.
    truncated: bool,
}

impl From<Option<RecordingState>> for Recording {
    fn from(state: Option<RecordingState>) -> Self {
        let test = state.as_ref().and_then(|state| match &state.whose {
            Which::Untagged => None,
            Which::Test(id) => Some(id.to_string()),
            Which::All => Some("*".to_owned()),
        });
        let at = state.as_ref().and_then(|state| Timestamp::try_from(state.started_at).ok());
        let stats = state.as_ref().map(|state| state.stats).unwrap_or_default();
        Self {
            running: state.is_some_and(|state| state.is_running),
            test,
            started_at: at.map(|at| format!("{at:.3}")),
            connections: stats.connections,
            entries: stats.frames,
            bytes: stats.bytes,
            lost: stats.lost_frames,
            truncated: stats.truncated > 0 || stats.errors > 0,
        }
    }
}

async fn state(asked: Asked) -> Result<Json<Recording>, Problem> {
    let recordings = Arc::clone(&asked.admin.recordings);
    blocking(move || Ok(recordings.state())).await.map(|state| Json(state.into()))
}

async fn start(asked: Asked) -> Result<Json<Recording>, Problem> {
    let (admin, which) = (asked.admin, asked.which);
    let start = move || {
        let config = &admin.shared.version().config;
        admin.recordings.start(which, &admin.shared.live, config.redactions())
    };
    blocking(start).await.map(|state| Json(Some(state).into()))
}

async fn stop(asked: Asked) -> Result<Json<Recording>, Problem> {
    let recordings = Arc::clone(&asked.admin.recordings);
    blocking(move || recordings.stop()).await.map(|state| Json(Some(state).into()))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DownloadQuery {
    /// In which form; `jsonl` by default.
    format: Option<Format>,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// A replay file.
    #[default]
    Jsonl,
    /// A HAR file as Chrome writes them.
    Har,
}

async fn download(asked: Asked<DownloadQuery>) -> Result<Download, Problem> {
    let (format, name) = match asked.query.format.unwrap_or_default() {
        Format::Jsonl => (RecordingFormat::Jsonl, "attachment; filename=\"recording.jsonl\""),
        Format::Har => (RecordingFormat::Har, "attachment; filename=\"recording.har\""),
    };
    let (recordings, server) = (Arc::clone(&asked.admin.recordings), asked.admin.shared.url());
    let content = blocking(move || Recordings::read(&recordings, format, &server)).await?;
    Ok(Download { name, content })
}

/// A file for whoever asked; browsers keep it instead of showing it.
struct Download {
    /// What `Content-Disposition` says.
    name: &'static str,
    content: Vec<u8>,
}

impl Answer for Download {
    const CONTENT_TYPE: Option<&'static str> = Some("application/octet-stream");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "binary" })
    }

    fn into_response(self) -> Response {
        let name = HeaderValue::from_static(self.name);
        let content_type = HeaderValue::from_static("application/octet-stream");
        ([(header::CONTENT_TYPE, content_type), (header::CONTENT_DISPOSITION, name)], self.content).into_response()
    }
}

/// Does what blocks, beside those who serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RecordingError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    let failed = |reason: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason);
    done.map_err(|failure| failed(failure.to_string()))?.map_err(|error| match error {
        RecordingError::Runs | RecordingError::None => Problem::new(StatusCode::CONFLICT, error.to_string()),
        RecordingError::Replay(_) => Problem::senseless(error.to_string()),
        RecordingError::Record(_) | RecordingError::File(_) => failed(error.to_string()),
    })
}
