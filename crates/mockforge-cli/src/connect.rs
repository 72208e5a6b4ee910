//! `mockforge connect`: a small client for people and shell scripts. Lines in, messages out.
//!
//! On a terminal, messages are printed behind `< `; in a pipe, they are printed as they are.

use std::future::pending;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::args::Connect;

type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

pub(crate) fn connect(options: Connect) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(run(options))
}

async fn run(options: Connect) -> anyhow::Result<ExitCode> {
    let request = request(&options)?;
    let (stream, response) = match connect_async(request).await {
        Ok(connected) => connected,
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            bail!("{} refused the handshake with HTTP {}\n{}", options.url, response.status(), body.trim_end());
        }
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            bail!("cannot connect to {}: nothing listens there", options.url);
        }
        Err(error) => bail!("cannot connect to {}: {error}", options.url),
    };
    if io::stdout().is_terminal() {
        let subprotocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|name| name.to_str().ok());
        let subprotocol = subprotocol.map(|name| format!(" ({name})")).unwrap_or_default();
        eprintln!("connected to {}{subprotocol}; Ctrl-D closes", options.url);
    }
    talk(stream, read_lines(), options.wait).await
}

fn request(options: &Connect) -> anyhow::Result<Request> {
    let url = if options.url.contains("://") { options.url.clone() } else { format!("ws://{}", options.url) };
    if !url.starts_with("ws://") {
        bail!("cannot connect to {url}: addresses begin with ws:// (wss:// is not supported yet)");
    }
    let mut request = url.as_str().into_client_request().with_context(|| format!("{url} is no WebSocket address"))?;
    let headers = request.headers_mut();
    for line in &options.header {
        let (name, value) = line.split_once(':').with_context(|| format!("--header {line}: write NAME: VALUE"))?;
        let name: HeaderName = name.trim().parse().with_context(|| format!("--header {line}"))?;
        headers.append(name, value.trim().parse().with_context(|| format!("--header {line}"))?);
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

async fn talk(mut stream: Stream, mut lines: mpsc::Receiver<String>, wait: Duration) -> anyhow::Result<ExitCode> {
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
                None if io::stdin().is_terminal() => return leave(stream).await,
                None => input_ended_at = Some(Instant::now()),
            },
            message = stream.next() => match message {
                Some(Ok(Message::Close(frame))) => {
                    report_close(frame.as_ref());
                    // The answer to the Close frame goes out as the stream is read to its end.
                    while let Some(Ok(_)) = stream.next().await {}
                    return Ok(ExitCode::SUCCESS);
                }
                Some(Ok(message)) => {
                    print(&message)?;
                    input_ended_at = input_ended_at.map(|_| Instant::now());
                }
                Some(Err(error)) => bail!("the connection failed: {error}"),
                None => return Ok(ExitCode::SUCCESS),
            },
            () = given_up => return leave(stream).await,
        }
    }
}

async fn leave(mut stream: Stream) -> anyhow::Result<ExitCode> {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    stream.close(Some(frame)).await?;
    while let Some(Ok(message)) = stream.next().await {
        print(&message)?;
    }
    Ok(ExitCode::SUCCESS)
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
