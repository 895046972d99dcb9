//! Signals that ask a run to save and end.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Is set by the first signal, which asks to save and end; a second SIGINT or SIGTERM leaves at once.
pub(crate) fn interrupt() -> io::Result<Arc<AtomicBool>> {
    let (interrupt, asked) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order the second signal finds the flag set.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&interrupt))?;
    }
    // When a terminal closes, the shell sends it and then the system does, and often SIGTERM comes after it.
    #[cfg(target_os = "linux")]
    if ends_on_hangup() {
        flag::register(signal_hook::consts::SIGHUP, Arc::clone(&interrupt))?;
    }
    Ok(interrupt)
}

/// Whether SIGHUP would end this process: under `nohup` it is ignored. Where that cannot be told, it is left alone.
#[cfg(target_os = "linux")]
fn ends_on_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal_hook::consts::SIGHUP - 1)) == 0)
}
