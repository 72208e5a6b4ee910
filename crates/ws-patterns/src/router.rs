//! A router: the first pattern that has an answer gives it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use ws_core::{HandlerResult, Message, NearMiss, Unmatched, WsContext, WsHandler, WsMessage};

use crate::excerpt::shorten;
use crate::{MessagePattern, MessageText, PatternSet};

/// Answers text messages by patterns, in the order in which they were added.
///
/// It is also a [`WsHandler`] of all paths: a text message that has an answer gets it, and everything else is left to
/// the handlers after it. A message's JSON is parsed at most once, and few patterns of many are tried: those of a
/// [`PatternSet`]. A message that no route answers, and no handler before it took, is told with the nearest patterns to
/// observers, unless a later handler takes it.
///
/// ```
/// use ws_patterns::{MessagePattern, MessageRouter};
///
/// let mut router = MessageRouter::new();
/// router
///     .on(MessagePattern::exact("ping"), |_| Some("pong".to_string()))
///     .on(MessagePattern::jsonpath("$.action"), |msg| Some(format!("Received action: {msg}")));
///
/// assert_eq!(router.route("ping").as_deref(), Some("pong"));
/// assert_eq!(router.route("something else"), None);
/// ```
#[derive(Default)]
pub struct MessageRouter {
    routes: Vec<Route>,
    /// The patterns of all routes, indexed when the first message comes.
    patterns: OnceLock<PatternSet>,
}

type Answer = dyn Fn(&str) -> Option<String> + Send + Sync;

struct Route {
    /// How messages call it.
    name: Arc<str>,
    pattern: MessagePattern,
    answer: Box<Answer>,
}

impl MessageRouter {
    /// A router without routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route: if `pattern` matches, and no earlier route had an answer, `answer` is asked for one. `None` leaves
    /// the message to later routes.
    pub fn on(
        &mut self,
        pattern: MessagePattern,
        answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> &mut Self {
        let name = format!("route `{}`", shorten(&pattern.to_string())).into();
        self.routes.push(Route { name, pattern, answer: Box::new(answer) });
        self.patterns.take();
        self
    }

    /// The answer of the first route that matches and has one.
    #[must_use]
    pub fn route(&self, text: &str) -> Option<String> {
        self.route_text(&MessageText::new(text)).map(|(_, answer)| answer)
    }

    fn route_text(&self, message: &MessageText<'_>) -> Option<(&Route, String)> {
        self.patterns().matches(message).find_map(|number| {
            let route = &self.routes[number];
            (route.answer)(message.as_str()).map(|answer| (route, answer))
        })
    }

    fn patterns(&self) -> &PatternSet {
        self.patterns.get_or_init(|| self.routes.iter().map(|route| route.pattern.clone()).collect())
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there is no route.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

#[async_trait]
impl WsHandler for MessageRouter {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        let message = MessageText::new(text.as_str());
        match self.route_text(&message) {
            Some((route, answer)) => {
                ctx.mark_matched_by(Arc::clone(&route.name));
                ctx.send_text(&answer).await
            }
            None => {
                if !ctx.is_matched() {
                    let nearest = self.patterns().nearest(&message, Unmatched::MOST_NEAR_MISSES);
                    let misses = nearest.into_iter().map(|(number, difference)| {
                        let name = &*self.routes[number].name;
                        NearMiss::new(name, difference.text()).closeness(difference.closeness())
                    });
                    ctx.add_near_misses(&Message::text(text.as_str()), misses);
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for MessageRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| &route.pattern)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever parsed the text again would find no JSON in it.
    #[test]
    fn routes_look_at_the_json_that_was_parsed_already() {
        let message = MessageText::parsed_as("not JSON", serde_json::json!({"a": 1, "b": 2}));
        let mut router = MessageRouter::new();
        router
            .on(MessagePattern::jsonpath("$.missing"), |_| Some("missing".into()))
            .on(MessagePattern::jsonpath("$.a"), |_| None)
            .on(MessagePattern::jsonpath("$.b"), |_| Some("b".into()));
        let answer = router.route_text(&message).map(|(_, answer)| answer);
        assert_eq!(answer.as_deref(), Some("b"));
    }
}
