//! A WebSocket mock server to embed: handlers, rooms, patterns and replay files on one session engine.
//!
//! ```no_run
//! use std::sync::Arc;
//! use mockforge_ws::{HandlerRegistry, WsMessage, handler_fn, router_with_handlers};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let registry = HandlerRegistry::new();
//!     registry.register(handler_fn(|ctx, msg| {
//!         Box::pin(async move {
//!             match msg {
//!                 WsMessage::Text(text) => ctx.send_text(&format!("you said: {text}")).await,
//!                 _ => Ok(()),
//!             }
//!         })
//!     }));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3030").await?;
//!     axum::serve(listener, router_with_handlers(Arc::new(registry))).await
//! }
//! ```
//!
//! This crate only re-exports. Who needs one part alone depends on that part's crate: `ws-core` for the vocabulary,
//! `ws-patterns`, `ws-rooms`, `ws-conditions`, `ws-proxy`, `ws-replay`, `ws-ai`, `ws-script`, `ws-metrics`, `ws-server`,
//! `ws-testing`.

pub use ws_ai::{
    AiError, AiEvent, AiEventGenerator, AiHandler, AiLimits, AiObserver, AugmentedReplay, AugmentedScript, BudgetSpent,
    CallOutcome, Draft, EmbeddedProvider, Listener, MAX_RATE, Narrator, OnFailure, PROVIDER_NAMES, Piece, Pieces,
    Provider, ProviderError, ProviderErrorKind, RejectKind, ReplayAugmentationConfig, Request, Story, StoryFacts,
    Usage, WebSocketAiConfig,
};
pub use ws_conditions::{
    Bandwidth, Conditions, ConditionsError, ConnectionNumbers, Drip, Fault, FaultConfig, FaultDirection, FaultRule,
    LatencyDistribution, LatencyInjector, LatencyProfile, OverLimit, PRESETS, Preset, RateLimit, RateLimiter, Schedule,
    Trigger,
};
pub use ws_core::{
    Acceptance, BatchLimits, CloseFrame, Connection, Direction, EndStatus, Extensions, Handled, HandlerError,
    HandlerFuture, HandlerRegistry, HandlerResult, HandlerSet, Handshake, HandshakeDecision, Message, MessageBuffer,
    Middleware, NearMiss, ObservedFrame, Offered, Origin, PathPattern, PathPatternError, QueueLimits, Refusal,
    RoomSender, Rooms, SessionEnd, SessionEnding, SessionObserver, SessionPart, TrySendError, Unmatched, Verdict,
    WhenFull, WsContext, WsHandler, WsMessage, WsSender, close_code, for_subprotocol, handler_fn, inbound_filter,
};
pub use ws_metrics::{
    HandlerCall, HandlerMeter, HandlerMetrics, MeteredCall, MetricsRegistry, UpgradeRequest, create_ws_connection_span,
    create_ws_message_span, get_global_registry, record_ws_connection_end, record_ws_error, record_ws_message_failure,
    record_ws_message_success, trace_id,
};
#[cfg(feature = "otlp")]
pub use ws_metrics::{OtlpError, OtlpTraces};
pub use ws_patterns::{
    Captures, Correlation, CorrelationBuilder, CorrelationError, CorrelationState, Difference, Event, Expression,
    ExpressionError, Facts, JsonPath, MachineState, MessagePattern, MessageRouter, MessageText, Name, Outcome,
    OutcomeKind, PatternSet, StateMachine, StateMachineBuilder, StateMachineError, StateMachineProblem,
    StateMachineWarning, Timer, Transition,
};
pub use ws_proxy::{
    Fallback, PassthroughConfig, PassthroughHandler, ProxyDirection, ProxyError, ProxyMock, ProxyRule, TransformFn,
    Transformed, UpstreamConnection, UpstreamPool, UpstreamTls, WsProxyConfig, WsProxyHandler,
};
pub use ws_replay::{
    CheckOutcome, CheckReport, CheckResult, ClientMoment, ClientPart, FileKind, HarError, HarExport, HarFile,
    HarLayout, HarSocket, Problem, RecordError, RecordOptions, RecordStats, Recorder, Redaction, ReplayDirection,
    ReplayEntry, ReplayErrors, ReplayHandler, ReplayOptions, ReplayScript, ReportFormat, RoomMemory, RuleHandler,
    RuleSet, SessionVerdict, Speed, TemplateClock, TemplateRenderer, UnknownClientMessage,
};
pub use ws_rooms::{RoomBroadcaster, RoomLimits, RoomManager, RoomOptions};
#[cfg(feature = "js")]
pub use ws_script::{
    OnFault, ReloadReport as ScriptReloadReport, SAMPLES as SCRIPT_SAMPLES, ScriptError, ScriptErrorKind, ScriptErrors,
    ScriptFolder, ScriptHandler, ScriptLimits, ScriptOptions, TYPES as SCRIPT_TYPES,
};
pub use ws_server::{
    AcceptWith, AdminConfig, Counted, EventFilter, EventKind, EventName, Expected, FilterError, FilterErrors, Found,
    HandledAs, HandshakeRule, HandshakeRules, Journal, JournalConfig, JournalEvent, JournalQuery, JournalWatch,
    MessageType, NearMissed, OnScriptError, PathConfig, PathMode, RateLimited, RefuseWith, ReloadOutcome, ReloadPolicy,
    ReloadReport, Scope, ScriptsConfig, ServerError, ServerHandle, Subprotocols, TlsConfig, TlsError, UnmatchedMessage,
    Waited, WsConfig, WsServer, WsServerBuilder, parse_duration, parse_rate, parse_size, router, router_with_handlers,
    router_with_latency, router_with_proxy, start_with_latency, try_router,
};
#[cfg(feature = "testing")]
pub use ws_testing::{
    ClientError, Expectation, Expecting, IntoPattern, TestClient, TestClientBuilder, TestServer, Unmet, Unverified,
};

/// The examples of the README and of the handbooks are tests.
#[cfg(all(doctest, feature = "testing"))]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct FrontPage;

    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/ai.md")]
    struct Ai;

    #[doc = include_str!("../../../docs/conditions.md")]
    struct Conditions;

    #[doc = include_str!("../../../docs/handlers.md")]
    struct Handlers;

    #[cfg(unix)]
    #[doc = include_str!("../../../docs/hot-reload.md")]
    struct HotReload;

    #[doc = include_str!("../../../docs/proxy.md")]
    struct Proxy;

    #[doc = include_str!("../../../docs/tls.md")]
    struct Tls;
}
