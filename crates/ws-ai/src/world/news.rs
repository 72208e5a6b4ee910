//! A news ticker: stories that develop over several bulletins, with figures that only go the way they go.

mod story;

use std::collections::VecDeque;

use serde_json::json;

use super::fill::{capital, fill};
use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use story::{Course, Plot, plots};

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (3, &["news", "headline", "bulletin", "newsroom", "newspaper", "journalist", "breaking", "press"]),
    (2, &["story", "report", "reporter", "election", "politics", "politic", "media", "feed", "article", "earthquake"]),
    (1, &["ticker", "world", "city", "storm", "flood", "fire", "event", "local", "agency"]),
];

const MOST_RUNNING: usize = 3;
const MOST_ANSWERS: usize = 8;

#[derive(Debug)]
struct Story {
    id: String,
    plot: &'static Plot,
    place: String,
    person: String,
    bulletin: usize,
    /// The figure of the story: it moves the way of the plot.
    figure: i64,
}

pub(super) struct News {
    deck: Vec<&'static Plot>,
    next_plot: usize,
    running: Vec<Story>,
    most: usize,
    places: Vec<String>,
    next_id: i64,
    answers: VecDeque<Draft>,
}

impl News {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let count = if narrative.places().is_empty() { 12 } else { narrative.places().len() };
        Self {
            deck: plots(narrative, dice),
            next_plot: 0,
            running: Vec::new(),
            most: if narrative.has(Mood::Quiet) { 1 } else { MOST_RUNNING },
            places: cast::cities(narrative, count, dice),
            next_id: dice.between(1_000, 9_000),
            answers: VecDeque::new(),
        }
    }

    fn begin(&mut self, plot: &'static Plot, place: Option<String>, dice: &mut Dice) -> Draft {
        self.next_id += dice.between(1, 4);
        let taken: Vec<String> = self.running.iter().map(|story| story.place.clone()).collect();
        let free: Vec<String> = self.places.iter().filter(|place| !taken.contains(place)).cloned().collect();
        let place = place.unwrap_or_else(|| {
            if free.is_empty() { dice.pick(&self.places).clone() } else { dice.pick(&free).clone() }
        });
        let first = dice.pick(cast::FIRST_NAMES);
        let person = format!("{first} {}", dice.pick(cast::LAST_NAMES));
        let figure = dice.between(plot.figure.0, plot.figure.1);
        let mut story = Story { id: format!("story-{}", self.next_id), plot, place, person, bulletin: 0, figure };
        let draft = story.bulletin(dice);
        self.running.push(story);
        draft
    }
}

impl Story {
    fn bulletin(&mut self, dice: &mut Dice) -> Draft {
        let lines = self.plot.bulletins;
        let nth = self.bulletin.min(lines.len() - 1);
        self.bulletin += 1;
        let (headline, body) = lines[nth];
        let tells_figure = headline.contains("{n}") || body.contains("{n}");
        let figure = thousands(self.figure);
        let surname = self.person.rsplit(' ').next().unwrap_or_default();
        let values = [
            ("place", self.place.as_str()),
            ("n", figure.as_str()),
            ("person", self.person.as_str()),
            ("surname", surname),
        ];
        let headline = capital(&fill(headline, &values, dice));
        let body = capital(&fill(body, &values, dice));
        let is_last = nth + 1 == lines.len();
        let kind = match nth {
            0 if self.plot.is_breaking => "breaking",
            0 => "story",
            _ if is_last => "wrap_up",
            _ => "update",
        };
        let mut data = json!({
            "story_id": self.id,
            "bulletin": self.bulletin,
            "category": self.plot.category,
            "place": self.place,
            "headline": headline,
            "body": body,
        });
        if let Some(key) = self.plot.figure_key.filter(|_| tells_figure) {
            data[key] = json!(self.figure);
        }
        let step = (self.figure * dice.between(8, 30) / 100).max(1);
        self.figure = match self.plot.course {
            Course::Grows => self.figure + step,
            Course::Shrinks => (self.figure - step).max(1),
            Course::Peaks if self.bulletin < lines.len() / 2 => self.figure + step,
            Course::Peaks => (self.figure - 2 * step).max(1),
            Course::Completes => self.figure + (100 - self.figure) * dice.between(40, 70) / 100,
            Course::Stays => self.figure,
        };
        Draft { kind: kind.to_owned(), data }
    }

    fn is_over(&self) -> bool {
        self.bulletin >= self.plot.bulletins.len()
    }
}

/// With a comma before each three digits.
fn thousands(number: i64) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", thousands(number / 1_000), number % 1_000) }
}

impl World for News {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        self.running.retain(|story| !story.is_over());
        if self.running.is_empty() || (self.running.len() < self.most && dice.chance(30)) {
            let plot = self.deck[self.next_plot % self.deck.len()];
            self.next_plot += 1;
            return self.begin(plot, None, dice);
        }
        let at = dice.place(self.running.len());
        self.running[at].bulletin(dice)
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        if narrative.has(Mood::Quiet) {
            self.most = 1;
        }
        if narrative.has(Mood::Busy) {
            self.most = MOST_RUNNING;
        }
        for place in narrative.places() {
            if !self.places.contains(place) {
                self.places.insert(0, place.clone());
                self.places.truncate(24);
            }
        }
        if self.answers.len() >= MOST_ANSWERS || self.running.len() > MOST_RUNNING {
            return;
        }
        // What is asked about goes on, or begins.
        let place = narrative.places().first().cloned();
        let running = self
            .running
            .iter_mut()
            .find(|story| !story.is_over() && (story.plot.is_about(narrative) || place.as_ref() == Some(&story.place)));
        let draft = match running {
            Some(story) => story.bulletin(dice),
            None => match story::about(narrative) {
                Some(plot) => self.begin(plot, place, dice),
                None => return,
            },
        };
        self.answers.push_back(draft);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn a_story_develops_bulletin_by_bulletin() {
        let mut ended = 0;
        for seed in 0..40 {
            let narrative =
                ["news", "breaking news from Oslo", "quiet local news", "storm news ticker"][seed as usize % 4];
            let mut stories: HashMap<String, (i64, serde_json::Value)> = HashMap::new();
            for draft in events::<News>(narrative, seed, 400) {
                let data = &draft.data;
                let id = data["story_id"].as_str().unwrap().to_owned();
                let nth = data["bulletin"].as_i64().unwrap();
                let before = stories.insert(id, (nth, data["place"].clone()));
                assert_eq!(before.as_ref().map_or(0, |(nth, _)| *nth) + 1, nth, "{data}");
                assert!(before.is_none_or(|(_, place)| place == data["place"]));
                for key in ["headline", "body"] {
                    let text = data[key].as_str().unwrap();
                    assert!(!text.is_empty() && !text.contains(['{', '}', '|']), "{text}");
                }
                ended += i32::from(draft.kind == "wrap_up");
            }
        }
        assert!(ended > 100, "{ended}");
    }

    #[test]
    fn a_client_asks_for_a_story() {
        for seed in 0..10 {
            let mut dice = dice(seed);
            let mut world = begun::<News>("news", &mut dice);
            (0..6).for_each(|_| drop(world.next(&mut dice)));
            hear(&mut world, "what about the storm in Bergen?", &mut dice);
            let draft = world.next(&mut dice);
            assert!(draft.data["category"] == "weather" || draft.data["place"] == "Bergen", "{}", draft.data);
        }
    }
}
