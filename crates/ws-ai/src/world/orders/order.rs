//! One order, from when it is placed until it is delivered, cancelled or refunded.

use serde_json::{Value, json};

use super::goods::Good;
use crate::Draft;
use crate::world::Dice;
use crate::world::data::{hundredths, joined};

/// Where an order is. It only moves along [`Order::advance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Placed,
    Paid,
    Packed,
    Shipped,
    OutForDelivery,
    Delivered,
    Cancelled,
    ReturnRequested,
    Refunded,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::ReturnRequested => "return_requested",
            Self::Refunded => "refunded",
        }
    }

    pub(super) const fn is_open(self) -> bool {
        !matches!(self, Self::Delivered | Self::Cancelled | Self::Refunded)
    }

    pub(super) const fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Placed | Self::Paid | Self::Packed)
    }
}

#[derive(Debug)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) customer: String,
    pub(super) city: String,
    pub(super) items: Vec<(Good, i64)>,
    pub(super) status: Status,
    pub(super) carrier: &'static str,
    pub(super) tracking: String,
    pub(super) courier: String,
    pub(super) stops: i64,
    pub(super) minutes: i64,
    pub(super) delays: i64,
    pub(super) moves: i64,
}

impl Order {
    fn total(&self) -> i64 {
        self.items.iter().map(|(good, quantity)| good.cents * quantity).sum()
    }

    pub(super) fn draft(&self, kind: &str, more: Value) -> Draft {
        let data = json!({
            "order_id": self.id,
            "status": self.status.as_str(),
            "customer": self.customer,
            "total_usd": hundredths(self.total()),
        });
        Draft { kind: kind.to_owned(), data: joined(data, more) }
    }

    pub(super) fn placed(&self) -> Draft {
        let item = |(good, quantity): &(Good, i64)| json!({"sku": good.sku(), "name": good.name, "quantity": quantity, "unit_price_usd": hundredths(good.cents)});
        let items: Vec<Value> = self.items.iter().map(item).collect();
        self.draft("order_placed", json!({"city": self.city, "items": items}))
    }

    /// The next thing that happens to it.
    pub(super) fn advance(&mut self, is_late: bool, dice: &mut Dice) -> Draft {
        self.moves += 1;
        let delay = match self.status {
            Status::Paid | Status::Shipped | Status::OutForDelivery => {
                if is_late {
                    35
                } else {
                    4
                }
            }
            _ => 0,
        };
        if self.delays < 3 && dice.chance(delay) {
            self.delays += 1;
            let minutes = dice.between(2, 12) * 5;
            self.minutes += minutes;
            let reasons: &[&str] = match self.status {
                Status::Paid => &["an item is being restocked", "the packing line is busy"],
                Status::Shipped => &["held up at the depot", "bad weather on the route", "missed the connection"],
                _ => &["heavy traffic", "the courier is running late", "the address could not be found at once"],
            };
            let reason = *dice.pick(reasons);
            return self
                .draft("order_delayed", json!({"reason": reason, "delay_minutes": minutes, "delays": self.delays}));
        }
        match self.status {
            Status::Placed if dice.chance(4) => {
                self.status = Status::Cancelled;
                let reason = *dice.pick(&["payment_failed", "changed_mind", "ordered_twice"]);
                self.draft("order_cancelled", json!({"reason": reason}))
            }
            Status::Placed => {
                self.status = Status::Paid;
                let method = dice.weighted(&[(6, "card"), (3, "paypal"), (2, "bank_transfer"), (1, "gift_card")]);
                self.draft("order_paid", json!({"payment_method": method}))
            }
            Status::Paid => {
                self.status = Status::Packed;
                let pieces: i64 = self.items.iter().map(|(_, quantity)| quantity).sum();
                let grams: i64 = self.items.iter().map(|(good, quantity)| good.grams * quantity).sum();
                self.draft("order_packed", json!({"pieces": pieces, "weight_grams": grams + 80}))
            }
            Status::Packed => {
                self.status = Status::Shipped;
                self.draft("order_shipped", json!({"carrier": self.carrier, "tracking_number": self.tracking}))
            }
            Status::Shipped => {
                self.status = Status::OutForDelivery;
                self.stops = dice.between(1, 4);
                self.minutes += self.stops * dice.between(6, 14);
                self.on_its_way("order_out_for_delivery")
            }
            Status::OutForDelivery if self.stops > 0 => {
                self.stops -= 1;
                self.minutes =
                    if self.stops == 0 { dice.between(1, 4) } else { self.minutes * self.stops / (self.stops + 1) };
                self.minutes = self.minutes.max(self.stops + 1);
                self.on_its_way("courier_position")
            }
            Status::OutForDelivery => {
                self.status = Status::Delivered;
                let left = *dice.pick(&["handed_over", "handed_over", "left_at_door", "with_neighbour"]);
                self.draft("order_delivered", json!({"courier": self.courier, "city": self.city, "delivered": left}))
            }
            Status::Delivered => {
                self.status = Status::ReturnRequested;
                let reason = *dice.pick(&["damaged", "wrong_item", "does_not_fit", "not_as_described"]);
                self.draft("return_requested", json!({"reason": reason}))
            }
            Status::ReturnRequested => {
                self.status = Status::Refunded;
                self.draft("order_refunded", json!({"refund_usd": hundredths(self.total())}))
            }
            Status::Cancelled | Status::Refunded => self.draft("order_status", json!({"moves": self.moves})),
        }
    }

    fn on_its_way(&self, kind: &str) -> Draft {
        self.draft(kind, json!({"courier": self.courier, "stops_left": self.stops, "eta_minutes": self.minutes}))
    }
}
