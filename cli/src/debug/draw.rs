//! Draws the debugger's screen: the script with the cursor, the stacks, the details of the step, and a line for keys
//! and messages. On a narrow terminal the panes are below one another.

use ratatui::Frame as Screen;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Element, Frame, State, disassemble_as, short};
use sigstack_interpreter::Phase;

use super::app::App;
use super::breakpoint::Breakpoint;
use super::edit::MORE;
use super::mode::{Mode, Typing, Which};
use super::pane::{BAD, DIM, GOOD, HERE, draw_text, fit, is_wide, pane, part, window};
use super::panels;
use crate::table::wrap;

/// Maximum number of lines that the screen shows of a message.
const MESSAGE_LINES: usize = 3;

/// Draws the whole screen of the debugger.
pub(super) fn draw(app: &App, screen: &mut Screen<'_>) {
    let area = screen.area();
    let status = status_lines(app, area.width.into());
    let status_height = u16::try_from(status.len()).unwrap_or(1);
    let rows = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(status_height)];
    let [title, body, below] = Layout::vertical(rows).areas(area);
    screen.render_widget(Paragraph::new(title_line(app, area.width.into())), title);
    match &app.mode {
        Mode::Help => panels::draw_help(app, screen, body),
        Mode::Details => draw_details(app, screen, body),
        Mode::Flags(row) => panels::draw_flags(app, *row, screen, body),
        Mode::Elements(which, row) => panels::draw_elements(app, *which, *row, screen, body),
        Mode::Element(which, row) => panels::draw_element(app, *which, *row, screen, body),
        Mode::Stepping | Mode::Typing(..) => draw_panes(app, screen, body),
    }
    screen.render_widget(Paragraph::new(status), below);
    draw_line(app, screen, below);
}

fn draw_panes(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let fill = Constraint::Fill;
    let [script, stacks, details] = if is_wide(screen) {
        let [above, details] = Layout::vertical([fill(3), fill(2)]).areas(area);
        let [script, stacks] = Layout::horizontal([fill(1), fill(1)]).areas(above);
        [script, stacks, details]
    } else {
        Layout::vertical([fill(1), fill(1), fill(1)]).areas(area)
    };
    draw_script(app, screen, script);
    draw_stacks(app, screen, stacks);
    draw_details(app, screen, details);
}

fn title_line(app: &App, width: usize) -> Line<'static> {
    let subject = &app.trace.subject;
    let txid = subject.tx.compute_txid().to_string();
    let place = format!("{}/{}", app.at + 1, app.stops.len());
    let verdict = app.verdict_name();
    let of = |length: usize| {
        format!(" input {} of {}{MORE} ", subject.input, fit(&txid, length).replace(MORE, ""))
    };
    // If space is scarce, the transaction id is shortened first.
    let variants = [of(17), of(9), format!(" input {} ", subject.input), " ".into()];
    let room = width.saturating_sub(place.chars().count() + " verdict ".len() + verdict.chars().count());
    let middle = variants.into_iter().find(|text| text.chars().count() <= room).unwrap_or_else(|| " ".into());
    let style = if app.trace.is_valid() { GOOD } else { BAD };
    Line::from(vec![Span::raw(place + &middle + " verdict "), Span::styled(verdict, style)])
}

fn draw_script(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let (phase, script, offsets) = app.phase().unwrap_or((Phase::ScriptSig, &[], &[]));
    let position = app.position();
    let reached = app.reached();
    let count = offsets.len();
    let first = |height| window(position.unwrap_or(0), count, height);
    let title = if count == 0 { format!(" {phase} ") } else { format!(" script: {phase} ") };
    let inner = pane(screen, area, &title, &|height| part(first(height), count, height), Style::new());
    let skipped = app.step().is_some_and(|step| !step.before.exec && !step.after.exec);
    let line = |nth: usize| {
        let start = offsets.get(nth).copied().unwrap_or_default();
        let end = offsets.get(nth + 1).copied().unwrap_or(script.len());
        let words =
            disassemble_as(script.get(start..end).unwrap_or_default(), &app.trace.subject.code_points);
        let word = words.into_iter().next().map(|(_, word)| word).unwrap_or_default();
        let is_here = Some(nth) == position;
        let mark = if is_marked(app, phase, nth, &word) { '*' } else { ' ' };
        let cursor = if is_here { '>' } else { ' ' };
        let note = if is_here && skipped { "  (passed over)" } else { "" };
        let start = format!("{mark}{cursor}{nth:>4} ");
        let room = usize::from(inner.width).saturating_sub(start.chars().count() + note.len());
        let style = match is_here {
            true if app.is_failure() => BAD.add_modifier(Modifier::REVERSED),
            true => HERE,
            false if nth >= reached => DIM,
            false => Style::new(),
        };
        Line::styled(format!("{start}{}{note}", cut(&word, room)), style)
    };
    let rows = first(inner.height)..count;
    let mut lines: Vec<Line<'_>> = rows.take(inner.height.into()).map(line).collect();
    if lines.is_empty() {
        lines.push(Line::styled("no script runs here", DIM));
    }
    screen.render_widget(Paragraph::new(lines), inner);
}

fn is_marked(app: &App, phase: Phase, nth: usize, word: &str) -> bool {
    app.breakpoints.iter().any(|breakpoint| match breakpoint {
        Breakpoint::Position(at, position) => {
            at.is_none_or(|at| at == phase) && usize::try_from(*position).ok() == Some(nth)
        }
        Breakpoint::Opcode(opcode) => opcode.to_string() == word,
    })
}

/// Cuts a word in the middle to fit the width, and marks the cut with `…`.
fn cut(word: &str, width: usize) -> String {
    if word.chars().count() <= width || width < 8 {
        return fit(word, width);
    }
    let half = (width - 1) / 2;
    let start: String = word.chars().take(half).collect();
    let end: Vec<char> = word.chars().rev().take(half).collect();
    format!("{start}{MORE}{}", end.into_iter().rev().collect::<String>())
}

fn draw_stacks(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let state = app.state();
    let alt = state.map(|state| &*state.altstack).unwrap_or_default();
    let frame = if is_wide(screen) { 2 } else { 1 };
    let wanted = u16::try_from(alt.len()).unwrap_or(u16::MAX).saturating_add(frame);
    let alt_height = if alt.is_empty() { 0 } else { wanted.min(area.height / 2) };
    let [main, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(alt_height)]).areas(area);
    let stack = state.map(|state| &*state.stack).unwrap_or_default();
    draw_stack(app, screen, main, &stack_title(state), stack);
    if !alt.is_empty() {
        draw_stack(app, screen, below, " alt stack, top first ", alt);
    }
}

fn stack_title(state: Option<&State>) -> String {
    let mut title = " stack, top first".to_owned();
    if let Some(state) = state {
        if let Some(budget) = state.budget {
            title.push_str(&format!(", budget {budget}"));
        }
        if state.branches > 0 {
            title.push_str(&format!(", {} IF", state.branches));
        }
    }
    title + " "
}

fn draw_stack(app: &App, screen: &mut Screen<'_>, area: Rect, title: &str, stack: &[Element]) {
    let inner = pane(screen, area, title, &|height| part(0, stack.len(), height), Style::new());
    let line = |(depth, element): (usize, &Element)| {
        let (place, bytes) = (format!("{depth:>3} "), short(element));
        let room = usize::from(inner.width).saturating_sub(place.chars().count() + bytes.chars().count() + 2);
        let what = app.trace.known.describe(element);
        let what = if what.is_empty() { what } else { format!("  {}", fit(&what, room)) };
        Line::from(vec![Span::styled(place, DIM), Span::raw(bytes), Span::styled(what, DIM)])
    };
    let mut lines: Vec<Line<'_>> =
        stack.iter().rev().enumerate().take(inner.height.into()).map(line).collect();
    if lines.is_empty() {
        lines.push(Line::styled("empty", DIM));
    }
    screen.render_widget(Paragraph::new(lines), inner);
}

fn draw_details(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let (title, lines) = details(app);
    let style = if app.is_failure() { BAD } else { Style::new() };
    draw_text(app, screen, area, &title, &lines, style);
}

/// Returns a title and the details of the trace entry under the cursor. Explanations of a failure come first, because
/// the pane may have few lines.
fn details(app: &App) -> (String, Vec<(String, Style)>) {
    let Some(frame) = app.frame() else {
        let mut lines = vec![(app.trace.verdict_sentence(), Style::new())];
        if app.trace.verdict.is_err() {
            lines.push(("Press f to go to the failure.".into(), DIM));
        }
        return (" verdict ".into(), lines);
    };
    let styled = text::details(&app.trace, frame, TextOptions { full: true, ..TextOptions::default() });
    let mut plain = anstream::adapter::strip_str(&styled).to_string();
    if let Frame::Step(step) = frame {
        let about = match step.meaning.info() {
            Some(info) => format!("{}   {}\n", info.effect, info.summary),
            None if step.data.is_empty() => String::new(),
            None => format!("-- x   Pushes <{}>.\n", hex::encode(&step.data)),
        };
        let failed = step.result.err().map_or(String::new(), |error| format!("fails: {error}\n"));
        plain = format!("{failed}{about}{plain}");
    }
    let (notes, others): (Vec<&str>, Vec<&str>) = plain
        .lines()
        .map(str::trim_start)
        .partition(|line| line.starts_with("note:") || line.starts_with("fails:"));
    let words = |line: &str| {
        line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    };
    let lines = notes.into_iter().chain(others).map(|line| (words(line), Style::new())).collect();
    (details_title(frame), lines)
}

fn details_title(frame: &Frame) -> String {
    match frame {
        Frame::Step(step) => {
            format!(" {} at {}, byte {} ", step.name(), step.position, step.byte_offset)
        }
        Frame::Phase { phase, .. } => format!(" {phase} "),
        Frame::Commitment(_) => " taproot commitment ".into(),
        Frame::KeyPath(_) => " key path signature ".into(),
        Frame::OpSuccess(_) => " OP_SUCCESS ".into(),
        Frame::Begin(_) | Frame::End(_) => " end of script ".into(),
        Frame::Omitted(_) => " steps not kept ".into(),
    }
}

/// Returns the keys that the last line of the screen names in this mode, the most important first.
fn keys(mode: &Mode) -> &'static [&'static str] {
    match mode {
        Mode::Help | Mode::Details | Mode::Element(Which::Stacks, _) => {
            &["esc close", "down up scroll", "page down", "page up"]
        }
        Mode::Element(Which::Witness, _) => {
            &["esc close", "e edit", "down up scroll", "page down", "page up"]
        }
        Mode::Flags(_) => &["esc close", "space switch and run again", "down up select"],
        Mode::Elements(Which::Stacks, _) => &["esc close", "enter see it whole", "down up select"],
        Mode::Elements(Which::Witness, _) => {
            &["esc close", "enter see it whole", "e edit and run again", "down up select"]
        }
        Mode::Stepping | Mode::Typing(..) => &[
            "? help",
            "s step",
            "b back",
            "f failure",
            "e elements",
            "/ search",
            "d details",
            "r run",
            "w witness",
            "F flags",
            "t run to",
            "p break",
        ],
    }
}

fn status_lines(app: &App, width: usize) -> Vec<Line<'static>> {
    let style = if app.is_error { BAD } else { HERE };
    let mut lines: Vec<Line<'static>> = wrap(&app.message, width)
        .into_iter()
        .filter(|line| !line.is_empty())
        .take(MESSAGE_LINES)
        .map(|line| Line::styled(line, style))
        .collect();
    let is_typing = matches!(app.mode, Mode::Typing(..));
    if lines.is_empty() || is_typing {
        lines.push(if is_typing {
            Line::default()
        } else {
            Line::styled(hints(keys(&app.mode), width), DIM)
        });
    }
    lines
}

/// Joins as many texts as fit the width, with two spaces between them.
fn hints(texts: &[&str], width: usize) -> String {
    let mut line = String::new();
    for text in texts {
        let gap = if line.is_empty() { "" } else { "  " };
        if line.chars().count() + gap.len() + text.chars().count() > width {
            break;
        }
        line.push_str(gap);
        line.push_str(text);
    }
    line
}

/// Draws the line that the user edits, with the terminal's cursor in it.
fn draw_line(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let (Mode::Typing(what, line), Some(row)) = (&app.mode, area.rows().next_back()) else { return };
    let prompt = match what {
        Typing::RunTo => "run to opcode or position: ".to_owned(),
        Typing::Breakpoint => "breakpoint at opcode or position: ".to_owned(),
        Typing::Search => "search: ".to_owned(),
        Typing::Element(index) => format!("witness element {index}: "),
    };
    let prompt = fit(&prompt, usize::from(row.width) / 2 + 6);
    let used = prompt.chars().count();
    let (text, cursor) = line.view(usize::from(row.width).saturating_sub(used));
    screen.render_widget(Paragraph::new(Line::styled(prompt + &text, HERE)), row);
    if let Some(column) = u16::try_from(used + cursor).ok().filter(|column| *column < row.width) {
        screen.set_cursor_position((row.x + column, row.y));
    }
}
