//! Screens of 80 columns and 24 rows, and what keys do to them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sigstack_debugger::{BareContext, BareTx, assemble, assemble_stack, bare_spend};
use sigstack_interpreter::Flags;

use super::app::{App, Breakpoint, Mode};
use super::{draw, interact};

#[path = "../../tests/tmux/mod.rs"]
mod tmux;

fn app(script: &str, stack: &str) -> App {
    let (script, stack) = (assemble(script).unwrap(), assemble_stack(stack).unwrap());
    let subject = bare_spend(&script, &stack, BareContext::Tapscript, BareTx::default(), Flags::CONSENSUS);
    App::new(subject, Vec::new()).unwrap()
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            letter => KeyCode::Char(letter),
        };
        app.key(KeyEvent::new(code, KeyModifiers::NONE));
    }
}

fn screen(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
    (0..height).map(|y| format!("{}\n", row(y).trim_end())).collect()
}

/// Compares a screen with the file of this name. With SIGSTACK_WRITE_SCREENS set the file is written instead.
fn expect_screen(name: &str, app: &App) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(format!("{name}.txt"));
    let actual = screen(app, 80, 24);
    if std::env::var_os("SIGSTACK_WRITE_SCREENS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &actual).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), actual, "{}", path.display());
}

const SCRIPT: &str = "SHA256 TOALTSTACK <88> DROP IF 1 ELSE RETURN ENDIF FROMALTSTACK \
    <6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d> EQUALVERIFY";

#[test]
fn the_screens_of_a_script() {
    let mut app = app(SCRIPT, "1 <00>");
    expect_screen("start", &app);
    press(&mut app, "tOP_IF\n");
    expect_screen("at-if", &app);
    press(&mut app, "f");
    assert_eq!(app.message, "the spend is valid: nothing failed");
    press(&mut app, "G");
    expect_screen("verdict", &app);
    press(&mut app, "?");
    expect_screen("help", &app);
    press(&mut app, "?F");
    expect_screen("flags", &app);
}

#[test]
fn steps_go_forth_and_back() {
    let mut app = app(SCRIPT, "1 <00>");
    let first = screen(&app, 80, 24);
    press(&mut app, "ss");
    assert_ne!(screen(&app, 80, 24), first);
    press(&mut app, "bb");
    assert_eq!(screen(&app, 80, 24), first);
    press(&mut app, "b");
    assert_eq!(app.at, 0);
    press(&mut app, "Gs");
    assert_eq!(app.at, app.stops.len() - 1);
}

#[test]
fn running_stops_at_breakpoints_both_ways() {
    let mut app = app(SCRIPT, "1 <00>");
    press(&mut app, "pIF\nptapscript:2\n");
    assert_eq!(app.breakpoints.len(), 2);
    press(&mut app, "r");
    assert_eq!(app.step().unwrap().position, 2);
    press(&mut app, "r");
    assert_eq!(app.step().unwrap().position, 4);
    press(&mut app, "R");
    assert_eq!(app.step().unwrap().position, 2);
    press(&mut app, ".");
    assert_eq!(app.breakpoints, [Breakpoint::read("OP_IF").unwrap()]);
    press(&mut app, "rr");
    assert_eq!((app.step().is_none(), app.message.as_str()), (true, "no breakpoint was met"));
    assert!(
        Breakpoint::read("tapscript:x").is_err()
            && Breakpoint::read("FOO").is_err()
            && Breakpoint::read("x:1").is_err()
    );
}

#[test]
fn an_edited_witness_runs_again() {
    let mut app = app(SCRIPT, "1 <00>");
    press(&mut app, "wj\n");
    assert!(matches!(app.mode, Mode::Typing(..)));
    press(&mut app, "\u{8}\u{8}\u{8}01>\n");
    assert_eq!(app.witness()[1], [1]);
    assert_eq!(app.trace.verdict.as_ref().unwrap_err().script_error().unwrap().name(), "EQUALVERIFY");
    press(&mut app, "f");
    assert!(app.is_failure());
    expect_screen("failure", &app);
    press(&mut app, "w\n\u{8}zz\n");
    assert!(app.message.contains("is missing"), "{}", app.message);
    assert_eq!(app.witness()[0], [1]);
}

#[test]
fn the_witness_list_names_what_ends_a_script_path() {
    let mut app = app(SCRIPT, "1 <00>");
    press(&mut app, "w");
    let screen = screen(&app, 80, 24);
    assert!(screen.contains("leaf script") && screen.contains("control block"), "{screen}");
}

#[test]
fn a_switched_flag_runs_again_unless_it_makes_no_sense() {
    let mut app = app("OP_CAT", "");
    assert!(app.trace.verdict.is_ok());
    let row = sigstack_interpreter::FLAGS.iter().position(|info| info.flag == Flags::OP_CAT).unwrap();
    app.toggle_flag(row);
    assert_eq!(
        app.trace.verdict.as_ref().unwrap_err().script_error().unwrap().name(),
        "INVALID_STACK_OPERATION"
    );
    app.toggle_flag(row);
    assert!(app.trace.verdict.is_ok());
    // WITNESS needs P2SH, so P2SH stays.
    app.toggle_flag(0);
    assert!(app.trace.subject.flags.contains(Flags::P2SH));
    assert!(app.message.contains("needs"), "{}", app.message);
}

/// No size makes it fail, and a large script is drawn around its cursor.
#[test]
fn every_size_can_be_drawn() {
    let mut app = app(&"1 DROP ".repeat(2_000), "1");
    press(&mut app, "t3000\n");
    for (width, height) in [(1, 1), (2, 3), (10, 5), (79, 23), (80, 24), (200, 60)] {
        for key in ["", "?", "\u{1b}F", "\u{1b}w", "\u{1b}"] {
            press(&mut app, key);
            screen(&app, width, height);
        }
    }
    assert!(screen(&app, 80, 24).contains(">3000 OP_1"));
}

/// Set for the run of the test that happens in the terminal.
const IN_TERMINAL: &str = "SIGSTACK_TEST_IN_TERMINAL";

/// The test runs itself in a terminal, where drawing the second step panics.
#[test]
fn a_panic_gives_the_terminal_back() {
    if std::env::var_os(IN_TERMINAL).is_some() {
        let draw = |app: &App, screen: &mut ratatui::Frame<'_>| {
            assert_eq!(app.at, 0, "drawn badly");
            draw::draw(app, screen);
        };
        let _ = interact(app(SCRIPT, "1 <00>"), draw);
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let command = format!(
        "RUST_BACKTRACE=0 {IN_TERMINAL}=1 '{}' --exact debug::tests::a_panic_gives_the_terminal_back --nocapture{}",
        exe.display(),
        tmux::AFTER
    );
    let Some(tmux) = tmux::Tmux::start(&command) else { return };
    tmux.wait_for("stack, top first");
    tmux.keys(&["s"]);
    let after = tmux.wait_for("typing shows");
    assert!(after.contains("drawn badly") && after.contains("left with 101"), "{after}");
    assert!(!after.contains("stack, top first"), "{after}");
}
