//! The commands of backrest-sidecar: `reconcile`, `daemon`, `backup-once`.
//!
//! They need no service and no configuration of Mainstay. Called as `backrest-sidecar` the binary takes their flags as
//! they are, with `reconcile` as the command that is meant when none is named. Each prints a line of JSON for what it
//! does and ends with 0 when something was done, 2 when nothing was to be done, 3 when something failed; 1 is a wrong
//! command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Command, Outcome, output};
use crate::app::sidecar::{EngineAddress, Line};
use crate::domain::log::Level;

mod backup_once;
mod daemon;
mod plans;
mod reconcile;

pub(super) use backup_once::BackupOnceArgs;
pub(super) use daemon::DaemonArgs;
pub(super) use reconcile::ReconcileArgs;

/// What the binary may be called to be taken for backrest-sidecar.
const SIDECAR: &str = "backrest-sidecar";
/// Its commands.
const COMMANDS: [&str; 3] = ["reconcile", "daemon", "backup-once"];

/// How lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Json,
    Text,
}

/// From where on lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum LogLevel {
    Debug,
    Info,
    #[value(alias = "warning")]
    Warn,
    Error,
}

/// Flags that all three have.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The socket of the Docker Engine; DOCKER_HOST goes before it
    #[arg(long, value_name = "PATH", default_value = "/var/run/docker.sock")]
    docker_sock: PathBuf,
    /// How lines are printed
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    log_format: LogFormat,
    /// From which level on lines are printed
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
}

impl Common {
    fn engine(&self) -> EngineAddress {
        let set = std::env::var("DOCKER_HOST").ok().filter(|text| !text.trim().is_empty());
        EngineAddress { address: set.unwrap_or_else(|| format!("unix://{}", self.docker_sock.display())) }
    }

    fn printer(&self) -> impl Fn(Line) + Send + Sync + use<> {
        let (format, lowest) = (self.log_format, self.log_level);
        move |line: Line| {
            if level_of(&line) < lowest {
                return;
            }
            match format {
                LogFormat::Json => output::line(&serde_json::to_string(&line).unwrap_or_default()),
                LogFormat::Text => output::line(&line.to_string()),
            }
        }
    }
}

const fn level_of(line: &Line) -> LogLevel {
    match line.level {
        Level::Debug => LogLevel::Debug,
        Level::Info | Level::Success => LogLevel::Info,
        Level::Warning => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}

/// Carries a command of backrest-sidecar out; gives any other one back.
pub(super) async fn dispatch(command: Command) -> Result<Outcome, Command> {
    match command {
        Command::Reconcile(args) => Ok(Box::pin(reconcile::run(*args)).await),
        Command::Daemon(args) => Ok(Box::pin(daemon::run(*args)).await),
        Command::BackupOnce(args) => Ok(Box::pin(backup_once::run(*args)).await),
        other => Err(other),
    }
}

/// Prints what ended a command early, and says how it ended.
fn failed(print: &(dyn Fn(Line) + Send + Sync), action: &'static str, error: &anyhow::Error) -> Outcome {
    print(Line::error(action).with("message", format!("{error:#}")));
    Outcome::Partial
}

/// The words of the command line as the parser takes them: called as backrest-sidecar, `reconcile` is the command where
/// none is named.
pub(super) fn words(mut words: Vec<OsString>) -> Vec<OsString> {
    let called = words.first().map(PathBuf::from);
    let is_sidecar = called.is_some_and(|path| path.file_stem().is_some_and(|name| name == SIDECAR));
    let first = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    let is_for_parser = ["-h", "--help", "-V", "--version", "help"].contains(&first);
    let is_command = !first.starts_with('-') && !first.is_empty();
    if is_sidecar && !is_for_parser && !is_command {
        words.insert(1.min(words.len()), "reconcile".into());
    }
    words
}

/// Whether a command line is for one of these commands: 2 means something else there than a wrong command line.
pub(super) fn is_meant(words: &[OsString]) -> bool {
    words
        .iter()
        .skip(1)
        .filter_map(|word| word.to_str())
        .find(|word| !word.starts_with('-'))
        .is_some_and(|word| COMMANDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        let read = words(line.split(' ').map(OsString::from).collect());
        read.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn called_as_the_sidecar_reconcile_is_the_command() {
        assert_eq!(read("backrest-sidecar --dry-run"), "backrest-sidecar reconcile --dry-run");
        assert_eq!(read("/usr/bin/backrest-sidecar"), "/usr/bin/backrest-sidecar reconcile");
        for same in ["backrest-sidecar daemon --apply", "mainstay serve", "mainstay", "backrest-sidecar --help"] {
            assert_eq!(read(same), same);
        }
    }
}
