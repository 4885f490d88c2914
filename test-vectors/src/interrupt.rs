//! Handling of SIGINT and SIGTERM during work that must be completed or undone, such as writing a file or running a child
//! process. The signal takes effect only after the work has ended.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// State that the signal handlers and the interrupted work share.
#[derive(Default)]
struct Signals {
    /// `true` while no call of [`postponed`] is running. SIGINT and SIGTERM then end the command immediately.
    is_idle: Arc<AtomicBool>,
    /// Number of the signal that arrived while a call of [`postponed`] was running, or 0 if none arrived.
    arrived: Arc<AtomicUsize>,
}

static SIGNALS: OnceLock<Option<Signals>> = OnceLock::new();

/// Returns the state of the signal handlers for SIGINT and SIGTERM. The first call installs the handlers, so a command
/// that never calls this function keeps the system's default handlers. Returns `None` if they cannot be installed.
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

/// Returns whether SIGINT or SIGTERM has arrived while signals are postponed. The command will end after the current
/// work, so a long computation calls this function to stop early.
pub fn has_arrived() -> bool {
    let signals = SIGNALS.get().and_then(Option::as_ref);
    signals.is_some_and(|signals| signals.arrived.load(Ordering::SeqCst) != 0)
}

/// Runs `work` to its end. If SIGINT or SIGTERM arrives meanwhile, the command ends after the work, and a shell reports
/// exit status 130 or 143.
///
/// Only one call may run at a time: when the first of several ends, signals are no longer postponed.
pub fn postponed<T>(work: impl FnOnce() -> T) -> T {
    let Some(signals) = signals() else { return work() };
    signals.is_idle.store(false, Ordering::SeqCst);
    let done = work();
    signals.is_idle.store(true, Ordering::SeqCst);
    if let Ok(signal @ 1..) = i32::try_from(signals.arrived.load(Ordering::SeqCst)) {
        // The call returns only if the system refuses to restore the default handler; in that case the command continues.
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

    /// Environment variable that marks the child process of this test. Its value is the number of the signal to raise
    /// and the path of the file to write.
    const CHILD: &str = "SIGSTACK_TEST_INTERRUPTED";

    /// Checks that a signal takes effect only after a write. The test starts itself as a second process, which raises a
    /// signal while it writes a file, and in another run between two writes.
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
