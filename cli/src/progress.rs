//! Progress of long work: a bar on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar with the number of steps done, the name of the current one and an estimate of the time left. It disappears when it is
/// dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of `steps` steps.
    pub(crate) fn new(steps: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left {wide_msg}") {
            bar.set_style(style);
        }
        // A step can take longer than a user waits for a sign of life.
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// Counts a step.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Counts a step, whose name is shown while it runs.
    pub(crate) fn begin(&self, name: &str) {
        self.0.set_message(name.to_owned());
        self.step();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
