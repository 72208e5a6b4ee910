//! What scripts and rules are made of, embedded: rules, a state machine, a correlation and the verdict on a script, in one
//! server that is built by the facade alone.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mockforge_ws::{
    CheckOutcome, Correlation, CorrelationState, Direction, Event, Expression, HandlerRegistry, HandlerResult,
    MachineState, MessagePattern, MessageText, ReplayHandler, ReplayOptions, ReplayScript, ReportFormat, RuleHandler,
    RuleSet, SessionVerdict, StateMachine, TestClient, TestServer, Transition, WsContext, WsHandler, WsMessage,
    router_with_handlers,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A gate that takes coins and lets people through, and counts who pushes too often in vain.
struct Gate {
    machine: StateMachine<&'static str>,
    pushing: Correlation,
}

/// What one connection has done at the gate.
type AtGate = Arc<Mutex<(MachineState, CorrelationState)>>;

impl Gate {
    fn new() -> Self {
        let enough = Expression::parse("$.coin >= 2").unwrap();
        let coin = || MessagePattern::jsonpath("$.coin");
        let push = || MessagePattern::exact("push");
        let machine = StateMachine::builder("locked")
            .states(["locked", "open"])
            .transition(Transition::new("locked", "open", coin()).when(enough).then("thank you"))
            .transition(Transition::inside("locked", coin()).then("too little"))
            .transition(Transition::new("open", "locked", push()).then("go ahead"))
            .build()
            .unwrap();
        assert!(machine.warnings().is_empty());
        let pushing = Correlation::counted(Event::inbound(push()), 2).without(Event::inbound(coin())).build().unwrap();
        Self { machine, pushing }
    }

    /// What is said to somebody who says `text`.
    fn decide(&self, at_gate: &AtGate, now: Duration, text: &MessageText<'_>) -> Vec<&'static str> {
        let (present, pushes) = &mut *at_gate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers: Vec<_> = self
            .machine
            .on_message(present, now, text, &())
            .map(|transition| *transition.action())
            .into_iter()
            .collect();
        if self.pushing.on_message(pushes, now, Direction::Inbound, text).iter().any(|outcome| outcome.is_fulfilled()) {
            answers.push("stop pushing");
        }
        answers
    }
}

#[async_trait]
impl WsHandler for Gate {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let at_gate: AtGate =
            Arc::new(Mutex::new((self.machine.start(Duration::ZERO), self.pushing.start(Duration::ZERO))));
        ctx.extensions().insert(at_gate);
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let (Some(at_gate), WsMessage::Text(text)) = (ctx.extensions().get::<AtGate>(), msg) else { return Ok(()) };
        let now = ctx.connection().opened_at().elapsed();
        for answer in self.decide(&at_gate, now, &MessageText::new(text)) {
            ctx.send_text(answer).await?;
        }
        Ok(())
    }

    fn handles_path(&self, path: &str) -> bool {
        path == "/ws/gate"
    }
}

/// Rules at /ws/rules, the gate at /ws/gate, a script that is checked at /ws/script.
async fn serve() -> (TestServer, mpsc::Receiver<SessionVerdict>) {
    let rules = RuleSet::parse(
        "
rules:
  - match: { json: { type: order } }
    when: $.count <= 10
    set: { orders: '{{state.orders + 1}}' }
    response: { json: { accepted: '{{$.count}}', orders: '{{state.orders}}' } }
  - match: { json: { type: order } }
    response: '{\"refused\":true}'
",
        "shop.yaml",
    );
    let script = ReplayScript::parse(
        r#"
{"text": "who?"}
{"dir": "in", "assertions": [{"pattern": "^I am [A-Z]", "description": "a name has a capital"}]}
{"text": "hi"}
"#,
        "who.jsonl",
    );
    let (tell, verdicts) = mpsc::channel(4);
    let replay =
        ReplayHandler::new(script.unwrap().into(), ReplayOptions::default()).closing().on_verdict(move |verdict| {
            let _ = tell.try_send(verdict);
        });
    let registry = HandlerRegistry::new();
    registry.register(Gate::new());
    let rules = RuleHandler::new(rules.unwrap().into(), ReplayOptions::default());
    registry.register(rules.on_paths(|path| path == "/ws/rules"));
    registry.register(replay.on_paths(|path| path == "/ws/script"));
    (TestServer::new(router_with_handlers(Arc::new(registry))).await, verdicts)
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

/// I02: rules remember for each connection.
#[tokio::test]
async fn rules_answer_on_their_paths() {
    let (server, _verdicts) = serve().await;
    let mut client = server.connect("/ws/rules").await.unwrap();
    assert_eq!(ask(&mut client, r#"{"type":"order","count":3}"#).await, r#"{"accepted":3,"orders":1}"#);
    assert_eq!(ask(&mut client, r#"{"type":"order","count":30}"#).await, r#"{"refused":true}"#);
    assert_eq!(ask(&mut client, r#"{"type":"order","count":4}"#).await, r#"{"accepted":4,"orders":2}"#);
    let mut other = server.connect("/ws/rules").await.unwrap();
    assert_eq!(ask(&mut other, r#"{"type":"order","count":1}"#).await, r#"{"accepted":1,"orders":1}"#);
}

/// Z01: a machine and a correlation in a handler of one's own; each connection is in a state of its own.
#[tokio::test]
async fn a_handler_has_a_machine_and_a_correlation() {
    let (server, _verdicts) = serve().await;
    let mut ann = server.connect("/ws/gate").await.unwrap();
    let mut bob = server.connect("/ws/gate").await.unwrap();
    assert_eq!(ask(&mut ann, r#"{"coin":1}"#).await, "too little");
    assert_eq!(ask(&mut bob, r#"{"coin":2}"#).await, "thank you");
    ann.send_text("push").await.unwrap();
    assert_eq!(ask(&mut ann, "push").await, "stop pushing");
    assert_eq!(ask(&mut bob, "push").await, "go ahead");
    assert_eq!(ask(&mut ann, r#"{"coin":5}"#).await, "thank you");
    assert_eq!(ask(&mut ann, "push").await, "go ahead");
}

/// M17: the verdict on each session is told to the program that embeds the server.
#[tokio::test]
async fn a_script_has_a_verdict() {
    let (server, mut verdicts) = serve().await;
    for (said, outcome) in [
        ("I am Ann", CheckOutcome::Passed),
        ("I am ann", CheckOutcome::Failed("`^I am [A-Z]` does not match \"I am ann\"".to_owned())),
    ] {
        let mut client = server.connect("/ws/script").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "who?");
        assert_eq!(ask(&mut client, said).await, "hi");
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
        let verdict = timeout(PATIENCE, verdicts.recv()).await.unwrap().unwrap();
        assert_eq!(verdict.passed(), outcome == CheckOutcome::Passed);
        let [check] = verdict.checks() else { panic!("{verdict}") };
        assert_eq!((check.place(), check.outcome()), ("who.jsonl:3", &outcome));
        assert!(verdict.report(ReportFormat::JUnit).contains("a name has a capital"));
    }
}
