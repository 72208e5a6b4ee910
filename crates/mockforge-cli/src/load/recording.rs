//! What `--replay` plays: the part of the clients in a replay file.

use std::path::Path;

use anyhow::bail;
use mockforge_ws::{ClientMoment, ClientPart, Message, ReplayScript};
use ws_load::{Moment, Said, Session, Target};

/// The sessions that were recorded on a path of these targets; if there are none, all.
///
/// # Errors
/// If the file is no replay file, or does not say what its clients say.
pub(super) fn sessions(file: &Path, targets: &[Target]) -> anyhow::Result<Vec<Session>> {
    let script = ReplayScript::load(file)?;
    let mut parts = script.client_parts()?;
    if parts.iter().all(|part| part.moments.is_empty()) {
        bail!("{}: nothing is said in it", file.display());
    }
    for warning in script.warnings() {
        eprintln!("warning: {warning}");
    }
    if parts.iter().any(|part| is_on_path_of(part, targets)) {
        parts.retain(|part| is_on_path_of(part, targets));
    }
    Ok(parts.into_iter().map(session).collect())
}

fn is_on_path_of(part: &ClientPart, targets: &[Target]) -> bool {
    let without_query = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    part.path
        .as_deref()
        .map(without_query)
        .is_some_and(|path| targets.iter().any(|it| without_query(it.path()) == path))
}

fn session(part: ClientPart) -> Session {
    let moments = part.moments.into_iter().filter_map(|moment| match moment {
        ClientMoment::Hears { at } => Some(Moment::Hears { at }),
        ClientMoment::Says { at, message } => said(message).map(|message| Moment::Says { at, message }),
    });
    Session { moments: moments.collect(), ends_at: part.ends_at, closed_by_server: part.closed_by_server }
}

/// A part has no control frames.
fn said(message: Message) -> Option<Said> {
    match message {
        Message::Text(text) => Some(Said::Text(text.to_string())),
        Message::Binary(data) => Some(Said::Binary(data.to_vec())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        format!("ws://127.0.0.1:1{path}").parse().unwrap()
    }

    #[test]
    fn what_was_recorded_on_the_path_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jsonl");
        let lines = [
            r#"{"recording":1}"#,
            r#"{"conn":1,"open":"/ws/a?x=1"}"#,
            r#"{"conn":1,"ts":5,"dir":"in","text":"in a"}"#,
            r#"{"conn":2,"open":"/ws/b"}"#,
            r#"{"conn":2,"ts":5,"dir":"in","binary":true,"text":"AAE="}"#,
        ];
        std::fs::write(&file, lines.join("\n")).unwrap();
        let said = |path: &str| {
            let sessions = sessions(&file, &[target(path)]).unwrap();
            let moments = sessions.into_iter().flat_map(|session| session.moments);
            moments
                .map(|moment| match moment {
                    Moment::Says { message, .. } => message,
                    Moment::Hears { .. } => panic!("nobody speaks"),
                })
                .collect::<Vec<_>>()
        };
        let (a, b) = (Said::Text("in a".to_owned()), Said::Binary(vec![0, 1]));
        assert_eq!(said("/ws/a"), [a.clone()]);
        assert_eq!(said("/ws/b?y=2"), [b.clone()]);
        assert_eq!(said("/ws/c"), [a, b]);
    }

    #[test]
    fn what_cannot_be_played_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jsonl");
        for (text, expected) in [
            (
                r#"{"ts":0,"text":"HELLO","waitFor":"^READY$"}"#,
                "a.jsonl:1: the file says what the client's message is like",
            ),
            ("{\"dir\":\"in\",\"binary\":true}\n", "a.jsonl:1: the file says what"),
            (r#"{"open":"/ws"}"#, "a.jsonl: nothing is said in it"),
            ("{\"ts\":0,\"txt\":1}", "unknown key"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = sessions(&file, &[target("/ws")]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
