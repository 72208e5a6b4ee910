//! The declarations for editors say what there is.

use std::collections::BTreeSet;

use ws_script::TYPES;

use crate::kit::Scripts;

/// What is declared, by the names that scripts use: `onMessage`, `ctx.send`, `msg.text`, `setTimeout`, `console.log`.
pub(crate) fn declared() -> BTreeSet<String> {
    let mut names = declared_globals();
    names.extend(members("interface Script"));
    for (block, prefix) in [
        ("interface Context", "ctx"),
        ("interface Message", "msg"),
        ("interface OutboundMessage extends Message", "msg"),
        ("interface Close", "close"),
        ("declare var console:", "console"),
        ("declare var crypto:", "crypto"),
        ("declare class TextEncoder", "TextEncoder"),
        ("declare class TextDecoder", "TextDecoder"),
    ] {
        names.extend(members(block).into_iter().map(|name| format!("{prefix}.{name}")));
    }
    names
}

/// The names of an interface's or class's members.
fn members(block: &str) -> BTreeSet<String> {
    let start = TYPES.find(&format!("{block} {{\n")).unwrap_or_else(|| panic!("no {block}"));
    let body = TYPES[start..].split_once("{\n").unwrap().1.split_once("\n}").unwrap().0;
    body.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['/', '*', '[']) && !line.starts_with("constructor("))
        .map(|line| line.trim_start_matches("readonly ").split(['(', ':', '?', '<']).next().unwrap().to_owned())
        .collect()
}

fn declared_globals() -> BTreeSet<String> {
    let kinds = ["declare var ", "declare function ", "declare class "];
    let names = TYPES.lines().filter_map(|line| kinds.iter().find_map(|kind| line.strip_prefix(kind)));
    names.map(|rest| rest.split([':', '(', '<', ' ']).next().unwrap().to_owned()).collect()
}

/// The members of a prototype, beside its constructor.
async fn own_names(expression: &str) -> BTreeSet<String> {
    let scripts = Scripts::on_message(&format!("ctx.send(Object.getOwnPropertyNames({expression}))"));
    let mut names: BTreeSet<String> = serde_json::from_str(&scripts.client("chat.js").ask("x").await).unwrap();
    names.remove("constructor");
    names
}

#[tokio::test]
async fn what_is_there_is_what_is_declared() {
    for (expression, block) in [
        ("Object.getPrototypeOf(ctx)", "interface Context"),
        ("console", "declare var console:"),
        ("crypto", "declare var crypto:"),
        ("TextEncoder.prototype", "declare class TextEncoder"),
        ("TextDecoder.prototype", "declare class TextDecoder"),
    ] {
        assert_eq!(own_names(expression).await, members(block), "{expression}");
    }
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
    let ours: BTreeSet<String> = own_names("globalThis").await.difference(&known).cloned().collect();
    assert_eq!(ours, declared_globals());
}

/// Editors show what is said of each: nothing is left without, but what its name and type say.
#[test]
fn what_is_declared_is_explained() {
    let plain = ["type", "code", "reason", "encoding", "encode", "fatal", "decode"];
    let mut above = "";
    for line in TYPES.lines() {
        let text = line.trim();
        let is_member = line.starts_with("    ") && text.ends_with(';') && !text.starts_with(['/', '*', '[']);
        let is_declared = text.starts_with("declare ") || text.starts_with("interface ");
        if is_member || is_declared {
            let name = text.trim_start_matches("readonly ").split(['(', ':', '?', '<']).next().unwrap();
            assert!(above.ends_with("*/") || plain.contains(&name), "{line}");
        }
        above = text;
    }
}
