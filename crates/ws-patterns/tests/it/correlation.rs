//! Correlations: exact cases of each kind.

mod properties;

use std::time::Duration;

use serde_json::{Value, json};
use ws_core::Direction::{self, Inbound, Outbound};
use ws_patterns::{
    Correlation, CorrelationError, CorrelationState, Event, JsonPath, MessagePattern, MessageText, Outcome, OutcomeKind,
};

use OutcomeKind::{Forgotten, Fulfilled, Violated};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn regex(pattern: &str) -> Event {
    Event::new(MessagePattern::regex(pattern).unwrap())
}

/// A text of this word, and the key behind it.
fn keyed(word: &str) -> Event {
    regex(&format!("^{word} (?<key>.*)$")).key("key").unwrap()
}

/// One session, and what it is told.
struct Session<'c> {
    correlation: &'c Correlation,
    state: CorrelationState,
}

impl<'c> Session<'c> {
    fn new(correlation: &'c Correlation) -> Self {
        Self { correlation, state: correlation.start(ms(0)) }
    }

    fn say(&mut self, at: u64, direction: Direction, text: &str) -> Vec<(OutcomeKind, String)> {
        told(self.correlation.on_message(&mut self.state, ms(at), direction, &MessageText::new(text)))
    }

    fn hear(&mut self, at: u64, text: &str) -> Vec<(OutcomeKind, String)> {
        self.say(at, Inbound, text)
    }

    fn wait(&mut self, at: u64) -> Vec<(OutcomeKind, String)> {
        told(self.correlation.on_time(&mut self.state, ms(at)))
    }

    fn finish(&mut self, at: u64) -> Vec<(OutcomeKind, String)> {
        told(self.correlation.finish(&mut self.state, ms(at)))
    }

    fn deadline(&self) -> Option<Duration> {
        self.correlation.deadline(&self.state)
    }
}

fn told(outcomes: Vec<Outcome>) -> Vec<(OutcomeKind, String)> {
    outcomes.into_iter().map(|outcome| (outcome.kind(), outcome.to_string())).collect()
}

fn one(kind: OutcomeKind, reason: &str) -> Vec<(OutcomeKind, String)> {
    vec![(kind, reason.to_owned())]
}

fn nothing() -> Vec<(OutcomeKind, String)> {
    vec![]
}

// ---- answered ----

#[test]
fn each_request_is_answered_by_its_key_or_too_late() {
    let answered = Correlation::answered(keyed("GET"), keyed("OK")).within(ms(2_000)).build().unwrap();
    let mut session = Session::new(&answered);
    assert_eq!(session.deadline(), None);
    assert_eq!(session.hear(0, "GET 7"), nothing());
    assert_eq!(session.hear(500, "GET a"), nothing());
    assert_eq!(session.deadline(), Some(ms(2_000)));
    assert_eq!(session.hear(1_000, "OK 8"), nothing(), "nobody asked for that");
    assert_eq!(session.hear(1_500, "OK a"), one(Fulfilled, r#"request "a" was answered after 1 s"#));
    assert_eq!(session.wait(1_999), nothing());
    assert_eq!(session.wait(2_000), one(Violated, "no answer to request 7 within 2 s"));
    assert_eq!(session.hear(2_001, "OK 7"), nothing(), "it was violated already");
    assert_eq!(session.deadline(), None);
}

/// The same whether the caller noticed the time before or not.
#[test]
fn at_the_end_of_its_window_an_answer_is_too_late() {
    let answered = Correlation::answered(regex("^GET"), regex("^OK")).within(ms(100)).build().unwrap();
    let mut session = Session::new(&answered);
    session.hear(0, "GET");
    assert_eq!(session.hear(99, "OK"), one(Fulfilled, "the request was answered after 99 ms"));
    session.hear(200, "GET");
    assert_eq!(session.hear(300, "OK"), one(Violated, "no answer to the request within 100 ms"));
}

#[test]
fn what_time_brings_about_comes_before_what_the_message_does() {
    let answered = Correlation::answered(keyed("GET"), keyed("OK")).within(ms(100)).build().unwrap();
    let mut session = Session::new(&answered);
    for (at, text) in [(0, "GET 1"), (10, "GET 2"), (60, "GET 3")] {
        session.hear(at, text);
    }
    let expected = [
        (Violated, "no answer to request 1 within 100 ms".to_owned()),
        (Violated, "no answer to request 2 within 100 ms".to_owned()),
        (Fulfilled, "request 3 was answered after 60 ms".to_owned()),
    ];
    assert_eq!(session.hear(120, "OK 3"), expected);
}

#[test]
fn requests_with_the_same_key_are_answered_one_by_one_the_oldest_first() {
    let answered = Correlation::answered(keyed("GET"), keyed("OK")).build().unwrap();
    let mut session = Session::new(&answered);
    session.hear(0, "GET 1");
    session.hear(10, "GET 1");
    assert_eq!(session.hear(30, "OK 1"), one(Fulfilled, "request 1 was answered after 30 ms"));
    assert_eq!(session.hear(30, "OK 1"), one(Fulfilled, "request 1 was answered after 20 ms"));
    assert_eq!(session.hear(30, "OK 1"), nothing());
}

#[test]
fn an_answer_without_a_key_answers_the_oldest_request() {
    let answered = Correlation::answered(keyed("GET"), regex("^OK$")).build().unwrap();
    let mut session = Session::new(&answered);
    session.hear(0, "GET 1");
    session.hear(0, "GET 2");
    assert_eq!(session.hear(1, "OK"), one(Fulfilled, "request 1 was answered after 1 ms"));
    assert_eq!(session.hear(1, "OK"), one(Fulfilled, "request 2 was answered after 1 ms"));
}

#[test]
fn direction_tells_requests_from_answers() {
    let any = MessagePattern::any;
    let answered = Correlation::answered(
        Event::inbound(any()).key("$.id").unwrap(),
        Event::outbound(any()).key_path(JsonPath::compile("$.re").unwrap()),
    );
    let answered = answered.build().unwrap();
    let mut session = Session::new(&answered);
    assert_eq!(session.say(0, Outbound, r#"{"id": 1}"#), nothing());
    assert_eq!(session.state.open(), 0);
    session.say(0, Inbound, r#"{"id": 1}"#);
    assert_eq!(session.say(0, Inbound, r#"{"re": 1}"#), nothing());
    assert_eq!(session.say(2, Outbound, r#"{"re": 1.0}"#), one(Fulfilled, "request 1 was answered after 2 ms"));
}

#[test]
fn a_message_that_answers_is_no_request_too() {
    let both = regex("^ping$");
    let answered = Correlation::answered(both.clone(), both).build().unwrap();
    let mut session = Session::new(&answered);
    session.say(0, Inbound, "ping");
    assert_eq!(session.say(1, Outbound, "ping"), one(Fulfilled, "the request was answered after 1 ms"));
    assert_eq!(session.state.open(), 0);
}

#[test]
fn messages_without_their_key_are_no_events() {
    let any = || Event::new(MessagePattern::jsonpath("$.m")).key("$.id").unwrap();
    let answered = Correlation::answered(any(), keyed("OK")).build().unwrap();
    let mut session = Session::new(&answered);
    let long = json!({"m": 1, "id": "x".repeat(1025)}).to_string();
    for text in [r#"{"m": 1}"#, r#"{"m": 1, "id": null}"#, r#"{"m": 1, "id": [1]}"#, r#"{"id": 1}"#, "no JSON", &long] {
        session.hear(0, text);
        assert_eq!(session.state.open(), 0, "{text}");
    }
    session.hear(0, r#"{"m": 1, "id": false}"#);
    assert_eq!(session.state.open(), 1);

    let optional = regex("^GET(?<key> .)?").key("1").unwrap();
    let answered = Correlation::answered(optional.clone(), optional).build().unwrap();
    let mut session = Session::new(&answered);
    session.hear(0, "GET");
    assert_eq!(session.state.open(), 0, "the group took no part");
}

#[test]
fn keys_are_told_in_outcomes() {
    let answered = Correlation::answered(keyed("GET"), keyed("OK")).build().unwrap();
    let mut state = answered.start(ms(0));
    let mut say = |text: &str| answered.on_message(&mut state, ms(0), Inbound, &MessageText::new(text));
    assert!(say("GET 7").is_empty() && say("GET x").is_empty());
    assert_eq!(say("OK 7")[0].key(), Some(&Value::from(7)));
    assert_eq!(say("OK x")[0].key(), Some(&Value::from("x")));
    let answered = Correlation::answered(regex("GET"), regex("OK")).build().unwrap();
    let mut state = answered.start(ms(0));
    let _ = answered.on_message(&mut state, ms(0), Inbound, &MessageText::new("GET"));
    assert_eq!(answered.finish(&mut state, ms(0))[0].key(), None);
}

#[test]
fn what_is_open_when_the_session_ends_is_violated() {
    let answered = Correlation::answered(keyed("GET"), keyed("OK")).within(ms(100)).build().unwrap();
    let mut session = Session::new(&answered);
    session.hear(0, "GET 1");
    session.hear(90, "GET 2");
    session.hear(90, "GET 3");
    let expected = [
        (Violated, "no answer to request 1 within 100 ms".to_owned()),
        (Violated, "no answer to request 2 before the session ended".to_owned()),
        (Violated, "no answer to request 3 before the session ended".to_owned()),
    ];
    assert_eq!(session.finish(110), expected);
    assert_eq!(session.finish(1_000), nothing());
}

// ---- followed ----

#[test]
fn one_that_follows_ends_all_before_it() {
    let followed = Correlation::followed(keyed("A"), keyed("B")).within(ms(100)).build().unwrap();
    let mut session = Session::new(&followed);
    for (at, text) in [(0, "A 1"), (10, "A 2"), (20, "A 1")] {
        assert_eq!(session.hear(at, text), nothing());
    }
    let a = "`^A (?<key>.*)$` of";
    let b = "`^B (?<key>.*)$`";
    let fulfilled = |after: u64| (Fulfilled, format!("{b} came {after} ms after {a} 1"));
    assert_eq!(session.hear(50, "B 1"), [fulfilled(50), fulfilled(30)]);
    assert_eq!(session.hear(60, "B 1"), nothing());
    assert_eq!(session.wait(110), one(Violated, &format!("no {b} within 100 ms after {a} 2")));
    session.hear(120, "A 3");
    assert_eq!(session.finish(121), one(Violated, &format!("no {b} after {a} 3 before the session ended")));
}

#[test]
fn a_message_may_be_the_end_of_one_and_the_beginning_of_the_next() {
    let beat = regex("^beat$");
    let followed = Correlation::followed(beat.clone(), beat).within(ms(100)).build().unwrap();
    let mut session = Session::new(&followed);
    assert_eq!(session.hear(0, "beat"), nothing());
    assert_eq!(session.hear(90, "beat"), one(Fulfilled, "`^beat$` came 90 ms after `^beat$`"));
    assert_eq!(session.deadline(), Some(ms(190)));
    assert_eq!(session.wait(190), one(Violated, "no `^beat$` within 100 ms after `^beat$`"));
    assert_eq!(session.wait(10_000), nothing());
}

#[test]
fn one_without_a_key_follows_all() {
    let followed = Correlation::followed(keyed("A"), regex("^END$")).build().unwrap();
    let mut session = Session::new(&followed);
    session.hear(0, "A 1");
    session.hear(0, "A 2");
    assert_eq!(session.hear(0, "END").len(), 2);
}

// ---- counted ----

#[test]
fn the_count_is_told_when_it_is_reached_and_begins_anew() {
    let counted = Correlation::counted(regex("^A$"), 3).build().unwrap();
    let mut session = Session::new(&counted);
    for round in 0..3 {
        assert_eq!(session.hear(round, "A"), nothing());
        assert_eq!(session.hear(round, "other"), nothing());
        assert_eq!(session.hear(round, "A"), nothing());
        assert_eq!(session.hear(round, "A"), one(Fulfilled, "3 times `^A$`"));
    }
    assert_eq!(session.deadline(), None);
    session.hear(9, "A");
    assert_eq!(session.finish(9), nothing(), "a count is no duty");
}

#[test]
fn the_other_event_makes_the_count_begin_anew() {
    let counted = Correlation::counted(keyed("A"), 2).without(keyed("B")).build().unwrap();
    let mut session = Session::new(&counted);
    session.hear(0, "A 1");
    session.hear(0, "A 2");
    assert_eq!(session.hear(0, "B 1"), nothing());
    assert_eq!(session.hear(0, "A 1"), nothing());
    let reason = |key| format!("2 times `^A (?<key>.*)$` of {key} without `^B (?<key>.*)$`");
    assert_eq!(session.hear(0, "A 2"), one(Fulfilled, &reason(2)));
    assert_eq!(session.hear(0, "A 1"), one(Fulfilled, &reason(1)));

    let counted = Correlation::counted(keyed("A"), 2).without(regex("^B$")).build().unwrap();
    let mut session = Session::new(&counted);
    for text in ["A 1", "A 2", "B", "A 1", "A 2"] {
        assert_eq!(session.hear(0, text), nothing(), "without a key, it concerns all");
    }
}

#[test]
fn a_message_that_is_both_is_not_counted() {
    let any = Event::new(MessagePattern::any());
    let counted = Correlation::counted(any, 2).without(regex("^ACK$")).build().unwrap();
    let mut session = Session::new(&counted);
    for text in ["1", "ACK", "2", "ACK", "ACK"] {
        assert_eq!(session.hear(0, text), nothing());
    }
    assert_eq!(session.state.open(), 0);
    session.hear(0, "3");
    assert_eq!(session.hear(0, "4"), one(Fulfilled, "2 times `any` without `^ACK$`"));
}

#[test]
fn the_window_of_a_count_slides() {
    let counted = Correlation::counted(regex("^A$"), 3).within(ms(100)).build().unwrap();
    let mut session = Session::new(&counted);
    for at in [0, 90] {
        assert_eq!(session.hear(at, "A"), nothing());
    }
    assert_eq!(session.deadline(), Some(ms(100)));
    assert_eq!(session.wait(100), nothing(), "that one counts no longer is nothing to tell");
    assert_eq!(session.hear(110, "A"), nothing());
    assert_eq!(session.hear(189, "A"), one(Fulfilled, "3 times `^A$` within 100 ms"));
    for at in [200, 250, 300] {
        assert_eq!(session.hear(at, "A"), nothing(), "the first is just too old");
    }
}

#[test]
fn a_count_of_one_is_each_event() {
    let counted = Correlation::counted(regex("^A$"), 1).build().unwrap();
    let mut session = Session::new(&counted);
    assert_eq!(session.hear(0, "A").len(), 1);
    assert_eq!(session.hear(0, "A").len(), 1);
}

// ---- absent ----

#[test]
fn absence_counts_from_the_start_and_from_the_last_time_and_is_told_once() {
    let absent = Correlation::absent(regex("^beat$")).within(ms(100)).build().unwrap();
    let mut session = Session::new(&absent);
    assert_eq!(session.deadline(), Some(ms(100)));
    assert_eq!(session.hear(50, "beat"), nothing());
    assert_eq!(session.deadline(), Some(ms(150)));
    assert_eq!(session.hear(60, "other"), nothing());
    assert_eq!(session.wait(149), nothing());
    assert_eq!(session.wait(150), one(Fulfilled, "no `^beat$` for 100 ms"));
    assert_eq!(session.deadline(), None);
    assert_eq!(session.wait(10_000), nothing());
    assert_eq!(session.hear(10_000, "beat"), nothing());
    assert_eq!(session.hear(10_100, "beat"), one(Fulfilled, "no `^beat$` for 100 ms"));
    assert_eq!(session.deadline(), Some(ms(10_200)));
    assert_eq!(session.finish(10_199), nothing());

    let mut session = Session::new(&absent);
    assert_eq!(session.finish(100), one(Fulfilled, "no `^beat$` for 100 ms"));
}

#[test]
fn with_a_key_each_has_an_absence_of_its_own_once_it_came() {
    let absent = Correlation::absent(keyed("beat")).within(ms(100)).build().unwrap();
    let mut session = Session::new(&absent);
    assert_eq!(session.deadline(), None);
    assert_eq!(session.wait(1_000), nothing());
    session.hear(1_000, "beat 1");
    session.hear(1_010, "beat 2");
    session.hear(1_050, "beat 1");
    assert_eq!(session.deadline(), Some(ms(1_110)));
    assert_eq!(session.wait(1_120), one(Fulfilled, "no `^beat (?<key>.*)$` of 2 for 100 ms"));
    assert_eq!(session.wait(1_150), one(Fulfilled, "no `^beat (?<key>.*)$` of 1 for 100 ms"));
    assert_eq!(session.state.open(), 0);
}

// ---- bounds, time, definitions ----

#[test]
fn the_oldest_is_forgotten_when_too_much_is_open() {
    let event = "`^A (?<key>.*)$` of 0";
    let cases = [
        (Correlation::answered(keyed("A"), keyed("B")), "request 0"),
        (Correlation::followed(keyed("A"), keyed("B")), event),
        (Correlation::counted(keyed("A"), 2), event),
        (Correlation::absent(keyed("A")).within(ms(1)), event),
    ];
    for (definition, what) in cases {
        let correlation = definition.build().unwrap();
        let mut session = Session::new(&correlation);
        for key in 0..1_024 {
            assert_eq!(session.hear(0, &format!("A {key}")), nothing());
        }
        assert_eq!(session.state.open(), 1_024);
        let reason = format!("{what} was forgotten: more than 1024 are open");
        assert_eq!(session.hear(0, "A 1024"), one(Forgotten, &reason));
        assert_eq!(session.state.open(), 1_024);
        assert_eq!(session.hear(0, "B 0"), nothing(), "it is told once");
    }
}

#[test]
fn the_greatest_count_can_be_reached() {
    let counted = Correlation::counted(regex("^A$"), 1_024).within(ms(5_000)).build().unwrap();
    let mut session = Session::new(&counted);
    for at in 0..1_023 {
        assert_eq!(session.hear(at, "A"), nothing());
    }
    assert_eq!(session.hear(1_023, "A"), one(Fulfilled, "1024 times `^A$` within 5 s"));
}

#[test]
fn time_that_goes_back_counts_as_the_latest_before() {
    let answered = Correlation::answered(regex("^GET"), regex("^OK")).within(ms(100)).build().unwrap();
    let mut session = Session { correlation: &answered, state: answered.start(ms(1_000)) };
    session.hear(0, "GET");
    assert_eq!(session.deadline(), Some(ms(1_100)));
    assert_eq!(session.wait(1_050), nothing());
    assert_eq!(session.hear(5, "OK"), one(Fulfilled, "the request was answered after 50 ms"));
}

#[test]
fn the_end_of_time_is_never_reached() {
    let absent = Correlation::absent(regex("^A")).within(ms(1)).build().unwrap();
    let mut state = absent.start(Duration::MAX);
    assert_eq!(absent.deadline(&state), None);
    assert_eq!(absent.on_time(&mut state, Duration::MAX), []);
}

#[test]
fn definitions_that_could_not_mean_anything_are_refused() {
    let a = || regex("^A");
    let lone = CorrelationError::LoneKey { begun: "`^A`".into(), ending: "`^K (?<key>.*)$`".into() };
    let cases = [
        (Correlation::answered(a(), a()).within(ms(0)), CorrelationError::NoTime),
        (Correlation::absent(a()), CorrelationError::NoWindow),
        (Correlation::counted(a(), 0), CorrelationError::Count { count: 0 }),
        (Correlation::counted(a(), 1_025), CorrelationError::Count { count: 1_025 }),
        (Correlation::answered(a(), a()).without(a()), CorrelationError::Without),
        (Correlation::followed(a(), a()).without(a()), CorrelationError::Without),
        (Correlation::absent(a()).within(ms(1)).without(a()), CorrelationError::Without),
        (Correlation::answered(a(), keyed("K")), lone.clone()),
        (Correlation::followed(a(), keyed("K")), lone.clone()),
        (Correlation::counted(a(), 1).without(keyed("K")), lone),
    ];
    for (definition, expected) in cases {
        assert_eq!(definition.build().unwrap_err(), expected);
    }
    assert_eq!(CorrelationError::Count { count: 0 }.to_string(), "cannot count to 0; what can be counted is 1 to 1024");
}

#[test]
fn keys_are_read_as_people_write_them() {
    let event = || regex("^(?<name>.)(.)");
    assert!(event().key("name").is_ok() && event().key("2").is_ok() && event().key("$.a").is_ok());
    for (key, problem) in [
        ("3", "the pattern `^(?<name>.)(.)` has no group `3`"),
        ("nam", "the pattern `^(?<name>.)(.)` has no group `nam`; did you mean `name`?"),
        ("$.a[", "JSONPath `$.a[`"),
    ] {
        let error = event().key(key).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}
