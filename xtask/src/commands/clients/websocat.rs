//! The session of websocat, a program that is told by its arguments and tells by what it prints.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Result, bail};

use super::Servers;
use crate::process::Background;

/// How long websocat may take to print something, or to end.
const LIMIT: Duration = Duration::from_secs(20);

/// One run of websocat.
struct Check<'a> {
    what: &'static str,
    url: &'a str,
    arguments: &'static [&'static str],
    stdin: &'static [u8],
    /// stdin stays open until a line with this is printed.
    until: &'static str,
    /// What must have been printed at the end.
    printed: &'static str,
}

/// Runs every check, also after one that fails.
pub(super) fn play(program: &Path, servers: &Servers) -> Result<()> {
    let checks = [
        Check {
            what: "text comes back unchanged",
            url: servers.raw.url(),
            arguments: &[],
            stdin: "grüße\n".as_bytes(),
            until: "grüße",
            printed: "grüße",
        },
        Check {
            what: "binary comes back as binary",
            url: servers.raw.url(),
            arguments: &["--base64", "--binary-prefix", "B:", "--text-prefix", "T:"],
            stdin: b"B:AAH/\n",
            until: "B:AAH/",
            printed: "B:AAH/",
        },
        Check {
            what: "the default answers `echo: <text>`",
            url: servers.interactive.url(),
            arguments: &[],
            stdin: b"hello\n",
            until: "echo: hello",
            printed: "echo: hello",
        },
        Check {
            what: "a ping is answered with its payload",
            url: servers.raw.url(),
            // The time is computed from the payload of the pong.
            arguments: &["--ping-interval", "1", "--print-ping-rtts"],
            stdin: b"",
            until: "RTT 0.",
            printed: "RTT 0.",
        },
        Check {
            what: "the first subprotocol offered is chosen",
            url: servers.raw.url(),
            arguments: &["-v", "--protocol", "chat.v2, chat.v1"],
            stdin: b"hello\n",
            until: "hello",
            printed: "sec-websocket-protocol: chat.v2\n",
        },
        Check {
            what: "the client's close code comes back",
            url: servers.raw.url(),
            arguments: &["-vv", "--close-status-code", "4000", "--close-reason", "enough"],
            stdin: b"hello\n",
            until: "hello",
            printed: "CloseData { status_code: 4000, ",
        },
        Check {
            what: "the server's close code and reason arrive",
            url: servers.closing.url(),
            arguments: &["-vv", "--exit-on-eof"],
            stdin: b"",
            until: "The close message is",
            printed: r#"CloseData { status_code: 4002, reason: "done" }"#,
        },
    ];
    let mut failed = 0;
    for check in &checks {
        match check.run(program) {
            Ok(()) => println!("ok    {}", check.what),
            Err(error) => {
                failed += 1;
                println!("FAIL  {}: {error:#}", check.what);
            }
        }
    }
    println!("websocat: {} passed, {failed} failed\n", checks.len() - failed);
    if failed > 0 {
        bail!("websocat found something wrong");
    }
    Ok(())
}

impl Check<'_> {
    fn run(&self, program: &Path) -> Result<()> {
        let mut command = Command::new(program);
        command.args(self.arguments).arg(self.url).stderr(Stdio::piped());
        let mut websocat = Background::start(&mut command)?;
        websocat.write(self.stdin)?;
        websocat.wait_for_line(self.until, LIMIT)?;
        let (status, printed) = websocat.finish(LIMIT)?;
        if !status.success() {
            bail!("ended with {status} and printed {printed}");
        }
        if !printed.contains(self.printed) {
            bail!("`{}` was not printed but {printed}", self.printed);
        }
        Ok(())
    }
}
