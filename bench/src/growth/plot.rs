//! A growth as a picture: both axes logarithmic, so that a power is a straight line.

use anyhow::Result;
use plotters::prelude::{
    ChartBuilder, Circle, Color, IntoDrawingArea, IntoLogRange, LineSeries, PathElement, RGBColor, SVGBackend,
    SeriesLabelPosition, WHITE,
};

use super::Growth;

const SIZE: (u32, u32) = (640, 360);
const FONT: &str = "sans-serif";

/// Told apart also by those who do not see all colours.
const COLOURS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];

/// # Errors
/// When the library cannot draw it.
pub(super) fn svg(growth: &Growth) -> Result<String> {
    let mut svg = String::new();
    draw(growth, &mut svg)?;
    Ok(svg)
}

fn draw(growth: &Growth, svg: &mut String) -> Result<()> {
    let points = growth.lines.iter().flat_map(|(_, points)| points);
    let (left, right) = range(points.clone().map(|(step, _)| *step as f64));
    let (bottom, top) = range(points.map(|(_, spread)| spread.median));
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        // Room above and below: a flat line should look flat.
        .build_cartesian_2d((left..right).log_scale(), (bottom / 2.0..top * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(growth.axis.of_what)
        .y_desc(growth.axis.unit)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .light_line_style(RGBColor(240, 240, 240))
        .draw()?;
    for ((line, points), colour) in growth.lines.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<(f64, f64)> =
            points.iter().map(|(step, spread)| (*step as f64, spread.median)).filter(|&(_, cost)| cost > 0.0).collect();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(line.name)
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.into_iter().map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    if growth.lines.len() > 1 {
        let mut labels = chart.configure_series_labels();
        labels
            .position(SeriesLabelPosition::UpperLeft)
            .label_font((FONT, 13))
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

/// The least and the most of those that a logarithmic scale can show.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values
        .filter(|&value| value > 0.0)
        .fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
    if most > 0.0 { (least, most) } else { (0.1, 1.0) }
}
