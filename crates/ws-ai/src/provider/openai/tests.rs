//! The client over real sockets: model servers on loopback that answer in every way.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::provider::api_key::ApiKey;
use crate::{Piece, ProviderErrorKind};

const KEY: &str = "sk-proj-0123456789abcdef";
/// A generous ceiling for what takes no time.
const LONG: Duration = Duration::from_secs(30);

fn endpoint(base_url: &str) -> ModelEndpoint {
    ModelEndpoint {
        provider: "openai-compatible",
        base_url: base_url.to_owned(),
        model: "m".to_owned(),
        key: ApiKey::new(KEY),
        temperature: None,
        seed: None,
        events_per_call: 5,
    }
}

fn request() -> Arc<Request> {
    Arc::new(Request { narrative: "x".into(), wanted: 2, first_sequence: 1, ..Request::default() })
}

/// What came, until the end or a failure.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    text: String,
    pieces: usize,
    usage: Option<(u64, u64)>,
    failure: Option<ProviderError>,
}

impl Outcome {
    fn kind(&self) -> Option<ProviderErrorKind> {
        self.failure.as_ref().map(|failure| failure.kind)
    }

    fn words(&self) -> &str {
        self.failure.as_ref().map_or("", |failure| &failure.message)
    }
}

async fn outcome(mut pieces: Pieces) -> Outcome {
    let mut outcome = Outcome::default();
    let all = async {
        while let Some(piece) = pieces.next().await {
            assert_eq!(outcome.failure, None, "nothing follows a failure");
            match piece {
                Ok(Piece::Text(text)) => {
                    outcome.text.push_str(&text);
                    outcome.pieces += 1;
                }
                Ok(Piece::Usage { prompt, completion }) => outcome.usage = Some((prompt, completion)),
                Err(failure) => outcome.failure = Some(failure),
            }
        }
    };
    tokio::time::timeout(LONG, all).await.unwrap();
    outcome
}

async fn ask(base_url: &str, call_timeout: Duration) -> Outcome {
    let provider = OpenAiProvider::new(endpoint(base_url), call_timeout).unwrap();
    let mut narrator = provider.narrator(&StoryFacts::new("/ws", 0, 0));
    outcome(narrator.write(request())).await
}

/// Asks a server that answers all the same.
async fn answered(response: ResponseTemplate) -> Outcome {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(response).mount(&server).await;
    ask(&format!("{}/v1", server.uri()), LONG).await
}

fn events(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "text/event-stream; charset=utf-8")
}

fn delta(text: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

fn whole(text: &str) -> String {
    format!("{}data: [DONE]\n\n", delta(text))
}

/// A server of one connection that reads the request and then does what it is told.
async fn scripted<F>(script: impl FnOnce(TcpStream) -> F + Send + 'static) -> (String, tokio::task::JoinHandle<()>)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split_once("content-length: ").unwrap().1.split("\r\n").next().unwrap().parse().unwrap();
        socket.read_exact(&mut vec![0; length]).await.unwrap();
        script(socket).await;
    });
    (base_url, serving)
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn text_comes_in_order_and_then_what_it_cost() {
    let body = [
        ": ping\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
        "event: message\nid: 7\ndata:{\"choices\":[{\"delta\":{\"content\":\"{\\\"ev\"}}]}\r\n\r\n",
        &delta("ents\":[\"\u{1f600}"),
        &delta("\"]}"),
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34},\"timings\":{}}\n\n",
        "data: [DONE]\n\n",
    ];
    let expected =
        Outcome { text: "{\"events\":[\"\u{1f600}\"]}".to_owned(), pieces: 3, usage: Some((12, 34)), failure: None };
    assert_eq!(answered(events(body.concat())).await, expected);
}

#[tokio::test]
async fn bytes_may_be_split_anywhere() {
    let body = format!("{}{}data: [DONE]\n\n", delta("\u{e4}\u{1f600}"), delta("\r\n\u{2028}x"));
    for size in [1, 2, 3, 7, 64] {
        let body = body.clone();
        let (base_url, serving) = scripted(async move |mut socket: TcpStream| {
            socket.set_nodelay(true).unwrap();
            socket.write_all(HEAD).await.unwrap();
            for piece in body.as_bytes().chunks(size) {
                socket.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
        .await;
        let outcome = ask(&base_url, LONG).await;
        assert_eq!((&*outcome.text, outcome.failure), ("\u{e4}\u{1f600}\r\n\u{2028}x", None));
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn the_first_text_is_there_before_the_last() {
    let (told, wait) = tokio::sync::oneshot::channel::<()>();
    let (base_url, serving) = scripted(async move |mut socket: TcpStream| {
        socket.write_all(&[HEAD, delta("first").as_bytes()].concat()).await.unwrap();
        wait.await.unwrap();
        socket.write_all(whole("last").as_bytes()).await.unwrap();
    })
    .await;
    let provider = OpenAiProvider::new(endpoint(&base_url), LONG).unwrap();
    let mut pieces = provider.narrator(&StoryFacts::new("/ws", 0, 0)).write(request());
    let first = tokio::time::timeout(LONG, pieces.next()).await.unwrap();
    assert_eq!(first, Some(Ok(Piece::Text("first".to_owned()))));
    told.send(()).unwrap();
    assert_eq!(outcome(pieces).await.text, "last");
    serving.await.unwrap();
}

/// G05: the server sees that nobody listens any more, though it has nothing to send.
#[tokio::test]
async fn whoever_drops_the_stream_ends_the_call() {
    let (base_url, serving) = scripted(async |mut socket: TcpStream| {
        socket.write_all(&[HEAD, delta("first").as_bytes()].concat()).await.unwrap();
        let _ = tokio::time::timeout(LONG, socket.read(&mut [0; 16])).await.unwrap();
    })
    .await;
    let provider = OpenAiProvider::new(endpoint(&base_url), LONG).unwrap();
    let mut pieces = provider.narrator(&StoryFacts::new("/ws", 0, 0)).write(request());
    assert!(matches!(pieces.next().await, Some(Ok(Piece::Text(_)))));
    drop(pieces);
    serving.await.unwrap();
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_from_then_on() {
    let server = MockServer::start().await;
    let refuse_formats = |asked: &wiremock::Request| {
        let asked: Value = asked.body_json().unwrap();
        match asked.get("response_format") {
            Some(_) => ResponseTemplate::new(400)
                .set_body_json(json!({"error": {"message": "'response_format.type' must be 'text'"}})),
            None => events(whole("ok")),
        }
    };
    Mock::given(method("POST")).respond_with(refuse_formats).mount(&server).await;
    let provider = OpenAiProvider::new(endpoint(&server.uri()), LONG).unwrap();
    for _ in 0..2 {
        let mut narrator = provider.narrator(&StoryFacts::new("/ws", 0, 0));
        let outcome = outcome(narrator.write(request())).await;
        assert_eq!((&*outcome.text, outcome.failure), ("ok", None));
    }
    let asked = server.received_requests().await.unwrap();
    let formats = asked.iter().map(|asked| asked.body_json::<Value>().unwrap().get("response_format").is_some());
    assert_eq!(formats.collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test]
async fn a_refusal_that_stays_is_not_remembered() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(400)).up_to_n_times(2).mount(&server).await;
    Mock::given(method("POST")).respond_with(events(whole("ok"))).mount(&server).await;
    let provider = OpenAiProvider::new(endpoint(&server.uri()), LONG).unwrap();
    let mut narrator = provider.narrator(&StoryFacts::new("/ws", 0, 0));
    assert_eq!(outcome(narrator.write(request())).await.kind(), Some(ProviderErrorKind::Status(400)));
    assert_eq!(outcome(narrator.write(request())).await.text, "ok");
    let asked = server.received_requests().await.unwrap();
    let formats = asked.iter().map(|asked| asked.body_json::<Value>().unwrap().get("response_format").is_some());
    assert_eq!(formats.collect::<Vec<_>>(), [true, false, true]);
}

/// What async-openai's own configuration would add of the environment is not there, nor an empty key.
#[tokio::test]
async fn a_request_has_no_headers_but_ours() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(events(whole("ok"))).mount(&server).await;
    for key in [Some(KEY), None] {
        let endpoint = ModelEndpoint { key: key.and_then(ApiKey::new), ..endpoint(&server.uri()) };
        let provider = OpenAiProvider::new(endpoint, LONG).unwrap();
        assert_eq!(outcome(provider.narrator(&StoryFacts::new("", 0, 0)).write(request())).await.text, "ok");
    }
    let asked = server.received_requests().await.unwrap();
    let names = |at: usize| {
        let mut names: Vec<_> = asked[at].headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    let ours = ["accept", "authorization", "content-length", "content-type", "host", "user-agent"];
    assert_eq!(names(0), ours);
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(names(1), ours.into_iter().filter(|name| *name != "authorization").collect::<Vec<_>>());
}

#[tokio::test]
async fn statuses_are_told_with_how_long_to_wait() {
    let quoted =
        json!({"error": {"message": format!("Incorrect API key provided: {KEY}."), "code": "invalid_api_key"}});
    let refused = answered(ResponseTemplate::new(401).set_body_json(quoted)).await;
    assert_eq!(refused.kind(), Some(ProviderErrorKind::Status(401)));
    assert!(!refused.words().contains("sk-"), "{}", refused.words());

    let busy = |after: &str| ResponseTemplate::new(429).insert_header("retry-after", after);
    let seconds = answered(busy("7")).await.failure.unwrap();
    assert_eq!((seconds.kind, seconds.retry_after), (ProviderErrorKind::Status(429), Some(Duration::from_secs(7))));
    let date = answered(busy("Fri, 31 Dec 2100 23:59:59 GMT")).await.failure.unwrap();
    assert!(date.retry_after.unwrap() > Duration::from_secs(1_000_000), "{date:?}");

    let broken = answered(ResponseTemplate::new(500).set_body_string("boom")).await;
    assert_eq!(broken.words(), "the provider answered 500 Internal Server Error: boom");
    let endless = answered(ResponseTemplate::new(503).set_body_string("x".repeat(3 << 20))).await;
    assert!(endless.words().len() < 400 && endless.kind() == Some(ProviderErrorKind::Status(503)));
}

#[tokio::test]
async fn nobody_is_followed() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 307, 308] {
        let led = answered(ResponseTemplate::new(status).insert_header("location", elsewhere.uri())).await;
        assert_eq!(led.kind(), Some(ProviderErrorKind::Status(status)));
        assert!(!led.failure.unwrap().is_transient());
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told_after_what_it_had() {
    // The connection ends within a chunk, after whole events, and in the middle of a line.
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    let one = delta("one");
    let scripts = [
        format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n40\r\ndata: {{", one.len()),
        format!("{head}connection: close\r\n\r\n{one}"),
        format!("{head}connection: close\r\n\r\n{one}data: {{\"choices\""),
    ];
    for script in scripts {
        let (base_url, serving) =
            scripted(async move |mut socket: TcpStream| socket.write_all(script.as_bytes()).await.unwrap()).await;
        let outcome = ask(&base_url, LONG).await;
        assert_eq!((&*outcome.text, outcome.kind()), ("one", Some(ProviderErrorKind::Cut)), "{}", outcome.words());
        serving.await.unwrap();
    }
    // A server that ends without [DONE], but says that it ends, has ended.
    let last = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}";
    assert_eq!(answered(events(format!("{one}{last}"))).await.failure, None);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_as_such() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outcome = ask(&format!("http://{free}/v1"), LONG).await;
    assert_eq!(outcome.kind(), Some(ProviderErrorKind::Connect));
    assert!(outcome.words().starts_with("the provider cannot be reached: "), "{}", outcome.words());
}

#[tokio::test]
async fn patience_has_an_end_before_within_and_around_an_answer() {
    let idle = Duration::from_millis(100);
    let (base_url, serving) = scripted(async |mut socket: TcpStream| {
        let _ = socket.read(&mut [0; 16]).await;
    })
    .await;
    assert_eq!(ask(&base_url, idle).await.kind(), Some(ProviderErrorKind::Timeout));
    serving.await.unwrap();

    let (base_url, serving) = scripted(async |mut socket: TcpStream| {
        socket.write_all(&[HEAD, delta("one").as_bytes()].concat()).await.unwrap();
        let _ = socket.read(&mut [0; 16]).await;
    })
    .await;
    let outcome = ask(&base_url, idle).await;
    assert_eq!((&*outcome.text, outcome.kind()), ("one", Some(ProviderErrorKind::Timeout)));
    serving.await.unwrap();

    // Never idle, and never done: ten times as long, and no longer.
    let (base_url, serving) = scripted(async |mut socket: TcpStream| {
        let _ = socket.write_all(HEAD).await;
        while socket.write_all(b": wait\n\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let started = Instant::now();
    let outcome = ask(&base_url, idle).await;
    assert_eq!(outcome.words(), "the provider's answer took longer than 1s");
    assert!(started.elapsed() >= Duration::from_secs(1));
    serving.await.unwrap();
}

/// How slowly events are sent on is no fault of the server.
#[tokio::test]
async fn a_reader_that_takes_its_time_does_not_time_out() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(events([delta("a"), whole("b")].concat())).mount(&server).await;
    let provider = OpenAiProvider::new(endpoint(&server.uri()), Duration::from_millis(100)).unwrap();
    let mut pieces = provider.narrator(&StoryFacts::new("", 0, 0)).write(request());
    assert!(matches!(pieces.next().await, Some(Ok(_))));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let rest = outcome(pieces).await;
    assert_eq!((&*rest.text, rest.failure), ("b", None));
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_such() {
    let page = answered(ResponseTemplate::new(200).set_body_raw("<h1>Login</h1>", "text/html")).await;
    assert_eq!(page.kind(), Some(ProviderErrorKind::Malformed));
    assert!(page.words().ends_with("but text/html: <h1>Login</h1>"), "{}", page.words());
    for nonsense in
        ["", "hello\nworld\n", "\n\n\n", "data:\n\n", ": only comments\n\n", "data: nonsense\n\n", "data: \u{0}\n\n"]
    {
        let outcome = answered(events(nonsense)).await;
        assert_eq!((&*outcome.text, outcome.kind()), ("", Some(ProviderErrorKind::Malformed)), "{nonsense:?}");
    }
    let bytes = ResponseTemplate::new(200).set_body_raw(&b"data: \"\xff\"\n\n"[..], "text/event-stream");
    assert_eq!(answered(bytes).await.kind(), Some(ProviderErrorKind::Malformed));
    let deep = format!("data: {}\n\n", "[".repeat(100_000));
    assert_eq!(answered(events(deep)).await.kind(), Some(ProviderErrorKind::Malformed));
}

#[tokio::test]
async fn servers_that_do_not_stream_are_understood() {
    let answer = json!({
        "choices": [{"index": 0, "message": {"content": "all\nof it"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    });
    let pretty = serde_json::to_string_pretty(&answer).unwrap();
    let outcome = answered(ResponseTemplate::new(200).set_body_raw(pretty, "application/json")).await;
    assert_eq!((&*outcome.text, outcome.usage, outcome.failure), ("all\nof it", Some((1, 2)), None));
    let error = ResponseTemplate::new(200).set_body_json(json!({"error": "no such model"}));
    assert!(answered(error).await.words().ends_with(": no such model"));
    let cut = ResponseTemplate::new(200).set_body_raw("{\"choices\"", "application/json");
    assert_eq!(answered(cut).await.kind(), Some(ProviderErrorKind::Malformed));
}

#[tokio::test]
async fn an_error_in_the_middle_of_an_answer_ends_it() {
    let error = json!({"error": {"message": format!("overloaded {KEY}"), "code": 503}});
    let outcome = answered(events(format!("{}data: {error}\n\n{}", delta("one"), whole("two")))).await;
    assert_eq!((&*outcome.text, outcome.kind()), ("one", Some(ProviderErrorKind::Status(503))));
    assert_eq!(outcome.words(), "the provider broke off its answer: overloaded ***");
    let refuses = "data: {\"choices\":[{\"delta\":{\"refusal\":\"I cannot do that\"},\"finish_reason\":\"stop\"}]}\n\n";
    let refused = answered(events(refuses)).await;
    assert_eq!(refused.words(), "the model refuses: I cannot do that");
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let many = answered(events(": \n".repeat(4 << 20))).await;
    assert_eq!(many.words(), "the provider's answer does not end");
    let one = answered(events(format!("data: {}", "x".repeat(9 << 20)))).await;
    assert_eq!(one.words(), "the provider's answer does not end");
    let text = answered(events(delta(&"x".repeat(300_000)).repeat(4))).await;
    assert_eq!((text.text.len(), text.kind()), (900_000, Some(ProviderErrorKind::Malformed)));
}

/// G10: not even in what other crates log.
#[tokio::test]
async fn the_key_is_in_no_log() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // This runtime has one thread: also the tasks of others log here.
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("the log is read");
    let says = [
        events(format!("data: not JSON {KEY}\n\n")),
        events(format!("data: {{\"choices\": \"{KEY}\"}}\n\ndata: [DONE]\n\n")),
        events(whole(KEY)),
        ResponseTemplate::new(200).set_body_raw(KEY, "text/html"),
        ResponseTemplate::new(200).set_body_raw(KEY, "application/json"),
        ResponseTemplate::new(400).set_body_string(KEY),
        ResponseTemplate::new(401).set_body_string(KEY),
        ResponseTemplate::new(500).set_body_string(KEY),
    ];
    for response in says {
        // The server logs what it gets: it is to be silent, which its own thread is.
        let outcome = answered(response).await;
        assert!(!format!("{outcome:?}").contains(KEY), "{outcome:?}");
    }
    let bytes = log.0.lock().unwrap().clone();
    let log = String::from_utf8_lossy(&bytes);
    assert!(log.contains("the log is read"));
    let line = log.lines().find(|line| line.contains(KEY) || line.contains("0123456789abcdef"));
    assert_eq!(line, None);
}

#[test]
fn it_says_who_writes_and_where_without_the_key() {
    let seeded = ModelEndpoint { temperature: Some(0.7), seed: Some(9), ..endpoint("http://127.0.0.1:1/v1") };
    let provider = OpenAiProvider::new(seeded, LONG).unwrap();
    assert_eq!(provider.name(), "openai-compatible m at http://127.0.0.1:1/v1");
    assert_eq!(provider.cache_identity().unwrap(), "m at http://127.0.0.1:1/v1, temperature 0.7, seed 9");
    assert_eq!((provider.events_per_call(), provider.is_instant()), (5, false));
}
