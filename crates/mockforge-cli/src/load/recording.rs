//! What `--replay` plays: the part of the clients in a replay file.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use mockforge_ws::{ClientMoment, ClientPart, Message, Redaction, ReplayScript};
use ws_load::{Moment, Said, Session, Target};

/// The sessions that were recorded on a path of these targets; if there are none, all.
///
/// # Errors
/// If a file is no replay file, or does not say what its clients say.
pub(super) fn sessions(files: &[PathBuf], targets: &[Target]) -> anyhow::Result<Vec<Session>> {
    let mut parts = Vec::new();
    for file in files {
        parts.extend(parts_of(file)?);
    }
    if parts.iter().any(|part| is_on_path_of(part, targets)) {
        parts.retain(|part| is_on_path_of(part, targets));
    }
    Ok(parts.into_iter().map(session).collect())
}

fn parts_of(file: &Path) -> anyhow::Result<Vec<ClientPart>> {
    let read =
        if file == Path::new("-") { ReplayScript::read(io::stdin().lock(), "stdin") } else { ReplayScript::load(file) };
    let script = match read {
        Err(_) if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har")) => {
            let name = file.display();
            bail!("{name}: a HAR file is played when it was imported: mockforge import har {name} --out session.jsonl")
        }
        read => read?,
    };
    let parts = script.client_parts()?;
    if parts.iter().all(|part| part.moments.is_empty()) {
        bail!("{}: nothing is said in it", script.name());
    }
    for warning in script.warnings() {
        eprintln!("warning: {warning}");
    }
    let redacted = parts.iter().flat_map(|part| &part.moments).filter(|moment| says_redacted(moment)).count();
    if redacted > 0 {
        let (name, placeholder) = (script.name(), Redaction::REPLACEMENT);
        eprintln!("warning: {name}: {redacted} of the clients' messages have `{placeholder}`: it is sent as it stands");
    }
    Ok(parts)
}

fn says_redacted(moment: &ClientMoment) -> bool {
    let ClientMoment::Says { message, .. } = moment else { return false };
    message.as_text().is_some_and(|text| text.contains(Redaction::REPLACEMENT))
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
        ClientMoment::Hears { at, message } => said(message).map(|message| Moment::Hears { at, message }),
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
            let sessions = sessions(std::slice::from_ref(&file), &[target(path)]).unwrap();
            let moments = sessions.into_iter().flat_map(|session| session.moments);
            moments
                .map(|moment| match moment {
                    Moment::Says { message, .. } => message,
                    Moment::Hears { .. } => panic!("nobody speaks"),
                })
                .collect::<Vec<_>>()
        };
        let both = [Said::Text("in a".to_owned()), Said::Binary(vec![0, 1])];
        assert_eq!(said("/ws/a"), both[..1]);
        assert_eq!(said("/ws/b?y=2"), both[1..]);
        assert_eq!(said("/ws/c"), both);
        let twice = sessions(&[file.clone(), file], &[target("/ws/a")]).unwrap();
        assert_eq!(twice.len(), 2);
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
            let error = sessions(std::slice::from_ref(&file), &[target("/ws")]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let har = folder.path().join("a.har");
        std::fs::write(&har, "{\"log\":{}}").unwrap();
        let error = sessions(&[har], &[target("/ws")]).unwrap_err().to_string();
        assert!(error.contains("mockforge import har "), "{error}");
    }
}
