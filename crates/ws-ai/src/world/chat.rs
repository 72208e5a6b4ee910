//! A chat room: people who talk with each other about one thing after another, come and go, type and react.

mod act;
mod answer;
mod talk;

use std::collections::VecDeque;

use serde_json::json;

use super::fill::{capital, fill};
use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use talk::Talk;

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (
        3,
        &[
            "chat",
            "conversation",
            "chatroom",
            "messenger",
            "slack",
            "discord",
            "irc",
            "dialogue",
            "whatsapp",
            "groupchat",
        ],
    ),
    (2, &["talk", "discussion", "discuss", "gossip", "banter", "channel", "thread", "chatter"]),
    (
        1,
        &[
            "message",
            "room",
            "friend",
            "people",
            "interaction",
            "user",
            "team",
            "colleague",
            "community",
            "comment",
            "typing",
        ],
    ),
];

/// How many people are in the room at most.
const MOST_MEMBERS: usize = 30;
/// How many answers to clients wait, in events.
const MOST_PENDING: usize = 24;
/// How many messages can still get a reaction.
const MOST_RECENT: usize = 8;

pub(super) struct Chat {
    room: String,
    /// Who is in the room.
    members: Vec<String>,
    /// Who is not there now.
    absent: Vec<String>,
    deck: Vec<&'static Talk>,
    next_talk: usize,
    /// What is being talked about: who has which part, and the next line.
    talk: Option<Running>,
    pending: VecDeque<Pending>,
    recent: VecDeque<Recent>,
    next_id: i64,
    busy: bool,
    quiet: bool,
}

#[derive(Debug)]
struct Running {
    talk: &'static Talk,
    parts: Vec<String>,
    line: usize,
    last: Option<(String, i64)>,
    /// Whether the next line has been announced by typing.
    is_typed: bool,
}

/// A line that somebody is going to say, whatever the talk is about.
#[derive(Debug)]
struct Pending {
    user: String,
    text: String,
    to: Option<String>,
    quote: Option<String>,
    is_typed: bool,
}

#[derive(Debug)]
struct Recent {
    id: i64,
    user: String,
    reactions: Vec<(&'static str, i64)>,
}

impl Chat {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let named = narrative.people().len() + narrative.quoted().iter().filter(|name| !name.contains(' ')).count();
        let count = narrative.count_of(&[
            "user",
            "people",
            "person",
            "friend",
            "member",
            "participant",
            "colleague",
            "player",
            "student",
        ]);
        let count = count.unwrap_or(if named > 1 { named } else { 5 }).clamp(2, MOST_MEMBERS);
        let mut known = narrative.people().to_vec();
        known.extend(narrative.quoted().iter().filter(|name| !name.contains(' ')).cloned());
        let first: Vec<&str> = cast_names(dice, count);
        let mut members = cast::filled_up(&known, &first, count, dice);
        let absent =
            if members.len() > 3 && named < members.len() { members.split_off(members.len() - 1) } else { Vec::new() };
        Self {
            room: narrative.channels().first().cloned().unwrap_or_else(|| "general".to_owned()),
            members,
            absent,
            deck: talk::deck(narrative, dice),
            next_talk: 0,
            talk: None,
            pending: VecDeque::new(),
            recent: VecDeque::new(),
            next_id: 1,
            busy: narrative.has(Mood::Busy),
            quiet: narrative.has(Mood::Quiet),
        }
    }

    fn message(&mut self, user: &str, text: &str, to: Option<&str>, quote: Option<&str>) -> Draft {
        let id = self.next_id;
        self.next_id += 1;
        let mut data = json!({"id": format!("m{id}"), "room": self.room, "user": user, "text": text});
        if let Some(to) = to {
            data["reply_to"] = json!(to);
        }
        if let Some(quote) = quote {
            data["quote"] = json!(quote);
        }
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Recent { id, user: user.to_owned(), reactions: Vec::new() });
        Draft { kind: "message".to_owned(), data }
    }

    /// Says that somebody writes the message that comes next.
    fn typing(&self, user: &str) -> Draft {
        let data = json!({"room": self.room, "user": user, "writes": format!("m{}", self.next_id)});
        Draft { kind: "typing".to_owned(), data }
    }

    fn answer(&mut self, dice: &mut Dice) -> Option<Draft> {
        let front = self.pending.front_mut()?;
        if !front.is_typed && dice.chance(50) {
            front.is_typed = true;
            let user = front.user.clone();
            return Some(self.typing(&user));
        }
        let Pending { user, text, to, quote, .. } = self.pending.pop_front()?;
        Some(self.message(&user, &text, to.as_deref(), quote.as_deref()))
    }

    fn begin_talk(&mut self, dice: &mut Dice) -> Running {
        if self.next_talk >= self.deck.len() {
            self.next_talk = 0;
            // Not the same again at once.
            let last = self.deck.len() - 1;
            dice.shuffle(&mut self.deck[..last]);
        }
        let talk = self.deck[self.next_talk];
        self.next_talk += 1;
        let mut parts = dice.sample(&self.members, talk.parts());
        // With few people in the room, some have two parts; but nobody answers oneself.
        while parts.len() < talk.parts() {
            parts.push(parts[parts.len() % self.members.len()].clone());
        }
        Running { talk, parts, line: 0, last: None, is_typed: false }
    }

    fn line(&mut self, dice: &mut Dice) -> Draft {
        let running = self.talk.take().filter(|running| running.line < running.talk.lines.len());
        let mut running = running.unwrap_or_else(|| self.begin_talk(dice));
        let (part, template) = running.talk.lines[running.line];
        let user = running.parts[part].clone();
        if !running.is_typed && dice.chance(if self.busy { 12 } else { 28 }) {
            running.is_typed = true;
            self.talk = Some(running);
            return self.typing(&user);
        }
        let values: Vec<(&str, &str)> =
            ["a", "b", "c"].into_iter().zip(running.parts.iter().map(String::as_str)).collect();
        let text = capital(&fill(template, &values, dice));
        let to = running
            .last
            .as_ref()
            .filter(|(before, _)| *before != user && dice.chance(60))
            .map(|(_, id)| format!("m{id}"));
        let id = self.next_id;
        let draft = self.message(&user, &text, to.as_deref(), None);
        running.line += 1;
        running.is_typed = false;
        running.last = Some((user, id));
        self.talk = Some(running);
        draft
    }

    fn reaction(&mut self, dice: &mut Dice) -> Option<Draft> {
        const EMOJI: &[&str] = &["👍", "😂", "❤️", "🎉", "👀", "🙏"];
        let place = dice.place(self.recent.len());
        let user = dice.pick(&self.members).clone();
        let recent = self.recent.get_mut(place).filter(|recent| recent.user != user)?;
        let emoji = *dice.pick(EMOJI);
        let count = match recent.reactions.iter_mut().find(|(known, _)| *known == emoji) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                recent.reactions.push((emoji, 1));
                1
            }
        };
        // Nobody is in the room twice.
        if count >= i64::try_from(self.members.len()).unwrap_or(i64::MAX) {
            return None;
        }
        let data = json!({
            "room": self.room, "message_id": format!("m{}", recent.id), "user": user, "emoji": emoji, "count": count,
        });
        Some(Draft { kind: "reaction".to_owned(), data })
    }

    /// Somebody comes, or goes who has nothing more to say.
    fn movement(&mut self, dice: &mut Dice) -> Option<Draft> {
        let is_needed = |user: &String| {
            self.talk
                .as_ref()
                .is_some_and(|running| running.line < running.talk.lines.len() && running.parts.contains(user))
                || self.pending.iter().any(|pending| pending.user == *user)
        };
        let comes = !self.absent.is_empty() && (self.members.len() <= 3 || dice.chance(50));
        let (kind, user) = if comes {
            let user = self.absent.remove(dice.place(self.absent.len()));
            self.members.push(user.clone());
            if self.pending.len() < MOST_PENDING && dice.chance(70) {
                let greeter = dice.pick(&self.members[..self.members.len() - 1]).clone();
                let text = fill("{hey|hi|welcome back,|oh hi} {who}{!||, good to see you}", &[("who", &user)], dice);
                self.pending.push_back(Pending {
                    user: greeter,
                    text: capital(&text),
                    to: None,
                    quote: None,
                    is_typed: true,
                });
                let text = fill("{hi everyone|hello!|hey all, what did I miss?|good to be here}", &[], dice);
                self.pending.push_back(Pending {
                    user: user.clone(),
                    text: capital(&text),
                    to: None,
                    quote: None,
                    is_typed: true,
                });
            }
            ("join", user)
        } else {
            let leavers: Vec<usize> =
                (0..self.members.len()).filter(|place| !is_needed(&self.members[*place])).collect();
            if self.members.len() <= 3 || leavers.is_empty() {
                return None;
            }
            let user = self.members.remove(*dice.pick(&leavers));
            self.absent.push(user.clone());
            ("leave", user)
        };
        let last = format!("m{}", self.next_id - 1);
        let data = json!({"room": self.room, "user": user, "members": self.members.len(), "last_message_id": last});
        Some(Draft { kind: kind.to_owned(), data })
    }
}

/// More first names than are needed, so that somebody can join.
fn cast_names(dice: &mut Dice, count: usize) -> Vec<&'static str> {
    dice.sample(cast::FIRST_NAMES, count + 4)
}

impl World for Chat {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        // Who was seen typing is next, or the announced message would be another one.
        if self.talk.as_ref().is_some_and(|running| running.is_typed) {
            return self.line(dice);
        }
        if let Some(draft) = self.answer(dice) {
            return draft;
        }
        let is_open = self.talk.as_ref().is_some_and(|running| running.line > 0);
        let roll = dice.between(1, 100);
        let movement = if self.quiet { 10 } else { 5 };
        let other = match roll {
            _ if !is_open => None,
            ..=10 => self.reaction(dice),
            _ if roll <= 10 + movement => self.movement(dice),
            _ => None,
        };
        other.unwrap_or_else(|| self.line(dice))
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let line = said.line();
        if line.is_empty() || self.pending.len() + 2 > MOST_PENDING {
            return;
        }
        for mood in said.narrative().moods() {
            match mood {
                Mood::Busy => (self.busy, self.quiet) = (true, false),
                Mood::Quiet => (self.busy, self.quiet) = (false, true),
                _ => {}
            }
        }
        let speaker = said.speaker();
        // Whoever is spoken to answers, else somebody.
        let is_other = |name: &&String| speaker.as_ref() != Some(*name);
        let spoken_to = self
            .members
            .iter()
            .filter(is_other)
            .find(|name| said.narrative().lower_words().any(|word| word == name.to_lowercase()));
        let user = match spoken_to {
            Some(name) => name.clone(),
            None => {
                let others: Vec<String> = self.members.iter().filter(is_other).cloned().collect();
                if others.is_empty() { return } else { dice.pick(&others).clone() }
            }
        };
        let quote: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
        for (nth, text) in answer::answers(said, speaker.as_deref(), &self.members, dice).into_iter().enumerate() {
            let others: Vec<String> =
                self.members.iter().filter(|name| **name != user && is_other(name)).cloned().collect();
            let user = if nth == 0 || others.is_empty() { user.clone() } else { dice.pick(&others).clone() };
            let (to, quote) = if nth == 0 { (speaker.clone(), Some(quote.clone())) } else { (None, None) };
            let to = to.map(|name| format!("@{name}"));
            self.pending.push_back(Pending { user, text, to, quote, is_typed: false });
        }
        // A talk about what was said comes next.
        if let Some(talk) = talk::about(said.narrative()) {
            self.deck.insert(self.next_talk.min(self.deck.len()), talk);
            self.deck.truncate(talk::MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    fn text<'a>(draft: &'a Draft, key: &str) -> &'a str {
        draft.data[key].as_str().unwrap_or_default()
    }

    #[test]
    fn who_speaks_is_in_the_room_and_what_is_answered_was_said() {
        for seed in 0..40 {
            let narrative = ["a chat of six friends", "a quiet chat", "busy chat between Alice and Bob", "angry chat"]
                [seed as usize % 4];
            let mut world_dice = dice(seed);
            let world = begun::<Chat>(narrative, &mut world_dice);
            let mut present: HashSet<String> = world.members.iter().cloned().collect();
            let mut said: HashSet<String> = HashSet::new();
            let mut typed: Option<(String, String)> = None;
            for draft in events::<Chat>(narrative, seed, 600) {
                let user = text(&draft, "user").to_owned();
                match draft.kind.as_str() {
                    "join" => assert!(present.insert(user)),
                    "leave" => assert!(present.remove(&user)),
                    "typing" => {
                        assert!(present.contains(&user));
                        typed = Some((user, text(&draft, "writes").to_owned()));
                    }
                    "reaction" => assert!(present.contains(&user) && said.contains(text(&draft, "message_id"))),
                    "message" => {
                        assert!(present.contains(&user), "{}", draft.data);
                        let line = text(&draft, "text");
                        assert!(!line.is_empty() && !line.contains(['{', '}', '|']), "{line}");
                        let id = text(&draft, "id").to_owned();
                        if let Some((writer, message)) = typed.take()
                            && message == id
                        {
                            assert_eq!(writer, user);
                        }
                        let to = text(&draft, "reply_to");
                        assert!(to.is_empty() || said.contains(to), "{}", draft.data);
                        assert!(said.insert(id));
                    }
                    other => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn a_client_is_answered() {
        for seed in 0..30 {
            let mut dice = dice(seed);
            let mut world = begun::<Chat>("chat", &mut dice);
            (0..10).for_each(|_| drop(world.next(&mut dice)));
            hear(&mut world, r#"{"user": "Zelda", "text": "Where are the keys of the boat?"}"#, &mut dice);
            // Who was typing comes first.
            let soon: Vec<Draft> = (0..5).map(|_| world.next(&mut dice)).collect();
            let answer =
                soon.iter().find(|draft| draft.kind == "message" && draft.data.get("quote").is_some()).unwrap();
            assert_eq!(text(answer, "reply_to"), "@Zelda");
            assert!(text(answer, "text").to_lowercase().contains("the boat"), "{}", answer.data);
            assert_eq!(text(answer, "quote"), "Where are the keys of the boat?");
            let first = world.members[0].clone();
            world.pending.clear();
            hear(&mut world, &format!("thanks {first}!"), &mut dice);
            assert_eq!(world.pending[0].user, first);
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut dice = dice(1);
        let mut world = begun::<Chat>("chat", &mut dice);
        for _ in 0..1_000 {
            hear(&mut world, "what about lunch?", &mut dice);
        }
        assert!(world.pending.len() <= MOST_PENDING && world.deck.len() <= talk::MOST);
    }
}
