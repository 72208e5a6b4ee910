//! Worlds: small simulations that write events. Each keeps a state that only moves as the real thing would.
//!
//! A world knows no clock and no network. Everything that is random comes from its story's [`Dice`], and all of it is counted
//! in whole numbers, so that it comes out the same on every machine.

mod activity;
mod arc;
pub(crate) mod cast;
mod chat;
mod choice;
mod data;
mod dice;
mod fill;
mod game;
mod news;
mod orders;
mod presence;
mod sensors;
mod shaped;
mod stock;
mod support;
#[cfg(test)]
mod testing;

pub(crate) use choice::{Choice, is_vocabulary};
pub(crate) use dice::Dice;
pub(crate) use shaped::Shaped;

use crate::Draft;
use crate::narrative::{Narrative, Said};

/// Something that goes on, and never ends.
pub(crate) trait World: Send {
    /// What happens next.
    fn next(&mut self, dice: &mut Dice) -> Draft;

    /// Takes up what the client said: it shows in what happens from now on.
    fn hear(&mut self, said: &Said, dice: &mut Dice);
}

/// Which world it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorldKind {
    Stock,
    Chat,
    Sensors,
    Orders,
    Game,
    Support,
    News,
    Presence,
    Activity,
}

impl WorldKind {
    /// Those that a narrative can choose.
    const ALL: [Self; 8] =
        [Self::Stock, Self::Chat, Self::Sensors, Self::Orders, Self::Game, Self::Support, Self::News, Self::Presence];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock market",
            Self::Chat => "chat",
            Self::Sensors => "sensors",
            Self::Orders => "orders and delivery",
            Self::Game => "game",
            Self::Support => "support desk",
            Self::News => "news",
            Self::Presence => "presence",
            Self::Activity => "general activity",
        }
    }

    /// The words that choose it, each with its weight.
    const fn words(self) -> &'static [(u32, &'static [&'static str])] {
        match self {
            Self::Stock => stock::WORDS,
            Self::Chat => chat::WORDS,
            Self::Sensors => sensors::WORDS,
            Self::Orders => orders::WORDS,
            Self::Game => game::WORDS,
            Self::Support => support::WORDS,
            Self::News => news::WORDS,
            Self::Presence => presence::WORDS,
            Self::Activity => &[],
        }
    }

    /// Begins it.
    pub(crate) fn begin(self, narrative: &Narrative, dice: &mut Dice) -> Box<dyn World> {
        match self {
            Self::Stock => Box::new(stock::Stock::new(narrative, dice)),
            Self::Chat => Box::new(chat::Chat::new(narrative, dice)),
            Self::Sensors => Box::new(sensors::Sensors::new(narrative, dice)),
            Self::Orders => Box::new(orders::Orders::new(narrative, dice)),
            Self::Game => Box::new(game::Game::new(narrative, dice)),
            Self::Support => Box::new(support::Support::new(narrative, dice)),
            Self::News => Box::new(news::News::new(narrative, dice)),
            Self::Presence => Box::new(presence::Presence::new(narrative, dice)),
            Self::Activity => Box::new(activity::Activity::new(narrative, dice)),
        }
    }
}
