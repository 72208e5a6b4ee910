//! The declarations for editors say what there is.

use std::collections::BTreeSet;

use ws_script::TYPES;

use crate::kit::Scripts;

/// The names of an interface's or class's members.
fn members(block: &str) -> BTreeSet<String> {
    let start = TYPES.find(&format!("{block} {{\n")).unwrap_or_else(|| panic!("no {block}"));
    let body = TYPES[start..].split_once("{\n").unwrap().1.split_once("\n}").unwrap().0;
    body.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('/') && !line.starts_with('[') && !line.is_empty())
        .map(|line| line.trim_start_matches("readonly ").split(['(', ':', '?', '<']).next().unwrap().to_owned())
        .collect()
}

fn declared_globals() -> BTreeSet<String> {
    let kinds = ["declare var ", "declare function ", "declare class "];
    let names = TYPES.lines().filter_map(|line| kinds.iter().find_map(|kind| line.strip_prefix(kind)));
    names.map(|rest| rest.split([':', '(', '<', ' ']).next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_context_has_what_is_declared_and_nothing_else() {
    let scripts = Scripts::on_message("ctx.send(Object.getOwnPropertyNames(Object.getPrototypeOf(ctx)))");
    let got: BTreeSet<String> = serde_json::from_str(&scripts.client("chat.js").ask("x").await).unwrap();
    let mut declared = members("interface Context");
    declared.insert("constructor".to_owned());
    assert_eq!(got, declared);
}

#[tokio::test]
async fn a_message_has_what_is_declared() {
    let scripts = Scripts::on_message(
        "ctx.send([...Object.keys(msg), 'data', ...Object.getOwnPropertyNames(Object.getPrototypeOf(msg))])",
    );
    let mut got: BTreeSet<String> = serde_json::from_str(&scripts.client("chat.js").ask("x").await).unwrap();
    got.remove("constructor");
    assert_eq!(got, members("interface Message"));
}

#[tokio::test]
async fn all_globals_that_are_not_the_languages_are_declared() {
    // What the language itself and the engine bring, as of ES2024.
    let known = "Object Function Error EvalError RangeError ReferenceError SyntaxError TypeError URIError InternalError AggregateError \
        Iterator Array parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape \
        Infinity NaN undefined globalThis Number Boolean String Math Reflect Symbol eval Date RegExp JSON Proxy Map Set WeakMap WeakSet \
        ArrayBuffer Uint8ClampedArray Int8Array Uint8Array Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array \
        Float16Array Float32Array Float64Array DataView Promise BigInt WeakRef FinalizationRegistry DOMException performance \
        AsyncIterator DisposableStack AsyncDisposableStack SuppressedError navigator gc";
    let known: BTreeSet<String> = known.split_whitespace().map(str::to_owned).collect();
    let scripts = Scripts::on_message("ctx.send(Object.getOwnPropertyNames(globalThis))");
    let got: BTreeSet<String> = serde_json::from_str(&scripts.client("chat.js").ask("x").await).unwrap();
    let ours: BTreeSet<String> = got.difference(&known).cloned().collect();
    assert_eq!(ours, declared_globals());
}
