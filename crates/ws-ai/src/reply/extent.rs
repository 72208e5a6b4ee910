//! How far a value reaches in a text, by its brackets and quotes alone: what is between them, serde_json judges.
//!
//! Where a model forgets a quote or a bracket, the value must not swallow the events behind it. So a string ends with its line,
//! a code fence ends everything, and an object that begins a line where none can stand is another value.

/// Deeper values are not taken.
pub(super) const MOST_LEVELS: usize = 64;
/// The name of the array that holds events.
const EVENTS: &str = "events";

/// A value that is not complete.
#[derive(Debug)]
pub(super) struct Extent {
    /// The brackets that are open, the outermost first.
    open: Vec<char>,
    /// How many more are, too deep to be told apart.
    deeper: usize,
    is_too_deep: bool,
    /// It cannot be JSON any more.
    is_broken: bool,
    text: Text,
    /// The last character that is neither white space nor in a string.
    last: char,
    line: Line,
    /// The latest name in the outermost object, as far as it is of interest.
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    No,
    Name,
    Other,
    /// Behind a backslash.
    Escape,
}

/// How much of its line stands before a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Nothing,
    Indentation,
    Something,
}

/// What a character is to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is in it.
    Inside,
    /// It is in it, and begins the array `events` of the outermost object.
    Events,
    /// It is its last.
    Closed,
    /// It belongs to another value, or to what is around this one, which has no end.
    Outside,
}

impl Extent {
    /// Behind the brace that begins an object.
    pub(super) fn object() -> Self {
        Self::new('{')
    }

    /// In an object, behind an array that is the value of a member.
    pub(super) fn behind_an_array() -> Self {
        Self { last: ']', ..Self::object() }
    }

    /// Behind the first character of an array or a string.
    pub(super) fn begun_by(character: char) -> Option<Self> {
        match character {
            '[' => Some(Self::new('[')),
            '"' => Some(Self { open: Vec::new(), text: Text::Other, ..Self::new('"') }),
            _ => None,
        }
    }

    fn new(bracket: char) -> Self {
        Self {
            open: vec![bracket],
            deeper: 0,
            is_too_deep: false,
            is_broken: false,
            text: Text::No,
            last: bracket,
            line: Line::Something,
            name: String::new(),
        }
    }

    pub(super) fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    pub(super) fn push(&mut self, character: char) -> Step {
        if self.text != Text::No {
            return self.push_text(character);
        }
        let line = self.line;
        self.line = match character {
            '\n' => Line::Nothing,
            ' ' | '\t' | '\r' if line != Line::Something => Line::Indentation,
            _ => Line::Something,
        };
        match character {
            ' ' | '\t' | '\r' | '\n' => return Step::Inside,
            '`' => return Step::Outside,
            '{' if self.must_be_another(line) => return Step::Outside,
            '}' => return self.close('{'),
            ']' => return self.close('['),
            _ => {}
        }
        self.is_broken |= !self.fits(character);
        let step = if character == '[' && self.is_value_of_events() { Step::Events } else { Step::Inside };
        match character {
            '{' | '[' if self.open.len() == MOST_LEVELS => {
                self.deeper += 1;
                self.is_too_deep = true;
            }
            '{' | '[' => self.open.push(character),
            '"' if self.is_outermost() && matches!(self.last, '{' | ',') => {
                self.name.clear();
                self.text = Text::Name;
            }
            '"' => self.text = Text::Other,
            _ => {}
        }
        self.last = character;
        step
    }

    fn push_text(&mut self, character: char) -> Step {
        match (self.text, character) {
            // No string of JSON goes on in the next line: a quote was forgotten.
            (_, '\n') => {
                self.is_broken = true;
                self.line = Line::Nothing;
                self.text = Text::No;
            }
            // A name of interest has no escapes.
            (Text::Escape, _) => self.text = Text::Other,
            (_, '\\') => {
                self.name.clear();
                self.text = Text::Escape;
            }
            (_, '"') => self.text = Text::No,
            (Text::Name, _) if self.name.len() <= EVENTS.len() => self.name.push(character),
            _ => {}
        }
        if self.text == Text::No && self.open.is_empty() { Step::Closed } else { Step::Inside }
    }

    fn close(&mut self, opening: char) -> Step {
        self.last = if opening == '{' { '}' } else { ']' };
        if self.deeper > 0 {
            self.deeper -= 1;
            return Step::Inside;
        }
        let Some(level) = self.open.iter().rposition(|open| *open == opening) else { return Step::Outside };
        self.is_broken |= level + 1 < self.open.len();
        self.open.truncate(level);
        if self.open.is_empty() { Step::Closed } else { Step::Inside }
    }

    /// Whether an object that begins a line cannot belong to this value. Without indentation, it does not belong to one that
    /// is broken either.
    fn must_be_another(&self, line: Line) -> bool {
        match line {
            Line::Nothing if self.is_broken => true,
            Line::Nothing | Line::Indentation => self.deeper == 0 && !self.can_hold_value(),
            Line::Something => false,
        }
    }

    fn can_hold_value(&self) -> bool {
        match self.open.last() {
            Some('{') => self.last == ':',
            _ => matches!(self.last, '[' | ','),
        }
    }

    /// Whether JSON can have this character there. Not all that is wrong is found.
    fn fits(&self, character: char) -> bool {
        let is_object = self.open.last() == Some(&'{');
        match character {
            '{' | '[' => self.can_hold_value(),
            '"' => self.can_hold_value() || is_object && matches!(self.last, '{' | ','),
            ':' => is_object && self.last == '"',
            ',' => !matches!(self.last, '{' | '[' | ':' | ','),
            // Of a number or a word.
            _ => self.can_hold_value() || !matches!(self.last, '{' | '}' | '[' | ']' | '"' | ':' | ','),
        }
    }

    fn is_outermost(&self) -> bool {
        self.open.len() == 1 && self.open[0] == '{'
    }

    fn is_value_of_events(&self) -> bool {
        self.is_outermost() && self.last == ':' && self.name == EVENTS
    }
}
