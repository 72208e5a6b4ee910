//! Charts as SVG: lines over time, and bars. Pure: numbers in, text out.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
const COLORS: [&str; 4] = ["#2563eb", "#16a34a", "#d97706", "#dc2626"];

/// By so much floating point may be wrong.
const ERROR: f64 = 1e-6;
/// What the label of a bar takes.
const LABEL: f64 = 64.0;

/// A line; where there is nothing it has a gap.
pub(super) struct Line<'n> {
    pub(super) name: &'n str,
    pub(super) points: Vec<(f64, Option<f64>)>,
    /// Whether it is seen below another one.
    pub(super) is_wide: bool,
}

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    Number,
    Millis,
}

/// Lines over seconds, from zero up.
pub(super) fn lines(lines: &[Line<'_>], unit: Unit) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let last = points().map(|point| point.0).fold(0.0, f64::max).max(1.0);
    let (step, top) = axis(points().filter_map(|point| point.1).fold(0.0, f64::max), unit);
    let x = |seconds: f64| LEFT + seconds / last * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = open();
    for value in ticks(step, top) {
        grid(&mut svg, y(value), &unit.label(value, top));
    }
    let (size, name) = time_unit(last);
    let (step, _) = axis(last / size, Unit::Number);
    for time in ticks(step, last / size) {
        text(&mut svg, x(time * size), HEIGHT - 10.0, "middle", &format!("{} {name}", short(time)));
    }
    for (line, color) in lines.iter().zip(COLORS.iter().cycle()) {
        let mut path = String::new();
        let mut is_down = false;
        for (seconds, value) in &line.points {
            let command = if is_down { 'L' } else { 'M' };
            is_down = value.is_some();
            if let Some(value) = value {
                // A point that stands alone is seen by the round end of a line to itself.
                let _ = write!(path, "{command}{0:.1} {1:.1}L{0:.1} {1:.1}", x(*seconds), y(*value));
            }
        }
        let class = if line.is_wide { r#" class="wide""# } else { "" };
        let _ = write!(svg, r#"<path d="{path}" stroke="{color}"{class}/>"#);
    }
    svg.push_str("</svg>");
    let names: Vec<_> = lines.iter().map(|line| line.name).collect();
    svg + &legend(&names)
}

/// A bar for each name.
pub(super) fn bars(bars: &[(String, u64)]) -> String {
    let (step, top) = axis(bars.iter().map(|bar| bar.1).max().unwrap_or(0) as f64, Unit::Number);
    let width = (WIDTH - LEFT - RIGHT) / bars.len().max(1) as f64;
    let mut svg = open();
    for value in ticks(step, top) {
        grid(&mut svg, HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), &short(value));
    }
    // Of narrow bars only some have a label.
    let every = (LABEL / width).ceil().max(1.0) as usize;
    for (index, (name, count)) in bars.iter().enumerate() {
        let left = LEFT + width * index as f64;
        // What is there at all is seen.
        let height = (*count as f64 / top * (HEIGHT - TOP - BOTTOM)).max(1.0);
        let name = escape(name);
        let _ = write!(
            svg,
            r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}" fill="{}"><title>{name}: {count}</title></rect>"#,
            left + width * 0.1,
            HEIGHT - BOTTOM - height,
            width * 0.8,
            COLORS[0],
        );
        if index.is_multiple_of(every) {
            text(&mut svg, left + width / 2.0, HEIGHT - 10.0, "middle", &name);
        }
    }
    svg + "</svg>"
}

fn open() -> String {
    format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">"#)
}

fn grid(svg: &mut String, y: f64, label: &str) {
    let right = WIDTH - RIGHT;
    let _ = write!(svg, r#"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}"/>"#);
    text(svg, LEFT - 6.0, y + 4.0, "end", label);
}

/// `text` has nothing that HTML would read otherwise.
fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
}

fn legend(names: &[&str]) -> String {
    let entries = names.iter().zip(COLORS.iter().cycle());
    let entries: String =
        entries.map(|(name, color)| format!(r#"<span><i style="background:{color}"></i>{name}</span>"#)).collect();
    format!(r#"<p class="legend">{entries}</p>"#)
}

impl Unit {
    /// `value` on an axis that ends at `top`.
    fn label(self, value: f64, top: f64) -> String {
        match self {
            Self::Number => short(value),
            Self::Millis if top >= 1000.0 => format!("{} s", trimmed(value / 1000.0)),
            Self::Millis if top >= 1.0 => format!("{} ms", trimmed(value)),
            Self::Millis => format!("{} us", trimmed(value * 1000.0)),
        }
    }
}

/// How far apart its values are, so that there are few and they are round, and where it ends.
fn axis(highest: f64, unit: Unit) -> (f64, f64) {
    const MOST: f64 = 5.0;
    if highest <= 0.0 {
        return (1.0, 1.0);
    }
    let least = highest / MOST;
    let power = 10_f64.powf(least.log10().floor());
    // Nobody counts halves.
    let is_whole = unit == Unit::Number && highest >= 1.0;
    let fits = |step: &f64| *step * (1.0 + ERROR) >= least && (!is_whole || step.fract() == 0.0);
    let step = [1.0, 2.0, 2.5, 5.0].into_iter().map(|step| step * power).find(fits).unwrap_or(10.0 * power);
    (step, (highest / step - ERROR).ceil() * step)
}

fn ticks(step: f64, end: f64) -> impl Iterator<Item = f64> {
    let count = (end / step + ERROR) as u32;
    (0..=count).map(move |index| f64::from(index) * step)
}

/// In what a time of so many seconds is told, and how many seconds that is.
fn time_unit(seconds: f64) -> (f64, &'static str) {
    match seconds {
        hours if hours >= 4.0 * 3600.0 => (3600.0, "h"),
        minutes if minutes >= 240.0 => (60.0, "min"),
        _ => (1.0, "s"),
    }
}

fn short(value: f64) -> String {
    match value {
        many if many >= 1e6 => format!("{}M", trimmed(many / 1e6)),
        some if some >= 1e3 => format!("{}k", trimmed(some / 1e3)),
        few => trimmed(few),
    }
}

fn trimmed(value: f64) -> String {
    let digits = if value >= 100.0 { 0 } else { 3 };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_few_and_round_values_and_end_soon() {
        for (highest, unit, ends) in [
            (0.0, Unit::Number, (1.0, 1.0)),
            (1.0, Unit::Number, (1.0, 1.0)),
            (12.0, Unit::Number, (5.0, 15.0)),
            (20.0, Unit::Number, (5.0, 20.0)),
            (2020.0, Unit::Number, (500.0, 2500.0)),
            (4.2, Unit::Millis, (1.0, 5.0)),
            (3750.0, Unit::Millis, (1000.0, 4000.0)),
        ] {
            assert_eq!(axis(highest, unit), ends, "{highest}");
        }
        assert_eq!([0.0, 0.25, 20.0, 250.0, 12_500.0, 2e6].map(short), ["0", "0.25", "20", "250", "12.5k", "2M"]);
        assert_eq!(ticks(0.1, 0.3).count(), 4);
    }

    #[test]
    fn values_have_the_unit_that_fits() {
        let chart = |highest, last| {
            let points = vec![(0.0, Some(highest)), (last, Some(0.0))];
            lines(&[Line { name: "p50", points, is_wide: false }], Unit::Millis)
        };
        for (highest, last, labels) in [
            (3750.0, 4.0, ["4 s", "3 s"]),
            (37.5, 30.0, ["40 ms", "20 s"]),
            (0.2, 600.0, ["200 us", "10 min"]),
            (1.0, 40_000.0, ["0.8 ms", "10 h"]),
        ] {
            let svg = chart(highest, last);
            assert!(labels.iter().all(|label| svg.contains(&format!(">{label}<"))), "{svg}");
        }
    }

    #[test]
    fn a_line_has_gaps_where_there_is_nothing() {
        let points = vec![(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(1.0))];
        let svg = lines(&[Line { name: "p50", points, is_wide: true }], Unit::Millis);
        assert_eq!(svg.matches('M').count(), 2, "{svg}");
        assert!(svg.contains("class=\"wide\""), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn labels_of_bars_leave_room_for_each_other() {
        for (count, labels) in [(5, 5), (11, 6), (25, 9)] {
            let all: Vec<_> = (0..count).map(|bar| (format!("< {bar}.00 ms"), 1)).collect();
            let svg = bars(&all);
            assert_eq!(svg.matches(".00 ms</text>").count(), labels, "{svg}");
            assert_eq!(svg.matches("<rect").count(), count, "{svg}");
        }
    }

    #[test]
    fn what_is_more_stands_higher_and_what_is_later_further_right() {
        let svg = lines(
            &[Line {
                name: "sent",
                points: vec![(0.0, Some(0.0)), (10.0, Some(50.0)), (20.0, Some(100.0))],
                is_wide: false,
            }],
            Unit::Number,
        );
        assert!(svg.contains(r#"d="M64.0 210.0L64.0 210.0L406.0 111.0L406.0 111.0L748.0 12.0L748.0 12.0""#), "{svg}");
        assert!(svg.contains(r#"y="16.0" text-anchor="end">100</text>"#) && svg.contains(">20 s</text>"), "{svg}");
        let svg = bars(&[("< 1 ms".to_owned(), 100), ("< 2 ms".to_owned(), 50)]);
        assert!(svg.contains(r#"y="12.0" width="273.6" height="198.0""#) && svg.contains(r#"y="111.0""#), "{svg}");
    }

    #[test]
    fn empty_charts_are_charts() {
        for svg in [lines(&[], Unit::Number), bars(&[])] {
            assert!(svg.contains("</svg>") && !svg.contains("NaN"), "{svg}");
        }
        assert!(bars(&[("<b>".to_owned(), 3)]).contains("&lt;b&gt;: 3"));
    }
}
