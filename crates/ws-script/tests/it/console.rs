//! What scripts write goes into the log.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::kit::Scripts;

/// Everything that was logged in this process: scripts log from threads of their own.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    })
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines_of(&self, file: &str) -> Vec<String> {
        self.lines_with(&format!("file=\"{file}\""))
    }

    fn lines_with(&self, part: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        text.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_console_writes_values_with_file_and_connection() {
    let log = log();
    let source = "console.warn('top', 1);
export function onMessage(ctx, msg) {
    const circle = { a: [1, 'x', new Map([[1, { b: null }]])], f() {}, u: undefined };
    circle.self = circle;
    console.log('value:', circle, 5n, true);
    console.error(new TypeError('no'));
    console.debug('not at this level');
    ctx.send('done');
}";
    let scripts = Scripts::load(&[("logging.js", source)]);
    let mut client = scripts.client("logging.js");
    client.ask("x").await;
    let lines = log.lines_of("logging.js");
    let connection = format!("connection=\"{}\"", client.ctx.connection_id);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].contains("WARN script: top 1") && !lines[0].contains("connection"), "{}", lines[0]);
    let shown = "INFO script: value: {a: [1, \"x\", Map {1 => {b: null}}], f: [function f], u: undefined, self: [circular]} 5n true";
    assert!(lines[1].contains(shown) && lines[1].contains(&connection), "{}", lines[1]);
    // An error comes with its stack, so its fields stand behind that.
    assert!(lines[2].contains("at onMessage (logging.js:6:") && lines[2].contains(&connection), "{}", lines[2]);
}

/// A limit that nobody's call is told of: the log knows the place, and the client the reason.
#[tokio::test]
async fn a_limit_in_a_timer_is_logged_with_its_place() {
    let log = log();
    let source = "export function onMessage(ctx, msg) {
    if (msg.text === 'memory') setTimeout(() => { const all = []; for (;;) all.push('x'.repeat(1e6) + all.length) });
    else setTimeout(() => {
        for (;;) {}
    });
}";
    let scripts = Scripts::load(&[("beyond.js", source)]);
    for (text, place, why) in [
        ("time", "beyond.js:3:", "ran longer than 100ms"),
        ("memory", "beyond.js:2:", "used more than 64MiB of memory"),
    ] {
        let mut client = scripts.client("beyond.js");
        client.say(text).await.unwrap();
        let frame = client.close_frame().await;
        assert_eq!((frame.code, &*frame.reason), (1011, &*format!("beyond.js: {why}")));
        // The client may hear of it first.
        let connection = format!("connection=\"{}\"", client.ctx.connection_id);
        let patience = Instant::now() + Duration::from_secs(30);
        let lines = loop {
            let lines = log.lines_with(&connection);
            if !lines.is_empty() || Instant::now() > patience {
                break lines;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(line.contains(&format!("ERROR script: {place}")) && line.contains(why), "{line}");
    }
}

#[tokio::test]
async fn what_ends_with_an_old_version_is_told() {
    let log = log();
    let source = |n: usize| {
        format!(
            "export async function onMessage(ctx, msg) {{
    if (msg.text === 'wait') {{ setTimeout(() => {{}}, 1e6); setInterval(() => {{}}, 1e6); }}
    ctx.send('{n}');
}}"
        )
    };
    let scripts = Scripts::load(&[("retiring.js", &source(0))]);
    let mut waiting = scripts.client("retiring.js");
    waiting.ask("wait").await;
    let mut others = Vec::new();
    for n in 1..=4 {
        assert!(log.lines_with("retiring.js: ").is_empty());
        scripts.change(&[("retiring.js", &source(n))]).unwrap();
        // When it answers, it has taken over. Each has something to do, so none is forgotten.
        let mut other = scripts.client("retiring.js");
        assert_eq!(other.ask("wait").await, n.to_string());
        others.push(other);
    }
    let lines = log.lines_with("retiring.js: ");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.contains("WARN") && line.contains("2 timers and awaits of an old version have ended"), "{line}");
}

#[tokio::test]
async fn a_state_that_cannot_be_shared_is_told_once() {
    let log = log();
    let source = "export function onMessage(ctx, msg) {
    if (msg.text === 'bad') state.self = state;
    ctx.send('done');
}";
    let scripts = Scripts::load(&[("unshared.js", source)]);
    let mut old = scripts.client("unshared.js");
    scripts.change(&[("unshared.js", &format!("{source} // new"))]).unwrap();
    for text in ["x", "bad", "x", "x"] {
        old.ask(text).await;
    }
    // When it answers, what came before is over.
    scripts.client("unshared.js").ask("x").await;
    let lines = log.lines_with("unshared.js");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let said = "TypeError: circular reference: what an old version changes in `state` is lost meanwhile";
    assert!(line.contains("WARN script: ") && line.contains(said), "{line}");
}

#[tokio::test]
async fn a_flood_of_lines_is_cut() {
    let log = log();
    let source = "export function onMessage(ctx, msg) {
    for (let n = 0; n < 1500; n++) console.log('line');
    ctx.send('done');
}";
    let limits = ws_script::ScriptLimits { time: Duration::from_secs(10), ..ws_script::ScriptLimits::default() };
    let scripts = Scripts::limited(limits, &[("flood-of-lines.js", source)]);
    let started = Instant::now();
    scripts.client("flood-of-lines.js").ask("x").await;
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 1;
    let lines = log.lines_of("flood-of-lines.js").len();
    assert!((1000..=1000 * seconds + seconds).contains(&lines), "{lines} lines in {seconds} s");
}
