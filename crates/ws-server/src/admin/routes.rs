//! The operations, by what they are about.

mod configuration;
mod connections;
mod document;
mod events;
mod handlers;
mod health;
mod messages;
mod recording;
mod reload;
mod rooms;
mod rules;
mod tests;
mod uploads;
mod waiting;

use super::operation::Operation;

/// All operations.
pub(super) fn all() -> Vec<Operation> {
    [
        connections::operations(),
        rooms::operations(),
        messages::operations(),
        waiting::operations(),
        events::operations(),
        uploads::operations(),
        rules::operations(),
        tests::operations(),
        recording::operations(),
        handlers::operations(),
        reload::operations(),
        configuration::operations(),
        health::operations(),
        document::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod check {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_has_a_name_and_a_place_of_its_own() {
        let all = all();
        let names: HashSet<_> = all.iter().map(|operation| operation.name).collect();
        let places: HashSet<_> = all.iter().map(|operation| (operation.method.as_str(), operation.path)).collect();
        assert_eq!((names.len(), places.len()), (all.len(), all.len()));
    }
}
