//! From a report in Autobahn's format to good or not.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How many cases each section has. Fewer mean that something did not run, more that somebody must look at them.
const SECTIONS: &[(u32, usize, &str)] = &[
    (1, 16, "framing"),
    (2, 11, "pings and pongs"),
    (3, 7, "reserved bits"),
    (4, 10, "opcodes"),
    (5, 20, "fragmentation"),
    (6, 145, "UTF-8"),
    (7, 37, "closing"),
    (9, 54, "limits and performance"),
    (10, 1, "auto-fragmentation"),
];

/// Who answers by itself gives the strict answer in each case.
pub(super) const PROMPT: &[&str] = &[];

/// Cases in which a side that does not answer by itself need not give it: what was said just before a fault is answered
/// from behind it, perhaps too late.
pub(super) const BEHIND: &[&str] = &["3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"];

/// How a case came out, in Autobahn's words.
#[derive(Debug, Deserialize)]
struct Case {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    behavior_close: String,
}

/// A report, judged.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Section to behaviour to count.
    counts: BTreeMap<u32, BTreeMap<String, usize>>,
    problems: Vec<String>,
}

/// Judges what `index.json` says of the one side that was tested; in the `lenient` cases, the answer need not be strict.
pub(super) fn of(index: &[u8], lenient: &[&str]) -> Result<Verdict> {
    let sides: BTreeMap<String, BTreeMap<String, Case>> =
        serde_json::from_slice(index).context("index.json is not in Autobahn's format")?;
    let mut sides = sides.into_values();
    let (Some(cases), None) = (sides.next(), sides.next()) else {
        bail!("index.json is not about one side");
    };
    let mut counts: BTreeMap<u32, BTreeMap<String, usize>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (id, case) in &cases {
        let section = id.split('.').next().and_then(|text| text.parse().ok());
        let section = section.with_context(|| format!("index.json has a case `{id}`"))?;
        *counts.entry(section).or_default().entry(case.behavior.clone()).or_default() += 1;
        problems.extend(wrong(id, case, lenient));
    }
    for (section, wanted, _) in SECTIONS {
        let ran: usize = counts.get(section).map_or(0, |counts| counts.values().sum());
        if ran != *wanted {
            problems.push(format!("section {section}: {ran} cases ran instead of {wanted}"));
        }
    }
    for section in counts.keys().filter(|section| title(**section).is_none()) {
        problems.push(format!("section {section}: not known here"));
    }
    Ok(Verdict { counts, problems })
}

fn wrong(id: &str, case: &Case, lenient: &[&str]) -> Option<String> {
    let message = match case.behavior.as_str() {
        "OK" | "INFORMATIONAL" => true,
        "NON-STRICT" => lenient.contains(&id),
        _ => false,
    };
    let close = matches!(case.behavior_close.as_str(), "OK" | "INFORMATIONAL");
    (!message || !close).then(|| format!("case {id}: {}, its close {}", case.behavior, case.behavior_close))
}

fn title(section: u32) -> Option<&'static str> {
    SECTIONS.iter().find(|(number, ..)| *number == section).map(|(.., title)| *title)
}

impl Verdict {
    pub(super) fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (section, counts) in &self.counts {
            let counts: Vec<_> = counts.iter().map(|(behavior, count)| format!("{count} {behavior}")).collect();
            writeln!(f, "{section:>2} {:<24} {}", title(*section).unwrap_or("?"), counts.join(", "))?;
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report in which every case is OK, but for the given ones.
    fn verdict(others: &[(&str, &str, &str)]) -> Verdict {
        verdict_with(others, PROMPT)
    }

    fn verdict_with(others: &[(&str, &str, &str)], lenient: &[&str]) -> Verdict {
        let mut cases = BTreeMap::new();
        for (section, count, _) in SECTIONS {
            for number in 1..=*count {
                cases.insert(format!("{section}.{number}.0"), ("OK", "OK"));
            }
        }
        for (id, behavior, close) in others {
            // It takes the place of another case of its section, so that the counts stay right.
            let section = id.split('.').next().unwrap();
            cases.remove(&format!("{section}.1.0"));
            cases.insert((*id).to_owned(), (behavior, close));
        }
        of(index(&cases).as_bytes(), lenient).unwrap()
    }

    fn index(cases: &BTreeMap<String, (&str, &str)>) -> String {
        let cases: Vec<_> = cases
            .iter()
            .map(|(id, (behavior, close))| {
                format!(r#""{id}":{{"behavior":"{behavior}","behaviorClose":"{close}","duration":1}}"#)
            })
            .collect();
        format!(r#"{{"127.0.0.1:1":{{{}}}}}"#, cases.join(","))
    }

    #[test]
    fn all_ok_is_good_and_counted() {
        let verdict = verdict(&[]);
        assert!(verdict.is_good(), "{verdict}");
        assert!(verdict.to_string().starts_with(" 1 framing                  16 OK\n"), "{verdict}");
    }

    #[test]
    fn informational_is_good() {
        assert!(verdict(&[("7.13.2", "INFORMATIONAL", "INFORMATIONAL")]).is_good());
    }

    #[test]
    fn non_strict_is_not_good() {
        assert!(!verdict(&[("6.4.3", "NON-STRICT", "OK")]).is_good());
    }

    #[test]
    fn what_stands_behind_may_answer_too_late() {
        let late = [("3.2", "NON-STRICT", "OK")];
        assert!(verdict_with(&late, BEHIND).is_good());
        assert!(!verdict_with(&late, PROMPT).is_good());
    }

    #[test]
    fn what_failed_is_named() {
        let verdict = verdict(&[("5.19", "FAILED", "OK"), ("7.3.1", "OK", "WRONG CODE")]);
        assert_eq!(verdict.problems, ["case 5.19: FAILED, its close OK", "case 7.3.1: OK, its close WRONG CODE"]);
    }

    #[test]
    fn a_word_that_we_do_not_know_is_not_good() {
        assert!(!verdict(&[("1.1.1", "UNIMPLEMENTED", "OK")]).is_good());
    }

    #[test]
    fn cases_that_did_not_run_are_missed() {
        let all = of(br#"{"127.0.0.1:1":{"1.1.1":{"behavior":"OK","behaviorClose":"OK"}}}"#, PROMPT).unwrap();
        assert_eq!(all.problems.len(), SECTIONS.len());
        assert_eq!(all.problems[0], "section 1: 1 cases ran instead of 16");
    }

    #[test]
    fn a_section_that_we_did_not_ask_for_is_noticed() {
        assert_eq!(verdict(&[("12.1.1", "OK", "OK")]).problems, ["section 12: not known here"]);
    }

    #[test]
    fn another_format_is_an_error() {
        assert!(of(b"{}", PROMPT).is_err());
        assert!(of(b"[]", PROMPT).is_err());
    }
}
