//! `sigstack debug`: an interactive debugger for scripts in the terminal.

mod app;
mod breakpoint;
mod draw;
mod edit;
mod element;
mod keys;
mod mode;
mod pane;
mod panels;
mod search;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use crate::args::DebugArgs;
use crate::output::Status;
use crate::problem::{Problem, Stop};
use crate::subject::{self, Subject};

use app::App;
use breakpoint::Breakpoint;

/// Runs `sigstack debug`. The exit status is the verdict on the input when the user leaves, including the user's
/// changes.
pub(crate) fn run(args: &DebugArgs) -> Result<Status, Stop> {
    let app = start(args)?;
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let problem = Problem::new("debug needs a terminal to read keys from and to draw on");
        return Err(problem.hint("`sigstack trace` prints the same as text").into());
    }
    Ok(interact(app, draw::draw)?)
}

fn start(args: &DebugArgs) -> Result<App, Problem> {
    let subjects = subject::subjects(&args.subject)?;
    let mut inputs: Vec<_> = subjects.iter().flat_map(Subject::each).collect();
    let count = inputs.len();
    let Some(input) = inputs.pop().filter(|_| count == 1) else {
        let problem = Problem::new(format!("there are {count} inputs; the debugger shows one"));
        return Err(problem.hint("name one with --input N; `sigstack trace` shows all of them"));
    };
    let read = |text: &String| Breakpoint::read(text).map_err(|problem| Problem::new(problem).at("--break"));
    let breakpoints = args.breakpoints.iter().map(read).collect::<Result<Vec<Breakpoint>, Problem>>()?;
    App::new(input, breakpoints).map_err(|error| Problem::new(error.to_string()))
}

/// Draws the debugger's screen and processes keys until the user quits. The terminal is always restored, also after a
/// panic, by the panic hook that `try_init` installs.
fn interact(mut app: App, draw: impl Fn(&App, &mut Frame<'_>)) -> io::Result<Status> {
    let mut terminal = ratatui::try_init()?;
    let done = loop {
        if let Err(error) = terminal.draw(|frame| draw(&app, frame)) {
            break Err(error);
        }
        match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => app.key(key),
            // After a resize the loop draws the screen again.
            Ok(_) => {}
            Err(error) => break Err(error),
        }
        if app.is_done {
            break Ok(());
        }
    };
    ratatui::restore();
    done.map(|()| if app.trace.is_valid() { Status::Yes } else { Status::No })
}
