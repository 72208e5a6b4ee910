//! Whatever a script is like: what was there stays, and is played as before.

use futures_util::FutureExt;
use proptest::prelude::*;
use ws_ai::WebSocketAiConfig;
use ws_replay::ReplayScript;

use super::playing::play;
use super::{at_points, ticking};

/// Stands in all entries that are added, and nowhere else.
const MARK: &str = r#"\"type\":\"tick\""#;

/// The keys of an entry without its time; whether it can be a point, which those that are have the type `p`.
fn entry() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        r#""text":"{\"type\":\"p\"}""#,
        r#""text":"{\"type\":\"p\",\"n\":{{randInt 1 9}}}""#,
        r#""text":"{\"type\":\"q\"}""#,
        r#""text":"{{uuid}} {{1}} {{name}}""#,
        r#""text":"caf\u00e9 {{1}} {{request.ws.message}}","waitFor":"^(x)$""#,
        r#""text":"{\"type\":\"p\",\"was\":\"{{name}}\"}","waitFor":"^(?<name>x)$""#,
        r#""dir":"in","text":"x""#,
        r#""dir":"in","waitFor":"x","text":"{\"type\":\"p\"}""#,
        r#""text":"r","repeat":2,"every":30"#,
        r#""text":"skipped","condition":"false""#,
        r#""text":"{\"type\":\"p\"}","waitFor":"y","timeout_ms":40,"on_timeout":"end""#,
        r#""dir":"in","waitFor":"y","timeout_ms":40"#,
        r#""text":"asks","on_silence":{"after_ms":900,"goto_step":"end"}"#,
        r#""ping":true"#,
        r#""pong":true"#,
    ])
}

#[derive(Debug, Clone)]
struct Script {
    /// Each with its connection and the time after the one before, if that is told.
    entries: Vec<(bool, Option<u64>, &'static str)>,
    /// To which entry the last one jumps back, once.
    jump: Option<prop::sample::Index>,
    is_recording: bool,
}

fn script() -> impl Strategy<Value = Script> {
    let one = (prop::bool::weighted(0.2), prop::option::weighted(0.8, 0_u64..400), entry());
    (prop::collection::vec(one, 1..12), prop::option::of(any::<prop::sample::Index>()), prop::bool::weighted(0.2))
        .prop_map(|(entries, jump, is_recording)| Script { entries, jump, is_recording })
}

impl Script {
    /// The entries as JSON. All of them have names that could be jumped to.
    fn objects(&self) -> Vec<String> {
        let (mut clocks, mut objects) = ([0; 2], Vec::new());
        if self.is_recording {
            objects.push(r#"{"recording":1}"#.to_owned());
        }
        for (nth, (is_second, after, keys)) in self.entries.iter().enumerate() {
            let clock = &mut clocks[usize::from(*is_second)];
            *clock += after.unwrap_or(0);
            let ts = after.map(|_| format!(r#""ts":{clock},"#)).unwrap_or_default();
            let conn = if *is_second { r#""conn":2,"# } else { "" };
            let name = if keys.contains("pong") { String::new() } else { format!(r#""step_id":"s{nth}","#) };
            objects.push(format!("{{{ts}{conn}{name}{keys}}}"));
        }
        let first =
            self.entries.iter().enumerate().filter(|(_, (is_second, _, keys))| !is_second && !keys.contains("pong"));
        let first: Vec<_> = first.map(|(nth, _)| nth).collect();
        if let Some(jump) = self.jump.filter(|_| !first.is_empty()) {
            objects.push(format!(r#"{{"text":"again","loop":{{"goto_step":"s{}","times":1}}}}"#, jump.get(&first)));
        }
        objects
    }
}

/// How a script stands in its file.
#[derive(Debug, Clone)]
struct Form {
    is_array: bool,
    has_mark: bool,
    /// What stands between entries, and behind the last one.
    line_end: &'static str,
    between: &'static str,
    ends: bool,
}

fn form() -> impl Strategy<Value = Form> {
    let line_end = prop::sample::select(vec!["\n", "\r\n"]);
    let between = prop::sample::select(vec!["", "# c\u{e9}\n", "\n", "// x\r\n", " \r\n"]);
    (any::<bool>(), any::<bool>(), line_end, between, any::<bool>())
        .prop_map(|(is_array, has_mark, line_end, between, ends)| Form { is_array, has_mark, line_end, between, ends })
}

impl Form {
    fn text(&self, objects: &[String]) -> String {
        let Self { is_array, has_mark, line_end, between, ends } = self;
        let mark = if *has_mark { "\u{feff}" } else { "" };
        let comma = if *is_array { "," } else { "" };
        let entries = objects.join(&format!("{comma}{line_end}{between}  "));
        let (open, close) =
            if *is_array { (format!("[{line_end}"), format!("{line_end}]")) } else { Default::default() };
        let end = if *ends { *line_end } else { "" };
        format!("{mark}{between}{open}{entries}{close}{end}")
    }
}

/// The text without the lines that were added.
fn without_added(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.contains(MARK)).collect()
}

fn augment(text: &str, rate: f64) -> Option<String> {
    let config = WebSocketAiConfig { events_per_second: rate, ..at_points(&["p"]) };
    // A provider that is there at once is not waited for.
    ticking().generator(config).augment(text, "s").now_or_never().unwrap().ok()
}

fn warnings(text: &str) -> usize {
    ReplayScript::parse(text, "s").unwrap().warnings().len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_stays(script in script(), form in form()) {
        let text = form.text(&script.objects());
        prop_assume!(ReplayScript::parse(&text, "s").is_ok());
        let points = text.matches(r#"\"type\":\"p\""#).count();
        let Some(enriched) = augment(&text, 2.0) else {
            prop_assert_eq!(points, 0);
            return Ok(());
        };
        prop_assert_eq!(enriched.matches(MARK).count(), 2 * points);
        let left = without_added(&enriched);
        // Behind a last line that has no end, one is put in.
        let put_in = if text.ends_with('\n') { &[""][..] } else { &["", "\n", "\r\n"] };
        prop_assert!(left.strip_prefix(&text).is_some_and(|rest| put_in.contains(&rest)), "{:?}", enriched);
        prop_assert_eq!(enriched.ends_with('\n'), text.ends_with('\n'));
        prop_assert_eq!(warnings(&enriched), warnings(&text));
    }

    #[test]
    fn the_script_is_played_as_before(
        script in script(),
        says in prop::collection::vec(0_u64..3000, 0..8),
        rate in prop::sample::select(vec![0.5, 2.0, 10.0, 1000.0]),
    ) {
        let mut says = says;
        says.sort_unstable();
        let text = script.objects().join("\n");
        prop_assume!(ReplayScript::parse(&text, "s").is_ok());
        let Some(enriched) = augment(&text, rate) else { return Ok(()) };
        for nth in 0..2 {
            let before = play(&text, nth, &says);
            let mut after = play(&enriched, nth, &says);
            after.retain(|(_, message)| !message.as_text().is_some_and(|text| text.contains(r#""type":"tick""#)));
            prop_assert_eq!(after, before, "{}", enriched);
        }
    }
}
