//! Named places at which a test may kill the process.
//!
//! In a debug build, `MAINSTAY_PAUSE_AT=<name>` makes the process write `paused at <name>` to standard error when it
//! comes there, and stay there until it is killed. In a release build these calls are empty.

/// The variable that names the place.
#[cfg(debug_assertions)]
const VARIABLE: &str = "MAINSTAY_PAUSE_AT";

/// Stays here for ever when `name` is the place that was asked for.
pub(super) async fn reach(name: &str) {
    if is_wanted(name) {
        announce(name);
        std::future::pending::<()>().await;
    }
}

/// The same, in a thread that may block.
pub(super) fn reach_blocking(name: &str) {
    if is_wanted(name) {
        announce(name);
        loop {
            std::thread::park();
        }
    }
}

#[cfg(debug_assertions)]
fn is_wanted(name: &str) -> bool {
    static WANTED: std::sync::LazyLock<Option<String>> = std::sync::LazyLock::new(|| std::env::var(VARIABLE).ok());
    WANTED.as_deref() == Some(name)
}

#[cfg(not(debug_assertions))]
const fn is_wanted(_name: &str) -> bool {
    false
}

#[expect(clippy::print_stderr, reason = "the test that kills the process waits for this line")]
fn announce(name: &str) {
    eprintln!("paused at {name}");
}
