//! Which names there are, so that a slip is found when a file is loaded.

use ws_patterns::{Expression, Name};

use ws_patterns::nearest;

/// A name that nothing is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownName {
    /// As it was written.
    pub(crate) name: String,
    /// What was probably meant.
    pub(crate) nearest: Option<String>,
}

/// All names; `*` is anything.
const NAMES: [&str; 17] = [
    "state.*",
    "room.*",
    "match.*",
    "lastMessage",
    "request.ws.message",
    "request.path",
    "request.query.*",
    "request.headers.*",
    "connection.id",
    "connection.number",
    "connection.messages",
    "machine.*",
    "correlation.*.fulfilled",
    "correlation.*.violated",
    "repetition",
    "state",
    "room",
];

/// What names start with.
const ROOTS: [&str; 9] =
    ["state", "room", "match", "lastMessage", "request", "connection", "machine", "correlation", "repetition"];

/// Roots that lead to whatever was kept, so that any way behind them may.
const OPEN: [&str; 2] = ["state", "room"];

impl UnknownName {
    /// Whether `name` is one of those, or a group of these names.
    pub(crate) fn check<'g>(name: &Name, groups: impl IntoIterator<Item = &'g str>) -> Result<(), Self> {
        if OPEN.contains(&name.root()) || NAMES.iter().any(|known| leads(known, name.root(), name.rest())) {
            return Ok(());
        }
        let groups: Vec<&str> = if name.rest().is_empty() { groups.into_iter().collect() } else { Vec::new() };
        if groups.contains(&name.root()) {
            return Ok(());
        }
        let group = nearest(name.root(), groups).map(str::to_owned);
        Err(Self { nearest: group.or_else(|| meant(name)), name: name.to_string() })
    }

    /// Whether names may start with this.
    pub(crate) fn is_root(word: &str) -> bool {
        ROOTS.contains(&word)
    }

    /// The first of an expression's names that is none.
    pub(crate) fn check_all<'g>(
        expression: &Expression,
        groups: impl IntoIterator<Item = &'g str> + Clone,
    ) -> Result<(), Self> {
        expression.names().try_for_each(|name| Self::check(name, groups.clone()))
    }
}

/// The names as a person may list them.
#[cfg(test)]
pub(crate) fn known_names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// Whether `known` is this name, one to one.
fn leads(known: &str, root: &str, rest: &[String]) -> bool {
    let known: Vec<&str> = known.split('.').collect();
    known.len() == rest.len() + 1
        && known[0] == root
        && known[1..].iter().zip(rest).all(|(known, step)| *known == "*" || known == step)
}

/// The name that was probably meant, with the members that were written.
fn meant(name: &Name) -> Option<String> {
    if let Some(meant) = meant_below(name.root(), name.rest()) {
        return Some(meant);
    }
    let root = nearest(name.root(), ROOTS.into_iter().filter(|root| *root != name.root()))?;
    let way = NAMES.iter().any(|known| leads(known, root, name.rest())) || OPEN.contains(&root);
    if way { Some(joined(root, name.rest())) } else { meant_below(root, name.rest()) }
}

/// What a name with a known root leads to, if only what is behind the root is a slip.
fn meant_below(root: &str, rest: &[String]) -> Option<String> {
    let below = NAMES.iter().filter_map(|known| {
        let mut steps = known.split('.');
        (steps.next() == Some(root)).then_some(steps)
    });
    // With what was written in the places of anything, the known names compare letter by letter.
    let filled = below.map(|steps| {
        let filled = steps.enumerate().map(|(at, known)| match (known, rest.get(at)) {
            ("*", Some(step)) => step,
            (known, _) => known,
        });
        filled.collect::<Vec<_>>().join(".")
    });
    let filled: Vec<String> = filled.filter(|known| !known.is_empty() && !known.contains('*')).collect();
    let nearest = nearest(&rest.join("."), filled.iter().map(String::as_str))?;
    Some(format!("{root}.{nearest}"))
}

fn joined(root: &str, rest: &[String]) -> String {
    rest.iter().fold(root.to_owned(), |name, step| name + "." + step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Option<String>> {
        let expression = Expression::parse(text).unwrap();
        UnknownName::check_all(&expression, ["customer"]).map_err(|unknown| unknown.nearest)
    }

    #[test]
    fn known_names_are_known() {
        for text in [
            "state.a.b[0]",
            "state",
            "room['x y']",
            "match.1 + match.name",
            "lastMessage",
            "request.ws.message",
            "request.path",
            "request.query.room",
            "request.headers['x-id']",
            "connection.id",
            "connection.messages > 3",
            "machine.door == 'open'",
            "correlation.login.violated == 0",
            "repetition % 2 == 0",
            "$.a == 1",
            "customer == 'Ann'",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn slips_lead_to_the_nearest_name() {
        for (text, meant) in [
            ("stat.count > 1", Some("state.count")),
            ("State.count", Some("state.count")),
            ("lastmessage", Some("lastMessage")),
            ("last_message", Some("lastMessage")),
            ("request.message", Some("request.ws.message")),
            ("request.header.host", Some("request.headers.host")),
            ("request.querry.a", Some("request.query.a")),
            ("reqest.path", Some("request.path")),
            ("conection.messages", Some("connection.messages")),
            ("connection.message", Some("connection.messages")),
            ("correlation.login.violatd", Some("correlation.login.violated")),
            ("repetitions", Some("repetition")),
            ("matches.1", Some("match.1")),
            ("costumer == 1", Some("customer")),
            ("customer.name", None),
            ("user.name", None),
            ("x", None),
            ("now", None),
        ] {
            assert_eq!(check(text), Err(meant.map(str::to_owned)), "{text}");
        }
    }
}
