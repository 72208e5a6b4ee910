//! Growth as Markdown.

use std::fmt::Write as _;

use super::{Growth, MOST};
use crate::report::{Table, cell};

/// For who started it.
pub(super) fn terminal(heading: &str, growths: &[Growth]) -> String {
    let mut text = format!("{heading}\n");
    for growth in growths {
        let _ =
            writeln!(text, "{}: {}; {}\n\n{}", growth.axis.name, growth.axis.title, growth.axis.unit, table(growth));
    }
    text + &verdict()
}

/// For the page. `picture` says where the plot of an axis is.
pub(super) fn section(heading: &str, growths: &[Growth], picture: impl Fn(&str) -> String) -> String {
    let mut text = format!("{heading}\n{}", verdict());
    for growth in growths {
        let axis = growth.axis;
        let _ = write!(
            text,
            "\n### By {}: {}\n\n{}.\n\n![{} by {}]({})\n\n{}",
            axis.of_what,
            axis.unit,
            axis.title,
            axis.unit,
            axis.of_what,
            picture(axis.name),
            table(growth)
        );
    }
    text
}

fn verdict() -> String {
    format!(
        "Medians (least..most). The exponent is that of the cost of one: at 0 it is always the same, at 1 it doubles with the \
         number. At most {MOST} is allowed.\n"
    )
}

fn table(growth: &Growth) -> Table {
    let steps =
        growth.axis.steps.iter().filter(|&&step| growth.lines[0].1.iter().any(|(measured, _)| *measured == step));
    let header = [String::new()].into_iter().chain(steps.map(|&step| thousands(step)));
    let mut table = Table::new(header.chain(["exponent".into(), "verdict".into()]));
    for (line, points) in &growth.lines {
        let exponent = Growth::exponent(points);
        let verdict = match exponent {
            Some(exponent) if exponent <= MOST => "pass",
            Some(_) => "MISS",
            None => "not measured",
        };
        let shown = exponent.map_or("-".into(), |exponent| format!("{exponent:.2}"));
        let cells = points.iter().map(|(_, spread)| cell(Some(*spread)));
        table.row([line.name.to_owned()].into_iter().chain(cells).chain([shown, verdict.into()]));
    }
    table
}

/// `10,000`.
fn thousands(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::AXES, *};
    use crate::results::Spread;

    /// The last line grows as the number itself.
    fn growth(name: &str) -> Growth {
        let axis = AXES.iter().find(|axis| axis.name == name).unwrap();
        let last = axis.lines.len() - 1;
        let lines = axis.lines.iter().enumerate().map(|(index, line)| {
            let points = axis.steps.iter().map(|&step| {
                let median = if index == last { step as f64 } else { 5.0 + index as f64 };
                (step, Spread { median, min: median * 0.9, max: median * 1.2 })
            });
            (line, points.collect())
        });
        Growth { axis, lines: lines.collect() }
    }

    #[test]
    fn the_section_of_the_page() {
        let growths = [growth("connections"), growth("rules")];
        insta::assert_snapshot!(section("A machine.\n", &growths, |name| format!("performance/{name}.svg")));
    }

    #[test]
    fn the_text_for_the_terminal() {
        insta::assert_snapshot!(terminal("A machine.\n", &[growth("rooms")]));
    }

    #[test]
    fn a_line_that_grows_too_fast_is_a_miss() {
        assert!(growth("rooms").is_too_fast());
        let mut slow = growth("connections");
        slow.lines.pop();
        assert!(!slow.is_too_fast());
    }

    #[test]
    fn a_plot_has_axes_lines_and_a_legend() {
        let svg = super::super::plot::svg(&growth("rules")).unwrap();
        for part in ["<svg", "CPU us per message", "exact texts", "values in JSON", "1000", "</svg>"] {
            assert!(svg.contains(part), "{part}");
        }
    }
}
