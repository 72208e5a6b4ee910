//! What scripts write goes into the log.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

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
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        text.lines().filter(|line| line.contains(&format!("file=\"{file}\""))).map(str::to_owned).collect()
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

#[tokio::test]
async fn a_flood_of_lines_is_cut() {
    let log = log();
    let source = "export function onMessage(ctx, msg) {
    for (let n = 0; n < 1500; n++) console.log('line');
    ctx.send('done');
}";
    let limits =
        ws_script::ScriptLimits { time: std::time::Duration::from_secs(10), ..ws_script::ScriptLimits::default() };
    let scripts = Scripts::limited(limits, &[("flood-of-lines.js", source)]);
    let started = std::time::Instant::now();
    scripts.client("flood-of-lines.js").ask("x").await;
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 1;
    let lines = log.lines_of("flood-of-lines.js").len();
    assert!((1000..=1000 * seconds + seconds).contains(&lines), "{lines} lines in {seconds} s");
}
