//! Expressions: what they are worth, what is refused, and that nothing breaks them.

use proptest::prelude::*;
use serde_json::{Value, json};
use ws_patterns::{Expression, Facts, Name};

struct Known {
    names: Value,
    message: Value,
}

impl Facts for Known {
    fn value(&self, name: &Name) -> Option<Value> {
        name.rest_in(self.names.get(name.root())?).cloned()
    }

    fn message(&self) -> Option<&Value> {
        Some(&self.message)
    }
}

fn known() -> Known {
    Known {
        names: json!({
            "state": {
                "count": 3, "name": "Ann", "empty": "", "list": [1, {"a b": "deep"}], "0": "zero",
                "big": u64::MAX, "least": i64::MIN, "half": 0.5, "yes": true, "nothing": null,
            },
            "match": {"1": "5", "word": "abc"},
            "lastMessage": "ping",
        }),
        message: json!({"price": 30, "items": [{"n": 1}, {"n": 2}], "type": "order", "x-y": 1}),
    }
}

fn value(text: &str) -> Value {
    Expression::parse(text).unwrap_or_else(|error| panic!("{error}")).evaluate(&known())
}

fn refusal(text: &str) -> String {
    Expression::parse(text).expect_err(text).to_string()
}

#[test]
fn everything_has_its_value() {
    for (text, expected) in [
        ("1", json!(1)),
        (" 2.5e1 ", json!(25.0)),
        ("'it\\'s'", json!("it's")),
        ("\"a\\u00e9\"", json!("a\u{e9}")),
        ("true", json!(true)),
        ("null", json!(null)),
        ("state.name", json!("Ann")),
        ("state['name']", json!("Ann")),
        ("state.list[1][\"a b\"]", json!("deep")),
        ("state.list[-1]['a b']", json!("deep")),
        ("state.list.0", json!(1)),
        ("state[0]", json!("zero")),
        ("state.list[2]", json!(null)),
        ("state.list[-3]", json!(null)),
        ("state.name.more", json!(null)),
        ("unknown.thing", json!(null)),
        ("lastMessage", json!("ping")),
        ("match.1", json!("5")),
        ("$.price", json!(30)),
        ("$['x-y']", json!(1)),
        ("$.items[?@.n > 1].n", json!(2)),
        ("$.items[*].n", json!(1)),
        ("$.missing", json!(null)),
        // Whole numbers stay whole while they fit.
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("10 - 2 - 3", json!(5)),
        ("7 / 2", json!(3.5)),
        ("6 / 2", json!(3)),
        ("7 % 4", json!(3)),
        ("-7 % 4", json!(-3)),
        ("7.5 % 2", json!(1.5)),
        ("- -3", json!(3)),
        ("-state.count", json!(-3)),
        ("state.count-1", json!(2)),
        ("state.big + 1", json!(18_446_744_073_709_551_616.0)),
        ("state.big + 0", json!(u64::MAX)),
        ("-state.least", json!(9_223_372_036_854_775_808_u64)),
        ("state.least - 1", json!(-9_223_372_036_854_775_809.0)),
        ("state.big * state.big", json!(u64::MAX as f64 * u64::MAX as f64)),
        ("state.half + state.half", json!(1.0)),
        // What cannot be computed is null.
        ("1 / 0", json!(null)),
        ("1 % 0", json!(null)),
        ("1.5 / 0", json!(null)),
        ("0.0 / 0", json!(null)),
        ("1e308 * 10", json!(null)),
        ("'a' * 2", json!(null)),
        ("-'a'", json!(null)),
        ("true + 1", json!(null)),
        ("state.list - 1", json!(null)),
        // A text that is a number is one; other texts are not computed with.
        ("match.1 + 1", json!(6)),
        ("'5' + '1'", json!(6)),
        ("'2.5' * 2", json!(5.0)),
        ("-match.1", json!(-5)),
        ("'05' + 1", json!(null)),
        ("' 5' + 1", json!(null)),
        ("'a' + 1", json!(null)),
        ("'a' + 'b'", json!(null)),
        ("'' + 1", json!(null)),
        ("1 + state.list", json!(null)),
        // To add, subtract and multiply, nothing is 0.
        ("state.missing + 1", json!(1)),
        ("1 - state.missing", json!(1)),
        ("state.missing * 2", json!(0)),
        ("null + null", json!(0)),
        ("-null", json!(0)),
        ("null / 2", json!(null)),
        ("2 / null", json!(null)),
        ("null % 2", json!(null)),
        // Comparisons.
        ("$.price > 29.5", json!(true)),
        ("1 == 1.0", json!(true)),
        ("1 != 1.0", json!(false)),
        ("match.1 == 5", json!(true)),
        ("match.1 < 10", json!(true)),
        ("10 > match.1", json!(true)),
        ("match.word == 5", json!(false)),
        ("match.word != 5", json!(true)),
        ("match.word < 5", json!(false)),
        ("match.word >= 5", json!(false)),
        ("'10' < '9'", json!(true)),
        ("'05' == 5", json!(false)),
        ("'' == 0", json!(false)),
        ("state.name == 'Ann'", json!(true)),
        ("'a' <= 'a'", json!(true)),
        ("'a' >= 'b'", json!(false)),
        ("state.big > state.least", json!(true)),
        ("state.missing == null", json!(true)),
        ("state.nothing == state.missing", json!(true)),
        ("null < 1", json!(false)),
        ("null <= null", json!(false)),
        ("null >= 0", json!(false)),
        ("false == 0", json!(false)),
        ("true == state.yes", json!(true)),
        ("true > false", json!(false)),
        ("$.items == $.items", json!(true)),
        ("$.items[0] == $.items[1]", json!(false)),
        // Logic gives the value that decided.
        ("state.missing || 'guest'", json!("guest")),
        ("state.name || 'guest'", json!("Ann")),
        ("state.empty || 0 || null", json!(null)),
        ("state.name && 1", json!(1)),
        ("0 && state.name", json!(0)),
        ("false || true && false", json!(false)),
        ("true || false && false", json!(true)),
        ("!true == false", json!(true)),
        ("!(1 == 2)", json!(true)),
        ("!!state.name", json!(true)),
        ("1 < 2 && 2 < 3", json!(true)),
        ("2 + 1 == 3 && 'x' == \"x\"", json!(true)),
    ] {
        assert_eq!(value(text), expected, "{text}");
        assert_eq!(value(text).to_string(), expected.to_string(), "{text}");
    }
}

#[test]
fn what_holds_is_neither_false_nor_null_nor_zero_nor_empty() {
    for (text, holds) in [
        ("false", false),
        ("null", false),
        ("0", false),
        ("0.0", false),
        ("-0.0", false),
        ("''", false),
        ("true", true),
        ("0.1", true),
        ("'0'", true),
        ("' '", true),
        ("$.items", true),
        ("$", true),
    ] {
        assert_eq!(Expression::parse(text).unwrap().holds(&known()), holds, "{text}");
    }
}

#[test]
fn errors_say_what_was_meant() {
    for (text, character, expected) in [
        ("state.a = 1", 9, "write `==`"),
        ("state.a === 1", 9, "write `==`"),
        ("state.a !== 1", 9, "write `!=`"),
        ("state.a <> 1", 9, "write `!=`"),
        ("state.a =< 1", 9, "write `<=`"),
        ("a & b", 3, "write `&&`"),
        ("a | b", 3, "write `||`"),
        ("a and b", 3, "instead of `and`, write `&&`"),
        ("a OR b", 3, "instead of `OR`, write `||`"),
        ("a eq b", 3, "write `==`"),
        ("a mod b", 3, "write `%`"),
        ("not a", 1, "instead of `not`, write `!`"),
        ("a == None", 6, "write `null`"),
        ("a == True", 6, "write `true`"),
        ("a == open door", 11, "text is quoted: 'door'"),
        ("a ** 2", 3, "no powers"),
        ("a ? b : c", 3, "no `? :`"),
        ("a =~ 'x'", 3, "no regular expressions"),
        ("a == 'x", 6, "the closing ' is missing"),
        ("a == \"x'", 6, "the closing \" is missing"),
        ("a == 'x' 'y'", 10, "expected an operator such as `==` or the end, found `'`"),
        ("a == \u{201c}x\u{201d}", 6, "quotes are straight"),
        ("\u{e9} == 'x\\q'", 8, "unknown escape"),
        ("(a == 1", 1, "the closing `)` is missing"),
        ("a == 1)", 7, "closes nothing"),
        ("()", 2, "expected a value, found `)`"),
        ("a ==", 5, "expected a value, found the end"),
        ("{{state.a}} == 1", 1, "there are no braces around names here: state.a == 1"),
        ("", 1, "an expression is missing"),
        ("  ", 3, "an expression is missing"),
        ("1 < a < 3", 7, "comparisons do not chain"),
        ("a == b != c", 8, "comparisons do not chain"),
        ("len(a) > 1", 1, "no functions such as len()"),
        ("state.a.size()", 1, "no functions such as state.a.size()"),
        ("request.headers.user-agent", 21, "put blanks around `-`"),
        ("state.", 7, "a name must follow the dot"),
        ("state..a", 7, "a name must follow the dot"),
        ("state[a]", 7, "a quoted name or an index"),
        ("state['a'", 6, "the closing `]` is missing"),
        ("state .a", 7, "no blank and no second dot"),
        ("5ms", 1, "`5ms` is not a number"),
        ("01", 1, "`01` is not a number"),
        ("1.", 1, "`1.` is not a number"),
        ("1.2.3", 1, "`1.2.3` is not a number"),
        ("1e999", 1, "or too great"),
        (".5", 1, "a digit before its point"),
        ("+1", 1, "expected a value, found `+`"),
        ("@.a", 1, "the message is `$`"),
        ("a == [1]", 6, "cannot be written"),
        ("a, b", 2, "found `,`"),
        ("\u{e9} == $.a..b..c", 12, "more than 1 descent"),
        ("1 + $.a-b", 7, "has no `-`"),
    ] {
        let error = refusal(text);
        let place = format!("expression `{text}`, character {character}: ");
        assert!(error.starts_with(&place) && error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn offsets_count_bytes() {
    let error = Expression::parse("'\u{e9}' = 1").unwrap_err();
    assert_eq!((error.offset(), error.problem()), (5, "to compare, write `==`"));
}

#[test]
fn what_is_displayed_is_read_again() {
    for (text, expected) in [(" 1 + 2\n", "1 + 2"), ("\t$.\u{2000}", "$.\u{2000}"), ("$.a\u{a0} ", "$.a\u{a0}")] {
        let written = Expression::parse(text).unwrap().to_string();
        assert_eq!(written, expected);
        assert_eq!(Expression::parse(&written).unwrap().as_str(), expected);
    }
}

#[test]
fn names_are_told() {
    let expression = Expression::parse("state.a + $.state['x'] * (match.1 - -state.a) && !'state.b'").unwrap();
    let names: Vec<_> = expression.names().map(ToString::to_string).collect();
    assert_eq!(names, ["state.a", "match.1", "state.a"]);
    assert!(expression.reads_message() && expression.as_name().is_none());
    let name = Expression::parse(" (state['a b'][0]) ").unwrap();
    assert_eq!(name.as_name().map(Name::root), Some("state"));
    assert!(!name.reads_message());
}

#[test]
fn size_is_bounded() {
    assert!(Expression::parse(&"1+".repeat(511).replace("1+", "1 ").trim().replace(' ', "+")).is_ok());
    assert!(refusal(&"\u{e9}".repeat(600)).contains("at most 1024 bytes"));
    for (open, close) in [("(", ")"), ("!", ""), ("-", ""), ("-(", ")"), ("!-", "")] {
        let nested = |n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
        assert!(Expression::parse(&nested(16 / open.len())).is_ok(), "{open}");
        assert!(refusal(&nested(17)).contains("nested at most 16 deep"), "{open}");
        assert!(refusal(&nested(300)).contains("nested at most 16 deep"), "{open}");
    }
}

/// A computation, as a test writes and works it out itself.
#[derive(Debug, Clone)]
enum Sum {
    Whole(i32),
    Half(i16),
    Negative(Box<Sum>),
    Binary(Box<Sum>, char, Box<Sum>),
}

impl Sum {
    /// With all parentheses, or with those only that are needed.
    fn write(&self, sparing: bool) -> String {
        let level = |sum: &Self| match sum {
            Self::Binary(_, '+' | '-', _) => 1,
            Self::Binary(..) => 2,
            _ => 3,
        };
        let side = |sum: &Self, needs: u8| {
            let written = sum.write(sparing);
            if sparing && level(sum) >= needs { written } else { format!("({written})") }
        };
        match self {
            Self::Whole(number) if *number < 0 => format!("-{}", number.unsigned_abs()),
            Self::Whole(number) => number.to_string(),
            Self::Half(number) => format!("{}{:?}", if *number < 0 { "-" } else { "" }, f64::from(*number).abs() / 2.0),
            Self::Negative(sum) => format!("-{}", side(sum, 3)),
            Self::Binary(left, operator, right) => {
                let own = level(self);
                format!("{} {operator} {}", side(left, own), side(right, own + 1))
            }
        }
    }

    /// The sum, if it is a number; all numbers here are so small that floats are exact enough. What is no number, as a
    /// division by zero, counts as nothing where it is added, subtracted or multiplied.
    fn worth(&self) -> Option<f64> {
        let worth = match self {
            Self::Whole(number) => f64::from(*number),
            Self::Half(number) => f64::from(*number) / 2.0,
            Self::Negative(sum) => -sum.worth().unwrap_or_default(),
            Self::Binary(left, operator @ ('/' | '%'), right) => {
                let (left, right) = (left.worth()?, right.worth()?);
                if *operator == '/' { left / right } else { left % right }
            }
            Self::Binary(left, operator, right) => {
                let (left, right) = (left.worth().unwrap_or_default(), right.worth().unwrap_or_default());
                match operator {
                    '+' => left + right,
                    '-' => left - right,
                    _ => left * right,
                }
            }
        };
        worth.is_finite().then_some(worth)
    }
}

fn sums() -> impl Strategy<Value = Sum> {
    let number = prop_oneof![(-100..100).prop_map(Sum::Whole), (-100_i16..100).prop_map(Sum::Half)];
    number.prop_recursive(4, 24, 2, |sum| {
        let operator = prop::sample::select(vec!['+', '-', '*', '/', '%']);
        prop_oneof![
            sum.clone().prop_map(|sum| Sum::Negative(Box::new(sum))),
            (sum.clone(), operator, sum)
                .prop_map(|(left, operator, right)| { Sum::Binary(Box::new(left), operator, Box::new(right)) }),
        ]
    })
}

/// Text that looks like an expression, much more often than chance would have it.
fn expressionlike() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "(",
        ")",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        "=",
        "&&",
        "||",
        "&",
        "1",
        "0",
        "2.5",
        "1e5",
        "9223372036854775807",
        "18446744073709551615",
        "'a'",
        "\"5\"",
        "'",
        "\"",
        "\\",
        "\\u",
        "true",
        "null",
        "state",
        "state.count",
        "state.list",
        "match.1",
        ".",
        "..",
        "[",
        "]",
        "[0]",
        "['a b']",
        "$",
        "$.price",
        "$.items[*].n",
        "$..n",
        "?",
        "@",
        " ",
        " ",
        "\n",
        "\u{e9}",
        "and",
        "{",
        "}",
    ]);
    proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

/// Values of all types, alike and unlike.
fn values() -> impl Strategy<Value = String> {
    let values = [
        "0",
        "1",
        "2.5",
        "-1",
        "1e300 * 1e300",
        "state.big",
        "state.least",
        "state.half",
        "'0'",
        "'1'",
        "'2.5'",
        "'a'",
        "''",
        "match.1",
        "match.word",
        "true",
        "false",
        "null",
        "state.missing",
        "$.items",
        "$.items[0]",
        "state.list",
        "$",
    ];
    prop::sample::select(values.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arithmetic_agrees_with_a_naive_evaluator(sum in sums()) {
        for sparing in [true, false] {
            let text = sum.write(sparing);
            // Sixteen levels are enough for sums without spare parentheses, not always for those with.
            let Ok(expression) = Expression::parse(&text) else {
                prop_assert!(text.len() > 1024 || text.matches(['(', '-']).count() > 16, "{}", text);
                continue;
            };
            match (expression.evaluate(&known()).as_f64(), sum.worth()) {
                (Some(found), Some(expected)) => {
                    // Where a division of floats is not exact, a remainder may jump by its divisor.
                    let is_near = (found - expected).abs() <= expected.abs().max(1.0) * 1e-9;
                    prop_assert!(is_near || text.contains('%'), "{} = {}, not {}", text, found, expected);
                }
                (found, expected) => prop_assert!(found == expected || text.contains('%'), "{}: {:?} {:?}", text, found, expected),
            }
        }
    }

    #[test]
    fn no_text_panics_and_what_is_accepted_is_read_again(text in prop_oneof![any::<String>(), expressionlike()]) {
        match Expression::parse(&text) {
            Ok(expression) => {
                let again: Expression = expression.to_string().parse().unwrap();
                prop_assert_eq!(again.as_str(), expression.as_str());
                prop_assert_eq!(again.evaluate(&known()), expression.evaluate(&known()));
                let holds = Expression::parse(&format!("!!({text})")).map(|both| both.evaluate(&known()));
                if let Ok(holds) = holds {
                    prop_assert_eq!(holds, json!(expression.holds(&known())));
                }
                prop_assert!(expression.names().eq(again.names()));
            }
            Err(error) => prop_assert!(text.is_char_boundary(error.offset()), "{}", error),
        }
    }

    /// `!=` is the contrary of `==`; and of `<`, `==` and `>`, never two hold.
    #[test]
    fn comparisons_exclude_each_other(left in values(), right in values()) {
        let holds = |operator: &str| {
            Expression::parse(&format!("({left}) {operator} ({right})")).unwrap().holds(&known())
        };
        let (less, equal, greater) = (holds("<"), holds("=="), holds(">"));
        prop_assert_ne!(equal, holds("!="));
        prop_assert!(u8::from(less) + u8::from(equal) + u8::from(greater) <= 1);
        prop_assert_eq!(holds("<="), less || (equal && holds(">=")));
        prop_assert_eq!(holds(">="), greater || (equal && holds("<=")));
    }
}
