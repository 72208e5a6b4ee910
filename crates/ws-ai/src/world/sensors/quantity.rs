//! What sensors measure, and where.

use crate::narrative::Narrative;

/// What a sensor measures; all of it in tenths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) name: &'static str,
    /// The key of its value, with the unit.
    pub(super) key: &'static str,
    pub(super) threshold_key: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) usual: i64,
    /// How far the day moves it.
    pub(super) wave: i64,
    pub(super) noise: i64,
    pub(super) high: i64,
    /// How far below the threshold it must be to be well again.
    pub(super) band: i64,
    pub(super) least: i64,
    pub(super) most: i64,
}

const QUANTITIES: &[Quantity] = &[
    Quantity {
        name: "temperature",
        key: "temperature_celsius",
        threshold_key: "threshold_celsius",
        words: &[
            "temperature",
            "thermometer",
            "thermostat",
            "heat",
            "overheat",
            "cold",
            "hot",
            "freeze",
            "warm",
            "boiler",
            "freezer",
        ],
        usual: 212,
        wave: 22,
        noise: 2,
        high: 300,
        band: 15,
        least: -400,
        most: 1_200,
    },
    Quantity {
        name: "humidity",
        key: "humidity_percent",
        threshold_key: "threshold_percent",
        words: &["humidity", "moisture", "damp", "wet", "dry", "greenhouse", "soil", "leak"],
        usual: 480,
        wave: 60,
        noise: 6,
        high: 700,
        band: 40,
        least: 50,
        most: 1_000,
    },
    Quantity {
        name: "co2",
        key: "co2_ppm",
        threshold_key: "threshold_ppm",
        words: &["co2", "air", "carbon", "ventilation", "pollution"],
        usual: 6_200,
        wave: 1_500,
        noise: 90,
        high: 12_000,
        band: 800,
        least: 4_000,
        most: 50_000,
    },
    Quantity {
        name: "power",
        key: "power_watts",
        threshold_key: "threshold_watts",
        words: &["power", "energy", "electricity", "consumption", "meter", "plug"],
        usual: 4_300,
        wave: 2_600,
        noise: 180,
        high: 12_000,
        band: 1_000,
        least: 0,
        most: 40_000,
    },
    Quantity {
        name: "vibration",
        key: "vibration_mm_per_second",
        threshold_key: "threshold_mm_per_second",
        words: &["vibration", "motor", "pump", "turbine", "machine", "factory", "bearing"],
        usual: 24,
        wave: 4,
        noise: 2,
        high: 71,
        band: 10,
        least: 0,
        most: 250,
    },
    Quantity {
        name: "pressure",
        key: "pressure_hectopascal",
        threshold_key: "threshold_hectopascal",
        words: &["pressure", "weather", "barometer", "tank", "pipe"],
        usual: 10_130,
        wave: 25,
        noise: 3,
        high: 10_600,
        band: 60,
        least: 8_500,
        most: 12_000,
    },
];

/// Places that are spoken of in small letters, and how warm they usually are, in tenths of a degree Celsius.
const PLACES: &[(&[&str], &str, i64)] = &[
    (&["kitchen"], "kitchen", 218),
    (&["bedroom"], "bedroom", 191),
    (&["living", "lounge"], "living room", 214),
    (&["bathroom"], "bathroom", 226),
    (&["office"], "office", 221),
    (&["garage"], "garage", 142),
    (&["cellar", "basement"], "cellar", 136),
    (&["attic"], "attic", 203),
    (&["greenhouse"], "greenhouse", 241),
    (&["freezer"], "freezer", -184),
    (&["fridge", "refrigerator"], "fridge", 46),
    (&["server", "datacenter", "datacentre", "center", "centre", "rack"], "server room", 229),
    (&["boiler"], "boiler room", 248),
    (&["warehouse"], "warehouse", 164),
    (&["factory", "plant", "line"], "hall 1", 205),
    (&["garden", "outdoor", "outside", "weather"], "outside", 127),
    (&["lab", "laboratory"], "lab", 209),
    (&["roof"], "roof", 139),
];
pub(super) const USUAL_PLACES: &[&str] = &["kitchen", "living room", "bedroom", "office", "cellar"];

/// How warm it usually is there, in tenths of a degree Celsius.
pub(super) fn usual_warmth(place: &str) -> Option<i64> {
    PLACES.iter().find(|(_, name, _)| *name == place).map(|(_, _, usual)| *usual)
}

/// The places that are spoken of.
pub(super) fn places_of(narrative: &Narrative) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for word in narrative.lower_words() {
        let place =
            PLACES.iter().find(|(words, _, _)| words.contains(&word.trim_end_matches('s')) || words.contains(&word));
        if let Some((_, name, _)) = place
            && !places.iter().any(|known| known == name)
        {
            places.push((*name).to_owned());
        }
    }
    for named in narrative.places().iter().chain(narrative.quoted()) {
        if !places.contains(named) {
            places.push(named.clone());
        }
    }
    places
}

/// What is spoken of being measured, or else the usual.
pub(super) fn quantities_of(narrative: &Narrative) -> Vec<Quantity> {
    let said: Vec<Quantity> = QUANTITIES.iter().filter(|quantity| narrative.says(quantity.words)).copied().collect();
    if said.is_empty() { QUANTITIES[..3].to_vec() } else { said }
}
