//! The admin HTTP API below `/__admin`: what a running server sees, and what it is told to do, for tests, tools and pages.
//!
//! It speaks to the parts of a server that sessions speak to, and never touches a socket. Every answer that is no 2xx is a
//! problem document; what each operation takes and answers is described at `/__admin/openapi.json`.

mod body;
mod feed;
mod guard;
mod journals;
mod message_body;
mod object;
mod openapi;
mod operation;
mod page;
mod parameters;
mod patterns;
mod problem;
mod reach;
mod realms;
mod recordings;
mod routes;
mod table;
mod turns;
mod which;
mod whole;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::request::Parts;
use http::{HeaderValue, header};
use tokio::sync::Semaphore;
use tracing::warn;

pub(crate) use self::guard::Listening;
use self::openapi::Description;
use self::problem::Problem;
pub(crate) use self::recordings::Recordings;
use self::table::Table;
use self::turns::Turns;
use crate::AdminConfig;
use crate::shared::Shared;

/// Where the API begins.
const ROOT: &str = "/__admin";

/// The API of one server.
struct Admin {
    shared: Arc<Shared>,
    recordings: Arc<Recordings>,
    table: Table,
    description: Description,
    /// Who may have all files read again.
    reloads: Turns,
    /// Who may wait for something to happen.
    waits: Semaphore,
    /// Who may upload.
    uploads: Semaphore,
    /// Whose upload is compiled.
    compiles: Turns,
    /// Who may look on.
    streams: Arc<Semaphore>,
}

/// The most requests that wait at once.
const WAITS: usize = 256;
/// The most uploads at once.
const UPLOADS: usize = 4;
/// The most who look on at once.
const STREAMS: usize = 16;

/// The API's routes, beside those of `router`.
pub(crate) fn routes(router: Router, shared: Arc<Shared>, recordings: Arc<Recordings>) -> Router {
    let admin = Arc::new(Admin {
        shared,
        recordings,
        table: Table::new(routes::all()),
        description: Description::default(),
        reloads: Turns::new(1),
        waits: Semaphore::new(WAITS),
        uploads: Semaphore::new(UPLOADS),
        compiles: Turns::new(UPLOADS),
        streams: Arc::new(Semaphore::new(STREAMS)),
    });
    let answer = any(move |request: Request| {
        let admin = Arc::clone(&admin);
        async move { admin.answer(request).await }
    });
    [ROOT, "/__admin/", "/__admin/{*rest}"].into_iter().fold(router, |router, path| router.route(path, answer.clone()))
}

/// Says that nobody will be answered, where that is so.
pub(crate) fn warn_if_refused(address: SocketAddr, config: &AdminConfig) {
    if config.token.is_none() && !address.ip().is_loopback() {
        warn!(
            "the admin API at {ROOT} answers nobody: beyond this machine it needs a token, by MOCKFORGE_WS_ADMIN_TOKEN, \
             --admin-token TOKEN or `admin.token`"
        );
    }
}

impl Admin {
    async fn answer(self: Arc<Self>, request: Request) -> Response {
        let config = Arc::clone(&self.shared.version().config);
        let (head, body) = request.into_parts();
        let asked = head.headers.clone();
        let answered = self.decide(head, body, &config.admin).await;
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        guard::share(&asked, headers, &config.admin);
        response
    }

    async fn decide(self: Arc<Self>, head: Parts, body: Body, config: &AdminConfig) -> Result<Response, Problem> {
        if let Some(answer) = guard::preflight(&head, config) {
            return answer;
        }
        let upgrade = head.headers.get(header::UPGRADE).map(HeaderValue::as_bytes);
        if upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket")) {
            return Err(Problem::not_found("there are no WebSockets here: they are at /ws and /ws/..."));
        }
        let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default().to_owned();
        if let Some(answer) = page::answer(&head.method, &path) {
            return answer;
        }
        let found = self.table.find(&head.method, &path);
        if !found.as_ref().is_ok_and(|(operation, _)| operation.is_public) {
            // Who may not ask does not learn what there is.
            guard::admit(&head, config)?;
        }
        let (operation, id) = found?;
        operation.answer(Arc::clone(&self), id.to_owned(), head, body).await
    }
}
