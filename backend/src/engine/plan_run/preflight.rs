//! Step 2: whatever can go wrong before anything is dumped or stopped goes wrong here.

use std::path::PathBuf;
use std::time::Duration;

use crate::backends::archive::{Exclude, Patterns, estimate, free_bytes};
use crate::backends::{Reads, SharedBackend, Work};
use crate::discovery::paths::find_within;
use crate::domain::log::Level;
use crate::domain::names::InstanceId;
use crate::domain::path_map::PathMap;
use crate::domain::size::human_bytes;
use crate::store::{PageRequest, SnapshotFilter, StoreError};

use super::super::backend_work::to_stop;
use super::super::{JobEngine, chain};
use super::piece::Piece;
use super::resolve::Resolved;
use super::staging::Staging;
use super::{Cx, StepResult, Stop};

/// How long sizing up one path may take; a larger one is then taken for what was seen of it.
const ESTIMATE_FOR: Duration = Duration::from_secs(5);

/// Everything that a run works with from here on.
pub(super) struct Desk {
    pub(super) backend: SharedBackend,
    pub(super) reads: Reads,
    pub(super) work: Work,
    pub(super) staging: Staging,
    /// Directories of Mainstay's own within what is captured.
    pub(super) own: Vec<PathBuf>,
    bytes: u64,
}

impl StepResult for Desk {
    fn detail(&self) -> Option<String> {
        Some(format!("about {} to read", human_bytes(self.bytes)))
    }
}

pub(super) async fn run(cx: Cx<'_>, resolved: &Resolved, paths: &PathMap) -> Result<Desk, Stop> {
    if resolved.pieces.is_empty() && resolved.databases.is_empty() {
        return Err(Stop::failed("nothing of what the plan names can be captured"));
    }
    let engine = cx.engine;
    let backend = engine.backend_of(&resolved.instance);
    let work = engine.work_of(cx.live);
    make_ready(cx, resolved, &backend, &work).await?;
    let (own, sizes) = look_at_data(engine, &resolved.pieces, paths).await;
    let bytes = sizes.iter().sum();
    cx.live.change(|job| job.progress.bytes_total = Some(bytes));
    let reads = backend.reads();
    let now = cx.live.now();
    let zone = resolved.plan.timezone;
    let at = now.started_at.unwrap_or(now.queued_at);
    let staging = Staging::of(&engine.0.parts.backends.staging_dir, &resolved.instance.id, reads, at, zone);
    if !cx.request.is_dry_run {
        let is_staged = |piece: &Piece| reads == Reads::Staged || !piece.is_here();
        let staged = resolved.pieces.iter().zip(&sizes).filter(|(piece, _)| is_staged(piece)).map(|(_, bytes)| bytes);
        prepare_staging(&staging, engine.0.parts.backends.staging_dir.clone(), staged.sum()).await?;
    }
    if reads == Reads::Staged {
        tell_patterns(cx, resolved);
    }
    Ok(Desk { backend, reads, work, staging, own, bytes })
}

/// What a user wants to be left out of a piece, for backends that store all that they are given.
pub(super) fn patterns_for(resolved: &Resolved, piece: &Piece) -> (Patterns, Vec<String>) {
    let of_target = resolved.targets.get(piece.target).map_or(&[][..], |target| &target.excludes);
    let texts: Vec<String> = resolved.plan.excludes.iter().chain(of_target).cloned().collect();
    Patterns::parse(&texts)
}

fn tell_patterns(cx: Cx<'_>, resolved: &Resolved) {
    let warnings = resolved.pieces.iter().flat_map(|piece| patterns_for(resolved, piece).1);
    for warning in warnings.collect::<std::collections::BTreeSet<_>>() {
        cx.live.log.write(Level::Warning, warning);
    }
}

async fn make_ready(cx: Cx<'_>, resolved: &Resolved, backend: &SharedBackend, work: &Work) -> Result<(), Stop> {
    let log = &cx.live.log;
    let has_stored = cx.engine.has_stored(&resolved.instance.id).await;
    let has_stored = has_stored.map_err(|e| Stop::because("the record of the snapshots cannot be read", &e))?;
    let mut what = format!("instance '{}' is not ready, so nothing was touched", resolved.instance.id);
    if has_stored {
        what += " (earlier snapshots of it are recorded, so no new place is made: see whether a disk is not mounted; where a \
                 new place is meant, make it yourself, as with 'restic init')";
    }
    // A place that held something and is gone is a disk that is not mounted, far more often than a wish to begin anew.
    let may_create = !cx.request.is_dry_run && !has_stored;
    let ready = backend.prepare(work, may_create).await.map_err(|error| to_stop(&what, &error))?;
    ready.notes.into_iter().for_each(|note| log.write(Level::Info, note));
    ready.warnings.into_iter().for_each(|warning| log.write(Level::Warning, warning));
    if !cx.request.is_dry_run {
        cx.engine.sweep_once(&resolved.instance.id, backend, work).await;
    }
    Ok(())
}

impl JobEngine {
    /// Whether our record takes snapshots of the instance for being there.
    pub(in crate::engine) async fn has_stored(&self, id: &InstanceId) -> Result<bool, StoreError> {
        let filter = SnapshotFilter { instance: Some(id.to_string()), ..SnapshotFilter::default() };
        Ok(!self.0.parts.store.list_snapshots(&filter, &PageRequest::first(1)).await?.items.is_empty())
    }

    /// Removes what the runs of a former process left where an instance stores, before its first run in this one. Returns
    /// whether it is gone.
    pub(super) async fn sweep_once(&self, id: &InstanceId, backend: &SharedBackend, work: &Work) -> bool {
        if self.live().swept.contains(id) {
            return true;
        }
        match backend.sweep(work).await {
            Ok(removed) => {
                removed.into_iter().for_each(|what| work.report.log(Level::Info, None, what));
                self.live().swept.insert(id.clone());
                true
            }
            Err(error) => {
                let message = format!("what an earlier run may have left could not be removed: {}", chain(&error));
                work.report.log(Level::Warning, None, message);
                false
            }
        }
    }
}

/// Mainstay's own directories within the pieces, and about how many bytes each piece has.
pub(super) async fn look_at_data(engine: &JobEngine, pieces: &[Piece], paths: &PathMap) -> (Vec<PathBuf>, Vec<u64>) {
    let settings = &engine.0.settings;
    let own = [settings.backup_dir.clone(), settings.log_dir.clone(), engine.0.parts.backends.staging_dir.clone()];
    let (pieces, paths) = (pieces.to_vec(), paths.clone());
    let look = move || {
        let local = pieces.iter().flat_map(Piece::local_paths);
        let mut found: Vec<PathBuf> = local
            .flat_map(|root| own.iter().filter_map(|own| find_within(&paths, own, &root)).collect::<Vec<_>>())
            .collect();
        found.sort_unstable();
        found.dedup();
        let excludes: Vec<Exclude> = excludes(&found);
        let size =
            |piece: &Piece| piece.local_paths().iter().map(|path| estimate(path, &excludes, ESTIMATE_FOR).bytes).sum();
        let sizes = pieces.iter().map(size).collect();
        (found, sizes)
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

/// An archive must not hold itself.
pub(super) fn excludes(own: &[PathBuf]) -> Vec<Exclude> {
    own.iter().map(|path| Exclude { path: path.clone(), reason: "Mainstay's own directory".to_owned() }).collect()
}

/// Makes the staging directory, and looks whether there is room for what is copied. What is streamed cannot be sized up.
async fn prepare_staging(staging: &Staging, directory: PathBuf, needed: u64) -> Result<(), Stop> {
    let staging = staging.clone();
    let prepare = move || {
        staging.prepare().map_err(|e| Stop::failed(format!("the staging directory cannot be used: {e}")))?;
        let free =
            free_bytes(&directory).map_err(|e| Stop::because("the free space of staging_dir cannot be told", &e))?;
        if free < needed {
            // Empty, and of no more use.
            let _ = staging.remove();
            return Err(Stop::failed(format!(
                "not enough space in {}: {} free, about {} are copied there; nothing was touched",
                directory.display(),
                human_bytes(free),
                human_bytes(needed)
            )));
        }
        Ok(())
    };
    let done = tokio::task::spawn_blocking(prepare).await;
    done.unwrap_or_else(|_| Err(Stop::failed("a defect in Mainstay ended the look at staging_dir; see the system log")))
}
