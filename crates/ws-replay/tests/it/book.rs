//! Rules that are added, replaced and taken away one by one.

use std::sync::Arc;

use ws_replay::{ReplayOptions, RuleBook, RuleHandler, RulePosition};

use crate::rules::client::Client;

fn book(text: &str) -> RuleBook {
    RuleBook::parse(text, "rules.yaml").unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn handler(book: &RuleBook) -> RuleHandler {
    RuleHandler::new(Arc::clone(book.rules()), ReplayOptions::default())
}

fn ids(book: &RuleBook) -> Vec<&str> {
    book.list().map(|rule| rule.id).collect()
}

fn with(book: &RuleBook, text: &str) -> RuleBook {
    book.with(text, RulePosition::Last).unwrap_or_else(|errors| panic!("{errors}\n{text}")).0
}

/// What is wrong with a text that is added, line by line.
fn mistakes(book: &RuleBook, text: &str) -> Vec<String> {
    let errors = book.with(text, RulePosition::Last).unwrap_err();
    errors.errors().iter().map(ToString::to_string).collect()
}

#[test]
fn rules_stand_by_priority_and_then_as_they_were_added() {
    let base = book("rules: [{name: a, response: a}, {name: low, priority: -1, response: low}]");
    let (first, change) = base.with("{name: b, response: b}", RulePosition::First).unwrap();
    assert_eq!(change.ids.iter().map(|id| &**id).collect::<Vec<_>>(), ["b"]);
    assert_eq!(ids(&first), ["b", "a", "low"]);
    let last = with(&first, "rules: [{name: c, response: c}, {name: high, priority: 1, response: high}]");
    assert_eq!(ids(&last), ["high", "b", "a", "c", "low"]);
    let (replaced, _) = last.with_replaced("a", "{match: x, response: y}").unwrap().unwrap();
    assert_eq!(ids(&replaced), ["high", "b", "a", "c", "low"]);
    assert_eq!(ids(&replaced.without("b").unwrap()), ["high", "a", "c", "low"]);
    assert!(replaced.without("nothing").is_none());
    assert!(replaced.with_replaced("nothing", "{response: y}").unwrap().is_none());
    // A book never changes.
    assert_eq!(ids(&base), ["a", "low"]);
}

#[test]
fn ids_are_names_or_made_and_stay() {
    let base = book("rules: [{response: a, match: x}, {name: rule-1, response: b}]");
    assert_eq!(ids(&base), ["rule-1_", "rule-1"]);
    let more = with(&base, "{\"match\":\"z\",\"response\":\"c\"}\n{\"match\":\"y\",\"response\":\"d\"}");
    assert_eq!(ids(&more), ["rule-1_", "rule-1", "rule-4", "rule-5"]);
    let less = more.without("rule-4").unwrap();
    assert_eq!(ids(&with(&less, "{response: e}")), ["rule-1_", "rule-1", "rule-5", "rule-6"]);
    let document = with(&base, r#"{"rules":[{"match":"z","response":"on one line"}]}"#);
    assert_eq!(ids(&document).len(), 3);
    let empty = RuleBook::empty("rules");
    assert!(empty.is_empty());
    let one = with(&empty, "{name: one, response: x}");
    assert!(!one.is_empty() && one.without("one").unwrap().is_empty());
}

#[test]
fn rules_are_listed_as_they_were_written() {
    let text = "rules:\n  - match: ^a$\n    response: { json: { z: 1, a: [null, true, 'x\"'] } }\n  - name: b\n    priority: 7\n    response: b\n";
    let book = with(&book(text), "{name: added one, match: ^c$, response: c}");
    let listed: Vec<_> =
        book.list().map(|rule| (rule.id, rule.name, rule.priority, rule.called, rule.written)).collect();
    let first = r#"{"match":"^a$","response":{"json":{"z":1,"a":[null,true,"x\""]}}}"#;
    assert_eq!(
        listed,
        [
            ("b", Some("b"), 7, "rules.yaml:4: b", r#"{"name":"b","priority":7,"response":"b"}"#),
            ("rule-1", None, 0, "rules.yaml:2", first),
            (
                "added one",
                Some("added one"),
                0,
                "added rule added one",
                r#"{"name":"added one","match":"^c$","response":"c"}"#
            ),
        ]
    );
    assert_eq!(book.added_bytes(), listed[2].4.len());
}

/// All of them, at their places in what was sent.
#[test]
fn mistakes_are_those_of_what_was_sent() {
    let base = book(
        "machines: {door: {initial: shut, states: {shut: {on: {match: ^open$, to: open}}, open: }}}\nrules: [{name: a, response: a}]",
    );
    let text = "\nrules:\n  - match: (\n    response: x\n  - name: a\n    response: x\n  - mtach: x\n    response: y\n";
    let found = mistakes(&base, text);
    assert_eq!(found.len(), 3, "{found:?}");
    for (mistake, start) in found.iter().zip(["added rules:3:", "added rules:5:", "added rules:7:"]) {
        assert!(mistake.starts_with(start), "{mistake}");
    }
    assert!(found[1].ends_with("the name `a` is that of a rule that is there already"), "{}", found[1]);
    for (text, problem) in [
        ("state: {x: 1}\nrules: [{response: x}]", "added rules:1:1: `state` belongs to all rules together"),
        ("{\"machines\":{}}", "`machines` belongs to all rules together"),
        ("{when: machine.dor == 'shut', response: x}", "unknown machine `dor`; did you mean `door`?"),
        (
            "rules: [{name: b, response: x}, {name: b, response: y}]",
            "the name `b` is that of the rule on line 1 already",
        ),
        ("7", "found 7"),
    ] {
        let found = mistakes(&base, text);
        assert!(found.len() == 1 && found[0].contains(problem), "{text}: {found:?}");
    }
    let replacing = |text: &str| base.with_replaced("a", text).unwrap_err().to_string();
    assert!(replacing("{name: b, response: x}").contains("expected no name, or `a`"));
    assert!(replacing("rules: [{response: x}, {response: y, match: z}]").contains("expected one rule, found 2"));
    assert!(replacing("{match: (, response: x}").contains("added rules:1:"));
    base.with("{when: machine.door == 'shut', response: x}", RulePosition::First).unwrap();
}

#[test]
fn a_rule_that_never_answers_is_doubtful() {
    let base = book("rules: [{name: all, response: x}]");
    let (_, change) = base.with("{match: ^a$, response: a}", RulePosition::Last).unwrap();
    let warnings: Vec<_> = change.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("the rule `all` is asked before"), "{}", warnings[0]);
    let (_, change) = base.with("{match: ^a$, response: a}", RulePosition::First).unwrap();
    assert!(change.warnings.is_empty());
}

/// Whatever comes and goes, the others remember all: state, machines, and whose turn it is.
#[tokio::test(start_paused = true)]
async fn the_others_remember_all() {
    let base = book(
        "state: {n: 0}\n\
         machines: {door: {initial: shut, states: {shut: {on: {match: ^open$, to: open, responses: [one, two]}}, open: {on: {match: ^shut$, to: shut}}}}}\n\
         rules:\n\
         - {name: turns, match: ^turn$, responses: [a, b, c, d, e], choose: sequence}\n\
         - {name: count, match: ^count$, set: {n: '{{state.n + 1}}'}, response: '{{state.n}}'}\n\
         - {name: random, match: ^random$, response: '{{randInt 0 1000000000}}'}",
    );
    let turns = |text: &str| with(&base, text);
    let more = turns("{name: new, match: ^new$, responses: ['1', '2', '3'], choose: sequence}");
    let (front, _) = more.with("{name: front, match: ^front$, response: front}", RulePosition::First).unwrap();
    let less = front.without("count").unwrap();
    let (replaced, _) =
        less.with_replaced("new", "{match: ^new$, responses: ['4', '5'], choose: sequence}").unwrap().unwrap();
    let [base, more, front, less, replaced] = [&base, &more, &front, &less, &replaced].map(handler);
    let mut client = Client::connect(&base).await;
    assert_eq!(client.ask("turn").await, "a");
    assert_eq!(client.ask("count").await, "1");
    assert_eq!(client.ask("open").await, "one");
    let first = client.ask("random").await;
    client.handler = &more;
    assert_eq!([client.ask("turn").await, client.ask("new").await], ["b", "1"]);
    assert_eq!(client.ask("count").await, "2");
    client.say("shut").await;
    client.handler = &front;
    assert_eq!([client.ask("turn").await, client.ask("front").await], ["c", "front"]);
    assert_eq!([client.ask("new").await, client.ask("open").await], ["2", "two"]);
    client.handler = &less;
    assert_eq!([client.ask("turn").await, client.ask("new").await], ["d", "3"]);
    client.handler = &replaced;
    assert_eq!([client.ask("turn").await, client.ask("new").await], ["e", "4"]);
    assert_ne!(client.ask("random").await, first);
}
