//! A language model for tests: the API of OpenAI over a plain socket, whose every answer is programmed, and which notes what it
//! was asked.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use ws_ai::{AiLimits, ReplayAugmentationConfig, WebSocketAiConfig};

/// What every answer costs, as the model says.
pub(crate) const TOKENS: (u64, u64) = (100, 20);

/// A step of an answer.
#[derive(Clone)]
pub(crate) enum Step {
    /// Refuses with a status, a header line and a text.
    Refuse(u16, &'static str, String),
    /// Writes this text.
    Say(String),
    /// Writes no more before the test adds a permit.
    Wait(Arc<Semaphore>),
    /// Says nothing for as long as it is listened to.
    Hang,
    /// Breaks off.
    Cut,
}

/// A text as a whole answer.
pub(crate) fn say(text: impl Into<String>) -> Vec<Step> {
    vec![Step::Say(text.into())]
}

/// A refusal.
pub(crate) fn refuse(status: u16) -> Vec<Step> {
    vec![Step::Refuse(status, "", "no".to_owned())]
}

/// An event of the type `sale`.
pub(crate) fn sale(n: usize) -> String {
    json!({ "type": "sale", "data": { "n": n } }).to_string()
}

/// Something that the model was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

impl Asked {
    /// What is wanted, in words.
    pub(crate) fn wish(&self) -> &str {
        let messages = self.body["messages"].as_array().unwrap();
        messages.last().unwrap()["content"].as_str().unwrap()
    }

    /// How many events are wanted.
    fn wanted(&self) -> usize {
        let (_, rest) = self.wish().split_once("Write exactly ").unwrap();
        rest.split_once(' ').unwrap().0.parse().unwrap()
    }

    /// As many events as are wanted, numbered from `first`.
    pub(crate) fn sales_from(&self, first: usize) -> Vec<Step> {
        let sales: Vec<_> = (first..first + self.wanted()).map(sale).collect();
        say(format!("{{\"events\":[{}]}}", sales.join(",")))
    }
}

type Program = dyn Fn(usize, &Asked) -> Vec<Step> + Send + Sync;

/// The model. It is gone when this is dropped.
pub(crate) struct Model {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct Seen {
    asked: Vec<Asked>,
    left: usize,
}

impl Model {
    /// Answers the n-th question, from 0, by the program.
    pub(crate) async fn start(program: impl Fn(usize, &Asked) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, program): (Arc<Mutex<Seen>>, Arc<Program>) = (Arc::default(), Arc::new(program));
        let all = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, program) = (Arc::clone(&all), Arc::clone(&program));
                // A client that breaks off is nothing that the model would report.
                conversations.spawn(async move { converse(stream, &seen, &*program).await.ok() });
            }
        });
        Self { address, seen, serving: serving.abort_handle() }
    }

    /// Writes as many sales as are wanted, all different.
    pub(crate) async fn good() -> Self {
        Self::start(|call, asked| asked.sales_from(100 * call)).await
    }

    /// Two events to a call, as fast as can be, in as many calls as are repeated once.
    pub(crate) fn config(&self, event_count: usize) -> WebSocketAiConfig {
        let replay = ReplayAugmentationConfig {
            provider: "openai-compatible".to_owned(),
            model: "tiny".to_owned(),
            base_url: Some(format!("http://{}/v1", self.address)),
            events_per_call: 2,
            ..ReplayAugmentationConfig::default()
        };
        WebSocketAiConfig {
            narrative: "a small shop".to_owned(),
            event_count,
            events_per_second: 1_000.0,
            replay: Some(replay),
            limits: AiLimits { retries: 1, ..AiLimits::default() },
            ..WebSocketAiConfig::default()
        }
    }

    /// All that it was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    /// How many hung up while it was about to write on.
    pub(crate) fn left(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).left
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn converse(stream: TcpStream, seen: &Mutex<Seen>, program: &Program) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    let asked = read(&mut stream).await?;
    let call = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.asked.push(asked.clone());
        seen.asked.len() - 1
    };
    let mut steps = program(call, &asked).into_iter().peekable();
    if let Some(Step::Refuse(status, header, text)) = steps.peek() {
        let head =
            format!("HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: {}\r\n{header}\r\n", text.len());
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(text.as_bytes()).await?;
        return stream.flush().await;
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n").await?;
    stream.flush().await?;
    for step in steps {
        match step {
            Step::Say(text) => write(&mut stream, &json!({ "choices": [{ "delta": { "content": text } }] })).await?,
            Step::Wait(gate) => tokio::select! {
                permit = gate.acquire() => permit.unwrap().forget(),
                _ = stream.read_u8() => {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).left += 1;
                    return Ok(());
                }
            },
            Step::Hang => return stream.read_u8().await.map(drop),
            Step::Cut | Step::Refuse(..) => return Ok(()),
        }
    }
    write(&mut stream, &json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] })).await?;
    let usage = json!({ "prompt_tokens": TOKENS.0, "completion_tokens": TOKENS.1 });
    write(&mut stream, &json!({ "choices": [], "usage": usage })).await?;
    stream.write_all(b"data: [DONE]\n\n").await?;
    stream.flush().await
}

async fn read(stream: &mut BufStream<TcpStream>) -> io::Result<Asked> {
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Asked { at: Instant::now(), authorization, body: serde_json::from_slice(&body)? })
}

async fn write(stream: &mut BufStream<TcpStream>, chunk: &Value) -> io::Result<()> {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write!(text, "data: {chunk}\n\n");
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}
