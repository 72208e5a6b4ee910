//! `mockforge connect`: a small client for people and shell scripts. Lines in, messages out.
//!
//! On a terminal, messages are printed behind `< `; in a pipe, they are printed as they are. Ctrl-C and Ctrl-D close the
//! connection as the protocol has it; a second Ctrl-C ends the program at once.

use std::future::pending;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::args::Connect;
use crate::reach::{self, NOTHING_LISTENS};

/// How long a server has to answer our Close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// What shells make of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

pub(crate) fn connect(options: Connect) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(run(options))
}

async fn run(options: Connect) -> anyhow::Result<ExitCode> {
    let request = request(&options)?;
    let encrypted = request.uri().scheme_str() == Some("wss");
    let connector =
        if encrypted { Connector::Rustls(Arc::new(options.trust.client_config()?)) } else { Connector::Plain };
    let (stream, response) = match connect_async_tls_with_config(request, None, true, Some(connector)).await {
        Ok(connected) => connected,
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let reason = first_line(&body).map(|line| format!(": {line}")).unwrap_or_default();
            bail!("{} refused the handshake with HTTP {}{reason}", options.url, response.status());
        }
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            bail!("cannot connect to {}: {NOTHING_LISTENS}", options.url);
        }
        Err(error) => {
            let said = error.to_string();
            let why = if encrypted { reach::tls(&said) } else { said };
            bail!("cannot connect to {}: {why}", options.url)
        }
    };
    if io::stdout().is_terminal() {
        let subprotocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|name| name.to_str().ok());
        let subprotocol = subprotocol.map(|name| format!(" ({name})")).unwrap_or_default();
        eprintln!("connected to {}{subprotocol}; Ctrl-D closes", options.url);
    }
    talk(stream, read_lines(), options.wait).await
}

/// The first line of a body that has anything, and no more of it than a message can show.
fn first_line(body: &str) -> Option<String> {
    const LONGEST: usize = 200;
    let line = body.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    })
}

fn request(options: &Connect) -> anyhow::Result<Request> {
    let mut request = options.url.as_str().into_client_request()?;
    let headers = request.headers_mut();
    for (name, value) in &options.header {
        headers.append(name, value.clone());
    }
    if !options.subprotocol.is_empty() {
        let offered = HeaderValue::from_str(&options.subprotocol.join(", ")).context("--subprotocol")?;
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    }
    Ok(request)
}

/// Reads stdin in a thread of its own, which ends with the program: a blocked read cannot be given up.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// How a talk ended.
enum Talk {
    /// The server has closed it.
    Closed,
    /// The user wants to leave.
    Leaving,
}

async fn talk(mut stream: Stream, lines: mpsc::Receiver<String>, wait: Duration) -> anyhow::Result<ExitCode> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let talk = tokio::select! {
        talk = converse(&mut stream, lines, wait) => talk?,
        _ = interrupted.recv() => Talk::Leaving,
    };
    match talk {
        Talk::Closed => Ok(ExitCode::SUCCESS),
        Talk::Leaving => leave(stream, interrupted).await,
    }
}

async fn converse(stream: &mut Stream, mut lines: mpsc::Receiver<String>, wait: Duration) -> anyhow::Result<Talk> {
    let mut input_ended_at: Option<Instant> = None;
    loop {
        let given_up = async {
            match input_ended_at {
                Some(moment) => sleep_until(moment + wait).await,
                None => pending().await,
            }
        };
        tokio::select! {
            line = lines.recv(), if input_ended_at.is_none() => match line {
                Some(line) => stream.send(Message::text(line)).await?,
                // On a terminal, the end of the input is Ctrl-D: the user wants to leave.
                None if io::stdin().is_terminal() => return Ok(Talk::Leaving),
                None => input_ended_at = Some(Instant::now()),
            },
            message = stream.next() => match message {
                Some(Ok(Message::Close(frame))) => {
                    report_close(frame.as_ref());
                    // The answer to the Close frame goes out as the stream is read to its end.
                    while let Some(Ok(_)) = stream.next().await {}
                    return Ok(Talk::Closed);
                }
                Some(Ok(message)) => {
                    print(&message)?;
                    input_ended_at = input_ended_at.map(|_| Instant::now());
                }
                Some(Err(error)) => bail!("the connection failed: {error}"),
                None => return Ok(Talk::Closed),
            },
            () = given_up => return Ok(Talk::Leaving),
        }
    }
}

/// Closes, and waits for the server's answer: not for long, and not when interrupted once more.
async fn leave(stream: Stream, mut interrupted: Signal) -> anyhow::Result<ExitCode> {
    tokio::select! {
        closed = close(stream) => closed.map(|()| ExitCode::SUCCESS),
        () = sleep(CLOSE_PATIENCE) => Ok(ExitCode::SUCCESS),
        _ = interrupted.recv() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

async fn close(mut stream: Stream) -> anyhow::Result<()> {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    stream.close(Some(frame)).await?;
    while let Some(Ok(message)) = stream.next().await {
        print(&message)?;
    }
    Ok(())
}

fn report_close(frame: Option<&CloseFrame>) {
    match frame {
        Some(frame) => eprintln!("closed by the server: {} {}", u16::from(frame.code), frame.reason),
        None => eprintln!("closed by the server"),
    }
}

fn print(message: &Message) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let mark = if stdout.is_terminal() { "< " } else { "" };
    match message {
        Message::Text(text) => writeln!(stdout, "{mark}{text}")?,
        Message::Binary(data) => {
            write!(stdout, "{mark}(binary, {} bytes)", data.len())?;
            for byte in data.iter().take(32) {
                write!(stdout, " {byte:02x}")?;
            }
            writeln!(stdout, "{}", if data.len() > 32 { " ..." } else { "" })?;
        }
        _ => {}
    }
    stdout.flush()
}
