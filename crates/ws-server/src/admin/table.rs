//! All operations, and which of them a request is for.

use http::{HeaderValue, Method, StatusCode, header};

use super::operation::Operation;
use super::problem::Problem;

/// All operations of the API.
pub(super) struct Table(Vec<Operation>);

impl Table {
    pub(super) fn new(operations: Vec<Operation>) -> Self {
        Self(operations)
    }

    pub(super) fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// The operation for a method and a path below the root of the API, and what stands at `{id}` there.
    pub(super) fn find<'a>(&self, method: &Method, path: &'a str) -> Result<(&Operation, &'a str), Problem> {
        // Whoever may get something may ask for its head.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut here: Vec<_> =
            self.0.iter().filter_map(|operation| Some((operation, captured(operation.path, path)?))).collect();
        // A path that is written out is no id.
        if here.iter().any(|(operation, _)| operation.path == path) {
            here.retain(|(operation, _)| operation.path == path);
        }
        if let Some(found) = here.iter().find(|(operation, _)| operation.method == *method) {
            return Ok(*found);
        }
        if here.is_empty() {
            let detail = format!("there is nothing at this path; see {}/openapi.json", super::ROOT);
            return Err(Problem::not_found(detail));
        }
        let mut allowed: Vec<_> = here.iter().map(|(operation, _)| operation.method.as_str()).collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        let allowed = allowed.join(", ");
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("use {allowed}"));
        Err(match HeaderValue::try_from(allowed) {
            Ok(allowed) => problem.header(header::ALLOW, allowed),
            Err(_) => problem,
        })
    }
}

/// What stands at `{id}`, if the path is one of the pattern's; nothing, if that has none.
fn captured<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let mut id = "";
    let (mut wanted, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(segment)) if !segment.is_empty() => id = segment,
            (Some(wanted), Some(segment)) if wanted == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::routes;
    use super::*;

    #[test]
    fn whoever_may_get_something_may_ask_for_its_head() {
        let table = Table::new(routes::all());
        let name = |method: Method, path| table.find(&method, path).map(|(operation, id)| (operation.name, id)).ok();
        assert_eq!(name(Method::HEAD, "/connections"), Some(("list_connections", "")));
        assert_eq!(name(Method::HEAD, "/connections/7"), Some(("get_connection", "7")));
        assert_eq!(name(Method::GET, "/connections/send"), None, "it is no id");
        assert_eq!(name(Method::HEAD, "/connections/send"), None);
    }

    #[test]
    fn paths_are_matched_by_segments() {
        for (pattern, path, expected) in [
            ("/a", "/a", Some("")),
            ("/a/{id}", "/a/7", Some("7")),
            ("/a/{id}/b", "/a/7/b", Some("7")),
            ("/a", "/a/", None),
            ("/a/{id}", "/a/", None),
            ("/a/{id}", "/a/7/b", None),
            ("/a/{id}/b", "/a/7/c", None),
            ("/a", "", None),
        ] {
            assert_eq!(captured(pattern, path), expected, "{pattern} {path}");
        }
    }
}
