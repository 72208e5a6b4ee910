//! What events cost, for whoever counts.

/// Sees what a generator does. It is called from the tasks of its clients: it must not block.
pub trait AiObserver: Send + Sync {
    /// A provider was called, or need not be.
    fn on_call(&self, outcome: CallOutcome) {
        let _ = outcome;
    }

    /// A call has cost so many tokens: those of the request, and those of the answer.
    fn on_tokens(&self, prompt: u64, completion: u64) {
        let _ = (prompt, completion);
    }

    /// An event was taken; it goes to a client.
    fn on_event(&self) {}

    /// Something that a provider wrote was not taken.
    fn on_reject(&self, reason: RejectKind) {
        let _ = reason;
    }
}

/// How a call came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallOutcome {
    /// It was answered to its end.
    Answered,
    /// It was not, or the answer broke off.
    Failed,
    /// Nobody read it to its end: the client left, or enough was written.
    Abandoned,
    /// Its answer was in the cache: it cost nothing.
    Cached,
}

impl CallOutcome {
    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::Cached => "cached",
        }
    }
}

/// Why something that a provider wrote was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectKind {
    /// It is no JSON, or JSON that is no event.
    Malformed,
    /// Its end is missing.
    Truncated,
    /// It is larger or deeper than an event may be.
    TooLarge,
    /// Its `data` breaks the schema.
    Schema,
    /// It is the same as one of the two events before it. It is asked for another, once; if that repeats, too, it is taken.
    Repeated,
}

impl RejectKind {
    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::TooLarge => "too_large",
            Self::Schema => "schema",
            Self::Repeated => "repeated",
        }
    }
}

/// What a generator has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Calls of the provider that were answered to their end.
    pub calls: u64,
    /// Calls that failed.
    pub failed_calls: u64,
    /// Calls whose answer nobody read to its end: the client left, or enough was written.
    pub abandoned_calls: u64,
    /// Calls whose answer was in the cache.
    pub cached_calls: u64,
    /// Tokens of requests.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Whether some of the tokens were not told by the provider, and are estimated by the length of the texts.
    pub is_estimated: bool,
    /// Events that were taken.
    pub events: u64,
    /// Drafts that were not.
    pub rejected: u64,
}
