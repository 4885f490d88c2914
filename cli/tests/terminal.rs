//! Runs `sigstack debug` in a real terminal, provided by tmux.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod tmux;

use std::path::Path;
use std::process::Command;

use tmux::{AFTER, Tmux};

/// Runs a shell command in the project's folder, with `sigstack` in the PATH, in a terminal that tmux provides. Returns
/// `None` if tests that need tmux are to be skipped.
#[track_caller]
fn start(command: &str) -> Option<Tmux> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_BIN_EXE_sigstack")).parent().unwrap();
    Tmux::start(&format!("cd '{}'; PATH='{}':\"$PATH\"; {command}{AFTER}", root.display(), folder.display()))
}

#[test]
fn keys_resizes_and_the_way_out_work_in_a_terminal() {
    let Some(tmux) = start("sigstack debug --case csfs/invalid-hashed-message") else { return };
    tmux.wait_for("verdict SCHNORR_SIG");
    tmux.keys(&["?"]);
    tmux.wait_for("to the failure");
    // An Escape directly followed by a letter would be read as one key, Alt and the letter.
    tmux.keys(&["?"]);
    tmux.keys(&["f"]);
    let failure = tmux.wait_for("fails: SCHNORR_SIG");
    assert!(failure.contains(">   0 OP_CHECKSIGFROMSTACK"), "{failure}");
    tmux.keys(&["Left"]);
    tmux.wait_for("taproot commitment");
    tmux.resize(60, 20);
    tmux.wait_for("taproot commitment");
    tmux.keys(&["f"]);
    tmux.wait_for("fails: SCHNORR_SIG");
    tmux.keys(&["q"]);
    // The shell's screen is restored, the status is that of the verdict, and the terminal echoes input.
    let after = tmux.wait_for("left with 1");
    assert!(!after.contains("fails:"), "{after}");
    tmux.wait_for("typing shows");
}

/// The debugger opens and closes for each kind of input: transaction and PSBT from example files, case and script
/// from the examples in the help.
#[test]
fn every_kind_of_input_opens_and_closes() {
    let help = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(["debug", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  sigstack ")).collect();
    examples.extend([
        "debug --tx @docs/examples/p2wpkh.tx --prevtx @docs/examples/parent.tx",
        "debug --psbt @docs/examples/checksigadd-wrong.psbt --break OP_CHECKSIGADD",
    ]);
    for kind in ["--tx", "--psbt", "--case", "--script"] {
        assert!(examples.iter().any(|example| example.contains(kind)), "{kind}: {examples:?}");
    }
    for example in examples {
        let Some(tmux) = start(&format!("sigstack {example}")) else { return };
        let first = tmux.wait_for("verdict ");
        assert!(first.contains("stack, top first"), "{example}: {first}");
        tmux.keys(&["G"]);
        tmux.wait_for(" verdict \u{2500}");
        tmux.keys(&["q"]);
        tmux.wait_for("left with ");
    }
}
