//! Worlds in tests.

use super::{Dice, Narrative, Said, World};
use crate::{Draft, StoryFacts};

/// A world that a narrative begins.
pub(super) trait Begins: World + Sized {
    fn begin(narrative: &Narrative, dice: &mut Dice) -> Self;
}

macro_rules! begins {
    ($($world:ty),* $(,)?) => {
        $(impl Begins for $world {
            fn begin(narrative: &Narrative, dice: &mut Dice) -> Self {
                Self::new(narrative, dice)
            }
        })*
    };
}

begins!(
    super::stock::Stock,
    super::chat::Chat,
    super::sensors::Sensors,
    super::orders::Orders,
    super::game::Game,
    super::support::Support,
    super::news::News,
    super::presence::Presence,
    super::activity::Activity,
);

pub(super) fn dice(seed: u64) -> Dice {
    Dice::of(&StoryFacts::new("/ws", 0, seed))
}

pub(super) fn begun<W: Begins>(narrative: &str, dice: &mut Dice) -> W {
    W::begin(&Narrative::read(narrative), dice)
}

/// The first events of a world.
pub(super) fn events<W: Begins>(narrative: &str, seed: u64, count: usize) -> Vec<Draft> {
    let mut dice = dice(seed);
    let mut world = begun::<W>(narrative, &mut dice);
    (0..count).map(|_| world.next(&mut dice)).collect()
}

pub(super) fn hear(world: &mut impl World, message: &str, dice: &mut Dice) {
    world.hear(&Said::read(message), dice);
}
