//! The rules of the documentation and of the examples: each is right, and does what is said beside it.

use std::sync::Arc;

use ws_core::Message;
use ws_replay::{ReplayOptions, RuleHandler, RuleSet};

use crate::rules::client::{Client, TestRooms, handler};

const RULES: &str = include_str!("../../../../docs/rules.md");
const SURVEY: &str = include_str!("../../../../examples/rules/survey.yaml");
const CHAT: &str = include_str!("../../../../examples/rules/chat.yaml");

/// The blocks of a document that are marked so.
fn blocks<'d>(document: &'d str, mark: &str) -> Vec<&'d str> {
    let start = format!("```{mark}\n");
    let blocks = document.split(&start).skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn file_with<'d>(part: &str) -> &'d str {
    blocks(RULES, "yaml").into_iter().find(|file| file.contains(part)).unwrap()
}

#[test]
fn every_example_is_right_without_a_warning() {
    let (documents, lines) = (blocks(RULES, "yaml"), blocks(RULES, "json"));
    assert_eq!((documents.len(), lines.len()), (6, 1));
    let documents = documents.into_iter().chain([SURVEY, CHAT]).map(|text| (text, "example.yaml"));
    for (text, name) in documents.chain(lines.into_iter().map(|text| (text, "example.jsonl"))) {
        let rules = RuleSet::parse(text, name).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        assert_eq!(rules.warnings(), [], "{text}");
    }
}

/// A conversation as documents write it: `> ` is said, `< ` is answered.
async fn converse(client: &mut Client<'_>, conversation: &str) {
    for line in conversation.lines().filter(|line| !line.is_empty()) {
        match line.split_at(2) {
            ("> ", said) => client.say(said).await,
            ("< ", answer) => assert_eq!(client.hear().await, answer, "{conversation}"),
            _ => panic!("{line}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn examples_do_what_is_said_of_them() {
    let first = handler(blocks(RULES, "yaml")[0]);
    converse(&mut Client::connect(&first).await, blocks(RULES, "text")[0]).await;

    let lines = RuleSet::parse(blocks(RULES, "json")[0], "example.jsonl").unwrap();
    let lines = RuleHandler::new(Arc::new(lines), ReplayOptions::default());
    let said = "> ping\n< pong\n> {\"order\":\"tea\"}\n< order 1: tea\n> {\"order\":\"milk\"}\n< order 2: milk";
    converse(&mut Client::connect(&lines).await, said).await;
}

#[tokio::test(start_paused = true)]
async fn machines_and_answers_do_what_is_said_of_them() {
    let login = handler(file_with("login:"));
    let mut client = Client::connect(&login).await;
    let said = "> balance\n< log in first\n> login ann wrong\n< wrong password\n> login ann secret\n< welcome ann";
    converse(&mut client, said).await;
    assert!(client.ask("balance").await.starts_with("ann has "));
    assert_eq!(client.next().await, (30_000, Message::text("you were away too long")));

    let choices = handler(file_with("^load$"));
    let mut client = Client::connect(&choices).await;
    let loading = r#"{"state":"loading"}"#;
    converse(&mut client, &format!("> load\n< {loading}\n> load\n< {loading}\n< {{\"state\":\"ready\"}}")).await;
    assert_eq!(client.elapsed_ms(), 100);
    let rolled: u32 = client.ask("roll").await.parse().unwrap();
    assert!((1..=6).contains(&rolled));

    let kinds = handler(file_with("equals: 30"));
    let said = "> {\"user\":{\"age\":30}}\n< thirty\n> {\"type\":\"order\",\"lines\":[{\"item\":\"tea\",\"n\":1}]}\n< tea\n> /help\n< there is no help";
    converse(&mut Client::connect(&kinds).await, said).await;
}

#[tokio::test(start_paused = true)]
async fn rooms_and_correlations_do_what_is_said_of_them() {
    let rooms = Arc::<TestRooms>::default();
    let chat = handler(file_with("/join"));
    let mut ann = Client::join(&chat, "/ws", &rooms).await;
    let mut bob = Client::join(&chat, "/ws", &rooms).await;
    converse(&mut ann, "> /join tea\n< somebody came, visit 1").await;
    converse(&mut bob, "> /join tea\n< somebody came, visit 2\n> /say hello\n< hello").await;
    converse(&mut ann, "< somebody came, visit 2\n< hello").await;

    let watched = handler(file_with("guessing"));
    let mut client = Client::connect(&watched).await;
    assert_eq!(client.next().await, (10_000, Message::text("are you still there?")));
    converse(&mut client, "> login a wrong\n> login a wrong\n> login a wrong\n< too many attempts").await;
    assert!(matches!(client.next().await.1, Message::Close(Some(frame)) if frame.code == 1008));
}

/// I02.
#[tokio::test(start_paused = true)]
async fn the_survey_goes_through_its_questions() {
    let survey = handler(SURVEY);
    let mut client = Client::connect(&survey).await;
    let said = r#"
> hello
< Send "start" to begin.
> start
< What is your name?
> Ann
< Hello, Ann. How old are you?
> old
< Please answer with a number, Ann.
> 42
< How do you like it, from 1 to 5?
> result
< From 1 to 5, please.
> 4
< Thank you.
< {"name":"Ann","age":42,"score":4}
> result
< Ann gave 4 of 5
"#;
    converse(&mut client, said).await;
}

#[tokio::test(start_paused = true)]
async fn the_chat_knows_its_rooms() {
    let rooms = Arc::<TestRooms>::default();
    let chat = handler(CHAT);
    let mut ann = Client::join(&chat, "/ws", &rooms).await;
    let mut bob = Client::join(&chat, "/ws", &rooms).await;
    let said = r#"
> hello
< {"error":"Invalid JSON format"}
> {"action":"message","text":"x"}
< {"type":"error","message":"join a room first"}
> {"action":"join","room":"tea","user":"ann"}
< {"type":"joined","room":"tea","messages":0}
< {"type":"presence","user":"ann","joined":1}
> {"action":"message","text":"\"hi\""}
< {"type":"message","number":1,"from":"ann","text":"\"hi\""}
"#;
    converse(&mut ann, said).await;
    let said = r#"
> {"action":"join","room":"tea","user":"bob"}
< {"type":"joined","room":"tea","messages":1}
< {"type":"presence","user":"bob","joined":2}
> {"action":"last"}
< {"type":"last","text":"\"hi\""}
> {"action":"leave"}
< {"type":"left","room":"tea"}
"#;
    converse(&mut bob, said).await;
    assert!(matches!(bob.next().await.1, Message::Close(_)));
    converse(&mut ann, "< {\"type\":\"presence\",\"user\":\"bob\",\"joined\":2}\n< {\"type\":\"presence\",\"user\":\"bob\",\"joined\":1}").await;
}
