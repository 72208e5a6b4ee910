//! The exponent of a growth: the slope of the straight line, by least squares, through points on two logarithmic scales.

/// `None` with fewer than two different places. Points at 0 or below have no logarithm and are left out: what costs less than
/// can be measured.
pub(super) fn fit(points: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let logs: Vec<(f64, f64)> =
        points.into_iter().filter(|&(x, y)| x > 0.0 && y > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let slope = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    (spread > 0.0).then_some(slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cost: impl Fn(f64) -> f64) -> f64 {
        fit([1.0, 10.0, 100.0, 1_000.0].map(|x| (x, cost(x)))).unwrap()
    }

    #[test]
    fn a_power_has_its_exponent() {
        for exponent in [-0.5, 0.0, 0.25, 1.0, 2.0] {
            assert!((of(|x| 3.0 * x.powf(exponent)) - exponent).abs() < 1e-9, "{exponent}");
        }
        // A logarithm grows slower than any power, but in a range it looks like one.
        assert!((0.05..0.2).contains(&of(|x| 3.0 + x.log10())));
    }

    #[test]
    fn what_costs_nothing_does_not_count() {
        assert_eq!(fit([(1.0, -3.0), (10.0, 2.0), (100.0, 2.0)]), Some(0.0));
        assert_eq!(fit([(1.0, 0.0), (10.0, 2.0)]), None);
        assert_eq!(fit([(10.0, 1.0), (10.0, 2.0)]), None);
        assert_eq!(fit([]), None);
    }
}
