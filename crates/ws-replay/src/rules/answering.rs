//! Which rule answers a message, and why the others do not.

use std::collections::HashMap;
use std::sync::Arc;

use ws_core::NearMiss;
use ws_patterns::MessagePattern;

use super::incoming::Incoming;
use super::matching::captures;
use super::plan::Plan;
use super::session::Reaction;
use super::turn::Turn;

/// How many near misses are looked for.
const MOST_NEAR_MISSES: usize = 5;
/// As near as can be, without taking the message.
const ALL_BUT_THE_CONDITION: f64 = 0.97;

impl Turn<'_> {
    /// Lets the first rule that takes the message answer it.
    pub(super) fn answer(&mut self, message: &Incoming, plan: &mut Plan, reaction: &mut Reaction) {
        let rules = self.rules;
        if let (Some(text), Some(refusal)) = (message.text(), rules.refusal(self.is_alone))
            && text.json().is_none()
        {
            let released = captures(&MessagePattern::any(), text);
            self.act(refusal, released.as_ref(), true, plan);
            reaction.refused_because = Some(rules.why_json());
            reaction.taken_by = Some(Arc::clone(&rules.name));
            return;
        }
        let mut missed = HashMap::<usize, NearMiss>::new();
        for (number, rule) in rules.candidates(message) {
            let called = &rules.rule_names[number];
            let miss = |closeness, difference: String| NearMiss::new(&**called, difference).closeness(closeness);
            if let Some(text) = message.text()
                && !rule.matching.rest_matches(text)
            {
                if let Some((closeness, difference)) = rule.matching.difference(text) {
                    missed.insert(number, miss(closeness, difference));
                }
                continue;
            }
            let Some(released) = rule.matching.captures(message) else { continue };
            let hands = &mut self.present.hands;
            match hands.perform(&rule.actions, rule.when.as_ref(), Some(&released), true, plan) {
                Ok(()) => {
                    self.decide(&rule.actions);
                    reaction.taken_by = Some(Arc::clone(called));
                    return;
                }
                Err(difference) => {
                    if missed.len() < MOST_NEAR_MISSES {
                        missed.insert(number, miss(ALL_BUT_THE_CONDITION, difference));
                    }
                }
            }
        }
        if let Some(text) = message.text() {
            for (number, difference) in rules.nearest(text, MOST_NEAR_MISSES) {
                missed.entry(number).or_insert_with(|| {
                    let called = &*rules.rule_names[number];
                    NearMiss::new(called, difference.to_string()).closeness(difference.closeness())
                });
            }
        }
        let near_misses = &mut reaction.near_misses;
        near_misses.extend(missed.into_values());
        near_misses.sort_by(|a, b| b.closeness.total_cmp(&a.closeness).then_with(|| a.expected_by.cmp(&b.expected_by)));
        near_misses.truncate(MOST_NEAR_MISSES);
    }
}
