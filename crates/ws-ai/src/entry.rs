//! An event as an entry of a replay file.

use serde_json::Value;

/// The line, without its end, of an entry that sends `text` at `ts`, to the letter: what a provider wrote is no template.
pub(crate) fn outgoing(ts: u64, conn: Option<u64>, text: &str) -> String {
    let conn = conn.map(|conn| format!(r#""conn":{conn},"#)).unwrap_or_default();
    format!(r#"{{"ts":{ts},{conn}"dir":"out","text":{},"verbatim":true}}"#, Value::from(text))
}

#[cfg(test)]
mod tests {
    use ws_replay::{ReplayEntry, ReplayScript};

    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_meant() {
        for (ts, conn, text) in
            [(0, None, ""), (7, Some(2), "{\"a\":\"{{uuid}} {{\n\u{2028}\"}"), (u64::MAX, Some(0), "\0\\")]
        {
            let line = outgoing(ts, conn, text);
            let read: ReplayEntry = serde_json::from_str(&line).unwrap();
            let meant = ReplayEntry { ts, conn, text: text.to_owned(), verbatim: true, ..ReplayEntry::default() };
            assert_eq!((read, line.lines().count()), (meant, 1));
            assert!(ReplayScript::parse(&line, "f").unwrap().warnings().is_empty(), "{line}");
        }
    }
}
