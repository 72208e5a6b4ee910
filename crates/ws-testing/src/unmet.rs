//! What was expected and did not come, as a report.

use std::fmt;

use ws_core::Message;
use ws_server::{EventKind, Found, JournalEvent, Waited};

use crate::expected::Expected;

/// What was expected, what came instead, and what came nearest. Displayed, it is a report in several lines.
pub struct Unmet {
    expected: Expected,
    waited: Waited,
    /// The latest messages that might have been meant, the newest first.
    others: Found,
}

impl Unmet {
    /// How many messages a report shows of those that came.
    pub(crate) const MOST_OTHERS: usize = 10;
    /// How much it shows of each, in characters.
    const EXCERPT: usize = 120;

    pub(crate) fn new(expected: Expected, waited: Waited, others: Found) -> Self {
        Self { expected, waited, others }
    }

    /// How many messages came that are as was expected.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.waited.count
    }

    /// What came: how many messages, the first of them, and those that came nearest.
    #[must_use]
    pub fn waited(&self) -> &Waited {
        &self.waited
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, waited, others } = self;
        write!(f, "expected {expected}, found {}", waited.count)?;
        for event in waited.events.iter().take(Self::MOST_OTHERS) {
            write!(f, "\n  {}", Line(event))?;
        }
        if waited.events.len() > Self::MOST_OTHERS {
            f.write_str("\n  ...")?;
        }
        if expected.times.are_more_than(waited.count) && !waited.nearest.is_empty() {
            f.write_str("\nnearest:")?;
            for near in &waited.nearest {
                write!(f, "\n  #{} {}\n    {}", near.seq, shortened(&near.text), near.difference)?;
            }
        }
        if others.events.is_empty() {
            f.write_str("\nno such message came at all")?;
        } else {
            f.write_str("\nwhat came last:")?;
            for event in others.events.iter().rev() {
                write!(f, "\n  {}", Line(event))?;
            }
        }
        if waited.evicted > 0 {
            write!(f, "\nevents no longer kept, though perhaps meant: {}", waited.evicted)?;
        }
        if waited.undecided > 0 {
            write!(f, "\nmessages that are cut, so that nobody knows whether they are meant: {}", waited.undecided)?;
        }
        Ok(())
    }
}

/// As it is displayed: that is what a failed test prints.
impl fmt::Debug for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Unmet {}

/// A message in one line.
struct Line<'a>(&'a JournalEvent);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        write!(f, "#{} {}: ", event.seq, event.path.as_deref().unwrap_or_default())?;
        match event.message() {
            Some(Message::Text(text)) => write!(f, "{}", shortened(text))?,
            Some(Message::Close(Some(frame))) => write!(f, "Close {} {:?}", frame.code, &*frame.reason)?,
            Some(Message::Close(None)) => f.write_str("Close without a code")?,
            Some(message) => write!(f, "{} bytes that are no text", message.len())?,
            None => f.write_str("no message")?,
        }
        match &event.kind {
            EventKind::Message { matched_by: Some(name), .. } => write!(f, " (taken by {name})"),
            _ => Ok(()),
        }
    }
}

/// In one line, and not too long.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(Unmet::EXCERPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(Unmet::EXCERPT).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Everything that was expected and did not come. Displayed, it is one report behind the other.
pub struct Unverified(Vec<Unmet>);

impl Unverified {
    /// `Err`, if there is something.
    pub(crate) fn unless_none(unmet: Vec<Unmet>) -> Result<(), Self> {
        if unmet.is_empty() { Ok(()) } else { Err(Self(unmet)) }
    }

    /// Each expectation that was not met.
    #[must_use]
    pub fn unmet(&self) -> &[Unmet] {
        &self.0
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reports: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&reports.join("\n\n"))
    }
}

/// As it is displayed.
impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Unverified {}
