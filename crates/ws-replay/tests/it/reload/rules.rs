//! Another version of the rules on a connection that is open, on tokio's paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use ws_core::{Message, WsHandler, WsMessage};
use ws_replay::{
    CheckOutcome, PathCounts, ReplayHandler, ReplayOptions, ReplayScript, RoomMemory, RuleHandler, SessionVerdict,
};

use crate::rules::client::{Client, TestRooms, handler, rules};

fn text(at: u64, text: &str) -> (u64, Message) {
    (at, Message::text(text))
}

/// L01.
#[tokio::test(start_paused = true)]
async fn new_rules_take_the_next_message_and_remember() {
    let old = handler(
        "state: {color: red, kept: 1}\nrules: [{match: '^set (.+)$', set: {color: '{{1}}'}, response: 'was set'}, \
         {response: 'old {{state.color}} {{state.kept}}'}]",
    );
    let new = handler(
        "state: {color: green, kept: 2, size: 7}\nrules: [{response: 'new {{state.color}} {{state.kept}} {{state.size}} \
         {{connection.messages}} {{lastMessage || ''none''}} {{connection.number}}'}]",
    );
    let _before = Client::connect(&old).await;
    let mut client = Client::connect(&old).await;
    assert_eq!(client.ask("x").await, "old red 1");
    assert_eq!(client.ask("set blue").await, "was set");
    client.handler = &new;
    assert_eq!(client.ask("y").await, "new blue 1 7 3 none 2");
    assert_eq!(client.ask("z").await, "new blue 1 7 4 y 2");
    assert_eq!(Client::connect(&new).await.ask("x").await, "new green 2 7 1 none 1");
}

#[tokio::test(start_paused = true)]
async fn the_same_rules_in_a_new_handler_change_nothing() {
    let text = "rules: [{responses: [a, b, c], choose: sequence}]";
    let same = rules(text);
    let make = |rules| RuleHandler::new(rules, ReplayOptions::default());
    let (old, again, new) = (make(Arc::clone(&same)), make(same), make(rules(text)));
    let mut client = Client::connect(&old).await;
    assert_eq!(client.ask("x").await, "a");
    client.handler = &again;
    assert_eq!(client.ask("x").await, "b");
    // Others, though they read the same, take turns anew.
    client.handler = &new;
    assert_eq!(client.ask("x").await, "a");
}

#[tokio::test(start_paused = true)]
async fn what_was_planned_comes_at_its_time() {
    let old =
        handler("rules: [{response: [{text: old, delay_ms: 100}], close: {code: 4001}, match: late}, {response: now}]");
    let new = handler("rules: [{response: [{text: new, delay_ms: 50}]}]");
    let mut client = Client::connect(&old).await;
    client.say("late").await;
    sleep(Duration::from_millis(10)).await;
    client.handler = &new;
    client.say("x").await;
    assert_eq!([client.next().await, client.next().await], [text(60, "new"), text(100, "old")]);
    let (at, Message::Close(Some(frame))) = client.next().await else { panic!("no Close frame") };
    assert_eq!((at, frame.code), (100, 4001));
    assert_eq!(client.working(), 1);
}

/// Rules that needed no time are followed by some that do.
#[tokio::test(start_paused = true)]
async fn new_rules_may_take_time() {
    let old = handler("rules: [{response: old}]");
    let new = handler(
        "machines: {m: {initial: a, states: {a: {after: {ms: 70, response: tick, to: b}}, b: }}}\nrules: [{response: new, delay_ms: 5}]",
    );
    let mut client = Client::connect(&old).await;
    assert_eq!((client.ask("x").await.as_str(), client.working()), ("old", 0));
    sleep(Duration::from_millis(100)).await;
    client.handler = &new;
    client.say("x").await;
    assert_eq!([client.next().await, client.next().await], [text(105, "new"), text(170, "tick")]);
    assert_eq!(client.working(), 1);
}

/// Nothing of the old rules is kept, however often they change.
#[tokio::test(start_paused = true)]
async fn old_rules_are_let_go() {
    let file = "machines: {m: {initial: a, states: {a: {after: {ms: 5000, to: a, response: tick}}}}}\nrules: [{match: x, response: y, delay_ms: 10}]";
    let versions: Vec<_> = (0..50).map(|_| rules(file)).collect();
    let kept: Vec<_> = versions.iter().map(Arc::downgrade).collect();
    let handlers: Vec<_> =
        versions.into_iter().map(|rules| RuleHandler::new(rules, ReplayOptions::default())).collect();
    let mut handlers = handlers.into_iter();
    let first = Box::leak(Box::new(handlers.next().unwrap()));
    let mut client = Client::connect(first).await;
    for handler in handlers {
        let handler: &'static RuleHandler = Box::leak(Box::new(handler));
        client.handler = handler;
        assert_eq!(client.ask("x").await, "y");
        assert_eq!(client.working(), 1);
    }
    // A handler has its rules, and so has the connection that follows them.
    let holders: Vec<_> = kept.iter().map(std::sync::Weak::strong_count).collect();
    assert_eq!(holders[..49], [1; 49]);
    assert_eq!(holders[49], 2);
}

fn door(states: &str) -> RuleHandler {
    handler(&format!(
        "machines: {{door: {{initial: shut, states: {{{states}}}}}}}\nrules: [{{match: ^where$, response: '{{{{machine.door}}}}'}}]"
    ))
}

/// L01.
#[tokio::test(start_paused = true)]
async fn a_machine_stays_in_its_state() {
    const TIMED: &str = "shut: {on: {match: ^open$, to: ajar}}, ajar: {after: [{ms: 1000, response: draught}, {ms: 3000, to: shut, response: SHUT}]}";
    let old = door(TIMED);
    let mut client = Client::connect(&old).await;
    client.say("open").await;
    assert_eq!(client.next().await, text(1000, "draught"));
    sleep(Duration::from_millis(500)).await;
    // The times of its state are the same: they go on, and what was said is not said again.
    let same = door(&TIMED.replace("SHUT", "new"));
    client.handler = &same;
    assert_eq!(client.ask("where").await, "ajar");
    assert_eq!(client.next().await, text(3000, "new"));
    assert_eq!(client.ask("where").await, "shut");
}

#[tokio::test(start_paused = true)]
async fn timers_with_other_times_start_when_the_new_rules_take_over() {
    let file = |times: &str| door(&format!("shut: {{on: {{match: ^open$, to: ajar}}}}, ajar: {{after: [{times}]}}"));
    let (old, new) =
        (file("{ms: 1000, response: draught}, {ms: 9000, to: shut}"), file("{ms: 2000, to: shut, response: new}"));
    let mut client = Client::connect(&old).await;
    client.say("open").await;
    assert_eq!(client.next().await, text(1000, "draught"));
    sleep(Duration::from_millis(4000)).await;
    client.handler = &new;
    assert_eq!(client.ask("where").await, "ajar");
    assert_eq!(client.next().await, text(7000, "new"));
    assert!(client.is_silent_for(20_000).await);
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_the_state_begins_anew() {
    let old = door("shut: {on: {match: ^open$, to: ajar}}, ajar: ");
    let new = door("shut: {on: {match: ^open$, to: wide}, after: {ms: 100, response: tick}}, wide: ");
    let mut client = Client::connect(&old).await;
    client.say("open").await;
    assert_eq!(client.ask("where").await, "ajar");
    sleep(Duration::from_millis(1000)).await;
    client.handler = &new;
    assert_eq!(client.ask("where").await, "shut");
    assert_eq!(client.next().await, text(1100, "tick"));
    client.say("open").await;
    assert_eq!(client.ask("where").await, "wide");
}

/// A client that says nothing is still told that it is late.
#[tokio::test(start_paused = true)]
async fn until_the_next_message_the_old_rules_keep_the_time() {
    let file = |what: &str| {
        handler(&format!(
            "machines: {{m: {{initial: a, states: {{a: {{after: {{ms: 100, to: a, response: {what}}}}}}}}}}}\nrules: [{{match: x, response: {what} x}}]"
        ))
    };
    let (old, new) = (file("old"), file("new"));
    let mut client = Client::connect(&old).await;
    client.handler = &new;
    assert_eq!(client.next().await, text(100, "old"));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(client.ask("x").await, "new x");
    assert_eq!(client.next().await, text(200, "new"));
}

/// Also what is due when the message comes, and was not noticed yet, is theirs.
#[tokio::test(start_paused = true)]
async fn what_was_due_before_the_message_is_of_the_old_rules() {
    let old = door("shut: {after: {ms: 100, to: ajar, response: old}}, ajar: ");
    let new = door("shut: {after: {ms: 500, to: ajar, response: new}}, ajar: ");
    let mut client = Client::open(&old, "/ws", &Arc::default());
    // Its work is not run before the message.
    old.on_connect(client.context.view()).await.unwrap();
    sleep(Duration::from_millis(150)).await;
    client.handler = &new;
    assert_eq!(client.ask("where").await, "ajar");
    assert_eq!(client.next().await, text(150, "old"));
    assert!(client.is_silent_for(1000).await);
}

fn collecting(handler: RuleHandler) -> (RuleHandler, Arc<Mutex<Vec<SessionVerdict>>>) {
    let verdicts = Arc::<Mutex<Vec<SessionVerdict>>>::default();
    let kept = Arc::clone(&verdicts);
    (handler.on_verdict(move |verdict| kept.lock().unwrap().push(verdict)), verdicts)
}

#[tokio::test(start_paused = true)]
async fn correlations_keep_what_they_have_open() {
    let file = |more: &str| {
        handler(&format!(
            "correlations:
  - {{name: answered, request: '^get', answer: '^got', within: 2s, on_violated: {{response: 'no answer {{{{correlation.answered.violated}}}}'}}}}
  - {{name: thrice, count: 3, of: '^wrong', on_fulfilled: {{response: too often}}}}
{more}"
        ))
    };
    let old = file("  - {name: silence, absent: '', within: 5s, on_fulfilled: {response: hello?}}");
    let new = file("");
    let mut client = Client::connect(&old).await;
    for said in ["get", "wrong", "wrong"] {
        client.say(said).await;
    }
    sleep(Duration::from_millis(1000)).await;
    client.handler = &new;
    client.say("x").await;
    assert_eq!(client.next().await, text(2000, "no answer 1"));
    client.say("wrong").await;
    assert_eq!(client.hear().await, "too often");
    // What is gone has an end.
    assert!(client.is_silent_for(60_000).await);
}

#[tokio::test(start_paused = true)]
async fn a_correlation_of_another_kind_begins_anew() {
    let old = handler("correlations: [{name: c, count: 3, of: '^x'}]");
    let new = handler("correlations: [{name: c, absent: '^x', within: 1s, on_fulfilled: {response: hello?}}]");
    let keyed = handler(
        "correlations: [{name: c, absent: '^(?<key>x)', key: key, within: 1s, on_fulfilled: {response: keyed}}]",
    );
    let mut client = Client::connect(&old).await;
    client.say("x").await;
    client.say("x").await;
    client.handler = &keyed;
    client.say("y").await;
    assert!(client.is_silent_for(2000).await);
    // One that has nothing open with its key, and something without.
    client.handler = &new;
    client.say("y").await;
    assert_eq!(client.next().await, text(3000, "hello?"));
}

#[tokio::test(start_paused = true)]
async fn checks_of_all_versions_are_told_once() {
    let (old, _) = collecting(handler(
        "correlations: [{name: polite, first: ^hello, then: ^bye}]
rules: [{match: ^a$, assert: says a}, {match: ^b$, assert: says b}, {match: ^c$, assert: says c}, {match: ^d$, fail: no d}]",
    ));
    let (new, verdicts) = collecting(handler(
        "correlations: [{name: polite, first: ^hello, then: ^bye}]
rules:
  - {match: ^e$, assert: says e}
  - {match: ^a$, assert: says a}
  - {match: ^c$, assert: says c}",
    ));
    let mut client = Client::connect(&old).await;
    for said in ["hello", "a", "b", "d"] {
        client.say(said).await;
    }
    client.handler = &new;
    client.say("c").await;
    client.leave().await;
    client.leave().await;
    let verdicts = verdicts.lock().unwrap();
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    let checks: Vec<_> = verdict
        .checks()
        .iter()
        .map(|check| (check.place(), check.description(), matches!(check.outcome(), CheckOutcome::Failed(_))))
        .collect();
    assert_eq!(
        checks,
        [
            // Those that are gone were decided.
            ("rules.yaml:2", "says b", false),
            ("rules.yaml:2", "no d", true),
            ("rules.yaml:1", "polite", true),
            ("rules.yaml:3", "says e", false),
            ("rules.yaml:4", "says a", false),
            ("rules.yaml:5", "says c", false),
        ]
    );
    let not_reached: Vec<_> =
        verdict.checks().iter().filter(|check| *check.outcome() == CheckOutcome::NotReached).collect();
    assert_eq!(not_reached.len(), 1, "{not_reached:?}");
    assert_eq!(not_reached[0].description(), "says e");
}

#[tokio::test(start_paused = true)]
async fn rooms_remember() {
    let memory = RoomMemory::default();
    let handler = |response: &str| {
        handler(&format!(
            "rules: [{{room: r, join: r, set_room: {{n: '{{{{room.n + 1}}}}'}}, response: {{text: '{response} {{{{room.n}}}}', to: room}}}}]"
        ))
        .with_room_memory(memory.clone())
    };
    let (old, new) = (handler("old"), handler("new"));
    let rooms = Arc::<TestRooms>::default();
    let mut first = Client::join(&old, "/ws", &rooms).await;
    assert_eq!(first.ask("x").await, "old 1");
    let mut second = Client::join(&new, "/ws", &rooms).await;
    assert_eq!(second.ask("x").await, "new 2");
    first.handler = &new;
    assert_eq!(first.hear().await, "new 2");
    assert_eq!(first.ask("x").await, "new 3");
    assert_eq!(second.hear().await, "new 3");
}

/// M09: a seed repeats a connection with its reload, and nothing is drawn twice.
#[tokio::test(start_paused = true)]
async fn what_was_drawn_is_not_drawn_again() {
    let run = async || {
        let make = || RuleHandler::new(rules("rules: [{response: '{{uuid}}'}]"), ReplayOptions::seeded(7));
        let (old, new) = (make(), make());
        let mut client = Client::connect(&old).await;
        let first = client.ask("x").await;
        client.handler = &new;
        [first, client.ask("x").await, Client::connect(&old).await.ask("x").await]
    };
    let (one, other) = (run().await, run().await);
    assert_eq!(one, other);
    assert!(one[0] != one[1] && one[1] != one[2] && one[0] != one[2]);
}

/// M09: those that a reload brings go on counting, and a connection keeps its number.
#[tokio::test(start_paused = true)]
async fn a_reload_goes_on_counting_connections() {
    let counts = PathCounts::default();
    let make = || handler("rules: [{response: '{{connection.number}}'}]").with_path_counts(counts.clone());
    let (old, new) = (make(), make());
    let (mut first, mut unheard) = (Client::connect(&old).await, Client::open(&old, "/ws", &Arc::default()));
    let mut second = Client::connect(&new).await;
    (first.handler, unheard.handler) = (&new, &new);
    assert_eq!([first.ask("x").await, second.ask("x").await, unheard.ask("x").await], ["1", "2", "3"]);
    let script = ReplayScript::parse(r#"{"text":"{{connection.number}}"}"#, "script.jsonl").unwrap();
    let script = ReplayHandler::new(Arc::new(script), ReplayOptions::default()).with_path_counts(counts);
    assert_eq!(Client::connect(&script).await.hear().await, "4");
    assert_eq!(Client::join(&script, "/ws/a", &Arc::default()).await.hear().await, "1");
}

#[tokio::test(start_paused = true)]
async fn the_new_handler_says_how_rules_are_followed() {
    let old = handler("rules: [{match: $.a, response: a}]");
    let new = handler("rules: [{match: $.a, response: b}]").stopping();
    let mut client = Client::connect(&old).await;
    assert!(client.ask("no JSON").await.contains("Invalid JSON"));
    client.handler = &new;
    // Somebody behind it may take other texts.
    client.say("no JSON").await;
    assert!(client.is_silent_for(1000).await);
    assert_eq!(client.ask(r#"{"a":1}"#).await, "b");
    assert!(client.context.take_stopped());
}

/// The mode of a path was changed: nobody has told these rules of the connection.
#[tokio::test(start_paused = true)]
async fn a_connection_that_began_without_rules_gets_them_with_its_next_message() {
    let handler = handler(
        "state: {n: 5}
machines: {m: {initial: a, states: {a: {after: {ms: 70, response: tick, to: b}}, b: }}}
rules: [{response: '{{state.n}} {{machine.m}} {{connection.messages}} {{connection.number}}', delay_ms: 5}]",
    );
    let mut client = Client::open(&handler, "/ws", &Arc::default());
    sleep(Duration::from_millis(1000)).await;
    client.be_sent("somebody else").await;
    client.say("x").await;
    assert_eq!([client.next().await, client.next().await], [text(1005, "5 a 1 1"), text(1070, "tick")]);
    client.send(WsMessage::Binary(vec![1])).await;
    client.leave().await;
    client.leave().await;
    let mut unheard = Client::open(&handler, "/ws", &Arc::default());
    unheard.be_sent("x").await;
    unheard.leave().await;
    // It was counted when it said something.
    assert!(Client::connect(&handler).await.ask("x").await.ends_with(" 2"));
}

/// Rules of another file begin beside, and do not take back what was set.
#[tokio::test(start_paused = true)]
async fn rules_of_another_file_know_what_was_set() {
    let old = handler("rules: [{match: '^set (.+)$', set: {color: '{{1}}'}, response: ok}]");
    let other =
        "state: {color: red, size: 1}\nrules: [{response: '{{state.color}} {{state.size}} {{connection.messages}}'}]";
    let other = Arc::new(ws_replay::RuleSet::parse(other, "other.yaml").unwrap());
    let other = RuleHandler::new(other, ReplayOptions::default());
    let mut client = Client::connect(&old).await;
    client.ask("set blue").await;
    client.handler = &other;
    assert_eq!(client.ask("x").await, "blue 1 2");
}

/// Nobody brings messages any more, and nothing goes wrong.
#[tokio::test(start_paused = true)]
async fn rules_without_a_handler_keep_their_time_until_the_end() {
    let rules = handler("rules: [{response: late, delay_ms: 100}]");
    let nobody = handler("").on_paths(|_| false);
    let mut client = Client::connect(&rules).await;
    client.say("x").await;
    client.handler = &nobody as &dyn WsHandler;
    assert_eq!(client.next().await, text(100, "late"));
    assert_eq!(client.working(), 1);
}
