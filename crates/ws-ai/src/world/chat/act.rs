//! What kind of thing somebody says in a chat, and of what.

use crate::narrative::Narrative;

/// Longer words that say nothing of what is spoken of.
const NO_SUBJECTS: &str = "\
    about actually again always amazing angry annoying anybody anyone anything around awesome awful been \
    before being broken came can't come cool could didn't does doesn't doing don't done everybody \
    everyone everything exactly feel from goes going good great guys hallo hate have hello help here \
    hope into isn't joke just know last like love made make many maybe more much need never nice nobody \
    okay only people perfect please really right said same says seen should some someone something sorry \
    sure take tell terrible than thank thanks that them then there these they thing things think this \
    those time tired today tomorrow tonight took very wait want well went were what what's when where \
    which will with wonderful work works worst would yeah yesterday you're your";

/// What kind of thing was said; the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Thanks,
    Farewell,
    Who,
    When,
    Where,
    Why,
    HowAreYou,
    HowMuch,
    How,
    Choice,
    Joke,
    Help,
    YesNo,
    What,
    Sorry,
    Praise,
    Complaint,
    Agreement,
    Refusal,
    OfSelf,
    Greeting,
    Laughter,
    Statement,
}

/// What kind of thing it is.
pub(super) fn act(line: &Narrative, text: &str) -> Act {
    let words: Vec<&str> = line.lower_words().collect();
    let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
    let first = words.first().copied().unwrap_or_default();
    let second = words.get(1).copied().unwrap_or_default();
    let asks = text.contains('?');
    let rest_asks = |word: &str| words.contains(&word) && (asks || first == word);
    if has(&["thanks", "thank", "thx", "ty", "cheers"]) {
        Act::Thanks
    } else if has(&["bye", "goodbye", "cya", "goodnight", "farewell"]) || (first == "see" && second == "you") {
        Act::Farewell
    } else if has(&["lol", "haha", "hahaha", "lmao", "hehe", "rofl"]) {
        Act::Laughter
    } else if has(&["joke", "jokes"]) {
        Act::Joke
    } else if rest_asks("how")
        && has(&["you", "everyone", "everybody", "things", "going"])
        && !has(&["do", "can", "much", "many"])
    {
        Act::HowAreYou
    } else if rest_asks("how") && has(&["much", "many", "long", "far", "expensive"]) {
        Act::HowMuch
    } else if rest_asks("who") || rest_asks("who's") {
        Act::Who
    } else if rest_asks("when") || (asks && words.windows(2).any(|pair| pair == ["what", "time"])) {
        Act::When
    } else if rest_asks("where") || rest_asks("where's") {
        Act::Where
    } else if rest_asks("why") {
        Act::Why
    } else if rest_asks("how") {
        Act::How
    } else if asks && has(&["or"]) {
        Act::Choice
    } else if has(&["help"]) {
        Act::Help
    } else if asks && has(&["what", "which", "what's"]) {
        Act::What
    } else if asks {
        Act::YesNo
    } else if has(&["sorry", "apologies", "oops"]) {
        Act::Sorry
    } else if has(&[
        "great",
        "awesome",
        "love",
        "nice",
        "cool",
        "amazing",
        "wonderful",
        "perfect",
        "congratulations",
        "congrats",
    ]) {
        Act::Praise
    } else if has(&[
        "hate", "terrible", "awful", "broken", "annoying", "annoyed", "angry", "worst", "bad", "sad", "tired", "sick",
    ]) {
        Act::Complaint
    } else if ["yes", "yeah", "yep", "ok", "okay", "sure", "agreed", "right", "true", "exactly"].contains(&first) {
        Act::Agreement
    } else if ["no", "nope", "never", "nah"].contains(&first) {
        Act::Refusal
    } else if has(&["hi", "hello", "hey", "hallo", "morning", "hola", "evening"]) && words.len() <= 4 {
        Act::Greeting
    } else if ["i", "i'm", "we", "my", "i've", "we're", "our"].contains(&first) {
        Act::OfSelf
    } else {
        Act::Statement
    }
}

/// What is spoken of: the last longer word that is no name of a member, nor one of every sentence.
pub(super) fn subject(line: &Narrative, members: &[String]) -> Option<String> {
    // Of other languages we would take up any word.
    if line.text().chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        return None;
    }
    let is_member = |word: &str| members.iter().any(|name| name.to_lowercase() == word);
    let words: Vec<&str> = line.lower_words().collect();
    let found = words.iter().enumerate().rev().find(|(_, word)| {
        let is_word = (4..=24).contains(&word.chars().count()) && word.chars().all(char::is_alphabetic);
        is_word
            && !NO_SUBJECTS.split(' ').any(|none| none == **word)
            && !is_member(word)
            && !word.ends_with("ly")
            && !word.ends_with("ing")
            && !word.ends_with("ed")
    });
    found.map(|(at, word)| {
        // "the deploy" answers "when is the deploy"; a bare word is taken as it is.
        let nearest = at.saturating_sub(2)..at;
        let article = nearest
            .rev()
            .find(|before| ["the", "our", "your", "this", "that", "a", "an", "my"].contains(&words[*before]));
        let Some(article) = article else { return (*word).to_owned() };
        let rest = words[article + 1..=at].join(" ");
        let article = if words[article] == "my" { "your" } else { words[article] };
        format!("{article} {rest}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_told_by_its_words() {
        for (text, expected) in [
            ("thanks a lot!", Act::Thanks),
            ("Where is the deploy guide?", Act::Where),
            ("when do we start?", Act::When),
            ("what time is it?", Act::When),
            ("who broke the build?", Act::Who),
            ("how are you?", Act::HowAreYou),
            ("How do I reset my password?", Act::How),
            ("how many are there?", Act::HowMuch),
            ("is it raining?", Act::YesNo),
            ("tea or coffee?", Act::Choice),
            ("can somebody help me", Act::Help),
            ("hello there", Act::Greeting),
            ("I bought a boat", Act::OfSelf),
            ("the boat sank", Act::Statement),
            ("ok", Act::Agreement),
            ("LOL", Act::Laughter),
            ("", Act::Statement),
            ("???", Act::YesNo),
            ("привет", Act::Statement),
        ] {
            assert_eq!(act(&Narrative::read(text), text), expected, "{text}");
        }
    }
}
