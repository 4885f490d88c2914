//! What each key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sigstack_interpreter::FLAGS;

use super::app::{App, Breakpoint, Mode, Typing};

/// The keys and what they do, as the help shows them.
pub(super) const HELP: &[(&str, &str)] = &[
    ("right, s, space", "step"),
    ("left, b", "step back"),
    ("page down, page up", "ten steps forth, back"),
    ("home g, end G", "to the beginning, to the verdict"),
    ("f", "to the failure"),
    ("t", "run to an opcode (OP_IF) or position (3, tapscript:3)"),
    ("p", "set or take away a breakpoint, by opcode or position"),
    (".", "set or take away a breakpoint at the cursor"),
    ("r, R", "run to the next breakpoint, back to the last one"),
    ("down, up", "scroll the details"),
    ("F", "flags: switch them and run again"),
    ("w", "witness: edit an element and run again"),
    ("?", "this help"),
    ("esc", "close a panel"),
    ("q, ctrl-c", "leave"),
];

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.is_done = true;
            return;
        }
        match self.mode.clone() {
            Mode::Stepping => self.stepping_key(key.code),
            Mode::Help => self.mode = Mode::Stepping,
            Mode::Flags(row) => self.flags_key(key.code, row),
            Mode::Witness(row) => self.witness_key(key.code, row),
            Mode::Typing(what, text) => self.typing_key(key.code, what, text),
        }
    }

    fn stepping_key(&mut self, key: KeyCode) {
        let type_line = |what| Mode::Typing(what, String::new());
        match key {
            KeyCode::Right | KeyCode::Char('s' | ' ' | 'l') | KeyCode::Enter => self.forth(1),
            KeyCode::Left | KeyCode::Char('b' | 'h') => self.back(1),
            KeyCode::PageDown => self.forth(10),
            KeyCode::PageUp => self.back(10),
            KeyCode::Home | KeyCode::Char('g') => self.go(0),
            KeyCode::End | KeyCode::Char('G') => self.go(usize::MAX),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Char('f') => self.jump_to_failure(),
            KeyCode::Char('t') => self.mode = type_line(Typing::RunTo),
            KeyCode::Char('p') => self.mode = type_line(Typing::Breakpoint),
            KeyCode::Char('.') => self.toggle_here(),
            KeyCode::Char('r') => self.run(),
            KeyCode::Char('R') => self.run_back(),
            KeyCode::Char('F') => self.mode = Mode::Flags(0),
            KeyCode::Char('w') if self.witness().is_empty() => {
                self.message = "the input has no witness".into()
            }
            KeyCode::Char('w') => self.mode = Mode::Witness(0),
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Char('q') => self.is_done = true,
            _ => {}
        }
    }

    fn flags_key(&mut self, key: KeyCode, row: usize) {
        match key {
            KeyCode::Down | KeyCode::Char('j') => self.mode = Mode::Flags((row + 1).min(FLAGS.len() - 1)),
            KeyCode::Up | KeyCode::Char('k') => self.mode = Mode::Flags(row.saturating_sub(1)),
            KeyCode::Char(' ') | KeyCode::Enter => self.toggle_flag(row),
            KeyCode::Esc | KeyCode::Char('q' | 'F') => self.mode = Mode::Stepping,
            _ => {}
        }
    }

    fn witness_key(&mut self, key: KeyCode, row: usize) {
        let last = self.witness().len().saturating_sub(1);
        match key {
            KeyCode::Down | KeyCode::Char('j') => self.mode = Mode::Witness((row + 1).min(last)),
            KeyCode::Up | KeyCode::Char('k') => self.mode = Mode::Witness(row.saturating_sub(1)),
            KeyCode::Enter | KeyCode::Char('e') => {
                let element = self.witness().get(row).map(hex::encode).unwrap_or_default();
                self.mode = Mode::Typing(Typing::Element(row), format!("<{element}>"));
            }
            KeyCode::Esc | KeyCode::Char('q' | 'w') => self.mode = Mode::Stepping,
            _ => {}
        }
    }

    fn typing_key(&mut self, key: KeyCode, what: Typing, mut text: String) {
        match key {
            KeyCode::Char(letter) => text.push(letter),
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Esc => {
                self.mode = Mode::Stepping;
                return;
            }
            KeyCode::Enter => {
                self.mode = Mode::Stepping;
                match what {
                    Typing::RunTo => self.run_to(&text),
                    Typing::Breakpoint => match Breakpoint::read(&text) {
                        Ok(breakpoint) => self.toggle(breakpoint),
                        Err(problem) => self.message = problem,
                    },
                    Typing::Element(index) => self.set_element(index, &text),
                }
                return;
            }
            _ => {}
        }
        self.mode = Mode::Typing(what, text);
    }
}
