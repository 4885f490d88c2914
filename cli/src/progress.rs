//! Progress bar on standard error, shown only if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar with the number of completed steps, the name of the current step and an estimate of the remaining
/// time. The bar disappears when the value is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Creates a progress bar that is full after `steps` steps.
    pub(crate) fn new(steps: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left {wide_msg}") {
            bar.set_style(style);
        }
        // The bar is redrawn regularly, so that it shows activity during a long step.
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// Advances the progress bar by one step.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Advances the progress bar by one step, and shows the name of the current step.
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
