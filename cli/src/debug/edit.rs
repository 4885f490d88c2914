//! A line of text that the user edits. It may be longer than the screen is wide.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Mark at an edge of an input line that continues beyond the screen.
pub(super) const MORE: char = '…';

/// A line of text with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineEdit {
    text: Vec<char>,
    cursor: usize,
}

impl LineEdit {
    /// Creates an input line with this text and the cursor at its end.
    pub(super) fn new(text: &str) -> LineEdit {
        let text: Vec<char> = text.chars().collect();
        LineEdit { cursor: text.len(), text }
    }

    pub(super) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Moves the cursor to a byte offset in the line, at which an error occurred.
    pub(super) fn go_to_byte(&mut self, byte: usize) {
        let text = self.text();
        self.cursor = text.char_indices().take_while(|(at, _)| *at < byte).count();
    }

    /// Processes a key that edits the input line or moves its cursor.
    pub(super) fn key(&mut self, key: KeyEvent) {
        let last = self.text.len();
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Home => self.cursor = 0,
            KeyCode::Char('a') if is_control => self.cursor = 0,
            KeyCode::End => self.cursor = last,
            KeyCode::Char('e') if is_control => self.cursor = last,
            KeyCode::Char('u') if is_control => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('k') if is_control => self.text.truncate(self.cursor),
            KeyCode::Char(_) if is_control => {}
            KeyCode::Char(letter) => {
                self.text.insert(self.cursor, letter);
                self.cursor += 1;
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.text.remove(self.cursor);
            }
            KeyCode::Delete if self.cursor < last => drop(self.text.remove(self.cursor)),
            _ => {}
        }
    }

    /// Returns the part of the line around the cursor that fits the width, and the cursor's column in this part. An
    /// edge where the line continues is marked.
    pub(super) fn view(&self, width: usize) -> (String, usize) {
        // The cursor may be one position after the end.
        let count = self.text.len() + 1;
        let first = self.cursor.saturating_sub(width / 2).min(count.saturating_sub(width));
        let mut shown: Vec<char> = self.text.iter().copied().skip(first).take(width).collect();
        let until = first + shown.len();
        if first > 0
            && let Some(start) = shown.first_mut()
        {
            *start = MORE;
        }
        if until < self.text.len()
            && let Some(end) = shown.last_mut()
        {
            *end = MORE;
        }
        (shown.into_iter().collect(), self.cursor - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut LineEdit, code: KeyCode, modifiers: KeyModifiers) {
        line.key(KeyEvent::new(code, modifiers));
    }

    #[test]
    fn a_long_line_scrolls_with_its_cursor() {
        let mut line = LineEdit::new("0123456789");
        assert_eq!(line.view(20), ("0123456789".into(), 10));
        assert_eq!(line.view(6), ("…6789".into(), 5));
        press(&mut line, KeyCode::Home, KeyModifiers::NONE);
        assert_eq!(line.view(6), ("01234…".into(), 0));
        for _ in 0..5 {
            press(&mut line, KeyCode::Right, KeyModifiers::NONE);
        }
        assert_eq!(line.view(6), ("…3456…".into(), 3));
        press(&mut line, KeyCode::Char('x'), KeyModifiers::NONE);
        press(&mut line, KeyCode::Delete, KeyModifiers::NONE);
        assert_eq!(line.text(), "01234x6789");
        press(&mut line, KeyCode::Char('k'), KeyModifiers::CONTROL);
        press(&mut line, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(line.text(), "01234");
        line.go_to_byte(2);
        press(&mut line, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert_eq!((line.text().as_str(), line.view(9)), ("234", ("234".into(), 0)));
    }
}
