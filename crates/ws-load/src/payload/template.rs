//! Texts with names in double braces, replaced in each message.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::marker::Marker;

/// What a message is made from.
#[derive(Debug)]
pub(crate) struct Facts<'r> {
    pub(crate) marker: Marker,
    /// How many messages its connection has sent before.
    pub(crate) position: u32,
    pub(crate) random: &'r mut fastrand::Rng,
}

#[derive(Clone, Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Number,
    User,
    Id,
    Uuid,
    Now,
    Random,
}

/// What every name stands for; an error shows the names.
const NAMES: [(&str, Part); 6] = [
    ("n", Part::Number),
    ("vu", Part::User),
    ("id", Part::Id),
    ("uuid", Part::Uuid),
    ("now", Part::Now),
    ("random", Part::Random),
];

/// A template that cannot be one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TemplateError {
    line: Option<usize>,
    problem: String,
}

impl TemplateError {
    pub(super) fn in_line(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }

    pub(super) fn empty() -> Self {
        Self { line: None, problem: "expected at least one line that is not empty".to_owned() }
    }
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let error = |problem| TemplateError { line: None, problem };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, behind) = after.split_once("}}").ok_or_else(|| error("a `{{` without its `}}`".to_owned()))?;
            let known = NAMES.iter().find(|(known, _)| *known == name.trim());
            let (_, part) = known.ok_or_else(|| {
                let names = NAMES.map(|(name, _)| format!("{{{{{name}}}}}")).join(", ");
                error(format!("`{{{{{name}}}}}` is unknown: expected one of {names}"))
            })?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(part.clone());
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self { parts })
    }

    pub(super) fn has_id(&self) -> bool {
        self.parts.contains(&Part::Id)
    }

    pub(super) fn has_number(&self) -> bool {
        self.parts.contains(&Part::Number)
    }

    pub(super) fn render(&self, out: &mut Vec<u8>, facts: &mut Facts<'_>) {
        for part in &self.parts {
            // Writing to a Vec does not fail.
            let _ = match part {
                Part::Text(text) => out.write_all(text.as_bytes()),
                Part::Number => write!(out, "{}", facts.marker.number),
                Part::User => write!(out, "{}", facts.marker.user),
                Part::Id => {
                    facts.marker.push(out);
                    Ok(())
                }
                Part::Uuid => write_uuid(out, facts.random.u128(..)),
                Part::Now => write!(out, "{}", unix_millis()),
                Part::Random => write!(out, "{}", facts.random.u32(..)),
            };
        }
    }
}

/// A random UUID (version 4).
fn write_uuid(out: &mut Vec<u8>, random: u128) -> std::io::Result<()> {
    let versioned = random & !(0xf << 76) | 4 << 76;
    let bits = versioned & !(0b11 << 62) | 0b10 << 62;
    let (a, b, c) = ((bits >> 96) as u32, (bits >> 80) as u16, (bits >> 64) as u16);
    write!(out, "{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", (bits >> 48) as u16, bits as u64 & 0xffff_ffff_ffff)
}

fn unix_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> String {
        let mut out = Vec::new();
        let marker = Marker { user: 3, number: 12, due: 0 };
        let mut random = fastrand::Rng::with_seed(5);
        Template::parse(text).unwrap().render(&mut out, &mut Facts { marker, position: 0, random: &mut random });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_are_replaced() {
        assert_eq!(render("{{vu}}/{{ n }} {\"a\":{}}"), "3/12 {\"a\":{}}");
        assert_eq!(render("{{id}}"), "mf-000003-0000000c-000000000000");
        assert!(render("{{random}}").parse::<u32>().is_ok());
        assert!(render("{{now}}").parse::<u64>().unwrap() > 1_600_000_000_000);
    }

    #[test]
    fn uuids_are_of_version_4() {
        let uuid = render("{{uuid}}");
        let groups: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{uuid}");
        assert!(&uuid[14..15] == "4" && "89ab".contains(&uuid[19..20]), "{uuid}");
        let two = render("{{uuid}} {{uuid}}");
        let (one, other) = two.split_once(' ').unwrap();
        assert_ne!(one, other);
    }

    #[test]
    fn unknown_names_are_told_with_the_known_ones() {
        let error = Template::parse("{{user}}").unwrap_err().to_string();
        assert_eq!(
            error,
            "`{{user}}` is unknown: expected one of {{n}}, {{vu}}, {{id}}, {{uuid}}, {{now}}, {{random}}"
        );
        assert!(Template::parse("{{n").is_err());
    }
}
