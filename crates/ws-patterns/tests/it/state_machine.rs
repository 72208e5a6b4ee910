//! State machines: exact cases, and any machine against a naive interpreter that shares nothing with it.

use std::collections::HashMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use ws_patterns::{
    Expression, Facts, MachineState, MessagePattern, MessageText, Name, StateMachine, StateMachineProblem,
    StateMachineWarning, Timer, Transition,
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn exact(text: &str) -> MessagePattern {
    MessagePattern::exact(text)
}

fn expression(text: &str) -> Expression {
    Expression::parse(text).unwrap()
}

/// Knows the name `level`, and a message that machines must not look at.
struct Level(u64);

impl Facts for Level {
    fn value(&self, name: &Name) -> Option<Value> {
        (name.root() == "level").then(|| self.0.into())
    }

    fn message(&self) -> Option<&Value> {
        None
    }
}

/// The actions that a message has, and the state afterwards.
fn hear<'m, A>(machine: &'m StateMachine<A>, present: &mut MachineState, now: u64, text: &str) -> Option<&'m A> {
    machine.on_message(present, ms(now), &MessageText::new(text), &()).map(Transition::action)
}

/// All actions that time has.
fn wait<'m, A>(machine: &'m StateMachine<A>, present: &mut MachineState, now: u64) -> Vec<&'m A> {
    std::iter::from_fn(|| machine.on_time(present, ms(now), &())).map(Timer::action).collect()
}

#[test]
fn messages_move_only_from_the_present_state() {
    let machine = StateMachine::builder("a")
        .states(["a", "b"])
        .transition(Transition::new("a", "b", exact("x")).then(1))
        .transition(Transition::new("b", "a", exact("y")).then(2))
        .build()
        .unwrap();
    let mut present = machine.start(ms(0));
    assert_eq!(present.current(), "a");
    assert_eq!(hear(&machine, &mut present, 1, "y"), None);
    assert_eq!(present.current(), "a");
    assert_eq!(hear(&machine, &mut present, 2, "x"), Some(&1));
    assert_eq!((present.current(), present.entered()), ("b", ms(2)));
    assert_eq!(hear(&machine, &mut present, 3, "x"), None);
    assert_eq!(hear(&machine, &mut present, 4, "y"), Some(&2));
    assert_eq!(present.current(), "a");
    assert_eq!(machine.deadline(&present), None);
}

#[test]
fn the_first_transition_that_matches_and_whose_guard_holds_is_taken() {
    let machine = StateMachine::builder("a")
        .states(["a", "high", "low"])
        .transition(Transition::new("a", "high", exact("go")).when(expression("level > 5")).then("guarded"))
        .transition(Transition::new("a", "low", MessagePattern::any()).then("any"))
        .transition(Transition::new("a", "high", exact("go")).then("never"))
        .build()
        .unwrap();
    for (level, text, action, state) in [(6, "go", "guarded", "high"), (5, "go", "any", "low"), (6, "no", "any", "low")]
    {
        let mut present = machine.start(ms(0));
        let taken = machine.on_message(&mut present, ms(0), &text.into(), &Level(level)).unwrap();
        assert_eq!((*taken.action(), present.current()), (action, state));
    }
}

#[test]
fn guards_see_the_message() {
    let machine = StateMachine::builder("a")
        .states(["a", "b"])
        .transition(Transition::new("a", "b", MessagePattern::any()).when(expression("$.n > level")))
        .build()
        .unwrap();
    let mut present = machine.start(ms(0));
    for (text, state) in [("no JSON", "a"), (r#"{"n": 3}"#, "a"), (r#"{"n": 4}"#, "b")] {
        let _ = machine.on_message(&mut present, ms(0), &text.into(), &Level(3));
        assert_eq!(present.current(), state, "{text}");
    }
}

#[test]
fn timers_run_from_when_their_state_was_entered() {
    let machine = StateMachine::builder("a")
        .states(["a", "b"])
        .transition(Transition::new("a", "b", exact("go")).then("go"))
        .timer(Timer::new("b", ms(100), "a").then("back"))
        .build()
        .unwrap();
    let mut present = machine.start(ms(0));
    assert_eq!(machine.deadline(&present), None);
    hear(&machine, &mut present, 30, "go").unwrap();
    assert_eq!(machine.deadline(&present), Some(ms(130)));
    assert!(wait(&machine, &mut present, 129).is_empty());
    assert_eq!(wait(&machine, &mut present, 130), [&"back"]);
    assert_eq!(present.current(), "a");
    assert!(wait(&machine, &mut present, 1_000).is_empty());
}

#[test]
fn entering_the_same_state_again_starts_its_timers_anew_and_staying_inside_does_not() {
    let machine = StateMachine::builder("a")
        .states(["a", "end"])
        .transition(Transition::new("a", "a", exact("again")).then("again"))
        .transition(Transition::inside("a", exact("inside")).then("inside"))
        .timer(Timer::inside("a", ms(50)).then("half"))
        .timer(Timer::new("a", ms(100), "end").then("end"))
        .build()
        .unwrap();
    let mut present = machine.start(ms(0));
    assert_eq!(wait(&machine, &mut present, 60), [&"half"]);
    assert_eq!(hear(&machine, &mut present, 70, "inside"), Some(&"inside"));
    assert_eq!((present.entered(), machine.deadline(&present)), (ms(0), Some(ms(100))));
    assert_eq!(hear(&machine, &mut present, 80, "again"), Some(&"again"));
    assert_eq!((present.entered(), machine.deadline(&present)), (ms(80), Some(ms(130))));
    assert!(wait(&machine, &mut present, 129).is_empty());
    assert_eq!(wait(&machine, &mut present, 180), [&"half", &"end"]);
    assert_eq!(present.current(), "end");
    assert!(machine.transitions()[1].is_inside() && !machine.transitions()[0].is_inside());
    assert!(machine.timers()[0].is_inside() && !machine.timers()[1].is_inside());
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines_and_then_in_the_order_given() {
    let machine = StateMachine::builder("a")
        .states(["a"])
        .timer(Timer::inside("a", ms(30)).then(4))
        .timer(Timer::inside("a", ms(10)).then(1))
        .timer(Timer::inside("a", ms(20)).then(2))
        .timer(Timer::inside("a", ms(20)).then(3))
        .build()
        .unwrap();
    let mut present = machine.start(ms(5));
    assert_eq!(machine.deadline(&present), Some(ms(15)));
    assert_eq!(wait(&machine, &mut present, 25), [&1, &2, &3]);
    assert_eq!(machine.deadline(&present), Some(ms(35)));
    assert_eq!(wait(&machine, &mut present, 35), [&4]);
    assert_eq!(machine.deadline(&present), None);
}

#[test]
fn a_timer_whose_guard_does_not_hold_in_time_is_spent() {
    let machine = StateMachine::builder("a")
        .states(["a", "b"])
        .transition(Transition::new("a", "a", exact("again")))
        .timer(Timer::new("a", ms(10), "b").when(expression("level > 5")))
        .build()
        .unwrap();
    let mut present = machine.start(ms(0));
    assert!(machine.on_time(&mut present, ms(10), &Level(5)).is_none());
    assert!(machine.on_time(&mut present, ms(20), &Level(6)).is_none());
    assert_eq!(machine.deadline(&present), None);
    machine.on_message(&mut present, ms(30), &"again".into(), &Level(6)).unwrap();
    assert!(machine.on_time(&mut present, ms(40), &Level(6)).is_some());
    assert_eq!(present.current(), "b");
}

/// Late, timers chain from the times at which they were due.
#[test]
fn time_that_comes_late_catches_up_in_order() {
    let machine = StateMachine::builder("red")
        .states(["red", "green", "yellow"])
        .timer(Timer::new("red", ms(30), "green").then("green"))
        .timer(Timer::new("green", ms(20), "yellow").then("yellow"))
        .timer(Timer::new("yellow", ms(10), "red").then("red"))
        .build()
        .unwrap();
    let mut present = machine.start(ms(0));
    assert_eq!(wait(&machine, &mut present, 115), [&"green", &"yellow", &"red", &"green", &"yellow"]);
    assert_eq!((present.current(), present.entered()), ("yellow", ms(110)));
    assert_eq!(machine.deadline(&present), Some(ms(120)));
}

#[test]
fn catching_up_is_bounded() {
    let machine = StateMachine::builder("a").state("a").timer(Timer::new("a", ms(1), "a")).build().unwrap();
    let mut present = machine.start(ms(0));
    assert_eq!(wait(&machine, &mut present, 1_000).len(), 1_000);
    assert_eq!(present.entered(), ms(1_000));
    // Each catch-up has its own bound.
    assert_eq!(wait(&machine, &mut present, 1_999).len(), 999);
    assert_eq!(present.entered(), ms(1_999));
    assert_eq!(wait(&machine, &mut present, u64::MAX).len(), 1_000);
    assert_eq!(present.entered(), ms(u64::MAX));
    assert_eq!(machine.deadline(&present), Some(ms(u64::MAX) + ms(1)));
}

#[test]
fn the_end_of_time_is_never_reached() {
    let machine = StateMachine::builder("a").state("a").timer(Timer::new("a", ms(1), "a")).build().unwrap();
    let mut present = machine.start(Duration::MAX);
    assert_eq!(machine.deadline(&present), None);
    assert!(machine.on_time(&mut present, Duration::MAX, &()).is_none());
}

#[test]
fn time_that_goes_back_counts_as_the_latest_before() {
    let machine = StateMachine::builder("a")
        .states(["a", "b"])
        .transition(Transition::new("a", "b", exact("go")).then("go"))
        .timer(Timer::new("b", ms(10), "a").then("back"))
        .build()
        .unwrap();
    let mut present = machine.start(ms(100));
    hear(&machine, &mut present, 20, "go").unwrap();
    assert_eq!(machine.deadline(&present), Some(ms(110)));
    assert_eq!(wait(&machine, &mut present, 110), [&"back"]);
    hear(&machine, &mut present, 50, "go").unwrap();
    assert_eq!(machine.deadline(&present), Some(ms(120)));
    // The time counts also if nothing came of it.
    assert!(wait(&machine, &mut present, 119).is_empty());
    assert_eq!(machine.start(ms(0)).entered(), ms(0));
}

#[test]
fn a_session_goes_on_in_a_machine_that_was_loaded_again() {
    let old = StateMachine::builder("a").states(["a", "b"]).transition(Transition::new("a", "b", exact("go")).then(1));
    let old = old.build().unwrap();
    let new = StateMachine::builder("x").states(["x", "b"]).transition(Transition::new("b", "x", exact("go")).then(2));
    let new = new.build().unwrap();
    let mut present = old.start(ms(0));
    assert_eq!(hear(&new, &mut present, 0, "go"), None, "there is no state of this name");
    assert_eq!(new.deadline(&present), None);
    hear(&old, &mut present, 0, "go").unwrap();
    assert_eq!(hear(&new, &mut present, 0, "go"), Some(&2));
    assert_eq!(present.current(), "x");
}

#[test]
fn all_problems_are_found_at_once() {
    let machine = StateMachine::builder("idel")
        .states(["idle", "busy", "idle"])
        .transition(Transition::new("idle", "bussy", exact("x")))
        .transition(Transition::new("nowhere", "nowhere", exact("x")))
        .transition(Transition::new("idle", "busy", exact("x")))
        .transition(Transition::inside("elsewhere", exact("x")))
        .timer(Timer::new("Busy", ms(0), "zzz"))
        .timer(Timer::inside("busy", ms(0)));
    let error = machine.build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "\
the initial state `idel` is not declared; did you mean `idle`?
the state `idle` is declared twice
a transition from `idle` to `bussy`: the state `bussy` is not declared; did you mean `busy`?
a transition from `nowhere` to `nowhere`: the state `nowhere` is not declared
a transition from `elsewhere` to `elsewhere`: the state `elsewhere` is not declared
a timer of `Busy` to `zzz`: the state `Busy` is not declared; did you mean `busy`?
a timer of `Busy` to `zzz`: the state `zzz` is not declared
a timer of `Busy` to `zzz` takes no time; it needs more than 0
a timer of `busy` to `busy` takes no time; it needs more than 0"
    );
    let problems = error.problems();
    assert_eq!(problems[1], StateMachineProblem::DeclaredTwice { state: 2, name: "idle".into() });
    assert!(matches!(&problems[4], StateMachineProblem::TransitionOfUnknownState { transition: 3, .. }));
    assert!(matches!(&problems[8], StateMachineProblem::TimerWithoutTime { timer: 1, .. }));
    assert!(StateMachine::builder::<()>("a").build().is_err(), "a machine without states begins nowhere");
}

#[test]
fn warnings_name_what_can_never_come_to_anything() {
    let machine = StateMachine::builder("a")
        .states(["a", "b", "lost", "island"])
        .transition(Transition::new("a", "b", exact("x")))
        .transition(Transition::new("a", "a", exact("x")).when(expression("level")))
        .transition(Transition::new("a", "a", MessagePattern::regex("x").unwrap()))
        .transition(Transition::new("b", "b", exact("x")).when(expression("level")))
        .transition(Transition::new("b", "b", exact("x")))
        .transition(Transition::inside("b", MessagePattern::any()))
        .transition(Transition::new("b", "b", exact("y")))
        .transition(Transition::new("lost", "island", exact("x")))
        .timer(Timer::new("b", ms(30), "a"))
        .timer(Timer::inside("b", ms(5)))
        .timer(Timer::new("b", ms(10), "a").when(expression("level")))
        .timer(Timer::new("b", ms(20), "a"))
        .build()
        .unwrap();
    let warnings = machine.warnings();
    let never = |transition, earlier, state: &str, pattern: &str| StateMachineWarning::TransitionNeverTaken {
        transition,
        earlier,
        state: state.into(),
        pattern: pattern.into(),
    };
    assert_eq!(
        warnings,
        [
            StateMachineWarning::UnreachableState { state: 2, name: "lost".into() },
            StateMachineWarning::UnreachableState { state: 3, name: "island".into() },
            never(1, 0, "a", r#"exact "x""#),
            never(6, 5, "b", r#"exact "y""#),
            StateMachineWarning::TimerNeverFires { timer: 0, earlier: 3, state: "b".into() },
        ]
    );
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(texts[0], "nothing leads to the state `lost`");
    assert_eq!(
        texts[2],
        "in the state `a`, the transition on `exact \"x\"` is never taken: an earlier one takes all of its messages"
    );
    assert_eq!(texts[4], "in the state `b`, a timer never fires: an earlier one always leaves the state before");
}

#[test]
fn states_that_only_time_leads_to_are_reached_and_those_without_a_way_out_are_fine() {
    let machine = StateMachine::builder("a").states(["a", "end"]).timer(Timer::new("a", ms(1), "end")).build().unwrap();
    assert_eq!(machine.warnings(), []);
}

#[test]
fn mermaid_shows_everything_and_names_cannot_break_it() {
    let machine = StateMachine::builder("log in")
        .states(["say \"hi\"; %%", "log in", "", "state x --> y"])
        .transition(Transition::new("log in", "say \"hi\"; %%", MessagePattern::jsonpath_equals("$.a", "b").unwrap()))
        .transition(Transition::inside("log in", MessagePattern::regex("a\nb").unwrap()))
        .transition(Transition::new("", "", exact("")).when(expression("level > 1")))
        .timer(Timer::new("state x --> y", ms(1_500), "").when(expression("level")))
        .timer(Timer::inside("log in", ms(2_000)))
        .build()
        .unwrap();
    assert_eq!(
        machine.to_mermaid(),
        "\
stateDiagram-v2
    state \"say #34;hi#34;#59; #37;#37;\" as s0
    state \"log in\" as s1
    state \"#34;#34;\" as s2
    state \"state x #45;#45;#62; y\" as s3
    [*] --> s1
    s1 --> s0: #36;.a#58;#34;b#34;
    s1: a#92;nb
    s1: after 2 s
    s2 --> s2: exact #34;#34; #91;level #62; 1#93;
    s3 --> s2: after 1500 ms #91;level#93;
"
    );
}

proptest! {
    /// Each line keeps its shape, whatever stands in it.
    #[test]
    fn any_name_and_pattern_gives_a_well_formed_diagram(names in vec(any::<String>(), 2), text in any::<String>()) {
        prop_assume!(names[0] != names[1]);
        let machine = StateMachine::builder(names[0].clone())
            .states(names.clone())
            .transition(Transition::new(names[0].clone(), names[1].clone(), exact(&text)))
            .transition(Transition::inside(names[1].clone(), exact(&text)))
            .build()
            .unwrap();
        let label = r"([\p{Alphabetic}\p{N}_. ]|#[0-9]+;)+";
        let shape = format!(
            "^stateDiagram-v2\n    state \"{label}\" as s0\n    state \"{label}\" as s1\n    \
             \\[\\*\\] --> s0\n    s0 --> s1: {label}\n    s1: {label}\n$"
        );
        let diagram = machine.to_mermaid();
        prop_assert!(MessagePattern::regex(&shape).unwrap().matches(&diagram), "{}", diagram);
    }
}

// ---- any machine against a naive interpreter ----

/// A machine as plain data: states are `0..3`, messages `0..3`, guards compare the level.
#[derive(Debug, Clone)]
struct Plan {
    transitions: Vec<Edge>,
    timers: Vec<Edge>,
}

#[derive(Debug, Clone)]
struct Edge {
    from: u8,
    /// `None` stays inside.
    to: Option<u8>,
    /// The message, or the milliseconds.
    cause: u64,
    /// The level that is needed, at least.
    guard: Option<u64>,
}

#[derive(Debug, Clone)]
enum Input {
    Message(u64),
    Time,
}

fn edge(cause: std::ops::Range<u64>) -> impl Strategy<Value = Edge> {
    let to = prop_oneof![4 => (0u8..3).prop_map(Some), 1 => Just(None)];
    (0u8..3, to, cause, prop::option::of(0u64..4)).prop_map(|(from, to, cause, guard)| Edge { from, to, cause, guard })
}

fn plan() -> impl Strategy<Value = Plan> {
    (vec(edge(0..3), 0..8), vec(edge(1..40), 0..8)).prop_map(|(transitions, timers)| Plan { transitions, timers })
}

/// How much later it is, the level, and what happens.
fn inputs() -> impl Strategy<Value = Vec<(u64, u64, Input)>> {
    let input = prop_oneof![(0u64..3).prop_map(Input::Message), Just(Input::Time)];
    vec((0u64..60, 0u64..4, input), 0..30)
}

fn state_name(number: u8) -> String {
    format!("state {number}")
}

impl Plan {
    fn build(&self) -> StateMachine<usize> {
        let mut builder = StateMachine::builder(state_name(0)).states((0..3).map(state_name));
        for (number, edge) in self.transitions.iter().enumerate() {
            let pattern = exact(&edge.cause.to_string());
            let mut transition = match edge.to {
                Some(to) => Transition::new(state_name(edge.from), state_name(to), pattern),
                None => Transition::inside(state_name(edge.from), pattern),
            };
            if let Some(guard) = edge.guard {
                transition = transition.when(expression(&format!("level >= {guard}")));
            }
            builder = builder.transition(transition.then(number));
        }
        for (number, edge) in self.timers.iter().enumerate() {
            let mut timer = match edge.to {
                Some(to) => Timer::new(state_name(edge.from), ms(edge.cause), state_name(to)),
                None => Timer::inside(state_name(edge.from), ms(edge.cause)),
            };
            if let Some(guard) = edge.guard {
                timer = timer.when(expression(&format!("level >= {guard}")));
            }
            builder = builder.timer(timer.then(number));
        }
        builder.build().unwrap()
    }
}

/// Steps through time one millisecond after the other, with an alarm clock for each timer.
struct Naive<'p> {
    plan: &'p Plan,
    state: u8,
    now: u64,
    /// The time at which each timer rings, by its number.
    alarms: HashMap<usize, u64>,
}

impl<'p> Naive<'p> {
    fn new(plan: &'p Plan) -> Self {
        let mut naive = Self { plan, state: 0, now: 0, alarms: HashMap::new() };
        naive.enter(0);
        naive
    }

    fn enter(&mut self, state: u8) {
        self.state = state;
        let timers = self.plan.timers.iter().enumerate().filter(|(_, timer)| timer.from == state);
        self.alarms = timers.map(|(number, timer)| (number, self.now + timer.cause)).collect();
    }

    fn time_passes(&mut self, until: u64, level: u64) -> Vec<usize> {
        let mut fired = vec![];
        loop {
            for number in 0..self.plan.timers.len() {
                if self.alarms.get(&number) != Some(&self.now) {
                    continue;
                }
                self.alarms.remove(&number);
                let timer = &self.plan.timers[number];
                if timer.guard.is_none_or(|guard| level >= guard) {
                    fired.push(number);
                    if let Some(to) = timer.to {
                        self.enter(to);
                        // No timer takes no time: nothing of the state that is entered rings now.
                        break;
                    }
                }
            }
            if self.now == until {
                return fired;
            }
            self.now += 1;
        }
    }

    fn message(&mut self, message: u64, level: u64) -> Option<usize> {
        let fits = |edge: &Edge| {
            edge.from == self.state && edge.cause == message && edge.guard.is_none_or(|guard| level >= guard)
        };
        let number = self.plan.transitions.iter().position(fits)?;
        if let Some(to) = self.plan.transitions[number].to {
            self.enter(to);
        }
        Some(number)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_machine_agrees_with_a_naive_interpreter(plan in plan(), inputs in inputs()) {
        let machine = plan.build();
        let mut present = machine.start(ms(0));
        let mut naive = Naive::new(&plan);
        let mut now = 0;
        for (later, level, input) in inputs {
            now += later;
            let facts = Level(level);
            let fired = std::iter::from_fn(|| machine.on_time(&mut present, ms(now), &facts));
            let fired: Vec<_> = fired.map(|timer| *timer.action()).collect();
            prop_assert_eq!(fired, naive.time_passes(now, level), "timers until {} ms", now);
            if let Input::Message(message) = input {
                let text = message.to_string();
                let taken = machine.on_message(&mut present, ms(now), &text.as_str().into(), &facts);
                prop_assert_eq!(taken.map(|transition| *transition.action()), naive.message(message, level));
            }
            prop_assert_eq!(present.current(), state_name(naive.state));
            let deadline = naive.alarms.values().min().map(|at| ms(*at));
            prop_assert_eq!(machine.deadline(&present), deadline);
        }
    }

    #[test]
    fn nothing_that_was_warned_of_ever_happens(plan in plan(), inputs in inputs()) {
        let machine = plan.build();
        let warnings = machine.warnings();
        let mut present = machine.start(ms(0));
        let mut now = 0;
        for (later, level, input) in inputs {
            now += later;
            while let Some(fired) = machine.on_time(&mut present, ms(now), &Level(level)) {
                let never = |warning: &StateMachineWarning| {
                    matches!(warning, StateMachineWarning::TimerNeverFires { timer, .. } if timer == fired.action())
                };
                prop_assert!(!warnings.iter().any(never));
            }
            if let Input::Message(message) = input {
                let text = json!(message).to_string();
                if let Some(taken) = machine.on_message(&mut present, ms(now), &text.as_str().into(), &Level(level)) {
                    let never = |warning: &StateMachineWarning| {
                        matches!(warning, StateMachineWarning::TransitionNeverTaken { transition, .. }
                            if transition == taken.action())
                    };
                    prop_assert!(!warnings.iter().any(never));
                }
            }
            let unreachable = |warning: &StateMachineWarning| {
                matches!(warning, StateMachineWarning::UnreachableState { name, .. } if name == present.current())
            };
            prop_assert!(!warnings.iter().any(unreachable));
        }
    }
}
