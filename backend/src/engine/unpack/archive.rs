//! Out of archives.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;

use crate::backends::Work;
use crate::backends::archive::{self, Held, Meter, UnpackPlace, UnpackPlan, run_watched};
use crate::domain::job::TargetKind;
use crate::domain::snapshot::{Snapshot, StoredTarget, StoredVolume};
use crate::domain::stack::Volume;

use super::super::JobEngine;
use super::{Contents, Place, TargetContents, UnpackError, Unpacked};

/// A slow disk may take its time to be synced; a cancel still ends it.
const UNHURRIED: Duration = Duration::from_hours(24);

pub(super) async fn contents(engine: &JobEngine, work: &Work, snapshot: &Snapshot) -> Result<Contents, UnpackError> {
    let path = PathBuf::from(&snapshot.reference);
    let recorded = snapshot.size_bytes;
    let meter = Arc::new(Meter::new());
    let thread_meter = Arc::clone(&meter);
    let found = run_watched(work, &meter, (work.stall_timeout, None), move || {
        check_file(&path, recorded)?;
        Ok::<_, UnpackError>(archive::read_contents(&path, &thread_meter)?)
    });
    let found = found.await??;
    let stored = engine.0.parts.store.find_stored_targets(&snapshot.id).await?.unwrap_or_default();
    let volumes = found.about.get("volumes").and_then(|volumes| Vec::<Volume>::deserialize(volumes).ok());
    let volumes = volumes.unwrap_or_default();
    let targets = found.targets.into_iter().map(|held| describe(held, &stored, &volumes)).collect();
    let mut notes = Vec::new();
    if !found.has_manifest {
        notes
            .push("the archive has no manifest: whether all of it is there, and as it was, nobody can tell".to_owned());
    }
    Ok(Contents { targets, about: found.about, notes })
}

fn describe(held: Held, stored: &[StoredTarget], volumes: &[Volume]) -> TargetContents {
    let Held { kind, name, original_path, archive_path, bytes, entries, file_name } = held;
    let recorded = stored.iter().find(|target| target.kind == kind && target.name == name);
    let host_path = recorded.and_then(|target| target.host_path.clone());
    let told = || match (&file_name, kind) {
        _ if original_path.as_os_str().is_empty() => None,
        (_, TargetKind::Database) => None,
        (_, TargetKind::Bind | TargetKind::Path) => Some(PathBuf::from(&name)),
        _ => Some(original_path.clone()),
    };
    let of_manifest = || {
        let volume = volumes.iter().find(|volume| kind == TargetKind::Volume && volume.name == name)?;
        let Volume { driver, options, labels, .. } = volume.clone();
        Some(StoredVolume { driver, options, labels })
    };
    let volume = recorded.and_then(|target| target.volume.clone()).or_else(of_manifest);
    let host_path = host_path.or_else(told);
    TargetContents { kind, name, host_path, place: archive_path, bytes, entries: Some(entries), file_name, volume }
}

pub(super) async fn unpack(work: &Work, snapshot: &Snapshot, places: &[Place]) -> Result<Vec<Unpacked>, UnpackError> {
    let (path, recorded) = (PathBuf::from(&snapshot.reference), snapshot.size_bytes);
    let places: Vec<UnpackPlace> = places.iter().map(to_unpack).collect();
    let meter = Arc::new(Meter::new());
    let thread_meter = Arc::clone(&meter);
    let plan = run_watched(work, &meter, (work.stall_timeout, None), move || {
        check_file(&path, recorded)?;
        Ok::<_, UnpackError>(UnpackPlan::make(&path, &places, &thread_meter)?)
    });
    let plan = Arc::new(plan.await??);
    let (meter, total) = (Arc::new(Meter::new()), plan.progress_total());
    let (thread_meter, thread_plan) = (Arc::clone(&meter), Arc::clone(&plan));
    let unpacked = run_watched(work, &meter, (work.stall_timeout, total), move || thread_plan.run(&thread_meter));
    let unpacked = match unpacked.await {
        Ok(unpacked) => unpacked?,
        // A thread that hangs cannot tidy up.
        Err(error) => {
            remove_all(plan).await;
            return Err(error.into());
        }
    };
    let (thread_plan, meter) = (Arc::clone(&plan), Arc::new(Meter::new()));
    let synced = run_watched(work, &meter, (UNHURRIED, None), move || thread_plan.sync());
    match synced.await.map_err(UnpackError::from).and_then(|synced| Ok(synced?)) {
        Ok(()) => Ok(unpacked),
        Err(error) => {
            remove_all(plan).await;
            Err(error)
        }
    }
}

fn to_unpack(place: &Place) -> UnpackPlace {
    let Place { kind, name, paths, to } = place.clone();
    UnpackPlace { kind, name, paths, to }
}

async fn remove_all(plan: Arc<UnpackPlan>) {
    let removing = tokio::task::spawn_blocking(move || plan.remove());
    if let Err(error) = removing.await {
        tracing::error!(%error, "what was unpacked could not be removed");
    }
}

/// Whether the archive still is the plain file that was recorded. A snapshot without a size was never measured.
fn check_file(path: &Path, recorded: u64) -> Result<(), UnpackError> {
    let shown = || path.display().to_string();
    let found = path.symlink_metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => UnpackError::Gone(shown()),
        _ => UnpackError::disk(format!("the archive {} could not be read", path.display()))(error),
    })?;
    if !found.is_file() {
        return Err(UnpackError::Gone(format!("the archive {}, of which there is something else,", path.display())));
    }
    let is = found.len();
    if recorded != 0 && is != recorded { Err(UnpackError::OtherSize { is, was: recorded }) } else { Ok(()) }
}
