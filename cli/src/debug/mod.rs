//! `sigstack debug`: a script in the terminal, step by step.

mod app;
mod draw;
mod keys;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::args::DebugArgs;
use crate::output::{Status, complain};
use crate::subject;

use app::{App, Breakpoint};

/// Runs the command. The status is the verdict of the spend as it was left.
pub(crate) fn run(args: &DebugArgs) -> io::Result<Status> {
    let app = match start(args) {
        Ok(app) => app,
        Err(problem) => {
            complain(&problem);
            return Ok(Status::Unknown);
        }
    };
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        complain(
            "debug needs a terminal to read keys from and to draw on; `sigstack trace` writes the same as text",
        );
        return Ok(Status::Unknown);
    }
    interact(app, draw::draw)
}

fn start(args: &DebugArgs) -> Result<App, String> {
    let mut subjects = subject::subjects(&args.subject)?;
    let count = subjects.len();
    let Some(subject) = subjects.pop().filter(|_| count == 1) else {
        return Err(format!("the case is about {count} spends; `sigstack trace` shows them all"));
    };
    let breakpoints = args.breakpoints.iter().map(|text| Breakpoint::read(text));
    let breakpoints = breakpoints.collect::<Result<Vec<Breakpoint>, String>>()?;
    App::new(subject.into(), breakpoints).map_err(|error| error.to_string())
}

/// Draws and reads keys until the user leaves. The terminal is put back in every case, a panic included: that is the work of
/// the hook that `try_init` installs.
fn interact(mut app: App, draw: impl Fn(&App, &mut Frame<'_>)) -> io::Result<Status> {
    let mut terminal = ratatui::try_init()?;
    let done = loop {
        if let Err(error) = terminal.draw(|frame| draw(&app, frame)) {
            break Err(error);
        }
        match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => app.key(key),
            // A resize is drawn anew as everything is.
            Ok(_) => {}
            Err(error) => break Err(error),
        }
        if app.is_done {
            break Ok(());
        }
    };
    ratatui::restore();
    done.map(|()| if app.trace.verdict.is_ok() { Status::Yes } else { Status::No })
}
