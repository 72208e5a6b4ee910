//! Replay scripts with events at some of their points.
//!
//! A script keeps every byte that it has, and does what it did before, at the same times; there are only more entries. Nothing here
//! reads or writes files.

mod insert;
mod message;
mod names;
mod passing;
mod points;

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::info;
use ws_replay::ReplayScript;

use crate::entry::outgoing;
use crate::story::{Commission, Passage, timestamp};
use crate::{AiError, AiEvent, AiEventGenerator, Draft};
use insert::{Insertion, insert};
use points::{MOST_KNOWN, Point};

impl AiEventGenerator {
    /// The replay script with events behind each entry that is one of its
    /// [`augmentation_points`](crate::ReplayAugmentationConfig::augmentation_points): by its `step_id`, or by the `type` of
    /// its text, if that is JSON. Problems will call the script `name`.
    ///
    /// Each of these entries costs one call, in which so many events are asked for as
    /// [`events_per_point`](crate::ReplayAugmentationConfig::events_per_point) says; the last events of its session, and what the client
    /// says there, go with it. The new entries are `verbatim`; they stand on lines of their own, and all else stays
    /// as it is, byte for byte. They take the time that there is until the next entry, at most at the rate of the configuration; where
    /// that one waits for the client, or is jumped to, none, so that it comes when it came before.
    ///
    /// ```
    /// use ws_ai::{AiEventGenerator, ReplayAugmentationConfig, WebSocketAiConfig};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ws_ai::AiError> {
    /// let generator = AiEventGenerator::new(WebSocketAiConfig {
    ///     narrative: "people talk about their holidays in a chat".to_owned(),
    ///     seed: Some(7),
    ///     replay: Some(ReplayAugmentationConfig {
    ///         provider: "embedded".to_owned(),
    ///         augmentation_points: vec!["welcome".to_owned()],
    ///         events_per_point: 2,
    ///         ..Default::default()
    ///     }),
    ///     ..Default::default()
    /// })?;
    /// let script = "{\"ts\": 0, \"text\": \"{\\\"type\\\":\\\"welcome\\\"}\"}\n{\"ts\": 9000, \"close\": true}\n";
    /// let enriched = generator.augment(script, "chat.jsonl").await?;
    /// assert_eq!(enriched.lines().count(), 4);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AiError::Replay`] if the script has mistakes; [`AiError::Augment`] if it has no such points, or no events can follow one;
    /// [`AiError::Config`] if there are none in the configuration, or it is not enabled; else, why events cannot be written.
    pub async fn augment(&self, script: &str, name: &str) -> Result<String, AiError> {
        let (mut augmentation, _) = Augmentation::begin(self.clone(), script.to_owned(), name)?;
        augmentation.write().await?;
        augmentation.finish().map(|(text, _)| text)
    }
}

/// The work on one script. What is written of it is kept when a call fails or is given up.
pub(crate) struct Augmentation {
    generator: AiEventGenerator,
    commission: Commission,
    script: String,
    name: String,
    points: Vec<Point>,
    /// What stands behind the points, as far as they have events.
    written: Vec<Insertion>,
    /// The last events of each session.
    recent: BTreeMap<u64, Vec<Draft>>,
    sequence: u64,
    /// How large the script will be, in bytes.
    size: u64,
}

impl Augmentation {
    /// Finds the points of a script; nothing is written yet. Beside the work, it gives the script as it is.
    pub(crate) fn begin(
        generator: AiEventGenerator,
        script: String,
        name: &str,
    ) -> Result<(Self, ReplayScript), AiError> {
        let generator = generator.for_a_file();
        let config = generator.config();
        if !config.enabled {
            return Err(AiError::config("enabled", "it is false: no events are written"));
        }
        let wanted = config.replay.as_ref().map_or(&[][..], |replay| &replay.augmentation_points);
        let (plain, points) = points::find(&script, name, wanted)?;
        if !generator.is_instant() {
            info!("{name} gets events: the language model is called once for each of its {} points", points.len());
        }
        let augmentation = Self {
            // The same whatever the file is called, so that a seed and a cache repeat it.
            commission: generator.commission(),
            generator,
            size: script.len() as u64,
            script,
            name: name.to_owned(),
            points,
            written: Vec::new(),
            recent: BTreeMap::new(),
            sequence: 0,
        };
        Ok((augmentation, plain))
    }

    /// Writes the events of all points that have none yet.
    pub(crate) async fn write(&mut self) -> Result<(), AiError> {
        let evolves = self.generator.config().progressive_evolution;
        let rate = self.generator.config().events_per_second;
        let wanted = self.generator.config().replay.as_ref().map_or(0, |replay| replay.events_per_point);
        while let Some(point) = self.points.get(self.written.len()) {
            let gap = point.gap(wanted, rate);
            let mut recent = self.recent.get(&point.connection).cloned().unwrap_or_default();
            recent.extend(point.told.iter().cloned());
            let passage = Passage {
                wanted,
                recent: recent.clone(),
                said: if evolves { point.said.clone() } else { Vec::new() },
                starts: Duration::from_millis(point.time(1, gap)),
                step: Duration::try_from_secs_f64(gap / 1000.0).unwrap_or(Duration::MAX),
            };
            let drafts = self.commission.write(passage).await?;
            recent.extend(drafts.iter().cloned());
            recent.drain(..recent.len().saturating_sub(MOST_KNOWN));
            self.recent.insert(point.connection, recent);
            self.put_in(drafts, gap)?;
        }
        Ok(())
    }

    /// Puts events behind the next point, so many milliseconds apart.
    fn put_in(&mut self, drafts: Vec<Draft>, gap: f64) -> Result<(), AiError> {
        let point = &self.points[self.written.len()];
        let mut entries = Vec::with_capacity(drafts.len());
        for (draft, nth) in drafts.into_iter().zip(1..) {
            self.sequence += 1;
            let ts = point.time(nth, gap);
            let timestamp = timestamp(self.generator.time_at(Duration::from_millis(ts)));
            let event = AiEvent { kind: draft.kind, timestamp, sequence: self.sequence, data: draft.data };
            entries.push(outgoing(ts, point.conn, &self.generator.text_of(&event)));
        }
        // With the ends of the lines.
        self.size += entries.iter().map(|entry| entry.len() as u64 + 2).sum::<u64>();
        if self.size > ReplayScript::MAX_FILE_BYTES {
            let most = ReplayScript::MAX_FILE_BYTES / (1024 * 1024);
            let problem = format!("with its events it is larger than {most} MiB, the most that a replay file may have");
            return Err(AiError::Augment { script: self.name.clone(), problem });
        }
        self.written.push(Insertion { end: point.end, is_element: point.is_element, entries });
        Ok(())
    }

    /// The script, when all is written: as text, and compiled.
    pub(crate) fn finish(&self) -> Result<(String, ReplayScript), AiError> {
        let text = insert(&self.script, &self.written);
        let compiled = ReplayScript::parse(&text, &self.name)?;
        Ok((text, compiled))
    }
}
