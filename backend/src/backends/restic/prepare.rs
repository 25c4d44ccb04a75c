//! Whether a run could succeed; makes a repository where it is certain that there is none.

use super::process::Call;
use super::program::{Restic, SHORT};
use super::snapshots::exists;
use super::{BackendError, Readiness, Work};

/// Looks at the program, the repository and its locks.
pub(super) async fn prepare(restic: &Restic, work: &Work, may_create: bool) -> Result<Readiness, BackendError> {
    let version = restic.version(work).await?;
    let mut readiness = Readiness { notes: vec![format!("restic {version}")], warnings: Vec::new() };
    let at = &restic.settings.repository;
    if exists(restic, work).await.map_err(unreachable(restic))? {
        readiness.notes.push(format!("the repository at {at} opens"));
        readiness.warnings = restic.describe_locks(work).await?;
    } else if may_create {
        create(restic, work).await?;
        readiness.notes.push(format!("the repository at {at} was made"));
    } else {
        return Err(BackendError::NotReady(format!("there is no repository at {at} yet; it is made by the first run")));
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

async fn create(restic: &Restic, work: &Work) -> Result<(), BackendError> {
    let _turn = restic.take_turn(work).await?;
    let version = restic.version(work).await?;
    let (ended, _) = restic.collect(work, Call::new(["init"]).within(SHORT)).await?;
    // Somebody else may have made it just now: then it only has to open.
    if ended.is_success() || exists(restic, work).await? {
        return Ok(());
    }
    Err(restic.error("making the repository", &ended, version))
}
