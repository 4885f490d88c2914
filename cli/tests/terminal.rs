//! Drives `sigstack debug` in a real terminal, that of tmux.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// A tmux server of this test's own.
struct Tmux(String);

impl Tmux {
    fn run(&self, args: &[&str]) -> String {
        let output =
            Command::new("tmux").args(["-L", &self.0, "-f", "/dev/null"]).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "0"], keys].concat());
    }

    /// Waits until the screen shows a text.
    fn wait_for(&self, text: &str) -> String {
        let mut screen = String::new();
        for _ in 0..600 {
            screen = self.run(&["capture-pane", "-p", "-t", "0"]);
            if screen.contains(text) {
                return screen;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("never shows {text:?}:\n{screen}");
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn keys_resizes_and_the_way_out_work_in_a_terminal() {
    if Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("skipped: tmux is not installed");
        return;
    }
    let tmux = Tmux(format!("sigstack-test-{}", std::process::id()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let command = format!(
        "cd '{}'; '{}' debug --case csfs/invalid-hashed-message; echo left with $?; stty -a | grep -q ' echo ' && echo typing shows; cat",
        root.display(),
        env!("CARGO_BIN_EXE_sigstack")
    );
    tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", &command]);
    tmux.wait_for("verdict SCHNORR_SIG");
    tmux.keys(&["?"]);
    tmux.wait_for("to the failure");
    tmux.keys(&["Escape"]);
    tmux.keys(&["f"]);
    let failure = tmux.wait_for("fails: SCHNORR_SIG");
    assert!(failure.contains(">   0 OP_CHECKSIGFROMSTACK"), "{failure}");
    tmux.keys(&["Left"]);
    tmux.wait_for("taproot commitment");
    tmux.run(&["resize-window", "-t", "0", "-x", "60", "-y", "16"]);
    tmux.wait_for("taproot commitment");
    tmux.keys(&["f"]);
    tmux.wait_for("fails: SCHNORR_SIG");
    tmux.keys(&["q"]);
    // The screen is the shell's again, the status is the verdict's, and what is typed is echoed.
    let after = tmux.wait_for("left with 1");
    assert!(!after.contains("fails:"), "{after}");
    tmux.wait_for("typing shows");
}
