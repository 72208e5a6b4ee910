//! What is learnt of whole sessions, and what is not.

use proptest::prelude::*;

use ws_patterns::MessageText;

use super::*;

/// A recorded session: what the client said begins with `>`, what the server said with `<`.
struct Recording {
    messages: Vec<RecordedMessage>,
    answers: Vec<LearntText>,
    learnt: usize,
}

impl Recording {
    fn of(lines: &[&str]) -> Self {
        let mut learner = Learner::new();
        let (mut messages, mut answers) = (Vec::new(), Vec::new());
        for line in lines {
            match line.split_at(2) {
                ("> ", text) => messages.push(learner.expect(text)),
                ("< ", text) => answers.push(learner.answer(text.to_owned())),
                _ => panic!("{line}"),
            }
        }
        Self { messages, answers, learnt: learner.finish() }
    }

    /// Says all of this in its order, and gives back what is answered then; `None` if something does not match.
    fn play(&self, said: &[&str]) -> Option<Vec<String>> {
        let mut learned = Learned::default();
        for (message, text) in self.messages.iter().zip(said) {
            let matches = message.matches(&MessageText::new(*text), &mut learned);
            assert_eq!(message.difference(&MessageText::new(*text), &learned).is_none(), matches, "{text}");
            if !matches {
                return None;
            }
        }
        Some(self.answers.iter().map(|answer| answer.render(&learned).to_string()).collect())
    }
}

/// A recording, what the client says today, and what it is answered (without `<`); nothing if it does not match.
#[track_caller]
fn check(recording: &[&str], today: &[&str], answers: Option<&[&str]>) {
    let recording = Recording::of(recording);
    let recorded: Vec<_> = recording.messages.iter().map(|message| message.text().to_owned()).collect();
    let same: Vec<_> = recording.answers.iter().map(|answer| answer.source().to_owned()).collect();
    let recorded: Vec<_> = recorded.iter().map(String::as_str).collect();
    assert_eq!(recording.play(&recorded), Some(same), "word for word");
    let expected = answers.map(|answers| answers.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    assert_eq!(recording.play(today), expected);
}

const A: &str = "550e8400-e29b-41d4-a716-446655440000";
const B: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

#[test]
fn ids_and_times_of_the_client_are_put_back() {
    check(
        &[
            &format!(r#"> {{"method":"add","id":1,"key":"{A}","at":"2024-01-15T10:30:00.250Z","ms":1700000000123}}"#),
            &format!(r#"< {{"result":2,"id":1,"of":["{A}"],"seen":{{"{A}":1700000000123}},"n":1}}"#),
            &format!("< done {A} at 2024-01-15T10:30:00.250Z."),
        ],
        &[&format!(r#"{{ "id": 7, "ms":1800000000456,"key":"{B}", "method":"add", "at":"2026-01-01T00:00:00Z"}}"#)],
        Some(&[
            &format!(r#"{{"result":2,"id":7,"of":["{B}"],"seen":{{"{B}":1800000000456}},"n":1}}"#),
            &format!("done {B} at 2026-01-01T00:00:00Z."),
        ]),
    );
}

#[test]
fn texts_that_are_no_json_are_learnt_by_look() {
    check(
        &[&format!("> SUB {A} 1700000000 x"), &format!("< ok {A}, 1700000000; 17000000001")],
        &[&format!("SUB {B} 1800000000 x")],
        Some(&[&format!("ok {B}, 1800000000; 17000000001")]),
    );
    for other in [format!("SUB {B} 18 x"), format!("SUB {B} 1800000000 y"), format!("SUB {B} 1800000000 xx"), "".into()]
    {
        check(&[&format!("> SUB {A} 1700000000 x")], &[&other], None);
    }
}

#[test]
fn everything_else_must_be_as_it_was() {
    let recording = [r#"> {"id":1,"room":"lobby","n":[1,2.0,{"a":null}],"on":true}"#];
    check(&recording, &[r#"{"on":true,"n":[1.0,2,{"a":null}],"room":"lobby","id":"x"}"#], Some(&[]));
    for other in [
        r#"{"id":1,"room":"kitchen","n":[1,2,{"a":null}],"on":true}"#,
        r#"{"id":1,"room":"lobby","n":[1,2,{"a":0}],"on":true}"#,
        r#"{"id":1,"room":"lobby","n":[2,1,{"a":null}],"on":true}"#,
        r#"{"id":1,"room":"lobby","n":[1,2,{"a":null},3],"on":true}"#,
        r#"{"id":1,"room":"lobby","n":[1,2,{"a":null}],"on":true,"more":1}"#,
        r#"{"room":"lobby","n":[1,2,{"a":null}],"on":true}"#,
        r#"{"id":null,"room":"lobby","n":[1,2,{"a":null}],"on":true}"#,
        r#"{"id":[1],"room":"lobby","n":[1,2,{"a":null}],"on":true}"#,
        r#"{"id":"","room":"lobby","n":[1,2,{"a":null}],"on":true}"#,
        "lobby",
    ] {
        check(&recording, &[other], None);
    }
    let huge = format!(r#"{{"id":"{}","room":"lobby","n":[1,2,{{"a":null}}],"on":true}}"#, "x".repeat(2000));
    check(&recording, &[&huge], None);
}

#[test]
fn what_the_server_said_first_is_its_own() {
    let recording = [
        &*format!(r#"< {{"session":"{A}","ts":1700000000,"id":5}}"#),
        &format!(r#"> {{"sessionId":"{A}","since":1700000000,"id":5}}"#),
        &format!(r#"< {{"session":"{A}"}}"#),
    ];
    assert_eq!(Recording::of(&recording).learnt, 0);
    check(&recording, &[&format!(r#"{{"sessionId":"{B}","since":1700000000,"id":5}}"#)], None);
}

#[test]
fn short_values_are_put_back_at_keys_of_their_name_only() {
    check(
        &[r#"> {"id":1,"n":1}"#, r#"< {"id":1,"n":1,"re":{"id":"1"},"ids":[1],"page":1,"text":"1 of 1"}"#, "< 1"],
        &[r#"{"id":"a\"b","n":1}"#],
        Some(&[r#"{"id":"a\"b","n":1,"re":{"id":"a\"b"},"ids":[1],"page":1,"text":"1 of 1"}"#, "1"]),
    );
}

/// A number where a string was is answered as a number, but not where the server makes a string of it.
#[test]
fn values_keep_the_type_that_they_have_today() {
    let recording = [r#"> {"id":"a1","seq":1}"#, r#"< {"id":"a1","seq":1,"of":[{"seq":"1","id":"a1"}]}"#];
    check(&recording, &[r#"{"id":5,"seq":2}"#], Some(&[r#"{"id":5,"seq":2,"of":[{"seq":"2","id":5}]}"#]));
    check(&recording, &[r#"{"id":"b","seq":"c"}"#], Some(&[r#"{"id":"b","seq":"c","of":[{"seq":"c","id":"b"}]}"#]));
}

#[test]
fn long_values_are_put_back_as_whole_words() {
    check(
        &[
            r#"> {"clientId":"k3j9x2ab"}"#,
            r#"> {"say":"I am k3j9x2ab"}"#,
            r#"< {"a":"k3j9x2ab","b":"/k3j9x2ab/x","c":"k3j9x2abc","d":"xk3j9x2ab","e":"\u00e9\"k3j9x2ab\"\n"}"#,
        ],
        &[r#"{"clientId":"\\é1"}"#, r#"{"say":"I am \\é1"}"#],
        Some(&[r#"{"a":"\\é1","b":"/\\é1/x","c":"k3j9x2abc","d":"xk3j9x2ab","e":"\u00e9\"\\é1\"\n"}"#]),
    );
    check(&[r#"> {"clientId":"k3j9x2ab"}"#, "> I am k3j9x2ab"], &[r#"{"clientId":"a"}"#, "I am a"], Some(&[]));
    // Where nothing tells how long the value is, it is the one that was said before.
    check(&[r#"> {"clientId":"k3j9x2ab"}"#, "> I am k3j9x2ab"], &[r#"{"clientId":"other"}"#, "I am k3j9x2ac"], None);
}

#[test]
fn several_values_keep_apart() {
    check(
        &[
            r#"> {"id":1,"m":"a"}"#,
            r#"> {"id":2,"m":"b"}"#,
            r#"< {"id":2,"r":"b"}"#,
            r#"< [{"id":1},{"id":2},{"id":3}]"#,
        ],
        &[r#"{"id":2,"m":"a"}"#, r#"{"id":1,"m":"b"}"#],
        Some(&[r#"{"id":1,"r":"b"}"#, r#"[{"id":2},{"id":1},{"id":3}]"#]),
    );
}

#[test]
fn what_was_recorded_for_later_is_left_for_later() {
    let recording = Recording::of(&[r#"> {"get":"user","id":17}"#, r#"> {"get":"user","id":42}"#]);
    let mut learned = Learned::default();
    let text = |text: &'static str| MessageText::new(text);
    assert!(!recording.messages[0].matches(&text(r#"{"get":"user","id":42}"#), &mut learned));
    assert!(recording.messages[0].matches(&text(r#"{"get":"user","id":43}"#), &mut learned));
    // The first has had its turn.
    assert!(recording.messages[1].matches(&text(r#"{"get":"user","id":17}"#), &mut learned));
}

#[test]
fn a_value_that_is_again_as_recorded_is_forgotten() {
    let recording = Recording::of(&[r#"> {"id":1}"#, r#"> {"again":{"id":1}}"#, r#"< {"id":1}"#]);
    assert_eq!(recording.play(&[r#"{"id":9}"#, r#"{"again":{"id":1}}"#]), Some(vec![r#"{"id":1}"#.to_owned()]));
}

#[test]
fn differences_are_those_that_count() {
    let recording = Recording::of(&[r#"> {"id":1,"type":"order"}"#]);
    let message = MessageText::new(r#"{"id":9,"type":"ordr"}"#);
    let difference = recording.messages[0].difference(&message, &Learned::default()).unwrap();
    assert_eq!(difference.text(), r#"`$.type`: expected "order", found "ordr""#);
}

#[test]
fn structure_too_deep_or_too_large_is_compared_as_text() {
    for text in [format!("{}1{}", "[".repeat(200), "]".repeat(200)), format!(r#"["{}"]"#, "x".repeat(300_000))] {
        let recording = Recording::of(&[&format!("> {text}"), &format!("< {text}")]);
        assert_eq!(recording.play(&[&text]), Some(vec![text.clone()]));
        assert_eq!(recording.play(&[&format!("{text} ")]), None);
    }
}

/// A message with gaps: what stands between them, and which value stands in each.
#[derive(Debug, Clone)]
struct Gapped {
    is_answer: bool,
    form: usize,
    values: Vec<usize>,
}

/// Forms of messages, with `%` for a value that is long wherever it stands.
///
/// Keys of the client are not learnt.
const FORMS: [&str; 6] = [
    r#"{"requestId":"%","do":"add","with":["%",{"x":"a % b\n"}]}"#,
    r#"{ "id" : "%" }"#,
    "SUB % %",
    "%",
    r#"[1,"\u00e9 %",{"k":null}]"#,
    r#"{"deep":{"id":["%"]},"n":1,"text":"(%)"}"#,
];

impl Gapped {
    fn text(&self, values: &[String]) -> String {
        let mut values = self.values.iter().cycle().map(|value| &values[*value]);
        FORMS[self.form].split('%').enumerate().fold(String::new(), |text, (number, part)| match number {
            0 => part.to_owned(),
            _ => text + values.next().map_or("", String::as_str) + part,
        })
    }
}

fn values(seed: &'static str) -> impl Strategy<Value = Vec<String>> {
    let digit = move |index: usize| char::from(seed.as_bytes()[index % seed.len()]);
    prop::collection::vec(any::<[usize; 30]>(), 4).prop_map(move |picks| {
        let uuid = |(number, pick): (usize, [usize; 30])| {
            let digits: String = pick.into_iter().map(digit).collect();
            format!(
                "{number}0{}-{}-{}-{}-{}",
                &digits[..6],
                &digits[6..10],
                &digits[10..14],
                &digits[14..18],
                &digits[18..30]
            )
        };
        picks.into_iter().enumerate().map(uuid).collect()
    })
}

fn sessions() -> impl Strategy<Value = Vec<Gapped>> {
    let message = (any::<bool>(), 0..FORMS.len(), prop::collection::vec(0..4_usize, 1..4))
        .prop_map(|(is_answer, form, values)| Gapped { is_answer, form, values });
    prop::collection::vec(message, 1..12)
}

fn lines(session: &[Gapped], values: &[String]) -> Vec<String> {
    session.iter().map(|it| format!("{} {}", if it.is_answer { "<" } else { ">" }, it.text(values))).collect()
}

proptest! {
    /// Word for word, everything is as it was; with other values, the answers have those wherever the client said them
    /// first.
    #[test]
    fn answers_follow_the_client(session in sessions(), recorded in values("abcdef0123"), today in values("ABCDEF4567")) {
        let before = lines(&session, &recorded);
        let recording = Recording::of(&before.iter().map(String::as_str).collect::<Vec<_>>());
        let of_client = |values: &[String]| -> Vec<String> {
            session.iter().filter(|it| !it.is_answer).map(|it| it.text(values)).collect()
        };
        let said = of_client(&recorded);
        let same: Vec<_> = session.iter().filter(|it| it.is_answer).map(|it| it.text(&recorded)).collect();
        prop_assert_eq!(recording.play(&said.iter().map(String::as_str).collect::<Vec<_>>()), Some(same));

        // A value of the server stays what it was, also when the client repeats it.
        let mut mixed = recorded;
        let mut seen = [false; 4];
        let mut answers = Vec::new();
        for message in &session {
            let gaps = FORMS[message.form].matches('%').count();
            for value in message.values.iter().cycle().take(gaps) {
                if !std::mem::replace(&mut seen[*value], true) && !message.is_answer {
                    mixed[*value] = today[*value].clone();
                }
            }
            // The last word counts in all answers here, which are made when everything was said.
            if message.is_answer {
                answers.push(message.clone());
            }
        }
        let said = of_client(&mixed);
        let expected: Vec<_> = answers.iter().map(|it| it.text(&mixed)).collect();
        prop_assert_eq!(recording.play(&said.iter().map(String::as_str).collect::<Vec<_>>()), Some(expected));
    }

    /// Any texts at all: nothing panics, and what was said is answered as it was.
    #[test]
    fn any_texts_play_as_recorded(texts in prop::collection::vec((any::<bool>(), r#"(\{"|\[|"|:|,|\}|\]|id|\\|\\u00e9|😀|1|1700000000|2024-01-15T10:30| |.){0,12}"#), 0..8)) {
        let lines: Vec<_> = texts.iter().map(|(out, text)| format!("{} {text}", if *out { "<" } else { ">" })).collect();
        let recording = Recording::of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let pick = |wanted: bool| texts.iter().filter(|(out, _)| *out == wanted).map(|(_, text)| text.as_str()).collect::<Vec<_>>();
        let answers = recording.play(&pick(false));
        prop_assert_eq!(answers, Some(pick(true).into_iter().map(str::to_owned).collect()));
    }
}
