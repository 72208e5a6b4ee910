//! An answer as it comes: text as soon as it is there, its cost at the end.

use async_openai::types::stream::StreamResponse;
use futures_util::stream::{self, Stream, StreamExt};

use super::chunk::Chunk;
use super::lines::Ending;
use super::refusal::{quote, told};
use crate::provider::api_key::ApiKey;
use crate::{Piece, ProviderError, ProviderErrorKind};

/// How long the text of an answer may be, in bytes.
const LONGEST: usize = 1 << 20;

pub(super) struct Answer {
    chunks: StreamResponse<Chunk>,
    ending: Ending,
    key: Option<ApiKey>,
    length: usize,
    /// The model has said why it stopped; that it was cut short by a limit shows in the text.
    is_last: bool,
    refusal: String,
    usage: Option<(u64, u64)>,
}

impl Answer {
    pub(super) fn new(chunks: StreamResponse<Chunk>, ending: Ending, key: Option<ApiKey>) -> Self {
        Self { chunks, ending, key, length: 0, is_last: false, refusal: String::new(), usage: None }
    }

    pub(super) fn pieces(self) -> impl Stream<Item = Result<Piece, ProviderError>> + Send {
        stream::unfold(Some(self), |answer| async {
            let mut answer = answer?;
            match answer.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(answer))),
                Ok(None) => answer.ended().map(|piece| (piece, None)),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The next text, until there is none.
    async fn next(&mut self) -> Result<Option<Piece>, ProviderError> {
        while let Some(chunk) = self.chunks.next().await {
            let chunk = chunk.map_err(|_| {
                // It was parsed before. async-openai's words would quote it.
                ProviderError::new(ProviderErrorKind::Malformed, "the provider's answer cannot be read")
            })?;
            if let Some(error) = chunk.error {
                return Err(told(&error, self.key.as_ref()));
            }
            self.is_last |= chunk.is_last;
            self.usage = chunk.usage.or(self.usage);
            self.length += chunk.text.len() + chunk.refusal.len();
            if self.length > LONGEST {
                let message = format!("the provider's answer is longer than {LONGEST} bytes");
                return Err(ProviderError::new(ProviderErrorKind::Malformed, message));
            }
            self.refusal.push_str(&chunk.refusal);
            if !chunk.text.is_empty() {
                return Ok(Some(Piece::Text(chunk.text)));
            }
        }
        Ok(None)
    }

    /// What is to be said when no more comes.
    fn ended(self) -> Option<Result<Piece, ProviderError>> {
        let is_done = match self.ending.is_done() {
            Ok(is_done) => is_done,
            Err(failure) => return Some(Err(failure)),
        };
        if !is_done && !self.is_last {
            let message = "the provider's answer broke off";
            return Some(Err(ProviderError::new(ProviderErrorKind::Cut, message)));
        }
        if !self.refusal.is_empty() {
            let message = format!("the model refuses: {}", quote(&self.refusal, self.key.as_ref()));
            return Some(Err(ProviderError::new(ProviderErrorKind::Malformed, message)));
        }
        self.usage.map(|(prompt, completion)| Ok(Piece::Usage { prompt, completion }))
    }
}
