//! Stacks out of directories, containers and volumes.
//!
//! [`build`] is the whole of a scan that touches the file system; the engine was asked before. Containers that exist
//! tell the truth about mounts and dependencies; the compose file speaks for services that have none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::DiscoverySettings;
use super::compose::{self, Compose, ComposeService, ComposeSource};
use super::containers::{Project, find_depends_on, group_by_project, judge_state, service_of};
use super::directories;
use super::exclusions::find_exclusion;
use super::merge::{Member, is_too_general, name_directories};
use super::paths;
use crate::docker::EngineVolume;
use crate::domain::dependency::{Dependency, join};
use crate::domain::names::StackName;
use crate::domain::path_map::PathMap;
use crate::domain::stack::{Bind, Container, MountKind, Service, Stack, StackSource, StackState, Volume, labels};
use crate::domain::wishes::read_wishes;

/// What a scan is made from.
pub(crate) struct Scan<'a> {
    pub(crate) settings: &'a DiscoverySettings,
    pub(crate) path_map: &'a PathMap,
    pub(crate) containers: &'a [Container],
    pub(crate) volumes: &'a [EngineVolume],
    /// Whether the engine answered; without it, no state is known.
    pub(crate) is_reachable: bool,
}

/// Finds every stack, sorted by name; the second value says what is wrong beyond a single stack. Blocks on the file
/// system.
pub(crate) fn build(scan: &Scan<'_>) -> (Vec<Stack>, Vec<String>) {
    let found = directories::scan(&scan.settings.stacks_dir);
    let (mut projects, more) = group_by_project(scan.containers);
    let (members, nameless) = name_directories(found.directories, &projects, scan.path_map);
    let mut stacks: Vec<Stack> = Vec::new();
    for member in members {
        let project = member.project.as_ref().and_then(|name| projects.remove(name));
        stacks.push(scan.with_directory(member, project));
    }
    stacks.extend(projects.into_iter().map(|(name, project)| scan.without_directory(name, project)));
    stacks.sort_by(|a, b| a.name.cmp(&b.name));
    (stacks, [found.warnings, more, nameless].concat())
}

/// What is known of one stack before its services are put together.
struct Parts {
    name: StackName,
    source: StackSource,
    directory: Option<PathBuf>,
    directory_name: Option<String>,
    compose: Compose,
    /// The project whose volumes are the stack's; absent when they are another stack's.
    project_name: Option<StackName>,
    project: Project,
}

impl Scan<'_> {
    fn with_directory(&self, member: Member, project: Option<Project>) -> Stack {
        let Member { name, directory, mut compose, project: project_name } = member;
        let source = if project.is_some() { StackSource::Both } else { StackSource::Directory };
        let project = project.unwrap_or_default();
        self.check_working_dirs(&directory.path, &project, &mut compose.warnings);
        if let Some(files) = self.find_other_files(&project, &compose) {
            let doubts = std::mem::take(&mut compose.warnings);
            compose = compose::read(&directory.path, Some(&files));
            let known = compose.warnings.clone();
            compose.warnings.extend(doubts.into_iter().filter(|doubt| !known.contains(doubt)));
        }
        if compose.files.is_empty() && !compose.is_broken {
            compose.warnings.push("no compose file in the stack directory".to_owned());
        }
        let (directory, directory_name) = (Some(directory.path), Some(directory.name));
        self.assemble(Parts { name, source, directory, directory_name, compose, project_name, project })
    }

    fn without_directory(&self, name: StackName, project: Project) -> Stack {
        let host_dir = project.working_dirs.first().cloned();
        let local = host_dir.as_ref().and_then(|dir| self.path_map.find_local(dir));
        let readable = local.filter(|local| local.read_dir().is_ok());
        let files: Vec<PathBuf> = self.find_readable_files(&project);
        let mut compose = match (&readable, files.first()) {
            (_, Some(first)) => {
                let parent = first.parent().unwrap_or(first).to_owned();
                compose::read(readable.as_ref().unwrap_or(&parent), Some(&files))
            }
            (Some(directory), None) => compose::read(directory, None),
            (None, None) => Compose::default(),
        };
        self.check_working_dirs(Path::new(""), &project, &mut compose.warnings);
        if files.len() < project.config_files.len() {
            compose.warnings.push("not every compose file it was started with can be read from here".to_owned());
        }
        let holds_stacks = readable.as_ref().is_some_and(|local| self.settings.stacks_dir.starts_with(local));
        let general = readable.is_some() && (holds_stacks || host_dir.as_deref().is_some_and(is_too_general));
        if general {
            compose
                .warnings
                .push("the directory it was started from holds more than the stack, and is not captured".to_owned());
        }
        let directory = readable.filter(|_| !general);
        let directory_name =
            host_dir.as_ref().and_then(|dir| dir.file_name()).and_then(|n| n.to_str()).map(str::to_owned);
        let project_name = Some(name.clone());
        self.assemble(Parts {
            name,
            source: StackSource::Labels,
            directory,
            directory_name,
            compose,
            project_name,
            project,
        })
    }

    /// Compose files that the containers were started with, when all can be read.
    fn find_readable_files(&self, project: &Project) -> Vec<PathBuf> {
        let local = project.config_files.iter().filter_map(|file| self.path_map.find_local(file));
        local.filter(|file| compose::is_readable(file)).collect()
    }

    /// The files the containers were started with, when they are not those that Compose would choose by itself.
    fn find_other_files(&self, project: &Project, chosen: &Compose) -> Option<Vec<PathBuf>> {
        let files = self.find_readable_files(project);
        let is_whole = !files.is_empty() && files.len() == project.config_files.len();
        let real = |path: &PathBuf| path.canonicalize().ok();
        let known: Vec<_> = chosen.files.iter().map(real).collect();
        let is_other = files.iter().any(|file| !known.contains(&real(file)));
        (is_whole && is_other).then_some(files)
    }

    fn check_working_dirs(&self, directory: &Path, project: &Project, warnings: &mut Vec<String>) {
        let show = |dirs: &mut dyn Iterator<Item = &PathBuf>| -> Vec<String> {
            dirs.map(|d| d.display().to_string()).collect()
        };
        if project.working_dirs.len() > 1 {
            let all = show(&mut project.working_dirs.iter()).join(", ");
            warnings.push(format!(
                "its containers were started from several directories, which share one project name: {all}"
            ));
        } else if let (Some(real), Some(started)) = (directory.canonicalize().ok(), project.working_dirs.first()) {
            let from = self.path_map.find_local(started).and_then(|local| local.canonicalize().ok());
            if from.is_some_and(|from| from != real) {
                warnings.push(format!(
                    "its containers were started from {}, not from the stack directory",
                    started.display()
                ));
            }
        }
    }

    fn assemble(&self, parts: Parts) -> Stack {
        let mut services = collect_services(&parts);
        if !self.is_reachable {
            services.iter_mut().flat_map(|service| &mut service.containers).for_each(forget_state);
        }
        let volumes = self.collect_volumes(&parts);
        let binds = self.collect_binds(&parts);
        let state = match self.is_reachable {
            true => judge_state(&parts.project.containers),
            false => StackState::Unknown,
        };
        let is_named = |name: &String| name == parts.name.as_str() || Some(name) == parts.directory_name.as_ref();
        let Compose { files, env_files, mut warnings, quiesce, .. } = parts.compose;
        warnings.extend(doubtful_wishes(&parts.project.containers));
        Stack {
            quiesce,
            skip_stop: self.settings.skip_stop.iter().any(is_named),
            name: parts.name,
            host: self.settings.host.clone(),
            state,
            source: parts.source,
            directory: parts.directory,
            directory_name: parts.directory_name,
            compose_files: [files, env_files].concat(),
            services,
            volumes,
            binds,
            warnings,
        }
    }

    fn collect_volumes(&self, parts: &Parts) -> Vec<Volume> {
        let mut users: BTreeMap<String, Users> = BTreeMap::new();
        for (service, mount) in mounts(parts) {
            if let (MountKind::Volume, Some(name)) = (mount.kind, &mount.volume) {
                let user = users.entry(name.clone()).or_default();
                user.add(service);
                user.place = Some(mount.source.clone()).filter(|path| path.is_absolute());
            }
        }
        if let Some(project) = &parts.project_name {
            add_declared_volumes(parts, project, &mut users);
            for volume in
                self.volumes.iter().filter(|v| v.labels.get(labels::PROJECT).is_some_and(|p| p == project.as_str()))
            {
                users.entry(volume.name.clone()).or_default();
            }
        }
        users.into_iter().map(|(name, user)| self.describe_volume(name, user)).collect()
    }

    fn describe_volume(&self, name: String, user: Users) -> Volume {
        match self.volumes.iter().find(|volume| volume.name == name) {
            Some(known) => Volume {
                name,
                driver: known.driver.clone(),
                mountpoint: Some(known.mountpoint.clone()).filter(|path| path.is_absolute()),
                options: known.options.clone(),
                labels: known.labels.clone(),
                services: user.services,
            },
            None => Volume {
                name,
                driver: user.driver.unwrap_or_else(|| "unknown".to_owned()),
                mountpoint: user.place,
                options: user.options,
                labels: BTreeMap::new(),
                services: user.services,
            },
        }
    }

    fn collect_binds(&self, parts: &Parts) -> Vec<Bind> {
        let mut users: BTreeMap<PathBuf, (Users, bool)> = BTreeMap::new();
        for (service, mount) in mounts(parts).filter(|(_, mount)| mount.kind == MountKind::Bind) {
            let (user, is_writable) = users.entry(mount.source.clone()).or_default();
            user.add(service);
            *is_writable |= mount.is_writable;
        }
        for (service, declared) in services_without_containers(parts) {
            for mount in &declared.mounts {
                if let ComposeSource::Bind(local) = &mount.source {
                    let host = self.path_map.find_host(local).unwrap_or_else(|| local.clone());
                    users.entry(host).or_default().0.add(service);
                }
            }
        }
        let directory = parts.directory.as_deref();
        users
            .into_iter()
            .map(|(source, (user, is_writable))| self.describe_bind(source, user, is_writable, directory))
            .collect()
    }

    fn describe_bind(&self, source: PathBuf, user: Users, is_writable: bool, directory: Option<&Path>) -> Bind {
        let local = self.path_map.find_local(&source);
        let excluded =
            find_exclusion(&source, local.as_deref(), is_writable).or_else(|| self.find_own(local.as_deref()?));
        let is_inside_stack = directory.is_some_and(|directory| paths::is_inside(self.path_map, &source, directory));
        Bind { source, services: user.services, is_inside_stack, excluded }
    }

    /// Why a path of this process is not captured as a bind, when it is Mainstay's own.
    fn find_own(&self, local: &Path) -> Option<String> {
        if self.settings.stacks_dir.starts_with(local) {
            return Some("it holds the directory of all stacks, and so more than this one's data".to_owned());
        }
        let is_own = self.settings.excluded_paths.iter().any(|own| local.starts_with(own));
        is_own.then(|| "it holds Mainstay's own backups and logs".to_owned())
    }
}

/// Who uses a volume or a path, and what is known of it without the engine.
#[derive(Default)]
struct Users {
    services: Vec<String>,
    place: Option<PathBuf>,
    driver: Option<String>,
    options: BTreeMap<String, String>,
}

impl Users {
    fn add(&mut self, service: &str) {
        if let Err(at) = self.services.binary_search_by(|known| known.as_str().cmp(service)) {
            self.services.insert(at, service.to_owned());
        }
    }
}

/// The mounts of every container that lasts.
fn mounts(parts: &Parts) -> impl Iterator<Item = (&str, &crate::domain::stack::Mount)> {
    let lasting = parts.project.containers.iter().filter(|container| !container.is_oneoff);
    lasting.flat_map(|container| container.mounts.iter().map(|mount| (service_of(container), mount)))
}

fn services_without_containers(parts: &Parts) -> impl Iterator<Item = (&str, &ComposeService)> {
    let has_container = |name: &str| parts.project.containers.iter().any(|c| !c.is_oneoff && service_of(c) == name);
    let declared = parts.compose.services.iter().map(|(name, service)| (name.as_str(), service));
    declared.filter(move |(name, _)| !has_container(name))
}

fn add_declared_volumes(parts: &Parts, project: &StackName, users: &mut BTreeMap<String, Users>) {
    let name_of = |key: &str| match parts.compose.volumes.get(key) {
        Some(volume) => volume.engine_name(project.as_str(), key),
        None => format!("{project}_{key}"),
    };
    for (key, declared) in &parts.compose.volumes {
        let user = users.entry(name_of(key)).or_default();
        user.driver = declared.driver.clone().or_else(|| Some("local".to_owned()));
        user.options.clone_from(&declared.options);
    }
    for (service, declared) in services_without_containers(parts) {
        for mount in &declared.mounts {
            if let ComposeSource::Volume(key) = &mount.source {
                users.entry(name_of(key)).or_default().add(service);
            }
        }
    }
}

fn collect_services(parts: &Parts) -> Vec<Service> {
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    for (name, declared) in &parts.compose.services {
        let service = Service {
            name: name.clone(),
            image: declared.image.clone(),
            depends_on: declared.depends_on.clone(),
            containers: Vec::new(),
        };
        services.insert(name.clone(), service);
    }
    for container in &parts.project.containers {
        let name = service_of(container);
        let empty = || Service { name: name.to_owned(), image: None, depends_on: Vec::new(), containers: Vec::new() };
        services.entry(name.to_owned()).or_insert_with(empty).containers.push(container.clone());
    }
    let mut services: Vec<Service> = services.into_values().collect();
    for service in &mut services {
        service.containers.sort_by(|a, b| (a.is_oneoff, a.number, &a.name).cmp(&(b.is_oneoff, b.number, &b.name)));
        let told: Vec<Vec<Dependency>> = service.containers.iter().filter_map(find_depends_on).collect();
        if !told.is_empty() {
            service.depends_on = join(told.concat());
        }
    }
    services
}

/// What the labels of containers ask that cannot be read; said once for containers that say the same.
fn doubtful_wishes(containers: &[Container]) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for container in containers {
        let (_, warnings) = read_wishes(&container.labels);
        for warning in warnings.into_iter().map(|warning| format!("service '{}': {warning}", service_of(container))) {
            if !said.contains(&warning) {
                said.push(warning);
            }
        }
    }
    said
}

fn forget_state(container: &mut Container) {
    container.state = crate::domain::stack::ContainerState::Unknown;
    container.health = None;
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
