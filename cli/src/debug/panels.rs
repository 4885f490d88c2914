//! Draws the lists and texts that fill the screen: help, flags and elements.

use ratatui::Frame as Screen;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use sigstack_interpreter::FLAGS;

use super::app::App;
use super::element::{Item, lines, summary};
use super::keys::{PANELS, STEPPING};
use super::mode::Which;
use super::pane::{DIM, HERE, draw_text, fit, pane, part, window};
use crate::table::wrap;

/// Width in columns of the key names in the help.
const NAMES: usize = 22;

pub(super) fn draw_help(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let stepping = STEPPING.iter().map(|key| (key.names, key.does));
    // Width without the names and the sides of the box.
    let room = usize::from(area.width).saturating_sub(NAMES + 3);
    let lines = |(names, does): (&str, &str)| match does {
        "" => vec![(names.to_owned(), DIM)],
        _ => {
            let parts = wrap(does, room).into_iter().enumerate();
            let line = |(nth, part)| format!("{:<NAMES$} {part}", if nth == 0 { names } else { "" });
            parts.map(|part| (line(part), Style::new())).collect()
        }
    };
    let text: Vec<(String, Style)> = stepping.chain(PANELS.iter().copied()).flat_map(lines).collect();
    draw_text(app, screen, area, " keys ", &text, Style::new());
}

fn draw_list(app: &App, screen: &mut Screen<'_>, area: Rect, title: &str, row: usize, items: &[String]) {
    let first = |height| window(row, items.len(), height);
    let inner = pane(screen, area, title, &|height| part(first(height), items.len(), height), Style::new());
    app.drawn.set((0, inner.height.into()));
    let line = |(nth, item): (usize, &String)| {
        Line::styled(fit(item, inner.width.into()), if nth == row { HERE } else { Style::new() })
    };
    let rows = items.iter().enumerate().skip(first(inner.height)).take(inner.height.into());
    screen.render_widget(Paragraph::new(rows.map(line).collect::<Vec<_>>()), inner);
}

pub(super) fn draw_flags(app: &App, row: usize, screen: &mut Screen<'_>, area: Rect) {
    let flags = app.trace.subject.flags;
    let item = |info: &sigstack_interpreter::FlagInfo| {
        let set = if flags.contains(info.flag) { 'x' } else { ' ' };
        format!("[{set}] {}", info.name)
    };
    let items: Vec<String> = FLAGS.iter().map(item).collect();
    draw_list(app, screen, area, " flags ", row, &items);
}

pub(super) fn draw_elements(app: &App, which: Which, row: usize, screen: &mut Screen<'_>, area: Rect) {
    let title = match which {
        Which::Stacks => " stacks, top first ",
        Which::Witness => " witness, element 0 first ",
    };
    let items: Vec<String> = app.items(which).iter().map(|item| summary(item, &app.trace.known)).collect();
    draw_list(app, screen, area, title, row, &items);
}

pub(super) fn draw_element(app: &App, which: Which, row: usize, screen: &mut Screen<'_>, area: Rect) {
    let Some(item) = app.items(which).into_iter().nth(row) else { return };
    let text: Vec<(String, Style)> =
        lines(&item, &app.trace.known).into_iter().map(|line| (line, Style::new())).collect();
    let Item { title, .. } = item;
    draw_text(app, screen, area, &format!(" {title} "), &text, Style::new());
}
