//! The keys of the debugger and their actions. The help lists the keys for stepping from the same table in which they
//! are looked up.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sigstack_interpreter::FLAGS;

use super::app::App;
use super::breakpoint::Breakpoint;
use super::edit::LineEdit;
use super::mode::{Mode, Typing, Which};

/// Keys that perform the same action, their names in the help, and a description of the action.
pub(super) struct Key {
    codes: &'static [KeyCode],
    pub(super) names: &'static str,
    pub(super) does: &'static str,
    act: fn(&mut App),
}

const fn key(codes: &'static [KeyCode], names: &'static str, does: &'static str, act: fn(&mut App)) -> Key {
    Key { codes, names, does, act }
}

use KeyCode::{Char, Down, End, Enter, Home, Left, PageDown, PageUp, Right, Tab, Up};

/// Keys that work while the user steps through the script.
pub(super) const STEPPING: &[Key] = &[
    key(&[Right, Char('s'), Char(' '), Char('l'), Enter], "right s l space enter", "step", |app| {
        app.forward(1)
    }),
    key(&[Left, Char('b'), Char('h')], "left b h", "step back", |app| app.back(1)),
    key(&[PageDown], "page down", "ten steps forward", |app| app.forward(10)),
    key(&[PageUp], "page up", "ten steps back", |app| app.back(10)),
    key(&[Home, Char('g')], "home g", "go to the beginning", |app| app.go(0)),
    key(&[End, Char('G')], "end G", "go to the verdict", |app| app.go(usize::MAX)),
    key(&[Char('f')], "f", "go to the failure", App::jump_to_failure),
    key(&[Char('t')], "t", "run to an opcode (OP_IF) or position (3, tapscript:3)", |app| {
        app.enter(Mode::Typing(Typing::RunTo, LineEdit::default()));
    }),
    key(&[Char('/')], "/", "search for a text in opcodes and data", |app| {
        app.enter(Mode::Typing(Typing::Search, LineEdit::default()));
    }),
    key(&[Char('n')], "n", "search on", |app| app.search(true)),
    key(&[Char('N')], "N", "search back", |app| app.search(false)),
    key(&[Char('p')], "p", "set or remove a breakpoint, by opcode or position", |app| {
        app.enter(Mode::Typing(Typing::Breakpoint, LineEdit::default()));
    }),
    key(&[Char('.')], ".", "set or remove a breakpoint at the cursor", App::toggle_here),
    key(&[Char('r')], "r", "run to the next breakpoint", App::run),
    key(&[Char('R')], "R", "run back to the last breakpoint", App::run_back),
    key(&[Down, Char('j')], "down j", "scroll the details down", |app| app.scroll_by(1)),
    key(&[Up, Char('k')], "up k", "scroll the details up", |app| app.scroll_by(-1)),
    key(&[Char('d')], "d", "details on the whole screen", |app| app.enter(Mode::Details)),
    key(&[Char('e'), Tab], "e tab", "elements of the stacks: select one and see it whole", |app| {
        app.open_list(Which::Stacks);
    }),
    key(&[Char('w')], "w", "witness: see an element whole, or edit it and run again", |app| {
        app.open_list(Which::Witness);
    }),
    key(&[Char('F')], "F", "flags: switch them and run again", |app| app.enter(Mode::Flags(0))),
    key(&[Char('?')], "?", "this help", |app| app.enter(Mode::Help)),
    key(&[Char('q')], "q ctrl-c", "leave", |app| app.is_done = true),
];

/// Help texts for the keys in lists, texts and input lines. The help shows them below the keys for stepping.
pub(super) const PANELS: &[(&str, &str)] = &[
    ("In a list or a text", ""),
    ("down j, up k", "move the selection, or scroll"),
    ("page down, page up", "scroll by a page"),
    ("home g, end G", "first or last row or line"),
    ("enter", "see the element; switch the flag"),
    ("space", "switch the flag"),
    ("e", "edit the element of the witness"),
    ("esc q left", "close"),
    ("In a line", ""),
    ("left right home end", "move the cursor"),
    ("backspace delete", "delete a letter"),
    ("ctrl-u ctrl-k", "delete to the beginning, to the end"),
    ("enter, esc", "take the line, leave it"),
];

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) {
        if key.code == Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.is_done = true;
            return;
        }
        match self.mode.clone() {
            Mode::Stepping => {
                if let Some(found) = STEPPING.iter().find(|entry| entry.codes.contains(&key.code)) {
                    (found.act)(self);
                }
            }
            Mode::Help | Mode::Details => self.text_key(key.code, Mode::Stepping),
            Mode::Flags(row) => self.flags_key(key.code, row),
            Mode::Elements(which, row) => self.elements_key(key.code, which, row),
            Mode::Element(Which::Witness, row) if key.code == Char('e') => self.edit_element(row),
            Mode::Element(which, row) => self.text_key(key.code, Mode::Elements(which, row)),
            Mode::Typing(what, line) => self.typing_key(key, what, line),
        }
    }

    fn open_list(&mut self, which: Which) {
        match (which, self.items(which).is_empty()) {
            (_, false) => self.enter(Mode::Elements(which, 0)),
            (Which::Stacks, true) => self.message = "the stacks are empty".into(),
            (Which::Witness, true) => self.message = "the input has no witness".into(),
        }
    }

    /// Processes a key while a scrollable text is shown. A key that closes the text changes the debugger's mode to
    /// `after`.
    fn text_key(&mut self, key: KeyCode, after: Mode) {
        match key {
            Down | Char('j') => self.scroll_by(1),
            Up | Char('k') => self.scroll_by(-1),
            PageDown | Char(' ') => self.scroll_pages(1),
            PageUp => self.scroll_pages(-1),
            Home | Char('g') => self.scroll = 0,
            End | Char('G') => self.scroll_by(isize::MAX),
            KeyCode::Esc | Left | Char('q' | '?' | 'd') => self.enter(after),
            _ => {}
        }
    }

    /// Returns the row to which a key moves the selection in a list of `count` rows. `row` is the selected row.
    /// Returns `None` for a key that does not move the selection.
    fn row_key(&self, key: KeyCode, row: usize, count: usize) -> Option<usize> {
        let last = count.saturating_sub(1);
        let (_, page) = self.drawn.get();
        match key {
            Down | Char('j') => Some((row + 1).min(last)),
            Up | Char('k') => Some(row.saturating_sub(1)),
            PageDown => Some(row.saturating_add(page).min(last)),
            PageUp => Some(row.saturating_sub(page)),
            Home | Char('g') => Some(0),
            End | Char('G') => Some(last),
            _ => None,
        }
    }

    fn flags_key(&mut self, key: KeyCode, row: usize) {
        if let Some(row) = self.row_key(key, row, FLAGS.len()) {
            self.enter(Mode::Flags(row));
            return;
        }
        match key {
            Char(' ') | Enter => self.toggle_flag(row),
            KeyCode::Esc | Left | Char('q' | 'F') => self.enter(Mode::Stepping),
            _ => {}
        }
    }

    fn elements_key(&mut self, key: KeyCode, which: Which, row: usize) {
        if let Some(row) = self.row_key(key, row, self.items(which).len()) {
            self.enter(Mode::Elements(which, row));
            return;
        }
        match key {
            Enter | Right => self.enter(Mode::Element(which, row)),
            Char('e') if which == Which::Witness => self.edit_element(row),
            KeyCode::Esc | Left | Char('q' | 'w' | 'e') | Tab => self.enter(Mode::Stepping),
            _ => {}
        }
    }

    fn edit_element(&mut self, row: usize) {
        let element = self.witness().get(row).map(hex::encode).unwrap_or_default();
        self.enter(Mode::Typing(Typing::Element(row), LineEdit::new(&format!("<{element}>"))));
    }

    fn typing_key(&mut self, key: KeyEvent, what: Typing, mut line: LineEdit) {
        match key.code {
            KeyCode::Esc => {
                self.enter(match what {
                    Typing::Element(row) => Mode::Elements(Which::Witness, row),
                    _ => Mode::Stepping,
                });
            }
            Enter => {
                // If the input is rejected, the line stays, with the cursor at the error.
                if let Err((problem, at)) = self.take_line(what, &line.text()) {
                    line.go_to_byte(at);
                    self.mode = Mode::Typing(what, line);
                    self.refuse(problem);
                }
            }
            _ => {
                line.key(key);
                self.message.clear();
                self.is_error = false;
                self.mode = Mode::Typing(what, line);
            }
        }
    }

    fn take_line(&mut self, what: Typing, text: &str) -> Result<(), (String, usize)> {
        let place = || Breakpoint::read(text).map_err(|problem| (problem, 0));
        match what {
            Typing::RunTo => {
                let place = place()?;
                self.enter(Mode::Stepping);
                self.run_to(&place, text);
            }
            Typing::Breakpoint => {
                let place = place()?;
                self.enter(Mode::Stepping);
                self.toggle(place);
            }
            Typing::Search if text.is_empty() => return Err(("write a text to search for".into(), 0)),
            Typing::Search => {
                self.enter(Mode::Stepping);
                self.wanted = Some(text.to_owned());
                self.search(true);
            }
            Typing::Element(index) => {
                self.set_element(index, text)?;
                self.mode = Mode::Stepping;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_in_two_rows() {
        let codes: Vec<KeyCode> = STEPPING.iter().flat_map(|entry| entry.codes).copied().collect();
        for (nth, code) in codes.iter().enumerate() {
            assert!(!codes[..nth].contains(code), "{code:?}");
        }
    }
}
