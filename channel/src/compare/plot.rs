//! Line charts as SVG.

use plotters::prelude::{
    BLACK, ChartBuilder, Color, IntoDrawingArea, IntoFont, LineSeries, PathElement, RGBColor, SVGBackend,
    WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::ChannelError;

/// A line: its name and its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

/// Colours that keep apart on white.
const COLOURS: [RGBColor; 9] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(255, 127, 14),
    RGBColor(140, 86, 75),
    RGBColor(227, 119, 194),
    RGBColor(127, 127, 127),
    RGBColor(23, 190, 207),
];

/// Draws lines over common axes. With `log`, the vertical axis is logarithmic and values below 1 are drawn as 1.
///
/// # Errors
///
/// [`ChannelError::Refused`] without a point, or if the drawing fails.
pub fn line_chart(
    title: &str,
    axes: (&str, &str),
    series: &[Series],
    log: bool,
) -> Result<String, ChannelError> {
    let points = || series.iter().flat_map(|line| &line.points);
    if points().next().is_none() {
        return Err(ChannelError::refused("a chart without a point"));
    }
    let most = |pick: fn(&(f64, f64)) -> f64| points().map(pick).fold(f64::MIN, f64::max);
    let least = points().map(|(x, _)| *x).fold(f64::MAX, f64::min);
    let (right, top) = (most(|(x, _)| *x).max(least + 1e-9), most(|(_, y)| *y).max(1e-9) * 1.05);
    let mut svg = String::new();
    draw(&mut svg, title, axes, series, log, (least, right, top))
        .map_err(|error| ChannelError::refused(format!("the chart cannot be drawn: {error}")))?;
    Ok(svg)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(
    svg: &mut String,
    title: &str,
    axes: (&str, &str),
    series: &[Series],
    log: bool,
    (left, right, top): (f64, f64, f64),
) -> Drawn {
    let area = SVGBackend::with_string(svg, (960, 600)).into_drawing_area();
    area.fill(&WHITE)?;
    let font = ("sans-serif", 18).into_font();
    let mut builder = ChartBuilder::on(&area);
    builder.caption(title, font).margin(16).x_label_area_size(44).y_label_area_size(80);
    // A logarithmic axis is a linear one of exponents: it needs no other coordinate type.
    let scale = |y: f64| if log { y.max(1.0).log10() } else { y };
    let mut chart = builder.build_cartesian_2d(left..right, 0.0..scale(top))?;
    let label = |y: &f64| if log { format!("{:.0}", 10f64.powf(*y)) } else { format!("{y:.10}") };
    let short = |y: &f64| {
        let text = label(y);
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    chart.configure_mesh().x_desc(axes.0).y_desc(axes.1).y_label_formatter(&short).draw()?;
    for (line, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let points = line.points.iter().map(|(x, y)| (*x, scale(*y)));
        let colour = *colour;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    let pos = Pos::new(HPos::Left, VPos::Top);
    chart
        .configure_series_labels()
        .border_style(BLACK.mix(0.3))
        .background_style(WHITE.mix(0.85))
        .label_font(("sans-serif", 13).into_font().color(&BLACK).pos(pos))
        .position(plotters::chart::SeriesLabelPosition::UpperLeft)
        .draw()?;
    area.present()?;
    Ok(())
}
