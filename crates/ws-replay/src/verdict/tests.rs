//! Reports: what they say, and that any text may stand in them.

use proptest::prelude::*;

use super::*;

fn some() -> SessionVerdict {
    let reason = "`$.type`: expected \"order\", found \"ordr\"\nthe message was {\"type\":\"ordr\"}";
    SessionVerdict::new("shop.jsonl")
        .check(
            CheckResult::new("shop.jsonl:3", "the client says hello", CheckOutcome::Passed)
                .at(Duration::from_millis(20)),
        )
        .check(
            CheckResult::new("shop.jsonl:12", "it orders <two> & \"more\"", CheckOutcome::Failed(reason.into()))
                .at(Duration::from_millis(1_250)),
        )
        .check(CheckResult::new("shop.jsonl:15", "it pays", CheckOutcome::NotReached))
        .took(Duration::from_millis(31_250))
        .unfinished("the connection ended while line 15 waited for `^pay`")
}

#[test]
fn reports_say_what_failed_and_why() {
    insta::assert_snapshot!("text", some().report(ReportFormat::Text));
    insta::assert_snapshot!("json", some().report(ReportFormat::Json));
    insta::assert_snapshot!("junit", some().report(ReportFormat::JUnit));
}

/// Nobody reads of a script where only rules were followed.
#[test]
fn a_session_without_a_script_has_only_to_end() {
    let rules = SessionVerdict::new("r.yaml").without_script();
    assert_eq!(
        rules.report(ReportFormat::Text),
        "ok      r.yaml  the session came to its end\nr.yaml: passed: no checks (0.0 s)\n"
    );
    assert!(rules.report(ReportFormat::JUnit).contains("name=\"the session came to its end\""));
    let interrupted = rules.unfinished("interrupted");
    assert_eq!(interrupted.to_string(), "r.yaml: failed: no checks, ended before its time");
}

#[test]
fn a_session_passes_if_it_was_played_to_the_end_and_nothing_failed() {
    let empty = SessionVerdict::new("a.jsonl").took(Duration::from_millis(400));
    assert!(empty.passed());
    assert_eq!(
        empty.report(ReportFormat::Text),
        "ok      a.jsonl  the script was played to its end\na.jsonl: passed: no checks, played to its end (0.4 s)\n"
    );
    assert!(!empty.clone().unfinished("the connection ended").passed());
    // A way that was not gone is no failure.
    let branch = empty.check(CheckResult::new("a.jsonl:1", "x", CheckOutcome::NotReached));
    assert!(branch.passed());
    assert_eq!(branch.to_string(), "a.jsonl: passed: 0 of 1 check passed, 1 not reached, played to its end");
    let failed = branch.check(CheckResult::new("a.jsonl:2", "y", CheckOutcome::Failed("no".into())));
    assert!(!failed.passed());
    assert_eq!(failed.to_string(), "a.jsonl: failed: 1 of 2 checks failed, 1 not reached, played to its end");
}

#[test]
fn formats_are_known_by_their_name_and_by_the_end_of_a_file_name() {
    for (name, extension, format) in [
        ("text", "txt", ReportFormat::Text),
        ("json", "JSON", ReportFormat::Json),
        ("junit", "xml", ReportFormat::JUnit),
    ] {
        assert_eq!((name.parse(), ReportFormat::of_extension(extension)), (Ok(format), Some(format)));
    }
    assert_eq!(
        "xml".parse::<ReportFormat>().unwrap_err().to_string(),
        "expected `text`, `json` or `junit`, found `xml`"
    );
    assert_eq!(ReportFormat::of_extension("html"), None);
}

#[test]
fn text_of_a_peer_does_not_reach_the_terminal_as_it_is() {
    let reason = CheckOutcome::Failed("found \u{1b}[2J".into());
    let report = SessionVerdict::new("a").check(CheckResult::new("a:1", "b", reason)).report(ReportFormat::Text);
    assert!(report.contains("found \u{fffd}[2J"), "{report}");
}

proptest! {
    /// Whatever texts a verdict has, what reads XML finds them again.
    #[test]
    fn junit_is_xml_whatever_the_texts_are(
        name in any::<String>(),
        description in any::<String>(),
        reason in any::<String>(),
        is_finished in any::<bool>(),
    ) {
        let failed = CheckOutcome::Failed(reason.clone());
        let mut verdict = SessionVerdict::new(name.clone())
            .check(CheckResult::new("f:1", description.clone(), failed))
            .check(CheckResult::new(description.clone(), "", CheckOutcome::NotReached));
        if !is_finished {
            verdict = verdict.unfinished(reason.clone());
        }
        let xml = verdict.report(ReportFormat::JUnit);
        let document = roxmltree::Document::parse(&xml).map_err(|error| TestCaseError::fail(format!("{error}: {xml}")))?;
        let seen = |text: &str| {
            let seen = text.chars().map(|it| if super::junit::is_allowed(it) { it } else { '\u{fffd}' });
            Some(seen.collect::<String>())
        };
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        let count = |name: &str| suite.attribute(name).and_then(|count| count.parse::<usize>().ok());
        let failures = document.descendants().filter(|node| node.has_tag_name("failure")).count();
        prop_assert_eq!(count("tests"), Some(cases.len()));
        prop_assert_eq!(count("failures"), Some(failures));
        prop_assert_eq!(count("skipped"), Some(1));
        prop_assert_eq!(suite.attribute("name").map(str::to_owned), seen(&name));
        prop_assert_eq!(cases[0].attribute("name").map(str::to_owned), seen(&description));
        let failure = cases[0].first_element_child().unwrap();
        prop_assert_eq!(failure.attribute("message").map(str::to_owned), seen(&reason));
        prop_assert_eq!(failure.text().map(str::to_owned), seen(&format!("f:1: {reason}")));
    }
}
