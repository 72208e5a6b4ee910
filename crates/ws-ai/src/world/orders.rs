//! Orders: each is placed, paid, packed, shipped and delivered, or cancelled before it leaves, or sent back later.

mod goods;
mod order;

use std::collections::VecDeque;

use serde_json::json;

use super::{Dice, World, cast};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use goods::{Good, Shop};
use order::{Order, Status};

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (
        3,
        &[
            "order",
            "delivery",
            "shipment",
            "ecommerce",
            "e-commerce",
            "shop",
            "checkout",
            "parcel",
            "courier",
            "warehouse",
            "webshop",
        ],
    ),
    (
        2,
        &[
            "ship",
            "store",
            "purchase",
            "cart",
            "pizza",
            "restaurant",
            "food",
            "customer",
            "inventory",
            "package",
            "logistics",
            "product",
            "sale",
            "retail",
            "fulfilment",
            "fulfillment",
            "basket",
        ],
    ),
    (1, &["deliver", "buy", "buyer", "payment", "refund", "item", "online", "black", "track", "driver", "late"]),
];

/// How many orders are open at once.
const MOST_OPEN: usize = 12;
/// Those that were finished last are still known.
const MOST_DONE: usize = 12;
const MOST_ANSWERS: usize = 16;

pub(super) struct Orders {
    shop: Shop,
    open: Vec<Order>,
    done: VecDeque<Order>,
    customers: Vec<String>,
    cities: Vec<String>,
    couriers: Vec<String>,
    wanted: usize,
    late: bool,
    returns: i64,
    next: i64,
    answers: VecDeque<Draft>,
}

impl Orders {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let wanted = narrative.count_of(&["order", "parcel", "package", "delivery", "shipment"]);
        let by_mood = if narrative.has(Mood::Busy) {
            7
        } else if narrative.has(Mood::Quiet) {
            1
        } else {
            3
        };
        let count = narrative.count_of(&["customer", "buyer", "user", "people"]).unwrap_or(12).clamp(1, 50);
        let couriers = narrative.count_of(&["courier", "driver", "rider"]).unwrap_or(3).clamp(1, 20);
        Self {
            shop: Shop::of(narrative),
            open: Vec::new(),
            done: VecDeque::new(),
            customers: cast::full_names(narrative, count, dice),
            cities: cast::cities(narrative, if narrative.places().is_empty() { 5 } else { 1 }, dice),
            couriers: dice.sample(cast::FIRST_NAMES, couriers).into_iter().map(str::to_owned).collect(),
            wanted: wanted.unwrap_or(by_mood).clamp(1, MOST_OPEN),
            late: narrative.has(Mood::Late),
            returns: if narrative.has(Mood::Angry) || narrative.says(&["return", "refund"]) { 30 } else { 6 },
            next: dice.between(10_000, 80_000),
            answers: VecDeque::new(),
        }
    }

    fn place(&mut self, customer: Option<String>, items: Vec<(Good, i64)>, dice: &mut Dice) -> Draft {
        self.next += dice.between(1, 3);
        let customer = customer.unwrap_or_else(|| {
            let has_none = |name: &&String| !self.open.iter().any(|order| order.customer == **name);
            let waiting: Vec<&String> = self.customers.iter().filter(has_none).collect();
            waiting.get(dice.place(waiting.len())).map_or_else(|| self.customers[0].clone(), |name| (*name).clone())
        });
        let order = Order {
            id: format!("ORD-{}", self.next),
            customer,
            city: dice.pick(&self.cities).clone(),
            items,
            status: Status::Placed,
            carrier: self.shop.carrier(dice),
            tracking: format!("{:010}", dice.between(1_000_000_000, 9_999_999_999)),
            courier: dice.pick(&self.couriers).clone(),
            stops: 0,
            minutes: dice.between(5, 15),
            delays: 0,
            moves: 0,
        };
        let draft = order.placed();
        self.open.push(order);
        draft
    }

    fn advance(&mut self, at: usize, dice: &mut Dice) -> Draft {
        let draft = self.open[at].advance(self.late, dice);
        if !self.open[at].status.is_open() {
            let order = self.open.remove(at);
            if self.done.len() >= MOST_DONE {
                self.done.pop_front();
            }
            self.done.push_back(order);
        }
        draft
    }

    fn known(&self, narrative: &Narrative, said: &Said) -> Option<String> {
        let field = said.field(&["order_id", "order", "id"]);
        let all = || self.open.iter().chain(&self.done).map(|order| &order.id);
        let is_named = |id: &&String| {
            field.as_deref().is_some_and(|field| field.eq_ignore_ascii_case(id))
                || narrative.lower_words().any(|word| word == id.to_lowercase() || word == &id[4..])
        };
        all().find(is_named).cloned()
    }

    /// Answers for one order: what it is at, or that it is cancelled, as far as it can be.
    fn answer(&mut self, id: &str, cancels: bool, dice: &mut Dice) -> Option<Draft> {
        if let Some(at) = self.open.iter().position(|order| order.id == id) {
            let order = &mut self.open[at];
            if cancels && order.status.can_be_cancelled() {
                order.status = Status::Cancelled;
                let draft = order.draft("order_cancelled", json!({"reason": "requested_by_customer"}));
                let order = self.open.remove(at);
                self.done.push_back(order);
                self.done.truncate(MOST_DONE);
                return Some(draft);
            }
            order.moves += 1;
            if cancels {
                let reason = "it has already left";
                return Some(order.draft("cancellation_refused", json!({"reason": reason, "moves": order.moves})));
            }
            let more =
                json!({"city": order.city, "eta_minutes": order.minutes + dice.between(0, 2), "moves": order.moves});
            return Some(order.draft("order_status", more));
        }
        let order = self.done.iter_mut().find(|order| order.id == id)?;
        order.moves += 1;
        let kind = if cancels { "cancellation_refused" } else { "order_status" };
        Some(order.draft(kind, json!({"city": order.city, "moves": order.moves})))
    }
}

impl World for Orders {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        if self.open.is_empty() || (self.open.len() < self.wanted && dice.chance(30)) {
            let items = self.shop.basket(dice);
            return self.place(None, items, dice);
        }
        // Some of what was delivered comes back.
        if let Some(at) = self.done.iter().position(|order| order.status == Status::Delivered)
            && self.open.len() < MOST_OPEN
            && dice.chance(10)
            && let Some(mut order) = self.done.remove(at)
        {
            if dice.chance(self.returns) {
                let draft = order.advance(false, dice);
                self.open.push(order);
                return draft;
            }
            order.moves += 1;
            let stars = if order.delays > 0 { dice.between(1, 3) } else { dice.between(3, 5) };
            let rated = order.draft("order_rated", json!({"rating_stars": stars, "delays": order.delays}));
            return rated;
        }
        // The older an order, the more likely it is its turn: they come to an end.
        let length = self.open.len();
        let at = dice.place(length).min(dice.place(length));
        self.advance(at, dice)
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        for mood in narrative.moods() {
            match mood {
                Mood::Busy => self.wanted = 7,
                Mood::Quiet => self.wanted = 1,
                Mood::Late => self.late = true,
                Mood::Normal => self.late = false,
                _ => {}
            }
        }
        if self.answers.len() >= MOST_ANSWERS {
            return;
        }
        let cancels = narrative.says(&["cancel"]);
        let known = self.known(narrative, said);
        let asks = cancels || said.line().contains('?') || narrative.says(&["status", "where", "track", "tracking"]);
        // Without a number, it is about the last order.
        let latest = self.open.last().map(|order| order.id.clone());
        if let Some(id) = known.or(latest.filter(|_| asks)) {
            let draft = self.answer(&id, cancels, dice);
            self.answers.extend(draft);
            return;
        }
        let items = self.shop.spoken_of(said);
        let orders = narrative.says(&["order", "buy", "want", "add", "purchase", "checkout"]) || !items.is_empty();
        if orders && self.open.len() < MOST_OPEN {
            let items = if items.is_empty() { self.shop.basket(dice) } else { items };
            let customer = said.speaker().unwrap_or_else(|| "Guest".to_owned());
            let draft = self.place(Some(customer), items, dice);
            self.answers.push_back(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::Value;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    const NARRATIVES: [&str; 4] =
        ["busy online shop", "late pizza delivery in Rome", "3 orders", "angry customers return books"];

    #[test]
    fn orders_move_along_their_states_and_keep_what_they_are() {
        let next: HashMap<&str, &[&str]> = HashMap::from([
            ("placed", &["placed", "paid", "cancelled"][..]),
            ("paid", &["paid", "packed"]),
            ("packed", &["packed", "shipped"]),
            ("shipped", &["shipped", "out_for_delivery"]),
            ("out_for_delivery", &["out_for_delivery", "delivered"]),
            ("delivered", &["delivered", "return_requested"]),
            ("return_requested", &["return_requested", "refunded"]),
            ("refunded", &[]),
            ("cancelled", &[]),
        ]);
        let mut seen: Vec<String> = Vec::new();
        for seed in 0..40 {
            let mut orders: HashMap<String, (String, Value, Value)> = HashMap::new();
            for draft in events::<Orders>(NARRATIVES[seed as usize % 4], seed, 600) {
                let data = &draft.data;
                let status = data["status"].as_str().unwrap().to_owned();
                let id = data["order_id"].as_str().unwrap().to_owned();
                let facts = (status.clone(), data["total_usd"].clone(), data["customer"].clone());
                seen.push(status.clone());
                match orders.insert(id, facts.clone()) {
                    None => {
                        assert_eq!(draft.kind, "order_placed");
                        let cents = |value: &Value| (value.as_f64().unwrap() * 100.0).round() as i64;
                        let items = data["items"].as_array().unwrap();
                        let sum: i64 = items
                            .iter()
                            .map(|item| cents(&item["unit_price_usd"]) * item["quantity"].as_i64().unwrap())
                            .sum();
                        assert_eq!(sum, cents(&data["total_usd"]), "{data}");
                    }
                    Some((before, total, customer)) => {
                        assert!(next[before.as_str()].contains(&status.as_str()), "{before} -> {status}");
                        assert_eq!((total, customer), (facts.1, facts.2));
                    }
                }
                assert!(data["eta_minutes"].as_i64().is_none_or(|minutes| minutes > 0), "{data}");
            }
        }
        for status in next.keys() {
            assert!(seen.iter().any(|other| other == status), "{status}");
        }
    }

    #[test]
    fn the_estimate_shrinks_while_nothing_delays() {
        for seed in 0..20 {
            let mut minutes: HashMap<String, i64> = HashMap::new();
            for draft in events::<Orders>("shop", seed, 400) {
                let id = draft.data["order_id"].as_str().unwrap().to_owned();
                match draft.kind.as_str() {
                    "order_delayed" => drop(minutes.remove(&id)),
                    "order_out_for_delivery" | "courier_position" => {
                        let now = draft.data["eta_minutes"].as_i64().unwrap();
                        assert!(minutes.insert(id, now).is_none_or(|before| now <= before), "{}", draft.data);
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_client_orders_asks_and_cancels() {
        for seed in 0..20 {
            let mut dice = dice(seed);
            let mut world = begun::<Orders>("pizza delivery", &mut dice);
            (0..10).for_each(|_| drop(world.next(&mut dice)));
            hear(&mut world, r#"{"customer": "Zoe", "text": "I want to order 2 margherita pizzas"}"#, &mut dice);
            let placed = world.next(&mut dice);
            assert_eq!((placed.kind.as_str(), &placed.data["customer"]), ("order_placed", &json!("Zoe")));
            assert_eq!(placed.data["items"][0]["quantity"], 2);
            assert_eq!(placed.data["items"][0]["name"], "Pizza Margherita");
            let id = placed.data["order_id"].as_str().unwrap().to_owned();
            hear(&mut world, &format!("where is {id}?"), &mut dice);
            let status = world.next(&mut dice);
            assert_eq!((status.kind.as_str(), &status.data["order_id"]), ("order_status", &json!(id)));
            hear(&mut world, &format!(r#"{{"action": "cancel", "orderId": "{id}"}}"#), &mut dice);
            let cancelled = world.next(&mut dice);
            assert_eq!((cancelled.kind.as_str(), &cancelled.data["status"]), ("order_cancelled", &json!("cancelled")));
        }
    }
}
