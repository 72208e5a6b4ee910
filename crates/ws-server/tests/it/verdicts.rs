//! The verdict on each session, as a server tells it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ws_core::CloseFrame;
use ws_replay::{CheckOutcome, SessionVerdict};
use ws_server::{WsConfig, WsServer, WsServerBuilder};

use crate::answering::{answer_with, play_and_answer};
use crate::eventually::eventually;
use crate::playing::play_with;
use crate::raw_client::{Frame, RawClient};
use crate::scrape::all_ended;
use crate::talking::{client_saying, hear, say};

/// The verdicts of a server, in the order in which they were told.
#[derive(Clone, Default)]
struct Verdicts(Arc<Mutex<Vec<SessionVerdict>>>);

impl Verdicts {
    fn builder(&self) -> WsServerBuilder {
        let kept = Arc::clone(&self.0);
        WsServer::builder().on_verdict(move |verdict| kept.lock().unwrap().push(verdict))
    }

    fn all(&self) -> Vec<SessionVerdict> {
        self.0.lock().unwrap().clone()
    }

    /// The only one, when it is there.
    async fn single(&self) -> SessionVerdict {
        eventually("a verdict is told", || !self.all().is_empty()).await;
        let [verdict] = &self.all()[..] else { panic!("{:?}", self.all()) };
        verdict.clone()
    }
}

/// What each check found, in a word.
fn outcomes(verdict: &SessionVerdict) -> Vec<(&str, &str)> {
    let word = |outcome: &CheckOutcome| match outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed(_) => "failed",
        CheckOutcome::NotReached => "not reached",
    };
    verdict.checks().iter().map(|check| (check.description(), word(check.outcome()))).collect()
}

const CHECKED: &str = r#"
{"text":"who are you?"}
{"dir":"in","timeout_ms":10000,"assertions":[
  {"pattern":"$.type:\"hello\"","description":"it says hello"},
  {"pattern":"$.name","expected":"ann","description":"it is Ann"},
  {"pattern":"$.password","expected":false,"description":"no password is sent"},
  {"condition":"$.sum == 2 * $.part","description":"the sum is right"}]}
{"text":"good"}"#;

/// M17: what a client must say is checked; the verdict is told once, and the connection is closed behind the last entry.
#[tokio::test]
async fn assertions_make_the_verdict() {
    let array = format!("[{}]", CHECKED.replace("}\n{\"", "},\n{\"").replace("]}\n", "]},\n"));
    for (said, passed, found) in [
        (r#"{"type":"hello","name":"ann","sum":4,"part":2.0}"#, true, ["passed"; 4]),
        (r#"{"type":"hallo","name":"bob","password":"x","sum":"5","part":2}"#, false, ["failed"; 4]),
        ("no JSON", false, ["failed", "failed", "passed", "failed"]),
    ] {
        let verdicts = Verdicts::default();
        let server = play_with(verdicts.builder(), WsConfig::default(), &array).await;
        let mut client = server.connect("/ws").await.unwrap();
        hear(&mut client, &["who are you?"]).await;
        say(&mut client, said, &["good"]).await;
        let close = client.recv_close().await.unwrap();
        assert_eq!(close, Some(CloseFrame::new(1000, "the script was played to its end").unwrap()));
        let verdict = verdicts.single().await;
        assert!(verdict.is_finished());
        let all = outcomes(&verdict);
        let names = ["it says hello", "it is Ann", "no password is sent", "the sum is right"];
        for (name, expected) in names.into_iter().zip(found) {
            let outcome = all.iter().find(|(description, _)| *description == name).unwrap().1;
            assert_eq!(outcome, expected, "{name} after {said}");
        }
        assert_eq!(verdict.passed(), passed, "{verdict}");
        all_ended(&server).await;
        assert_eq!(verdicts.all().len(), 1);
    }
}

/// M17: a wait that runs out without a step to go to is a failed check, and its text is not sent.
#[tokio::test]
async fn a_wait_that_runs_out_is_a_failed_check() {
    let verdicts = Verdicts::default();
    let script = r#"{"waitFor":"^go$","timeout_ms":100,"text":"unsent"}
                    {"text":"the end"}"#;
    let server = play_with(verdicts.builder(), WsConfig::default(), script).await;
    let mut client = client_saying(&server, &["no"]).await;
    hear(&mut client, &["the end"]).await;
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
    let verdict = verdicts.single().await;
    assert!(verdict.is_finished() && !verdict.passed(), "{verdict}");
    let reason = verdict.checks()[0].outcome().clone();
    assert_eq!(reason, CheckOutcome::Failed("a message came that does not match".into()));
}

/// A session whose client leaves, is lost, or is cut off by a shutdown before the script is at its end has not passed; each gets
/// its verdict once.
#[tokio::test]
async fn a_session_that_ends_early_has_not_passed() {
    let verdicts = Verdicts::default();
    let server = play_with(
        verdicts.builder(),
        WsConfig::default(),
        "{\"text\":\"hello\"}\n{\"waitFor\":\"^never$\",\"text\":\"x\"}",
    )
    .await;
    let mut leaving = server.connect("/ws").await.unwrap();
    hear(&mut leaving, &["hello"]).await;
    leaving.close(1000, "").await.unwrap();
    eventually("the first verdict", || verdicts.all().len() == 1).await;
    let mut lost = RawClient::open(server.address(), "/ws").await;
    assert_eq!(lost.recv().await.unwrap().payload, b"hello");
    lost.send(Frame::text("no")).await;
    lost.reset();
    eventually("the second verdict", || verdicts.all().len() == 2).await;
    let mut staying = server.connect("/ws").await.unwrap();
    hear(&mut staying, &["hello"]).await;
    tokio::join!(server.shutdown(Duration::from_secs(20)), async {
        assert_eq!(staying.recv_close().await.unwrap().unwrap().code, 1001);
    });
    let all = verdicts.all();
    assert_eq!(all.len(), 3);
    for verdict in all {
        assert!(!verdict.is_finished() && !verdict.passed(), "{verdict}");
        assert!(verdict.unfinished_because().unwrap().contains(":2"), "{verdict:?}");
    }
}

/// An incoming entry that waits for the client's close is done by it.
#[tokio::test]
async fn the_close_of_the_client_may_be_the_end() {
    let verdicts = Verdicts::default();
    let script = "{\"text\":\"hello\"}\n{\"dir\":\"in\",\"close\":true}";
    let server = play_with(verdicts.builder(), WsConfig::default(), script).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["hello"]).await;
    client.close(4001, "").await.unwrap();
    let verdict = verdicts.single().await;
    assert!(verdict.passed(), "{verdict}");
}

/// Rules alone have a verdict for each connection, told when it has ended.
#[tokio::test]
async fn rules_have_a_verdict_for_each_connection() {
    let verdicts = Verdicts::default();
    let rules = "
rules:
  - { match: ^login ann$, assert: Ann logs in, response: welcome }
  - { match: ^DROP, fail: SQL is sent, response: no }";
    let server = answer_with(verdicts.builder(), WsConfig::default(), rules).await;
    let mut good = client_saying(&server, &["login ann"]).await;
    let mut bad = client_saying(&server, &["DROP TABLE"]).await;
    hear(&mut good, &["welcome"]).await;
    hear(&mut bad, &["no"]).await;
    assert_eq!(verdicts.all(), []);
    good.close(1000, "").await.unwrap();
    let verdict = verdicts.single().await;
    assert_eq!(outcomes(&verdict), [("Ann logs in", "passed"), ("SQL is sent", "passed")]);
    assert!(verdict.passed());
    bad.close(1000, "").await.unwrap();
    all_ended(&server).await;
    let all = verdicts.all();
    assert_eq!(outcomes(&all[1]), [("Ann logs in", "not reached"), ("SQL is sent", "failed")]);
    assert!(!all[1].passed() && all.len() == 2);
}

/// A script and the rules beside it have one verdict together, with what correlations of the rules find at the end.
#[tokio::test]
async fn a_script_and_its_rules_have_one_verdict() {
    let verdicts = Verdicts::default();
    let rules = "
rules: [{ match: ^help$, assert: help is asked for, response: helping }]
correlations:
  - { name: orders are confirmed, first: { match: '$.offer', direction: out }, then: $.take, key: $.id }";
    let script = r#"{"text":"{\"offer\":1,\"id\":7}"}
                    {"waitFor":"^done$","text":"{\"offer\":2,\"id\":8}"}
                    {"waitFor":"^bye$","text":"bye"}"#;
    let server = play_and_answer(verdicts.builder(), script, rules).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &[r#"{"offer":1,"id":7}"#]).await;
    say(&mut client, "help", &["helping"]).await;
    for (text, answers) in [(r#"{"take":1,"id":7}"#, &[][..]), ("done", &[r#"{"offer":2,"id":8}"#]), ("bye", &["bye"])]
    {
        say(&mut client, text, answers).await;
    }
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
    let verdict = verdicts.single().await;
    assert_eq!(outcomes(&verdict), [("help is asked for", "passed"), ("orders are confirmed", "failed")]);
    assert!(verdict.is_finished() && !verdict.passed());
    let CheckOutcome::Failed(reason) = verdict.checks()[1].outcome() else { unreachable!() };
    assert!(reason.contains('8') && !reason.contains('7'), "{reason}");
}
