//! Rules on connections without sockets, on tokio's paused clock.

pub(crate) mod client;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use ws_core::{Message, WsHandler, WsMessage};
use ws_replay::{CheckOutcome, ReplayOptions, RuleHandler, SessionVerdict};

use client::{Client, TestRooms, handler, rules};

/// The answers to messages that are sent one after the other.
async fn answers(file: &str, messages: &[&str]) -> Vec<String> {
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    let mut answers = Vec::new();
    for message in messages {
        answers.push(client.ask(message).await);
    }
    answers
}

/// I01.
#[tokio::test(start_paused = true)]
async fn patterns_take_parts_of_messages_into_answers() {
    let file = r#"
rules:
  - match: "^NAME (.+)$"
    response: "Hello, {{1}}"
  - match: $.user.id
    response: "user {{$.user.id}} of {{request.ws.message}}"
  - match: '$.type:"bye"'
    response: bye
"#;
    let said = ["NAME Ann", r#"{"user":{"id":7}}"#, r#"{"type":"bye"}"#];
    assert_eq!(answers(file, &said).await, ["Hello, Ann", r#"user 7 of {"user":{"id":7}}"#, "bye"]);
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_match_decides() {
    let file = r#"
rules:
  - { match: { exact: ping }, response: exact }
  - { match: { regex: "^p.ng", exact: "pang" }, response: both }
  - { match: { jsonpath: $.n, equals: 1.0 }, response: equals }
  - { match: { json: { a: { b: [1, { c: 2 }] } } }, response: subset }
  - { match: { jsonpath: $.only }, response: there }
  - { match: { type: binary }, response: { binary: "AAEC" } }
  - { match: { type: ping }, response: pinged }
  - { match: { type: text }, response: any }
"#;
    let said = ["ping", "pang", r#"{"n":1}"#, r#"{"a":{"b":[1,{"c":2,"d":3}],"x":0}}"#, r#"{"only":null}"#, "pong"];
    assert_eq!(answers(file, &said).await, ["exact", "both", "equals", "subset", "there", "any"]);
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    client.send(WsMessage::Binary(vec![9])).await;
    assert_eq!(client.next().await.1, Message::binary(vec![0, 1, 2]));
    client.send(WsMessage::Ping(vec![])).await;
    assert_eq!(client.hear().await, "pinged");
    client.send(WsMessage::Pong(vec![])).await;
    assert!(client.is_silent_for(1000).await);
}

#[tokio::test(start_paused = true)]
async fn priority_comes_before_the_order_of_the_file() {
    let file = r#"
rules:
  - { match: "a", response: first }
  - { match: "b", response: second, priority: 5 }
  - { match: "c", response: third, priority: -1 }
  - { response: last, priority: -2 }
"#;
    assert_eq!(answers(file, &["a", "ab", "c", "ac", "x"]).await, ["first", "second", "third", "first", "last"]);
}

/// I02.
#[tokio::test(start_paused = true)]
async fn conditions_look_at_what_was_set() {
    let file = r#"
state: { step: 1 }
rules:
  - match: ^next$
    when: state.step < 3
    set: { step: "{{state.step + 1}}" }
    response: "step {{state.step}}"
  - match: ^next$
    response: "{{state.step}} is the last, after {{connection.messages}} messages and '{{lastMessage}}'"
"#;
    let said = ["next", "next", "next"];
    assert_eq!(answers(file, &said).await, ["step 2", "step 3", "3 is the last, after 3 messages and 'next'"]);
}

#[tokio::test(start_paused = true)]
async fn connections_have_memories_of_their_own() {
    let file =
        "rules: [{match: ^set (.+)$, set: {x: '{{1}}'}, response: ok}, {match: ^get$, response: '<{{state.x}}>'}]";
    let handler = handler(file);
    let (mut first, mut second) = (Client::connect(&handler).await, Client::connect(&handler).await);
    assert_eq!(first.ask("set a").await, "ok");
    assert_eq!(second.ask("set b").await, "ok");
    assert_eq!((first.ask("get").await, second.ask("get").await), ("<a>".into(), "<b>".into()));
}

/// I03.
#[tokio::test(start_paused = true)]
async fn text_that_is_not_json_is_refused_where_all_rules_look_at_json() {
    let file = "rules: [{match: $.a, response: '{\"ok\":true}'}]";
    let said = ["{", r#"{"a":1}"#, "ping"];
    let refusal = r#"{"error":"Invalid JSON format"}"#;
    assert_eq!(answers(file, &said).await, [refusal, r#"{"ok":true}"#, refusal]);
    let own = format!("{file}\ninvalid_json: {{json: {{code: 400}}}}");
    assert_eq!(answers(&own, &["{"]).await, [r#"{"code":400}"#]);
    let quoting = format!("{file}\ninvalid_json: 'no JSON: {{{{request.ws.message}}}}'");
    assert_eq!(answers(&quoting, &["hi"]).await, ["no JSON: hi"]);
    // A rule that takes other text, or one that takes all, tells that it need not be JSON; so does `require`.
    for more in [
        "rules: [{match: $.a, response: x}, {match: ^ping$, response: pong}]",
        "rules: [{match: $.a, response: x}]\nrequire: anything",
    ] {
        let handler = handler(more);
        let mut client = Client::connect(&handler).await;
        client.say("{").await;
        assert!(client.is_silent_for(1000).await);
    }
    let all = "rules: [{match: $.a, response: x}, {response: '?'}]";
    assert_eq!(answers(all, &["{"]).await, ["?"]);
    assert_eq!(answers(&format!("{all}\nrequire: json"), &["{"]).await, [refusal]);
}

#[tokio::test(start_paused = true)]
async fn what_others_have_matched_is_not_answered() {
    let handler = handler(
        "machines: {m: {initial: a, states: {a: {on: {match: go, to: b}}, b: }}}\n\
         rules: [{match: go, response: gone}, {match: where, response: '{{machine.m}}'}]",
    );
    let mut client = Client::connect(&handler).await;
    client.context.view().mark_matched();
    client.say("go").await;
    assert_eq!(client.ask("where").await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_matches_can_end_the_chain() {
    let handler = handler("rules: [{match: mine, response: x}]").stopping();
    let mut client = Client::connect(&handler).await;
    client.say("other").await;
    assert!(!client.context.take_stopped());
    client.say("mine").await;
    assert!(client.context.take_stopped());
}

#[tokio::test(start_paused = true)]
async fn sequences_stay_at_their_end_or_start_over() {
    let file = |cycle: bool| format!("rules: [{{responses: [a, [b1, b2], c], choose: sequence, cycle: {cycle}}}]");
    for (cycle, expected) in [(false, ["a", "b1", "b2", "c", "c"]), (true, ["a", "b1", "b2", "c", "a"])] {
        let handler = handler(&file(cycle));
        // Each connection counts by itself.
        for _ in 0..2 {
            let mut client = Client::connect(&handler).await;
            let mut heard = Vec::new();
            for _ in 0..4 {
                client.say("x").await;
            }
            for _ in 0..5 {
                heard.push(client.hear().await);
            }
            assert_eq!(heard, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn chance_follows_weights() {
    let file = "rules: [{choose: weighted, responses: [{text: a, weight: 3}, {text: b}]}]";
    let handler = RuleHandler::new(rules(file), ReplayOptions::seeded(1));
    let mut client = Client::connect(&handler).await;
    let mut often = 0;
    for _ in 0..1000 {
        often += i32::from(client.ask("x").await == "a");
    }
    assert!((700..800).contains(&often), "{often}");
}

/// M09: what is random repeats, for each rule by itself.
#[tokio::test(start_paused = true)]
async fn a_seed_repeats_everything_whatever_other_rules_do() {
    let file = "rules: [{match: a, response: '{{uuid}} {{now}}', delay_ms: 1500}, {match: b, choose: random, responses: [x, '{{rand.float}}']}]";
    let run = async |messages: &[&str]| {
        let handler = RuleHandler::new(rules(file), ReplayOptions::seeded(7));
        let mut client = Client::connect(&handler).await;
        let mut heard = Vec::new();
        for message in messages {
            heard.push(client.ask(message).await);
        }
        heard
    };
    let (first, second) = (run(&["a", "b", "a", "b", "b"]).await, run(&["b", "b", "b", "a", "a"]).await);
    assert_eq!((&first[0], &first[2]), (&second[3], &second[4]));
    assert_eq!((&first[1], &first[3], &first[4]), (&second[0], &second[1], &second[2]));
    assert!(first[0].ends_with(" 2024-01-01T00:00:01.500Z"), "{}", first[0]);
    assert_ne!(first[0], first[2]);
}

#[tokio::test(start_paused = true)]
async fn delays_hold_up_nothing_and_keep_the_order_of_one_message() {
    let file = r#"
rules:
  - match: slow
    delay_ms: 100
    response: [slow 1, { text: slow 2, delay_ms: 50 }, slow 3]
  - match: quick
    response: quick
"#;
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    client.say("slow").await;
    client.say("quick").await;
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(client.next().await);
    }
    let text = |at, text| (at, Message::text(text));
    assert_eq!(heard, [text(0, "quick"), text(100, "slow 1"), text(150, "slow 2"), text(150, "slow 3")]);
}

#[tokio::test(start_paused = true)]
async fn answers_say_what_was_so_when_the_message_came() {
    let file = "rules: [{match: '^set (.)$', set: {x: '{{1}}'}, delay_ms: 10, response: 'x is {{state.x}}'}]";
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    client.say("set a").await;
    client.say("set b").await;
    assert_eq!([client.hear().await, client.hear().await], ["x is a", "x is b"]);
}

/// What waits for its time is bounded: then further messages wait.
#[tokio::test(start_paused = true)]
async fn a_thousand_delayed_answers_hold_up_the_client() {
    let handler = handler("rules: [{delay_ms: 1000, response: late}]");
    let mut client = Client::connect(&handler).await;
    for _ in 0..1023 {
        client.say("x").await;
    }
    let start = Instant::now();
    client.say("one more").await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn closing_comes_behind_the_answers() {
    let file = "rules: [{match: bye, response: [{text: goodbye, delay_ms: 30}], close: {code: 4001, reason: done}}]";
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    client.say("bye").await;
    assert_eq!(client.next().await, (30, Message::text("goodbye")));
    let (at, Message::Close(Some(frame))) = client.next().await else { panic!("no Close frame") };
    assert_eq!((at, frame.code, &*frame.reason), (30, 4001, "done"));
}

#[tokio::test(start_paused = true)]
async fn json_answers_keep_types_and_escape() {
    let file = r#"
rules:
  - match: $.text
    response: { json: { text: "{{$.text}}", n: "{{$.n}}", next: "{{$.n + 1}}", list: [1, "{{$.none}}", "a{{$.n}}"] } }
"#;
    let answer = answers(file, &[r#"{"text":"\"quoted\" {{uuid}}","n":1.5}"#]).await;
    assert_eq!(answer, [r#"{"text":"\"quoted\" {{uuid}}","n":1.5,"next":2.5,"list":[1,null,"a1.5"]}"#]);
}

const CHAT: &str = r#"
rules:
  - match: "^join (.+)$"
    room: "{{1}}"
    join: "{{1}}"
    set: { room: "{{1}}" }
    set_room: { n: "{{room.n + 1}}" }
    response: { text: "{{room.n}} here", to: room }
  - match: ^leave$
    room: "{{state.room}}"
    leave: "{{state.room}}"
    set_room: { n: "{{room.n - 1}}" }
    response: { text: "{{room.n}} left", to: room }
  - match: ^count$
    room: "{{state.room}}"
    when: room.n > 1
    response: many
  - match: ^count$
    response: one
"#;

#[tokio::test(start_paused = true)]
async fn rooms_are_shared_and_remember() {
    let handler = handler(CHAT);
    let rooms = Arc::<TestRooms>::default();
    let mut first = Client::join(&handler, "/ws", &rooms).await;
    let mut second = Client::join(&handler, "/ws", &rooms).await;
    let mut third = Client::join(&handler, "/ws", &rooms).await;
    assert_eq!(first.ask("join a").await, "1 here");
    assert_eq!(first.ask("count").await, "one");
    assert_eq!(second.ask("join a").await, "2 here");
    assert_eq!(first.hear().await, "2 here");
    assert_eq!(third.ask("join b").await, "1 here");
    assert_eq!((first.ask("count").await, third.ask("count").await), ("many".into(), "one".into()));
    second.say("leave").await;
    assert_eq!(first.hear().await, "1 left");
    assert!(second.is_silent_for(1000).await && third.is_silent_for(1000).await);
}

/// Of two threads that count, none is lost.
#[test]
fn counting_in_a_room_loses_nothing() {
    const TIMES: usize = 500;
    let handler = handler("rules: [{room: a, set_room: {n: '{{room.n + 1}}'}, response: '{{room.n}}'}]");
    let count = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::connect(&handler).await;
            let mut heard = Vec::new();
            for _ in 0..TIMES {
                heard.push(client.ask("x").await.parse::<usize>().unwrap());
            }
            heard
        })
    };
    let mut counted = std::thread::scope(|scope| {
        let threads = [scope.spawn(count), scope.spawn(count)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    counted.sort_unstable();
    assert_eq!(counted, (1..=2 * TIMES).collect::<Vec<_>>());
}

const LOGIN: &str = r#"
machines:
  login:
    initial: out
    states:
      out:
        on:
          - { match: "^login (?<who>\\w+)$", when: "request.ws.message != 'login root'", to: in, set: { who: "{{who}}" }, response: "welcome {{who}}" }
      in:
        on: { match: ^note$, set: { notes: "{{state.notes + 1}}" } }
        after:
          - { ms: 1000, response: "still there, {{state.who}}?", delay_ms: 5 }
          - { ms: 3000, to: out, response: away }
rules:
  - { match: ^login, response: no }
  - { match: ^note$, response: "{{machine.login}} {{state.notes}}" }
"#;

/// Z01.
#[tokio::test(start_paused = true)]
async fn machines_move_by_messages_and_time() {
    let handler = handler(LOGIN);
    let mut client = Client::connect(&handler).await;
    assert_eq!(client.ask("login root").await, "no");
    sleep(Duration::from_millis(500)).await;
    assert_eq!(client.ask("login ann").await, "welcome ann");
    // The machine has taken note and has not answered: the rule does.
    assert_eq!(client.ask("note").await, "in 1");
    assert_eq!(client.next().await, (1505, Message::text("still there, ann?")));
    assert_eq!(client.next().await, (3500, Message::text("away")));
    assert_eq!(client.ask("note").await, "out 1");
    assert!(client.is_silent_for(100_000).await);
}

const WATCHED: &str = r#"
correlations:
  - name: confirmed
    first: { match: '$.type:"offer"', direction: out }
    then: '$.type:"confirm"'
    key: $.id
    within: 2s
  - name: guessing
    count: 3
    of: ^wrong
    without: ^right
    on_fulfilled: { response: "too often: {{correlation.guessing.fulfilled}}", close: true }
  - name: silence
    absent: { match: "" }
    within: 10000
    on_fulfilled: { response: hello? }
rules:
  - { match: ^offer (?<id>.), response: { json: { type: offer, id: "{{id}}" } } }
  - { match: ^wrong, response: wrong }
  - { match: ^right, set: { ok: true }, response: "right {{state.ok}}" }
"#;

#[tokio::test(start_paused = true)]
async fn correlations_act_on_what_comes_and_what_does_not() {
    let handler = handler(WATCHED);
    let mut client = Client::connect(&handler).await;
    assert_eq!(client.next().await, (10_000, Message::text("hello?")));
    for (said, answer) in
        [("wrong", "wrong"), ("wrong", "wrong"), ("right", "right true"), ("wrong", "wrong"), ("wrong", "wrong")]
    {
        assert_eq!(client.ask(said).await, answer);
    }
    client.say("wrong").await;
    // The answer of the rule comes before what the correlation does.
    assert_eq!(client.hear().await, "wrong");
    assert_eq!(client.hear().await, "too often: 1");
    assert!(matches!(client.next().await.1, Message::Close(_)));
}

fn collecting(handler: RuleHandler) -> (RuleHandler, Arc<Mutex<Vec<SessionVerdict>>>) {
    let verdicts = Arc::<Mutex<Vec<SessionVerdict>>>::default();
    let kept = Arc::clone(&verdicts);
    (handler.on_verdict(move |verdict| kept.lock().unwrap().push(verdict)), verdicts)
}

#[tokio::test(start_paused = true)]
async fn duties_are_checks() {
    let (handler, verdicts) = collecting(handler(WATCHED));
    // What rules send counts, and so does what others send.
    let mut client = Client::connect(&handler).await;
    client.ask("offer a").await;
    client.say(r#"{"type":"confirm","id":"a"}"#).await;
    client.be_sent(r#"{"type":"offer","id":"b"}"#).await;
    client.say(r#"{"type":"confirm","id":"b"}"#).await;
    client.leave().await;
    let mut late = Client::connect(&handler).await;
    late.ask("offer a").await;
    sleep(Duration::from_millis(2001)).await;
    late.say(r#"{"type":"confirm","id":"a"}"#).await;
    late.leave().await;
    let mut gone = Client::connect(&handler).await;
    gone.ask("offer a").await;
    gone.leave().await;
    gone.leave().await;
    let mut idle = Client::connect(&handler).await;
    idle.leave().await;
    let verdicts = verdicts.lock().unwrap();
    let outcomes: Vec<_> = verdicts.iter().map(|verdict| verdict.checks()[0].outcome().clone()).collect();
    assert_eq!(verdicts[1].checks()[0].time(), Duration::from_secs(2));
    assert_eq!(outcomes[0], CheckOutcome::Passed);
    assert!(matches!(&outcomes[1], CheckOutcome::Failed(reason) if reason.contains("within 2 s")), "{:?}", outcomes[1]);
    assert!(matches!(&outcomes[2], CheckOutcome::Failed(reason) if reason.contains("ended")), "{:?}", outcomes[2]);
    assert_eq!(outcomes[3..], [CheckOutcome::NotReached]);
}

#[tokio::test(start_paused = true)]
async fn rules_decide_checks() {
    let file = "rules:\n- {match: a, assert: the client says a}\n- {match: b, fail: no b}\n- {match: c, fail: no c}\n- {match: d, assert: d}";
    let (handler, verdicts) = collecting(handler(file));
    let mut client = Client::connect(&handler).await;
    client.say("a").await;
    sleep(Duration::from_millis(70)).await;
    client.say("b").await;
    client.leave().await;
    let verdicts = verdicts.lock().unwrap();
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    let checks: Vec<_> =
        verdict.checks().iter().map(|check| (check.place(), check.description(), check.outcome())).collect();
    let failed = CheckOutcome::Failed("this must not happen".into());
    assert_eq!(
        checks,
        [
            ("rules.yaml:2", "the client says a", &CheckOutcome::Passed),
            ("rules.yaml:3", "no b", &failed),
            ("rules.yaml:4", "no c", &CheckOutcome::Passed),
            ("rules.yaml:5", "d", &CheckOutcome::NotReached),
        ]
    );
    assert!(!verdict.passed());
    assert_eq!(verdict.checks()[1].time(), Duration::from_millis(70));
}

/// Correlations do not look at what correlations send; through a room they would, without end.
#[tokio::test(start_paused = true)]
async fn correlations_that_feed_themselves_are_stopped() {
    let file = r#"
correlations:
  - name: own
    count: 1
    of: { match: ^x, direction: any }
    on_fulfilled: { response: xx }
  - name: room
    count: 1
    of: { match: ^y, direction: any }
    on_fulfilled: { room: r, response: { text: yy, to: room } }
rules: [{ match: ^join$, join: r, response: joined }]
"#;
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    assert_eq!(client.ask("x").await, "xx");
    assert!(client.is_silent_for(1000).await);
    assert_eq!(client.ask("join").await, "joined");
    client.say("y").await;
    let mut heard = 0;
    while client.next_within(1000).await == Some(Message::text("yy")) {
        heard += 1;
        assert!(heard < 2_000);
    }
    assert_eq!(heard, 1_000);
    // The client has said something: it begins anew.
    client.say("y").await;
    assert_eq!(client.hear().await, "yy");
}

#[tokio::test(start_paused = true)]
async fn near_misses_say_what_was_different() {
    let file = r#"
rules:
  - name: order
    match: { json: { type: order } }
    response: ok
  - name: cancel
    match: '$.type:"cancel"'
    when: state.open && $.id > 3
    set: { open: false }
    response: ok
"#;
    let handler = handler(file);
    let mut client = Client::connect(&handler).await;
    let mut misses = async |text: &str| {
        let misses = client.send(WsMessage::Text(text.to_owned())).await;
        misses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let found = misses(r#"{"type":"ordr"}"#).await;
    assert_eq!(found[0], r#"rules.yaml:3: order: `$.type`: expected "order", found "ordr""#);
    let found = misses(r#"{"type":"cancel","id":5}"#).await;
    assert_eq!(found[0], "rules.yaml:6: cancel: `when`: `state.open && $.id > 3` does not hold: `state.open` is null");
    assert_eq!(misses(r#"{"type":"order"}"#).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn paths_choose() {
    let handler = handler("rules: [{response: x}]").on_paths(|path| path == "/ws/a");
    assert!(handler.handles_path("/ws/a") && !handler.handles_path("/ws/b"));
}
