//! Wrong usage: exit code 2, and an error that names what is wrong, flag or variable.

use crate::process::{Serving, run, text};

/// Runs into wrong usage; gives back what is said of it.
#[track_caller]
fn wrong(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(arguments, variables);
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?} {variables:?}: {log}");
    log
}

#[test]
fn wrong_arguments_are_named() {
    for (arguments, expected) in [
        (&["serve", "--heartbeat-interval", "soon"][..], "200ms"),
        (&["serve", "--clock", "noon"], "noon"),
        (&["serve", "--ws-prot", "1"], "--ws-port"),
        (&["serve", "--log", "a=b=c"], "'--log <FILTER>': `c` is no level"),
        (
            &["serve", "--log", "debgu"],
            "`debgu` is no level, those are off, error, warn, info, debug, trace; did you mean `debug`?",
        ),
        (&["serve", "--max-connections", "0"], "'--max-connections <N>': expected 1 or more"),
        (&["serve", "--max-connections", "5k"], "'--max-connections <N>': expected a whole number, 1 or more"),
        (&["serve", "--ws-port", "80a"], "'--ws-port <PORT>': expected a port, 0 to 65535"),
        (&["record", "--upstream", "ws://h/", "--port", "70000"], "'--ws-port <PORT>': expected a port, 0 to 65535"),
        (&["serve", "--seed", "x"], "'--seed <N>': expected a whole number from 0 to 18446744073709551615"),
        (&["serve", "--max-message-size", "0"], "expected 1 or more"),
        (&["serve", "--host", "no such host"], "'--host <HOST>': expected an IP address or a name"),
        (&["serve", "x.jsonl"], "mockforge serve --ws-replay-file x.jsonl"),
        (&["serve", "--raw-echo", "--ws-replay-file", "x.jsonl"], "--raw-echo cannot be used with --ws-replay-file"),
        (&["serve", "--raw-echo", "--rules", "x.yaml"], "--raw-echo cannot be used with --rules"),
        (&["serve", "--speed", "0"], "'--speed <FACTOR>'"),
        (&["serve", "--raw-echo", "--ai", "x"], "--raw-echo cannot be used with --ai"),
        (
            &["serve", "--ai", "x", "--rate", "0"],
            "'--rate <R>': expected a number of events a second, above 0 and at most",
        ),
        (&["serve", "--ai", "x", "--rate", "-1"], "'--rate <R>': expected a number of events a second"),
        (&["serve", "--ai", "x", "--rate", "nan"], "'--rate <R>': expected a number of events a second"),
        (&["serve", "--ai", "x", "--rate", "inf"], "'--rate <R>': expected a number of events a second"),
        (&["serve", "--ai", "x", "--rate", "1e9"], "'--rate <R>': expected a number of events a second"),
        (&["serve", "--ai", "x", "--events", "-1"], "'--events <N>': expected a whole number, 0 or more"),
        (&["serve", "--ai", "x", "--ai-provider", "opnai"], "'openai'"),
        (&["serve", "--ai", "x", "--ai-on-failure", "retry"], "report, replace"),
        (&["serve", "--ai", "x", "--ai-max-calls", "0"], "'--ai-max-calls <N>'"),
        (&["serve", "--ai", "x", "--ai-schema", "a", "--ai-example", "b"], "--ai-example"),
        (&["generate", "--narrative", "x", "--out", "x", "--events", "0"], "expected a whole number, 1 or more"),
        (&["generate", "--narrative", "x", "--out", "x", "--rate", "NaN"], "'--rate <R>': expected a number of events"),
        (&["generate", "--narrative", "x", "--out", "x", "--augment", "a.jsonl"], "--at <NAME>"),
        (&["generate", "--narrative", "x", "--out", "x", "--at", "a"], "--augment <FILE>"),
        (&["generate", "--narrative", "x"], "--out <FILE>"),
        (&["serve", "--watch", "--exit-on-complete"], "--watch cannot be used with --exit-on-complete: "),
        (&["serve", "--watch=perhaps"], "'--watch[=<BOOL>]'"),
        (&["serve", "--watch", "false"], "tip: write: --watch=false\n"),
        (&["serve", "--port", "0", "--raw-echo", "no"], "tip: write: --raw-echo=no\n"),
        (&["serve", "--watch", "x.jsonl"], "mockforge serve --ws-replay-file x.jsonl"),
        (&["init", "a", "b"], "unexpected argument 'b'"),
        (&["serve", "--report", "x.xml"], "--exit-on-complete"),
        (&["serve", "--complete-within", "5s"], "--exit-on-complete"),
        (&["serve", "--exit-on-complete", "--report", "x.pdf"], "expected a name that ends in .txt, .json or .xml"),
        (&["check", "--graph", "a.jsonl", "b.jsonl"], "--graph draws one file, not several"),
        (&["connect", "-H", "foo"], "write NAME: VALUE"),
        (&["load"], "<URL>..."),
        (&["load", "http://127.0.0.1:1/"], "begin with ws:// or wss://, such as ws://127.0.0.1:1/\n"),
        (&["load", "1", "--rate", "0"], "expected a number in a second of more than 0, such as 1000 or 0.5"),
        (&["load", "1", "--rate", "5", "--think", "1s"], "--think"),
        (&["load", "1", "--in-flight", "5", "--think", "1s"], "--think"),
        (&["load", "1", "--stage", "500"], "expected DURATION:CONNECTIONS such as 10s:500, not `500`"),
        (&["load", "1", "--stage", "1s:5", "-d", "5s"], "--duration"),
        (&["load", "1", "--arrivals", "5"], "--keep"),
        (&["load", "1", "--keep", "often"], "expected a number of messages such as 100, or a time such as 30s"),
        (&["load", "1", "--broadcast"], "--rate"),
        (&["load", "1", "--fail-if", "p99>50"], "`p99` is compared with a time such as 50ms, not `50`"),
        (&["load", "1", "--fail-if", "speed>50"], "`speed` is no metric: expected one of p50"),
        (&["load", "1", "--check", "equal"], "expected same, contains:TEXT, json:PATH or json:PATH=VALUE"),
        (&["load", "1", "--answers", "ids"], "expected none, order, id, or json:"),
        (&["load", "1", "--size", "8", "--answers", "id"], "an id that the messages do not have"),
        (&["load", "1", "--size", "8", "--message", "x"], "--message"),
        (&["load", "1", "--html", "-"], "only --json can be `-`"),
        (&["load", "1", "--rate", "5", "--broadcast", "--check", "same"], "cannot check for the same"),
        (&["load", "1", "--message", "hi", "--answers", "json:id"], "neither an id nor their number"),
        (&["load", "1", "-n", "0"], "--messages <N>"),
        (&["load", "1", "--replay", "x", "--rate", "5"], "'--replay <FILE>' cannot be used with '--rate <PER_SECOND>'"),
        (&["load", "1", "--replay", "x", "--keep", "5"], "'--replay <FILE>' cannot be used with '--keep"),
        (&["load", "1", "--replay", "x", "--size", "5"], "'--replay <FILE>' cannot be used with '--size"),
        (&["load", "1", "--speed", "5"], "--replay <FILE>"),
        (&["load", "1", "--replay", "x", "--speed", "0"], "expected a number above 0"),
        (&["load", "1", "-d", "0s"], "'0s' for '--duration <DURATION>': expected a duration of more than 0"),
        (&["load", "1", "--timeout", "0s"], "'--timeout <DURATION>': expected a duration of more than 0"),
        (&["connect", "-H", "f o: bar"], "`f o` is no name of a header"),
        (&["connect", "--subprotocol", "a b"], "'--subprotocol <NAME>'"),
        (&["connect", "http://127.0.0.1:1/"], "begin with ws://"),
    ] {
        let log = wrong(arguments, &[]);
        assert!(log.contains(expected), "{arguments:?}: {log}");
    }
    // Other commands have no scripts to play.
    assert!(!wrong(&["connect", "3001", "x.jsonl"], &[]).contains("--ws-replay-file"));
}

#[test]
fn wrong_variables_are_named_and_not_their_flags() {
    for (variable, value, flag) in [
        ("MOCKFORGE_WS_HOST", "no such host", "--host"),
        ("MOCKFORGE_WS_PORT", "many", "--ws-port"),
        ("MOCKFORGE_WS_SEED", "-1", "--seed"),
        ("MOCKFORGE_WS_CLOCK", "noon", "--clock"),
        ("MOCKFORGE_WS_RAW_ECHO", "maybe", "--raw-echo"),
        ("MOCKFORGE_WS_MAX_CONNECTIONS", "0", "--max-connections"),
        ("MOCKFORGE_WS_MAX_MESSAGE_SIZE", "0", "--max-message-size"),
        ("MOCKFORGE_WS_HEARTBEAT_INTERVAL", "soon", "--heartbeat-interval"),
        ("MOCKFORGE_WS_LOG", "debgu", "--log"),
        ("MOCKFORGE_WS_SPEED", "fast", "--speed"),
        ("MOCKFORGE_WS_HOTRELOAD", "maybe", "--watch"),
        ("MOCKFORGE_WS_NO_ADMIN", "maybe", "--no-admin"),
        ("MOCKFORGE_WS_EVENTS", "many", "--events"),
        ("MOCKFORGE_WS_RATE", "0", "--rate"),
        ("MOCKFORGE_WS_AI_PROVIDER", "opnai", "--ai-provider"),
        ("MOCKFORGE_WS_AI_MAX_TOKENS", "0", "--ai-max-tokens"),
        ("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", "maybe", "--no-template-expand"),
    ] {
        let log = wrong(&["serve"], &[(variable, value)]);
        assert!(log.contains(&format!("invalid value '{value}' for '{variable}'")), "{log}");
        assert!(!log.contains(flag), "{log}");
    }
    // The flag is to blame when both are wrong: it would have won.
    let log = wrong(&["serve", "--ws-port", "few"], &[("MOCKFORGE_WS_PORT", "many")]);
    assert!(log.contains("invalid value 'few' for '--ws-port <PORT>'"), "{log}");
    // What cannot go together cannot either when it comes from variables; a variable that says no is no conflict.
    let script = ["serve", "--ws-replay-file", "/nonexistent/x.jsonl"];
    assert!(wrong(&script, &[("MOCKFORGE_WS_RAW_ECHO", "on")]).contains("--raw-echo cannot be used"));
    assert_eq!(run(&script, &[("MOCKFORGE_WS_RAW_ECHO", "off")]).status.code(), Some(1));
}

#[test]
fn an_empty_variable_is_not_set() {
    let variables = [
        ("MOCKFORGE_WS_HOST", ""),
        ("MOCKFORGE_WS_REPLAY_FILE", ""),
        ("MOCKFORGE_WS_SEED", ""),
        ("MOCKFORGE_WS_CLOCK", ""),
        ("MOCKFORGE_WS_RAW_ECHO", ""),
        ("MOCKFORGE_WS_HANDLERS", ""),
        ("MOCKFORGE_WS_HOTRELOAD", ""),
        ("MOCKFORGE_WS_NO_ADMIN", ""),
        ("MOCKFORGE_WS_ADMIN_TOKEN", ""),
        ("MOCKFORGE_WS_RULES", ""),
        ("MOCKFORGE_WS_SPEED", ""),
        ("MOCKFORGE_WS_AI", ""),
        ("MOCKFORGE_WS_EVENTS", ""),
        ("MOCKFORGE_WS_RATE", ""),
        ("MOCKFORGE_WS_AI_PROVIDER", ""),
        ("MOCKFORGE_WS_AI_SCHEMA", ""),
        ("MOCKFORGE_WS_AI_RAW", ""),
        ("MOCKFORGE_WS_EXIT_ON_COMPLETE", ""),
        ("MOCKFORGE_WS_REPORT", ""),
        ("MOCKFORGE_WS_COMPLETE_WITHIN", ""),
        ("MOCKFORGE_WS_MAX_CONNECTIONS", ""),
        ("MOCKFORGE_WS_MAX_MESSAGE_SIZE", ""),
        ("MOCKFORGE_WS_HEARTBEAT_INTERVAL", ""),
        ("MOCKFORGE_WS_LOG", ""),
        ("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", ""),
    ];
    let (code, log) = Serving::start(&["--ws-port", "0"], &variables).terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("WARN"), "{log}");
    // The port's own: whether 3001 is free or taken, its emptiness is no error.
    let output = run(&["serve", "--host", "192.0.2.1"], &[("MOCKFORGE_WS_PORT", "")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("192.0.2.1:3001"), "{}", text(&output.stderr));
}

/// A flag stands below the heading that it belongs to.
#[test]
fn help_has_the_log_among_the_options_of_the_server() {
    let help = text(&run(&["serve", "--help"], &[]).stdout);
    let (options, _) = help.split_once("Admin API and inspector:").expect("a heading");
    assert!(options.contains("--log <FILTER>") && options.contains("--log-format <FORMAT>"), "{help}");
}

#[test]
fn help_names_every_variable() {
    let help = text(&run(&["serve", "--help"], &[]).stdout);
    for name in [
        "HOST",
        "PORT",
        "REPLAY_FILE",
        "HANDLERS",
        "HOTRELOAD",
        "NO_ADMIN",
        "RULES",
        "SPEED",
        "AI",
        "EVENTS",
        "RATE",
        "AI_PROVIDER",
        "AI_MODEL",
        "AI_BASE_URL",
        "AI_SCHEMA",
        "AI_EXAMPLE",
        "AI_CACHE",
        "AI_ON_FAILURE",
        "AI_MAX_CALLS",
        "AI_MAX_TOKENS",
        "AI_RAW",
        "EXIT_ON_COMPLETE",
        "REPORT",
        "COMPLETE_WITHIN",
        "SEED",
        "CLOCK",
        "RAW_ECHO",
        "MAX_CONNECTIONS",
        "HEARTBEAT_INTERVAL",
        "LOG",
    ] {
        assert!(help.contains(&format!("[env: MOCKFORGE_WS_{name}=")), "{name}: {help}");
    }
    assert!(help.contains("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND=0"), "{help}");
    assert!(help.contains("--port") && help.contains("SIGHUP"), "{help}");
}
