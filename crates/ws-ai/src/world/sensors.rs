//! Sensors: readings that drift with the day, alarms that come once and go once, batteries that run down.

mod quantity;
mod sensor;

use std::collections::VecDeque;

use serde_json::json;

use super::{Dice, World};
use crate::Draft;
use crate::narrative::{Mood, Narrative, Said};
use quantity::{USUAL_PLACES, places_of, quantities_of};
use sensor::{DAY, Sensor};

pub(super) const WORDS: &[(u32, &[&str])] = &[
    (
        3,
        &["sensor", "iot", "telemetry", "thermostat", "thermometer", "greenhouse", "smarthome", "mqtt", "plc", "scada"],
    ),
    (
        2,
        &[
            "temperature",
            "humidity",
            "co2",
            "device",
            "pressure",
            "vibration",
            "factory",
            "meter",
            "monitoring",
            "machine",
            "turbine",
            "reading",
            "pollution",
        ],
    ),
    (
        1,
        &[
            "alarm",
            "smart",
            "home",
            "building",
            "kitchen",
            "freezer",
            "fridge",
            "boiler",
            "air",
            "weather",
            "overheat",
            "battery",
            "environment",
            "cold",
            "energy",
            "power",
            "measurement",
            "heating",
            "plant",
            "farm",
            "warehouse",
            "datacenter",
        ],
    ),
];

const MOST_SENSORS: usize = 50;
const MOST_ANSWERS: usize = 16;

pub(super) struct Sensors {
    sensors: Vec<Sensor>,
    now: i64,
    failing: bool,
    pending: VecDeque<Draft>,
    /// Which sensor is read next; some are read more often.
    focus: Option<usize>,
    turn: usize,
}

impl Sensors {
    pub(super) fn new(narrative: &Narrative, dice: &mut Dice) -> Self {
        let mut places = places_of(narrative);
        let quantities = quantities_of(narrative);
        let counted = narrative.count_of(&[
            "sensor",
            "device",
            "thermometer",
            "thermostat",
            "machine",
            "meter",
            "turbine",
            "room",
            "pump",
        ]);
        let count = counted.unwrap_or_else(|| places.len().max(4)).clamp(1, MOST_SENSORS);
        if places.is_empty() {
            places = dice.sample(USUAL_PLACES, USUAL_PLACES.len()).into_iter().map(str::to_owned).collect();
        }
        let now = dice.between(0, DAY - 1);
        let mut sensors: Vec<Sensor> = Vec::new();
        for nth in 0..count {
            let place = places[nth % places.len()].clone();
            let quantity = quantities[(nth + nth / places.len()) % quantities.len()];
            sensors.push(Sensor::new(place, quantity, &sensors, now, dice));
        }
        let mut world = Self {
            sensors,
            now,
            failing: narrative.has(Mood::Failing),
            pending: VecDeque::new(),
            focus: None,
            turn: 0,
        };
        for mood in narrative.moods() {
            world.feel(*mood, narrative, true);
        }
        world
    }

    /// What is said of a place concerns what is there; what is said of none, the first that it fits.
    fn feel(&mut self, mood: Mood, narrative: &Narrative, lasts: bool) {
        let (share, needs_temperature) = match mood {
            Mood::Heating => (14, true),
            Mood::Cooling => (-14, true),
            Mood::Rising => (13, false),
            Mood::Failing if !lasts => return self.failing = true,
            Mood::Normal => {
                self.failing = false;
                for sensor in &mut self.sensors {
                    sensor.push = 0;
                    sensor.pushed_for = 0;
                    sensor.recurring = 0;
                }
                return;
            }
            _ => return,
        };
        let places = places_of(narrative);
        let named = |sensor: &Sensor| places.contains(&sensor.place) || is_named(&sensor.id, narrative);
        let fits = |sensor: &Sensor| !needs_temperature || sensor.quantity.name == "temperature";
        let mut chosen: Vec<usize> =
            (0..self.sensors.len()).filter(|at| fits(&self.sensors[*at]) && named(&self.sensors[*at])).collect();
        if chosen.is_empty() {
            chosen = (0..self.sensors.len()).filter(|at| fits(&self.sensors[*at])).take(1).collect();
        }
        for at in &chosen {
            let sensor = &mut self.sensors[*at];
            // Far enough to raise the alarm, and then some.
            sensor.push = (sensor.high - sensor.usual).abs().max(sensor.quantity.band) * share / 10;
            sensor.pushed_for = 40;
            if lasts {
                sensor.recurring = sensor.push;
            }
        }
        self.focus = chosen.first().copied();
    }

    fn read(&mut self, at: usize, dice: &mut Dice) -> Draft {
        let now = self.now;
        let sensor = &mut self.sensors[at];
        sensor.step(now, dice);
        let draft = sensor.reading();
        if let Some(alarm) = sensor.alarm() {
            self.pending.push_back(alarm);
        }
        if sensor.battery <= 150 && !sensor.is_low {
            sensor.is_low = true;
            self.pending.push_back(sensor.battery_low());
        } else if sensor.battery <= 20 {
            sensor.battery = 1_000;
            sensor.is_low = false;
            self.pending.push_back(sensor.battery_replaced());
        }
        draft
    }
}

fn is_named(id: &str, narrative: &Narrative) -> bool {
    narrative.lower_words().any(|word| word == id)
}

impl World for Sensors {
    fn next(&mut self, dice: &mut Dice) -> Draft {
        if let Some(draft) = self.pending.pop_front() {
            return draft;
        }
        self.now += 1;
        // In turn, as devices report; the one that is spoken of reports more often.
        let at = match self.focus {
            Some(at) if dice.chance(35) => at,
            _ => {
                self.turn = (self.turn + 1) % self.sensors.len();
                self.turn
            }
        };
        let failing = self.failing;
        let sensor = &mut self.sensors[at];
        if sensor.is_offline {
            if dice.chance(if failing { 25 } else { 50 }) {
                sensor.is_offline = false;
                return sensor.told(
                    "device_online",
                    json!({"status": "online", "signal_dbm": dice.between(-82, -48), "outages": sensor.outages}),
                );
            }
        } else if dice.chance(if failing { 9 } else { 1 }) {
            sensor.is_offline = true;
            sensor.outages += 1;
            let reason = *dice.pick(&["no heartbeat", "weak signal", "restarting"]);
            return sensor
                .told("device_offline", json!({"status": "offline", "reason": reason, "outages": sensor.outages}));
        }
        // Somebody is always online: a sensor that is not says nothing.
        let online: Vec<usize> = (0..self.sensors.len()).filter(|at| !self.sensors[*at].is_offline).collect();
        match online.iter().find(|online| **online == at).or(online.first()) {
            Some(at) => self.read(*at, dice),
            None => {
                let sensor = &mut self.sensors[0];
                sensor.is_offline = false;
                sensor.told(
                    "device_online",
                    json!({"status": "online", "signal_dbm": dice.between(-82, -48), "outages": sensor.outages}),
                )
            }
        }
    }

    fn hear(&mut self, said: &Said, dice: &mut Dice) {
        let narrative = said.narrative();
        let id = said.field(&["sensor_id", "sensor", "device_id", "device", "id"]);
        let mut places = places_of(narrative);
        places.extend(said.field(&["location", "room", "place"]));
        let named = |sensor: &Sensor| id.as_deref() == Some(sensor.id.as_str()) || is_named(&sensor.id, narrative);
        let known = self
            .sensors
            .iter()
            .position(named)
            .or_else(|| self.sensors.iter().position(|sensor| places.contains(&sensor.place)));
        let at = match (known, places.first()) {
            (Some(at), _) => Some(at),
            (None, Some(place)) if self.sensors.len() < MOST_SENSORS => {
                let quantity = quantities_of(narrative)[0];
                let sensor = Sensor::new(
                    place.chars().filter(|c| !c.is_control()).take(40).collect(),
                    quantity,
                    &self.sensors,
                    self.now,
                    dice,
                );
                self.sensors.push(sensor);
                Some(self.sensors.len() - 1)
            }
            _ => None,
        };
        for mood in narrative.moods() {
            self.feel(*mood, narrative, false);
        }
        if let Some(at) = at {
            self.focus = Some(at);
            if self.pending.len() < MOST_ANSWERS && !self.sensors[at].is_offline {
                let draft = self.read(at, dice);
                self.pending.push_front(draft);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::testing::{begun, dice, events, hear};
    use super::*;

    #[test]
    fn alarms_come_once_and_go_once_and_who_is_offline_is_silent() {
        let mut raised = 0;
        let mut cleared = 0;
        for seed in 0..40 {
            let narrative =
                ["3 kitchen sensors overheating", "failing greenhouse sensors", "co2 and power meters", "iot"]
                    [seed as usize % 4];
            let mut alarmed: HashMap<String, bool> = HashMap::new();
            let mut online: HashMap<String, bool> = HashMap::new();
            for draft in events::<Sensors>(narrative, seed, 1_500) {
                let data = &draft.data;
                let id = data["sensor_id"].as_str().unwrap().to_owned();
                let battery = data["battery_percent"].as_f64().unwrap_or(50.0);
                assert!((0.0..=100.0).contains(&battery), "{data}");
                match draft.kind.as_str() {
                    "alarm_raised" => {
                        raised += 1;
                        assert!(!alarmed.insert(id, true).unwrap_or(false));
                    }
                    "alarm_cleared" => {
                        cleared += 1;
                        assert!(alarmed.insert(id, false).unwrap_or(false));
                    }
                    "device_offline" => assert!(online.insert(id, false).unwrap_or(true)),
                    "device_online" => assert!(!online.insert(id, true).unwrap_or(true)),
                    "reading" => assert!(online.get(&id).copied().unwrap_or(true), "{data}"),
                    _ => {}
                }
            }
        }
        assert!(raised > 0 && cleared > 0, "{raised} {cleared}");
    }

    #[test]
    fn the_narrative_says_how_many_and_where() {
        let drafts = events::<Sensors>("3 temperature sensors in the cellar and the freezer", 1, 60);
        let mut ids: Vec<&str> = drafts.iter().map(|draft| draft.data["sensor_id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, ["cellar-temperature-1", "cellar-temperature-2", "freezer-temperature-1"]);
        let frozen = drafts.iter().filter(|draft| draft.kind == "reading" && draft.data["location"] == "freezer");
        assert!(frozen.into_iter().all(|draft| draft.data["temperature_celsius"].as_f64().unwrap() < 0.0));
    }

    #[test]
    fn a_client_overheats_the_kitchen_and_calms_it() {
        for seed in 0..15 {
            let mut dice = dice(seed);
            let mut world = begun::<Sensors>("temperature sensors in kitchen and office", &mut dice);
            (0..20).for_each(|_| drop(world.next(&mut dice)));
            hear(&mut world, "the kitchen sensor overheats!", &mut dice);
            let after: Vec<Draft> = (0..80).map(|_| world.next(&mut dice)).collect();
            let of_kitchen =
                after.iter().find(|draft| draft.kind == "alarm_raised").map(|draft| &draft.data["location"]);
            assert_eq!(of_kitchen, Some(&json!("kitchen")), "{seed}");
            hear(&mut world, "reset to normal", &mut dice);
            let calmed = (0..120).map(|_| world.next(&mut dice)).any(|draft| draft.kind == "alarm_cleared");
            assert!(calmed || after.iter().any(|draft| draft.kind == "alarm_cleared"), "{seed}");
        }
    }
}
