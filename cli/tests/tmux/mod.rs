//! A terminal to drive: that of tmux.

#![allow(dead_code, reason = "each test uses its part")]

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// A tmux server of one test's own.
pub(crate) struct Tmux(String);

impl Tmux {
    /// Runs a shell command in a terminal of 80 columns and 24 rows; none, and a word about it, if there is no tmux.
    pub(crate) fn start(command: &str) -> Option<Tmux> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped, 1 terminal: tmux is not installed");
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let tmux = Tmux(format!("sigstack-test-{}-{count}", std::process::id()));
        tmux.run(&["new-session", "-d", "-x", "80", "-y", "24", command]);
        Some(tmux)
    }

    fn run(&self, args: &[&str]) -> String {
        let output =
            Command::new("tmux").args(["-L", &self.0, "-f", "/dev/null"]).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.run(&["resize-window", "-t", "0", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys", "-t", "0"], keys].concat());
    }

    /// Waits until the screen shows a text.
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

/// What a shell does after a command: tells its status, and whether the terminal echoes what is typed.
pub(crate) const AFTER: &str = "; echo left with $?; stty -a | grep -q ' echo ' && stty -a | grep -q ' icanon ' && echo typing shows; cat";
