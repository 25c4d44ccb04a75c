//! Whether a run could succeed; makes a repository where it is certain that there is none.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

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
struct Remains {
    /// A directory of it that is not empty.
    path: PathBuf,
    /// Whether there may be data in it; otherwise its making was broken off.
    has_data: bool,
}

fn find_remains(directory: &Path) -> Option<Remains> {
    let entries = |path: &Path| path.read_dir().into_iter().flatten().flatten();
    let [keys, snapshots, data] = ["keys", "snapshots", "data"].map(|name| directory.join(name));
    // Packs lie one level below `data`.
    let has_packs = entries(&data).any(|below| entries(&below.path()).next().is_some() || below.path().is_file());
    let has_data = has_packs || entries(&snapshots).next().is_some();
    let path = [keys, snapshots, data].into_iter().find(|path| entries(path).next().is_some())?;
    Some(Remains { path, has_data })
}

impl Remains {
    fn describe(&self, restic: &Restic) -> String {
        let (at, left) = (&restic.settings.repository, self.path.display());
        if self.has_data {
            return format!(
                "the repository at {at} has lost its file 'config': {left} is still there, and a new repository would \
                 make what is in it unreadable; bring that file back, or choose another directory"
            );
        }
        format!(
            "the making of the repository at {at} was broken off: its file 'config' is not there, and it holds no data; \
             remove that directory and run again"
        )
    }
}

async fn create(restic: &Restic, work: &Work) -> Result<(), BackendError> {
    if let Some(remains) = restic.local_repository().and_then(|directory| find_remains(&directory)) {
        return Err(BackendError::NotReady(remains.describe(restic)));
    }
    let _turn = restic.take_turn(work).await?;
    let version = restic.version(work).await?;
    // Broken off half-way it would leave something that is no repository and cannot become one.
    let to_its_end = Work { cancel: CancellationToken::new(), ..work.clone() };
    let (ended, _) = restic.collect(&to_its_end, Call::new(["init"]).within(SHORT)).await?;
    // Somebody else may have made it just now: then it only has to open.
    if ended.is_success() || restic.find_locks(work).await?.is_some() {
        return Ok(());
    }
    Err(restic.error("making the repository", &ended, version))
}
