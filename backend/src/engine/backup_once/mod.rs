//! `backup-once`: all labelled projects of a host are backed up once, by rcb or by restic alone, and that is all.
//!
//! It needs no store and no service. What it brings to rest is written down at the engine ([`journal`]) before it is
//! touched, and brought back by this process, or by the next one that looks ([`left`]). [`rcb_run`] is a run of rcb,
//! [`native`] one without it; both are for one project at a time, so that nothing rests for the sake of another.
//! A further way of taking a snapshot is a file here and a [`Means`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::backrest::line::{Line, Tell};
use crate::backrest::rcb::{RcbSettings, Workload, is_dumped, is_selected, workloads};
use crate::discovery::{Discovery, DiscoverySettings};
use crate::docker::{EngineError, ImageDetail, SharedEngine};
use crate::domain::clock::SharedClock;
use crate::domain::ids::JobId;
use crate::domain::names::StackName;
use crate::domain::stack::{Container, labels};

use super::chain;

mod helper;
mod journal;
mod left;
mod native;
mod owner;
mod rcb_run;
mod repository;
mod rest;
#[cfg(test)]
mod tests;

pub use left::{LeftBehind, bring_back_left};

use journal::OWNER;
use native::NativeRun;
use owner::Owner;
use rcb_run::RcbRun;
use repository::Repository;
use rest::{Asked, Rest};

/// How long what a dead run left behind is given to come back before the new one refuses to begin.
const LEFT_PATIENCE: Duration = Duration::from_mins(3);
const LEFT_PAUSE: Duration = Duration::from_secs(2);
/// What a run may take beyond its limits before nobody takes its process for alive any more.
const OWNER_MARGIN: TimeDelta = TimeDelta::hours(1);

/// How snapshots are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// By rcb: one snapshot of all volumes of a project, and a dump of each database that a label names.
    Rcb,
    /// By restic: one snapshot for each workload, kept as its label says.
    Native,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct BackupOnce {
    /// How.
    pub means: Means,
    /// The image and what it is told.
    pub rcb: RcbSettings,
    /// Labels, with their values, of running containers that are to rest meanwhile.
    pub quiesce_labels: Vec<(String, String)>,
    /// How long such a container may take to stop; its own setting when absent.
    pub quiesce_timeout: Option<Duration>,
    /// What the host is called in native snapshots.
    pub host_name: String,
    /// Whether a repository is made where there certainly is none; rcb does so by itself.
    pub may_init: bool,
}

/// What a run works with.
#[derive(Clone)]
pub struct OnceParts {
    /// The Docker Engine.
    pub docker: SharedEngine,
    /// The time.
    pub clock: SharedClock,
    /// Where listeners run.
    pub runtime: Handle,
}

/// How it went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnceReport {
    /// Snapshots that were made.
    pub snapshots: usize,
    /// What failed, in sentences for people.
    pub failures: Vec<String>,
    /// What is less than whole, in sentences for people.
    pub doubts: Vec<String>,
}

impl OnceReport {
    /// Whether everything was backed up, and runs again.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failures.is_empty() && self.doubts.is_empty() && self.snapshots > 0
    }
}

/// What came of one project.
#[derive(Debug, Default)]
struct Outcome {
    snapshots: usize,
    failures: Vec<String>,
    doubts: Vec<String>,
    not_back: Vec<String>,
}

impl Outcome {
    fn failed(why: String) -> Self {
        Self { failures: vec![why], ..Self::default() }
    }

    fn fail(&mut self, why: String) {
        self.failures.push(why);
    }

    const fn is_failed(&self) -> bool {
        !self.failures.is_empty()
    }
}

/// What a piece of a run knows.
struct Parts<'a> {
    docker: &'a SharedEngine,
    runtime: &'a Handle,
    request: &'a BackupOnce,
    owner: &'a Owner,
    image: ImageDetail,
    run: JobId,
    /// How many containers were named so far.
    helpers: AtomicUsize,
    cancel: &'a CancellationToken,
    tell: Tell<'a>,
}

impl Parts<'_> {
    fn note(&self, message: String) {
        (self.tell)(Line::warning("backup-once.note").with("message", message));
    }

    /// The name of a container of this run.
    fn helper_name(&self, purpose: &str) -> String {
        let number = self.helpers.fetch_add(1, Ordering::Relaxed);
        format!("mainstay-once-{}-{number}-{purpose}", self.run)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let owner = serde_json::to_string(self.owner).unwrap_or_default();
        BTreeMap::from([(OWNER.to_owned(), owner)])
    }

    /// A command for restic: an image whose entry point it is wants only the arguments.
    fn restic_command(&self, words: impl IntoIterator<Item = String>) -> Vec<String> {
        let is_entry_point = self.image.entrypoint.last().is_some_and(|last| last.rsplit('/').next() == Some("restic"));
        let program = (!is_entry_point).then(|| "restic".to_owned());
        program.into_iter().chain(words).collect()
    }
}

/// Backs every labelled project up once. With `cancel` whatever is at rest is brought back, and the run ends.
pub async fn backup_once(
    parts: &OnceParts,
    request: &BackupOnce,
    cancel: &CancellationToken,
    tell: Tell<'_>,
) -> OnceReport {
    let mut report = OnceReport::default();
    if let Err(why) = run(parts, request, cancel, tell, &mut report).await {
        report.failures.push(why);
    }
    for why in &report.failures {
        tell(Line::error("backup-once.failed").with("message", why));
    }
    for doubt in &report.doubts {
        tell(Line::warning("backup-once.incomplete").with("message", doubt));
    }
    let line = if report.is_whole() { Line::info("backup-once.complete") } else { Line::error("backup-once.complete") };
    tell(line.with("snapshots", report.snapshots).with("errors", report.failures.len() + report.doubts.len()));
    report
}

async fn run(
    once: &OnceParts,
    request: &BackupOnce,
    cancel: &CancellationToken,
    tell: Tell<'_>,
    report: &mut OnceReport,
) -> Result<(), String> {
    let docker = &once.docker;
    settle(once, tell).await?;
    let now = once.clock.now();
    let limit = TimeDelta::from_std(request.rcb.time_limit).unwrap_or(TimeDelta::days(365));
    let owner = Owner::this(docker.as_ref(), now + limit + OWNER_MARGIN).await;
    let owner =
        owner.map_err(|error| format!("it cannot be told which container is Mainstay's own: {}", chain(&error)))?;
    let image = find_image(docker, &request.rcb.image, tell).await?;
    let settings = DiscoverySettings {
        stacks_dir: "/nonexistent".into(),
        skip_stop: Vec::new(),
        host: "local".to_owned(),
        excluded_paths: Vec::new(),
    };
    let discovery = Discovery::new(settings, docker.clone(), once.clock.clone());
    let containers = docker.list_containers().await.map_err(|error| chain(&error))?;
    let parts = Parts {
        docker,
        runtime: &once.runtime,
        request,
        owner: &owner,
        image,
        run: JobId::new(now),
        helpers: AtomicUsize::new(0),
        cancel,
        tell,
    };
    let before = look(&parts).await?;
    let scene = Scene { containers: &containers, discovery: &discovery, now };
    let projects = scene.projects(tell);
    if projects.is_empty() {
        return Err("no container asks to be backed up; label one with restic-compose-backup.volumes=true".to_owned());
    }
    scene.tell_of_strangers(&projects, request, tell);
    let mut before = before;
    for project in &projects {
        if cancel.is_cancelled() {
            return Err("the run was cancelled".to_owned());
        }
        let outcome = scene.back_up(&parts, project, before.clone()).await;
        let about = |why: String| format!("project {project}: {why}");
        report.snapshots += outcome.snapshots;
        report.failures.extend(outcome.failures.into_iter().map(about));
        report.failures.extend(outcome.not_back.into_iter().map(about));
        report.doubts.extend(outcome.doubts.into_iter().map(about));
        if request.means == Means::Rcb {
            before = repository::look(&parts).await?;
        }
    }
    Ok(())
}

/// Brings back what earlier runs left at rest. A run does not begin while something of them is down, or one is at work.
async fn settle(once: &OnceParts, tell: Tell<'_>) -> Result<(), String> {
    let deadline = tokio::time::Instant::now() + LEFT_PATIENCE;
    loop {
        let left = bring_back_left(&once.docker, &once.clock, tell).await.map_err(|error| chain(&error))?;
        if left.at_work > 0 {
            return Err("another backup-once is at work on this host; it must end first".to_owned());
        }
        if left.not_back == 0 {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(
                "something that an earlier run stopped is not back, so nothing is stopped for this one".to_owned()
            );
        }
        tokio::time::sleep(LEFT_PAUSE).await;
    }
}

/// What lies in the repository before the run: nothing is stopped for a repository that cannot be opened, and rcb is kept
/// from making a new one over one that it cannot open.
async fn look(parts: &Parts<'_>) -> Result<Repository, String> {
    let found = repository::look(parts).await?;
    match (parts.request.means, &found) {
        (Means::Native, Repository::Missing) if parts.request.may_init => {
            repository::init(parts).await?;
            repository::look(parts).await
        }
        (Means::Native, Repository::Missing) => {
            Err("there is no repository where the env file says; make one with 'restic init', or add --init".to_owned())
        }
        _ => Ok(found),
    }
}

async fn find_image(docker: &SharedEngine, name: &str, tell: Tell<'_>) -> Result<ImageDetail, String> {
    match docker.inspect_image(name).await {
        Ok(image) => return Ok(image),
        Err(EngineError::NotFound { .. }) => {}
        Err(error) => return Err(chain(&error)),
    }
    tell(Line::info("image.pull").with("image", name));
    let pulled = docker.pull_image(name, None, &|_| {}).await;
    pulled.map_err(|error| format!("the image '{name}' is not there and cannot be pulled: {}", chain(&error)))?;
    docker.inspect_image(name).await.map_err(|error| chain(&error))
}

/// What the host runs.
struct Scene<'a> {
    containers: &'a [Container],
    discovery: &'a Discovery,
    now: chrono::DateTime<chrono::Utc>,
}

impl Scene<'_> {
    /// The projects that ask to be backed up.
    fn projects(&self, tell: Tell<'_>) -> BTreeSet<StackName> {
        let mut all = BTreeSet::new();
        for container in self.containers.iter().filter(|one| is_selected(one) || is_dumped(one)) {
            match container.labels.get(labels::PROJECT).map(|name| name.parse()) {
                Some(Ok(name)) => drop(all.insert(name)),
                Some(Err(_)) | None => {
                    let message = "it belongs to no Compose project, which rcb needs; it is not backed up";
                    tell(Line::warning("container.skip").with("container", &container.name).with("message", message));
                }
            }
        }
        all
    }

    /// Containers with the label that nothing is to rest for.
    fn tell_of_strangers(&self, projects: &BTreeSet<StackName>, request: &BackupOnce, tell: Tell<'_>) {
        let is_backed_up = |one: &Container| {
            project_of(one).is_some_and(|name| projects.iter().any(|project| project.as_str() == name))
        };
        for one in self.containers.iter().filter(|one| wants_rest(one, request) && !is_backed_up(one)) {
            let message = "nothing of its project is backed up, so it goes on";
            tell(Line::warning("quiesce.skip").with("container", &one.name).with("message", message));
        }
    }

    async fn back_up(&self, parts: &Parts<'_>, project: &StackName, before: Repository) -> Outcome {
        let ours: Vec<&Container> =
            self.containers.iter().filter(|one| project_of(one) == Some(project.as_str())).collect();
        let mut ids = BTreeSet::new();
        for one in ours.iter().filter(|one| one.state.is_up() && wants_rest(one, parts.request)) {
            if parts.request.means == Means::Rcb && is_dumped(one) {
                let message = "rcb dumps its database, for which it must run";
                (parts.tell)(Line::warning("quiesce.skip").with("container", &one.name).with("message", message));
            } else {
                ids.insert(one.id.clone());
            }
        }
        let asked = Asked {
            docker: parts.docker,
            discovery: self.discovery,
            project,
            ids,
            stop_timeout: parts.request.quiesce_timeout,
            tell: parts.tell,
        };
        let run = format!("{}-{project}", parts.run);
        let rest = match Rest::prepare(asked, parts.owner, &run, self.now).await {
            Ok(rest) => rest,
            Err(error) => return Outcome::failed(format!("it is not known what is to rest: {}", chain(&error))),
        };
        match parts.request.means {
            Means::Rcb => {
                let networks = self.networks_of_dumps(parts, &ours).await;
                RcbRun { parts, project, networks, before }.run(rest).await
            }
            Means::Native => {
                let rcb = &parts.request.rcb;
                let all = workloads(self.containers, rcb.exclude_bind_mounts, rcb.include_project_name);
                let workloads: Vec<&Workload> =
                    all.iter().filter(|one| one.project == project.as_str() && !one.mounts.is_empty()).collect();
                NativeRun { parts, workloads }.run(rest).await
            }
        }
    }

    /// rcb reaches a database by its container's id, which only a network of its own resolves.
    async fn networks_of_dumps(&self, parts: &Parts<'_>, ours: &[&Container]) -> Vec<String> {
        let mut networks = BTreeSet::new();
        for one in ours.iter().filter(|one| is_dumped(one)) {
            match parts.docker.inspect_container(&one.id).await {
                Ok(detail) => networks.extend(
                    detail.networks.into_iter().filter(|name| !matches!(name.as_str(), "bridge" | "host" | "none")),
                ),
                Err(error) => {
                    parts.note(format!("the networks of container {} are not known: {}", one.name, chain(&error)));
                }
            }
        }
        networks.into_iter().collect()
    }
}

fn project_of(container: &Container) -> Option<&str> {
    container.labels.get(labels::PROJECT).map(String::as_str)
}

fn wants_rest(container: &Container, request: &BackupOnce) -> bool {
    request
        .quiesce_labels
        .iter()
        .any(|(key, value)| container.labels.get(key).is_some_and(|found| found.trim() == value))
}
