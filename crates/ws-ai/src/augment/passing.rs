//! How a script passes an entry: what may come behind it, and what comes to it from elsewhere.

use ws_replay::{ReplayBranches, ReplayDirection, ReplayEntry, ReplaySilence};

/// Whether the connection has ended behind an entry.
pub(super) fn ends(entry: &ReplayEntry) -> bool {
    entry.close && entry.condition.is_none() && !may_fail(entry)
}

/// Whether the script goes on behind the entry when its wait has failed.
fn may_fail(entry: &ReplayEntry) -> bool {
    entry.timeout_ms.is_some() && entry.on_timeout.is_none()
}

/// Why no events can follow an entry, if that is so: not everything that is behind it comes after it, or nothing does.
pub(super) fn obstacle(entry: &ReplayEntry) -> Option<&'static str> {
    let reasons = [
        (entry.close, "the connection ends (`close`)"),
        (!entry.on_match.is_empty(), "the script goes on elsewhere (`on_match`)"),
        (entry.branches.is_some(), "the script may go on elsewhere (`branches`)"),
        (entry.round.is_some(), "the script jumps back (`loop`)"),
        (entry.next_step.is_some(), "the script goes on elsewhere (`next_step`)"),
        (entry.every.is_some() && entry.repeat.is_none(), "it goes on in the background (`every` without `repeat`)"),
        (entry.condition.is_some(), "it may be skipped (`condition`), and what is behind it is not"),
        (
            may_fail(entry),
            "its wait may fail (`timeout_ms` without `on_timeout`), and what is behind it is sent then, too",
        ),
    ];
    reasons.into_iter().find_map(|(is_so, why)| is_so.then_some(why))
}

/// Whether events that come before an entry, and take time, would hold up more than what it sends: it waits for the client
/// from when it is entered; or it is passed at once, and then the one behind it may wait.
pub(super) fn holds(entry: &ReplayEntry) -> bool {
    entry.dir == ReplayDirection::In || entry.wait_for.is_some() || entry.condition.is_some() || entry.pong
}

/// The steps to which an entry may jump.
pub(super) fn targets(entry: &ReplayEntry) -> impl Iterator<Item = &str> {
    let on_match = entry.on_match.iter().map(|it| it.goto_step.as_str());
    let silence = entry.on_silence.iter().filter_map(|silence| match silence {
        ReplaySilence::After { goto_step, .. } => Some(goto_step.as_str()),
        ReplaySilence::Heeded(_) => None,
    });
    let branches = entry.branches.iter().flat_map(|branches| -> Vec<&str> {
        match branches {
            ReplayBranches::Patterns(list) => list.iter().map(|(_, step)| step.as_str()).collect(),
            ReplayBranches::Conditions(list) => list.iter().map(|branch| branch.goto_step.as_str()).collect(),
        }
    });
    let others = [&entry.on_timeout, &entry.next_step].into_iter().flatten().map(String::as_str);
    let round = entry.round.iter().map(|round| round.goto_step.as_str());
    on_match.chain(silence).chain(branches).chain(others).chain(round)
}
