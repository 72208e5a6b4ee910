//! Stories as clients get them.

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// By their worlds.
const NARRATIVES: [(&str, &str); 10] = [
    ("stock", "busy stock market"),
    ("chat", "chat"),
    ("sensors", "iot sensors, the freezer fails"),
    ("orders", "an online shop with late deliveries"),
    ("arena", "multiplayer game"),
    ("football", "football match"),
    ("support", "support desk with angry customers"),
    ("news", "news from Oslo"),
    ("presence", "presence of 5 users"),
    ("activity", "elevators"),
];

/// A client, and how far its story is.
struct Client {
    narrator: Box<dyn Narrator>,
    number: u64,
}

impl Client {
    fn of(provider: &EmbeddedProvider, path: &str, number: u64, seed: u64) -> Self {
        Self { narrator: provider.narrator(&StoryFacts::new(path, number, seed)), number: 0 }
    }

    fn request(&mut self, wanted: usize, said: &[&str]) -> Arc<Request> {
        let request = Request {
            wanted,
            said: said.iter().map(|said| (*said).to_owned()).collect(),
            first_sequence: self.number + 1,
            first_time: Timestamp::from_second(1_704_067_200 + i64::try_from(self.number).unwrap()).unwrap(),
            step: Duration::from_secs(1),
            ..Request::default()
        };
        self.number += wanted as u64;
        Arc::new(request)
    }

    fn texts(&mut self, wanted: usize, said: &[&str]) -> Vec<String> {
        let request = self.request(wanted, said);
        let pieces = self.narrator.write(request).collect::<Vec<_>>().now_or_never().unwrap();
        let (last, texts) = pieces.split_last().unwrap();
        assert_eq!(*last, Ok(Piece::Usage { prompt: 0, completion: 0 }));
        let text = |piece: &Result<Piece, ProviderError>| match piece {
            Ok(Piece::Text(text)) => text.clone(),
            other => panic!("{other:?}"),
        };
        texts.iter().map(text).collect()
    }
}

fn texts(narrative: &str, path: &str, number: u64, seed: u64, wanted: usize) -> Vec<String> {
    Client::of(&EmbeddedProvider::new(narrative, None).unwrap(), path, number, seed).texts(wanted, &[])
}

/// G10. The snapshots pin what a seed gives: a change of them is a change for whoever keeps what was written.
#[test]
fn a_seed_gives_the_same_events_on_every_machine() {
    for (name, narrative) in NARRATIVES {
        let events = texts(narrative, "/ws", 0, 42, 20);
        insta::assert_snapshot!(name, events.concat());
        assert_eq!(events, texts(narrative, "/ws", 0, 42, 20));
    }
}

#[test]
fn seed_path_and_number_make_another_story() {
    for (_, narrative) in NARRATIVES {
        let events = texts(narrative, "/ws", 0, 1, 20);
        assert_ne!(events, texts(narrative, "/ws", 0, 2, 20), "{narrative}");
        assert_ne!(events, texts(narrative, "/ws", 1, 1, 20), "{narrative}");
        assert_ne!(events, texts(narrative, "/ws/a", 0, 1, 20), "{narrative}");
    }
}

/// However a story is asked for, it is the same.
#[test]
fn one_by_one_or_all_at_once_is_the_same() {
    for (_, narrative) in NARRATIVES {
        let provider = EmbeddedProvider::new(narrative, None).unwrap();
        let mut client = Client::of(&provider, "/ws", 0, 3);
        let one_by_one: Vec<String> = (0..30).flat_map(|_| client.texts(1, &[])).collect();
        assert_eq!(one_by_one, texts(narrative, "/ws", 0, 3, 30), "{narrative}");
    }
}

#[test]
fn no_event_is_soon_repeated() {
    for (_, narrative) in NARRATIVES {
        for seed in 0..5 {
            let events = texts(narrative, "/ws", 0, seed, 600);
            for window in events.windows(12) {
                assert!(!window[1..].contains(&window[0]), "{narrative}: {}", window[0]);
            }
        }
    }
}

/// An event is made when it is asked for: what nobody polls has not happened.
#[test]
fn events_are_made_when_they_are_polled() {
    let provider = EmbeddedProvider::new("chat", None).unwrap();
    let mut client = Client::of(&provider, "/ws", 0, 5);
    let request = client.request(1_000_000_000, &[]);
    let mut pieces = client.narrator.write(request);
    let first: Vec<_> = (0..3).map(|_| pieces.next().now_or_never().unwrap().unwrap().unwrap()).collect();
    drop(pieces);
    let again = texts("chat", "/ws", 0, 5, 4);
    assert_eq!(first, again[..3].iter().cloned().map(Piece::Text).collect::<Vec<_>>());
    assert_eq!(client.texts(1, &[]), again[3..]);
}

#[test]
fn who_takes_over_goes_on_with_the_people_of_before() {
    let provider = EmbeddedProvider::new("chat", None).unwrap();
    let mut client = Client::of(&provider, "/ws", 0, 5);
    let recent =
        vec![Draft { kind: "message".to_owned(), data: json!({"user": "Zelda", "text": "When is the party?"}) }];
    let mut told = |wanted| {
        let request = Request { wanted, recent: recent.clone(), ..Request::default() };
        let pieces = client.narrator.write(Arc::new(request)).collect::<Vec<_>>().now_or_never().unwrap();
        format!("{pieces:?}")
    };
    assert!(told(4).contains("@Zelda"));
    // It is taken up once, though it stays in the requests for a while.
    assert!(!told(20).contains("@Zelda"));
}

/// What comes back of one's own story is not news.
#[test]
fn own_events_in_a_request_change_nothing() {
    for (_, narrative) in NARRATIVES {
        let provider = EmbeddedProvider::new(narrative, None).unwrap();
        let mut client = Client::of(&provider, "/ws", 0, 6);
        let mut told: Vec<String> = Vec::new();
        for _ in 0..60 {
            let recent = &told[told.len().saturating_sub(8)..];
            let recent = recent.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
            let request = Request { recent, ..Request::clone(&client.request(1, &[])) };
            let pieces = client.narrator.write(Arc::new(request)).collect::<Vec<_>>().now_or_never().unwrap();
            match &pieces[0] {
                Ok(Piece::Text(text)) => told.push(text.clone()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told, texts(narrative, "/ws", 0, 6, 60), "{narrative}");
    }
}

#[test]
fn a_schema_is_written_for_or_refused_with_the_reason() {
    let schema = json!({"type": "object", "required": ["at", "user"], "properties": {
        "at": {"type": "string", "format": "date-time"}, "user": {"type": "string"}}, "additionalProperties": false});
    let provider = EmbeddedProvider::new("chat", Some(&schema)).unwrap();
    let mut client = Client::of(&provider, "/ws", 0, 5);
    client.texts(5, &[]);
    let event: Draft = serde_json::from_str(&client.texts(1, &[])[0]).unwrap();
    assert_eq!(event.data["at"], "2024-01-01T00:00:05Z");
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/nowhere"}}});
    let error = EmbeddedProvider::new("chat", Some(&schema)).unwrap_err().to_string();
    assert_eq!(error, "event_schema: the embedded provider cannot write for it: a: `#/nowhere` leads nowhere");
}

#[test]
fn it_says_what_it_is() {
    let provider = EmbeddedProvider::new("chat", None).unwrap();
    assert_eq!(provider.name(), "embedded (synthetic, no language model), world chat");
    assert!(provider.is_instant() && provider.cache_identity().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whatever the narrative is and the client says, every event is an event, and is short.
    #[test]
    fn nothing_that_is_said_stops_a_story(
        world in 0..NARRATIVES.len(),
        narrative in ".{0,60}",
        said in prop::collection::vec(prop_oneof![
            ".{0,80}",
            r#"\{"(user|text|symbol|order_id|sensor|name|quantity)": ?("[^"\\]{0,20}"|-?[0-9]{1,20})\}"#,
            "(buy|sell|cancel|where is|who|order|goal|crash|overheat) .{0,20}",
        ], 0..12),
        seed: u64,
    ) {
        let provider = EmbeddedProvider::new(&format!("{} {narrative}", NARRATIVES[world].1), None).unwrap();
        let mut client = Client::of(&provider, "/ws", 0, seed);
        for said in said {
            for text in client.texts(4, &[said.as_str()]) {
                let draft: Draft = serde_json::from_str(&text).unwrap();
                prop_assert!(!draft.kind.is_empty() && draft.data.is_object());
                prop_assert!(text.len() < 8 * 1024, "{text}");
            }
        }
    }
}
