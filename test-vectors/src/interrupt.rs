//! SIGINT and SIGTERM during work that must be completed or undone, such as a file that is being written or a process that was
//! started: the work ends first, then the signal ends the command as usual.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// What the signal handlers read and set.
#[derive(Default)]
struct Signals {
    /// Whether a signal ends the command at once.
    is_idle: Arc<AtomicBool>,
    /// The signal that arrived during postponed work; 0 if none did.
    arrived: Arc<AtomicUsize>,
}

static SIGNALS: OnceLock<Option<Signals>> = OnceLock::new();

/// The handlers, installed at the first postponed work: a command that writes no file, such as the debugger, runs without them.
/// None if the system refuses them.
fn signals() -> Option<&'static Signals> {
    let install = || {
        let signals = Signals::default();
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&signals.is_idle)).ok()?;
            let value = usize::try_from(signal).ok()?;
            flag::register_usize(signal, Arc::clone(&signals.arrived), value).ok()?;
        }
        Some(signals)
    };
    SIGNALS.get_or_init(install).as_ref()
}

/// Whether a signal has arrived that ends the command after its postponed work. Long work asks, and then ends early.
pub fn has_arrived() -> bool {
    let signals = SIGNALS.get().and_then(Option::as_ref);
    signals.is_some_and(|signals| signals.arrived.load(Ordering::SeqCst) != 0)
}

/// Runs `work` to its end. A SIGINT or SIGTERM that arrives meanwhile ends the command after it: a shell reports 130 or 143.
///
/// One work at a time: signals are no longer postponed when the first of several ends.
pub fn postponed<T>(work: impl FnOnce() -> T) -> T {
    let Some(signals) = signals() else { return work() };
    signals.is_idle.store(false, Ordering::SeqCst);
    let done = work();
    signals.is_idle.store(true, Ordering::SeqCst);
    if let Ok(signal @ 1..) = i32::try_from(signals.arrived.load(Ordering::SeqCst)) {
        // It returns only if the system refuses to restore the default; then the command continues.
        let _ = low_level::emulate_default_handler(signal);
    }
    done
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;
    use std::{env, fs};

    use super::*;

    /// Set in the process that is interrupted: the signal's number and the file.
    const CHILD: &str = "SIGSTACK_TEST_INTERRUPTED";

    /// The test runs itself in a second process, which is interrupted while it writes, and then between writes.
    #[test]
    fn a_signal_waits_for_the_end_of_a_write() {
        if let Ok(child) = env::var(CHILD) {
            let (signal, path) = child.split_once(' ').unwrap();
            let signal: i32 = signal.parse().unwrap();
            postponed(|| fs::write(path, "1").unwrap());
            if env::var_os("BETWEEN").is_some() {
                low_level::raise(signal).unwrap();
            }
            postponed(|| {
                low_level::raise(signal).unwrap();
                fs::write(path, "2").unwrap();
            });
            fs::write(path, "3").unwrap();
            return;
        }
        for (signal, between, expected) in [(SIGINT, false, "2"), (SIGTERM, false, "2"), (SIGINT, true, "1")]
        {
            let name = format!("sigstack-test-{}-{signal}-{between}", std::process::id());
            let path = env::temp_dir().join(name);
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "interrupt::tests::a_signal_waits_for_the_end_of_a_write"]);
            command.env(CHILD, format!("{signal} {}", path.display()));
            if between {
                command.env("BETWEEN", "1");
            }
            assert_eq!(command.output().unwrap().status.signal(), Some(signal));
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
            fs::remove_file(&path).unwrap();
        }
    }
}
