//! Styles and width of the output, the exit status, and the writer for standard output.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use sigstack_interpreter::Location;

/// Text style of successful results.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Text style of failures and errors.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Style of headings.
pub(crate) const HEADING: Style = Style::new().bold();

/// Width of tables in columns if the output does not go to a terminal.
const DEFAULT_WIDTH: usize = 80;

/// Maximum width of tables in columns that the user specified with `--width`.
static WIDTH: OnceLock<usize> = OnceLock::new();

/// Sets the maximum width of tables in columns, if the user specified one.
pub(crate) fn set_width(width: Option<u16>) {
    if let Some(width) = width {
        // The function is called only once, so setting the value cannot fail.
        let _ = WIDTH.set(width.into());
    }
}

/// Returns the maximum width of tables in columns: the one that the user specified, else that of the terminal, else 80.
pub(crate) fn width() -> usize {
    let of_terminal = || match io::stdout().is_terminal() {
        true => ratatui::crossterm::terminal::size().ok().map(|(columns, _)| columns.into()),
        false => None,
    };
    // A terminal with unknown width reports 0.
    WIDTH.get().copied().or_else(|| of_terminal().filter(|width| *width > 0)).unwrap_or(DEFAULT_WIDTH)
}

/// Result of a command, which determines its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Yes,
    No,
    /// An error or unreadable input prevented a complete result: exit status 2.
    Unknown,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Yes => 0,
            Status::No => 1,
            Status::Unknown => 2,
        })
    }
}

/// A writer that ignores a broken pipe. The command continues, because its exit status still reports the result.
pub(crate) struct Output<W>(W);

impl<W: Write> Output<W> {
    pub(crate) fn new(writer: W) -> Output<W> {
        Output(writer)
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_broken_pipe(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_broken_pipe(self.0.flush(), ())
    }
}

fn unless_broken_pipe<T>(done: io::Result<T>, instead: T) -> io::Result<T> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(instead),
        done => done,
    }
}

/// Returns the position at which the execution of a script stopped, as JSON.
pub(crate) fn location(location: Option<&Location>) -> Value {
    let Some(location) = location else { return Value::Null };
    let phase = location.phase.name();
    match location.position {
        None => json!({ "phase": phase }),
        Some(at) => json!({
            "phase": phase,
            "opcode_position": at.opcode_position,
            "byte_offset": at.byte_offset,
            "opcode": at.name(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_broken_pipe_is_no_error() {
        let mut unheard = Output::new(Closed(io::ErrorKind::BrokenPipe));
        assert!(writeln!(unheard, "text").is_ok() && unheard.flush().is_ok());
        let mut full = Output::new(Closed(io::ErrorKind::StorageFull));
        assert!(writeln!(full, "text").is_err() && full.flush().is_err());
    }
}
