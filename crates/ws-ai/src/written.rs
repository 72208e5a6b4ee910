//! Stories that are written once, into replay files.

use std::io::Write;
use std::time::Duration;

use futures_util::TryStreamExt;
use ws_replay::ReplayScript;

use crate::entry::outgoing;
use crate::{AiError, AiEvent, AiEventGenerator};

impl AiEventGenerator {
    /// Writes a replay file of so many events, and says how large it is, in bytes. `progress` sees each event when its entry is written.
    ///
    /// The entries are as far apart as the rate of the configuration says, but nothing waits for that: they are written as they come.
    /// With a seed the file is the same each time. It is written line by line, so `out` should be buffered, and blocks this task while
    /// it writes; what stands there when this fails can be played.
    ///
    /// ```
    /// use ws_ai::{AiEventGenerator, ReplayAugmentationConfig, WebSocketAiConfig};
    /// use ws_replay::ReplayScript;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ws_ai::AiError> {
    /// let generator = AiEventGenerator::new(WebSocketAiConfig {
    ///     narrative: "orders of a pizza shop".to_owned(),
    ///     events_per_second: 2.0,
    ///     replay: Some(ReplayAugmentationConfig { provider: "embedded".to_owned(), ..Default::default() }),
    ///     ..Default::default()
    /// })?;
    /// let mut file = Vec::new();
    /// generator.write_replay(5, &mut file, |event| println!("{}", event.kind)).await?;
    /// let script = ReplayScript::read(file.as_slice(), "orders.jsonl")?;
    /// assert_eq!(script.summary().to_string(), "5 entries, 0 waits, 2 s");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AiError::Config`] if there are to be no events, or more than fit into a replay file; [`AiError::Write`] if `out` does not take
    /// them; else, why there are no more events.
    pub async fn write_replay(
        &self,
        count: u64,
        out: impl Write,
        mut progress: impl FnMut(&AiEvent),
    ) -> Result<u64, AiError> {
        if count == 0 {
            return Err(AiError::config("event_count", "expected 1 or more, as a file has an end; found 0"));
        }
        let mut file = File { out, size: 0 };
        let mut story = self.for_a_file().first_story(count);
        let rate = self.config().events_per_second;
        let written = loop {
            match story.try_next().await {
                Ok(Some(event)) => {
                    let line = outgoing(time(event.sequence, rate), None, &self.text_of(&event));
                    if let Err(error) = file.line(&line, event.sequence - 1) {
                        break Err(error);
                    }
                    progress(&event);
                }
                Ok(None) => break Ok(file.size),
                Err(error) => break Err(error),
            }
        };
        // What failed first is what is told.
        let flushed = file.out.flush().map_err(AiError::Write);
        written.and_then(|size| flushed.map(|()| size))
    }
}

/// A replay file that grows.
struct File<W> {
    out: W,
    size: u64,
}

impl<W: Write> File<W> {
    /// Writes a further line; there are so many already.
    fn line(&mut self, line: &str, lines: u64) -> Result<(), AiError> {
        let size = self.size + line.len() as u64 + 1;
        if size > ReplayScript::MAX_FILE_BYTES {
            let most = ReplayScript::MAX_FILE_BYTES / (1024 * 1024);
            let problem = format!("only {lines} events fit into {most} MiB, the most that a replay file may have");
            return Err(AiError::config("event_count", problem));
        }
        self.size = size;
        self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n")).map_err(AiError::Write)
    }
}

/// When an event is sent, in milliseconds on the script's clock.
fn time(sequence: u64, rate: f64) -> u64 {
    let passed = Duration::try_from_secs_f64((sequence - 1) as f64 / rate).unwrap_or(Duration::MAX);
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_file_is_no_larger_than_a_replay_file_may_be() {
        let mut file = File { out: io::sink(), size: ReplayScript::MAX_FILE_BYTES - 5 };
        file.line("1234", 3).unwrap();
        assert_eq!(file.size, ReplayScript::MAX_FILE_BYTES);
        let error = file.line("", 4).unwrap_err().to_string();
        assert_eq!(error, "event_count: only 4 events fit into 64 MiB, the most that a replay file may have");
    }

    #[test]
    fn times_are_those_of_the_rate() {
        assert_eq!([1, 2, 3, 4].map(|nth| time(nth, 3.0)), [0, 333, 666, 1000]);
        assert_eq!(time(2, f64::MIN_POSITIVE), u64::MAX);
    }
}
