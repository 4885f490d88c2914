//! Formats tables as text that fits the terminal. All commands use this module.
//!
//! A table that is too wide is first narrowed by wrapping the words of headings and text cells. If that is not
//! enough, the columns are split into blocks below one another. Each block repeats the first column, and a last line
//! says how wide the terminal must be to show the table in one piece.
//!
//! Output lines that are not in tables are wrapped too ([`wrapped`]). In such lines a single long word, such as a
//! script in hex, is never broken, so that it can be copied.

use std::io::{self, Write};

use anstyle::Style;
use sigstack_channel::compare::Table;

use crate::output::{self, HEADING};

/// Alignment of a table column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// Right-aligned, for numbers. The cells of such a column are never wrapped.
    Right,
}

/// The text of a table cell and its style.
pub(crate) type Cell = (String, Style);

/// Number of spaces between two columns of a table.
const GAP: usize = 2;

/// Length in characters above which a word in a cell may be broken to narrow the column.
const LONG_WORD: usize = 18;

/// Properties of a table column that determine its layout.
#[derive(Clone, Copy, Debug)]
struct Column<'a> {
    index: usize,
    name: &'a str,
    align: Align,
    /// Width in characters at which nothing in the column needs to be wrapped.
    natural: usize,
    /// Minimum width in characters of the column: that of its longest word or number, or [`LONG_WORD`] for a longer
    /// word.
    least: usize,
}

/// Writes a table that is at most as wide as the terminal.
pub(crate) fn write(out: &mut impl Write, columns: &[(&str, Align)], rows: &[Vec<Cell>]) -> io::Result<()> {
    write_to_width(out, columns, rows, output::width())
}

/// Writes a table of the channel crate. Columns of numbers are right-aligned.
pub(crate) fn write_table(out: &mut impl Write, table: &Table) -> io::Result<()> {
    let is_number = |index: usize| {
        let mut cells = table.rows().iter().filter_map(|row| row.get(index));
        cells.all(|cell| cell.is_empty() || cell == "-" || cell.parse::<f64>().is_ok())
    };
    let align = |index| if is_number(index) { Align::Right } else { Align::Left };
    let columns: Vec<(&str, Align)> =
        table.headings().iter().enumerate().map(|(index, name)| (name.as_str(), align(index))).collect();
    let cells = |row: &Vec<String>| row.iter().map(|cell| (cell.clone(), Style::new())).collect();
    write(out, &columns, &table.rows().iter().map(cells).collect::<Vec<_>>())
}

fn write_to_width(
    out: &mut impl Write,
    columns: &[(&str, Align)],
    rows: &[Vec<Cell>],
    width: usize,
) -> io::Result<()> {
    let columns: Vec<Column<'_>> = columns
        .iter()
        .enumerate()
        .map(|(index, (name, align))| {
            let cells = || rows.iter().filter_map(move |row| row.get(index)).map(|(text, _)| text.as_str());
            let widest = cells().map(count).max().unwrap_or_default();
            let word = |text: &str| text.split(' ').map(count).max().unwrap_or_default();
            let widest_word = match align {
                Align::Left => cells().map(word).max().unwrap_or_default().min(LONG_WORD),
                Align::Right => widest,
            };
            let least = widest_word.max(word(name).min(LONG_WORD));
            Column { index, name, align: *align, natural: widest.max(count(name)), least }
        })
        .collect();
    let blocks = blocks(&columns, width);
    for (nth, block) in blocks.iter().enumerate() {
        if nth > 0 {
            writeln!(out)?;
        }
        write_block(out, block, rows)?;
    }
    if blocks.len() > 1 {
        let whole = total(columns.iter().map(|column| column.natural));
        let note = format!("{} columns in {} blocks; --width {whole} shows one", columns.len(), blocks.len());
        writeln!(out, "\n{note}")?;
    }
    Ok(())
}

fn count(text: &str) -> usize {
    text.chars().count()
}

/// Returns the width of table columns together, including the gaps between them.
fn total(widths: impl Iterator<Item = usize>) -> usize {
    let (count, sum) = widths.fold((0, 0), |(count, sum), width| (count + 1, sum + width));
    sum + GAP * usize::saturating_sub(count, 1)
}

/// Splits the table columns into blocks that fit the width, and returns each column with its width.
fn blocks<'a>(columns: &[Column<'a>], width: usize) -> Vec<Vec<(Column<'a>, usize)>> {
    let Some((first, rest)) = columns.split_first() else { return Vec::new() };
    let (mut blocks, mut block) = (Vec::new(), vec![*first]);
    for column in rest {
        let least = total(block.iter().chain([column]).map(|column| column.least));
        // A block has at least one column in addition to the first.
        if least > width && block.len() > 1 {
            blocks.push(block);
            block = vec![*first];
        }
        block.push(*column);
    }
    blocks.push(block);
    blocks.into_iter().map(|block| widths(block, width)).collect()
}

/// Gives each column of a block its minimum width, and distributes the remaining width to the columns that need it
/// most.
fn widths(block: Vec<Column<'_>>, width: usize) -> Vec<(Column<'_>, usize)> {
    let mut block: Vec<(Column<'_>, usize)> =
        block.into_iter().map(|column| (column, column.least)).collect();
    let mut spare = width.saturating_sub(total(block.iter().map(|(_, width)| *width)));
    while spare > 0 {
        let lack = |(column, width): &(Column<'_>, usize)| column.natural.saturating_sub(*width);
        // Takes the first of several equal columns: `max_by_key` returns the last, so the order is reversed.
        let Some(neediest) = block.iter_mut().rev().max_by_key(|entry| lack(entry)) else { break };
        if lack(neediest) == 0 {
            break;
        }
        neediest.1 += 1;
        spare -= 1;
    }
    block
}

fn write_block(out: &mut impl Write, block: &[(Column<'_>, usize)], rows: &[Vec<Cell>]) -> io::Result<()> {
    let heading: Vec<(Vec<String>, Style)> =
        block.iter().map(|(column, width)| (wrap(column.name, *width), HEADING)).collect();
    write_row(out, block, &heading, true)?;
    for row in rows {
        let cell = |(column, width): &(Column<'_>, usize)| match row.get(column.index) {
            Some((text, style)) => (wrap(text, *width), *style),
            None => (Vec::new(), Style::new()),
        };
        write_row(out, block, &block.iter().map(cell).collect::<Vec<_>>(), false)?;
    }
    Ok(())
}

/// Writes the lines of a table row. Lines of headings are aligned at the bottom, and lines of other cells at the top.
fn write_row(
    out: &mut impl Write,
    block: &[(Column<'_>, usize)],
    cells: &[(Vec<String>, Style)],
    is_heading: bool,
) -> io::Result<()> {
    let height = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or_default();
    for nth in 0..height {
        let mut line = String::new();
        let mut blank = 0;
        for ((column, width), (lines, style)) in block.iter().zip(cells) {
            let skipped = if is_heading { height - lines.len() } else { 0 };
            let text = nth.checked_sub(skipped).and_then(|nth| lines.get(nth)).map_or("", String::as_str);
            let room = width.saturating_sub(count(text));
            let (before, after) = if column.align == Align::Left { (0, room) } else { (room, 0) };
            if !text.is_empty() {
                // Spaces are written only when text follows them, so that no line ends in spaces.
                line.push_str(&" ".repeat(blank + before));
                line.push_str(&format!("{style}{text}{style:#}"));
                blank = after + GAP;
            } else {
                blank += width + GAP;
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Characters after which a word in a cell may be broken, if it is longer than the column.
const MARKS: [char; 6] = ['/', ',', '+', '-', '_', '|'];

/// Wraps a text at spaces. A word that is longer than the width is broken, after one of `MARKS` if it contains one.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        for (nth, part) in parts(word, width).into_iter().enumerate() {
            let glue = if nth == 0 { " " } else { "" };
            match lines.last_mut() {
                Some(line) if count(line) + glue.len() + count(&part) <= width => {
                    line.push_str(glue);
                    line.push_str(&part);
                }
                _ => lines.push(part),
            }
        }
    }
    lines
}

/// Splits a word that is longer than the width into parts, after [`MARKS`] and, if necessary, between other
/// characters.
fn parts(word: &str, width: usize) -> Vec<String> {
    if count(word) <= width {
        return vec![word.to_owned()];
    }
    let mut parts = Vec::new();
    for part in word.split_inclusive(MARKS) {
        let letters: Vec<char> = part.chars().collect();
        parts.extend(letters.chunks(width).map(|chunk| chunk.iter().collect::<String>()));
    }
    parts
}

/// Wraps the lines of a text that are wider than the terminal. Words are never broken.
pub(crate) fn wrapped(text: &str) -> String {
    text.lines().map(|line| wrapped_line(line, output::width())).collect()
}

/// Wraps one line at spaces. If the line begins with a label, the following lines are indented to the value after it.
/// A word is never broken.
fn wrapped_line(line: &str, width: usize) -> String {
    if count(line) <= width {
        return format!("{line}\n");
    }
    let indent = count(line) - count(line.trim_start());
    let label = line.trim_start().split_once("  ").map(|(label, rest)| {
        let blank = count(rest) - count(rest.trim_start());
        indent + count(label) + 2 + blank
    });
    let hang = label.filter(|at| *at <= width / 2).unwrap_or(indent);
    let mut text = line.chars().take(hang).collect::<String>();
    let mut used = hang;
    let rest: String = line.chars().skip(hang).collect();
    for (nth, word) in rest.split(' ').enumerate() {
        let glue = usize::from(nth > 0);
        if used + glue + count(word) <= width {
            text.push_str(if nth > 0 { " " } else { "" });
            text.push_str(word);
            used += glue + count(word);
            continue;
        }
        // A word that is too long to fit after the label may fit in the line below it.
        let fits = |at: usize| at + count(word) <= width;
        let at = if fits(hang) { hang } else { indent + 2 };
        if nth == 0 && !fits(at) {
            text.push_str(word);
        } else {
            text = format!("{}\n{}{word}", text.trim_end(), " ".repeat(at));
        }
        used = at + count(word);
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(cells: &[&str]) -> Vec<Cell> {
        cells.iter().map(|text| ((*text).to_owned(), Style::new())).collect()
    }

    fn at(width: usize, columns: &[(&str, Align)], rows: &[Vec<Cell>]) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write_to_width(&mut out, columns, rows, width).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [plain(&["a", "10", "x"]), plain(&["long", "1", "y"])];
        let columns = [("file", Align::Left), ("ran", Align::Right), ("why", Align::Left)];
        assert_eq!(at(80, &columns, &rows), "file  ran  why\na      10  x\nlong    1  y\n");
    }

    #[test]
    fn headings_and_cells_of_text_wrap_before_columns_move_below() {
        let columns = [("name", Align::Left), ("weight of it (WU)", Align::Right), ("outcome", Align::Left)];
        let rows = [plain(&["one", "12345", "the victim loses all"]), plain(&["two", "1", "nothing"])];
        let wide = "name  weight of it (WU)  outcome\n\
                    one               12345  the victim loses all\n\
                    two                   1  nothing\n";
        assert_eq!(at(45, &columns, &rows), wide);
        let narrow = "        weight\n\
                      \u{20}        of it\n\
                      name      (WU)  outcome\n\
                      one      12345  the victim\n\
                      \u{20}               loses all\n\
                      two          1  nothing\n";
        assert_eq!(at(27, &columns, &rows), narrow);
    }

    #[test]
    fn columns_that_do_not_fit_continue_below_and_the_width_for_all_is_named() {
        let columns = [("name", Align::Left), ("first", Align::Right), ("second", Align::Right)];
        let rows = [plain(&["one", "1", "2"])];
        let text = "name  first\none       1\n\nname  second\none        2\n\n3 columns in 2 blocks; --width 19 shows one\n";
        assert_eq!(at(18, &columns, &rows), text);
        assert_eq!(at(19, &columns, &rows), "name  first  second\none       1       2\n");
    }

    /// No line of a table exceeds the given width, for every width from 40 to 120 columns. Only the last line, which
    /// says that the table is split, may be longer.
    #[test]
    fn no_line_is_longer_than_the_width() {
        let columns =
            [("a path", Align::Left), ("n", Align::Right), ("words", Align::Left), ("m", Align::Right)];
        let rows = [
            plain(&[
                "test-vectors/consensus/segwit_v0_with_a_long_name.jsonl",
                "1234",
                "a few words of text",
                "1",
            ]),
            plain(&["x", "5", "oneverylongwordthatnobodywouldevertypeinfull", "99999"]),
        ];
        for width in 40..=120 {
            let text = at(width, &columns, &rows);
            assert!(
                text.lines().filter(|line| !line.contains("--width")).all(|line| count(line) <= width),
                "{width}\n{text}"
            );
        }
    }

    #[test]
    fn words_break_after_a_mark() {
        assert_eq!(wrap("ab cd", 5), ["ab cd"]);
        assert_eq!(wrap("ab cd", 4), ["ab", "cd"]);
        assert_eq!(wrap("test-vectors/a.json", 14), ["test-vectors/", "a.json"]);
        assert_eq!(wrap("abcdef gh", 4), ["abcd", "ef", "gh"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn lines_wrap_under_their_value_and_words_stay_whole() {
        assert_eq!(wrapped_line("short line", 10), "short line\n");
        assert_eq!(wrapped_line("  asm   one two three", 16), "  asm   one two\n        three\n");
        assert_eq!(wrapped_line("label  0123456789ab", 14), "label\n  0123456789ab\n");
        assert_eq!(wrapped_line("label  0123456789abcdef", 14), "label  0123456789abcdef\n");
        assert_eq!(wrapped_line("one two three", 8), "one two\nthree\n");
    }
}
