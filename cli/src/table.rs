//! An aligned table.

use std::io::{self, Write};

use anstyle::Style;

use crate::output::HEADING;

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A cell and its style.
pub(crate) type Cell = (String, Style);

/// Writes a heading and rows, each column as wide as its widest cell.
pub(crate) fn write(out: &mut impl Write, columns: &[(&str, Align)], rows: &[Vec<Cell>]) -> io::Result<()> {
    let width = |nth: usize| {
        let cells = rows.iter().filter_map(|row| row.get(nth)).map(|(text, _)| text.chars().count());
        let heading = columns.get(nth).map_or(0, |(name, _)| name.chars().count());
        cells.fold(heading, usize::max)
    };
    let columns: Vec<_> = columns.iter().enumerate().map(|(nth, column)| (*column, width(nth))).collect();
    let heading: Vec<Cell> = columns.iter().map(|((name, _), _)| ((*name).to_owned(), HEADING)).collect();
    for row in core::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (nth, (((_, align), width), (text, style))) in columns.iter().zip(row).enumerate() {
            let blank = " ".repeat(width.saturating_sub(text.chars().count()));
            let gap = if nth == 0 { "" } else { "  " };
            // Nothing follows the last column, so that it is not filled up.
            let is_last = nth + 1 == columns.len();
            let cell = match align {
                Align::Left if is_last => format!("{style}{text}{style:#}"),
                Align::Left => format!("{style}{text}{style:#}{blank}"),
                Align::Right => format!("{blank}{style}{text}{style:#}"),
            };
            line.push_str(gap);
            line.push_str(&cell);
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let plain = |text: &str| (text.to_owned(), Style::new());
        let rows = [vec![plain("a"), plain("10"), plain("x")], vec![plain("long"), plain("1"), plain("y")]];
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out, &[("file", Align::Left), ("ran", Align::Right), ("why", Align::Left)], &rows)
            .unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert_eq!(text, "file  ran  why\na      10  x\nlong    1  y\n");
    }
}
