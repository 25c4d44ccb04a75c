//! The command that makes a written configuration known, for whoever has one.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long the command may take.
const WITHIN: Duration = Duration::from_secs(120);

/// How much of what it printed is told.
const TOLD_CHARS: usize = 500;

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// It cannot be run.
    #[error("no shell can be run")]
    NoShell(#[source] std::io::Error),
    /// It takes too long.
    #[error("the command did not end within {} s", WITHIN.as_secs())]
    TimedOut,
    /// It ended badly.
    #[error("the command ended with {status}: {output}")]
    Failed {
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The end of what it printed.
        output: String,
    },
}

/// Runs a command of the operator's by `sh`.
pub(super) async fn reload(command: &str) -> Result<(), ReloadError> {
    let ran = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(WITHIN, ran).await.map_err(|_| ReloadError::TimedOut)?;
    let output = output.map_err(ReloadError::NoShell)?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let printed: Vec<char> = String::from_utf8_lossy(&printed).trim().chars().collect();
    let told = printed[printed.len().saturating_sub(TOLD_CHARS)..].iter().collect();
    Err(ReloadError::Failed { status: output.status, output: told })
}
