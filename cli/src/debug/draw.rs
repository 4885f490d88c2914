//! The screen: the script with the cursor left, the stacks right, details below.

use ratatui::Frame as Screen;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};
use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Element, Frame, disassemble, short};
use sigstack_interpreter::{FLAGS, VerifyError};

use super::app::{App, Breakpoint, Mode, RAN_AGAIN, Typing};
use super::keys::HELP;

const HERE: Style = Style::new().add_modifier(Modifier::REVERSED);
const DIM: Style = Style::new().fg(Color::DarkGray);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// Draws everything.
pub(super) fn draw(app: &App, screen: &mut Screen<'_>) {
    let rows = [Constraint::Length(1), Constraint::Fill(3), Constraint::Fill(2), Constraint::Length(1)];
    let [title, body, details, status] = Layout::vertical(rows).areas(screen.area());
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(body);
    screen.render_widget(Paragraph::new(title_line(app)), title);
    draw_script(app, screen, left);
    draw_stacks(app, screen, right);
    draw_details(app, screen, details);
    screen.render_widget(Paragraph::new(status_line(app)), status);
    match &app.mode {
        Mode::Help => draw_help(screen),
        Mode::Flags(row) => draw_flags(app, *row, screen),
        Mode::Witness(row) => draw_witness(app, *row, screen),
        Mode::Stepping | Mode::Typing(..) => {}
    }
}

fn title_line(app: &App) -> Line<'static> {
    let subject = &app.trace.subject;
    let txid = subject.tx.compute_txid().to_string();
    let verdict = match &app.trace.verdict {
        Ok(()) => Span::styled("OK", GOOD),
        Err(VerifyError::Script { error, .. }) => Span::styled(error.name(), BAD),
        Err(VerifyError::Usage(_)) => Span::styled("none", BAD),
    };
    let place = format!("{}/{} ", app.at + 1, app.stops.len());
    let start = txid.get(..16).unwrap_or(&txid);
    Line::from(vec![
        Span::raw(place),
        Span::raw(format!("input {} of {start}..  verdict ", subject.input)),
        verdict,
    ])
}

/// The part of a list that a window of `height` rows shows, with the selected row in it.
fn window(selected: usize, count: usize, height: u16) -> usize {
    let height = usize::from(height).max(1);
    selected.saturating_sub(height / 2).min(count.saturating_sub(height))
}

fn draw_script(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let (phase, script) = app.phase().unzip();
    let name = phase.map_or("", sigstack_interpreter::Phase::name);
    let block = Block::bordered().title(format!(" {name} "));
    let inner = block.inner(area);
    let script = script.flatten().map(disassemble).unwrap_or_default();
    let here = app.step().map(|step| step.byte_offset);
    let position = here.and_then(|here| script.iter().position(|(offset, _)| *offset == here));
    let skipped = app.step().is_some_and(|step| !step.before.exec && !step.after.exec);
    let first = window(position.unwrap_or(0), script.len(), inner.height);
    let line = |(nth, (_, word)): (usize, &(usize, String))| {
        let marked = app.breakpoints.iter().any(|breakpoint| match breakpoint {
            Breakpoint::Position(at, position) => {
                at.is_none_or(|at| Some(at) == phase) && usize::try_from(*position).ok() == Some(nth)
            }
            Breakpoint::Opcode(opcode) => opcode.to_string() == *word,
        });
        let mark = if marked { '*' } else { ' ' };
        let cursor = if Some(nth) == position { '>' } else { ' ' };
        let style = match Some(nth) == position {
            true if app.is_failure() => BAD.add_modifier(Modifier::REVERSED),
            true => HERE,
            false => Style::new(),
        };
        let note = if Some(nth) == position && skipped { "  (passed over)" } else { "" };
        let width = usize::from(inner.width).saturating_sub(8);
        Line::styled(format!("{mark}{cursor}{nth:>4} {}{note}", cut(word, width)), style)
    };
    let lines: Vec<Line<'_>> =
        script.iter().enumerate().skip(first).take(inner.height.into()).map(line).collect();
    let lines = if script.is_empty() { vec![Line::styled("no script runs here", DIM)] } else { lines };
    screen.render_widget(Paragraph::new(lines).block(block), area);
}

/// A word cut in the middle to fit.
fn cut(word: &str, width: usize) -> String {
    if word.chars().count() <= width || width < 8 {
        return word.to_owned();
    }
    let half = (width - 2) / 2;
    let start: String = word.chars().take(half).collect();
    let end: Vec<char> = word.chars().rev().take(half).collect();
    format!("{start}..{}", end.into_iter().rev().collect::<String>())
}

fn draw_stacks(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let state = app.state();
    let alt = state.map_or(0, |state| state.altstack.len());
    let alt_height = u16::try_from(alt).unwrap_or(u16::MAX).min(4);
    let alt_height = if alt_height == 0 { 0 } else { alt_height + 2 };
    let [main, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(alt_height)]).areas(area);
    let mut title = " stack, top first".to_owned();
    if let Some(state) = state {
        if let Some(budget) = state.budget {
            title.push_str(&format!(", budget {budget}"));
        }
        if state.branches > 0 {
            title.push_str(&format!(", {} IF", state.branches));
        }
    }
    title.push(' ');
    let stack = state.map(|state| &*state.stack).unwrap_or_default();
    screen.render_widget(elements(app, stack).block(Block::bordered().title(title)), main);
    if let Some(state) = state.filter(|_| alt > 0) {
        let block = Block::bordered().title(" alt stack ");
        screen.render_widget(elements(app, &state.altstack).block(block), below);
    }
}

fn elements<'a>(app: &App, stack: &[Element]) -> Paragraph<'a> {
    let line = |(depth, element): (usize, &Element)| {
        let what = app.trace.known.describe(element);
        Line::from(vec![
            Span::styled(format!("{depth:>3} "), DIM),
            Span::raw(short(element)),
            Span::styled(if what.is_empty() { what } else { format!("  {what}") }, DIM),
        ])
    };
    let lines: Vec<Line<'_>> = stack.iter().rev().enumerate().map(line).collect();
    Paragraph::new(if lines.is_empty() { vec![Line::styled("empty", DIM)] } else { lines })
}

fn draw_details(app: &App, screen: &mut Screen<'_>, area: Rect) {
    let (title, body) = match app.frame() {
        None => (" verdict ".to_owned(), verdict_text(app)),
        Some(frame) => {
            let styled = text::details(&app.trace, frame, TextOptions::default());
            let mut plain = anstream::adapter::strip_str(&styled).to_string();
            if let Frame::Step(step) = frame {
                let info = step.opcode.info();
                let about =
                    info.map_or(String::new(), |info| format!("{}   {}\n", info.effect, info.summary));
                let failed = step.result.err().map_or(String::new(), |error| format!("fails: {error}\n"));
                plain = format!("{failed}{about}{plain}");
            }
            let title = match frame {
                Frame::Step(step) => {
                    format!(" {} at {}, byte {} ", step.opcode, step.position, step.byte_offset)
                }
                Frame::Phase { phase, .. } => format!(" {phase} "),
                Frame::Commitment(_) => " taproot commitment ".into(),
                Frame::KeyPath(_) => " key path signature ".into(),
                Frame::OpSuccess(_) => " OP_SUCCESS ".into(),
                Frame::Begin(_) | Frame::End(_) => " end of script ".into(),
                Frame::Omitted(_) => " left out ".into(),
            };
            (title, plain)
        }
    };
    // What explains a failure comes first: there is room for a few lines only.
    let (notes, others): (Vec<&str>, Vec<&str>) = body
        .lines()
        .map(str::trim_start)
        .partition(|line| line.starts_with("note:") || line.starts_with("fails:"));
    let words = |line: &str| {
        line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    };
    let body: Vec<Line<'_>> = notes.into_iter().chain(others).map(|line| Line::raw(words(line))).collect();
    let most = u16::try_from(body.len()).unwrap_or(u16::MAX).saturating_sub(1);
    let style = if app.is_failure() { BAD } else { Style::new() };
    let block = Block::bordered().title(title).border_style(style);
    screen.render_widget(
        Paragraph::new(body).wrap(Wrap { trim: false }).scroll((app.scroll.min(most), 0)).block(block),
        area,
    );
}

fn verdict_text(app: &App) -> String {
    match &app.trace.verdict {
        Ok(()) => {
            let gaps = app.trace.gaps.iter().map(|gap| format!("\nBut {}.", text::unchecked(gap)));
            core::iter::once("OK: the spend is valid under these flags.".to_owned()).chain(gaps).collect()
        }
        Err(error) => format!("{error}\nPress f to go to the failure."),
    }
}

fn status_line(app: &App) -> Line<'static> {
    match &app.mode {
        Mode::Typing(what, text) => {
            let prompt = match what {
                Typing::RunTo => "run to opcode or position".to_owned(),
                Typing::Breakpoint => "breakpoint at opcode or position".to_owned(),
                Typing::Element(index) => format!("witness element {index}"),
            };
            Line::styled(format!("{prompt}: {text}_"), HERE)
        }
        _ if !app.message.is_empty() => Line::styled(app.message.clone(), HERE),
        _ => Line::styled(
            "s step  b back  r run  t run to  p break  f failure  F flags  w witness  ? help",
            DIM,
        ),
    }
}

/// An area in the middle of the screen, cleared.
fn panel(screen: &mut Screen<'_>, width: u16, height: u16) -> Rect {
    let area = screen.area();
    let (width, height) = (width.min(area.width), height.min(area.height));
    let panel = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    screen.render_widget(Clear, panel);
    panel
}

fn draw_help(screen: &mut Screen<'_>) {
    let lines: Vec<Line<'_>> =
        HELP.iter().map(|(keys, what)| Line::raw(format!("{keys:<20} {what}"))).collect();
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = panel(screen, 78, height);
    screen.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), area);
}

fn draw_list(screen: &mut Screen<'_>, title: &str, row: usize, items: Vec<String>) {
    let height = u16::try_from(items.len() + 2).unwrap_or(u16::MAX);
    let area = panel(screen, 74, height);
    let block = Block::bordered().title(title.to_owned());
    let inner = block.inner(area);
    let first = window(row, items.len(), inner.height);
    let line =
        |(nth, item): (usize, String)| Line::styled(item, if nth == row { HERE } else { Style::new() });
    let lines: Vec<Line<'_>> =
        items.into_iter().enumerate().skip(first).take(inner.height.into()).map(line).collect();
    screen.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_flags(app: &App, row: usize, screen: &mut Screen<'_>) {
    let flags = app.trace.subject.flags;
    let item = |info: &sigstack_interpreter::FlagInfo| {
        let set = if flags.contains(info.flag) { 'x' } else { ' ' };
        format!("[{set}] {}", info.name)
    };
    let verdict = match &app.trace.verdict {
        Ok(()) => "OK",
        Err(error) => error.script_error().map_or("none", sigstack_interpreter::ScriptError::name),
    };
    // A set that makes no sense is not taken, and the message says why.
    let title = match app.message.is_empty() || app.message == RAN_AGAIN {
        true => format!(" flags: space switches, esc closes; verdict {verdict} "),
        false => format!(" {} ", app.message),
    };
    draw_list(screen, &title, row, FLAGS.iter().map(item).collect());
}

fn draw_witness(app: &App, row: usize, screen: &mut Screen<'_>) {
    let item = |(nth, element): (usize, &Vec<u8>)| {
        let what = app.trace.known.describe(element);
        format!("{nth:>3} {}  {what}", short(element))
    };
    let items = app.witness().iter().enumerate().map(item).collect();
    draw_list(screen, " witness: enter edits, esc closes ", row, items);
}
