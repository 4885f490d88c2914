//! SIGINT and SIGTERM while other processes run: they are ended first, then the signal ends the command as usual.
//!
//! The processes have groups of their own, so that a terminal's Ctrl-C does not reach them.

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, OnceLock};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::{flag, low_level};

    /// What the signal handlers read and set.
    struct Signals {
        /// Whether a signal ends the command at once.
        is_idle: Arc<AtomicBool>,
        /// The signal that arrived; 0 if none did.
        arrived: Arc<AtomicUsize>,
    }

    static SIGNALS: OnceLock<Option<Signals>> = OnceLock::new();

    fn install() -> Option<Signals> {
        let signals = Signals { is_idle: Arc::new(AtomicBool::new(true)), arrived: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(&signals.is_idle)).ok()?;
            flag::register_usize(signal, Arc::clone(&signals.arrived), usize::try_from(signal).ok()?).ok()?;
        }
        Some(signals)
    }

    pub(in crate::conform) fn postponed<T>(work: impl FnOnce() -> T) -> T {
        let Some(signals) = SIGNALS.get_or_init(install) else { return work() };
        signals.is_idle.store(false, Ordering::SeqCst);
        let done = work();
        signals.is_idle.store(true, Ordering::SeqCst);
        if let Ok(signal @ 1..) = i32::try_from(signals.arrived.load(Ordering::SeqCst)) {
            // Returns only if the system refuses to restore the default; then the command continues.
            let _ = low_level::emulate_default_handler(signal);
        }
        done
    }

    pub(in crate::conform) fn has_arrived() -> bool {
        let signals = SIGNALS.get().and_then(Option::as_ref);
        signals.is_some_and(|signals| signals.arrived.load(Ordering::SeqCst) != 0)
    }
}

#[cfg(unix)]
pub(super) use unix::{has_arrived, postponed};

/// Runs `work`, which ends early if a signal has arrived. The signal ends the command after it.
#[cfg(not(unix))]
pub(super) fn postponed<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Whether a signal has arrived that ends the command.
#[cfg(not(unix))]
pub(super) fn has_arrived() -> bool {
    false
}
