//! What a shop sells, and who carries it.

use crate::narrative::{Narrative, Said, stem};
use crate::world::Dice;
use crate::world::fill::slug;

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Good {
    pub(super) name: String,
    pub(super) cents: i64,
    pub(super) grams: i64,
}

impl Good {
    pub(super) fn sku(&self) -> String {
        let letters: String = slug(&self.name).chars().filter(char::is_ascii_alphanumeric).take(6).collect();
        format!("{}-{:03}", letters.to_uppercase(), (self.cents + self.grams) % 1_000)
    }
}

#[derive(Debug)]
struct Range {
    words: &'static [&'static str],
    goods: &'static [(&'static str, i64, i64)],
    carriers: &'static [&'static str],
}

/// Carriers that nobody is.
const POST: &[&str] = &["Swift Parcel", "Blue Van", "Northern Post", "CityCargo"];
const BIKES: &[&str] = &["own courier", "Pedal Express"];

const RANGES: &[Range] = &[
    Range {
        words: &["pizza", "restaurant", "food", "meal", "burger", "kitchen", "lunch", "dinner", "takeaway", "sushi"],
        goods: &[
            ("Pizza Margherita", 990, 450),
            ("Pizza Funghi", 1_150, 480),
            ("Pasta Carbonara", 1_290, 420),
            ("Veggie Burger", 1_180, 380),
            ("Chicken Curry", 1_340, 500),
            ("Caesar Salad", 870, 300),
            ("Salmon Sushi Set", 1_690, 350),
            ("Tiramisu", 590, 160),
            ("Lemonade 0.5 l", 340, 540),
        ],
        carriers: BIKES,
    },
    Range {
        words: &["grocery", "groceries", "supermarket", "market", "vegetable"],
        goods: &[
            ("Bananas 1 kg", 219, 1_000),
            ("Oat Milk 1 l", 229, 1_040),
            ("Sourdough Bread", 389, 750),
            ("Free-range Eggs (10)", 349, 640),
            ("Tomatoes 500 g", 279, 500),
            ("Basmati Rice 1 kg", 319, 1_000),
            ("Olive Oil 0.75 l", 899, 890),
            ("Dark Chocolate", 199, 100),
        ],
        carriers: BIKES,
    },
    Range {
        words: &["electronics", "electronic", "gadget", "computer", "phone", "laptop", "hardware"],
        goods: &[
            ("Wireless Headphones", 7_990, 260),
            ("USB-C Cable 2 m", 1_290, 60),
            ("Mechanical Keyboard", 8_950, 980),
            ("27-inch Monitor", 24_900, 5_600),
            ("Webcam 1080p", 4_990, 150),
            ("Power Bank 10000 mAh", 2_990, 230),
            ("Wireless Mouse", 3_490, 95),
            ("Laptop Stand", 3_990, 1_100),
        ],
        carriers: POST,
    },
    Range {
        words: &["book", "books", "bookshop", "bookstore", "library"],
        goods: &[
            ("Field Guide to Birds", 1_995, 620),
            ("The Lighthouse Keeper", 1_249, 310),
            ("Bread for Beginners", 2_490, 880),
            ("Atlas of Small Islands", 2_800, 940),
            ("Notebook, dotted", 890, 240),
            ("Wall Calendar", 1_490, 350),
        ],
        carriers: POST,
    },
    Range {
        words: &["fashion", "clothes", "clothing", "shoe", "shoes", "shirt", "dress"],
        goods: &[
            ("Rain Jacket", 8_990, 540),
            ("Linen Shirt", 4_490, 230),
            ("Running Shoes", 10_900, 720),
            ("Wool Scarf", 2_990, 180),
            ("Cotton Socks (3 pairs)", 1_190, 150),
            ("Denim Jeans", 6_990, 610),
        ],
        carriers: POST,
    },
    Range {
        words: &[],
        goods: &[
            ("Ceramic Mug", 1_290, 340),
            ("Desk Lamp", 3_990, 1_200),
            ("Rain Jacket", 8_990, 540),
            ("Yoga Mat", 2_790, 1_050),
            ("Wireless Mouse", 3_490, 95),
            ("Notebook, dotted", 890, 240),
            ("Water Bottle 0.75 l", 1_990, 310),
            ("Backpack 20 l", 5_990, 780),
            ("Coffee Beans 1 kg", 1_890, 1_000),
        ],
        carriers: POST,
    },
];

/// A shop, by what the narrative says it sells.
#[derive(Debug)]
pub(super) struct Shop {
    goods: Vec<Good>,
    carriers: &'static [&'static str],
}

impl Shop {
    pub(super) fn of(narrative: &Narrative) -> Self {
        let range = RANGES.iter().find(|range| narrative.says(range.words)).unwrap_or(&RANGES[RANGES.len() - 1]);
        let mut goods: Vec<Good> = narrative
            .quoted()
            .iter()
            .enumerate()
            .map(|(nth, name)| unknown(name, i64::try_from(nth).unwrap_or(0)))
            .collect();
        // What is quoted is what is sold.
        if goods.len() < 2 {
            goods.extend(range.goods.iter().map(|(name, cents, grams)| Good {
                name: (*name).to_owned(),
                cents: *cents,
                grams: *grams,
            }));
        }
        Self { goods, carriers: range.carriers }
    }

    pub(super) fn carrier(&self, dice: &mut Dice) -> &'static str {
        self.carriers[dice.place(self.carriers.len())]
    }

    /// One to three different goods.
    pub(super) fn basket(&self, dice: &mut Dice) -> Vec<(Good, i64)> {
        let count = dice.weighted(&[(5, 1), (3, 2), (2, 3)]);
        let goods = dice.sample(&self.goods, count);
        goods.into_iter().map(|good| (good, dice.weighted(&[(6, 1), (3, 2), (1, 3)]))).collect()
    }

    /// The goods that somebody asks for, with their numbers.
    pub(super) fn spoken_of(&self, said: &Said) -> Vec<(Good, i64)> {
        let narrative = said.narrative();
        let field = said.field(&["product", "item", "sku"]);
        let quantity = said.field(&["quantity", "qty", "count"]).and_then(|text| text.parse::<i64>().ok());
        let is_meant = |good: &&Good| {
            let names = |word: &str| word.len() > 3 && narrative.stems().any(|other| other == stem(word));
            // The last or the only longer word is what tells it from others.
            good.name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3).all(names)
                || field.as_deref().is_some_and(|field| {
                    field.eq_ignore_ascii_case(&good.name) || field.eq_ignore_ascii_case(&good.sku())
                })
        };
        let by_part = |good: &&Good| {
            good.name
                .split_whitespace()
                .any(|word| word.len() > 3 && narrative.stems().any(|other| other == stem(word)))
        };
        let exact = self.goods.iter().find(is_meant).or_else(|| self.goods.iter().find(by_part));
        let words: Vec<&str> = narrative.lower_words().collect();
        let counted = |good: &Good| {
            let parts: Vec<&str> = good.name.split_whitespace().collect();
            narrative.count_of(&parts).and_then(|count| i64::try_from(count).ok())
        };
        let mut items: Vec<(Good, i64)> = Vec::new();
        if let Some(good) = exact {
            let count = quantity.or_else(|| counted(good)).unwrap_or(1).clamp(1, 99);
            items.push((good.clone(), count));
        } else if let Some(name) = field.filter(|name| name.chars().count() <= 60 && !name.contains(char::is_control)) {
            items.push((unknown(&name, i64::try_from(words.len()).unwrap_or(0)), quantity.unwrap_or(1).clamp(1, 99)));
        }
        items
    }
}

/// A good that is known by its name only. Its price is the same each time.
fn unknown(name: &str, nth: i64) -> Good {
    let hash = name.bytes().fold(17 + nth, |hash, byte| (hash * 31 + i64::from(byte)) % 9_973);
    Good { name: name.to_owned(), cents: 490 + hash % 90 * 100, grams: 100 + hash % 1_900 }
}
