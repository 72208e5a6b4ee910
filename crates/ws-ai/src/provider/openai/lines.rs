//! What a server sends, made safe for async-openai: its reader keeps what it gets without bound, works long over many
//! short lines, and logs what it cannot parse.
//!
//! So it gets one event at a time that is known to parse, never with the key in it, and not more than a bounded number of
//! bytes in all. Why there is no more is told in an [`Ending`] beside: of an error here only the words would arrive.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, Stream, StreamExt};

use super::call::{Bytes, Patience, innermost};
use super::chunk::Chunk;
use crate::provider::api_key::ApiKey;
use crate::{ProviderError, ProviderErrorKind};

/// How much a server may send as one answer: around each token of text are some hundred bytes.
const MOST_BYTES: usize = 8 << 20;

/// Why an answer has no more to it.
#[derive(Clone, Default)]
pub(super) struct Ending {
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    is_done: bool,
    failure: Option<ProviderError>,
}

impl Ending {
    /// Whether the server has said that this was all; or what went wrong.
    pub(super) fn is_done(&self) -> Result<bool, ProviderError> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.failure.take().map_or(Ok(told.is_done), Err)
    }

    fn tell(&self, how: Result<(), ProviderError>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match how {
            Ok(()) => told.is_done = true,
            Err(failure) => told.failure = Some(failure),
        }
    }
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As server-sent events, each of one line, as this API has it.
    Events,
    /// As one JSON text, from servers that do not stream.
    Whole,
}

pub(super) struct Lines {
    bytes: Bytes,
    form: Form,
    patience: Patience,
    key: Option<ApiKey>,
    ending: Ending,
    /// What has come; up to `begun` it is used, and up to `searched` there is no end of a line.
    pending: Vec<u8>,
    begun: usize,
    searched: usize,
    taken: usize,
    has_events: bool,
    is_over: bool,
}

impl Lines {
    pub(super) fn new(bytes: Bytes, form: Form, patience: Patience, key: Option<ApiKey>, ending: Ending) -> Self {
        Self {
            bytes,
            form,
            patience,
            key,
            ending,
            pending: Vec::new(),
            begun: 0,
            searched: 0,
            taken: 0,
            has_events: false,
            is_over: false,
        }
    }

    /// The events, each as the bytes of a server-sent event.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Vec<u8>, Infallible>> + Send {
        stream::unfold(self, |mut lines| async {
            let event = lines.next().await?;
            Some((Ok(event), lines))
        })
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        while !self.is_over {
            match self.read().await {
                Ok(None) => {}
                Ok(Some(event)) => return Some(event),
                Err(failure) => {
                    self.ending.tell(Err(failure));
                    self.is_over = true;
                }
            }
        }
        None
    }

    /// One line, if there is one that tells something; else reads on.
    async fn read(&mut self) -> Result<Option<Vec<u8>>, ProviderError> {
        if self.form == Form::Events
            && let Some(length) = self.pending[self.searched..].iter().position(|&byte| byte == b'\n')
        {
            let end = self.searched + length;
            let event = self.event(self.begun, end, false);
            self.begun = end + 1;
            self.searched = self.begun;
            return event;
        }
        self.pending.drain(..self.begun);
        self.begun = 0;
        self.searched = self.pending.len();
        match self.patience.wait(self.bytes.next()).await? {
            Some(Ok(more)) => {
                self.taken += more.len();
                if self.taken > MOST_BYTES {
                    return malformed("the provider's answer does not end");
                }
                self.pending.extend(more);
                Ok(None)
            }
            Some(Err(error)) => {
                let message = format!("the provider's answer broke off: {}", innermost(&error));
                Err(ProviderError::new(ProviderErrorKind::Cut, message))
            }
            None => self.last(),
        }
    }

    /// What is there when no more comes.
    fn last(&mut self) -> Result<Option<Vec<u8>>, ProviderError> {
        self.is_over = true;
        let event = match self.form {
            Form::Events => self.event(0, self.pending.len(), true)?,
            Form::Whole => {
                let Ok(whole) = serde_json::from_slice::<serde_json::Value>(&self.pending) else {
                    return malformed("the provider's answer is said to be JSON, and is not");
                };
                self.has_events = true;
                self.ending.tell(Ok(()));
                Some(self.written(&whole.to_string()))
            }
        };
        if !self.has_events {
            return malformed("the provider's answer has no event in it");
        }
        Ok(event)
    }

    /// The event in a line, if it has one.
    fn event(&mut self, begin: usize, end: usize, is_cut: bool) -> Result<Option<Vec<u8>>, ProviderError> {
        let Some(data) = self.pending[begin..end].strip_prefix(b"data:") else { return Ok(None) };
        let data = data.trim_ascii();
        if data.is_empty() {
            return Ok(None);
        }
        self.has_events = true;
        let is_done = data == b"[DONE]";
        let Some(data) =
            std::str::from_utf8(data).ok().filter(|data| is_done || serde_json::from_str::<Chunk>(data).is_ok())
        else {
            if is_cut {
                let message = "the provider's answer broke off in the middle of a line";
                return Err(ProviderError::new(ProviderErrorKind::Cut, message));
            }
            return malformed("the provider's answer has an event that is no JSON");
        };
        if is_done {
            self.ending.tell(Ok(()));
        }
        Ok(Some(self.written(data)))
    }

    fn written(&self, data: &str) -> Vec<u8> {
        let data = self.key.as_ref().map_or_else(|| data.to_owned(), |key| key.strike(data));
        format!("data: {data}\n\n").into_bytes()
    }
}

fn malformed<T>(message: &str) -> Result<T, ProviderError> {
    Err(ProviderError::new(ProviderErrorKind::Malformed, message))
}
