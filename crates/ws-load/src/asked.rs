//! The messages of one connection that wait for their answers. No IO, no clock.

use std::collections::{BTreeMap, VecDeque};

use crate::clock::Nanos;

/// How many of those that were given up are remembered, to tell late answers from doubled ones.
const REMEMBERED: usize = 1024;

/// How far the newest question may be from the oldest one until that one is kept apart.
const DENSE: usize = 256;

/// A message that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// When its round trip began: when it was due, or sent.
    pub(crate) from: Nanos,
    /// When it was sent.
    pub(crate) sent: Nanos,
    /// Of what was sent, where answers are compared.
    pub(crate) hash: u64,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    To(Question),
    /// There was one already.
    Doubled,
    /// To one that was given up.
    Late(Question),
    /// That was never sent here.
    Unknown,
}

/// Open questions, in the order of their numbers. The memory they take is that of the open ones: one that is never answered does
/// not hold those behind it.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Those before the front.
    old: BTreeMap<u32, Question>,
    /// The number of the front.
    first: u32,
    /// `None`: answered, while one before it is not.
    questions: VecDeque<Option<Question>>,
    open: usize,
    began_with: u32,
    given_up: VecDeque<(u32, Question)>,
}

impl Asked {
    /// `next` is the number of the first message.
    pub(crate) fn new(next: u32) -> Self {
        Self {
            old: BTreeMap::new(),
            first: next,
            questions: VecDeque::new(),
            open: 0,
            began_with: next,
            given_up: VecDeque::new(),
        }
    }

    /// Numbers follow each other; gives back that of this one.
    pub(crate) fn ask(&mut self, question: Question) -> u32 {
        let number = self.first + self.questions.len() as u32;
        self.questions.push_back(Some(question));
        self.open += 1;
        if self.questions.len() > DENSE
            && let Some(Some(question)) = self.questions.pop_front()
        {
            self.old.insert(self.first, question);
            self.first += 1;
            self.tidy();
        }
        number
    }

    /// The open ones.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// The oldest open one: an answered front is taken away at once.
    pub(crate) fn oldest(&self) -> Option<Question> {
        self.old.values().next().or_else(|| self.questions.front()?.as_ref()).copied()
    }

    /// Its number, if there is one.
    fn oldest_number(&self) -> Option<u32> {
        self.old.keys().next().copied().or((!self.questions.is_empty()).then_some(self.first))
    }

    pub(crate) fn answer_oldest(&mut self) -> Answer {
        match self.oldest_number() {
            Some(number) => self.answer(number),
            None => self.given_up.pop_front().map_or(Answer::Unknown, |(_, question)| Answer::Late(question)),
        }
    }

    pub(crate) fn answer(&mut self, number: u32) -> Answer {
        if number < self.began_with {
            return Answer::Unknown;
        }
        let Some(index) = number.checked_sub(self.first) else { return self.answer_old(number) };
        match self.questions.get_mut(index as usize) {
            None => Answer::Unknown,
            Some(question) => match question.take() {
                None => Answer::Doubled,
                Some(question) => {
                    self.open -= 1;
                    self.tidy();
                    Answer::To(question)
                }
            },
        }
    }

    fn answer_old(&mut self, number: u32) -> Answer {
        if let Some(question) = self.old.remove(&number) {
            self.open -= 1;
            return Answer::To(question);
        }
        let index = self.given_up.iter().position(|(given_up, _)| *given_up == number);
        let late = index.and_then(|index| self.given_up.remove(index));
        late.map_or(Answer::Doubled, |(_, question)| Answer::Late(question))
    }

    /// Gives up what was sent before then; tells how many.
    pub(crate) fn give_up(&mut self, before: Nanos) -> u64 {
        let mut count = 0;
        while self.oldest().is_some_and(|oldest| oldest.sent < before)
            && let Some(number) = self.oldest_number()
            && let Answer::To(question) = self.answer(number)
        {
            if self.given_up.len() == REMEMBERED {
                self.given_up.pop_front();
            }
            self.given_up.push_back((number, question));
            count += 1;
        }
        count
    }

    fn tidy(&mut self) {
        while matches!(self.questions.front(), Some(None)) {
            self.questions.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(sent: Nanos) -> Question {
        Question { from: sent, sent, hash: 0 }
    }

    fn asked(count: u64) -> Asked {
        let mut asked = Asked::new(5);
        (0..count).for_each(|n| assert_eq!(u64::from(asked.ask(question(n))), n + 5));
        asked
    }

    #[test]
    fn answers_come_in_any_order_and_once() {
        let mut asked = asked(3);
        assert_eq!(asked.answer(6), Answer::To(question(1)));
        assert_eq!(asked.answer(6), Answer::Doubled);
        assert_eq!((asked.open(), asked.questions.len()), (2, 3));
        assert_eq!(asked.answer(5), Answer::To(question(0)));
        assert_eq!((asked.open(), asked.questions.len()), (1, 1));
        assert_eq!(asked.answer(5), Answer::Doubled);
        for unknown in [0, 4, 8, u32::MAX] {
            assert_eq!(asked.answer(unknown), Answer::Unknown);
        }
        assert_eq!(asked.answer_oldest(), Answer::To(question(2)));
        assert_eq!(asked.answer_oldest(), Answer::Unknown);
        assert_eq!((asked.open(), asked.questions.len()), (0, 0));
    }

    #[test]
    fn what_is_given_up_may_come_late() {
        let mut asked = asked(3);
        assert_eq!(asked.give_up(2), 2);
        assert_eq!(asked.answer(5), Answer::Late(question(0)));
        assert_eq!(asked.answer(5), Answer::Doubled);
        assert_eq!(asked.answer(7), Answer::To(question(2)));
        assert_eq!(asked.answer_oldest(), Answer::Late(question(1)));
        assert_eq!(asked.answer_oldest(), Answer::Unknown);
    }

    #[test]
    fn one_that_is_never_answered_holds_no_memory_of_others() {
        let mut asked = Asked::new(1);
        for number in 1..=100_000 {
            asked.ask(question(u64::from(number)));
            // Two of all are not answered.
            if number != 3 && number != 50_000 {
                assert_eq!(asked.answer(number), Answer::To(question(u64::from(number))));
            }
        }
        assert_eq!((asked.open(), asked.oldest()), (2, Some(question(3))));
        assert!(asked.questions.len() <= DENSE && asked.old.len() <= 2);
        assert_eq!(asked.answer(2), Answer::Doubled);
        assert_eq!(asked.answer(3), Answer::To(question(3)));
        assert_eq!(asked.answer(3), Answer::Doubled);
        assert_eq!(asked.oldest(), Some(question(50_000)));
        assert_eq!((asked.give_up(50_001), asked.open(), asked.oldest()), (1, 0, None));
        assert_eq!(asked.answer(50_000), Answer::Late(question(50_000)));
    }

    #[test]
    fn the_oldest_is_the_oldest_however_many_there_are() {
        let mut asked = Asked::new(1);
        for n in 1..=1_000 {
            asked.ask(question(n));
        }
        assert_eq!(asked.open(), 1_000);
        assert_eq!(asked.give_up(11), 10);
        for n in 11..=1_000 {
            assert_eq!(asked.answer_oldest(), Answer::To(question(n)));
        }
        assert_eq!((asked.open(), asked.answer_oldest()), (0, Answer::Late(question(1))));
    }
}
