//! A compiled query: runs that the engine walks, and what it takes to put them together as RFC 9535 says.
//!
//! It looks at a document depth first and passes on each value as it is found, so that a caller who wants only the
//! first one stops there.

use std::ops::ControlFlow;

use serde_json::Value;

use super::filter::Filter;
use super::walk::{Draft, Plain, Walk, can_be_quoted};

/// The steps of a query after its `$` or `@`.
#[derive(Debug, Clone)]
pub(super) struct Path {
    steps: Vec<Step>,
    singular: bool,
    lead: Vec<Key>,
    leads_to_end: bool,
}

/// One step of a place in a document that does not depend on the document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Name(Box<str>),
    /// From the front.
    Index(usize),
}

impl Key {
    /// What is there, one step below `value`.
    pub(crate) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Name(name) => value.as_object()?.get(&**name),
            Self::Index(index) => value.as_array()?.get(*index),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Plain selectors, one after the other.
    Walk(Walk),
    /// A member whose name the engine cannot be given.
    Member(String),
    /// The value itself and all below it, each before what it contains.
    Descend,
    /// Each of these in turn, as of a union `[0, 'a']`.
    Fork(Vec<Path>),
    /// The value, if the filter accepts it.
    Keep(Filter),
}

/// One alternative between brackets.
#[derive(Debug, Clone)]
pub(super) enum Selector {
    Plain(Plain),
    Filter(Filter),
}

impl Path {
    pub(super) fn builder() -> PathBuilder {
        PathBuilder { steps: Vec::new(), draft: Draft::new(), singular: true, lead: Vec::new(), leads_to_end: true }
    }

    /// The names and indexes that it starts with: whatever it selects is there or below.
    pub(super) fn lead(&self) -> &[Key] {
        &self.lead
    }

    /// Whether there is nothing behind its [`lead`](Self::lead), so that it selects what is there and nothing else.
    pub(super) fn leads_to_end(&self) -> bool {
        self.leads_to_end
    }

    /// Whether it leads to at most one value, whatever the document.
    pub(super) fn is_singular(&self) -> bool {
        self.singular
    }

    /// The first value that it selects, starting at `node` of the document `root`, and that is `wanted`.
    pub(super) fn find<'v>(
        &self,
        root: &'v Value,
        node: &'v Value,
        wanted: impl Fn(&Value) -> bool,
    ) -> Option<&'v Value> {
        let mut first = None;
        let _ = self.visit(root, node, &mut |value| {
            if !wanted(value) {
                return ControlFlow::Continue(());
            }
            first = Some(value);
            ControlFlow::Break(())
        });
        first
    }

    /// The first value that it selects.
    pub(super) fn first<'v>(&self, root: &'v Value, node: &'v Value) -> Option<&'v Value> {
        self.find(root, node, |_| true)
    }

    /// The first values that it selects, each as often as it is selected.
    pub(super) fn select<'v>(&self, root: &'v Value, node: &'v Value, most: usize) -> Vec<&'v Value> {
        let mut all = Vec::new();
        let _ = self.visit(root, node, &mut |value| {
            if all.len() == most {
                return ControlFlow::Break(());
            }
            all.push(value);
            ControlFlow::Continue(())
        });
        all
    }

    fn visit<'v>(&self, root: &'v Value, node: &'v Value, found: Found<'_, 'v>) -> ControlFlow<()> {
        visit(&self.steps, root, node, found)
    }
}

/// Takes a value that was found, and says whether the search goes on.
type Found<'f, 'v> = &'f mut dyn FnMut(&'v Value) -> ControlFlow<()>;

/// Recurses once a step, of which a query of bounded length has few; never into the document.
fn visit<'v>(steps: &[Step], root: &'v Value, node: &'v Value, found: Found<'_, 'v>) -> ControlFlow<()> {
    let Some((step, rest)) = steps.split_first() else { return found(node) };
    match step {
        Step::Walk(walk) => walk.select(node).into_iter().try_for_each(|node| visit(rest, root, node, found)),
        Step::Member(name) => match node.as_object().and_then(|members| members.get(name)) {
            Some(member) => visit(rest, root, member, found),
            None => ControlFlow::Continue(()),
        },
        Step::Descend => descend(node, |node| visit(rest, root, node, found)),
        Step::Fork(branches) => {
            branches.iter().try_for_each(|branch| branch.visit(root, node, &mut |node| visit(rest, root, node, found)))
        }
        Step::Keep(filter) if filter.accepts(root, node) => visit(rest, root, node, found),
        Step::Keep(_) => ControlFlow::Continue(()),
    }
}

fn descend<'v>(node: &'v Value, mut found: impl FnMut(&'v Value) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        found(node)?;
        match node {
            Value::Array(elements) => waiting.extend(elements.iter().rev()),
            Value::Object(members) => waiting.extend(members.values().rev()),
            _ => {}
        }
    }
    ControlFlow::Continue(())
}

/// Puts a path together, segment by segment.
#[derive(Debug)]
pub(super) struct PathBuilder {
    steps: Vec<Step>,
    /// Plain selectors that no step holds yet.
    draft: Draft,
    singular: bool,
    lead: Vec<Key>,
    leads_to_end: bool,
}

impl PathBuilder {
    /// Adds the first half of a `..` segment; its selectors follow as a child segment.
    pub(super) fn descend(&mut self) -> Result<(), &'static str> {
        self.singular = false;
        self.leads_to_end = false;
        self.step(Step::Descend)
    }

    /// Adds a segment of one or more selectors.
    pub(super) fn child(&mut self, selectors: Vec<Selector>) -> Result<(), &'static str> {
        match <[Selector; 1]>::try_from(selectors) {
            Ok([only]) => self.select(only),
            Err(several) => {
                self.singular = false;
                self.leads_to_end = false;
                let branches = several.into_iter().map(|selector| {
                    let mut branch = Path::builder();
                    branch.select(selector)?;
                    branch.finish()
                });
                let branches = branches.collect::<Result<_, _>>()?;
                self.step(Step::Fork(branches))
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<Path, &'static str> {
        self.flush()?;
        Ok(Path { steps: self.steps, singular: self.singular, lead: self.lead, leads_to_end: self.leads_to_end })
    }

    fn select(&mut self, selector: Selector) -> Result<(), &'static str> {
        match key(&selector) {
            Some(key) if self.leads_to_end => self.lead.push(key),
            _ => self.leads_to_end = false,
        }
        match selector {
            Selector::Plain(Plain::Name(name)) if !can_be_quoted(&name) => self.step(Step::Member(name)),
            Selector::Plain(plain) => {
                self.singular &= matches!(plain, Plain::Name(_) | Plain::Index(_));
                self.draft.push(&plain);
                Ok(())
            }
            // A filter selects those children that it accepts.
            Selector::Filter(filter) => {
                self.singular = false;
                self.draft.push(&Plain::Wildcard);
                self.step(Step::Keep(filter))
            }
        }
    }

    fn step(&mut self, step: Step) -> Result<(), &'static str> {
        self.flush()?;
        self.steps.push(step);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), &'static str> {
        if !self.draft.is_empty() {
            let draft = std::mem::replace(&mut self.draft, Draft::new());
            self.steps.push(Step::Walk(draft.compile()?));
        }
        Ok(())
    }
}

fn key(selector: &Selector) -> Option<Key> {
    match selector {
        Selector::Plain(Plain::Name(name)) => Some(Key::Name(name.as_str().into())),
        Selector::Plain(Plain::Index(index)) => usize::try_from(*index).ok().map(Key::Index),
        _ => None,
    }
}
