//! Out of restic repositories.
//!
//! restic restores whole paths below a directory. So it restores into scratch beside the places, on the file system of each,
//! and what came is given its place by a rename. The scratch is called [`SCRATCH`]: a kill may leave it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags, StatxFlags, renameat_with, statx};

use crate::backends::archive::sync_unpacked;
use crate::backends::{BackendError, RestoreRequest, Restored, SharedBackend, Work};
use crate::domain::job::TargetResult;
use crate::domain::names::InstanceId;
use crate::domain::snapshot::{Snapshot, StoredPart, StoredTarget};

use super::super::JobEngine;
use super::stored::guess;
use super::{Contents, Place, TargetContents, UnpackError, Unpacked, remove_unpacked};

/// What scratch beside the places is called, before something random.
const SCRATCH: &str = ".mainstay-unpack-";

pub(super) async fn contents(engine: &JobEngine, work: &Work, snapshot: &Snapshot) -> Result<Contents, UnpackError> {
    let backend = backend_of(engine, snapshot)?;
    let stored = find_stored(engine, work, snapshot, &backend).await?;
    let mut contents = Contents::default();
    for result in &snapshot.targets {
        let is_it = |target: &&StoredTarget| target.kind == result.kind && target.name == result.name;
        match stored.iter().find(is_it) {
            Some(target) => contents.targets.push(describe(target, result)),
            None if result.size_bytes > 0 => contents.notes.push(format!(
                "where the snapshot has the {} '{}' was not recorded; restic can restore it by its path",
                result.kind, result.name
            )),
            None => {}
        }
    }
    Ok(contents)
}

fn describe(target: &StoredTarget, result: &TargetResult) -> TargetContents {
    let places: Vec<String> = target.parts.iter().map(|part| part.stored.display().to_string()).collect();
    let is_dump = target.kind == crate::domain::job::TargetKind::Database;
    let file_name = target.parts.first().filter(|_| is_dump).and_then(|part| part.stored.file_name());
    TargetContents {
        kind: target.kind,
        name: target.name.clone(),
        host_path: target.host_path.clone(),
        place: places.join(", "),
        bytes: result.size_bytes,
        entries: None,
        file_name: file_name.map(|name| name.to_string_lossy().into_owned()),
        volume: target.volume.clone(),
    }
}

fn backend_of(engine: &JobEngine, snapshot: &Snapshot) -> Result<SharedBackend, UnpackError> {
    let name = snapshot.instance.clone().unwrap_or_default();
    let id = name.parse::<InstanceId>().ok();
    let instance = id.and_then(|id| engine.registry().find_instance(&id));
    let instance = instance.filter(|instance| instance.backend() == snapshot.backend);
    Ok(engine.backend_of(&*instance.ok_or(UnpackError::UnknownInstance(name))?))
}

/// Where the repository has the targets. Looks whether it has the snapshot at all.
async fn find_stored(
    engine: &JobEngine,
    work: &Work,
    snapshot: &Snapshot,
    backend: &SharedBackend,
) -> Result<Vec<StoredTarget>, UnpackError> {
    let all = backend.snapshots(work).await?;
    let found = all.into_iter().find(|found| found.reference == snapshot.reference);
    let found = found.ok_or_else(|| UnpackError::Gone(format!("snapshot {}", snapshot.reference)))?;
    let recorded = engine.0.parts.store.find_stored_targets(&snapshot.id).await?;
    Ok(recorded.unwrap_or_else(|| guess(&snapshot.targets, &found.paths, &engine.0.parts.discovery.path_map())))
}

pub(super) async fn unpack(
    engine: &JobEngine,
    work: &Work,
    snapshot: &Snapshot,
    places: &[Place],
) -> Result<Vec<Unpacked>, UnpackError> {
    let backend = backend_of(engine, snapshot)?;
    let stored = find_stored(engine, work, snapshot, &backend).await?;
    let pieces = places.iter().map(|place| Piece::of(place, &stored)).collect::<Result<Vec<_>, _>>()?;
    let mut unpacked = vec![Unpacked::default(); places.len()];
    let mut made: Vec<PathBuf> = Vec::new();
    for (scratch_in, numbers) in in_blocking(group(places)).await? {
        let group = Group { scratch_in, pieces: numbers.iter().map(|number| pieces[*number].clone()).collect() };
        match group.restore(work, snapshot, &backend).await {
            Ok(restored) => {
                for (number, came) in numbers.iter().zip(restored) {
                    made.push(places[*number].to.clone());
                    unpacked[*number] = came;
                }
            }
            Err(error) => {
                in_blocking(move || made.iter().try_for_each(|to| remove_unpacked(to)).map_err(failed("it stays")))
                    .await?;
                return Err(error);
            }
        }
    }
    Ok(unpacked)
}

fn failed(what: &str) -> impl FnOnce(io::Error) -> UnpackError {
    UnpackError::disk(what.to_owned())
}

async fn in_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UnpackError> + Send + 'static,
) -> Result<T, UnpackError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(failed("a defect in Mainstay ended the work; see the system log")(io::Error::other(error)))
    })
}

/// A place, and what restic must restore for it.
#[derive(Debug, Clone)]
struct Piece {
    to: PathBuf,
    parts: Vec<StoredPart>,
    /// The paths that are asked for.
    wanted: Vec<PathBuf>,
}

impl Piece {
    fn of(place: &Place, stored: &[StoredTarget]) -> Result<Self, UnpackError> {
        let target = stored.iter().find(|target| target.kind == place.kind && target.name == place.name);
        let unknown = || UnpackError::UnknownTarget { kind: place.kind, name: place.name.clone() };
        let parts = target.ok_or_else(unknown)?.parts.clone();
        let mut wanted: Vec<PathBuf> = Vec::new();
        if place.paths.is_empty() {
            wanted.extend(parts.iter().map(|part| part.stored.clone()));
        }
        for wish in &place.paths {
            let path = Path::new(OsStr::from_bytes(wish.as_bytes()));
            let before = wanted.len();
            for part in &parts {
                match path.strip_prefix(&part.at) {
                    Ok(inside) if inside.as_os_str().is_empty() => wanted.push(part.stored.clone()),
                    Ok(inside) => wanted.push(part.stored.join(inside)),
                    Err(_) if part.at.starts_with(path) => wanted.push(part.stored.clone()),
                    Err(_) => {}
                }
            }
            if wanted.len() == before {
                let (kind, name, path) = (place.kind, place.name.clone(), wish.to_string());
                return Err(UnpackError::UnknownPath { kind, name, path });
            }
        }
        wanted.sort();
        wanted.dedup();
        // What lies below another comes with it.
        let all = wanted.clone();
        wanted.retain(|path| !all.iter().any(|other| other != path && path.starts_with(other)));
        Ok(Self { to: place.to.clone(), parts, wanted })
    }

    /// Gives what was restored below `scratch` its place.
    fn put_in_place(&self, scratch: &Path) -> io::Result<()> {
        if let [only] = self.parts.as_slice()
            && only.at.as_os_str().is_empty()
        {
            return move_to(&below(scratch, &only.stored), &self.to);
        }
        DirBuilder::new().mode(0o755).create(&self.to)?;
        for part in &self.parts {
            let from = below(scratch, &part.stored);
            if from.symlink_metadata().is_ok() {
                let to = self.to.join(&part.at);
                let above = to.parent().unwrap_or(&self.to);
                DirBuilder::new().mode(0o755).recursive(true).create(above)?;
                move_to(&from, &to)?;
            }
        }
        Ok(())
    }
}

fn below(scratch: &Path, stored: &Path) -> PathBuf {
    scratch.join(stored.strip_prefix("/").unwrap_or(stored))
}

fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Places on one file system, which one restic serves.
#[derive(Debug, Clone)]
struct Group {
    scratch_in: PathBuf,
    pieces: Vec<Piece>,
}

/// The places by file system, each with the directory where scratch goes.
fn group(
    places: &[Place],
) -> impl FnOnce() -> Result<Vec<(PathBuf, Vec<usize>)>, UnpackError> + Send + 'static + use<> {
    let tos: Vec<PathBuf> = places.iter().map(|place| place.to.clone()).collect();
    move || {
        let mut groups: BTreeMap<(u32, u32, u64), (PathBuf, Vec<usize>)> = BTreeMap::new();
        for (number, to) in tos.iter().enumerate() {
            if to.symlink_metadata().is_ok() || tos[..number].contains(to) {
                return Err(UnpackError::Taken(to.clone()));
            }
            let above = to.parent().unwrap_or(to);
            let found = statx(CWD, above, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID);
            let found = found.map_err(|error| failed(&format!("{} cannot be used", above.display()))(error.into()))?;
            // A rename crosses neither file systems nor mounts.
            let key = (found.stx_dev_major, found.stx_dev_minor, found.stx_mnt_id);
            groups.entry(key).or_insert_with(|| (above.to_owned(), Vec::new())).1.push(number);
        }
        Ok(groups.into_values().collect())
    }
}

impl Group {
    /// Restores, and gives everything its place. Nothing of it is left after an error.
    async fn restore(
        self,
        work: &Work,
        snapshot: &Snapshot,
        backend: &SharedBackend,
    ) -> Result<Vec<Unpacked>, UnpackError> {
        let scratch = in_blocking({
            let above = self.scratch_in.clone();
            move || {
                let made = Scratch::make(&above);
                made.map_err(failed(&format!("a directory in {} could not be made", above.display())))
            }
        });
        let scratch = scratch.await?;
        let wanted: Vec<PathBuf> = self.pieces.iter().flat_map(|piece| piece.wanted.clone()).collect();
        let request =
            RestoreRequest { reference: snapshot.reference.clone(), paths: wanted.clone(), to: scratch.0.clone() };
        let restored = backend.restore(work, &request).await;
        // Scratch goes in a thread that may block, whatever came of it.
        in_blocking(move || self.finish(scratch, restored)).await
    }

    fn finish(
        self,
        scratch: Scratch,
        restored: Result<Vec<Restored>, BackendError>,
    ) -> Result<Vec<Unpacked>, UnpackError> {
        let placed = restored.map_err(UnpackError::from).and_then(|restored| self.place(&scratch.0, &restored));
        drop(scratch);
        placed
    }

    fn place(&self, scratch: &Path, restored: &[Restored]) -> Result<Vec<Unpacked>, UnpackError> {
        let mut restored = restored.iter();
        let mut unpacked = Vec::new();
        for (number, piece) in self.pieces.iter().enumerate() {
            let what = || UnpackError::disk(format!("what was restored could not be put to {}", piece.to.display()));
            let synced = piece.put_in_place(scratch).map_err(what()).and_then(|()| Ok(sync_unpacked(&piece.to)?));
            if let Err(error) = synced {
                for begun in &self.pieces[..=number] {
                    if !matches!(fs::symlink_metadata(&begun.to), Err(gone) if gone.kind() == io::ErrorKind::NotFound) {
                        remove_unpacked(&begun.to).map_err(what())?;
                    }
                }
                return Err(error);
            }
            let came = restored.by_ref().take(piece.wanted.len());
            let (bytes, entries) = came.fold((0, 0), |sum, one| (sum.0 + one.bytes, sum.1 + one.entries));
            unpacked.push(Unpacked { bytes, entries, ..Unpacked::default() });
        }
        Ok(unpacked)
    }
}

/// A directory that goes when it is not needed any more. Dropping it blocks.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn make(above: &Path) -> io::Result<Self> {
        let mut number = 0_u32;
        loop {
            let path = above.join(format!("{SCRATCH}{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                // Process ids are alike in containers that share a directory.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => return made.map(|()| Self(path)),
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove_unpacked(&self.0) {
            tracing::warn!(%error, "scratch in {} could not be removed", self.0.display());
        }
    }
}
