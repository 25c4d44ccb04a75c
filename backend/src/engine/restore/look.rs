//! What a restore would do, found out without touching anything: the preview shows it, the job goes by it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::backends::Work;
use crate::backends::archive::{free_bytes, prove_writable};
use crate::domain::job::{JobKind, StepName, TargetKind};
use crate::domain::restore::{Destination, RestoreWish, TargetName};
use crate::domain::size::human_bytes;
use crate::domain::snapshot::Snapshot;
use crate::engine::plan_run::{Mounted, Scene};
use crate::engine::steps::Stop;
use crate::engine::unpack::{Contents, contents_of};
use crate::engine::{JobEngine, chain};
use crate::store::{JobFilter, PageRequest};

use super::bench::{Bench, find_bench};
use super::choose::{Wanted, choose};
use super::fate::{Court, Fate, find_overlap};
use super::parties::{self, Resting};
use super::{RestoreDatabase, RestorePreview, RestoreSpace, RestoreTarget};

/// How many earlier jobs are asked how long a stack rests.
const JOBS_ASKED: u64 = 20;

/// A target, what becomes of it, and where that is put together.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) wanted: Wanted,
    pub(super) fate: Fate,
    /// Of what goes to a place of the disk.
    pub(super) bench: Option<Bench>,
    /// Whether there is something now that would be replaced.
    pub(super) exists: bool,
}

impl Item {
    pub(super) fn name(&self) -> TargetName {
        self.wanted.name()
    }
}

/// What a restore would do.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) scene: Scene,
    pub(super) items: Vec<Item>,
    pub(super) resting: Resting,
    pub(super) spaces: Vec<RestoreSpace>,
    pub(super) stopped_ms: Option<u64>,
    pub(super) missing_networks: Vec<String>,
    pub(super) problems: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Looks now.
pub(super) async fn look(
    engine: &JobEngine,
    work: &Work,
    wish: &RestoreWish,
    snapshot: &Snapshot,
) -> Result<Outlook, Stop> {
    let contents = contents_of(engine, work, snapshot).await;
    let contents = contents.map_err(|error| error.into_stop("the snapshot cannot be looked into"))?;
    let scene = Scene::look(engine).await?;
    let chosen = choose(wish, snapshot, &contents);
    let court = Court {
        wish,
        scene: &scene,
        stacks_dir: engine.0.parts.discovery.stacks_dir(),
        stack: snapshot.stack.as_ref(),
    };
    let fates = court.decide(&chosen.wanted);
    let items = find_benches(engine, wish, chosen.wanted, fates).await;
    let resting = rest(engine, &scene, wish, snapshot, &items).await?;
    let mut outlook = Outlook {
        missing_networks: missing_networks(engine, wish, &contents).await,
        stopped_ms: expect_stop(engine, snapshot, &resting).await,
        spaces: Vec::new(),
        problems: chosen.problems,
        warnings: contents.notes.clone().into_iter().chain(chosen.warnings).collect(),
        scene,
        items: items.0,
        resting,
    };
    outlook.problems.extend(items.1);
    outlook.problems.extend(outlook.resting.problems.iter().cloned());
    measure(engine, &mut outlook).await;
    judge(wish, &mut outlook);
    Ok(outlook)
}

/// The benches of everything that goes to the disk, and why some cannot be had.
async fn find_benches(
    engine: &JobEngine,
    wish: &RestoreWish,
    wanted: Vec<Wanted>,
    fates: Vec<Fate>,
) -> (Vec<Item>, Vec<String>) {
    let own = engine.own_directories();
    let directory = match &wish.destination {
        Destination::Directory(directory) => Some(directory.clone()),
        _ => None,
    };
    let look = move || {
        let mut problems = Vec::new();
        if let Some(directory) = &directory
            && let Err(why) = check_empty(directory)
        {
            problems.push(why);
        }
        let mut items = Vec::with_capacity(wanted.len());
        for (wanted, fate) in wanted.into_iter().zip(fates) {
            let mut item = Item { wanted, fate, bench: None, exists: false };
            let result = item.find_bench(directory.as_ref(), &own);
            problems.extend(result.err().map(|why| format!("{}: {why}", item.name())));
            items.push(item);
        }
        (items, problems)
    };
    let found = tokio::time::timeout(engine.0.settings.stall_timeout, tokio::task::spawn_blocking(look)).await;
    match found {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => {
            (Vec::new(), vec!["a defect in Mainstay ended the look at the places; see the system log".into()])
        }
        Err(_) => (Vec::new(), vec!["the look at the places hangs and is given up".into()]),
    }
}

impl Item {
    /// Blocks on the file system.
    fn find_bench(&mut self, directory: Option<&PathBuf>, own: &[PathBuf]) -> Result<(), String> {
        match &self.fate {
            Fate::Put { place, .. } => {
                let paths = &self.wanted.paths;
                // What goes to a directory is put together in it, whatever is above.
                let bench = find_bench(directory.unwrap_or(place), if paths.is_empty() { own } else { &[] })?;
                self.exists = match (directory, paths.as_slice()) {
                    (Some(_), _) => false,
                    (None, []) => bench.exists,
                    (None, paths) => paths.iter().any(|path| {
                        let inside = OsStr::from_bytes(path.as_bytes());
                        bench.rest.as_os_str().is_empty() && bench.root.join(inside).symlink_metadata().is_ok()
                    }),
                };
                self.bench = Some(bench);
                Ok(())
            }
            Fate::Stuck(why) => Err(why.clone()),
            Fate::Load(_) => {
                // What a server that runs holds is replaced.
                self.exists = true;
                Ok(())
            }
            Fate::Make(_) | Fate::Skip(_) => Ok(()),
        }
    }

    /// Where it goes, as the host calls it.
    fn host_place(&self, scene: &Scene) -> Option<PathBuf> {
        match &self.fate {
            Fate::Put { place, .. } => Some(scene.paths.find_host(place).unwrap_or_else(|| place.clone())),
            _ => None,
        }
    }
}

/// A directory is new or empty. Blocks on the file system.
fn check_empty(directory: &PathBuf) -> Result<(), String> {
    let shown = directory.display();
    match std::fs::symlink_metadata(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{shown} cannot be looked at: {error}")),
        Ok(meta) if !meta.is_dir() => Err(format!("{shown} is there and is no directory; name another one")),
        Ok(_) => {
            let mut entries = std::fs::read_dir(directory).map_err(|e| format!("{shown} cannot be listed: {e}"))?;
            if entries.next().is_some() {
                return Err(format!("{shown} is not empty; name a new directory"));
            }
            prove_writable(directory).map_err(|e| format!("{shown} cannot be written to: {e}"))
        }
    }
}

/// A whole stack rests as one. Nothing does for what replaces nothing.
async fn rest(
    engine: &JobEngine,
    scene: &Scene,
    wish: &RestoreWish,
    snapshot: &Snapshot,
    items: &(Vec<Item>, Vec<String>),
) -> Result<Resting, Stop> {
    if wish.destination != Destination::InPlace {
        return Ok(Resting::default());
    }
    let place = |item: &Item| match &item.fate {
        Fate::Put { mounted, .. } => mounted.clone(),
        _ => None,
    };
    let places: Vec<Mounted> = items.0.iter().filter_map(place).collect();
    let is_whole = wish.targets.is_empty() && wish.paths.is_empty();
    parties::choose(engine, scene, &places, snapshot.stack.as_ref().filter(|_| is_whole)).await
}

async fn missing_networks(engine: &JobEngine, wish: &RestoreWish, contents: &Contents) -> Vec<String> {
    let wanted = contents.networks();
    if wish.destination != Destination::InPlace || wanted.is_empty() {
        return Vec::new();
    }
    let Ok(present) = engine.0.parts.docker.list_networks().await else { return Vec::new() };
    wanted.into_iter().filter(|name| !present.contains(name)).collect()
}

/// How long the stack rested in its last backup, without the capture: what stops and starts takes.
async fn expect_stop(engine: &JobEngine, snapshot: &Snapshot, resting: &Resting) -> Option<u64> {
    if resting.parties.iter().all(|party| party.choice.held.is_empty()) {
        return Some(0);
    }
    let filter = JobFilter { stack: snapshot.stack.clone(), kind: Some(JobKind::Backup), ..JobFilter::default() };
    let jobs = engine.list_jobs(&filter, &PageRequest::first(JOBS_ASKED)).await.ok()?;
    jobs.items.iter().find_map(|job| {
        let capture = job.find_step(StepName::Capture)?;
        let took = (capture.finished_at? - capture.started_at?).num_milliseconds();
        Some(job.stopped_ms?.saturating_sub(u64::try_from(took).ok()?))
    })
}

/// Adds up what each file system gets, and what it has.
async fn measure(engine: &JobEngine, outlook: &mut Outlook) {
    let mut needed: BTreeMap<u64, (PathBuf, u64)> = BTreeMap::new();
    for item in outlook.items.iter().filter(|item| item.wanted.paths.is_empty()) {
        if let Some(bench) = &item.bench {
            let entry = needed.entry(bench.device).or_insert_with(|| (bench.yard.clone(), 0));
            entry.1 += item.wanted.contents.bytes;
        }
    }
    let loads = outlook.items.iter().filter(|item| matches!(item.fate, Fate::Load(_)));
    let dumps: u64 = loads.map(|item| item.wanted.contents.bytes).sum();
    let staging = engine.0.settings.staging_dir.clone();
    let look = move || {
        let mut spaces: Vec<(PathBuf, u64)> = needed.into_values().collect();
        if dumps > 0 {
            spaces.push((staging, dumps));
        }
        let space = |(path, needed_bytes): (PathBuf, u64)| {
            let free_bytes = free_bytes(&path).ok()?;
            Some(RestoreSpace { path, needed_bytes, free_bytes })
        };
        spaces.into_iter().filter_map(space).collect::<Vec<_>>()
    };
    outlook.spaces = tokio::task::spawn_blocking(look).await.unwrap_or_default();
}

/// What stands against it, and what to know beforehand.
fn judge(wish: &RestoreWish, outlook: &mut Outlook) {
    let mut problems = Vec::new();
    for space in outlook.spaces.iter().filter(|space| space.free_bytes < space.needed_bytes) {
        problems.push(format!(
            "not enough space in {}: {} free, about {} needed beside what is there",
            space.path.display(),
            human_bytes(space.free_bytes),
            human_bytes(space.needed_bytes)
        ));
    }
    let in_the_way: Vec<String> =
        outlook.items.iter().filter(|item| item.exists).map(|item| item.name().to_string()).collect();
    match wish.destination {
        Destination::InPlace if !wish.overwrite && !in_the_way.is_empty() => problems.push(format!(
            "this would replace what is there: {}; allow it with 'overwrite', or restore to a directory",
            in_the_way.join(", ")
        )),
        Destination::NewStack(_) if !in_the_way.is_empty() => {
            problems.push(format!("a stack directory of that name is there already: {}", in_the_way.join(", ")));
        }
        _ => {}
    }
    if let Destination::NewStack(name) = &wish.destination {
        problems.extend(judge_new(name, outlook));
    }
    let is_apart = !matches!(wish.destination, Destination::Directory(_));
    let places: Vec<(TargetName, PathBuf)> = outlook.items.iter().filter_map(place_of).collect();
    if let Some((one, other)) = find_overlap(&places).filter(|_| is_apart) {
        problems.push(format!("{one} and {other} lie one in the other; restore them one after the other"));
    }
    outlook.problems.extend(problems);
    warn(wish, outlook);
}

fn judge_new(name: &crate::domain::names::StackName, outlook: &Outlook) -> Vec<String> {
    let mut problems = Vec::new();
    if outlook.scene.view.find_stack(name).is_some() {
        problems.push(format!("there is a stack '{name}' already; choose another name"));
    }
    let stacks: BTreeSet<&str> = outlook
        .items
        .iter()
        .filter_map(|item| {
            let contents = &item.wanted.contents;
            matches!(contents.kind, TargetKind::Compose | TargetKind::Data).then_some(contents.name.as_str())
        })
        .collect();
    if stacks.len() > 1 {
        problems.push("the snapshot holds several stacks; name the targets of one".to_owned());
    }
    problems
}

fn place_of(item: &Item) -> Option<(TargetName, PathBuf)> {
    let bench = item.bench.as_ref().filter(|_| item.wanted.paths.is_empty())?;
    Some((item.name(), bench.root.join(&bench.rest)))
}

fn warn(wish: &RestoreWish, outlook: &mut Outlook) {
    if !outlook.missing_networks.is_empty() {
        let names = outlook.missing_networks.join(", ");
        outlook.warnings.push(format!(
            "these networks are missing: {names}; 'docker compose up' makes the stack's own, others must be made by hand"
        ));
    }
    let replaces = outlook.items.iter().any(|item| item.exists);
    if replaces && !wish.safety_copy {
        outlook
            .warnings
            .push("no safety copy is kept: what is there and not in the snapshot is lost for good".to_owned());
    }
    if let Destination::NewStack(name) = &wish.destination {
        outlook.warnings.push(format!(
            "nothing is started; the compose file still has the container names, published ports and fixed names of volumes of \
             the original: look through it before 'docker compose -p {name} up'"
        ));
    }
    if rustix::process::geteuid().as_raw() != 0 {
        outlook.warnings.push("Mainstay does not run as root, so owners cannot be restored".to_owned());
    }
    for item in &outlook.items {
        if let Fate::Skip(why) = &item.fate {
            outlook.warnings.push(format!("{} is left out: {why}", item.name()));
        }
    }
}

/// What a restore would do, for someone who asks.
pub(super) async fn preview(engine: &JobEngine, wish: &RestoreWish, snapshot: &Snapshot) -> RestorePreview {
    let looked = Box::pin(look(engine, &engine.unheard_work(), wish, snapshot)).await;
    match looked {
        Ok(outlook) => Box::pin(outlook.to_preview(engine)).await,
        Err(stop) => {
            let why = match stop {
                Stop::Failed(why) => why,
                Stop::Cancelled => "the look was broken off".to_owned(),
            };
            RestorePreview { problems: vec![why], ..RestorePreview::default() }
        }
    }
}

impl Outlook {
    async fn to_preview(&self, engine: &JobEngine) -> RestorePreview {
        let target = |item: &Item| RestoreTarget {
            name: item.name(),
            size_bytes: item.wanted.contents.bytes,
            place: item.host_place(&self.scene),
            exists: item.exists,
            will_be_replaced: item.exists,
            skipped: match &item.fate {
                Fate::Skip(why) | Fate::Stuck(why) => Some(why.clone()),
                _ => None,
            },
        };
        let mut preview = RestorePreview {
            targets: self.items.iter().map(target).collect(),
            stops: self.resting.describe_stops(),
            stopped_ms: self.stopped_ms,
            file_systems: self.spaces.clone(),
            missing_networks: self.missing_networks.clone(),
            databases: Vec::new(),
            problems: self.problems.clone(),
            warnings: self.warnings.clone(),
        };
        for item in &self.items {
            if let Fate::Load(container) = &item.fate {
                preview.databases.push(self.describe_database(engine, item, container).await);
            }
        }
        preview
    }

    /// The version of the image, as far as its name tells: what the dump itself needs is compared when it is loaded.
    async fn describe_database(&self, engine: &JobEngine, item: &Item, container: &str) -> RestoreDatabase {
        let detail = engine.0.parts.docker.inspect_container(container).await;
        let loaded_by = match detail {
            Ok(detail) => Some(detail.container.image),
            Err(error) => {
                tracing::debug!(error = chain(&error), "a database's container could not be looked at");
                None
            }
        };
        RestoreDatabase { name: item.wanted.contents.name.clone(), dumped_by: None, loaded_by }
    }
}
