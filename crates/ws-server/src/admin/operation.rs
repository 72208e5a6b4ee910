//! One operation: how it is asked for, what it takes and answers, and what does it. Both the routing and the description of
//! the API are made of these.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Admin;
use super::body::{self, Answer, Taken};
use super::parameters::Parameters;
use super::problem::Problem;
use super::which::{Scoping, Which};

/// What an operation is asked.
pub(super) struct Asked<Q = NoQuery, B = ()> {
    pub(super) admin: Arc<Admin>,
    /// What stands at `{id}` in its path.
    pub(super) id: String,
    pub(super) which: Which,
    pub(super) query: Q,
    pub(super) body: B,
}

/// No parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// What does an operation.
pub(super) trait Does<Q, B>: Clone + Send + Sync + 'static {
    type Answer: Answer;

    fn answer(&self, asked: Asked<Q, B>) -> impl Future<Output = Result<Self::Answer, Problem>> + Send;
}

impl<Q, B, A, F, R> Does<Q, B> for F
where
    A: Answer,
    F: Fn(Asked<Q, B>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, Problem>> + Send,
{
    type Answer = A;

    fn answer(&self, asked: Asked<Q, B>) -> impl Future<Output = Result<A, Problem>> + Send {
        self(asked)
    }
}

/// A request, before an operation reads what it takes.
struct Unread {
    admin: Arc<Admin>,
    id: String,
    which: Which,
    pairs: Vec<(String, String)>,
    head: Parts,
    body: Body,
}

type Run = Box<dyn Fn(Unread) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// One operation.
pub(super) struct Operation {
    pub(super) method: Method,
    /// Below the root of the API; a segment `{id}` stands for any.
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: Option<&'static str>,
    /// Whether everybody may ask.
    pub(super) is_public: bool,
    pub(super) scoping: Scoping,
    pub(super) parameters: Arc<Parameters>,
    pub(super) takes: Option<TakenContent>,
    pub(super) answers: AnsweredContent,
    /// The statuses with which it is not done, beside those that follow from what it takes.
    problems: &'static [u16],
    run: Run,
}

/// What an operation takes, to be described.
pub(super) struct TakenContent {
    pub(super) content_types: &'static [&'static str],
    pub(super) is_optional: bool,
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// What an operation answers, to be described.
pub(super) struct AnsweredContent {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<&'static str>,
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Operation {
    pub(super) fn get<Q>(path: &'static str, name: &'static str, summary: &'static str, run: impl Does<Q, ()>) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
    {
        Self::new(Method::GET, path, name, summary, run)
    }

    pub(super) fn post<Q, B>(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        run: impl Does<Q, B>,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: Taken,
    {
        Self::new(Method::POST, path, name, summary, run)
    }

    pub(super) fn put<Q, B>(path: &'static str, name: &'static str, summary: &'static str, run: impl Does<Q, B>) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: Taken,
    {
        Self::new(Method::PUT, path, name, summary, run)
    }

    pub(super) fn delete<Q>(
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        run: impl Does<Q, ()>,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
    {
        Self::new(Method::DELETE, path, name, summary, run)
    }

    fn new<Q, B, D>(method: Method, path: &'static str, name: &'static str, summary: &'static str, run: D) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: Taken,
        D: Does<Q, B>,
    {
        let parameters = Arc::new(Parameters::of::<Q>());
        Self {
            method,
            path,
            name,
            summary,
            description: None,
            is_public: false,
            scoping: Scoping::None,
            parameters: Arc::clone(&parameters),
            takes: (B::MOST_BYTES > 0).then_some(TakenContent {
                content_types: B::CONTENT_TYPES,
                is_optional: B::IS_OPTIONAL,
                schema: B::schema,
            }),
            answers: AnsweredContent {
                status: D::Answer::STATUS,
                content_type: D::Answer::CONTENT_TYPE,
                schema: D::Answer::schema,
            },
            problems: &[],
            run: Box::new(move |Unread { admin, id, which, pairs, head, body }| {
                let (run, parameters) = (run.clone(), Arc::clone(&parameters));
                async move {
                    let query = parameters.read(&pairs)?;
                    // Whoever comes when enough are uploading waits for a turn, with nothing read.
                    let _turn = if B::IS_LARGE {
                        tokio::select! {
                            biased;
                            () = admin.shared.shutdown.cancelled() => return Err(Problem::shutting_down()),
                            turn = admin.uploads.acquire() => turn.ok(),
                        }
                    } else {
                        None
                    };
                    let body = body::take::<B>(&head, body).await?;
                    let asked = Asked { admin: Arc::clone(&admin), id, which, query, body };
                    run.answer(asked).await.map(D::Answer::into_response)
                }
                .boxed()
            }),
        }
    }

    /// Says more about it than the summary.
    pub(super) fn says(self, description: &'static str) -> Self {
        Self { description: Some(description), ..self }
    }

    pub(super) fn of(self, scoping: Scoping) -> Self {
        Self { scoping, ..self }
    }

    /// Everybody may ask.
    pub(super) fn public(self) -> Self {
        Self { is_public: true, ..self }
    }

    /// Names the statuses with which it is not done, beside those that follow from what it takes.
    pub(super) fn fails(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }

    /// All statuses with which it is not done, in order.
    pub(super) fn problems(&self) -> Vec<u16> {
        let mut all = self.problems.to_vec();
        if !self.is_public {
            all.extend([401, 403]);
        }
        // What is not known in a query is a mistake where nothing is known, too.
        all.push(400);
        if self.takes.is_some() {
            all.extend([408, 413, 415, 422]);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Does it.
    pub(super) async fn answer(
        &self,
        admin: Arc<Admin>,
        id: String,
        head: Parts,
        body: Body,
    ) -> Result<Response, Problem> {
        let pairs = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned();
        let (tests, pairs): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| self.scoping.takes(name));
        let tests: Vec<_> = tests.into_iter().map(|(_, id)| id).collect();
        self.scoping.check(pairs.iter().map(|(name, _)| name.as_str()))?;
        let which = self.scoping.read(&head.headers, &tests)?;
        // What stands there may be any name.
        let id = percent_decode_str(&id).decode_utf8_lossy().into_owned();
        (self.run)(Unread { admin, id, which, pairs, head, body }).await
    }
}
