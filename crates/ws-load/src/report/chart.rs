//! Charts as SVG: lines over time, and bars. Pure: numbers in, text out.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
const COLORS: [&str; 4] = ["#2563eb", "#16a34a", "#d97706", "#dc2626"];

/// A line; where there is nothing it has a gap.
pub(super) struct Line<'n> {
    pub(super) name: &'n str,
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// Lines over seconds, from zero up. `unit` stands behind the values of the axis.
pub(super) fn lines(lines: &[Line<'_>], unit: &str) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let last = points().map(|point| point.0).fold(0.0, f64::max).max(1.0);
    let top = round_up(points().filter_map(|point| point.1).fold(0.0, f64::max));
    let x = |seconds: f64| LEFT + seconds / last * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = open();
    for step in 0..=4 {
        let value = top / 4.0 * f64::from(step);
        grid(&mut svg, y(value), &format!("{}{unit}", short(value)));
    }
    for step in 0..=5 {
        let seconds = last / 5.0 * f64::from(step);
        text(&mut svg, x(seconds), HEIGHT - 10.0, "middle", &format!("{} s", short(seconds)));
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
        let _ = write!(svg, r#"<path d="{path}" stroke="{color}"/>"#);
    }
    svg.push_str("</svg>");
    let names: Vec<_> = lines.iter().map(|line| line.name).collect();
    svg + &legend(&names)
}

/// A bar for each name.
pub(super) fn bars(bars: &[(String, u64)]) -> String {
    let top = round_up(bars.iter().map(|bar| bar.1).max().unwrap_or(0) as f64);
    let width = (WIDTH - LEFT - RIGHT) / bars.len().max(1) as f64;
    let mut svg = open();
    for step in 0..=4 {
        let value = top / 4.0 * f64::from(step);
        grid(&mut svg, HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), &short(value));
    }
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
        text(&mut svg, left + width / 2.0, HEIGHT - 10.0, "middle", &name);
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

/// The next 1, 2 or 5 with zeros.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * unit).find(|step| *step >= value).unwrap_or(value)
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
    fn axes_end_at_round_numbers() {
        assert_eq!([0.0, 0.3, 1.0, 4.2, 61.0, 999.0].map(round_up), [1.0, 0.5, 1.0, 5.0, 100.0, 1000.0]);
        assert_eq!([0.0, 0.25, 20.0, 250.0, 12_500.0, 2e6].map(short), ["0", "0.25", "20", "250", "12.5k", "2M"]);
    }

    #[test]
    fn a_line_has_gaps_where_there_is_nothing() {
        let points = vec![(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(1.0))];
        let svg = lines(&[Line { name: "p50", points }], " ms");
        assert_eq!(svg.matches('M').count(), 2, "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn empty_charts_are_charts() {
        for svg in [lines(&[], ""), bars(&[])] {
            assert!(svg.contains("</svg>") && !svg.contains("NaN"), "{svg}");
        }
        assert!(bars(&[("<b>".to_owned(), 3)]).contains("&lt;b&gt;: 3"));
    }
}
