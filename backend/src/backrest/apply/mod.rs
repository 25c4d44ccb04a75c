//! The way of a configuration into a Backrest.
//!
//! Backrest never reads its file again while it runs, and its next save overwrites what others wrote. So there are two
//! ways that lose nothing: its API ([`by_api`]), which is the better one, and its file while it stands still
//! ([`by_file`]). A third writes the file and leaves the rest to a person or a command. Every way reads, joins, checks
//! the whole, writes, and looks whether it arrived; with no difference in meaning nothing is written. A stop of ours is
//! noted beside the file before it is made, so that [`recover`] brings Backrest back after a crash.

use std::path::PathBuf;

use super::document::{Document, DocumentError};
use super::merge::Merge;

mod api;
mod busy;
mod by_file;
mod client;
mod container;
mod file;
mod forgotten;
mod inside;
mod mount;
mod note;
mod place;
mod recover;
mod reload;
#[cfg(test)]
mod tests;

pub use api::{ApiApply, by_api, read_by_api};
pub use busy::find_next_runs;
pub use by_file::{After, FileApply, by_file, read_file};
pub use client::{ApiClient, ApiError, Credentials};
pub use container::{BackrestContainer, NotUp};
pub use file::FileError;
pub use forgotten::start_forgotten;
pub use recover::{StoppedByUs, find_stopped, recover};
pub use reload::ReloadError;

use crate::docker::EngineError;

/// Makes the wanted configuration out of the one that is there. Asked again whenever that turns out to be another one.
pub type Join<'a> = &'a (dyn Fn(&Document) -> Merge + Send + Sync);

/// What was done.
#[derive(Debug)]
pub struct Applied {
    /// What was found and joined.
    pub merge: Merge,
    /// What came of it.
    pub outcome: Outcome,
    /// What a person should know, as sentences.
    pub notes: Vec<String>,
}

/// What came of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It means what it meant; nothing was written.
    Unchanged,
    /// The running Backrest took it.
    Sent,
    /// It was written while Backrest stood still, and Backrest is up with it.
    Restarted {
        /// How long Backrest stood still, in milliseconds.
        stopped_ms: u64,
    },
    /// It was written, and a command was run that makes it known.
    Reloaded,
    /// It was written. Backrest knows it from its next start on.
    Written,
    /// Backrest is at work, and would have lost some of it; nothing was written.
    Deferred {
        /// What it does, as a sentence for people.
        why: String,
    },
}

impl Outcome {
    /// Its word in logs and answers.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Sent => "sent",
            Self::Restarted { .. } => "restarted",
            Self::Reloaded => "reloaded",
            Self::Written => "written",
            Self::Deferred { .. } => "deferred",
        }
    }
}

/// Why a configuration was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// What is there is no configuration.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Backrest would refuse the joined configuration, so it was not written.
    #[error("Backrest would refuse the configuration, so it was not written: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no file.
    #[error("there is no configuration at {0}; start Backrest once so that it writes one, or name the right path")]
    Missing(PathBuf),
    /// The API did not do it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Others saved a configuration again and again meanwhile.
    #[error("the configuration was saved by others {0} times while it was to be changed; it is tried again later")]
    Contended(usize),
    /// Backrest says that it took it and has it not.
    #[error("Backrest took the configuration, but does not have these plans as they were sent: {}", .0.join(", "))]
    NotTaken(Vec<String>),
    /// The engine did not do it.
    #[error("Backrest's container cannot be brought to rest or back")]
    Engine(#[from] EngineError),
    /// Backrest did not come up after a stop of ours.
    #[error("Backrest did not come up; {}", outcome_of_restoring(*.is_restored))]
    NotUp {
        /// Whether it is up again with the one before.
        is_restored: bool,
        /// What was seen.
        #[source]
        source: NotUp,
    },
    /// The file is written, the command that makes it known failed.
    #[error("the configuration was written, but the command that makes it known failed")]
    Reload(#[from] ReloadError),
}

const fn outcome_of_restoring(is_restored: bool) -> &'static str {
    if is_restored {
        "the configuration before was put back, and it runs with that"
    } else {
        "it does not run now, with the one before either; look at the log of its container"
    }
}

/// Checks the whole of what is to be written.
fn check(merge: &Merge) -> Result<(), ApplyError> {
    let problems = merge.document.problems();
    if problems.is_empty() { Ok(()) } else { Err(ApplyError::Refused(problems)) }
}

/// Checks what a merge makes of a configuration that a Backrest runs with: what that takes it takes, whatever the rules
/// here say.
fn check_running(running: &Document, merge: &Merge) -> Result<(), ApplyError> {
    // A plan that comes shifts the numbers of others, so only what follows the number is compared.
    let without_number = |problem: &str| problem.split_once("] ").map_or(problem, |(_, rest)| rest).to_owned();
    let known: Vec<String> = running.problems().iter().map(|problem| without_number(problem)).collect();
    let mut problems = merge.document.problems();
    problems.retain(|problem| !known.contains(&without_number(problem)));
    if problems.is_empty() { Ok(()) } else { Err(ApplyError::Refused(problems)) }
}
