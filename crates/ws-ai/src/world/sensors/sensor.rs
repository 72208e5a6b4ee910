//! One sensor: its value drifts towards what the hour and its trouble make of it.

use serde_json::{Value, json};

use super::quantity::{Quantity, usual_warmth};
use crate::Draft;
use crate::world::Dice;
use crate::world::data::{joined, tenths};
use crate::world::fill::slug;

/// How many events a day has.
pub(super) const DAY: i64 = 288;

#[derive(Debug)]
pub(super) struct Sensor {
    pub(super) id: String,
    pub(super) place: String,
    pub(super) quantity: Quantity,
    pub(super) usual: i64,
    pub(super) high: i64,
    value: i64,
    /// Where something draws it, beside the day.
    pub(super) push: i64,
    /// How long that lasts, in readings.
    pub(super) pushed_for: i64,
    /// What comes again and again, because the narrative says so.
    pub(super) recurring: i64,
    pub(super) battery: i64,
    is_alarmed: bool,
    pub(super) is_offline: bool,
    /// Whether its low battery was told.
    pub(super) is_low: bool,
    phase: i64,
    readings: i64,
    pub(super) outages: i64,
}

impl Sensor {
    pub(super) fn new(place: String, quantity: Quantity, others: &[Self], now: i64, dice: &mut Dice) -> Self {
        let prefix = format!("{}-{}", slug(&place), quantity.name);
        let number = 1 + others.iter().filter(|other| other.id.starts_with(&prefix)).count();
        let warm = usual_warmth(&place);
        let usual = match warm {
            Some(warm) if quantity.name == "temperature" => warm,
            _ => quantity.usual,
        } + dice.bell(quantity.noise * 2);
        let mut sensor = Self {
            id: format!("{prefix}-{number}"),
            // A freezer that is as warm as a room is too warm.
            high: quantity.high - quantity.usual + usual,
            place,
            quantity,
            usual,
            value: usual,
            push: 0,
            pushed_for: 0,
            recurring: 0,
            battery: dice.between(160, 1_000),
            is_alarmed: false,
            is_offline: false,
            is_low: false,
            phase: dice.between(-12, 12),
            readings: 0,
            outages: 0,
        };
        sensor.value = sensor.target(now);
        sensor
    }

    /// Where the hour, and what draws it beside that, would have it.
    fn target(&self, now: i64) -> i64 {
        self.usual + self.quantity.wave * day_wave(now + self.phase) / 100 + self.push
    }

    /// Towards its target, by a part of the way.
    pub(super) fn step(&mut self, now: i64, dice: &mut Dice) {
        let Quantity { noise, least, most, .. } = self.quantity;
        let target = self.target(now);
        let step =
            (target - self.value) / 8 + (target - self.value).signum() * i64::from((target - self.value).abs() >= 2);
        self.value = (self.value + step + dice.bell(noise) / 2).clamp(least, most);
        if self.pushed_for > 0 {
            self.pushed_for -= 1;
            if self.pushed_for == 0 {
                self.push = 0;
            }
        } else if self.recurring != 0 && dice.chance(4) {
            self.push = self.recurring;
            self.pushed_for = dice.between(25, 50);
        } else if dice.chance(1) {
            // Now and then somebody leaves a door open.
            self.push = (self.high - self.usual) * 12 / 10;
            self.pushed_for = dice.between(15, 30);
        }
        self.readings += 1;
        if dice.chance(10) {
            self.battery -= 1;
        }
    }

    pub(super) fn reading(&self) -> Draft {
        let mut data = json!({"sensor_id": self.id, "location": self.place, "quantity": self.quantity.name});
        data[self.quantity.key] = json!(tenths(self.value));
        data["battery_percent"] = json!(tenths(self.battery));
        data["reading"] = json!(self.readings);
        Draft { kind: "reading".to_owned(), data }
    }

    /// The alarm comes at the threshold, and goes a band below it: so it does not flicker.
    pub(super) fn alarm(&mut self) -> Option<Draft> {
        let (kind, state) = match self.is_alarmed {
            false if self.value >= self.high => ("alarm_raised", "raised"),
            true if self.value <= self.high - self.quantity.band => ("alarm_cleared", "cleared"),
            _ => return None,
        };
        self.is_alarmed = !self.is_alarmed;
        let alarm = format!("{}_high", self.quantity.name);
        let mut data = json!({"sensor_id": self.id, "location": self.place, "alarm": alarm, "state": state});
        data[self.quantity.key] = json!(tenths(self.value));
        data[self.quantity.threshold_key] = json!(tenths(self.high));
        data["severity"] = json!(if self.value >= self.high + 2 * self.quantity.band { "critical" } else { "warning" });
        data["reading"] = json!(self.readings);
        Some(Draft { kind: kind.to_owned(), data })
    }

    /// Something else that happens to it.
    pub(super) fn told(&self, kind: &str, data: Value) -> Draft {
        let all = joined(json!({"sensor_id": self.id, "location": self.place}), data);
        Draft { kind: kind.to_owned(), data: joined(all, json!({"reading": self.readings})) }
    }

    pub(super) fn battery_low(&self) -> Draft {
        self.told("battery_low", json!({"battery_percent": tenths(self.battery)}))
    }

    pub(super) fn battery_replaced(&self) -> Draft {
        self.told("battery_replaced", json!({"battery_percent": tenths(self.battery)}))
    }
}

/// From -100 at night to 100 in the afternoon: straight up and down again.
fn day_wave(now: i64) -> i64 {
    let hour = now.rem_euclid(DAY);
    let half = DAY / 2;
    let up = if hour < half { hour } else { DAY - hour };
    up * 200 / half - 100
}
