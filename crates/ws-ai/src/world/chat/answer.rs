//! What people in a chat answer when somebody says something to them.

use super::act::{Act, act, subject};
use crate::narrative::{Narrative, Said};
use crate::world::Dice;
use crate::world::fill::{capital, fill};

/// One or two lines, by different people, that fit what was said.
pub(super) fn answers(said: &Said, speaker: Option<&str>, members: &[String], dice: &mut Dice) -> Vec<String> {
    let text = said.line();
    let line = Narrative::read(&text);
    let act = act(&line, &text);
    let subject = subject(&line, members);
    let subject = subject.as_deref();
    let templates = templates(act, subject.is_some());
    let others: Vec<&String> = members.iter().filter(|name| Some(name.as_str()) != speaker).collect();
    let someone = others.get(dice.place(others.len().max(1))).map_or("somebody", |name| name.as_str());
    let name = speaker.map_or_else(String::new, |name| format!(" {name}"));
    let values = [("name", name.as_str()), ("it", subject.unwrap_or("that")), ("someone", someone)];
    let first = templates[dice.place(templates.len())];
    let mut answers = vec![capital(&fill(first, &values, dice))];
    let seconds = seconds(act);
    if !seconds.is_empty() && dice.chance(40) {
        answers.push(capital(&fill(seconds[dice.place(seconds.len())], &values, dice)));
    }
    answers
}

fn templates(act: Act, has_subject: bool) -> &'static [&'static str] {
    match act {
        Act::Thanks => &["you're welcome{name}!", "any time", "{no problem|sure}{name}, glad it helped"],
        Act::Farewell => &["bye{name}!", "see you{name}", "take care{name}, {see you tomorrow|until next time}"],
        Act::Greeting => &["{hi|hey|hello}{name}!", "hey{name}, how are you?", "hi{name}, good to see you here"],
        Act::HowAreYou => &[
            "{pretty good|fine|doing well}, thanks! and you{name}?",
            "{a bit tired|busy}, but {good|fine}. how about you?",
        ],
        Act::Who => {
            &["I think it was {someone}", "ask {someone}, {they know|I'm not sure}", "{someone}, if I remember right"]
        }
        Act::When if has_subject => &[
            "{it}? {tomorrow at ten|today at four|on Thursday}, as far as I know",
            "I have {half past two|Friday morning} in my calendar for {it}",
        ],
        Act::When => &[
            "{tomorrow at ten|today around four|on Thursday}, as far as I know",
            "{in about an hour|later today}, I think",
        ],
        Act::Where if has_subject => &[
            "{it}? {second floor, on the left|next to the station|it's pinned in this channel}",
            "last time I saw {it} {in the kitchen|in the shared folder}",
        ],
        Act::Where => {
            &["{second floor, on the left|next to the station}", "{it's pinned in this channel|in the shared folder}"]
        }
        Act::Why if has_subject => &[
            "good question, {it} was {like that before I came|changed last week}",
            "because of {it}? I'd {guess|say} nobody had the time yet",
        ],
        Act::Why => &["good question, I wonder too", "{long story|nobody knows}, ask {someone}"],
        Act::HowMuch => &[
            "{about|roughly} {ten|twenty|thirty}, I'd say",
            "{more than last time|less than you think}, {someone} has the numbers",
        ],
        Act::How if has_subject => &[
            "for {it}? {there is a short guide in the pinned messages|ask {someone}, they did it last week}",
            "{step by step|slowly} :) what have you tried with {it} so far{name}?",
        ],
        Act::How => &["what have you tried so far{name}?", "there is a short guide in the pinned messages"],
        Act::Choice => {
            &["the {first|second} one for me", "hard to say... the {first|second}, I think", "why not both?"]
        }
        Act::Joke => &[
            "why do programmers mix up Halloween and Christmas? because oct 31 is dec 25",
            "I'd tell you a joke about UDP, but you might not get it",
        ],
        Act::Help if has_subject => &[
            "sure{name}, what's {the problem|wrong} with {it}?",
            "I can help with {it}, {one minute|give me a second}",
        ],
        Act::Help => &["sure{name}, what do you need?", "of course, what's the problem?"],
        Act::YesNo if has_subject => &[
            "{yes, I think so|I think so}, at least {it} {was fine|looked good} this morning",
            "not sure about {it}, {let me check|maybe {someone} knows}",
            "no, not {yet|as far as I know}. is it about {it}?",
        ],
        Act::YesNo => &["{yes|yes, definitely}", "{I don't think so|not yet}", "maybe, let me {check|ask {someone}}"],
        Act::What if has_subject => &[
            "{it}? {we talked about it this morning, scroll up a bit|I'd look at the pinned message}",
            "about {it}: {nothing new here|I only know what {someone} told me}",
        ],
        Act::What => &["nothing special, {just catching up|quiet day}", "{good question|hm}, {someone} might know"],
        Act::Sorry => &["no worries{name}", "it's {fine|all right}{name}, {happens to all of us|don't worry}"],
        Act::Praise if has_subject => {
            &["{right?|I know!} {it} {made my day|is just great}", "glad you like {it}{name}!"]
        }
        Act::Praise => &["{right?|I know!} :)", "glad to hear that{name}!"],
        Act::Complaint if has_subject => {
            &["{oh no|ugh}, what happened with {it}?", "same here, {it} {drives me mad|was no fun today}"]
        }
        Act::Complaint => &["{oh no|ugh}, what happened{name}?", "sorry to hear that{name}"],
        Act::Agreement => &["{great|good}, then we agree", "{perfect|nice}{name}"],
        Act::Refusal => &["{fair enough|ok}, why not?", "alright{name}, no problem"],
        Act::OfSelf if has_subject => &[
            "{really|oh}? What about {it}?",
            "{interesting|nice}, {someone} told me about {it} too",
            "tell us more about {it}{name}",
        ],
        Act::OfSelf => &["{oh really|interesting}{name}? since when?", "{same here|me too}"],
        Act::Laughter => &["haha", ":D", "glad somebody laughs{name}"],
        Act::Statement if has_subject => &[
            "{it}? tell me more",
            "{good point|right}, {it} {came up|was a topic} last week too",
            "what do the others think about {it}?",
        ],
        Act::Statement => &["{hm, ok|I see}", "{interesting|good to know}{name}", "what do the others think?"],
    }
}

/// What somebody else may add.
fn seconds(act: Act) -> &'static [&'static str] {
    match act {
        Act::Greeting => &["hi{name}, welcome!", "hello hello"],
        Act::When | Act::Where | Act::Who | Act::HowMuch => {
            &["yes, that's what I {heard|have} too", "are you sure? I {heard|thought} something else"]
        }
        Act::YesNo | Act::What | Act::How | Act::Why => &["same question here", "{someone} should know"],
        Act::Joke => &["haha", "that one is old :)"],
        Act::Complaint => &["we should do something about it", "it will get better{name}"],
        Act::Statement | Act::OfSelf | Act::Praise => &["agreed", "{+1|true}"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::dice;
    use super::*;

    #[test]
    fn an_answer_takes_up_what_was_spoken_of() {
        let members = ["Ana".to_owned(), "Ben".to_owned()];
        for seed in 0..60 {
            let said = Said::read(r#"{"user": "Zoe", "text": "When is the deploy?"}"#);
            let answers = answers(&said, said.speaker().as_deref(), &members, &mut dice(seed));
            assert!(answers[0].to_lowercase().contains("the deploy"), "{answers:?}");
            assert!(answers.iter().all(|text| !text.contains(['{', '}', '|'])), "{answers:?}");
        }
    }

    #[test]
    fn no_template_is_left_unfilled() {
        let acts = [
            "thanks",
            "bye",
            "joke",
            "how are you?",
            "how much?",
            "who?",
            "when?",
            "where?",
            "why?",
            "how?",
            "a or b?",
            "help",
            "what?",
            "?",
            "sorry",
            "great",
            "bad",
            "yes",
            "no",
            "hi",
            "i am",
            "x",
            "why is the boat red?",
            "how do I sail a boat?",
            "help with a boat",
            "what about a boat?",
            "is it a boat?",
            "great boat",
            "terrible boat",
            "I have a boat",
            "a boat",
        ];
        for text in acts {
            for seed in 0..40 {
                let answers = answers(&Said::read(text), None, &["Ana".to_owned()], &mut dice(seed));
                assert!(answers.iter().all(|text| !text.contains(['{', '}', '|'])), "{text}: {answers:?}");
            }
        }
    }
}
