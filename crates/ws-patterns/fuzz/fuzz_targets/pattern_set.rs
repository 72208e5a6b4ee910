//! A set of patterns and a text that strangers wrote: the set finds what trying one pattern after the other finds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_patterns::{MessagePattern, MessageText, PatternSet};

// The input is a text in its first line, and a pattern in each line behind it; the first byte says of what kind.
fuzz_target!(|input: &str| {
    let mut lines = input.split('\n');
    let text = lines.next().unwrap_or_default();
    let patterns: Vec<MessagePattern> = lines.take(64).filter_map(pattern).collect();
    let message = MessageText::new(text);

    let set = PatternSet::new(patterns.clone());
    let one_by_one: Vec<usize> =
        (0..patterns.len()).filter(|number| patterns[*number].matches_text(&message)).collect();
    assert_eq!(set.matches(&message).collect::<Vec<_>>(), one_by_one);

    for pattern in &patterns {
        assert_eq!(pattern.difference(&message).is_some(), !pattern.matches_text(&message));
        assert!(!pattern.matches_whole(&message) || pattern.matches_text(&message));
    }
    let nearest = set.nearest(&message, 5);
    assert!(nearest.len() <= 5 && nearest.is_sorted_by(|(_, one), (_, next)| one.closeness() >= next.closeness()));
    for (number, difference) in nearest {
        assert!(!one_by_one.contains(&number) && (0.0..=1.0).contains(&difference.closeness()), "{difference}");
    }
});

fn pattern(line: &str) -> Option<MessagePattern> {
    let (kind, written) = line.split_at_checked(1)?;
    match kind {
        "=" => Some(MessagePattern::exact(written)),
        "<" => serde_json::from_str(written).ok().map(MessagePattern::json_subset),
        "#" => MessagePattern::json_schema(&serde_json::from_str(written).ok()?).ok(),
        _ => line.parse().ok(),
    }
}
