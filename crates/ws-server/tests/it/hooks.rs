//! What outbound hooks and middleware make of messages on their way.

use std::sync::Arc;

use ws_core::{Connection, Message, Middleware, Origin, Verdict, WsMessage, handler_fn, inbound_filter};
use ws_server::WsServer;

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape;
use crate::serving::{serve, serve_handler};

/// What a hook makes of a text, so that the order of hooks is visible: most get its tag, some fare otherwise.
fn tagged(tag: &str, message: &Message) -> Verdict {
    match message.as_text() {
        None => Verdict::Pass,
        Some("pass") => Verdict::Pass,
        Some("drop") => Verdict::Drop,
        Some("none") => Verdict::Several(vec![]),
        Some("several") => {
            Verdict::Several(vec![Message::text("several"), Message::text("more"), Message::binary("x")])
        }
        Some(text) => Verdict::Replace(Message::text(format!("{text} {tag}"))),
    }
}

/// Reads what comes until the marker, which every hook passes.
async fn until_pass(client: &mut ws_testing::TestClient) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        match client.recv().await.unwrap().unwrap() {
            Message::Text(text) if text == "pass" => return texts,
            Message::Text(text) => texts.push(text.to_string()),
            other => texts.push(format!("{other:?}")),
        }
    }
}

/// A hook passes, replaces, drops or makes several of a message; each hook sees what the one before
/// made of it, and none sees its own output again.
#[tokio::test]
async fn hooks_pass_replace_drop_and_multiply_in_order() {
    let hook = |tag: &'static str| Programmed::new().on_outbound(move |_, message, _| tagged(tag, message));
    let server =
        serve(WsServer::builder().handler(hook("A").answering("")).handler(hook("B")).handler(hook("C"))).await;
    let mut client = server.connect("/ws").await.unwrap();
    let binary = format!("{:?}", Message::binary("x"));
    let cases = [
        ("hi", vec!["hi A B C"]),
        ("drop", vec![]),
        ("none", vec![]),
        (
            "several",
            // "several" multiplies at each hook; "more" gets the tags of the hooks that come after the one that made
            // it.
            vec!["several", "more", &binary, "more C", &binary, "more B C", &binary],
        ),
    ];
    for (text, expected) in cases {
        client.send_text(text).await.unwrap();
        client.send_text("pass").await.unwrap();
        assert_eq!(until_pass(&mut client).await, expected, "{text}");
    }
    // What was dropped was not sent: 1 + 0 + 0 + 7 messages and 4 markers.
    assert_eq!(scrape::value(&server, "mockforge_ws_messages_sent_total"), 12.0);
}

/// What hooks make of one of many broadcasts stands in its place, also where all are fed to the socket at once.
#[tokio::test]
async fn hooks_change_some_of_many_broadcasts() {
    let hook = |_: &Arc<Connection>, message: &Message, _| match message.as_text() {
        Some("1" | "30") => Verdict::Several(vec![Message::text("a"), Message::text("b")]),
        Some("3" | "31") => Verdict::Drop,
        Some("4") => Verdict::Replace(Message::text("four")),
        _ => Verdict::Pass,
    };
    let room = Programmed::new()
        .on_connect(|ctx| Box::pin(ctx.join_room("lobby")))
        .on_message(|ctx, _| {
            Box::pin(async move {
                for n in 0..100 {
                    ctx.broadcast_to_room("lobby", &n.to_string()).await?;
                }
                ctx.broadcast_to_room("lobby", "pass").await
            })
        })
        .on_outbound(hook);
    let server = serve_handler(room).await;
    let mut client = server.connect("/ws").await.unwrap();
    let made = |n: u32| match n {
        1 | 30 => vec!["a".to_owned(), "b".to_owned()],
        3 | 31 => vec![],
        4 => vec!["four".to_owned()],
        n => vec![n.to_string()],
    };
    for _ in 0..3 {
        client.send_text("go").await.unwrap();
        assert_eq!(until_pass(&mut client).await, (0..100).flat_map(made).collect::<Vec<_>>());
    }
}

/// A hook learns who wrote a message, and on which connection; it is not asked about Close frames.
#[tokio::test]
async fn hooks_see_the_origin() {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new()
        .on_message(|ctx, _| {
            Box::pin(async move {
                ctx.join_room("lobby").await?;
                ctx.send_text("mine").await?;
                ctx.broadcast_to_room("lobby", "ours").await?;
                ctx.sender().with_origin(Origin::Admin).send_text("theirs").await?;
                ctx.send(WsMessage::Ping(vec![1])).await?;
                ctx.close(1000, "").await
            })
        })
        .on_outbound(move |connection, message, origin| {
            let what = message.as_text().unwrap_or("a control frame");
            noting.note(format!("{}: {what} by {origin:?}", connection.path()));
            Verdict::Pass
        });
    let server = serve_handler(handler).await;
    let mut client = server.connect("/ws/origins").await.unwrap();
    client.send_text("go").await.unwrap();
    for expected in ["mine", "ours", "theirs"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
    assert_eq!(client.recv().await.unwrap(), Some(Message::Ping(vec![1].into())));
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
    let expected = [
        "/ws/origins: mine by Handler",
        "/ws/origins: ours by Room",
        "/ws/origins: theirs by Admin",
        "/ws/origins: a control frame by Handler",
    ];
    assert_eq!(journal.events(), expected);
}

/// A hook belongs to the paths of its handler, also for what a room sends.
#[tokio::test]
async fn hooks_belong_to_the_paths_of_their_handler() {
    let everywhere = Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "join" => {
                    ctx.join_room("all").await?;
                    ctx.send_text("joined").await
                }
                WsMessage::Text(text) => ctx.broadcast_to_room("all", &text).await,
                _ => Ok(()),
            }
        })
    });
    let shouting = Programmed::at("/ws/loud").on_outbound(|_, message, _| match message.as_text() {
        Some(text) => Verdict::Replace(Message::text(text.to_uppercase())),
        None => Verdict::Pass,
    });
    let server = serve(WsServer::builder().handler(everywhere).handler(shouting)).await;
    let mut quiet = server.connect("/ws/quiet").await.unwrap();
    let mut loud = server.connect("/ws/loud").await.unwrap();
    for (client, expected) in [(&mut quiet, "joined"), (&mut loud, "JOINED")] {
        client.send_text("join").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
    quiet.send_text("hi").await.unwrap();
    assert_eq!(quiet.recv_text().await.unwrap(), "hi");
    assert_eq!(loud.recv_text().await.unwrap(), "HI");
}

/// Tags what passes both ways.
struct Tagging(&'static str);

impl Middleware for Tagging {
    fn on_inbound(&self, _: &Arc<Connection>, message: &Message) -> Verdict {
        tagged(&format!("in-{}", self.0), message)
    }

    fn on_outbound(&self, _: &Arc<Connection>, message: &Message, _: Origin) -> Verdict {
        tagged(&format!("out-{}", self.0), message)
    }
}

/// F01: middleware acts on both ways in the order in which it was added, before the handlers inbound, and outbound
/// after their hooks.
#[tokio::test]
async fn middleware_acts_on_both_ways_in_order() {
    let handler = Programmed::new().answering("got: ").on_outbound(|_, message, _| tagged("hook", message));
    let builder = WsServer::builder().middleware(Tagging("1")).middleware(Tagging("2")).handler(handler);
    let server = serve(builder).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "got: x in-1 in-2 hook out-1 out-2");
}

/// F05: what middleware drops no handler sees; what it makes of one message, they see as several.
#[tokio::test]
async fn middleware_filters_and_multiplies_before_handlers() {
    struct Spam;

    impl Middleware for Spam {
        fn on_inbound(&self, _: &Arc<Connection>, message: &Message) -> Verdict {
            match message.as_text() {
                Some("spam") => Verdict::Drop,
                Some("lines") => Verdict::Several(vec![Message::text("one"), Message::text("two")]),
                _ => Verdict::Pass,
            }
        }
    }

    let journal = Journal::default();
    let noting = journal.clone();
    let handler = handler_fn(move |ctx, msg| {
        noting.note(format!("{msg:?}"));
        Box::pin(async move { ctx.send_text("seen").await })
    });
    let server = serve(WsServer::builder().middleware(Spam).handler(handler)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["spam", "lines", "spam", "ham"] {
        client.send_text(text).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(client.recv_text().await.unwrap(), "seen");
    }
    assert_eq!(journal.events(), [r#"Text("one")"#, r#"Text("two")"#, r#"Text("ham")"#]);
    // What the client sent counts as received, whatever became of it.
    assert_eq!(scrape::value(&server, "mockforge_ws_messages_received_total"), 4.0);
}

/// F05: a filter is a closure; it stands in its place among the other middleware, and is asked about each message once.
#[tokio::test]
async fn a_filter_keeps_messages_from_the_handlers() {
    let asked = Journal::default();
    let noting = asked.clone();
    let no_spam = inbound_filter(move |connection, message| {
        let text = message.as_text().unwrap_or_default();
        noting.note(format!("{} {text}", connection.path()));
        !text.contains("spam")
    });
    let builder = WsServer::builder().middleware(Tagging("1")).middleware(no_spam).middleware(Tagging("2"));
    let server = serve(builder.handler(Programmed::new().answering(""))).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["spam", "ham"] {
        client.send_text(text).await.unwrap();
    }
    assert_eq!(client.recv_text().await.unwrap(), "ham in-1 in-2 out-1 out-2");
    assert_eq!(asked.events(), ["/ws spam in-1", "/ws ham in-1"]);
}
