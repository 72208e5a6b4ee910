//! What has changed between two texts of `JSON.stringify`, as a third one.
//!
//! It knows the texts alone, and takes parts of them as they are: numbers and strings are never read, so none is changed by it.
//!
//! A change is one of
//! - `[value]`: it is another value now;
//! - `{"gone":["a"],"now":{"b":CHANGE}}`: an object has lost some members, and others have changed or are new;
//! - `{"of":9,"from":2,"to":4,"items":[7,[value],CHANGE]}`: an array of 9 elements has others in the place of those from 2 to
//!   before 4: the one that was at 7, a new one, and the one that was in this very place, changed.

use std::collections::HashMap;
use std::fmt::Write;

/// What is nested more deeply changes as a whole.
const MAX_DEPTH: usize = 100;

/// The change from one text to the other; None if they say the same. Both are what `JSON.stringify` has written.
pub(crate) fn difference(before: &str, after: &str) -> Option<String> {
    let mut change = String::new();
    write_change(&mut change, before, after, 0).then_some(change)
}

/// Writes the change, or nothing if there is none.
fn write_change(out: &mut String, before: &str, after: &str, depth: usize) -> bool {
    if before == after {
        return false;
    }
    if depth < MAX_DEPTH {
        match (Value::of(before), Value::of(after)) {
            (Value::Object(before), Value::Object(after)) => return write_object(out, &before, &after, depth),
            (Value::Array(before), Value::Array(after)) => return write_array(out, &before, &after, depth),
            _ => {}
        }
    }
    write_value(out, after);
    true
}

fn write_value(out: &mut String, value: &str) {
    out.push('[');
    out.push_str(value);
    out.push(']');
}

type Members<'a> = Vec<(&'a str, &'a str)>;

fn write_object(out: &mut String, before: &Members<'_>, after: &Members<'_>, depth: usize) -> bool {
    let begin = out.len();
    let (was, is): (HashMap<_, _>, HashMap<_, _>) = (before.iter().copied().collect(), after.iter().copied().collect());
    out.push_str(r#"{"gone":["#);
    let mut gone = Separated::default();
    for (name, _) in before.iter().filter(|(name, _)| !is.contains_key(name)) {
        gone.next(out);
        out.push_str(name);
    }
    out.push_str(r#"],"now":{"#);
    let mut now = Separated::default();
    for (name, value) in after {
        let end = out.len();
        let first = now;
        now.next(out);
        out.push_str(name);
        out.push(':');
        let changed = match was.get(name) {
            Some(old) => write_change(out, old, value, depth + 1),
            None => {
                write_value(out, value);
                true
            }
        };
        if !changed {
            out.truncate(end);
            now = first;
        }
    }
    out.push_str("}}");
    let changed = gone.any || now.any;
    if !changed {
        out.truncate(begin);
    }
    changed
}

fn write_array(out: &mut String, before: &[&str], after: &[&str], depth: usize) -> bool {
    let from = before.iter().zip(after).take_while(|(was, is)| was == is).count();
    let (rest_before, rest_after) = (&before[from..], &after[from..]);
    let kept = rest_before.iter().rev().zip(rest_after.iter().rev()).take_while(|(was, is)| was == is).count();
    let to = before.len() - kept;
    let new = &after[from..after.len() - kept];
    let is_nested = |element: &str| element.starts_with(['{', '[']);
    // An element that is found elsewhere has gone there; of equal ones the last.
    let mut known: HashMap<&str, usize> =
        (from..to).filter(|at| is_nested(before[*at])).map(|at| (before[at], at)).collect();
    let found: Vec<Option<usize>> = new.iter().map(|element| known.remove(element)).collect();
    let stays = {
        let mut stays = vec![true; before.len()];
        found.iter().flatten().for_each(|at| stays[*at] = false);
        stays
    };
    let begin = out.len();
    let _ = write!(out, r#"{{"of":{},"from":{from},"to":{to},"items":["#, before.len());
    let (mut items, mut changed) = (Separated::default(), before.len() != after.len());
    for (n, (element, found)) in new.iter().zip(found).enumerate() {
        items.next(out);
        let at = from + n;
        match found {
            Some(was) => {
                changed |= was != at;
                let _ = write!(out, "{was}");
            }
            None if before.len() == after.len() && stays[at] => {
                if write_change(out, before[at], element, depth + 1) {
                    changed = true;
                } else {
                    let _ = write!(out, "{at}");
                }
            }
            None => {
                changed = true;
                write_value(out, element);
            }
        }
    }
    out.push_str("]}");
    if !changed {
        out.truncate(begin);
    }
    changed
}

/// Commas between what comes one after the other.
#[derive(Clone, Copy, Default)]
struct Separated {
    any: bool,
}

impl Separated {
    fn next(&mut self, out: &mut String) {
        if std::mem::replace(&mut self.any, true) {
            out.push(',');
        }
    }
}

/// A value, and the texts of what is in it.
enum Value<'a> {
    Scalar,
    Object(Members<'a>),
    Array(Vec<&'a str>),
}

impl<'a> Value<'a> {
    fn of(text: &'a str) -> Self {
        match text.as_bytes().first() {
            Some(b'{') => Self::Object(Parts { text, at: 1 }.members()),
            Some(b'[') => Self::Array(Parts { text, at: 1 }.elements()),
            _ => Self::Scalar,
        }
    }
}

/// Goes through what is in a value. `JSON.stringify` writes no spaces.
struct Parts<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parts<'a> {
    fn members(mut self) -> Members<'a> {
        let mut members = Vec::new();
        while let Some(name) = self.part() {
            let Some(value) = self.part() else { break };
            members.push((name, value));
        }
        members
    }

    fn elements(mut self) -> Vec<&'a str> {
        std::iter::from_fn(|| self.part()).collect()
    }

    /// The next name or value, without what separates it from others.
    fn part(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let (start, mut depth, mut at) = (self.at, 0_usize, self.at);
        loop {
            match bytes.get(at)? {
                b'"' => at = string_end(bytes, at),
                b'{' | b'[' => depth += 1,
                b',' | b':' if depth == 0 => break,
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        self.at = at + 1;
        self.text.get(start..at).filter(|part| !part.is_empty())
    }
}

/// Where the quote is that ends a string.
fn string_end(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};
    use serde_json::{Map, Value as Json, json};

    use super::*;

    /// Each line: before, after, and the change.
    const CHANGES: &[(&str, &str, &str)] = &[
        ("1", "2", "[2]"),
        (r#"{"a":1}"#, "[1]", "[[1]]"),
        (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, ""),
        (
            r#"{"a":1,"b":{"c":[]}}"#,
            r#"{"b":{"c":[],"d":"x"}}"#,
            r#"{"gone":["a"],"now":{"b":{"gone":[],"now":{"d":["x"]}}}}"#,
        ),
        (r#"{"a,:{}\"\\":1}"#, r#"{"a,:{}\"\\":"]"}"#, r#"{"gone":[],"now":{"a,:{}\"\\":["]"]}}"#),
        (
            r#"{"é\ud800":1e21}"#,
            r#"{"é\ud800":0.30000000000000004}"#,
            r#"{"gone":[],"now":{"é\ud800":[0.30000000000000004]}}"#,
        ),
        ("[]", "[1,2]", r#"{"of":0,"from":0,"to":0,"items":[[1],[2]]}"#),
        ("[1,2,3]", "[1]", r#"{"of":3,"from":1,"to":3,"items":[]}"#),
        ("[1,2,3]", "[1,5,3]", r#"{"of":3,"from":1,"to":2,"items":[[5]]}"#),
        (r#"[{"a":1},{"a":2}]"#, r#"[{"a":2}]"#, r#"{"of":2,"from":0,"to":1,"items":[]}"#),
        (r#"[{"a":1},{"a":2}]"#, r#"[{"a":2},{"a":1}]"#, r#"{"of":2,"from":0,"to":2,"items":[1,0]}"#),
        (
            r#"[[1],[2],[3]]"#,
            r#"[[2],[1],[4]]"#,
            r#"{"of":3,"from":0,"to":3,"items":[1,0,{"of":1,"from":0,"to":1,"items":[[4]]}]}"#,
        ),
        (
            r#"[{"a":1,"b":2},[1]]"#,
            r#"[{"b":2,"a":1},[2]]"#,
            r#"{"of":2,"from":0,"to":2,"items":[0,{"of":1,"from":0,"to":1,"items":[[2]]}]}"#,
        ),
        (r#"[{"a":1,"b":2}]"#, r#"[{"b":2,"a":1}]"#, ""),
    ];

    #[test]
    fn only_what_has_changed_is_written() {
        for (before, after, expected) in CHANGES {
            assert_eq!(difference(before, after).unwrap_or_default(), *expected, "{before} -> {after}");
            assert_eq!(difference(after, after), None);
        }
    }

    #[test]
    fn what_is_deep_changes_as_a_whole() {
        let deep = |what: &str| format!("{}{what}{}", "[".repeat(100_000), "]".repeat(100_000));
        let change = difference(&deep("1"), &deep("2")).unwrap();
        assert!(change.ends_with(&"]}".repeat(MAX_DEPTH)) && change.contains("[2]"), "{}", change.len());
    }

    fn apply(before: &Json, change: &Json) -> Json {
        match (before, change) {
            (_, Json::Array(value)) => value[0].clone(),
            (Json::Object(members), _) => {
                let mut members = members.clone();
                for name in change["gone"].as_array().unwrap() {
                    members.remove(name.as_str().unwrap()).unwrap();
                }
                for (name, change) in change["now"].as_object().unwrap() {
                    let next = apply(members.get(name).unwrap_or(&Json::Null), change);
                    members.insert(name.clone(), next);
                }
                Json::Object(members)
            }
            (Json::Array(elements), _) => {
                let number = |name: &str| usize::try_from(change[name].as_u64().unwrap()).unwrap();
                let (from, to) = (number("from"), number("to"));
                assert_eq!(elements.len(), number("of"));
                let items =
                    change["items"].as_array().unwrap().iter().enumerate().map(|(n, item)| match item.as_u64() {
                        Some(at) => elements[usize::try_from(at).unwrap()].clone(),
                        None => apply(elements.get(from + n).unwrap_or(&Json::Null), item),
                    });
                let all = elements[..from].iter().cloned().chain(items).chain(elements[to..].iter().cloned());
                Json::Array(all.collect())
            }
            _ => panic!("{change} does not fit to {before}"),
        }
    }

    fn any_value(dice: &mut ChaCha8Rng, depth: u32) -> Json {
        let len = dice.random_range(0..5);
        match dice.random_range(0..if depth == 0 { 2 } else { 6 }) {
            0 => json!(dice.random_range(0..3)),
            1 => json!(["", "\"", "\\", "[,", "}:"][dice.random_range(0..5)]),
            2 | 3 => (0..len).map(|_| any_value(dice, depth - 1)).collect(),
            _ => {
                let member = |dice: &mut ChaCha8Rng| {
                    (["a", "b", "\"", ","][dice.random_range(0..4)].to_owned(), any_value(dice, depth - 1))
                };
                Json::Object((0..len).map(|_| member(dice)).collect::<Map<_, _>>())
            }
        }
    }

    #[test]
    fn a_change_leads_from_the_one_to_the_other() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..20_000 {
            let (before, after) = (any_value(&mut dice, 3), any_value(&mut dice, 3));
            let change = difference(&before.to_string(), &after.to_string());
            let reached =
                change.map_or(before.clone(), |change| apply(&before, &serde_json::from_str(&change).unwrap()));
            assert_eq!(reached, after, "from {before}");
        }
    }
}
