//! Tests of the debugger's screens with 80 columns and 24 rows, and with 60 columns and 20 rows, and of the effects
//! of keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sigstack_debugger::{BareContext, BareTx, assemble, assemble_stack, bare_spend};
use sigstack_interpreter::Flags;

use super::app::App;
use super::breakpoint::Breakpoint;
use super::mode::Mode;
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

/// Sizes of the terminals whose screens are compared with files, in columns and rows.
const SIZES: [(u16, u16); 2] = [(80, 24), (60, 20)];

/// The header of the screen never shows a plain OK if rules were not checked.
#[test]
fn the_header_says_that_the_verdict_covers_less() {
    let header = |script: &str, stack: &str, width| {
        screen(&app(script, stack), width, 20).lines().next().unwrap().to_owned()
    };
    for width in [60, 80] {
        let skipped = header("CHECKSIGFROMSTACK", "1 2 3", width);
        assert!(skipped.ends_with(" verdict OK, but no rule ran"), "{skipped}");
        let unsigned = header("1", "", width);
        assert!(unsigned.ends_with(" verdict OK, but…"), "{unsigned}");
    }
}

/// Compares the debugger's screens at both terminal sizes in [`SIZES`] with the expected screens in the files
/// `name-80.txt` and `name-60.txt`. If the environment variable SIGSTACK_WRITE_SCREENS is set, first overwrites these
/// files.
fn expect_screens(name: &str, app: &App) {
    for (width, height) in SIZES {
        let file = format!("tests/screens/{name}-{width}.txt");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let actual = screen(app, width, height);
        if std::env::var_os("SIGSTACK_WRITE_SCREENS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &actual).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), actual, "{}", path.display());
    }
}

const SCRIPT: &str = "SHA256 TOALTSTACK <88> DROP IF 1 ELSE RETURN ENDIF FROMALTSTACK \
    <6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d> EQUALVERIFY";

#[test]
fn the_screens_of_a_script() {
    let mut app = app(SCRIPT, "1 <00>");
    expect_screens("start", &app);
    press(&mut app, "tOP_IF\n");
    expect_screens("at-if", &app);
    press(&mut app, "f");
    assert_eq!(app.message, "the spend is valid: nothing failed");
    press(&mut app, "G");
    expect_screens("verdict", &app);
    press(&mut app, "?");
    expect_screens("help", &app);
    press(&mut app, "?F");
    expect_screens("flags", &app);
    press(&mut app, "qw");
    expect_screens("witness", &app);
    press(&mut app, "j\n");
    expect_screens("element", &app);
}

#[test]
fn steps_go_forward_and_back() {
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
    assert_eq!((app.step().is_none(), app.message.as_str()), (true, "no breakpoint was reached"));
    assert!(
        Breakpoint::read("tapscript:x").is_err()
            && Breakpoint::read("FOO").is_err()
            && Breakpoint::read("x:1").is_err()
    );
}

#[test]
fn an_edited_witness_runs_again() {
    let mut app = app(SCRIPT, "1 <00>");
    press(&mut app, "wje");
    assert!(matches!(app.mode, Mode::Typing(..)));
    press(&mut app, "\u{8}\u{8}\u{8}01>\n");
    assert_eq!(app.witness()[1], [1]);
    assert_eq!(app.message, "ran again: EQUALVERIFY");
    assert_eq!(app.trace.verdict.as_ref().unwrap_err().script_error().unwrap().name(), "EQUALVERIFY");
    press(&mut app, "f");
    assert!(app.is_failure());
    expect_screens("failure", &app);
    // A rejected input line stays, with the error above it, until the user corrects or cancels it.
    press(&mut app, "we\u{8}zz\n");
    assert!(app.message.contains("is missing") && app.is_error, "{}", app.message);
    expect_screens("refused", &app);
    assert_eq!(app.witness()[0], [1]);
    app.key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE));
    press(&mut app, "\u{8}\u{8}>\n");
    assert_eq!((app.mode.clone(), app.is_error), (Mode::Stepping, false));
    press(&mut app, "we\u{1b}");
    assert!(matches!(app.mode, Mode::Elements(..)));
}

#[test]
fn an_element_that_could_be_hex_or_a_number_is_refused() {
    let mut app = app("10 EQUAL", "<abcdef>");
    press(&mut app, "we");
    press(&mut app, &"\u{8}".repeat(8));
    press(&mut app, "10\n");
    assert!(app.is_error && app.message.contains("write <10> or asm:10"), "{}", app.message);
    app.key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE));
    press(&mut app, "\u{8}\u{8}asm:10\n");
    assert_eq!((app.is_error, app.witness()[0].clone()), (false, vec![10]));
}

/// An element of 520 bytes does not fit the screen. The full view of the element can be scrolled to its end, and the
/// line in which the element is edited scrolls with the cursor.
#[test]
fn long_elements_are_seen_whole_and_edited() {
    let mut app = app("SIZE DROP DROP 1", &format!("<{}>", "a5".repeat(520)));
    press(&mut app, "we");
    for (width, height) in SIZES {
        let text = screen(&app, width, height);
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("witness element 0: …a5") && last.ends_with("a5>"), "{last}");
        assert!(last.chars().count() < usize::from(width));
    }
    app.key(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE));
    let text = screen(&app, 60, 20);
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("witness element 0: <a5a5") && last.ends_with('…'), "{last}");
    app.key(KeyEvent::new(KeyCode::Delete, KeyModifiers::NONE));
    press(&mut app, "<ff\n");
    assert_eq!(app.witness()[0].len(), 521);
    // Consensus allows 520 bytes, so the longer element is invalid; the change is then reverted.
    assert_eq!(app.verdict_name(), "PUSH_SIZE");
    press(&mut app, "w\n");
    for (width, height) in SIZES {
        let mut seen = String::new();
        app.scroll = 0;
        for _ in 0..60 {
            let text = screen(&app, width, height);
            seen.extend(text.lines().skip(2).flat_map(|line| [line, "\n"]));
            app.key(KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE));
        }
        assert!(
            seen.contains("length   521 bytes") && seen.contains("number   none: longer than 5 bytes"),
            "{seen}"
        );
        for offset in (0..521usize).step_by(16) {
            let digits = 2 * (521 - offset).min(16);
            let is_whole = |line: &str| {
                let words: Vec<&str> = line.trim_matches(['│', ' ']).split_whitespace().collect();
                let hex =
                    words.iter().skip(1).take(digits.div_ceil(16)).map(|word| word.len()).sum::<usize>();
                words.first() == Some(&offset.to_string().as_str()) && hex == digits
            };
            assert!(seen.lines().any(is_whole), "{width}: {offset}\n{seen}");
        }
    }
    assert!(screen(&app, 60, 20).contains("/"), "a sign of what is above and below");
}

#[test]
fn the_elements_of_the_stacks_are_listed_top_first() {
    let mut app = app("<aa> TOALTSTACK <bbbb> <cccccc> 2DROP FROMALTSTACK DROP", "1");
    press(&mut app, "ttapscript:3\ne");
    let text = screen(&app, 80, 24);
    let rows: Vec<&str> = text.lines().skip(2).map(|row| row.trim_matches(['│', ' '])).take(4).collect();
    assert_eq!(rows[0], "push cccccc  -5033164");
    assert_eq!(rows[1..], ["0 bbbb  -15291", "1 01  1", "alt 0 aa  -42"]);
    press(&mut app, "j\n");
    assert!(screen(&app, 60, 20).contains("stack element 0 from the top"));
    press(&mut app, "q\u{1b}");
    assert_eq!(app.mode, Mode::Stepping);
    expect_screens("stacks", &app);
}

#[test]
fn a_search_finds_opcodes_and_data_both_ways_and_goes_around() {
    let mut app = app("<beef> DROP 'text' DROP <beef> DROP 1 0 VERIFY HASH160 <7777>", "");
    press(&mut app, "n");
    assert!(app.message.starts_with("nothing was searched for yet"));
    let position = |app: &App| app.step().unwrap().position;
    press(&mut app, "/BEEF\n");
    assert_eq!((position(&app), app.message.as_str()), (0, ""));
    press(&mut app, "n");
    assert_eq!((position(&app), app.message.as_str()), (4, ""));
    press(&mut app, "n");
    assert_eq!((position(&app), app.message.as_str()), (0, "the search went on from the beginning"));
    press(&mut app, "N");
    assert_eq!((position(&app), app.message.as_str()), (4, "the search went on from the end"));
    press(&mut app, "/text\n");
    assert_eq!(position(&app), 2);
    press(&mut app, "/verify\n");
    assert_eq!(position(&app), 8);
    press(&mut app, "/hash160\n");
    assert_eq!(app.message, "\"hash160\" is at tapscript:9, which was not reached");
    press(&mut app, "/nothing\n");
    assert_eq!(app.message, "no opcode and no data has \"nothing\"");
    press(&mut app, "/\n");
    assert_eq!((app.message.as_str(), app.is_error), ("write a text to search for", true));
}

/// All details of a step can be reached by scrolling, with 80 columns and 24 rows as well as with 60 columns and 20
/// rows.
#[test]
fn details_can_be_read_to_their_end() {
    let mut app = app(SCRIPT, "1 <00>");
    for (width, height) in SIZES {
        let mut seen = String::new();
        app.enter(Mode::Stepping);
        for _ in 0..40 {
            seen.push_str(&screen(&app, width, height));
            press(&mut app, "j");
        }
        let (most, _) = app.drawn.get();
        assert_eq!(app.scroll, most);
        press(&mut app, "d");
        assert!(!screen(&app, width, height).contains("stack, top first"));
        press(&mut app, "d");
        assert!(seen.contains("Pushes"), "{seen}");
    }
}

/// The help text of the debugger shows every key. It scrolls at 60 columns and 20 rows.
#[test]
fn the_help_has_every_key() {
    for (width, height) in SIZES {
        let mut app = app(SCRIPT, "1 <00>");
        press(&mut app, "?");
        let mut seen = String::new();
        for _ in 0..60 {
            seen.push_str(&screen(&app, width, height));
            press(&mut app, "j");
        }
        for key in super::keys::STEPPING {
            assert!(seen.contains(key.names), "{}", key.names);
        }
        for (names, _) in super::keys::PANELS {
            assert!(seen.contains(names), "{names}");
        }
    }
}

#[test]
fn the_witness_list_names_what_ends_a_script_path() {
    let mut app = app(SCRIPT, "1 <00>");
    press(&mut app, "w");
    let screen = screen(&app, 60, 20);
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
    // WITNESS requires P2SH, so P2SH cannot be disabled.
    app.toggle_flag(0);
    assert!(app.trace.subject.flags.contains(Flags::P2SH));
    assert!(app.message.contains("needs"), "{}", app.message);
}

/// The screen can be drawn at every size, and the visible part of a large script contains the cursor.
#[test]
fn every_size_can_be_drawn() {
    let mut app = app(&"1 DROP ".repeat(2_000), "1");
    press(&mut app, "t3000\n");
    for (width, height) in [(1, 1), (2, 3), (10, 5), (60, 20), (75, 20), (76, 20), (200, 60)] {
        for key in
            ["", "?", "\u{1b}F", "\u{1b}w", "\n", "\u{1b}", "e", "\u{1b}\u{1b}\u{1b}t", "\u{1b}d", "\u{1b}"]
        {
            press(&mut app, key);
            screen(&app, width, height);
        }
    }
    assert!(screen(&app, 80, 24).contains(">3000 OP_1"));
}

/// Environment variable by which the test knows that it runs inside the terminal.
const IN_TERMINAL: &str = "SIGSTACK_TEST_IN_TERMINAL";

/// The terminal is restored after a panic. The test runs itself inside a terminal, where drawing the second step
/// panics.
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
