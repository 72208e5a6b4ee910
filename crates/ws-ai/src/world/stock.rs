//! A market: prices walk, trades happen between bid and ask, news follow the prices.

mod listing;

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::arc::{Arc, Phase};
use super::data::hundredths;
use super::fill::fill;
use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use listing::{Listing, Market};

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (
        3,
        &[
            "stock",
            "stocks",
            "crypto",
            "cryptocurrency",
            "bitcoin",
            "ethereum",
            "forex",
            "nasdaq",
            "nyse",
            "dow",
            "stockmarket",
        ],
    ),
    (
        2,
        &[
            "trade",
            "trading",
            "market",
            "ticker",
            "share",
            "exchange",
            "portfolio",
            "broker",
            "invest",
            "investor",
            "bid",
            "equity",
            "hedge",
        ],
    ),
    (
        1,
        &[
            "price", "quote", "rally", "bull", "bear", "bullish", "bearish", "volatile", "dividend", "wall", "tape",
            "candle", "ask",
        ],
    ),
];

/// How many symbols a market lists at most; the one that was spoken of longest ago makes place for a new one.
const MOST_SYMBOLS: usize = 12;
const MOST_TRADERS: usize = 50;
/// How many answers to clients wait.
const MOST_ANSWERS: usize = 16;
/// A symbol that moved by more than this since it was last looked at is halted: 6 percent.
const HALT_PPM: i64 = 60_000;

pub(super) struct Stock {
    market: Market,
    listings: Vec<Listing>,
    arc: Arc,
    /// How far prices stray at each step, in parts per million.
    volatility: i64,
    traders: Vec<String>,
    busy: bool,
    /// What a client asked about: it is on the tape more often.
    focus: Option<String>,
    answers: VecDeque<Draft>,
    next_trade: i64,
    next_order: i64,
    /// The average of all prices when the index began.
    index_base: i64,
}

impl Stock {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let market = Market::of(narrative);
        let symbols = narrative.count_of(&["stock", "symbol", "ticker", "company", "share", "coin", "currency"]);
        let listings = market.listings(narrative, symbols.unwrap_or(5).clamp(1, MOST_SYMBOLS), dice);
        let people: Vec<String> = narrative.people().iter().filter(|name| !listing::is_traded(name)).cloned().collect();
        let count = narrative.count_of(&["trader", "investor", "broker", "user"]).unwrap_or(0);
        let traders = count.min(MOST_TRADERS).max(people.len());
        let mut stock = Self {
            market,
            listings,
            arc: Arc::of(narrative, 240),
            volatility: 500,
            traders: if traders == 0 { Vec::new() } else { cast::filled_up(&people, cast::FIRST_NAMES, traders, dice) },
            busy: narrative.has(Mood::Busy),
            focus: None,
            answers: VecDeque::new(),
            next_trade: dice.between(100_000, 900_000),
            next_order: dice.between(1_000, 9_000),
            index_base: dice.between(300_000, 900_000),
        };
        for mood in narrative.moods() {
            stock.feel(*mood, &[], true);
        }
        stock
    }

    /// `lasts`: the narrative says so, not a client in passing.
    fn feel(&mut self, mood: Mood, symbols: &[String], lasts: bool) {
        let push = match mood {
            Mood::Falling => -4_000,
            Mood::Rising => 4_000,
            Mood::Volatile => return self.volatility = 2_500,
            Mood::Busy => return self.volatility = self.volatility.max(800),
            Mood::Quiet => return self.volatility = 150,
            Mood::Normal => {
                self.volatility = 500;
                0
            }
            _ => return,
        };
        for listing in &mut self.listings {
            if symbols.is_empty() || symbols.contains(&listing.symbol) {
                listing.push = push;
                if push == 0 || lasts {
                    listing.lean = push / 4;
                }
            }
        }
    }

    fn status(&mut self, status: &str) -> Draft {
        let mut by_change: Vec<&Listing> = self.listings.iter().collect();
        by_change.sort_by_key(|listing| listing.change_ppm());
        let movers = |listing: &&Listing| json!({"symbol": listing.symbol, "change_percent": listing.change_percent()});
        let mut data = json!({"market": self.market.name(), "status": status, "symbols": self.listings.len()});
        if status == "closed" {
            data["top_gainer"] = by_change.last().map_or(Value::Null, movers);
            data["top_loser"] = by_change.first().map_or(Value::Null, movers);
            data["volume"] = json!(self.listings.iter().map(|listing| listing.volume).sum::<i64>());
            data["trades"] = json!(self.listings.iter().map(|listing| listing.trades).sum::<i64>());
        } else {
            data["index_value"] = json!(hundredths(self.index()));
        }
        Draft { kind: "market_status".to_owned(), data }
    }

    /// In hundredths.
    fn index(&self) -> i64 {
        let count = i64::try_from(self.listings.len()).unwrap_or(1).max(1);
        let change = self.listings.iter().map(Listing::change_ppm).sum::<i64>() / count;
        self.index_base + self.index_base * change / 1_000_000
    }

    fn index_draft(&self) -> Draft {
        let value = self.index();
        let change = (value - self.index_base) * 1_000_000 / self.index_base;
        let data = json!({
            "name": format!("{} Composite", self.market.name()),
            "value_points": hundredths(value),
            "change_percent": hundredths(change / 100),
        });
        Draft { kind: "index".to_owned(), data }
    }

    fn place(&self, dice: &mut Dice) -> usize {
        let focus =
            self.focus.as_ref().and_then(|symbol| self.listings.iter().position(|known| known.symbol == *symbol));
        match focus {
            Some(place) if dice.chance(40) => place,
            _ => dice.place(self.listings.len()),
        }
    }

    fn trade(&mut self, place: usize, dice: &mut Dice) -> Draft {
        self.next_trade += dice.between(1, 9);
        let listing = &mut self.listings[place];
        // Who is in a hurry pays the other side's price: sellers in a falling market, buyers in a rising one.
        let buys = dice.chance(50 + (listing.push / 100).clamp(-30, 30));
        let (bid, ask) = listing.quote();
        let price = if buys { ask } else { bid };
        let quantity = listing.quantity(dice);
        listing.traded(price, quantity);
        let mut data = json!({
            "trade_id": format!("T-{}", self.next_trade),
            "symbol": listing.symbol,
            "price_usd": listing.usd(price),
            "quantity": listing.pieces(quantity),
            "side": if buys { "buy" } else { "sell" },
            "change_percent": listing.change_percent(),
            "day_volume": listing.pieces(listing.volume),
        });
        if !self.traders.is_empty() {
            data["trader"] = json!(dice.pick(&self.traders));
        }
        Draft { kind: "trade".to_owned(), data }
    }

    fn quote(&mut self, place: usize, dice: &mut Dice) -> Draft {
        let listing = &self.listings[place];
        let (bid, ask) = listing.quote();
        let data = json!({
            "symbol": listing.symbol,
            "bid_usd": listing.usd(bid),
            "ask_usd": listing.usd(ask),
            "bid_size": listing.pieces(listing.quantity(dice)),
            "ask_size": listing.pieces(listing.quantity(dice)),
            "last_usd": listing.usd(listing.last()),
            "day_high_usd": listing.usd(listing.high),
            "day_low_usd": listing.usd(listing.low),
        });
        Draft { kind: "quote".to_owned(), data }
    }

    fn headline(&self, place: usize, dice: &mut Dice) -> Draft {
        const UP: &[&str] = &[
            "{s} {climbs|gains|rises} {c} percent as {buyers step in|analysts lift their targets|volume picks up}",
            "{Strong demand|Upbeat guidance|A large buy order} {lifts|pushes up} {s}, now at {p} dollars",
            "{s} at {h} dollars marks the day's high",
        ];
        const DOWN: &[&str] = &[
            "{s} {slips|falls|drops} {c} percent {on profit taking|as sellers take over|amid heavy selling}",
            "{Weak demand|A cautious outlook|A large sell order} {weighs on|drags down} {s}, now at {p} dollars",
            "{s} touches the day's low of {l} dollars",
        ];
        const FLAT: &[&str] = &[
            "{s} little changed at {p} dollars {ahead of earnings|in thin trading|as investors wait}",
            "{s} holds near {p} dollars",
        ];
        let listing = &self.listings[place];
        let change = listing.change_ppm();
        let (templates, sentiment) = match change {
            1_500.. => (UP, "positive"),
            ..=-1_500 => (DOWN, "negative"),
            _ => (FLAT, "neutral"),
        };
        let text = |price: i64| listing.written(price);
        let values = [
            ("s", listing.symbol.clone()),
            ("c", hundredths(change.abs() / 100).to_string()),
            ("p", text(listing.last())),
            ("h", text(listing.high)),
            ("l", text(listing.low)),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let headline = fill(templates[dice.place(templates.len())], &values, dice);
        Draft {
            kind: "headline".to_owned(),
            data: json!({"symbol": listing.symbol, "headline": headline, "sentiment": sentiment}),
        }
    }

    /// Halts what moved too far, and resumes what has rested.
    fn surveillance(&mut self) -> Option<Draft> {
        for listing in &mut self.listings {
            if listing.halted > 0 {
                listing.halted -= 1;
                if listing.halted == 0 {
                    listing.look();
                    let data = json!({"symbol": listing.symbol, "status": "trading", "last_price_usd": listing.usd(listing.last())});
                    return Some(Draft { kind: "trading_resumed".to_owned(), data });
                }
            } else if self.market.halts() && listing.moved_ppm().abs() > HALT_PPM {
                let moved = hundredths(listing.moved_ppm() / 100);
                listing.halted = 8;
                let data = json!({
                    "symbol": listing.symbol,
                    "status": "halted",
                    "reason": "volatility",
                    "moved_percent": moved,
                    "last_price_usd": listing.usd(listing.last()),
                    "pause_seconds": 300,
                });
                return Some(Draft { kind: "trading_halted".to_owned(), data });
            }
        }
        None
    }

    fn list(&mut self, symbol: &str) {
        if self.listings.iter().any(|listing| listing.symbol == symbol) {
            return;
        }
        if self.listings.len() >= MOST_SYMBOLS {
            self.listings.remove(0);
        }
        self.listings.push(self.market.listing(symbol));
    }

    fn order(&mut self, said: &Said, buys: bool, symbol: &str, dice: &mut Dice) {
        let Some(listing) = self.listings.iter_mut().find(|listing| listing.symbol == symbol) else { return };
        if self.answers.len() + 2 > MOST_ANSWERS {
            return;
        }
        self.next_order += 1;
        let order_id = format!("O-{}", self.next_order);
        let wanted =
            said.field(&["quantity", "qty", "amount", "size", "shares"]).and_then(|text| text.parse::<i64>().ok());
        let spoken = said.narrative().lower_words().find_map(|word| word.parse::<i64>().ok());
        let pieces =
            wanted.or(spoken).filter(|pieces| (1..=1_000_000).contains(pieces)).unwrap_or(1 + dice.between(0, 99));
        let quantity = listing.of_pieces(pieces);
        let side = if buys { "buy" } else { "sell" };
        let (bid, ask) = listing.quote();
        let price = if buys { ask } else { bid };
        let accepted =
            json!({"order_id": order_id, "symbol": symbol, "side": side, "quantity": pieces, "status": "accepted"});
        self.answers.push_back(Draft { kind: "order_accepted".to_owned(), data: accepted });
        let (kind, data) = if listing.halted > 0 {
            let data = json!({"order_id": order_id, "symbol": symbol, "side": side, "status": "rejected", "reason": "trading is halted"});
            ("order_rejected", data)
        } else {
            listing.traded(price, quantity);
            let data = json!({
                "order_id": order_id, "symbol": symbol, "side": side, "quantity": pieces,
                "price_usd": listing.usd(price), "status": "filled",
            });
            ("order_filled", data)
        };
        self.answers.push_back(Draft { kind: kind.to_owned(), data });
    }
}

impl World for Stock {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        let phase = self.arc.step();
        match phase {
            Phase::Opening => {
                self.listings.iter_mut().for_each(Listing::open);
                return self.status("open");
            }
            Phase::End => return self.status(if self.market.halts() { "closed" } else { "day_ended" }),
            Phase::Middle | Phase::Closing => {}
        }
        // The last minutes are livelier.
        let volatility = if phase == Phase::Closing { self.volatility * 3 / 2 } else { self.volatility };
        for listing in &mut self.listings {
            listing.walk(volatility, dice);
        }
        if let Some(draft) = self.surveillance() {
            return draft;
        }
        let place = self.place(dice);
        if self.listings[place].halted > 0 {
            return self.headline(place, dice);
        }
        let trades = if self.busy { 66 } else { 55 };
        let roll = dice.between(1, 100);
        if roll <= trades {
            self.trade(place, dice)
        } else if roll <= 92 {
            self.quote(place, dice)
        } else if roll <= 96 {
            self.headline(place, dice)
        } else {
            self.index_draft()
        }
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        let field = said.field(&["symbol", "ticker", "pair", "instrument"]).map(|symbol| symbol.to_uppercase());
        let mut symbols: Vec<String> = narrative.tickers().to_vec();
        symbols.extend(listing::spoken_of(narrative));
        let is_symbol = |symbol: &String| {
            (1..=10).contains(&symbol.len())
                && symbol.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-".contains(&byte))
        };
        symbols.extend(field.filter(is_symbol));
        let known = self.listings.iter().map(|listing| listing.symbol.clone());
        let known: Vec<String> =
            known.filter(|known| narrative.lower_words().any(|word| word == known.to_lowercase())).collect();
        symbols.extend(known);
        symbols.truncate(4);
        for symbol in &symbols {
            self.list(symbol);
        }
        self.focus = symbols.last().cloned().or(self.focus.take());
        for mood in narrative.moods() {
            self.feel(*mood, &symbols, false);
        }
        let Some(symbol) = symbols.first() else { return };
        let trades = narrative.says(&["buy"]) || narrative.says(&["sell", "short"]);
        if trades && !said.is_overheard() {
            self.order(said, narrative.says(&["buy"]), symbol, dice);
        } else if self.answers.len() < MOST_ANSWERS
            && let Some(place) = self.listings.iter().position(|listing| listing.symbol == *symbol)
        {
            let quote = self.quote(place, dice);
            self.answers.push_back(quote);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn a_bid_is_below_the_ask_and_no_price_leaves_the_ground() {
        for seed in 0..40 {
            let narrative =
                ["a busy market", "crash", "volatile crypto", "forex rally", "quiet penny stocks"][seed as usize % 5];
            for draft in events::<Stock>(narrative, seed, 800) {
                let data = &draft.data;
                let number = |key: &str| data[key].as_f64();
                for key in ["price_usd", "bid_usd", "ask_usd", "last_usd", "day_low_usd", "last_price_usd"] {
                    assert!(number(key).is_none_or(|price| price > 0.0), "{data}");
                }
                if draft.kind == "quote" {
                    assert!(number("bid_usd") < number("ask_usd"), "{data}");
                    assert!(number("day_low_usd") <= number("last_usd"), "{data}");
                    assert!(number("last_usd") <= number("day_high_usd"), "{data}");
                }
                if draft.kind == "trade" {
                    assert!(number("quantity").unwrap() > 0.0 && number("day_volume") >= number("quantity"), "{data}");
                }
            }
        }
    }

    #[test]
    fn a_halted_symbol_does_not_trade() {
        let mut halts = 0;
        for seed in 0..20 {
            let mut halted: Vec<Value> = Vec::new();
            for draft in events::<Stock>("stock market crash", seed, 400) {
                let symbol = draft.data["symbol"].clone();
                match draft.kind.as_str() {
                    "trading_halted" => {
                        halts += 1;
                        halted.push(symbol);
                    }
                    "trading_resumed" => halted.retain(|other| *other != symbol),
                    "market_status" => halted.clear(),
                    "trade" | "quote" => assert!(!halted.contains(&symbol), "{}", draft.data),
                    _ => {}
                }
            }
        }
        assert!(halts > 0);
    }

    fn change(drafts: &[Draft]) -> f64 {
        let of_symbol = |draft: &&Draft| draft.kind == "trade" && draft.data["symbol"] == "AAPL";
        let prices: Vec<f64> =
            drafts.iter().filter(of_symbol).map(|draft| draft.data["price_usd"].as_f64().unwrap()).collect();
        prices[prices.len() - 1] / prices[0] - 1.0
    }

    #[test]
    fn the_narrative_sets_the_course() {
        for seed in 0..10 {
            assert!(change(&events::<Stock>("AAPL stock crash", seed, 200)) < -0.02);
            assert!(change(&events::<Stock>("AAPL stock rally", seed, 200)) > 0.02);
        }
    }

    #[test]
    fn a_client_steers() {
        for seed in 0..10 {
            let mut dice = dice(seed);
            let mut world = begun::<Stock>("AAPL and MSFT stock", &mut dice);
            (0..20).for_each(|_| drop(world.next(&mut dice)));
            hear(&mut world, r#"{"action": "subscribe", "symbol": "TSLA"}"#, &mut dice);
            let draft = world.next(&mut dice);
            assert_eq!((draft.kind.as_str(), &draft.data["symbol"]), ("quote", &json!("TSLA")));
            hear(&mut world, "buy 7 TSLA", &mut dice);
            let accepted = world.next(&mut dice);
            let filled = world.next(&mut dice);
            assert_eq!(accepted.kind, "order_accepted");
            assert_eq!(filled.data["order_id"], accepted.data["order_id"]);
            assert_eq!(filled.data["quantity"], 7);
            hear(&mut world, "sell everything!", &mut dice);
            let after: Vec<Draft> = (0..120).map(|_| world.next(&mut dice)).collect();
            assert!(change(&after) < -0.01, "{seed}");
        }
    }
}
