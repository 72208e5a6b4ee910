//! What holds for any sequence of messages: correlations against a naive way that remembers everything.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Answered,
    Followed,
    Counted,
    Absent,
}

/// How much later it is, and a message of this kind and key, if any.
fn steps() -> impl Strategy<Value = Vec<(u64, Option<(bool, u8)>)>> {
    vec((0u64..60, prop::option::weighted(0.8, (any::<bool>(), 0u8..4))), 0..60)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Answered), Just(Kind::Followed), Just(Kind::Counted), Just(Kind::Absent)]
}

const WINDOW: u64 = 100;
const COUNT: usize = 3;

/// Remembers every event there ever was, and decides by looking at all of them, one millisecond after the other.
struct Naive {
    kind: Kind,
    window: Option<u64>,
    /// When and with which key; `None` when nothing more can come of it.
    events: Vec<Option<(u64, u8)>>,
    now: u64,
}

type Told = (OutcomeKind, Option<u8>);

impl Naive {
    fn time_passes(&mut self, until: u64) -> Vec<Told> {
        let mut told = vec![];
        while self.now < until {
            self.now += 1;
            for event in &mut self.events {
                let Some((at, key)) = *event else { continue };
                if self.window.is_some_and(|window| at + window == self.now) {
                    *event = None;
                    match self.kind {
                        Kind::Answered | Kind::Followed => told.push((Violated, Some(key))),
                        Kind::Counted => {}
                        Kind::Absent => told.push((Fulfilled, Some(key))),
                    }
                }
            }
        }
        told
    }

    /// `begins`: of the two events of the definition, it is the first.
    fn message(&mut self, begins: bool, key: u8) -> Vec<Told> {
        let mut open: Vec<_> =
            self.events.iter_mut().filter(|event| matches!(event, Some((_, k)) if *k == key)).collect();
        let mut told = vec![];
        match (self.kind, begins) {
            (Kind::Answered, false) => {
                if let Some(oldest) = open.first_mut() {
                    **oldest = None;
                    told.push((Fulfilled, Some(key)));
                }
            }
            (Kind::Followed, false) => {
                for event in open {
                    *event = None;
                    told.push((Fulfilled, Some(key)));
                }
            }
            (Kind::Counted, false) => open.into_iter().for_each(|event| *event = None),
            (Kind::Absent, false) => {}
            (Kind::Counted, true) if open.len() + 1 == COUNT => {
                open.into_iter().for_each(|event| *event = None);
                told.push((Fulfilled, Some(key)));
            }
            (Kind::Absent, true) => {
                open.into_iter().for_each(|event| *event = None);
                self.events.push(Some((self.now, key)));
            }
            (_, true) => self.events.push(Some((self.now, key))),
        }
        told
    }

    fn finish(&mut self) -> Vec<Told> {
        let open = self.events.drain(..).flatten();
        match self.kind {
            Kind::Answered | Kind::Followed => open.map(|(_, key)| (Violated, Some(key))).collect(),
            Kind::Counted | Kind::Absent => vec![],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_session_agrees_with_a_naive_watcher(kind in kind(), has_window in any::<bool>(), steps in steps()) {
        let definition = match kind {
            Kind::Answered => Correlation::answered(keyed("A"), keyed("B")),
            Kind::Followed => Correlation::followed(keyed("A"), keyed("B")),
            Kind::Counted => Correlation::counted(keyed("A"), COUNT).without(keyed("B")),
            Kind::Absent => Correlation::absent(keyed("A")),
        };
        let window = (has_window || kind == Kind::Absent).then_some(WINDOW);
        let definition = match window {
            Some(window) => definition.within(ms(window)),
            None => definition,
        };
        let correlation = definition.build().unwrap();
        let mut state = correlation.start(ms(0));
        let mut naive = Naive { kind, window, events: vec![], now: 0 };
        let told = |outcomes: Vec<Outcome>| -> Vec<Told> {
            let key = |outcome: &Outcome| outcome.key().and_then(Value::as_u64).map(|key| key as u8);
            outcomes.iter().map(|outcome| (outcome.kind(), key(outcome))).collect()
        };
        let (mut now, mut begun, mut ended) = (0, 0, 0);
        for (later, message) in steps {
            now += later;
            let mut expected = naive.time_passes(now);
            let outcomes = match message {
                Some((begins, key)) => {
                    begun += usize::from(begins);
                    expected.extend(naive.message(begins, key));
                    let text = format!("{} {key}", if begins { "A" } else { "B" });
                    told(correlation.on_message(&mut state, ms(now), Inbound, &MessageText::new(text)))
                }
                None => told(correlation.on_time(&mut state, ms(now))),
            };
            ended += outcomes.len();
            prop_assert_eq!(outcomes, expected, "at {} ms", now);
            prop_assert_eq!(state.open(), naive.events.iter().flatten().count());
            let deadline = naive.events.iter().flatten().map(|(at, _)| *at).min().zip(window);
            prop_assert_eq!(correlation.deadline(&state), deadline.map(|(at, window)| ms(at + window)));
        }
        let outcomes = told(correlation.finish(&mut state, ms(now)));
        ended += outcomes.len();
        prop_assert_eq!(outcomes, naive.finish());
        prop_assert_eq!(state.open(), 0);
        if matches!(kind, Kind::Answered | Kind::Followed) {
            prop_assert_eq!(begun, ended, "each that begins ends once");
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Also with times that go back, messages that are both events, and more keys than are remembered.
    #[test]
    fn memory_is_bounded_and_each_request_ends_once(
        bursts in vec((0u64..300, 0u32..400, 1u32..700, prop::bool::weighted(0.3)), 1..8),
    ) {
        let a = || regex("^. (?<key>.*)$").key("key").unwrap();
        let answered = Correlation::answered(a(), keyed("B")).within(ms(150)).build().unwrap();
        let mut state = answered.start(ms(0));
        let (mut requests, mut latest) = (0, 0);
        let mut outcomes: Vec<Outcome> = vec![];
        for (at, first, count, answers) in bursts {
            latest = latest.max(at);
            for key in first..first + count {
                let text = format!("{} {key}", if answers { "B" } else { "A" });
                let told = answered.on_message(&mut state, ms(at), Inbound, &text.as_str().into());
                // What answered nothing was a request.
                requests += usize::from(!told.iter().any(|outcome| outcome.is_fulfilled()));
                outcomes.extend(told);
                prop_assert!(state.open() <= 1_024);
                prop_assert!(answered.deadline(&state).is_none_or(|deadline| deadline > ms(latest)));
            }
        }
        outcomes.extend(answered.finish(&mut state, ms(latest)));
        prop_assert_eq!(outcomes.len(), requests);
    }
}
