//! Whether a run could succeed; makes a repository where it is certain that there is none.

use std::path::{Path, PathBuf};

use super::process::Call;
use super::program::{Restic, SHORT};
use super::sweep::describe;
use super::{BackendError, Readiness, Work};

/// Looks at the program, the repository and its locks.
pub(super) async fn prepare(restic: &Restic, work: &Work, may_create: bool) -> Result<Readiness, BackendError> {
    let version = restic.version(work).await?;
    // Where there is no repository yet, restic asks for a password only when one is made.
    if !restic.has_password() {
        return Err(restic.no_password());
    }
    let mut readiness = Readiness { notes: vec![format!("restic {version}")], warnings: Vec::new() };
    let at = &restic.settings.repository;
    if let Some(locks) = restic.find_locks(work).await.map_err(unreachable(restic))? {
        readiness.notes.push(format!("the repository at {at} opens"));
        readiness.warnings = describe(&locks);
    } else if may_create {
        create(restic, work).await?;
        readiness.notes.push(format!("the repository at {at} was made"));
    } else {
        return Err(restic.absent());
    }
    Ok(readiness)
}

/// What fails while the repository is opened keeps every run from succeeding.
fn unreachable(restic: &Restic) -> impl Fn(BackendError) -> BackendError {
    |error| match error {
        BackendError::Failed { .. } | BackendError::Stalled { .. } => {
            let at = &restic.settings.repository;
            BackendError::NotReady(format!("the repository at {at} cannot be reached: {error}"))
        }
        other => other,
    }
}

/// What is left of a repository whose `config` is gone: restic would make a new one over it.
fn find_remains(directory: &Path) -> Option<PathBuf> {
    let of_a_repository = ["keys", "snapshots", "data"].map(|name| directory.join(name));
    of_a_repository.into_iter().find(|path| path.read_dir().is_ok_and(|mut entries| entries.next().is_some()))
}

async fn create(restic: &Restic, work: &Work) -> Result<(), BackendError> {
    if let Some(left) = restic.local_repository().and_then(|directory| find_remains(&directory)) {
        return Err(BackendError::NotReady(format!(
            "the repository at {} has lost its file 'config': {} is still there, and a new repository would make what is \
             in it unreadable; bring that file back, or choose another directory",
            restic.settings.repository,
            left.display()
        )));
    }
    let _turn = restic.take_turn(work).await?;
    let version = restic.version(work).await?;
    let (ended, _) = restic.collect(work, Call::new(["init"]).within(SHORT)).await?;
    // Somebody else may have made it just now: then it only has to open.
    if ended.is_success() || restic.find_locks(work).await?.is_some() {
        return Ok(());
    }
    Err(restic.error("making the repository", &ended, version))
}
