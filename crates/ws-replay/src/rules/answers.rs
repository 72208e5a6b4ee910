//! Which of several answers is given: all in order, one after the other, or one by chance.

use std::collections::{HashMap, HashSet};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::reading::Reading;
use super::response::{Place, Response};
use crate::ProblemKind;
use crate::located::{Node, Record, Tree};

/// The answers of a rule. Each is a list of responses that are sent in order.
#[derive(Debug)]
pub(super) enum Answers {
    /// Always the same.
    Same(Vec<Response>),
    /// Each time the next one.
    InTurn {
        answers: Vec<Vec<Response>>,
        /// Whether it starts over behind the last one; if not, it stays there.
        cycles: bool,
    },
    /// One by chance: as often as its part of the sum of all weights.
    ByChance { answers: Vec<Vec<Response>>, weights: Vec<u32> },
}

const CHOICES: &str = "sequence, random or weighted";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choose {
    Sequence,
    Random,
    Weighted,
}

impl Answers {
    /// Reads the answers of a rule, if it has some.
    pub(super) fn read(record: &Record<'_>, place: Place<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        let Some(node) = record.get("responses") else {
            for key in ["choose", "cycle"] {
                if let Some(span) = record.key_span(key) {
                    reading.findings.at_span(span, ProblemKind::Needs { key, needs: "`responses`" });
                }
            }
            let node = record.get("response")?;
            for part in node.one_or_more() {
                if let Some(weight) = weight_of(part) {
                    let needs = "`responses` and \"choose\": \"weighted\"";
                    reading.findings.at_span(weight.span, ProblemKind::Needs { key: "weight", needs });
                }
            }
            return Some(Self::Same(Response::read_all("response", node, place, reading)));
        };
        if let Some(span) = record.key_span("response") {
            let beside = "beside `responses`";
            reading.findings.at_span(span, ProblemKind::Excluded { key: "response", beside });
        }
        let choose = choose(record, reading);
        let cycles = record.flag("cycle", reading.findings);
        if let Some(span) = record.key_span("cycle").filter(|_| choose != Choose::Sequence) {
            let needs = "\"choose\": \"sequence\"";
            reading.findings.at_span(span, ProblemKind::Needs { key: "cycle", needs });
        }
        let nodes = node.list("responses", "a list of answers", reading.findings)?;
        if nodes.is_empty() {
            return node.wrong("responses", "at least one answer", reading.findings);
        }
        let (mut answers, mut weights) = (Vec::new(), Vec::new());
        for node in nodes {
            let (answer, weight) = match &node.value {
                Tree::List(_) => (Response::read_all("responses", node, place, reading), None),
                _ => match Response::read("responses", node, place, reading) {
                    Some((response, weight)) => (vec![response], weight),
                    None => continue,
                },
            };
            if let Some(weight) = weight_of(node).filter(|_| choose != Choose::Weighted) {
                let needs = "\"choose\": \"weighted\"";
                reading.findings.at_span(weight.span, ProblemKind::Needs { key: "weight", needs });
            }
            answers.push(answer);
            weights.push(weight.unwrap_or(1));
        }
        Some(match choose {
            Choose::Sequence => Self::InTurn { answers, cycles: cycles.is_some_and(|cycle| cycle.value) },
            Choose::Random | Choose::Weighted => Self::ByChance { answers, weights },
        })
    }

    /// Whether some of them wait for their time.
    pub(super) fn takes_time(&self) -> bool {
        let takes_time = |responses: &Vec<Response>| responses.iter().any(|response| !response.delay.is_zero());
        match self {
            Self::Same(responses) => takes_time(responses),
            Self::InTurn { answers, .. } | Self::ByChance { answers, .. } => answers.iter().any(takes_time),
        }
    }

    /// The answer for this time. `turns` remembers, under `number`, how many were given; only answers that take turns
    /// ask it.
    pub(super) fn next(&self, number: u32, turns: &mut Turns, random: &mut ChaCha8Rng) -> &[Response] {
        match self {
            Self::Same(responses) => responses,
            Self::InTurn { answers, cycles } => {
                let turn = turns.next(number, answers.len(), *cycles);
                answers.get(turn).map_or(&[], Vec::as_slice)
            }
            Self::ByChance { answers, weights } => {
                let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
                let mut drawn = random.random_range(0..sum.max(1));
                let chosen = weights.iter().position(|weight| match drawn.checked_sub(u64::from(*weight)) {
                    Some(rest) => {
                        drawn = rest;
                        false
                    }
                    None => true,
                });
                chosen.and_then(|number| answers.get(number)).map_or(&[], Vec::as_slice)
            }
        }
    }
}

/// How many answers each rule has given on one connection, of those that take turns.
#[derive(Debug, Default)]
pub(super) struct Turns(HashMap<u32, usize>);

impl Turns {
    /// Forgets all but those of these rules.
    pub(super) fn keep(&mut self, numbers: &HashSet<u32>) {
        self.0.retain(|number, _| numbers.contains(number));
    }

    /// The number of the next of `count` answers, from 0.
    fn next(&mut self, number: u32, count: usize, cycles: bool) -> usize {
        let next = self.0.entry(number).or_default();
        let turn = *next;
        *next = match turn + 1 {
            behind if behind < count => behind,
            _ if cycles => 0,
            _ => turn,
        };
        turn
    }
}

fn choose(record: &Record<'_>, reading: &mut Reading<'_, '_, '_>) -> Choose {
    let Some(node) = record.get("choose") else { return Choose::Sequence };
    match node.text("choose", CHOICES, reading.findings) {
        Some("random") => Choose::Random,
        Some("weighted") => Choose::Weighted,
        Some("sequence") | None => Choose::Sequence,
        Some(_) => {
            node.wrong::<()>("choose", CHOICES, reading.findings);
            Choose::Sequence
        }
    }
}

fn weight_of(node: &Node) -> Option<&Node> {
    match &node.value {
        Tree::Map(entries) => entries.iter().find(|(key, _)| key.text == "weight").map(|(_, node)| node),
        _ => None,
    }
}
