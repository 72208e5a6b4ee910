//! One symbol of a market, and which symbols there are.

use serde_json::Value;

use crate::narrative::Narrative;
use crate::world::{Dice, cast};

/// Symbol, the name it is spoken of, and its price in cents.
const EQUITIES: &[(&str, &str, i64)] = &[
    ("AAPL", "apple", 22_740),
    ("MSFT", "microsoft", 43_110),
    ("NVDA", "nvidia", 13_185),
    ("AMZN", "amazon", 19_860),
    ("GOOGL", "google", 17_420),
    ("META", "facebook", 57_630),
    ("TSLA", "tesla", 24_890),
    ("JPM", "jpmorgan", 21_475),
    ("NFLX", "netflix", 70_215),
    ("AMD", "amd", 15_640),
    ("DIS", "disney", 9_585),
    ("KO", "coca-cola", 6_930),
    ("BA", "boeing", 15_290),
    ("GME", "gamestop", 2_260),
    ("INTC", "intel", 2_335),
];
const COINS: &[(&str, &str, i64)] = &[
    ("BTC", "bitcoin", 6_412_000),
    ("ETH", "ethereum", 251_400),
    ("SOL", "solana", 14_630),
    ("LTC", "litecoin", 6_820),
    ("XMR", "monero", 15_710),
    ("BNB", "binance", 57_300),
    ("DOGE", "dogecoin", 13),
    ("ADA", "cardano", 36),
];
/// In hundred-thousandths of a dollar.
const CURRENCIES: &[(&str, &str, i64)] = &[
    ("EUR/USD", "euro", 108_420),
    ("GBP/USD", "sterling", 129_760),
    ("AUD/USD", "aussie", 66_310),
    ("NZD/USD", "kiwi", 60_470),
    ("CHF/USD", "franc", 115_630),
];

/// Millionths of a dollar, in which prices walk.
const DOLLAR: i64 = 1_000_000;

/// What is traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Market {
    Equities,
    Coins,
    Currencies,
}

impl Market {
    pub(super) fn of(narrative: &Narrative) -> Self {
        let speaks_of = |known: &[(&str, &str, i64)]| {
            known.iter().any(|(symbol, name, _)| {
                narrative.lower_words().any(|word| word == *name)
                    || narrative.tickers().iter().any(|ticker| ticker == symbol)
            })
        };
        if narrative.says(&["crypto", "cryptocurrency", "coin", "token", "blockchain"]) || speaks_of(COINS) {
            Self::Coins
        } else if narrative.says(&["forex", "currency", "fx"]) || speaks_of(CURRENCIES) {
            Self::Currencies
        } else {
            Self::Equities
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equities => "Equities",
            Self::Coins => "Crypto",
            Self::Currencies => "Forex",
        }
    }

    /// Whether trading stops when a price moves too far; and at the end of the day.
    pub(super) fn halts(self) -> bool {
        self == Self::Equities
    }

    fn known(self) -> &'static [(&'static str, &'static str, i64)] {
        match self {
            Self::Equities => EQUITIES,
            Self::Coins => COINS,
            Self::Currencies => CURRENCIES,
        }
    }

    /// The symbols of the narrative; others until there are `count`, unless it names some.
    pub(super) fn listings(self, narrative: &Narrative, count: usize, dice: &mut Dice) -> Vec<Listing> {
        let mut named = narrative.tickers().to_vec();
        for symbol in spoken_of(narrative) {
            if !named.contains(&symbol) {
                named.push(symbol);
            }
        }
        let count = if named.is_empty() || narrative.says(&["other", "others", "more"]) { count } else { named.len() };
        // The first ones are what everybody knows.
        let others: Vec<&str> = self.known().iter().take(count.max(8)).map(|(symbol, _, _)| *symbol).collect();
        let mut symbols = cast::filled_up(&named, &others, count, dice);
        symbols.truncate(super::MOST_SYMBOLS);
        symbols.iter().map(|symbol| self.listing(symbol)).collect()
    }

    /// What is unknown has a price of its own, the same in each story.
    pub(super) fn listing(self, symbol: &str) -> Listing {
        let found = [Self::Equities, Self::Coins, Self::Currencies].into_iter().find_map(|market| {
            let known = market.known().iter().find(|(known, _, _)| *known == symbol)?;
            Some((market, known.2))
        });
        let hash = symbol.bytes().fold(7_i64, |hash, byte| (hash * 31 + i64::from(byte)) % 99_991);
        let (market, price) =
            found.unwrap_or((self, if self == Self::Currencies { 50_000 + hash } else { 1_000 + hash % 39_000 }));
        Listing::new(symbol, market, price)
    }
}

/// The symbols of companies and coins that are spoken of by name.
pub(super) fn spoken_of(narrative: &Narrative) -> impl Iterator<Item = String> {
    let known = EQUITIES.iter().chain(COINS).chain(CURRENCIES);
    known
        .filter(|(_, name, _)| narrative.lower_words().any(|word| word.trim_end_matches("'s") == *name))
        .map(|(symbol, _, _)| (*symbol).to_owned())
}

/// Whether it is the name of a company or a coin.
pub(super) fn is_traded(name: &str) -> bool {
    EQUITIES.iter().chain(COINS).chain(CURRENCIES).any(|(_, known, _)| name.eq_ignore_ascii_case(known))
}

/// A symbol, and how it stands.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub(super) symbol: String,
    /// Where its price is drawn, in parts per million a step: what happened, wearing off.
    pub(super) push: i64,
    /// And what lasts.
    pub(super) lean: i64,
    /// How many events it rests.
    pub(super) halted: u32,
    /// The day's, in ticks.
    pub(super) high: i64,
    pub(super) low: i64,
    /// In the smallest quantity.
    pub(super) volume: i64,
    pub(super) trades: i64,
    market: Market,
    /// In millionths.
    price: i64,
    opened: i64,
    looked: i64,
}

impl Listing {
    fn new(symbol: &str, market: Market, ticks: i64) -> Self {
        let tick = if market == Market::Currencies { DOLLAR / 100_000 } else { DOLLAR / 100 };
        let price = ticks * tick;
        Self {
            symbol: symbol.to_owned(),
            push: 0,
            lean: 0,
            halted: 0,
            high: ticks,
            low: ticks,
            volume: 0,
            trades: 0,
            market,
            price,
            opened: price,
            looked: price,
        }
    }

    /// A cent; of currencies, a thousandth of it.
    fn tick(&self) -> i64 {
        if self.market == Market::Currencies { DOLLAR / 100_000 } else { DOLLAR / 100 }
    }

    /// The price in ticks, at least two: so a bid below it is above 0.
    pub(super) fn last(&self) -> i64 {
        (self.price / self.tick()).max(2)
    }

    /// A new day.
    pub(super) fn open(&mut self) {
        self.opened = self.price;
        self.looked = self.price;
        self.high = self.last();
        self.low = self.last();
        self.volume = 0;
        self.trades = 0;
        self.halted = 0;
        // No crash or rally goes on in the same way day by day.
        self.lean /= 2;
    }

    pub(super) fn look(&mut self) {
        self.looked = self.price;
    }

    /// One step. The further a price is from where the day began, the less it is drawn on.
    pub(super) fn walk(&mut self, volatility: i64, dice: &mut Dice) {
        const FARTHEST: i64 = 400_000;
        if self.halted > 0 {
            return;
        }
        // Currencies move in much smaller steps than shares, coins in larger ones.
        let (times, by) = match self.market {
            Market::Equities => (1, 1),
            Market::Coins => (3, 2),
            Market::Currencies => (1, 4),
        };
        let away = self.change_ppm();
        let drawn = self.push + self.lean;
        let room = if (drawn < 0) == (away < 0) { (FARTHEST - away.abs()).max(0) } else { FARTHEST };
        let drift = drawn * room / FARTHEST;
        let home = -away / 400;
        let step = (drift + home + dice.bell(volatility)) * times / by;
        let floor = 2 * self.tick();
        self.price = (self.price + self.price / 1_000 * step / 1_000).clamp(floor, 10_000_000 * DOLLAR);
        self.push = self.push * 97 / 100;
        self.high = self.high.max(self.last());
        self.low = self.low.min(self.last());
    }

    /// Bid and ask, in ticks.
    pub(super) fn quote(&self) -> (i64, i64) {
        let last = self.last();
        let half = (last / 10_000).max(1);
        (last - half, last + half)
    }

    pub(super) fn traded(&mut self, price: i64, quantity: i64) {
        self.volume = self.volume.saturating_add(quantity);
        self.trades += 1;
        self.high = self.high.max(price);
        self.low = self.low.min(price);
    }

    /// Since the day began.
    pub(super) fn change_ppm(&self) -> i64 {
        ppm(self.price, self.opened)
    }

    pub(super) fn change_percent(&self) -> f64 {
        super::hundredths(self.change_ppm() / 100)
    }

    /// Since it was last looked at.
    pub(super) fn moved_ppm(&self) -> i64 {
        ppm(self.price, self.looked)
    }

    /// Whole shares, thousandths of coins, thousands of currencies.
    pub(super) fn quantity(&self, dice: &mut Dice) -> i64 {
        match self.market {
            Market::Equities => {
                let size = dice.weighted(&[(5, (1, 99, 1)), (5, (1, 9, 100)), (1, (10, 50, 100))]);
                dice.between(size.0, size.1) * size.2
            }
            Market::Coins => {
                // A coin of a thousand dollars is traded in parts, one of a cent by thousands.
                let whole = (20_000 * DOLLAR / self.price.max(1)).clamp(1, 100_000);
                dice.between(1, whole * 100)
            }
            Market::Currencies => dice.between(1, 500) * 1_000,
        }
    }

    /// A quantity as it is written.
    pub(super) fn pieces(&self, quantity: i64) -> Value {
        match self.market {
            Market::Coins => Value::from(quantity as f64 / 1_000.0),
            _ => Value::from(quantity),
        }
    }

    /// The quantity of whole pieces.
    pub(super) fn of_pieces(&self, pieces: i64) -> i64 {
        if self.market == Market::Coins { pieces * 1_000 } else { pieces }
    }

    /// A price as it is written.
    pub(super) fn usd(&self, ticks: i64) -> f64 {
        if self.market == Market::Currencies { ticks as f64 / 100_000.0 } else { super::hundredths(ticks) }
    }

    /// A price as it is written in a text.
    pub(super) fn written(&self, ticks: i64) -> String {
        if self.market == Market::Currencies {
            format!("{:.5}", self.usd(ticks))
        } else {
            format!("{:.2}", self.usd(ticks))
        }
    }
}

fn ppm(price: i64, from: i64) -> i64 {
    let ppm = (i128::from(price) - i128::from(from)) * 1_000_000 / i128::from(from.max(1));
    i64::try_from(ppm).unwrap_or(i64::MAX)
}
