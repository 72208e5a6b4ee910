//! P03: random queries select from random documents what a second reading of RFC 9535 says.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use ws_patterns::{JsonPath, MessagePattern};

use crate::reference::{Condition, Segment, Selector, Side, evaluate, write_query};

/// Few names, so that queries often find something; among them all kinds that need care.
const NAMES: [&str; 14] =
    ["a", "b", "_1", "a-b", "a b", "'", "\"", "'\"", "\\", "a\\", "", "\u{e9}", "\u{1f600}", "]['b"];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just("a"), 1 => Just("b"), 4 => select(&NAMES[..])].prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(2.5),
        json!(1e3),
        json!(""),
        json!("a"),
        json!("b"),
        json!("\u{e9}'\""),
        json!("\u{ffff}"),
        json!("\u{10000}"),
    ])
}

fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((name(), inner), 0..5).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn bound() -> impl Strategy<Value = i64> {
    prop_oneof![8 => -6..7_i64, 1 => Just((1 << 53) - 1), 1 => Just(-(1 << 53) + 1)]
}

fn step() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), (1..4_i64).prop_map(Some), Just(Some((1 << 53) - 1))]
}

fn singular() -> impl Strategy<Value = Vec<Segment>> {
    let selector = prop_oneof![2 => name().prop_map(Selector::Name), 1 => bound().prop_map(Selector::Index)];
    let segment = (selector, any::<u8>()).prop_map(|(selector, style)| Segment {
        descends: false,
        selectors: vec![selector],
        style,
    });
    vec(segment, 0..3)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![
        2 => scalar().prop_map(Side::Literal),
        3 => singular().prop_map(Side::Current),
        1 => singular().prop_map(Side::Root),
    ]
}

fn condition(segments: BoxedStrategy<Vec<Segment>>) -> impl Strategy<Value = Condition> {
    let operator = select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        segments.prop_map(Condition::Exists),
        (side(), operator, side()).prop_map(|(left, operator, right)| Condition::Compare(left, operator, right)),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        let pair = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
            pair.clone().prop_map(|(left, right)| Condition::And(left, right)),
            pair.prop_map(|(left, right)| Condition::Or(left, right)),
        ]
    })
}

/// A path of up to three segments, whose filters have paths of up to `depth` less.
fn segments(depth: u32) -> BoxedStrategy<Vec<Segment>> {
    let plain = prop_oneof![
        4 => name().prop_map(Selector::Name),
        2 => Just(Selector::Wildcard),
        2 => bound().prop_map(Selector::Index),
        1 => (proptest::option::of(bound()), proptest::option::of(bound()), step())
            .prop_map(|(start, end, step)| Selector::Slice(start, end, step)),
    ];
    let selector = match depth {
        0 => plain.boxed(),
        _ => prop_oneof![4 => plain, 1 => condition(segments(depth - 1)).prop_map(Selector::Filter)].boxed(),
    };
    let selectors = prop_oneof![4 => vec(selector.clone(), 1), 1 => vec(selector, 2..4)];
    let descends = prop_oneof![6 => Just(false), 1 => Just(true)];
    let segment = (descends, selectors, any::<u8>()).prop_map(|(descends, selectors, style)| Segment {
        descends,
        selectors,
        style,
    });
    vec(segment, 0..4).boxed()
}

/// P03. A random query is answered as the reference answers it, unless it is over a limit.
#[test]
fn accepted_queries_agree_with_the_reference() {
    let (compared, found) = (AtomicU32::new(0), AtomicU32::new(0));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) };
    proptest!(config, |(segments in segments(2), documents in vec(document(), 4))| {
        let query = write_query('$', &segments);
        let path = match JsonPath::compile(&query) {
            Ok(path) => path,
            Err(error) => {
                let limit = ["more than 1 descent", "more than 256 alternatives", "longer than 1024 bytes"];
                let problem = error.to_string();
                prop_assert!(limit.iter().any(|limit| problem.contains(limit)), "{}", problem);
                return Ok(());
            }
        };
        for document in &documents {
            let expected = evaluate(&segments, document, document);
            let selected = path.select(document);
            prop_assert_eq!(&selected, &expected, "{} on {}", query, document);
            let same_places = selected.iter().zip(&expected).all(|(selected, expected)| std::ptr::eq(*selected, *expected));
            prop_assert!(same_places, "{} on {} finds an equal value at another place", query, document);
            prop_assert_eq!(path.first(document), expected.first().copied());
            prop_assert_eq!(MessagePattern::jsonpath(&query).matches(&document.to_string()), !expected.is_empty());
            compared.fetch_add(1, Ordering::Relaxed);
            found.fetch_add(u32::from(!expected.is_empty()), Ordering::Relaxed);
        }
    });
    let (compared, found) = (compared.into_inner(), found.into_inner());
    assert!(compared > 6_000 && found > 1_500, "too little was compared: {compared}, of which {found} found something");
}
