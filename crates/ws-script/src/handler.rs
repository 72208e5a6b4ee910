//! A script as a handler.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use ws_core::{
    Acceptance, Connection, HandlerError, HandlerResult, Handshake, HandshakeDecision, Message, Origin, PathPattern,
    Refusal, Verdict, WsContext, WsHandler, WsMessage,
};

use crate::exports::Exports;
use crate::instance::Call;
use crate::script::Script;
use crate::versions::Lease;

/// One script of a folder, as sessions call it.
///
/// It keeps the script's thread alive, and belongs to the version of the script for which it was made: whoever still calls
/// it after a [reload](crate::ScriptFolder::reload) gets that version's answers. Of old versions that somebody still uses
/// the last three are kept; for an older one the present one answers.
pub struct ScriptHandler {
    pub(crate) script: Arc<Script>,
    pub(crate) exports: Exports,
    pub(crate) lease: Arc<Lease>,
}

impl ScriptHandler {
    /// The script's file, in the folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.script.name
    }

    /// The paths that it answers on.
    #[must_use]
    pub fn paths(&self) -> &[PathPattern] {
        &self.exports.paths
    }

    /// The subprotocols that it speaks; empty: it leaves that to the server.
    #[must_use]
    pub fn subprotocols(&self) -> &[String] {
        &self.exports.subprotocols
    }

    async fn call(&self, ctx: &mut WsContext, call: Call) -> HandlerResult<()> {
        let answer = self
            .script
            .call(ctx, self.lease.version, call)
            .await
            .map_err(|error| HandlerError::Generic(error.to_string()))?;
        if answer.stopped {
            ctx.stop();
        }
        if answer.matched {
            ctx.mark_matched_by(Arc::clone(&self.script.name));
        }
        if answer.answered {
            ctx.mark_answered();
        }
        Ok(())
    }
}

#[async_trait]
impl WsHandler for ScriptHandler {
    async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
        let known = &self.exports.subprotocols;
        if known.is_empty() {
            return Ok(HandshakeDecision::Pass);
        }
        let mut offered = handshake.offered_subprotocols().peekable();
        if offered.peek().is_none() {
            return Ok(HandshakeDecision::Pass);
        }
        Ok(match offered.find(|name| known.iter().any(|known| known == name)) {
            Some(name) => Acceptance::new().subprotocol(name).into(),
            None => {
                let body = format!("none of the offered subprotocols is known here: {}\n", known.join(", "));
                Refusal::new(StatusCode::BAD_REQUEST).body(body).into()
            }
        })
    }

    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        // Who is asked about what goes out must know the connection.
        if self.exports.on_connect || self.exports.on_outbound {
            return self.call(ctx, Call::Connect).await;
        }
        self.script.meet(ctx.connection());
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if self.exports.on_message && msg != WsMessage::Close {
            return self.call(ctx, Call::Message(msg)).await;
        }
        if self.exports.on_disconnect {
            self.script.meet(ctx.connection());
        }
        Ok(())
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        // A script that came with a reload may never have met it.
        let called = if self.exports.on_disconnect && self.script.has_met(ctx.connection()) {
            let frame = ctx.close_frame().cloned();
            self.call(ctx, Call::Disconnect(frame)).await
        } else {
            Ok(())
        };
        self.script.leave(ctx.connection());
        called
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        if !self.exports.on_outbound {
            return Verdict::Pass;
        }
        self.script.ask(connection, self.lease.version, message, origin).unwrap_or_else(|error| {
            self.script.report(connection, &error);
            Verdict::Pass
        })
    }

    fn label(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name())
    }

    fn handles_path(&self, path: &str) -> bool {
        self.exports.paths.iter().any(|pattern| pattern.matches(path))
    }
}

impl fmt::Debug for ScriptHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptHandler")
            .field("name", &self.name())
            .field("paths", &self.paths())
            .finish_non_exhaustive()
    }
}
