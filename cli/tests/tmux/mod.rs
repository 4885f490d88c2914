//! A terminal for tests, provided by tmux.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use sigstack_test_support::{Tool, tool};

/// A tmux server for one test.
pub(crate) struct Tmux {
    program: PathBuf,
    server: String,
}

impl Tmux {
    /// Runs a shell command in a terminal of 80 columns and 24 rows. Returns `None` if tests that need tmux are to be
    /// skipped.
    #[track_caller]
    pub(crate) fn start(command: &str) -> Option<Tmux> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let program = tool(Tool::Tmux)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let server = format!("sigstack-test-{}-{count}", std::process::id());
        let tmux = Tmux { program, server };
        tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", command]);
        Some(tmux)
    }

    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        let output = command.args(["-L", &self.server, "-f", "/dev/null"]).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.run(&["resize-window", "-t", "0", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "0"], keys].concat());
    }

    /// Waits until the terminal shows a text, and returns the whole screen. Panics after 30 seconds.
    pub(crate) fn wait_for(&self, text: &str) -> String {
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

/// Shell commands that run after the tested command. They print its exit status, and whether the terminal was
/// restored to echo input.
pub(crate) const AFTER: &str = "; echo left with $?; stty -a | grep -q ' echo ' && stty -a | grep -q ' icanon ' && echo typing shows; cat";
