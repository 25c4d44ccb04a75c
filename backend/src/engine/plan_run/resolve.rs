//! Step 1: from the targets of a plan to what there is of them now.
//!
//! A target that is gone, or that cannot be reached, fails with a sentence and leaves the others whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discovery::targets::{PlannedTarget, ReachedVia, TargetSource};
use crate::domain::job::{Quiesce, TargetKind, TargetResult, TargetState};
use crate::domain::names::{PlanId, StackName};
use crate::domain::plan::{Hooks, Instance, Origin, Plan, Target, What};
use crate::domain::stack::{Container, ContainerState, Stack};

use super::super::JobEngine;
use super::piece::{Part, Piece, Rest, Way, confine, relative};
use super::scene::{Mounted, Scene};
use super::{Stop, count};

/// What a run is about.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) plan: Arc<Plan>,
    pub(super) instance: Arc<Instance>,
    /// What is captured: the plan's own targets, or the one stack that was asked for.
    pub(super) targets: Vec<Target>,
    pub(super) pieces: Vec<Piece>,
    pub(super) databases: Vec<Database>,
    /// Every target with how it stands before anything was captured.
    pub(super) results: Vec<TargetResult>,
    /// How the request wants containers brought to rest.
    pub(super) requested: Option<Quiesce>,
}

/// A database that is dumped.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// Which of the run's targets it is.
    pub(super) target: usize,
    pub(super) container: Container,
}

/// Which run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) plan: &'a PlanId,
    pub(super) only: Option<&'a StackName>,
    pub(super) quiesce: Option<Quiesce>,
}

impl Resolved {
    pub(super) fn summary(&self) -> String {
        let failed = self.results.iter().filter(|r| r.state == TargetState::Failed).count();
        let failed = if failed == 0 { String::new() } else { format!(", {failed} that cannot be captured") };
        format!("{}, {}{failed}", count(self.pieces.len(), "target"), count(self.databases.len(), "database"))
    }

    /// How containers are brought to rest that say nothing themselves, where neither request nor stack does.
    pub(super) fn mode(&self) -> Quiesce {
        self.requested.unwrap_or(self.plan.quiesce)
    }
}

/// Finds what is to be captured in what there is.
pub(super) async fn resolve(engine: &JobEngine, scene: &Arc<Scene>, wanted: Wanted<'_>) -> Result<Resolved, Stop> {
    let registry = &engine.0.parts.registry;
    let plan =
        registry.find_plan(wanted.plan).ok_or_else(|| Stop::failed(format!("there is no plan '{}'", wanted.plan)))?;
    let instance = registry.find_instance(&plan.instance);
    let instance = instance.ok_or_else(|| {
        Stop::failed(format!("plan '{}' names instance '{}', which does not exist", plan.id, plan.instance))
    })?;
    let targets = match wanted.only {
        None => plan.targets.clone(),
        Some(stack) => vec![the_stack(&plan, stack)],
    };
    if targets.is_empty() {
        let why =
            format!("plan '{}' has no targets: name some in the configuration, in labels or through the API", plan.id);
        return Err(Stop::failed(why));
    }
    let resolved = Resolved {
        plan,
        instance,
        targets,
        pieces: Vec::new(),
        databases: Vec::new(),
        results: Vec::new(),
        requested: wanted.quiesce,
    };
    let planned = plan_stacks(engine, scene, &resolved.targets).await;
    let mut work = Work { scene: Arc::clone(scene), planned, resolved, seen: BTreeSet::new() };
    // What is asked of the file system may block.
    let done = tokio::task::spawn_blocking(move || {
        for index in 0..work.resolved.targets.len() {
            work.add(index);
        }
        confine_all(&mut work.resolved);
        work.resolved
    });
    done.await.map_err(|_| Stop::failed("a defect in Mainstay ended the look at the targets; see the system log"))
}

/// What discovery captures of each stack that a target names.
async fn plan_stacks(engine: &JobEngine, scene: &Scene, targets: &[Target]) -> Planned {
    let mut planned = Planned::new();
    for target in targets {
        if let What::Stack(name) = &target.what
            && let Some(stack) = scene.view.find_stack(name)
        {
            let include_data = engine.0.settings.include_data;
            let targets = engine.0.parts.discovery.plan_targets(stack, include_data).await;
            planned.insert(name.clone(), (stack.clone(), targets));
        }
    }
    planned
}

/// The target of the plan that is the stack, or one of our own making.
fn the_stack(plan: &Plan, stack: &StackName) -> Target {
    let what = What::Stack(stack.clone());
    plan.targets.iter().find(|target| target.what == what).cloned().unwrap_or(Target {
        what,
        origin: Origin::Api,
        paths: Vec::new(),
        stop_attached: None,
        hooks: Hooks::default(),
        database: None,
        dump_args: Vec::new(),
        excludes: Vec::new(),
        tags: Vec::new(),
    })
}

/// What discovery captures of stacks, by the names that targets give them.
type Planned = BTreeMap<StackName, (Stack, Vec<PlannedTarget>)>;

struct Work {
    scene: Arc<Scene>,
    planned: Planned,
    resolved: Resolved,
    seen: BTreeSet<(&'static str, String)>,
}

impl Work {
    fn add(&mut self, index: usize) {
        let target = self.resolved.targets[index].clone();
        match &target.what {
            What::Volume(name) => self.add_volume(index, &target, name),
            What::Database(name) => self.add_database(index, name),
            What::Stack(name) => self.add_stack(index, &target, name),
            What::Path(path) => self.add_path(index, &target, path),
        }
    }

    fn add_volume(&mut self, index: usize, target: &Target, name: &str) {
        let Some(mounted) = self.scene.find_volume(name) else {
            return self.fail(TargetKind::Volume, name, format!("there is no volume '{name}'"));
        };
        let place = Path::new("vol").join(name);
        self.add_mounted(index, target, (TargetKind::Volume, name), mounted, place);
    }

    fn add_path(&mut self, index: usize, target: &Target, path: &Path) {
        let name = path.display().to_string();
        let Some(below) = relative(path).filter(|_| path.is_absolute() && path.to_str().is_some()) else {
            return self.fail(TargetKind::Path, &name, "it is no absolute path without '..'".to_owned());
        };
        let mounted = Mounted::Path(Path::new("/").join(&below));
        self.add_mounted(index, target, (TargetKind::Path, &name), mounted, Path::new("paths").join(below));
    }

    fn add_mounted(
        &mut self,
        index: usize,
        target: &Target,
        (kind, name): (TargetKind, &str),
        mounted: Mounted,
        place: PathBuf,
    ) {
        let is_wished = target.stop_attached.unwrap_or(self.resolved.plan.stop_attached);
        let rest =
            if is_wished { Rest::Writers { is_wished: target.stop_attached == Some(true) } } else { Rest::Nobody };
        let local = mounted.host_path().and_then(|path| self.scene.paths.find_local(path));
        let way = self.scene.find_way_to(&mounted);
        let parts = match find_parts(&target.paths, local.as_deref(), way.as_ref()) {
            Ok(parts) => parts,
            Err(why) => return self.fail(kind, name, why),
        };
        self.push(Piece { kind, name: name.to_owned(), target: index, parts, place, mounted: Some(mounted), rest });
    }

    fn add_database(&mut self, index: usize, name: &str) {
        let kind = TargetKind::Database;
        match self.scene.find_container(name).cloned() {
            None => self.fail(kind, name, format!("there is no container '{name}'")),
            Some(found) if found.state != ContainerState::Running => {
                let why = format!(
                    "container '{name}' does not run ({}), so its database cannot be dumped",
                    found.state.as_str()
                );
                self.fail(kind, name, why);
            }
            Some(found) if self.is_new(kind, name) => {
                self.resolved.databases.push(Database { target: index, container: found });
                self.note(kind, name, TargetState::Pending, None);
            }
            Some(_) => {}
        }
    }

    fn add_stack(&mut self, index: usize, target: &Target, name: &StackName) {
        let Some((stack, planned)) = self.planned.remove(name) else {
            return self.fail(TargetKind::Data, name.as_str(), format!("there is no stack '{name}'"));
        };
        let rest = match target.stop_attached {
            Some(false) => Rest::Nobody,
            _ => Rest::Stack(stack.name.clone()),
        };
        for one in planned {
            match &one.excluded {
                Some(why) if one.kind == TargetKind::Compose && stack.directory.is_none() => {
                    self.fail(one.kind, &one.name, why.clone());
                }
                Some(why) if self.is_new(one.kind, &one.name) => {
                    self.note(one.kind, &one.name, TargetState::Skipped, Some(why.clone()));
                }
                Some(_) => {}
                None => self.add_planned(index, &stack.name, &one, rest.clone()),
            }
        }
    }

    fn add_planned(&mut self, index: usize, stack: &StackName, planned: &PlannedTarget, rest: Rest) {
        let here = |root: &Path, path: &Path, at: PathBuf| Part {
            at,
            way: Way::Here { root: root.to_owned(), path: path.to_owned() },
        };
        let own = Path::new("stacks").join(stack.as_str());
        let (parts, place, mounted) = match &planned.source {
            TargetSource::Files { root, files } => {
                let at = |file: &Path| {
                    let inside = root.as_deref().and_then(|root| file.strip_prefix(root).ok());
                    inside.map_or_else(|| Path::new("outside").join(relative(file).unwrap_or_default()), Path::to_owned)
                };
                (files.iter().map(|file| here(file, file, at(file))).collect(), own.join("compose"), None)
            }
            TargetSource::Directory { path, .. } => (
                vec![here(path, path, PathBuf::new())],
                own.join("data"),
                self.scene.paths.find_host(path).map(Mounted::Path),
            ),
            TargetSource::Volume { name, mountpoint } => {
                let mounted = Mounted::Volume(name.clone(), mountpoint.clone());
                match self.find_whole(&mounted, planned.reached_via.as_ref()) {
                    Ok(parts) => (parts, Path::new("vol").join(name), Some(mounted)),
                    Err(why) => return self.fail(planned.kind, &planned.name, why),
                }
            }
            TargetSource::Bind { host_path } => {
                let mounted = Mounted::Path(host_path.clone());
                let place = Path::new("paths").join(relative(host_path).unwrap_or_default());
                match self.find_whole(&mounted, planned.reached_via.as_ref()) {
                    Ok(parts) => (parts, place, Some(mounted)),
                    Err(why) => return self.fail(planned.kind, &planned.name, why),
                }
            }
        };
        let (kind, name) = (planned.kind, planned.name.clone());
        self.push(Piece { kind, name, target: index, parts, place, mounted, rest });
    }

    fn find_whole(&self, mounted: &Mounted, way: Option<&ReachedVia>) -> Result<Vec<Part>, String> {
        let local = mounted.host_path().and_then(|path| self.scene.paths.find_local(path));
        find_parts(&[], local.as_deref(), way)
    }

    fn push(&mut self, piece: Piece) {
        if self.is_new(piece.kind, &piece.name) {
            self.note(piece.kind, &piece.name, TargetState::Pending, None);
            self.resolved.pieces.push(piece);
        }
    }

    fn fail(&mut self, kind: TargetKind, name: &str, why: String) {
        if self.is_new(kind, name) {
            self.note(kind, name, TargetState::Failed, Some(why));
        }
    }

    /// Each thing is captured once, whoever else names it.
    fn is_new(&mut self, kind: TargetKind, name: &str) -> bool {
        self.seen.insert((kind.as_str(), name.to_owned()))
    }

    fn note(&mut self, kind: TargetKind, name: &str, state: TargetState, message: Option<String>) {
        self.resolved.results.push(TargetResult { kind, name: name.to_owned(), state, size_bytes: 0, message });
    }
}

/// How the parts of something are reached: read here where that is possible, else streamed. Whether a local path is
/// readable is found out later.
fn find_parts(paths: &[PathBuf], local: Option<&Path>, way: Option<&ReachedVia>) -> Result<Vec<Part>, String> {
    let whole = [PathBuf::new()];
    let wanted = if paths.is_empty() { &whole[..] } else { paths };
    let mut parts = Vec::with_capacity(wanted.len());
    for path in wanted {
        let at = relative(path).ok_or_else(|| format!("'{}' leads out of it", path.display()))?;
        let join = |base: &Path| if at.as_os_str().is_empty() { base.to_owned() } else { base.join(&at) };
        let way = match (local.filter(|local| is_readable(local)), way) {
            (Some(root), _) => Way::Here { root: root.to_owned(), path: join(root) },
            (None, Some(via)) => {
                Way::Through(ReachedVia { container_id: via.container_id.clone(), destination: join(&via.destination) })
            }
            (None, None) => return Err(why_out_of_reach(local)),
        };
        // All of it holds every part of it.
        if at.as_os_str().is_empty() {
            return Ok(vec![Part { at, way }]);
        }
        parts.push(Part { at, way });
    }
    Ok(parts)
}

fn why_out_of_reach(local: Option<&Path>) -> String {
    match local.filter(|path| path.try_exists().is_ok_and(|is_there| !is_there)) {
        Some(path) => format!("{} is not there", path.display()),
        None => {
            "it cannot be read from here, and no container mounts it through which the engine could read it".to_owned()
        }
    }
}

/// Whether a path is there and this process may look into it.
fn is_readable(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::read_dir(path).is_ok(),
        Ok(_) => std::fs::File::open(path).is_ok(),
        Err(_) => false,
    }
}

/// Fails the pieces of which a part leads elsewhere or is not there, and gives the others the real paths of their parts.
fn confine_all(resolved: &mut Resolved) {
    let results = &mut resolved.results;
    resolved.pieces.retain_mut(|piece| match confine_parts(piece) {
        Ok(()) => true,
        Err(why) => {
            let same = |r: &&mut TargetResult| (r.kind, r.name.as_str()) == piece.key();
            if let Some(result) = results.iter_mut().find(same) {
                (result.state, result.message) = (TargetState::Failed, Some(why));
            }
            false
        }
    });
}

fn confine_parts(piece: &mut Piece) -> Result<(), String> {
    for part in &mut piece.parts {
        // A whole piece is what it is called: only a part of one can lead out of it.
        if let Way::Here { root, path } = &mut part.way
            && !part.at.as_os_str().is_empty()
            && root != path
        {
            *path = match confine(root, path)?.strip_prefix(root.canonicalize().map_err(|e| e.to_string())?) {
                Ok(inside) => root.join(inside),
                Err(_) => return Err(format!("{} leads out of {}", path.display(), root.display())),
            };
        }
    }
    Ok(())
}
