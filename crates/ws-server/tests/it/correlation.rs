//! What belongs together across messages: machines and correlations in rules, and scripts that keep an id.

use std::time::{Duration, Instant};

use ws_core::Message;
use ws_server::{WsConfig, WsServer};

use crate::answering::{answer, answer_with};
use crate::playing::play;
use crate::programmed::Programmed;
use crate::talking::{client_saying, hear, say};

/// Z01: a script keeps the id of a request, jumps by what comes, and takes only the confirmation that has this id.
#[tokio::test]
async fn a_script_goes_on_with_the_id_of_its_request() {
    let server = play(
        r#"{"step_id":"request","dir":"in","waitFor":"$.order","set":{"id":"{{$.id}}"},"text":"unsent"}
           {"text":"{\"accepted\":{{state.id}}}"}
           {"step_id":"confirm","dir":"in","waitFor":"$.confirm","branches":[{"condition":"$.confirm == state.id","goto_step":"confirmed"}],"next_step":"other"}
           {"step_id":"other","text":"{{$.confirm}} is not {{state.id}}","next_step":"confirm"}
           {"step_id":"confirmed","text":"confirmed {{state.id}}","next_step":"request"}"#
            .replace(r#","text":"unsent""#, "")
            .as_str(),
    )
    .await;
    let mut one = server.connect("/ws").await.unwrap();
    let mut two = server.connect("/ws").await.unwrap();
    say(&mut one, r#"{"order":"tea","id":7}"#, &[r#"{"accepted":7}"#]).await;
    say(&mut two, r#"{"order":"tea","id":8}"#, &[r#"{"accepted":8}"#]).await;
    for (client, id, other) in [(&mut one, 7, 8), (&mut two, 8, 7)] {
        say(client, &format!(r#"{{"confirm":{other}}}"#), &[&format!("{other} is not {id}")]).await;
        say(client, &format!(r#"{{"confirm":{id}}}"#), &[&format!("confirmed {id}")]).await;
        say(client, r#"{"order":"cake","id":9}"#, &[r#"{"accepted":9}"#]).await;
    }
}

/// Z01: a request that is answered in time is fulfilled; one that is not is violated when its time is over, also if the answer
/// comes later; each by its own id.
#[tokio::test]
async fn requests_are_answered_by_id_and_in_time() {
    let handler = Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            // Answers with the id that it is told, to which request it may belong or not.
            if let ws_core::WsMessage::Text(text) = msg
                && let Some(id) = text.strip_prefix("answer ")
            {
                return ctx.send_text(&format!(r#"{{"answer":true,"id":{id}}}"#)).await;
            }
            Ok(())
        })
    });
    let server = answer_with(
        WsServer::builder().handler(handler),
        WsConfig::default(),
        "
rules:
  - { match: ^score$, response: '{{correlation.duty.fulfilled}} in time, {{correlation.duty.violated}} late' }
correlations:
  - name: duty
    request: $.request
    answer: $.answer
    key: $.id
    within: 400ms
    on_fulfilled: { response: in time }
    on_violated: { response: late }",
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    let answer = |id: u32| format!(r#"{{"answer":true,"id":{id}}}"#);
    let start = Instant::now();
    for id in [1, 2, 3] {
        say(&mut client, &format!(r#"{{"request":true,"id":{id}}}"#), &[]).await;
    }
    say(&mut client, "answer 2", &[&answer(2), "in time"]).await;
    // Nobody asked for it.
    say(&mut client, "answer 4", &[&answer(4)]).await;
    say(&mut client, "score", &["1 in time, 0 late"]).await;
    hear(&mut client, &["late", "late"]).await;
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    say(&mut client, "answer 1", &[&answer(1)]).await;
    say(&mut client, "score", &["1 in time, 2 late"]).await;
}

/// Z01: three wrong logins without a right one in between are too many, for each connection by itself.
#[tokio::test]
async fn so_many_without_another_are_counted() {
    let server = answer(
        "
rules:
  - { match: ^login .* right$, response: welcome }
  - { match: ^login, response: wrong }
correlations:
  - name: guessing
    count: 3
    of: ^login .* wrong$
    without: ^login .* right$
    within: 1m
    on_fulfilled: { response: too many attempts, close: { code: 1008 } }",
    )
    .await;
    let mut other = server.connect("/ws").await.unwrap();
    let mut client = server.connect("/ws").await.unwrap();
    for (said, answer) in
        [("wrong", "wrong"), ("wrong", "wrong"), ("right", "welcome"), ("wrong", "wrong"), ("wrong", "wrong")]
    {
        say(&mut client, &format!("login ann {said}"), &[answer]).await;
        say(&mut other, "login bob right", &["welcome"]).await;
    }
    say(&mut client, "login ann wrong", &["wrong", "too many attempts"]).await;
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1008);
    say(&mut other, "login bob wrong", &["wrong"]).await;
}

/// Z01: what does not come is noticed; what comes puts it off.
#[tokio::test]
async fn absence_is_noticed() {
    let server = answer(
        "
rules: [{ match: ^here$, response: good }]
correlations:
  - name: silence
    absent: { match: ^here$, direction: in }
    within: 250ms
    on_fulfilled: { response: are you still there? }",
    )
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    let start = Instant::now();
    hear(&mut client, &["are you still there?"]).await;
    assert!(start.elapsed() >= Duration::from_millis(200));
    let start = Instant::now();
    say(&mut client, "here", &["good"]).await;
    // Pings and other text are not what is missed.
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    client.send_text("something else").await.unwrap();
    hear(&mut client, &["are you still there?"]).await;
    assert!(start.elapsed() >= Duration::from_millis(250));
}

/// Z01: a machine moves by messages and by time, and rules look at where it is.
#[tokio::test]
async fn a_machine_moves_by_messages_and_time() {
    let server = answer(
        r#"
machines:
  login:
    initial: out
    states:
      out:
        on:
          - { match: "^login (?<user>\\w+) secret$", to: in, set: { user: "{{user}}" }, response: "welcome {{user}}" }
          - { match: ^login, response: wrong password }
      in:
        on: [{ match: ^logout$, to: out, response: bye }, { match: ^stay$, when: "state.user == 'ann'", to: in, response: stay }]
        after: { ms: 200, to: out, response: you were away too long }
rules:
  - { match: ^balance$, when: "machine.login == 'in'", response: "{{state.user}} has 5" }
  - { match: ^balance$, response: log in first }"#,
    )
    .await;
    let mut bob = server.connect("/ws").await.unwrap();
    let mut client = client_saying(&server, &["balance", "login ann", "login ann secret", "balance"]).await;
    hear(&mut client, &["log in first", "wrong password", "welcome ann", "ann has 5"]).await;
    say(&mut bob, "balance", &["log in first"]).await;
    let start = Instant::now();
    say(&mut client, "stay", &["stay", "you were away too long"]).await;
    assert!(start.elapsed() >= Duration::from_millis(200));
    say(&mut client, "balance", &["log in first"]).await;
    say(&mut client, "login ann secret", &["welcome ann"]).await;
    say(&mut client, "logout", &["bye"]).await;
    say(&mut client, "logout", &[]).await;
    // Its timer has gone with the state.
    client.expect_silence(Duration::from_millis(300)).await.unwrap();
}

/// Z01: correlations of one set of rules see what another set answers: those of a script's file and those beside it.
#[tokio::test]
async fn correlations_see_the_answers_of_other_rules() {
    let script = r#"{"match":"^ask$","response":"asked"}"#;
    let rules = "
rules: [{ match: ^score$, response: '{{correlation.asked.fulfilled}}' }]
correlations: [{ name: asked, request: ^ask$, answer: ^asked$ }]";
    let server = crate::answering::play_and_answer(WsServer::builder(), script, rules).await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, "ask", &["asked"]).await;
    say(&mut client, "score", &["1"]).await;
}
