//! What people talk about in a chat.

use crate::narrative::{Mood, Narrative, stem};
use crate::world::Dice;

/// How many talks lie ahead at most.
pub(super) const MOST: usize = 64;

/// A talk: lines, each said by one part (0 is `{a}`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Talk {
    /// The words that bring it up.
    words: &'static [&'static str],
    pub(super) lines: &'static [(usize, &'static str)],
}

impl Talk {
    pub(super) fn parts(&self) -> usize {
        1 + self.lines.iter().map(|(part, _)| *part).max().unwrap_or(0)
    }

    fn is_about(&self, narrative: &Narrative) -> bool {
        self.words.iter().map(|word| stem(word)).any(|word| narrative.stems().any(|other| other == word))
    }
}

/// The talks of a room, those that the narrative is about first.
pub(super) fn deck(narrative: &Narrative, dice: &mut Dice) -> Vec<&'static Talk> {
    let mut deck: Vec<&'static Talk> = TALKS.iter().collect();
    dice.shuffle(&mut deck);
    if narrative.has(Mood::Angry) {
        let mut angry: Vec<&'static Talk> = ANGRY.iter().collect();
        dice.shuffle(&mut angry);
        angry.extend(deck);
        deck = angry;
    }
    // A stable sort: the rest keeps its order.
    deck.sort_by_key(|talk| !talk.is_about(narrative));
    deck
}

/// A talk about what was said.
pub(super) fn about(narrative: &Narrative) -> Option<&'static Talk> {
    TALKS.iter().chain(ANGRY).find(|talk| talk.is_about(narrative))
}

const TALKS: &[Talk] = &[
    Talk {
        words: &["lunch", "food", "pizza", "eat", "hungry", "restaurant", "cook"],
        lines: &[
            (0, "is anyone else {hungry|starving} already?"),
            (1, "{always|yes, I skipped breakfast}. {thai|ramen|tacos} today?"),
            (0, "we had that {yesterday|on Monday}. what about the new place at the corner?"),
            (2, "the one with the {green|red} door? the queue is usually long"),
            (0, "not before twelve. if we leave at {11:45|11:50} we get a table"),
            (1, "ok, I'm in"),
            (2, "same, meet you at the {entrance|lift}"),
        ],
    },
    Talk {
        words: &[
            "release",
            "deploy",
            "ship",
            "software",
            "developer",
            "code",
            "engineering",
            "work",
            "programmer",
            "tech",
        ],
        lines: &[
            (0, "is the release {still on for today|going out today}?"),
            (1, "yes, I'm only waiting for one review"),
            (2, "which one? I have {ten|twenty} minutes now"),
            (1, "the change to the login page, it is {small|about forty lines}"),
            (2, "looking at it {now|right away}"),
            (2, "two small remarks, otherwise it looks good"),
            (1, "thanks {c}! both fixed, merging"),
            (0, "great, tell me when it is {live|out} and I'll watch the dashboards"),
            (1, "it's live. no errors so far"),
        ],
    },
    Talk {
        words: &["bug", "incident", "broken", "server", "outage", "crash", "error"],
        lines: &[
            (0, "does the {search|export|upload} work for you? I get an error"),
            (1, "works here. which browser?"),
            (0, "{Firefox|Safari}. it says the session has expired"),
            (1, "did you try to log out and in again?"),
            (0, "yes, {twice|same thing}"),
            (2, "I saw that this morning. clearing the cookies helped"),
            (0, "that did it, thank you {c}"),
            (1, "still looks like a bug, I'll {file it|open a ticket}"),
        ],
    },
    Talk {
        words: &["weekend", "hike", "hiking", "trip", "travel", "holiday", "vacation", "mountain"],
        lines: &[
            (0, "any plans for the weekend?"),
            (1, "{hiking|going to the lake} if the weather holds"),
            (0, "nice, where {exactly|to}?"),
            (1, "the trail behind the old {mill|station}, about {twelve|fourteen} kilometres"),
            (2, "I did that one last {month|spring}, the view at the top is worth it"),
            (1, "is there anything to eat on the way?"),
            (2, "a small hut, but bring cash"),
            (1, "good to know, thanks"),
            (0, "send pictures!"),
        ],
    },
    Talk {
        words: &["film", "movie", "series", "show", "cinema", "netflix", "watch"],
        lines: &[
            (0, "has anyone seen the new {detective series|space film}?"),
            (1, "only the first {half|hour}, I fell asleep"),
            (2, "what? it gets so much better {after that|towards the end}"),
            (1, "ok ok, I'll give it another chance tonight"),
            (0, "no spoilers please, I start {today|tomorrow}"),
            (2, "my lips are sealed. but do pay attention to the {clock|dog}"),
            (0, "{c}!!"),
            (2, "that was all, promise"),
        ],
    },
    Talk {
        words: &["football", "match", "sport", "sports", "team", "game", "soccer", "league"],
        lines: &[
            (0, "did you {see|watch} the match last night?"),
            (1, "until the {second|third} goal, then I switched it off"),
            (0, "then you missed the best part. they came back in the last {five|ten} minutes"),
            (1, "no way. final score?"),
            (0, "3 to 3, and the keeper nearly scored too"),
            (2, "best game of the season {so far|by far}"),
            (1, "of course it is the one I don't watch to the end"),
        ],
    },
    Talk {
        words: &["meeting", "call", "schedule", "office", "team", "standup", "agenda"],
        lines: &[
            (0, "can we move the meeting to {three|half past two}?"),
            (1, "fine with me"),
            (2, "I have another call until {three|half past two}, might be {five|ten} minutes late"),
            (0, "no problem, we start with the parts that don't need you"),
            (1, "who takes notes this time?"),
            (2, "I did last time"),
            (1, "alright, then it's me"),
            (0, "thanks {b}. new invitation is out"),
        ],
    },
    Talk {
        words: &["birthday", "party", "gift", "present", "celebrate"],
        lines: &[
            (0, "don't forget, the party is on {Friday|Saturday}"),
            (1, "what do we {bring|give}?"),
            (2, "I thought about a {board game|cookbook}, and everyone pays a part"),
            (0, "good idea, about {five|ten} each?"),
            (1, "I'm in. who buys it?"),
            (2, "I pass the shop on my way home, so I can"),
            (0, "perfect. I'll bring a cake"),
        ],
    },
    Talk {
        words: &["weather", "rain", "snow", "sun", "storm"],
        lines: &[
            (0, "it is {pouring|raining cats and dogs} here"),
            (1, "really? bright sunshine on this side of town"),
            (0, "then it will be with you in {ten|twenty} minutes, the wind is strong"),
            (1, "and my {laundry|bike} is outside..."),
            (0, "run!"),
            (1, "made it. first drops as I closed the door"),
        ],
    },
    Talk {
        words: &["music", "concert", "band", "song", "festival", "album"],
        lines: &[
            (0, "there are still tickets for the concert on the {12th|20th}"),
            (1, "how much?"),
            (0, "{38|42} each, standing"),
            (2, "is that the band with the {trumpet|two drummers}?"),
            (0, "yes, they played here two years ago"),
            (2, "then count me in, they were great"),
            (1, "ok, get three, I'll send you the money"),
            (0, "done, three tickets"),
        ],
    },
    Talk {
        words: &["cat", "dog", "pet", "animal"],
        lines: &[
            (0, "our {cat|dog} has learned to open the {fridge|kitchen door}"),
            (1, "clever! how did you find out?"),
            (0, "there was {cheese|sausage} all over the floor this morning"),
            (2, "put a child lock on it, that's what we did"),
            (0, "and does it work?"),
            (2, "for the {cat|dog}, yes. I can't open it either any more"),
        ],
    },
    Talk {
        words: &["book", "read", "reading", "recommend", "learn", "school", "study", "exam", "student", "class"],
        lines: &[
            (0, "does anybody have notes of {yesterday|Tuesday}? I was at the dentist"),
            (1, "I do, but my handwriting is terrible"),
            (0, "better than nothing"),
            (2, "I typed mine, I can send them {tonight|after lunch}"),
            (0, "you're a lifesaver {c}"),
            (1, "could I have them too? I can't read my own"),
            (2, "of course, both of you"),
        ],
    },
    Talk {
        words: &["coffee", "tea", "kitchen", "machine"],
        lines: &[
            (0, "the coffee machine is {blinking red|making strange noises} again"),
            (1, "it wants {water|to be cleaned}, I think"),
            (0, "I filled it up {an hour ago|this morning}"),
            (2, "turn it off and on, then hold the left button"),
            (0, "it works! how did you know that?"),
            (2, "years of experience"),
        ],
    },
    Talk {
        words: &["stream", "streamer", "twitch", "live", "gamer", "gaming", "play", "player"],
        lines: &[
            (0, "anyone up for a round {tonight|later}?"),
            (1, "after {eight|nine}, I have to eat first"),
            (2, "me too. same server as last time?"),
            (0, "yes, but this time we need somebody who plays {healer|support}"),
            (1, "not me, I did it the last {two|three} times"),
            (2, "fine, I'll do it. no complaints afterwards"),
            (0, "deal. see you at {eight|nine}"),
        ],
    },
];

const ANGRY: &[Talk] = &[
    Talk {
        words: &["argue", "argument", "angry", "fight"],
        lines: &[
            (0, "who changed the {settings|plan} without telling anyone?"),
            (1, "I did. I wrote it in here {yesterday|on Friday}"),
            (0, "nobody reads forty messages to find that. this is the {second|third} time"),
            (1, "then maybe read them? I'm not going to call everyone"),
            (2, "please calm down, both of you"),
            (0, "easy to say, it wasn't your {evening|work} that got lost"),
            (1, "what got lost? nobody told me that"),
            (0, "{two|three} hours of it. that's why I'm angry"),
            (1, "ok. I'm sorry, I didn't know. next time I'll ask first"),
            (0, "thank you. and I could have asked before shouting"),
        ],
    },
    Talk {
        words: &["complain", "rude", "furious", "upset"],
        lines: &[
            (0, "seriously, this is {ridiculous|unacceptable}. it has been broken since {morning|nine}"),
            (1, "same here, and no word from anyone"),
            (2, "they said it would be fixed by {noon|lunch}"),
            (0, "it is past that, and it got worse"),
            (1, "I have had enough, I'm writing to them now"),
            (2, "do that. be polite, it helps"),
            (0, "I was polite the first {three|four} times!"),
            (1, "they answered: another {hour|two hours}"),
            (0, "unbelievable"),
        ],
    },
];
