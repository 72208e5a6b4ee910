//! From the JSON of a HAR file to its WebSocket connections.
//!
//! Only what is needed is kept: the bodies of other requests are skipped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ws_core::Direction;

use super::files::{self, Surroundings};
use super::sockets::{Content, Recorded};
use super::{HarError, HarFile, HarSocket};
use crate::script::excerpt;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "_resourceType", default)]
    resource_type: Option<String>,
    #[serde(rename = "startedDateTime", default)]
    started: Option<String>,
    #[serde(default)]
    request: Request,
    #[serde(default)]
    response: Option<Response>,
    #[serde(rename = "_webSocketMessages", default)]
    messages: Option<Vec<Line>>,
}

#[derive(Deserialize, Default)]
struct Request {
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    content: Option<ResponseContent>,
}

#[derive(Deserialize)]
struct ResponseContent {
    #[serde(rename = "_file", default)]
    file: Option<String>,
}

/// A message.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    time: Option<f64>,
    #[serde(default)]
    opcode: Option<f64>,
    #[serde(default)]
    data: Option<String>,
}

impl Entry {
    fn is_socket(&self) -> bool {
        let has_scheme =
            |scheme: &str| self.request.url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        self.resource_type.as_deref() == Some("websocket")
            || self.messages.is_some()
            || has_scheme("ws://")
            || has_scheme("wss://")
    }
}

/// Reads at most `limit` bytes, unpacked, of the file and of what it names.
pub(super) fn read(bytes: &[u8], name: &str, folder: Option<&Path>, limit: u64) -> Result<HarFile, HarError> {
    let packed = |reason| HarError::Packed { name: name.to_owned(), reason };
    let (text, surroundings) = if files::is_zip(bytes) {
        (Cow::Owned(files::har_in_zip(bytes, limit).map_err(packed)?), Surroundings::Zip(bytes))
    } else if files::is_zlib(bytes) {
        (Cow::Owned(files::unpack_zlib(bytes, limit).map_err(packed)?), Surroundings::None)
    } else {
        (Cow::Borrowed(bytes), folder.map_or(Surroundings::None, Surroundings::Folder))
    };
    let har: Har = json(&text, name)?;
    let mut reader = Reader { name, surroundings, left: limit.saturating_sub(text.len() as u64), warnings: Vec::new() };
    let mut others = BTreeMap::new();
    let mut sockets = Vec::new();
    for entry in har.log.entries {
        if entry.is_socket() {
            sockets.push(reader.socket(entry)?);
        } else {
            *others.entry(entry.resource_type.unwrap_or_else(|| "request".to_owned())).or_insert(0_usize) += 1;
        }
    }
    if sockets.is_empty() {
        return Err(HarError::NoSockets { name: name.to_owned(), found: in_words(others) });
    }
    Ok(HarFile { sockets: without_doubles(sockets), warnings: reader.warnings })
}

/// `2 document, 1 image`.
fn in_words(kinds: BTreeMap<String, usize>) -> String {
    const MOST: usize = 8;
    if kinds.is_empty() {
        return "nothing at all".to_owned();
    }
    let more = kinds.len().saturating_sub(MOST);
    let mut words: Vec<_> = kinds.into_iter().take(MOST).map(|(kind, count)| format!("{count} {kind}")).collect();
    if more > 0 {
        words.push(format!("{more} other kinds"));
    }
    words.join(", ")
}

/// Some versions of mitmproxy write a connection when it is opened, without messages, and again when it ends.
fn without_doubles(mut sockets: Vec<HarSocket>) -> Vec<HarSocket> {
    let with_messages: Vec<_> = sockets
        .iter()
        .filter(|socket| !socket.messages.is_empty())
        .filter_map(|socket| Some((socket.url.clone(), socket.opened?)))
        .collect();
    let is_double = |socket: &HarSocket| {
        let twin = |(url, opened): &(String, Timestamp)| *url == socket.url && Some(*opened) == socket.opened;
        socket.messages.is_empty() && with_messages.iter().any(twin)
    };
    sockets.retain(|socket| !is_double(socket));
    sockets
}

struct Reader<'b> {
    name: &'b str,
    surroundings: Surroundings<'b>,
    /// How many bytes of other files may still be read.
    left: u64,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn socket(&mut self, entry: Entry) -> Result<HarSocket, HarError> {
        let Entry { started, request: Request { url }, response, messages, .. } = entry;
        let file = response.and_then(|response| response.content).and_then(|content| content.file);
        let lines = match (messages, file) {
            (Some(messages), _) => messages,
            (None, Some(file)) => self.beside(&url, file)?,
            (None, None) => Vec::new(),
        };
        let mut left_out = BTreeMap::new();
        let mut messages = Vec::with_capacity(lines.len());
        for (number, line) in lines.into_iter().enumerate() {
            match message(line, number + 1) {
                Ok(message) => messages.push(message),
                Err(kind) => *left_out.entry(kind).or_insert(0_usize) += 1,
            }
        }
        for (kind, count) in left_out {
            let messages = if count == 1 { "message" } else { "messages" };
            self.warnings.push(format!("{url}: left out: {count} {messages} {kind}"));
        }
        let missing = |message: &Recorded| match &message.content {
            Content::Missing(reason) => Some(format!("{url}: {reason}")),
            _ => None,
        };
        self.warnings.extend(messages.iter().filter_map(missing));
        Ok(HarSocket { opened: started.and_then(|started| started.parse().ok()), url, messages })
    }

    /// The messages of a connection that are in another file: one a line.
    fn beside(&mut self, url: &str, file: String) -> Result<Vec<Line>, HarError> {
        let text = self.surroundings.file(&file, self.left).map_err(|reason| HarError::Beside {
            name: self.name.to_owned(),
            url: url.to_owned(),
            file: file.clone(),
            reason,
        })?;
        self.left -= text.len() as u64;
        let name = format!("{}/{file}", self.name);
        let lines = without_mark(&text).split(|byte| *byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        lines.map(|(number, line)| json_at(line, &name, number)).collect()
    }
}

/// The message, or what kind of thing it is if it is none.
fn message(line: Line, number: usize) -> Result<Recorded, String> {
    let direction = match line.kind.as_deref() {
        Some("send") => Direction::Inbound,
        Some("receive") => Direction::Outbound,
        Some(other) => return Err(format!("of the type `{}`, which is neither `send` nor `receive`", excerpt(other))),
        None => return Err("without a `type`".to_owned()),
    };
    let data = line.data.unwrap_or_default();
    let control = |data: String| Bytes::from(data);
    let content = match line.opcode {
        None | Some(1.0) => Content::Text(data.into()),
        Some(2.0) => match bytes(&data) {
            Ok(data) => Content::Binary(data),
            Err(reason) => Content::Missing(format!("message {number} is binary, but its data is no base64: {reason}")),
        },
        Some(8.0) => Content::Close,
        Some(9.0) => Content::Ping(control(data)),
        Some(10.0) => Content::Pong(control(data)),
        Some(other) => return Err(format!("with the opcode {other}")),
    };
    Ok(Recorded { direction, time: line.time.map(milliseconds), content })
}

/// Tools write seconds or milliseconds; since 1970 it is more than 1e11 of the latter since 1973.
fn milliseconds(time: f64) -> f64 {
    if time > 1e11 { time } else { time * 1000.0 }
}

/// Base64 of both alphabets, with or without padding and line breaks.
fn bytes(data: &str) -> Result<Bytes, base64::DecodeError> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let has_spaces = data.contains(|character: char| character.is_ascii_whitespace());
    let data: Cow<'_, str> = if has_spaces { data.split_ascii_whitespace().collect() } else { data.into() };
    let engine = if data.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    engine.decode(&*data).map(Bytes::from)
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

fn json<T: DeserializeOwned>(text: &[u8], name: &str) -> Result<T, HarError> {
    json_at(without_mark(text), name, 0)
}

/// Reads JSON that stands behind so many lines of its file.
fn json_at<T: DeserializeOwned>(text: &[u8], name: &str, lines: usize) -> Result<T, HarError> {
    serde_json::from_slice(text).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.rfind(" at line ").map_or(&*reason, |end| &reason[..end]).to_owned();
        let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
        let before = &line[..error.column().saturating_sub(1).min(line.len())];
        let column = String::from_utf8_lossy(before).chars().count() + 1;
        HarError::Json { name: name.to_owned(), line: lines + error.line().max(1), column, reason }
    })
}
