//! Copies pieces into the staging directory: what a backend cannot read where it lies.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncRead;
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use crate::backends::Reads;
use crate::backends::archive::{Aside, Meter, Patterns, Stage, Staged, TreeOptions, take_trust};
use crate::discovery::targets::ReachedVia;
use crate::docker::SharedEngine;
use crate::domain::job::StepName;

use super::super::chain;
use super::super::work::{Watch, watch};
use super::piece::{Part, Piece, Way};
use super::preflight::{Desk, excludes, patterns_for};
use super::resolve::Resolved;
use super::staging::Staging;
use super::{Cx, Stop};

/// A piece that lies in the staging directory now.
pub(super) struct Copy {
    pub(super) paths: Vec<PathBuf>,
    pub(super) staged: Staged,
}

/// Copies a piece, taking over what was copied before. The inner error is the piece's alone: the others can still be
/// captured.
pub(super) async fn copy(
    cx: Cx<'_>,
    resolved: &Resolved,
    desk: &Desk,
    piece: &Piece,
    beforehand: Vec<Option<Aside>>,
) -> Result<Result<Copy, String>, Stop> {
    let job = Job::new(cx, resolved, desk, piece);
    let copied = job.watched(cx, StepName::Capture, |job| job.copy_at_rest(beforehand)).await?;
    if cx.live.cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    Ok(copied)
}

/// Copies a piece while everything runs, for the copy at rest to take over from; a part that lies where nothing can be
/// relied on is left out.
pub(super) async fn copy_beforehand(
    cx: Cx<'_>,
    resolved: &Resolved,
    desk: &Desk,
    piece: &Piece,
) -> Result<Vec<Option<Aside>>, Stop> {
    let job = Job::new(cx, resolved, desk, piece);
    let copied = job.watched(cx, StepName::Precopy, |job| job.copy_beforehand()).await?;
    copied.map_err(Stop::Failed)
}

struct Job {
    piece: Piece,
    /// Whether another piece lies below the place of this one.
    shares_its_place: bool,
    staging: Staging,
    options: TreeOptions,
    docker: SharedEngine,
    runtime: Handle,
    cancel: CancellationToken,
    meter: Arc<Meter>,
}

impl Job {
    fn new(cx: Cx<'_>, resolved: &Resolved, desk: &Desk, piece: &Piece) -> Self {
        let parts = &cx.engine.0.parts;
        // A backend that reads in place leaves out by itself.
        let patterns = if desk.reads == Reads::Staged { patterns_for(resolved, piece).0 } else { Patterns::default() };
        let is_below = |one: &Piece| one.key() != piece.key() && one.place.starts_with(&piece.place);
        Self {
            piece: piece.clone(),
            shares_its_place: resolved.pieces.iter().any(is_below),
            staging: desk.staging.clone(),
            options: TreeOptions { excludes: excludes(&desk.own), patterns, ..TreeOptions::default() },
            docker: parts.docker.clone(),
            runtime: parts.runtime.clone(),
            cancel: cx.live.cancel.clone(),
            meter: Arc::new(Meter::new()),
        }
    }

    async fn watched<T: Send + 'static>(
        self,
        cx: Cx<'_>,
        phase: StepName,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let meter = Arc::clone(&self.meter);
        let bytes_total = cx.live.now().progress.bytes_total;
        let patience = cx.engine.0.settings.stall_timeout;
        watch(cx, &Watch { phase, meter: &meter, bytes_total, patience }, move || work(&self), || {}).await
    }

    fn copy_at_rest(&self, beforehand: Vec<Option<Aside>>) -> Result<Copy, String> {
        self.piece.check_confined()?;
        self.copy_parts(beforehand).inspect_err(|_| self.remove_half())
    }

    fn copy_parts(&self, beforehand: Vec<Option<Aside>>) -> Result<Copy, String> {
        let mut copy = Copy { paths: Vec::new(), staged: Staged::default() };
        let asides = beforehand.into_iter().chain(std::iter::repeat_with(|| None));
        for (part, aside) in self.piece.parts.iter().zip(asides) {
            let place = place_of(&self.piece, part);
            let staged = self.copy_part(part, &place, aside).map_err(|error| self.why_not(&error))?;
            copy.staged.bytes += staged.bytes;
            copy.staged.bytes_taken_over += staged.bytes_taken_over;
            copy.staged.entries += staged.entries;
            copy.staged.gap_count += staged.gap_count;
            copy.staged.gaps.extend(staged.gaps);
            copy.paths.push(self.staging.data.join(place));
        }
        Ok(copy)
    }

    /// What came of it takes the room of others, and must not be taken for the whole.
    fn remove_half(&self) {
        if !self.shares_its_place
            && let Err(error) = self.staging.remove_data(&self.piece.place)
        {
            tracing::warn!(%error, "a half copy stays in the staging directory until the end of the run");
        }
    }

    fn why_not(&self, error: &io::Error) -> String {
        let to = self.staging.data.display();
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull => "; make room there, or have 'staging_dir' name a larger disk",
            _ => "",
        };
        format!("it could not be copied to {to}: {error}{remedy}")
    }

    fn copy_part(&self, part: &Part, place: &Path, aside: Option<Aside>) -> io::Result<Staged> {
        let mut stage = self.begin(&self.staging.data, place)?;
        if let Some(aside) = aside {
            stage = stage.taking_from(aside);
        }
        match &part.way {
            Way::Here { path, .. } => stage.add_tree(path, &self.options)?,
            Way::Through(via) => {
                stage.add_tar(&mut self.open_stream(via)?, Path::new(&via.destination), &self.options.patterns)?;
            }
        }
        stage.finish()
    }

    fn copy_beforehand(&self) -> Result<Vec<Option<Aside>>, String> {
        self.piece.check_confined()?;
        let copy = |part: &Part| match &part.way {
            Way::Here { path, .. } => self.copy_part_beforehand(path, &place_of(&self.piece, part)),
            Way::Through(_) => Ok(None),
        };
        self.piece.parts.iter().map(copy).collect::<io::Result<_>>().map_err(|e| e.to_string())
    }

    fn copy_part_beforehand(&self, path: &Path, place: &Path) -> io::Result<Option<Aside>> {
        let roots = [path.to_owned()];
        let trust = take_trust(&roots);
        if !trust.covers_roots(&roots) {
            return Ok(None);
        }
        let mut stage = self.begin(&self.staging.beforehand, place)?.noting(trust);
        stage.add_tree(path, &self.options)?;
        Ok(stage.put_aside())
    }

    fn begin(&self, top: &Path, place: &Path) -> io::Result<Stage<'_>> {
        let name = place.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
        let parent = self.staging.make_directory(top, place.parent().unwrap_or(Path::new("")))?;
        Stage::begin(&parent, name, &self.meter)
    }

    fn open_stream(&self, via: &ReachedVia) -> io::Result<SyncIoBridge<Box<dyn AsyncRead + Send + Unpin>>> {
        let asked = self.docker.stream_path(&via.container_id, &via.destination);
        let stream = self.runtime.block_on(asked).map_err(|e| io::Error::other(chain(&e)))?;
        // A read that waits for the engine cannot be interrupted, so a cancel ends what it waits for.
        let stream = stream.map_err(io::Error::other).take_until(self.cancel.clone().cancelled_owned()).boxed();
        Ok(SyncIoBridge::new_with_handle(Box::new(StreamReader::new(stream)), self.runtime.clone()))
    }
}

/// The place of a part below the directory of the data.
fn place_of(piece: &Piece, part: &Part) -> PathBuf {
    if part.at.as_os_str().is_empty() { piece.place.clone() } else { piece.place.join(&part.at) }
}
