//! The plots of a news ticker.

use crate::narrative::{Narrative, stem};
use crate::world::Dice;

/// How a story goes. `{n}` is its figure.
#[derive(Debug)]
pub(super) struct Plot {
    words: &'static [&'static str],
    pub(super) category: &'static str,
    pub(super) is_breaking: bool,
    /// Between which it begins.
    pub(super) figure: (i64, i64),
    pub(super) course: Course,
    /// The key of the figure, with its unit.
    pub(super) figure_key: Option<&'static str>,
    /// Headline and body of each bulletin.
    pub(super) bulletins: &'static [(&'static str, &'static str)],
}

impl Plot {
    pub(super) fn is_about(&self, narrative: &Narrative) -> bool {
        self.words.iter().map(|word| stem(word)).any(|word| narrative.stems().any(|other| other == word))
    }
}

/// How the figure of a story goes from bulletin to bulletin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    Grows,
    Shrinks,
    Stays,
    /// It grows in the first half, and then shrinks.
    Peaks,
    /// It is a share of a hundred, and gets nearer to all of it.
    Completes,
}

/// The plots in an order of its own, those that the narrative is about first.
pub(super) fn plots(narrative: &Narrative, dice: &mut Dice) -> Vec<&'static Plot> {
    let mut plots: Vec<&'static Plot> = PLOTS.iter().collect();
    dice.shuffle(&mut plots);
    plots.sort_by_key(|plot| !plot.is_about(narrative));
    plots
}

/// The plot that is spoken of.
pub(super) fn about(narrative: &Narrative) -> Option<&'static Plot> {
    PLOTS.iter().find(|plot| plot.is_about(narrative))
}

const PLOTS: &[Plot] = &[
    Plot {
        words: &["fire", "smoke", "burn", "blaze"],
        category: "emergency",
        is_breaking: true,
        figure: (20, 40),
        course: Course::Peaks,
        figure_key: Some("firefighters"),
        bulletins: &[
            (
                "Fire reported in {a warehouse|an old mill} in {place}",
                "Smoke can be seen across {place}. Residents are asked to keep their windows closed.",
            ),
            (
                "{place}: {n} firefighters at the scene",
                "The fire brigade has called in help from neighbouring districts. No injuries are known so far.",
            ),
            (
                "Fire in {place} {contained|under control}, fire chief says",
                "\"It will not spread further,\" said fire chief {person}. {n} firefighters remain at work.",
            ),
            (
                "{place} fire is out, cause unknown",
                "Investigators will enter the building tomorrow, {surname} said. The nearby street stays closed overnight.",
            ),
        ],
    },
    Plot {
        words: &["storm", "weather", "wind", "rain", "flood", "hurricane", "snow"],
        category: "weather",
        is_breaking: true,
        figure: (9_000, 24_000),
        course: Course::Shrinks,
        figure_key: Some("households_without_power"),
        bulletins: &[
            (
                "Storm {reaches|hits} {place}, {n} households without power",
                "Gusts of more than 110 kilometres per hour were measured. Trains in the region have stopped.",
            ),
            (
                "{place}: crews restore power, {n} households still dark",
                "Fallen trees are the main cause, the grid operator said.",
            ),
            (
                "Storm over {place} weakens",
                "The warning has been lowered. {n} households are still waiting for electricity.",
            ),
            (
                "Trains run again around {place}",
                "The first trains left this afternoon, with delays. About {n} households remain without power.",
            ),
            (
                "{place} begins to clear up after the storm",
                "\"We were lucky,\" mayor {person} said. The remaining {n} households should have power by the evening.",
            ),
        ],
    },
    Plot {
        words: &["election", "vote", "politics", "politic", "candidate", "mayor", "campaign", "poll"],
        category: "politics",
        is_breaking: false,
        figure: (12, 18),
        course: Course::Completes,
        figure_key: Some("counted_percent"),
        bulletins: &[
            (
                "Polls close in {place}'s mayoral election",
                "The count has begun. First results of {n} percent of the districts are in.",
            ),
            (
                "{place}: {person} ahead with {n} percent counted",
                "The lead is narrow, and the large districts in the south are still missing.",
            ),
            ("{surname} widens lead in {place}", "With {n} percent counted, the lead has doubled within the hour."),
            (
                "{surname} declares victory in {place}",
                "The opponent has congratulated. The final result is expected tomorrow.",
            ),
        ],
    },
    Plot {
        words: &["strike", "train", "railway", "transport", "union", "traffic"],
        category: "business",
        is_breaking: false,
        figure: (40, 90),
        course: Course::Grows,
        figure_key: Some("cancelled_trains"),
        bulletins: &[
            (
                "Rail workers in {place} announce strike",
                "The union wants higher wages for night shifts. {n} trains are expected to be cancelled.",
            ),
            (
                "Strike begins: {n} trains cancelled around {place}",
                "Commuters are advised to take buses. The operator calls the strike disproportionate.",
            ),
            (
                "Talks resume in {place} as {n} trains stand still",
                "Both sides met this morning for the first time in two weeks.",
            ),
            (
                "Deal reached: trains in {place} to run from tomorrow",
                "\"A fair compromise,\" said union leader {person}.",
            ),
        ],
    },
    Plot {
        words: &["technology", "tech", "startup", "company", "launch", "space", "rocket", "science"],
        category: "technology",
        is_breaking: false,
        figure: (120, 180),
        course: Course::Grows,
        figure_key: Some("jobs"),
        bulletins: &[
            (
                "Battery maker plans factory in {place}",
                "The company speaks of {n} new jobs. The city council votes next week.",
            ),
            (
                "{place} council approves battery factory",
                "Two thirds voted in favour. The company now expects {n} jobs.",
            ),
            (
                "Neighbours {question|criticise} plans for {place} factory",
                "They fear more lorries. \"We take that seriously,\" project manager {person} said.",
            ),
            (
                "Factory in {place}: new road agreed, work starts in spring",
                "The road leads around the old town. {n} people will work there in the end.",
            ),
        ],
    },
    Plot {
        words: &["sport", "football", "match", "cup", "final", "team", "marathon"],
        category: "sport",
        is_breaking: false,
        figure: (21_000, 48_000),
        course: Course::Stays,
        figure_key: Some("spectators"),
        bulletins: &[
            ("{place} prepares for the cup final", "{n} spectators are expected. Captain {person} is fit again."),
            (
                "Cup final in {place}: 1 to 1 at half-time",
                "{surname} scored the equaliser just before the break, in front of {n} spectators.",
            ),
            (
                "{place} wins the cup after extra time",
                "{surname} scored the winner in the 112th minute. Final score: 2 to 1.",
            ),
            (
                "{place} celebrates its champions",
                "Thousands came to the town hall. \"I have no words,\" {surname} said.",
            ),
        ],
    },
    Plot {
        words: &["economy", "bank", "rate", "inflation", "business", "finance", "market"],
        category: "economy",
        is_breaking: false,
        figure: (2, 3),
        course: Course::Stays,
        figure_key: None,
        bulletins: &[
            ("Central bank meets in {place} today", "Most analysts expect no change of the interest rate."),
            (
                "Surprise in {place}: central bank cuts rate by a quarter point",
                "Inflation of {n} percent leaves room, said governor {person}.",
            ),
            ("Shares rise after rate cut", "Builders and retailers gained most. The currency weakened slightly."),
            ("{surname} rules out another cut this year", "\"One step at a time,\" the governor said in {place}."),
        ],
    },
    Plot {
        words: &["culture", "museum", "art", "festival", "music", "film", "theatre"],
        category: "culture",
        is_breaking: false,
        figure: (300, 600),
        course: Course::Grows,
        figure_key: Some("visitors"),
        bulletins: &[
            ("Lost painting found in {place} attic", "The museum believes that it is by a pupil of a known master."),
            (
                "Experts examine the {place} painting",
                "\"The frame is original,\" said curator {person}. {n} visitors came on the first day to see it.",
            ),
            ("{place} painting is genuine, museum says", "It had been missing since 1911. {n} visitors saw it today."),
            ("Painting stays in {place}", "The family that found it leaves it to the museum, {surname} said."),
        ],
    },
    Plot {
        words: &["animal", "zoo", "bear", "penguin", "local", "funny", "escape"],
        category: "local",
        is_breaking: false,
        figure: (3, 6),
        course: Course::Stays,
        figure_key: Some("penguins"),
        bulletins: &[
            (
                "{n} penguins escape from {place} zoo",
                "A gate had been left open during cleaning. They were last seen near the canal.",
            ),
            ("Penguins sighted at {place} fish market", "Traders say the {n} birds behaved well and paid nothing."),
            ("All {n} penguins are back in {place} zoo", "\"They followed the bucket,\" keeper {person} said."),
        ],
    },
    Plot {
        words: &["earthquake", "quake", "tremor", "disaster", "volcano"],
        category: "emergency",
        is_breaking: true,
        figure: (4, 9),
        course: Course::Grows,
        figure_key: Some("damaged_buildings"),
        bulletins: &[
            (
                "Earthquake felt in {place}",
                "The first measurement gives a magnitude of 4.8. There are no reports of injuries.",
            ),
            (
                "{place}: {n} buildings damaged after earthquake",
                "Schools were evacuated as a precaution, the authorities said.",
            ),
            (
                "Aftershock in {place}, {n} buildings now closed",
                "The magnitude was 3.1. \"That is normal,\" seismologist {person} said.",
            ),
            (
                "Schools in {place} reopen tomorrow",
                "Engineers have inspected all of them. {n} buildings elsewhere stay closed.",
            ),
        ],
    },
];
