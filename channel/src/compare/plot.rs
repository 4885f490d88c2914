//! Draws charts as SVG. A construction has the same colour in every chart ([`palette`]).
//!
//! Lines that coincide are drawn as dashes in alternating colours, and the legend groups them with a note. A
//! line is also dashed if a part of it coincides with a line drawn before.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::{
    BLACK, Cartesian2d, ChartBuilder, ChartContext, Circle, Color, DashedLineSeries, DrawingArea,
    IntoDrawingArea, IntoFont, IntoLogRange, LineSeries, PathElement, RGBColor, Rectangle, SVGBackend, Text,
    WHITE,
};

use super::palette;
use crate::error::ChannelError;

/// A line of a chart: its name, its colour and its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name of this chart line, as shown in the legend.
    name: String,
    colour: RGBColor,
    /// Points of the line from left to right.
    points: Vec<(f64, f64)>,
}

impl Series {
    /// Creates a chart line with the colour of `key`, which is the name of a construction on the command line or the
    /// name of a strategy. For any other `key` the line is black.
    pub fn new(key: &str, name: &str, points: Vec<(f64, f64)>) -> Series {
        let (red, green, blue) = palette::colour(key).unwrap_or_default();
        Series { name: name.to_owned(), colour: RGBColor(red, green, blue), points }
    }
}

/// Title and axes of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axes<'a> {
    /// Title above the chart.
    pub title: &'a str,
    /// Label of the chart's horizontal axis.
    pub x: &'a str,
    /// Label of the chart's vertical axis.
    pub y: &'a str,
    /// Whether the horizontal axis is logarithmic, which requires x values above 0.
    pub log_x: bool,
    /// Whether the vertical axis is logarithmic, which requires y values above 0.
    pub log_y: bool,
}

/// Width and height of a chart in pixels. The legend begins at the horizontal position `LEGEND_AT`.
const SIZE: (u32, u32) = (1_000, 560);
const LEGEND_AT: u32 = 740;

/// Maximum distance between two points that count as the same, as a share of the length of the axis. It is
/// used to find lines that coincide.
const NEAR: f64 = 0.006;

/// Length in pixels of one dash, where coinciding lines are drawn as dashes.
const DASH: u32 = 8;

/// Length in pixels of one dash, where a line that partly covers another line is drawn as dashes. It differs from
/// [`DASH`], so that the covered line is visible in the gaps.
const PART_DASH: u32 = 5;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn undrawn(error: &dyn std::error::Error) -> ChannelError {
    ChannelError::refused(format!("the chart cannot be drawn: {error}"))
}

/// Draws several lines in one chart with common axes, as SVG.
///
/// # Errors
///
/// [`ChannelError::Refused`] if there is no point, if a point is at or below 0 on a logarithmic axis, or if
/// the drawing fails.
pub fn line_chart(axes: &Axes<'_>, series: &[Series]) -> Result<String, ChannelError> {
    let points: Vec<(f64, f64)> = series.iter().flat_map(|line| line.points.iter().copied()).collect();
    if points.is_empty() {
        return Err(ChannelError::refused("a chart without a point"));
    }
    if points.iter().any(|(x, y)| axes.log_x && *x <= 0.0 || axes.log_y && *y <= 0.0) {
        return Err(ChannelError::refused("a logarithmic axis begins above 0"));
    }
    let mut svg = String::new();
    draw_lines(&mut svg, axes, series, &points).map_err(|error| undrawn(error.as_ref()))?;
    Ok(svg)
}

/// Returns the lower and upper end of an axis. A linear axis begins at or below 0 and has a small margin
/// above the maximum. The ends of a logarithmic axis are 1, 2 or 5 times a power of ten.
pub(super) fn ends(values: impl Iterator<Item = f64> + Clone, log: bool) -> (f64, f64) {
    /// Relative tolerance for rounding errors when the ends of a chart axis are chosen. A value that exceeds a possible
    /// end only by a rounding error does not move the end.
    const ROUNDING: f64 = 1e-9;
    let most = values.clone().fold(f64::MIN, f64::max);
    let least = values.fold(f64::MAX, f64::min);
    if !log {
        return (least.min(0.0), if most > 0.0 { most * 1.05 } else { 1.0 });
    }
    let decade = |value: f64| 10f64.powf(value.log10().floor());
    let (below, above) = (decade(least), decade(most));
    let low =
        [10.0, 5.0, 2.0].map(|step| step * below).into_iter().find(|at| *at <= least * (1.0 + ROUNDING));
    let high = [1.0, 2.0, 5.0].map(|step| step * above).into_iter().find(|at| *at >= most * (1.0 - ROUNDING));
    let (low, high) = (low.unwrap_or(below), high.unwrap_or(10.0 * above));
    // Only powers of ten have labels, and an axis needs at least two labels.
    let first = 10f64.powf((low * (1.0 - ROUNDING)).log10().ceil());
    match first * 10.0 <= high * (1.0 + ROUNDING) {
        true => (low, high),
        false => (below, 10.0 * below.max(decade(high * (1.0 - ROUNDING)))),
    }
}

fn draw_lines(svg: &mut String, axes: &Axes<'_>, series: &[Series], points: &[(f64, f64)]) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(LEGEND_AT);
    let (x0, x1) = ends(points.iter().map(|(x, _)| *x), axes.log_x);
    let (y0, y1) = ends(points.iter().map(|(_, y)| *y), axes.log_y);
    let place = |value: f64, (low, high): (f64, f64), log: bool| match log {
        true => (value.ln() - low.ln()) / (high.ln() - low.ln()),
        false => (value - low) / (high - low),
    };
    let near = |(ax, ay): (f64, f64), (bx, by): (f64, f64)| {
        let apart_x = place(ax, (x0, x1), axes.log_x) - place(bx, (x0, x1), axes.log_x);
        let apart_y = place(ay, (y0, y1), axes.log_y) - place(by, (y0, y1), axes.log_y);
        apart_x.abs() < NEAR && apart_y.abs() < NEAR
    };
    let groups = groups(series, near);
    let mut builder = ChartBuilder::on(&left);
    builder.caption(axes.title, ("sans-serif", 18).into_font());
    builder.margin(16).x_label_area_size(48).y_label_area_size(88);
    match (axes.log_x, axes.log_y) {
        (false, false) => lines(builder.build_cartesian_2d(x0..x1, y0..y1)?, axes, &groups)?,
        (true, false) => lines(builder.build_cartesian_2d((x0..x1).log_scale(), y0..y1)?, axes, &groups)?,
        (false, true) => lines(builder.build_cartesian_2d(x0..x1, (y0..y1).log_scale())?, axes, &groups)?,
        (true, true) => {
            let chart = builder.build_cartesian_2d((x0..x1).log_scale(), (y0..y1).log_scale())?;
            lines(chart, axes, &groups)?;
        }
    }
    legend(&right, &groups)?;
    area.present()?;
    Ok(())
}

/// A group of chart lines that coincide.
struct Group<'a> {
    lines: Vec<&'a Series>,
    /// Number of earlier line groups that share a segment with this group.
    covers: u32,
}

impl Group<'_> {
    fn points(&self) -> &[(f64, f64)] {
        self.lines.first().map_or(&[], |line| &line.points)
    }
}

/// Groups lines that coincide. Two lines coincide if they have the same number of points and each point of
/// one is near the point of the other at the same position.
fn groups<'a>(series: &'a [Series], near: impl Fn((f64, f64), (f64, f64)) -> bool) -> Vec<Group<'a>> {
    let all_near = |some: &[(f64, f64)], others: &[(f64, f64)]| {
        some.len() == others.len() && some.iter().zip(others).all(|(one, other)| near(*one, *other))
    };
    let mut groups: Vec<Group<'a>> = Vec::new();
    for line in series {
        if let Some(group) = groups.iter_mut().find(|group| all_near(group.points(), &line.points)) {
            group.lines.push(line);
            continue;
        }
        // Lines partly coincide if they have a segment in common.
        let common = |group: &&Group<'_>| {
            let mut segments = group.points().windows(2);
            segments.any(|one| line.points.windows(2).any(|other| all_near(one, other)))
        };
        let covers = (0..).zip(groups.iter().filter(common)).map(|(nth, _)| nth + 1).last().unwrap_or(0);
        groups.push(Group { lines: vec![line], covers });
    }
    groups
}

type Chart<'a, X, Y> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>;

fn lines<'a, X, Y>(mut chart: Chart<'a, X, Y>, axes: &Axes<'_>, groups: &[Group<'_>]) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let format = |value: &f64| number(*value);
    chart
        .configure_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&format)
        .y_label_formatter(&format)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    for group in groups {
        for (line, nth) in group.lines.iter().zip(0i32..) {
            let points = || line.points.iter().copied();
            let style = line.colour.stroke_width(2);
            // The first line of a group is solid, unless it partly covers another group. The other lines of
            // the group are drawn over it as dashes, with rings around their points.
            if nth == 0 && group.covers > 0 {
                let gap = PART_DASH * group.covers;
                chart.draw_series(DashedLineSeries::new(points(), PART_DASH, gap, style))?;
                chart.draw_series(points().map(|point| Circle::new(point, 4, style)))?;
            } else if nth == 0 {
                chart.draw_series(LineSeries::new(points(), style))?;
                chart.draw_series(points().map(|point| Circle::new(point, 3, line.colour.filled())))?;
            } else {
                // Each line covers only the beginning of the dashes of the previous one, so a dash of every
                // colour is visible.
                let count = u32::try_from(group.lines.len()).unwrap_or(1);
                let over = nth.unsigned_abs();
                let (dash, gap) = (DASH * count.saturating_sub(over), DASH * over);
                chart.draw_series(DashedLineSeries::new(points(), dash, gap, style))?;
                chart.draw_series(points().map(|point| Circle::new(point, 3 + 2 * nth, style)))?;
            }
        }
    }
    Ok(())
}

/// Formats a number with thousands separators and without trailing zeros.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        let text = format!("{value:.3}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let text = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (nth, digit) in text.chars().enumerate() {
        if nth > 0 && (text.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 { format!("-{grouped}") } else { grouped }
}

/// Draws the names of the lines with their colours. Coinciding lines are grouped, with a bracket and a note.
fn legend(area: &Area<'_>, groups: &[Group<'_>]) -> Drawn {
    let points = |line: &&Series| line.points.clone();
    let mut y = 60;
    for group in groups {
        let top = y;
        for (nth, line) in group.lines.iter().enumerate() {
            let pieces =
                if nth == 0 && group.covers > 0 { &[(12, 16), (21, 25), (30, 34)][..] } else { &[(12, 34)] };
            for (from, to) in pieces {
                area.draw(&PathElement::new([(*from, y), (*to, y)], line.colour.stroke_width(3)))?;
            }
            let font = ("sans-serif", 14).into_font().color(&BLACK);
            area.draw(&Text::new(line.name.clone(), (40, y - 7), font))?;
            y += 24;
        }
        if group.lines.len() > 1 {
            area.draw(&PathElement::new([(8, top - 6), (4, top - 6), (4, y - 18), (8, y - 18)], BLACK))?;
            let font = ("sans-serif", 12).into_font().color(&BLACK.mix(0.7));
            let same = group.lines.windows(2).all(|pair| pair.first().map(points) == pair.last().map(points));
            let nearly = if same { "" } else { "nearly " };
            let note = format!("these {} {nearly}coincide: dashed line", group.lines.len());
            area.draw(&Text::new(note, (12, y - 8), font))?;
            y += 22;
        }
    }
    if groups.iter().any(|group| group.covers > 0) {
        let font = ("sans-serif", 12).into_font().color(&BLACK.mix(0.7));
        area.draw(&Text::new("short dashes: coincides in part", (12, y - 8), font))?;
    }
    Ok(())
}

/// A heat map: red for negative values, white for 0, blue for positive values.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Horizontal coordinates of the heat map's columns, at equal distances.
    pub columns: Vec<f64>,
    /// Vertical coordinates of the heat map's rows, at equal distances.
    pub rows: Vec<f64>,
    /// Values of the heat map's cells, by row and then by column. A cell with `None` stays blank.
    pub values: Vec<Vec<Option<f64>>>,
    /// Chart line that is drawn over the heat map.
    pub line: Series,
}

/// Draws a heat map as SVG. The legend shows the colours of five values.
///
/// # Errors
///
/// [`ChannelError::Refused`] if there are fewer than two columns or rows, or if the drawing fails.
pub fn heat_chart(axes: &Axes<'_>, map: &HeatMap) -> Result<String, ChannelError> {
    let step = |places: &[f64]| match places {
        [first, second, ..] => Some(second - first),
        _ => None,
    };
    let steps = step(&map.columns).zip(step(&map.rows));
    let (dx, dy) = steps.ok_or_else(|| ChannelError::refused("a grid of fewer than two rows or columns"))?;
    let mut svg = String::new();
    draw_heat(&mut svg, axes, map, (dx / 2.0, dy / 2.0)).map_err(|error| undrawn(error.as_ref()))?;
    Ok(svg)
}

fn draw_heat(svg: &mut String, axes: &Axes<'_>, map: &HeatMap, (dx, dy): (f64, f64)) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(LEGEND_AT);
    let span = |places: &[f64], half: f64| {
        let first = places.first().copied().unwrap_or_default();
        (first - half)..(places.last().copied().unwrap_or_default() + half)
    };
    let mut builder = ChartBuilder::on(&left);
    builder.caption(axes.title, ("sans-serif", 18).into_font());
    builder.margin(16).x_label_area_size(48).y_label_area_size(88);
    let mut chart = builder.build_cartesian_2d(span(&map.columns, dx), span(&map.rows, dy))?;
    let most = map.values.iter().flatten().flatten().fold(1.0, |most: f64, value| most.max(value.abs()));
    for (y, row) in map.rows.iter().zip(&map.values) {
        for (x, value) in map.columns.iter().zip(row) {
            if let Some(value) = value {
                let corners = [(x - dx, y - dy), (x + dx, y + dy)];
                chart.draw_series([Rectangle::new(corners, shade(value / most).filled())])?;
            }
        }
    }
    let format = |value: &f64| number(*value);
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&format)
        .y_label_formatter(&format)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .draw()?;
    chart.draw_series(LineSeries::new(map.line.points.iter().copied(), BLACK.stroke_width(2)))?;
    let font = || ("sans-serif", 14).into_font().color(&BLACK);
    for (part, row) in [1.0, 0.5, 0.0, -0.5, -1.0].into_iter().zip(0i32..) {
        let y = 60 + 26 * row;
        area_box(&right, y, shade(part))?;
        right.draw(&Text::new(number(part * most) + " sat", (44, y - 7), font()))?;
    }
    right.draw(&PathElement::new([(8, 200), (32, 200)], BLACK.stroke_width(2)))?;
    right.draw(&Text::new(map.line.name.clone(), (44, 193), font()))?;
    area.present()?;
    Ok(())
}

fn area_box(area: &Area<'_>, y: i32, colour: RGBColor) -> Drawn {
    area.draw(&Rectangle::new([(8, y - 10), (32, y + 10)], colour.filled()))?;
    area.draw(&Rectangle::new([(8, y - 10), (32, y + 10)], BLACK.mix(0.4).stroke_width(1)))?;
    Ok(())
}

/// Returns the colour of a value from -1 (red) to 0 (white) to 1 (blue).
fn shade(part: f64) -> RGBColor {
    let faded = |full: u8| {
        // The colour component is 255 at 0, and `full` at 1.
        let value = 255.0 - (255.0 - f64::from(full)) * part.abs().min(1.0);
        (0..=255u8).rev().find(|byte| f64::from(*byte) <= value).unwrap_or_default()
    };
    match part < 0.0 {
        true => RGBColor(faded(178), faded(24), faded(43)),
        false => RGBColor(faded(33), faded(102), faded(172)),
    }
}
