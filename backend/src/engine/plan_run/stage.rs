//! Copies pieces into the staging directory: what a backend cannot read where it lies.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncRead;
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use crate::backends::archive::{Exclude, Meter, Stage, Staged};
use crate::discovery::targets::ReachedVia;
use crate::docker::SharedEngine;
use crate::domain::job::StepName;

use super::super::chain;
use super::super::work::{Watch, watch};
use super::piece::{Part, Piece, Way};
use super::preflight::{Desk, excludes};
use super::staging::Staging;
use super::{Cx, Stop};

/// A piece that lies in the staging directory now.
pub(super) struct Copy {
    pub(super) paths: Vec<PathBuf>,
    pub(super) staged: Staged,
}

/// Copies a piece; `others` are copied too. The inner error is the piece's alone: the others can still be captured.
pub(super) async fn copy(
    cx: Cx<'_>,
    desk: &Desk,
    piece: &Piece,
    others: &[Piece],
) -> Result<Result<Copy, String>, Stop> {
    let meter = Arc::new(Meter::new());
    let parts = &cx.engine.0.parts;
    let job = Job {
        piece: piece.clone(),
        shares_its_place: others.iter().any(|one| one.key() != piece.key() && one.place.starts_with(&piece.place)),
        staging: desk.staging.clone(),
        own: excludes(&desk.own),
        docker: parts.docker.clone(),
        runtime: parts.runtime.clone(),
        cancel: cx.live.cancel.clone(),
        meter: Arc::clone(&meter),
    };
    let bytes_total = cx.live.now().progress.bytes_total;
    let patience = cx.engine.0.settings.stall_timeout;
    let how = Watch { phase: StepName::Capture, meter: &meter, bytes_total, patience };
    let copied = watch(cx, &how, move || job.run(), || {}).await?;
    if cx.live.cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    Ok(copied)
}

struct Job {
    piece: Piece,
    /// Whether another piece lies below the place of this one.
    shares_its_place: bool,
    staging: Staging,
    own: Vec<Exclude>,
    docker: SharedEngine,
    runtime: Handle,
    cancel: CancellationToken,
    meter: Arc<Meter>,
}

impl Job {
    fn run(&self) -> Result<Copy, String> {
        self.piece.check_confined()?;
        self.copy_parts().inspect_err(|_| self.remove_half())
    }

    fn copy_parts(&self) -> Result<Copy, String> {
        let mut copy = Copy { paths: Vec::new(), staged: Staged::default() };
        for part in &self.piece.parts {
            let place = place_of(&self.piece, part);
            let staged = self.copy_part(part, &place).map_err(|error| self.why_not(&error))?;
            copy.staged.bytes += staged.bytes;
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

    fn copy_part(&self, part: &Part, place: &Path) -> io::Result<Staged> {
        let name = place.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
        let parent = self.staging.make_data_directory(place.parent().unwrap_or(Path::new("")))?;
        let mut stage = Stage::begin(&parent, name, &self.meter)?;
        match &part.way {
            Way::Here { path, .. } => stage.add_tree(path, &self.own)?,
            Way::Through(via) => stage.add_tar(&mut self.open_stream(via)?)?,
        }
        stage.finish()
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
