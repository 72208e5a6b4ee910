//! Distributions of delays.

use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use ws_conditions::{LatencyDistribution, LatencyProfile, MAX_DELAY};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

fn draw(profile: &LatencyProfile, count: usize) -> Vec<f64> {
    let mut rng = rng();
    (0..count).map(|_| profile.sample(&[], &mut rng).as_secs_f64() * 1e3).collect()
}

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

fn std_dev(samples: &[f64]) -> f64 {
    let mean = mean(samples);
    (samples.iter().map(|ms| (ms - mean).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

fn bounds(samples: &[f64]) -> (f64, f64) {
    samples.iter().fold((f64::MAX, f64::MIN), |(least, most), ms| (least.min(*ms), most.max(*ms)))
}

#[track_caller]
fn assert_near(value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected} +- {tolerance}");
}

/// A05: 20,000 draws of 50 +- 20.
#[test]
fn jitter_is_symmetric_and_uniform() {
    let samples = draw(&LatencyProfile::new(50, 20), 20_000);
    assert_eq!(bounds(&samples), (30.0, 70.0));
    // Four standard errors of 41 equally likely values.
    assert_near(mean(&samples), 50.0, 0.34);

    let mut counts = [0_u32; 41];
    for ms in &samples {
        counts[(ms - 30.0) as usize] += 1;
    }
    let expected = 20_000.0 / 41.0;
    let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    // 40 degrees of freedom: one in a thousand lies above 73.4.
    assert!(chi_square < 73.4, "{chi_square}");
}

#[test]
fn fixed_is_exact() {
    assert_eq!(LatencyProfile::new(500, 0).sample(&[], &mut rng()), Duration::from_millis(500));
    assert_eq!(LatencyProfile::default().sample(&[], &mut rng()), Duration::ZERO);
}

/// A05.
#[test]
fn normal_has_its_mean_and_deviation() {
    let samples = draw(&LatencyProfile::with_normal_distribution(100, 15.0), 20_000);
    assert_near(mean(&samples), 100.0, 0.45);
    assert_near(std_dev(&samples), 15.0, 0.35);
    let within_one = samples.iter().filter(|ms| (85.5..=114.5).contains(*ms)).count() as f64;
    assert_near(within_one / 20_000.0, 0.666, 0.015);
}

/// A05.
#[test]
fn pareto_begins_at_its_base_and_has_its_mean_and_median() {
    let samples = draw(&LatencyProfile::with_pareto_distribution(200, 3.0), 20_000);
    assert_eq!(bounds(&samples).0, 200.0);
    // shape / (shape - 1) times the base.
    assert_near(mean(&samples), 300.0, 6.0);
    let mut sorted = samples;
    sorted.sort_by(f64::total_cmp);
    // The base times the third root of 2.
    assert_near(sorted[10_000], 252.0, 3.0);
}

/// A05: whatever the shape, jitter moves no mean.
#[test]
fn jitter_comes_on_top_of_every_distribution() {
    for profile in
        [LatencyProfile::with_normal_distribution(200, 10.0), LatencyProfile::with_pareto_distribution(200, 20.0)]
    {
        let without = draw(&profile, 20_000);
        let with = draw(&LatencyProfile { jitter_ms: 50, ..profile }, 20_000);
        assert_near(mean(&with), mean(&without), 1.0);
        assert!(std_dev(&with) > std_dev(&without) + 10.0);
    }
}

/// A05: what the documents promise of the named profiles.
#[test]
fn named_profiles_keep_their_bounds() {
    for (profile, least, most, middle) in [
        (LatencyProfile::fast(), 1.0, 20.0, 10.0),
        (LatencyProfile::normal(), 50.0, 200.0, 125.0),
        (LatencyProfile::slow(), 300.0, 800.0, 550.0),
    ] {
        let samples = draw(&profile, 20_000);
        assert_eq!(bounds(&samples), (least, most));
        assert_near(mean(&samples), middle, middle * 0.02);
    }
}

#[test]
fn bounds_hold_for_everything() {
    let profile = LatencyProfile::with_pareto_distribution(10, 0.5).with_min_ms(20).with_max_ms(30);
    assert_eq!(bounds(&draw(&profile, 5_000)), (20.0, 30.0));
    let profile = profile.with_tag_override("late", 99).with_tag_override("early", 0);
    assert_eq!(profile.sample(&["late"], &mut rng()), Duration::from_millis(30));
    assert_eq!(profile.sample(&["early"], &mut rng()), Duration::from_millis(20));
}

/// A06: a path's own latency instead of a draw; the first tag that is known counts.
#[test]
fn tags_override() {
    let profile = LatencyProfile::new(50, 20).with_tag_override("/ws/slow", 2_000).with_tag_override("chat", 7);
    let sample = |tags: &[&str]| profile.sample(tags, &mut rng()).as_millis();
    assert_eq!(sample(&["/ws/slow"]), 2_000);
    assert_eq!(sample(&["other", "chat", "/ws/slow"]), 7);
    assert!((30..=70).contains(&sample(&["/ws"])));
}

#[test]
fn a_profile_is_read_from_a_word_or_a_number() {
    let read = |text: &str| text.parse::<LatencyProfile>();
    assert_eq!(read("none"), Ok(LatencyProfile::default()));
    assert_eq!(read("fast"), Ok(LatencyProfile::fast()));
    assert_eq!(read("normal"), Ok(LatencyProfile::normal()));
    assert_eq!(read("slow"), Ok(LatencyProfile::slow()));
    for text in ["250", "250ms", "250 ms"] {
        assert_eq!(read(text), Ok(LatencyProfile::new(250, 0)));
    }
    for wrong in ["", "Fast", "-1", "1.5", "250s", "86400001", "99999999999999999999"] {
        assert!(read(wrong).unwrap_err().contains("none, fast, normal, slow"), "{wrong}");
    }
}

fn any_f64() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(0.0), Just(-1.0), Just(f64::MIN_POSITIVE)]
}

fn any_ms() -> impl Strategy<Value = u64> {
    prop_oneof![0..1_000_u64, any::<u64>(), Just(u64::MAX)]
}

proptest! {
    /// A05: no panic and no delay out of bounds, whatever somebody wrote.
    #[test]
    fn sampling_never_fails(
        base_ms in any_ms(),
        jitter_ms in any_ms(),
        std_dev_ms in proptest::option::of(any_f64()),
        pareto_shape in proptest::option::of(any_f64()),
        min_ms in any_ms(),
        max_ms in proptest::option::of(any_ms()),
        overridden in any_ms(),
        seed: u64,
    ) {
        for distribution in [LatencyDistribution::Fixed, LatencyDistribution::Normal, LatencyDistribution::Pareto] {
            let profile = LatencyProfile {
                base_ms, jitter_ms, distribution, std_dev_ms, pareto_shape, min_ms, max_ms,
                tag_overrides: [("tag".to_owned(), overridden)].into(),
            };
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            for tags in [&["tag"][..], &[]] {
                let delay = profile.sample(tags, &mut rng);
                let most = max_ms.map_or(MAX_DELAY, |ms| MAX_DELAY.min(Duration::from_millis(ms)));
                prop_assert!(delay <= most);
                prop_assert!(delay >= most.min(Duration::from_millis(min_ms)));
            }
        }
    }
}
