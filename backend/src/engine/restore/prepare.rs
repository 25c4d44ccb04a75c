//! Step 3: the new data is put together beside the places where it belongs, while everything runs.
//!
//! What is made is recorded before it is made, so that a later process can remove it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::docker::VolumeSpec;
use crate::domain::entry::EntryPath;
use crate::domain::job::TargetKind;
use crate::domain::log::Level;
use crate::domain::restore::{Destination, RestoreRecord, RestoreWish, TargetName};
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;
use crate::engine::pause_point;
use crate::engine::steps::{StepResult, Stop, count};
use crate::engine::unpack::{Place, unpack};

use super::Cx;
use super::bench::{Bench, find_bench, scratch_name};
use super::fate::Fate;
use super::look::{Item, Outlook};
use super::stack_files::{copy_files, list_files, move_into};
use super::swaps::{How, Placement};

/// Where the new data lies now.
pub(super) struct Prepared {
    pub(super) placements: Vec<Placement>,
    /// Dumps, with the containers that they are loaded into.
    pub(super) dumps: Vec<(TargetName, String, PathBuf)>,
    bytes: u64,
}

impl StepResult for Prepared {
    fn detail(&self) -> Option<String> {
        let targets = self.placements.len() + self.dumps.len();
        Some(format!("{} put together, {}", count(targets, "target"), human_bytes(self.bytes)))
    }
}

/// Something that is unpacked.
struct Job {
    target: TargetName,
    paths: Vec<EntryPath>,
    /// Where this process has what it is about; absent for a dump.
    bench: Option<Bench>,
    scratch: PathBuf,
    /// Its name in the directory of the restore.
    new: PathBuf,
    to: PathBuf,
    container: Option<String>,
}

/// Unpacks everything; what had been begun is removed by the caller when it ends in an error.
pub(super) async fn run(
    cx: Cx<'_>,
    wish: &RestoreWish,
    snapshot: &Snapshot,
    outlook: &Outlook,
    record: &mut RestoreRecord,
) -> Result<Prepared, Stop> {
    let job = cx.live.now();
    let name = scratch_name(&job.id, job.started_at.unwrap_or(job.queued_at), cx.engine.0.settings.timezone);
    let mut jobs = Vec::with_capacity(outlook.items.len());
    for (n, item) in outlook.items.iter().enumerate() {
        jobs.extend(plan_job(cx, wish, item, n, &name, record).await?);
    }
    record.made.scratch = jobs.iter().map(|job| job.scratch.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    if let Destination::Directory(directory) = &wish.destination {
        record.made.directories = directory.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect();
    }
    save(cx, record).await?;
    pause_point::reach("unpack.recorded").await;
    make_directories(record, &jobs).await?;
    let unpacked = unpack_all(cx, snapshot, &jobs).await?;
    let placements = place(outlook, wish, &jobs).await?;
    for text in placements.1 {
        cx.live.log.write(Level::Warning, text);
    }
    let dump = |job: &Job| Some((job.target.clone(), job.container.clone()?, job.to.clone()));
    Ok(Prepared { placements: placements.0, dumps: jobs.iter().filter_map(dump).collect(), bytes: unpacked })
}

pub(super) async fn save(cx: Cx<'_>, record: &RestoreRecord) -> Result<(), Stop> {
    let saved = cx.engine.0.parts.store.save_restore(record).await;
    saved.map_err(|e| Stop::because("what is about to be made could not be recorded, so nothing was touched", &e))
}

/// Where an item is put together. Volumes that are missing are made here, because only then it is known where they lie.
async fn plan_job(
    cx: Cx<'_>,
    wish: &RestoreWish,
    item: &Item,
    n: usize,
    name: &str,
    record: &mut RestoreRecord,
) -> Result<Option<Job>, Stop> {
    let (target, paths) = (item.name(), item.wanted.paths.clone());
    let numbered = PathBuf::from((n + 1).to_string());
    let settings = &cx.engine.0.settings;
    let bench = match (&item.fate, &wish.destination) {
        (Fate::Skip(_) | Fate::Stuck(_), _) => return Ok(None),
        (Fate::Load(container), _) => {
            let scratch = settings.staging_dir.join(name);
            let (to, container) = (scratch.join(&numbered), Some(container.clone()));
            return Ok(Some(Job { target, paths, bench: None, scratch, new: numbered, to, container }));
        }
        (Fate::Put { place, .. }, Destination::Directory(directory)) => {
            let scratch = directory.join(name);
            let new = PathBuf::from("new");
            let to = scratch.join(&new).join(place.strip_prefix(directory).unwrap_or(place));
            let bench = item.bench.clone().map(|bench| Bench { root: directory.clone(), ..bench });
            return Ok(Some(Job { target, paths, bench, scratch, new, to, container: None }));
        }
        (Fate::Put { .. }, _) => item.bench.clone(),
        (Fate::Make(spec), _) => Some(make_volume(cx, spec, record).await?),
    };
    let Some(bench) = bench else { return Ok(None) };
    let scratch = bench.yard.join(name);
    let mut to = scratch.join(&numbered);
    if !bench.rest.as_os_str().is_empty() {
        to.push(&bench.rest);
    }
    Ok(Some(Job { target, paths, bench: Some(bench), scratch, new: numbered, to, container: None }))
}

/// Makes a volume as it was, and finds where it lies.
async fn make_volume(cx: Cx<'_>, spec: &VolumeSpec, record: &mut RestoreRecord) -> Result<Bench, Stop> {
    let docker = &cx.engine.0.parts.docker;
    record.made.volumes.push(spec.name.clone());
    save(cx, record).await?;
    let made = docker.create_volume(spec).await;
    made.map_err(|e| Stop::because(&format!("volume '{}' could not be made", spec.name), &e))?;
    cx.live.log.write(Level::Info, format!("made volume '{}'", spec.name));
    let volumes = docker.list_volumes().await;
    let volumes = volumes.map_err(|e| Stop::because("the volumes could not be listed", &e))?;
    let found = volumes.into_iter().find(|volume| volume.name == spec.name);
    let place = found.and_then(|volume| cx.engine.0.parts.discovery.path_map().find_local(&volume.mountpoint));
    let place = place.ok_or_else(|| {
        Stop::failed(format!(
            "volume '{}' was made, and cannot be reached from here: mount its path into Mainstay's container",
            spec.name
        ))
    })?;
    let look = tokio::task::spawn_blocking(move || find_bench(&place, &[])).await;
    look.map_err(|_| Stop::failed("a defect in Mainstay ended the look at a volume; see the system log"))?
        .map_err(Stop::Failed)
}

async fn make_directories(record: &RestoreRecord, jobs: &[Job]) -> Result<(), Stop> {
    let (scratch, parents) = (record.made.scratch.clone(), parents_of(jobs));
    let make = move || -> io::Result<()> {
        for directory in &scratch {
            // The directory of a restore to a directory may be new.
            if let Some(parent) = directory.parent().filter(|parent| !parent.exists()) {
                fs::create_dir_all(parent)?;
            }
            // What was there before is nobody else's to look into.
            DirBuilder::new().mode(0o700).create(directory)?;
        }
        parents.iter().try_for_each(fs::create_dir_all)
    };
    let made = tokio::task::spawn_blocking(make).await.unwrap_or_else(|e| Err(io::Error::other(e)));
    made.map_err(|e| Stop::because("the directory for the new data could not be made, so nothing was touched", &e))
}

fn parents_of(jobs: &[Job]) -> Vec<PathBuf> {
    jobs.iter().filter_map(|job| job.to.parent().map(Path::to_owned)).collect()
}

/// Unpacks all at once; returns how many bytes came.
async fn unpack_all(cx: Cx<'_>, snapshot: &Snapshot, jobs: &[Job]) -> Result<u64, Stop> {
    let places: Vec<Place> = jobs
        .iter()
        .map(|job| Place {
            kind: job.target.kind,
            name: job.target.name.clone(),
            paths: job.paths.clone(),
            to: job.to.clone(),
        })
        .collect();
    let work = cx.engine.work_of(cx.live);
    let unpacked = Box::pin(unpack(cx.engine, &work, snapshot, &places)).await;
    let unpacked =
        unpacked.map_err(|error| error.into_stop("the snapshot could not be unpacked, so nothing was touched"))?;
    let mut bytes = 0;
    for (job, unpacked) in jobs.iter().zip(&unpacked) {
        bytes += unpacked.bytes;
        cx.live.log.write_about(
            Level::Info,
            Some(&job.target.to_string()),
            format!("unpacked, {}, {} entries", human_bytes(unpacked.bytes), unpacked.entries),
        );
        for note in &unpacked.notes {
            cx.live.log.write_about(Level::Warning, Some(&job.target.to_string()), note.clone());
        }
        cx.live.change(|live| {
            let found = live.targets.iter_mut().find(|t| t.kind == job.target.kind && t.name == job.target.name);
            found.into_iter().for_each(|target| target.size_bytes = unpacked.bytes);
        });
    }
    cx.live.change(|live| live.bytes_read = bytes);
    Ok(bytes)
}

/// What belongs where, and what is worth knowing about it.
async fn place(outlook: &Outlook, wish: &RestoreWish, jobs: &[Job]) -> Result<(Vec<Placement>, Vec<String>), Stop> {
    if let (Destination::Directory(directory), Some(first)) = (&wish.destination, jobs.first()) {
        let (target, root, scratch) = (first.target.clone(), directory.clone(), first.scratch.clone());
        let placement = Placement { target, root, scratch, new: "new".into(), how: How::Fill };
        return Ok((vec![placement], Vec::new()));
    }
    let stacks: Vec<StackTree> = jobs.iter().filter_map(|job| StackTree::of(job, jobs, outlook)).collect();
    let others: Vec<Placement> = jobs.iter().filter(|job| !is_of_stack(job)).filter_map(placement_of).collect();
    let merged = tokio::task::spawn_blocking(move || {
        let merged: Result<Vec<_>, io::Error> = stacks.into_iter().map(StackTree::put_together).collect();
        merged
    });
    let merged = merged.await.unwrap_or_else(|e| Err(io::Error::other(e)));
    let merged = merged
        .map_err(|e| Stop::because("the stack directory could not be put together, so nothing was touched", &e))?;
    let (mut placements, mut warnings) = (others, Vec::new());
    for (placement, warning) in merged {
        placements.push(placement);
        warnings.extend(warning);
    }
    Ok((placements, warnings))
}

const fn is_of_stack(job: &Job) -> bool {
    matches!(job.target.kind, TargetKind::Compose | TargetKind::Data)
}

fn placement_of(job: &Job) -> Option<Placement> {
    let bench = job.bench.as_ref()?;
    let how = match job.paths.as_slice() {
        _ if bench.is_missing => How::Whole,
        [] if bench.is_fixed => How::Children,
        [] => How::Whole,
        paths => How::Paths(paths.iter().map(as_path).collect()),
    };
    let (target, root) = (job.target.clone(), bench.root.clone());
    Some(Placement { target, root, scratch: job.scratch.clone(), new: job.new.clone(), how })
}

fn as_path(path: &EntryPath) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(path.as_bytes()).into()
}

/// A stack directory, which is captured as two targets.
struct StackTree {
    placement: Placement,
    /// The compose files of the snapshot.
    compose: Option<PathBuf>,
    /// The rest of the directory.
    data: Option<PathBuf>,
    /// The compose files that are there now, with their place in the directory; for a directory that gets none.
    present: Vec<(PathBuf, PathBuf)>,
    /// Whether there is a directory now.
    is_there: bool,
}

impl StackTree {
    /// Of the first job of each stack directory.
    fn of(job: &Job, jobs: &[Job], outlook: &Outlook) -> Option<Self> {
        if !is_of_stack(job) {
            return None;
        }
        let mut placement = placement_of(job)?;
        let is_partner = |other: &&Job| {
            is_of_stack(other) && other.target.name == job.target.name && other.target.kind != job.target.kind
        };
        let partner = jobs.iter().find(is_partner);
        if !job.paths.is_empty() {
            return Some(Self { placement, compose: None, data: None, present: Vec::new(), is_there: true });
        }
        let partner = partner.filter(|other| other.paths.is_empty());
        let (compose, data) = match (job.target.kind, partner) {
            // It is told with the data.
            (TargetKind::Compose, Some(_)) => return None,
            (TargetKind::Compose, None) => (Some(job.to.clone()), None),
            (_, partner) => (partner.map(|compose| compose.to.clone()), Some(job.to.clone())),
        };
        let is_there = job.bench.as_ref().is_some_and(|bench| !bench.is_missing);
        let present = if compose.is_none() { files_now(job, outlook) } else { Vec::new() };
        placement.target = job.target.clone();
        Some(Self { placement, compose, data, present, is_there })
    }

    /// Blocks on the file system.
    fn put_together(mut self) -> io::Result<(Placement, Option<String>)> {
        let mut warning = None;
        if let Some(compose) = &self.compose {
            let (files, outside) = list_files(compose)?;
            if outside > 0 {
                warning = Some(format!(
                    "{outside} compose files of '{}' lay outside of its directory and are not put back; restore the target \
                     'compose' to a directory to have them",
                    self.placement.target.name
                ));
            }
            match &self.data {
                Some(data) => move_into(compose, &files, data)?,
                None if self.is_there => self.placement.how = How::Paths(files),
                None => {}
            }
        } else if let Some(data) = &self.data {
            copy_files(&self.present, data)?;
        }
        Ok((self.placement, warning))
    }
}

/// The compose files of a stack as they are now: a directory that gets only the rest keeps them.
fn files_now(job: &Job, outlook: &Outlook) -> Vec<(PathBuf, PathBuf)> {
    let Some(stack) = job.target.name.parse().ok().and_then(|name| outlook.scene.view.find_stack(&name)) else {
        return Vec::new();
    };
    let Some(directory) = &stack.directory else { return Vec::new() };
    let inside = |file: &PathBuf| Some((file.clone(), file.strip_prefix(directory).ok()?.to_owned()));
    stack.compose_files.iter().filter_map(inside).collect()
}
