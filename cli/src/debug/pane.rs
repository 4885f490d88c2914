//! Panes of the screen: their styles and borders, and texts and lists that are cut to fit.

use ratatui::Frame as Screen;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

use super::app::App;
use super::edit::MORE;
use crate::table::wrap;

pub(super) const HERE: Style = Style::new().add_modifier(Modifier::REVERSED);
pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// Minimum width in columns of a screen with panes side by side. On a narrower screen the panes are below one
/// another.
const WIDE: u16 = 76;

/// Returns `true` if panes are side by side.
pub(super) fn is_wide(screen: &Screen<'_>) -> bool {
    screen.area().width >= WIDE
}

/// Draws the border of a pane and returns the area inside. The border is a box, or on a narrow screen only a line at
/// the top. `part` is called with the number of lines that fit the pane, and returns a text that says which lines are
/// visible.
pub(super) fn pane(
    screen: &mut Screen<'_>,
    area: Rect,
    title: &str,
    part: &dyn Fn(u16) -> String,
    style: Style,
) -> Rect {
    let block = if is_wide(screen) { Block::bordered() } else { Block::new().borders(Borders::TOP) };
    let inner = block.inner(area);
    let part = part(inner.height);
    let room = usize::from(area.width).saturating_sub(2);
    let block = block.border_style(style);
    let block = if is_wide(screen) {
        block.title_top(fit(title, room)).title_bottom(Line::from(part).right_aligned())
    } else {
        let title = fit(title, room.saturating_sub(part.chars().count() + 1));
        block.title_top(title).title_top(Line::from(part).right_aligned())
    };
    screen.render_widget(block, area);
    inner
}

/// Describes which lines of a pane are visible, and whether there are more above and below. Returns an empty text if
/// all are visible.
pub(super) fn part(first: usize, count: usize, height: u16) -> String {
    let until = first.saturating_add(height.into()).min(count);
    if first == 0 && until == count {
        return String::new();
    }
    let (above, below) = (if first > 0 { "↑" } else { "" }, if until < count { "↓" } else { "" });
    format!(" {above}{below} {}-{until}/{count} ", (first + 1).min(until))
}

/// Cuts a text at its end to fit the width, and marks the cut with `…`.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        cut.push(MORE);
    }
    cut
}

/// Returns the first visible row of a list so that a window of `height` rows contains the selected row.
pub(super) fn window(selected: usize, count: usize, height: u16) -> usize {
    let height = usize::from(height).max(1);
    selected.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// Draws a text that the user can scroll, and records the maximum scroll position.
pub(super) fn draw_text(
    app: &App,
    screen: &mut Screen<'_>,
    area: Rect,
    title: &str,
    text: &[(String, Style)],
    border: Style,
) {
    // A box takes one column on each side.
    let width = usize::from(area.width).saturating_sub(if is_wide(screen) { 2 } else { 0 });
    let wrapped = |(text, style): &(String, Style)| {
        wrap(text, width).into_iter().map(|line| Line::styled(line, *style)).collect::<Vec<_>>()
    };
    let lines: Vec<Line<'_>> = text.iter().flat_map(wrapped).collect();
    let count = lines.len();
    let most = |height: u16| count.saturating_sub(height.into());
    let part = |height| part(app.scroll.min(most(height)), count, height);
    let inner = pane(screen, area, title, &part, border);
    app.drawn.set((most(inner.height), inner.height.into()));
    let first = app.scroll.min(most(inner.height));
    let shown: Vec<Line<'_>> = lines.into_iter().skip(first).take(inner.height.into()).collect();
    screen.render_widget(Paragraph::new(shown), inner);
}
