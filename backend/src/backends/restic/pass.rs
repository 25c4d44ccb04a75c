//! One `restic backup`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::messages::{Message, Status, Summary, parse};
use super::process::{Call, Heed, Line};
use super::program::Restic;
use super::standby::Standby;
use super::{BackendError, Work};
use crate::backends::{Seen, Source, SourceOutcome};
use crate::domain::job::TargetState;
use crate::domain::log::Level;

/// As many faults are kept; the others are counted.
const KEPT_FAULTS: usize = 1000;
/// How long a path may take to be looked at.
const LOOK_PATIENCE: Duration = Duration::from_secs(30);

/// What is read, and how.
pub(super) struct Pass<'a> {
    pub(super) sources: &'a [Source],
    /// When the run began: the snapshot bears the same time as our record.
    pub(super) at: DateTime<Utc>,
    pub(super) tags: Vec<String>,
    pub(super) excludes: &'a [String],
    /// The snapshot that files are compared with; without one everything is read.
    pub(super) parent: Option<&'a str>,
    /// How long a lock of somebody else is waited for.
    pub(super) patience: Duration,
}

/// What came of it: there is a snapshot.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed {
    pub(super) summary: Summary,
    pub(super) faults: Vec<Fault>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) path: PathBuf,
    pub(super) words: String,
}

impl Restic {
    /// Makes a snapshot. Its id may be short, see [`Summary::snapshot_id`]. What stands by is used if it is for this pass, and
    /// left otherwise.
    pub(super) async fn back_up(
        &self,
        work: &Work,
        pass: Pass<'_>,
        standby: &mut Option<Standby>,
    ) -> Result<Passed, BackendError> {
        let version = self.version(work).await?;
        let call = Call::new(self.backup_arguments(&pass));
        let fits = standby.as_mut().is_some_and(|waiting| waiting.fits(&call.arguments));
        let begun = if fits { standby.take().map(Standby::let_go) } else { None };
        let mut watcher = Watcher { restic: self, work, status: Status::default(), passed: Passed::default() };
        let ended = self.run_begun(work, begun, &call, pass.patience, &mut |line| watcher.take(line)).await?;
        let passed = watcher.passed;
        let has_snapshot = !passed.summary.snapshot_id.is_empty();
        match ended.code {
            Some(0 | 3) if has_snapshot => {}
            _ => return Err(self.error("the backup", &ended, version)),
        }
        if ended.code == Some(3) && passed.faults.is_empty() {
            return Err(BackendError::failed(format!(
                "restic could not read everything and does not say what: {}",
                self.redactor.clean(&ended.last_words())
            )));
        }
        Ok(passed)
    }

    pub(super) fn backup_arguments(&self, pass: &Pass<'_>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["backup".into(), "--json".into()];
        arguments.push(format!("--host={}", self.node_name).into());
        // In UTC, which is the zone that restic is given.
        arguments.push(format!("--time={}", pass.at.format("%Y-%m-%d %H:%M:%S")).into());
        arguments.push(pass.parent.map_or("--force".to_owned(), |parent| format!("--parent={parent}")).into());
        arguments.extend(pass.tags.iter().map(|tag| format!("--tag={tag}").into()));
        arguments.extend(pass.excludes.iter().map(|pattern| format!("--exclude={pattern}").into()));
        arguments.push("--".into());
        arguments.extend(pass.sources.iter().flat_map(|source| &source.paths).map(Into::into));
        arguments
    }
}

struct Watcher<'a> {
    restic: &'a Restic,
    work: &'a Work,
    status: Status,
    passed: Passed,
}

impl Watcher<'_> {
    fn take(&mut self, line: Line<'_>) -> Heed {
        let (Line::Out(text) | Line::Err(text)) = line;
        match parse(text) {
            Some(Message::Status(status)) => return self.take_status(status),
            Some(Message::Summary(summary)) => self.passed.summary = summary,
            Some(Message::Error(error)) => {
                let words = self.restic.redactor.clean(&error.to_words());
                self.work.report.log(Level::Warning, None, format!("could not be read: {words}"));
                if self.passed.faults.len() < KEPT_FAULTS {
                    self.passed.faults.push(Fault { path: error.item.into(), words });
                }
            }
            Some(_) => {}
            None => self.tell(text),
        }
        Heed::Idle
    }

    fn take_status(&mut self, status: Status) -> Heed {
        if status == self.status {
            return Heed::Idle;
        }
        self.work.report.progress(Seen {
            bytes_done: status.bytes_done,
            bytes_total: status.total_bytes,
            files_done: status.files_done,
            current: status.current_files.first().map(|path| self.restic.redactor.clean(path)),
        });
        self.status = status;
        Heed::Moved
    }

    fn tell(&self, text: &str) {
        let text = self.restic.redactor.clean(text);
        if !text.trim().is_empty() {
            self.work.report.log(Level::Debug, None, format!("restic: {}", text.trim()));
        }
    }
}

/// The sources that are there, and the outcome of the others. restic itself leaves out what is missing and calls it a
/// success (before 0.19), and stores a link as a link.
pub(super) async fn look_at(sources: &[Source]) -> (Vec<Source>, Vec<SourceOutcome>) {
    let (mut there, mut failed) = (Vec::new(), Vec::new());
    for source in sources {
        match find_fault(source).await {
            None => there.push(source.clone()),
            Some(message) => failed.push(outcome(source, TargetState::Failed, 0, Some(message))),
        }
    }
    (there, failed)
}

async fn find_fault(source: &Source) -> Option<String> {
    if source.paths.is_empty() {
        return Some("there is nothing to read".to_owned());
    }
    for path in &source.paths {
        let shown = path.display();
        if !path.is_absolute() || path.as_os_str().to_string_lossy().contains('\n') {
            return Some(format!("{shown} is no path that restic can store"));
        }
        match tokio::time::timeout(LOOK_PATIENCE, tokio::fs::symlink_metadata(path)).await {
            Err(_) => return Some(format!("the file system of {shown} does not answer")),
            Ok(Err(error)) => return Some(format!("{shown} cannot be read: {error}")),
            Ok(Ok(found)) if found.is_symlink() => {
                return Some(format!("{shown} is a symbolic link: restic would store the link and not what it names"));
            }
            Ok(Ok(_)) => {}
        }
    }
    None
}

/// How a source came out.
pub(super) fn outcome(source: &Source, state: TargetState, size_bytes: u64, message: Option<String>) -> SourceOutcome {
    SourceOutcome { kind: source.kind, name: source.name.clone(), state, size_bytes, message }
}

impl Fault {
    /// Whether it is about something in the source, or about a directory above it.
    pub(super) fn concerns(&self, source: &Source) -> bool {
        source.paths.iter().any(|path| self.path.starts_with(path) || path.starts_with(&self.path))
    }

    /// Whether it is about what lies in one of the sources or above them.
    pub(super) fn is_placed(&self, sources: &[Source]) -> bool {
        self.path != Path::new("") && sources.iter().any(|source| self.concerns(source))
    }
}
