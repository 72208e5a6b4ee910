//! From a replay file to a HAR file, in the layout of a tool that others know how to read.

mod chrome;
mod playwright;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Value, json};
use ws_core::Direction;

use crate::ReplayScript;
use crate::script::{Content, Said, Session, Step};

/// Whose layout a HAR file has. They agree in what HAR 1.2 says, and differ in keys of their own and in the unit of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HarLayout {
    /// That of Chrome's developer tools. Messages have seconds.
    #[default]
    Chrome,
    /// That of Playwright's `recordHar` with `content: "embed"`. Messages have milliseconds.
    Playwright,
}

/// What [`ReplayScript::to_har`] makes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HarExport {
    /// The file.
    pub har: Value,
    /// What a HAR file cannot say, one line each, with the place in the replay file.
    pub warnings: Vec<String>,
}

impl ReplayScript {
    /// The sessions of the file as a HAR file, one connection each.
    ///
    /// It says what was recorded, or what the file would send: templates stand there as they are written, and what a
    /// client says is known only where an incoming entry has its text. There is no place for pings and for closing.
    ///
    /// ```
    /// use ws_replay::{HarLayout, ReplayScript};
    ///
    /// let script = ReplayScript::parse(r#"{"ts": 250, "text": "hello"}"#, "hello.jsonl")?;
    /// let export = script.to_har(HarLayout::Playwright);
    /// let message = &export.har["log"]["entries"][0]["_webSocketMessages"][0];
    /// assert_eq!((&message["type"], &message["data"]), (&"receive".into(), &"hello".into()));
    /// assert!(export.warnings.is_empty());
    /// # Ok::<(), ws_replay::ReplayErrors>(())
    /// ```
    #[must_use]
    pub fn to_har(&self, layout: HarLayout) -> HarExport {
        self.to_har_of(layout, "ws://127.0.0.1:3001")
    }

    /// The same, where `server` is how the URL of a session begins whose `open` mark has none: `ws://127.0.0.1:4000`.
    ///
    /// ```
    /// use ws_replay::{HarLayout, ReplayScript};
    ///
    /// let script = ReplayScript::parse(r#"{"ts": 250, "text": "hello"}"#, "hello.jsonl")?;
    /// let export = script.to_har_of(HarLayout::Chrome, "wss://mock.example");
    /// assert_eq!(export.har["log"]["entries"][0]["request"]["url"], "wss://mock.example/ws");
    /// # Ok::<(), ws_replay::ReplayErrors>(())
    /// ```
    #[must_use]
    pub fn to_har_of(&self, layout: HarLayout, server: &str) -> HarExport {
        let mut warnings = Warnings { name: self.name(), lines: Vec::new(), more: 0 };
        let sockets: Vec<_> =
            self.sessions().iter().map(|session| Socket::of(session, server, &mut warnings)).collect();
        let har = match layout {
            HarLayout::Chrome => chrome::har(&sockets),
            HarLayout::Playwright => playwright::har(&sockets),
        };
        HarExport { har, warnings: warnings.finish() }
    }
}

/// Bounded: a large script may have a doubt in each line.
struct Warnings<'n> {
    name: &'n str,
    lines: Vec<String>,
    more: usize,
}

impl Warnings<'_> {
    const MOST: usize = 1000;

    fn at(&mut self, line: usize, text: &str) {
        if self.lines.len() < Self::MOST {
            self.lines.push(format!("{}:{line}: {text}", self.name));
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("{}: and {} more", self.name, self.more));
        }
        self.lines
    }
}

/// One connection, as both layouts have it.
struct Socket<'s> {
    url: String,
    opened: Timestamp,
    /// From the handshake to the last message.
    duration: Duration,
    messages: Vec<Message<'s>>,
}

struct Message<'s> {
    direction: Direction,
    /// Since the handshake.
    after: Duration,
    data: Said<'s>,
}

impl<'s> Socket<'s> {
    fn of(session: &'s Session, server: &str, warnings: &mut Warnings<'_>) -> Self {
        let opened = &session.opened;
        let mut messages = Vec::new();
        let mut ts = opened.start;
        for step in &session.steps {
            ts = ts.saturating_add(step.lead);
            let after = Duration::from_millis(ts);
            let mut add = |direction, data| messages.push(Message { direction, after, data });
            if let Some(data) = said_by_client(step, warnings) {
                add(Direction::Inbound, data);
            }
            if let Some(data) = said_by_server(step, warnings) {
                add(Direction::Outbound, data);
            }
        }
        let path = opened.path.as_deref().unwrap_or("/ws");
        Self {
            url: opened.url.clone().unwrap_or_else(|| format!("{server}{path}")),
            opened: opened.at.as_ref().and_then(|at| at.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH),
            duration: Duration::from_millis(ts),
            messages,
        }
    }

    fn started(&self) -> String {
        time_of_day(self.opened)
    }

    /// Milliseconds since 1970.
    #[expect(clippy::cast_precision_loss, reason = "times of day have far fewer digits")]
    fn time(&self, message: &Message<'_>) -> f64 {
        self.opened.as_millisecond() as f64 + milliseconds(message.after)
    }

    /// `unit` is how many milliseconds the layout counts as one.
    fn messages(&self, unit: f64) -> Value {
        let message = |message: &Message<'_>| {
            let (opcode, data) = match message.data {
                Said::Text(text) => (1, text.to_owned()),
                Said::Binary(data) => (2, STANDARD.encode(data)),
            };
            let kind = match message.direction {
                Direction::Inbound => "send",
                Direction::Outbound => "receive",
            };
            json!({"type": kind, "time": self.time(message) / unit, "opcode": opcode, "data": data})
        };
        self.messages.iter().map(message).collect()
    }

    /// The parameters of the URL, as they are written.
    fn query(&self) -> Value {
        let query = self.url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        let parameter = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            json!({"name": name, "value": value})
        };
        query.split('&').filter(|part| !part.is_empty()).map(parameter).collect()
    }
}

fn said_by_client<'s>(step: &'s Step, warnings: &mut Warnings<'_>) -> Option<Said<'s>> {
    let wait = step.wait.as_ref().filter(|wait| wait.is_for_message())?;
    let message = wait.message();
    if message.is_none() {
        warnings
            .at(wait.line, "a message of the client is left out: the file says what it is like, but not what it is");
    }
    message
}

fn said_by_server<'s>(step: &'s Step, warnings: &mut Warnings<'_>) -> Option<Said<'s>> {
    let content = step.content.as_ref()?;
    if let Content::Text(template) = content
        && template.as_str().contains("{{")
    {
        warnings.at(step.line, "the text stands there as it is written, with what is in braces");
    }
    content.message()
}

fn time_of_day(time: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&time)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What any handshake has, and no more: the file does not know the rest.
fn headers() -> Value {
    json!([{"name": "Upgrade", "value": "websocket"}, {"name": "Connection", "value": "Upgrade"}])
}

/// When the first connection was opened.
fn first_opened(sockets: &[Socket<'_>]) -> String {
    sockets.iter().map(|socket| socket.opened).min().map(time_of_day).unwrap_or_default()
}
