//! Plain archives behind the port: one archive per run of an instance, in `backup_dir`.
//!
//! ```text
//! <instance>_<time>/volumes/<name>/…  databases/<container>/dump.sql  stacks/<name>/compose|data/…
//!                   binds/<n>/…  paths/<n>/…  manifest.json
//! ```
//!
//! `session` is a run, `shelf` knows what lies in the directory, `names` whose it is, `places` what goes where in an
//! archive. A further question about what lies there is a method of [`Shelf`] and a call of `blocking` here. Nothing is
//! ever removed whose name and manifest do not both say that it is of this instance and this installation.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chrono_tz::Tz;

use super::super::{
    ArchiveParts, BackendError, BackendParts, BackupBackend, FoundSnapshot, Readiness, Reads, RepositoryStats,
    RestoreRequest, Restored, RunRequest, Session, SharedBackend, Work,
};
use super::{Meter, VerifyReport, free_bytes, prove_writable, verify};
use crate::domain::log::Level;
use crate::domain::plan::Instance;
use crate::domain::size::human_bytes;

pub use blocking::run;
use blocking::{look, told, told_unverified};
use session::ArchiveSession;
use shelf::Shelf;

mod blocking;
mod names;
mod places;
mod session;
mod shelf;

#[cfg(test)]
mod tests;

/// Writes archives for one instance.
struct ArchiveBackend {
    setup: Arc<Setup>,
}

/// What every run of an instance shares.
struct Setup {
    shelf: Shelf,
    archives: ArchiveParts,
    timezone: Tz,
    /// Directories of Mainstay's own, which no archive holds.
    own_directories: Vec<PathBuf>,
}

/// The backend of an instance whose data goes to `backup_dir`.
pub(in crate::backends) fn backend(instance: &Instance, parts: &BackendParts) -> SharedBackend {
    let archives = parts.archives.clone();
    let shelf = Shelf {
        directory: archives.backup_dir.clone(),
        instance: instance.id.clone(),
        node_name: parts.node_name.clone(),
    };
    let own_directories = vec![archives.backup_dir.clone(), parts.staging_dir.clone(), parts.cache_dir.clone()];
    let timezone = instance.timezone.unwrap_or(archives.timezone);
    Arc::new(ArchiveBackend { setup: Arc::new(Setup { shelf, archives, timezone, own_directories }) })
}

impl ArchiveBackend {
    /// What lies there, and a sentence on each archive that is called like one of this instance and cannot be judged.
    async fn list(&self, work: &Work) -> Result<(Vec<FoundSnapshot>, Vec<String>), BackendError> {
        let (shelf, meter) = (self.setup.shelf.clone(), Arc::new(Meter::new()));
        let thread_meter = Arc::clone(&meter);
        let listed = run(work, &meter, (work.stall_timeout, None), move || shelf.list(&thread_meter)).await?;
        listed.map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, source: std::io::Error) -> BackendError {
        BackendError::because(format!("backup_dir {} cannot be read", self.setup.shelf.directory.display()), source)
    }
}

#[async_trait]
impl BackupBackend for ArchiveBackend {
    fn reads(&self) -> Reads {
        Reads::InPlace
    }

    async fn prepare(&self, work: &Work, may_create: bool) -> Result<Readiness, BackendError> {
        let directory = self.setup.shelf.directory.clone();
        look(work, move || prepare(&directory, may_create)).await?
    }

    async fn begin(&self, request: RunRequest, work: Work) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(ArchiveSession::begin(Arc::clone(&self.setup), request, work).await?))
    }

    async fn snapshots(&self, work: &Work) -> Result<Vec<FoundSnapshot>, BackendError> {
        let (found, doubts) = self.list(work).await?;
        for doubt in doubts {
            work.report.log(Level::Warning, None, doubt);
        }
        Ok(found)
    }

    async fn forget(&self, work: &Work, references: &[String]) -> Result<Option<u64>, BackendError> {
        let found = self.snapshots(work).await?;
        let mut wanted: HashSet<&String> = references.iter().collect();
        let ours: Vec<FoundSnapshot> = found.into_iter().filter(|s| s.is_ours && wanted.remove(&s.reference)).collect();
        if let Some(strange) = wanted.into_iter().find(|reference| PathBuf::from(reference).exists()) {
            let message = format!("{strange} is no archive of this instance and installation, so nothing was removed");
            return Err(BackendError::NotReady(message));
        }
        let removed = look(work, move || {
            let sizes = ours.iter().map(|snapshot| {
                let failed =
                    |error| BackendError::because(format!("{} could not be removed", snapshot.reference), error);
                Shelf::remove(snapshot).map_err(failed)
            });
            sizes.sum::<Result<u64, BackendError>>()
        });
        Ok(Some(removed.await??))
    }

    async fn check(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        let (found, mut wrong) = self.list(work).await?;
        for snapshot in found.into_iter().filter(|snapshot| snapshot.is_ours) {
            let path = PathBuf::from(&snapshot.reference);
            match read_again(work, path, self.setup.shelf.directory.clone(), None).await {
                Ok(report) => wrong.extend(describe(&snapshot.reference, &report)),
                Err(error @ BackendError::Failed { .. }) => {
                    wrong.push(format!("{}: {}", snapshot.reference, with_cause(&error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(wrong)
    }

    async fn stats(&self, work: &Work) -> Result<RepositoryStats, BackendError> {
        let ours = self.snapshots(work).await?.into_iter().filter(|snapshot| snapshot.is_ours);
        let ours: Vec<String> = ours.map(|snapshot| snapshot.reference).collect();
        look(work, move || RepositoryStats {
            snapshot_count: ours.len() as u64,
            size_bytes: ours.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|meta| meta.len()).sum(),
        })
        .await
    }

    async fn restore(&self, _: &Work, _: &RestoreRequest) -> Result<Vec<Restored>, BackendError> {
        Err(BackendError::NotSupported("an archive is unpacked target by target, which takes no backend"))
    }

    async fn sweep(&self, work: &Work) -> Result<Vec<String>, BackendError> {
        let shelf = self.setup.shelf.clone();
        look(work, move || if shelf.directory.is_dir() { shelf.sweep() } else { Ok(Vec::new()) })
            .await?
            .map_err(|error| self.unreadable(error))
    }
}

fn prepare(directory: &std::path::Path, may_create: bool) -> Result<Readiness, BackendError> {
    let shown = directory.display();
    if !directory.exists() && may_create {
        std::fs::create_dir_all(directory)
            .map_err(|error| BackendError::because(format!("backup_dir {shown} could not be made"), error))?;
    }
    if !directory.is_dir() {
        return Err(BackendError::NotReady(format!("backup_dir {shown} is not there; make it, or mount its disk")));
    }
    prove_writable(directory)
        .map_err(|error| BackendError::because(format!("nothing can be written to backup_dir {shown}"), error))?;
    let free = free_bytes(directory).map_err(|error| told("the free space of backup_dir is unknown", error))?;
    Ok(Readiness { notes: vec![format!("archives go to {shown}, {} free", human_bytes(free))], warnings: Vec::new() })
}

async fn read_again(
    work: &Work,
    archive: PathBuf,
    scratch: PathBuf,
    size: Option<u64>,
) -> Result<VerifyReport, BackendError> {
    let meter = Arc::new(Meter::new());
    let thread_meter = Arc::clone(&meter);
    let verified = run(work, &meter, (work.stall_timeout, size), move || verify(&archive, &scratch, &thread_meter));
    verified.await?.map_err(told_unverified)
}

fn with_cause(error: &BackendError) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// What is wrong with an archive, in one sentence.
fn describe(reference: &str, report: &VerifyReport) -> Option<String> {
    const SHOWN: usize = 5;
    if report.is_sound() {
        return None;
    }
    let problems: Vec<String> = report.problems.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = report.problem_count.saturating_sub(problems.len() as u64);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    Some(format!("{reference}: {}{more}", problems.join("; ")))
}
