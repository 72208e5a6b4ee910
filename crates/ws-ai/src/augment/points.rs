//! The points of a script that get events, and what is known at each: it reads a text and writes nothing.
//!
//! Events at a point change nothing of what the script did before: not when it sends, nor how soon it answers.

use std::collections::{BTreeMap, BTreeSet};

use ws_replay::{PlacedEntry, ReplayDirection, ReplayEntry, ReplayScript};

use super::message::{draft, kind};
use super::names::Names;
use super::passing::{ends, holds, obstacle, targets};
use crate::{AiError, Draft};

/// The most points that a script may have: each costs a call.
const MOST_POINTS: usize = 1_000;
/// The most events, and the most texts of the client, that are known at a point.
pub(super) const MOST_KNOWN: usize = 8;
/// The most bytes that are kept of a text of the client.
const MOST_BYTES: usize = 1024;

/// A point of a script that gets events.
#[derive(Debug)]
pub(super) struct Point {
    /// The byte behind its entry.
    pub(super) end: usize,
    /// Whether its entry is an element of an array.
    pub(super) is_element: bool,
    /// The number of the connection, as it is written there.
    pub(super) conn: Option<u64>,
    /// The number of the connection that it belongs to.
    pub(super) connection: u64,
    /// The time of its entry, in milliseconds on the script's clock.
    pub(super) ts: u64,
    /// The time by which all its events must be sent; `None`: nothing comes behind it.
    until: Option<u64>,
    /// What was sent since the point before, in the same session, and this entry; the latest at the end.
    pub(super) told: Vec<Draft>,
    /// What the client is expected to say since then.
    pub(super) said: Vec<String>,
}

impl Point {
    /// The milliseconds between so many events: they are spread evenly in what time there is, but no further apart than at `rate`
    /// a second.
    pub(super) fn gap(&self, count: usize, rate: f64) -> f64 {
        let apart = 1000.0 / rate;
        self.until.map_or(apart, |until| apart.min((until - self.ts) as f64 / (count as f64 + 1.0)))
    }

    /// The time of its event `nth`, from 1, in milliseconds on the script's clock.
    pub(super) fn time(&self, nth: usize, gap: f64) -> u64 {
        // A cast stops at the end of the range.
        self.ts.saturating_add((nth as f64 * gap) as u64)
    }
}

/// Reads a script, and finds its entries that have one of these names, in the order of its text.
pub(super) fn find(text: &str, name: &str, wanted: &[String]) -> Result<(ReplayScript, Vec<Point>), AiError> {
    let mut search = Search { wanted, ..Search::default() };
    let script = ReplayScript::parse_entries(text, name, |placed| search.entry(placed))?;
    Ok((script, search.finish(name)?))
}

/// Goes through the entries of a script.
#[derive(Default)]
struct Search<'w> {
    wanted: &'w [String],
    names: Names,
    courses: BTreeMap<u64, Course>,
    points: Vec<Point>,
    /// How many points there are beyond the most.
    too_many: usize,
    /// The first entry that has the name of a point and cannot be one: its line, its name, and why.
    obstacle: Option<(usize, String, &'static str)>,
}

/// One session, as far as it was read.
#[derive(Default)]
struct Course {
    told: Vec<Draft>,
    said: Vec<String>,
    /// Whether the connection is closed: what stands here in a recording is not played.
    is_closed: bool,
    /// The number of the point behind which nothing was read yet.
    point: Option<usize>,
    /// Points, each with the `step_id` of the entry behind it.
    followed: Vec<(usize, String)>,
    /// The steps that something leads to by a jump.
    targets: BTreeSet<String>,
}

impl Search<'_> {
    fn entry(&mut self, PlacedEntry { entry, connection, line, place, is_element, .. }: PlacedEntry) {
        let course = self.courses.entry(connection).or_default();
        if let Some(number) = course.point.take() {
            let point = &mut self.points[number];
            // What goes back in time is entered by jumps only: nothing comes to it from here.
            point.until = (entry.ts >= point.ts).then_some(if holds(&entry) { point.ts } else { entry.ts });
            course.followed.extend(entry.step_id.clone().map(|id| (number, id)));
        }
        course.targets.extend(targets(&entry).map(str::to_owned));
        course.is_closed &= entry.step_id.is_none();
        if course.is_closed {
            return;
        }
        course.is_closed = ends(&entry);
        course.learn(&entry);
        let names = [entry.step_id.clone(), message(&entry).and_then(kind)];
        let found = names.iter().flatten().find(|name| self.wanted.contains(name)).cloned();
        names.into_iter().flatten().for_each(|name| self.names.add(name));
        let Some(name) = found else { return };
        if let Some(why) = obstacle(&entry) {
            self.obstacle.get_or_insert((line, name, why));
        } else if self.points.len() == MOST_POINTS {
            self.too_many += 1;
        } else {
            course.point = Some(self.points.len());
            self.points.push(Point {
                end: place.end,
                is_element,
                conn: entry.conn,
                connection,
                ts: entry.ts,
                until: None,
                told: std::mem::take(&mut course.told),
                said: std::mem::take(&mut course.said),
            });
        }
    }

    fn finish(mut self, script: &str) -> Result<Vec<Point>, AiError> {
        let refused = |script: String, problem: String| Err(AiError::Augment { script, problem });
        if self.wanted.iter().all(|name| name.trim().is_empty()) {
            let problem = format!("expected the points at which `{script}` gets events: {}", self.names);
            return Err(AiError::config("replay.augmentation_points", problem));
        }
        let unknown: Vec<&str> = self.wanted.iter().map(String::as_str).filter(|name| !self.names.has(name)).collect();
        if !unknown.is_empty() {
            let problem = format!(
                "no entry has the `step_id` or the type `{}`; {}",
                unknown.join("` or `"),
                self.names.like(&unknown)
            );
            return refused(script.to_owned(), problem);
        }
        if let Some((line, name, why)) = self.obstacle {
            return refused(format!("{script}:{line}"), format!("`{name}` gets no events here: {why}"));
        }
        if self.too_many > 0 {
            let all = self.points.len() + self.too_many;
            return refused(
                script.to_owned(),
                format!("{all} entries are points; at most {MOST_POINTS} can get events"),
            );
        }
        for Course { followed, targets, .. } in self.courses.into_values() {
            // The time of a step is its distance from the entry before it, also for who jumps to it.
            for (number, _) in followed.into_iter().filter(|(_, id)| targets.contains(id)) {
                let point = &mut self.points[number];
                point.until = point.until.map(|_| point.ts);
            }
        }
        Ok(self.points)
    }
}

impl Course {
    /// Keeps what an entry says.
    fn learn(&mut self, entry: &ReplayEntry) {
        let Some(text) = message(entry) else { return };
        match entry.dir {
            ReplayDirection::In => {
                self.said.push(text[..text.floor_char_boundary(MOST_BYTES)].to_owned());
                self.said.drain(..self.said.len().saturating_sub(MOST_KNOWN));
            }
            ReplayDirection::Out => {
                self.told.extend(draft(text));
                self.told.drain(..self.told.len().saturating_sub(MOST_KNOWN));
            }
        }
    }
}

/// The text message of an entry, if it has one.
fn message(entry: &ReplayEntry) -> Option<&str> {
    let is_text = !entry.binary && !entry.ping && !entry.pong && !entry.text.is_empty();
    is_text.then_some(&entry.text)
}
