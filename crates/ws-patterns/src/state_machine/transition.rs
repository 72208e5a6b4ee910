//! What leads from one state to another: a message, or time.

use std::time::Duration;

use crate::{Expression, MessagePattern};

/// A message that leads from one state to another, or to the same one again.
///
/// ```
/// use ws_patterns::{Expression, MessagePattern, Transition};
///
/// let transition = Transition::new("waiting", "playing", MessagePattern::exact("start"))
///     .when(Expression::parse("state.players > 1")?)
///     .then("the game begins");
/// assert_eq!((transition.from(), transition.to()), ("waiting", "playing"));
/// # Ok::<(), ws_patterns::ExpressionError>(())
/// ```
#[must_use = "it does nothing before it is given to a builder"]
#[derive(Debug, Clone)]
pub struct Transition<A = ()> {
    pattern: MessagePattern,
    path: Path<A>,
}

/// Time that leads from one state to another, or to the same one again: `after` it was entered.
///
/// ```
/// use std::time::Duration;
/// use ws_patterns::Timer;
///
/// let timer = Timer::new("playing", Duration::from_secs(60), "over").then("time is up");
/// assert_eq!((timer.state(), timer.to()), ("playing", "over"));
/// ```
#[must_use = "it does nothing before it is given to a builder"]
#[derive(Debug, Clone)]
pub struct Timer<A = ()> {
    after: Duration,
    path: Path<A>,
}

/// What transitions and timers have in common.
#[derive(Debug, Clone)]
struct Path<A> {
    from: String,
    /// `None` stays inside.
    to: Option<String>,
    guard: Option<Expression>,
    action: A,
}

impl Path<()> {
    fn new(from: String, to: Option<String>) -> Self {
        Self { from, to, guard: None, action: () }
    }
}

impl<A> Path<A> {
    fn when(self, guard: Expression) -> Self {
        Self { guard: Some(guard), ..self }
    }

    fn then<B>(self, action: B) -> Path<B> {
        Path { from: self.from, to: self.to, guard: self.guard, action }
    }

    fn to(&self) -> &str {
        self.to.as_deref().unwrap_or(&self.from)
    }
}

impl Transition {
    /// From state `from`, a message that matches `pattern` leads to state `to`. If that is the same one, it is entered
    /// again, and its timers start anew.
    pub fn new(from: impl Into<String>, to: impl Into<String>, pattern: MessagePattern) -> Self {
        Self { pattern, path: Path::new(from.into(), Some(to.into())) }
    }

    /// In `state`, a message that matches `pattern` has an action, but the state is not left, and its timers go on.
    pub fn inside(state: impl Into<String>, pattern: MessagePattern) -> Self {
        Self { pattern, path: Path::new(state.into(), None) }
    }
}

impl<A> Transition<A> {
    /// Only if `guard` holds. It replaces an earlier guard.
    pub fn when(self, guard: Expression) -> Self {
        Self { path: self.path.when(guard), ..self }
    }

    /// What to do when it is taken. It replaces an earlier action.
    pub fn then<B>(self, action: B) -> Transition<B> {
        Transition { pattern: self.pattern, path: self.path.then(action) }
    }

    /// The name of the state that it starts from.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.path.from
    }

    /// The name of the state that it leads to.
    #[must_use]
    pub fn to(&self) -> &str {
        self.path.to()
    }

    /// Whether it neither leaves nor enters a state.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.path.to.is_none()
    }

    /// What the message looks like.
    #[must_use]
    pub fn pattern(&self) -> &MessagePattern {
        &self.pattern
    }

    /// What must hold, too.
    #[must_use]
    pub fn guard(&self) -> Option<&Expression> {
        self.path.guard.as_ref()
    }

    /// What to do when it is taken.
    #[must_use]
    pub fn action(&self) -> &A {
        &self.path.action
    }
}

impl Timer {
    /// When `state` was entered that long ago and not left since, it leads to state `to`. If that is the same one, it
    /// is entered again, so the timer repeats.
    pub fn new(state: impl Into<String>, after: Duration, to: impl Into<String>) -> Self {
        Self { after, path: Path::new(state.into(), Some(to.into())) }
    }

    /// When `state` was entered that long ago and not left since, there is an action, once, but the state is not left,
    /// and its other timers go on.
    pub fn inside(state: impl Into<String>, after: Duration) -> Self {
        Self { after, path: Path::new(state.into(), None) }
    }
}

impl<A> Timer<A> {
    /// Only if `guard` holds at that time. It replaces an earlier guard.
    pub fn when(self, guard: Expression) -> Self {
        Self { path: self.path.when(guard), ..self }
    }

    /// What to do when it fires. It replaces an earlier action.
    pub fn then<B>(self, action: B) -> Timer<B> {
        Timer { after: self.after, path: self.path.then(action) }
    }

    /// The name of the state in which it runs.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.path.from
    }

    /// How long after the state was entered.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }

    /// The name of the state that it leads to.
    #[must_use]
    pub fn to(&self) -> &str {
        self.path.to()
    }

    /// Whether it neither leaves nor enters a state.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.path.to.is_none()
    }

    /// What must hold, too.
    #[must_use]
    pub fn guard(&self) -> Option<&Expression> {
        self.path.guard.as_ref()
    }

    /// What to do when it fires.
    #[must_use]
    pub fn action(&self) -> &A {
        &self.path.action
    }
}
