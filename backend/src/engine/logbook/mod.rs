//! Logs: one file per job, the system log, and the last lines of it in memory.
//!
//! The file is the record; what is in memory serves those who watch. A log that cannot be written never stops a job:
//! the lines then live in memory only, and the system log says so.

mod files;
mod follow;
mod job_log;
mod line;
mod reader;
mod system_log;

pub use files::{LogFile, list_files, open_file};
pub use follow::{FollowItem, OpenLog};
pub use job_log::{JobLog, JobSignal};
pub use line::{format_line, parse_line};
pub use reader::{LogPage, read_page};
pub use system_log::{LINES_KEPT, Redact, SystemLog};

/// Sends a line to the terminal.
fn mirror(line: &crate::domain::log::LogLine, stack: Option<&str>) {
    use crate::domain::log::{Level, MIRROR_TARGET};
    let about = [stack, line.target.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    match line.level {
        Level::Debug => tracing::debug!(target: MIRROR_TARGET, about, "{}", line.message),
        Level::Info | Level::Success => tracing::info!(target: MIRROR_TARGET, about, "{}", line.message),
        Level::Warning => tracing::warn!(target: MIRROR_TARGET, about, "{}", line.message),
        Level::Error => tracing::error!(target: MIRROR_TARGET, about, "{}", line.message),
    }
}
