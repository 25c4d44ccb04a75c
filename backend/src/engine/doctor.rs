//! The self-test: one check per thing that a backup needs, each with what to do about it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::backends::archive::{self, free_bytes};
use crate::domain::path_map::PathMap;
use crate::domain::size::human_bytes;

use super::{AtRest, JobEngine, RestState, chain};

/// Less free space than this is worth a warning.
const LITTLE_SPACE: u64 = 1 << 30;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Works, and someone should look at it.
    Warning,
    /// Does not work.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: `docker.reachable`, `backup_dir.writable`, …
    pub name: &'static str,
    /// How it came out.
    pub state: CheckState,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Check {
    pub(in crate::engine) fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, state: CheckState::Ok, message: message.into(), remedy: None }
    }

    pub(in crate::engine) fn warning(
        name: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { name, state: CheckState::Warning, message: message.into(), remedy: Some(remedy.into()) }
    }

    pub(in crate::engine) fn failed(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: CheckState::Failed, message: message.into(), remedy: Some(remedy.into()) }
    }
}

impl JobEngine {
    /// Runs every check. `config_warnings` are what reading the configuration found doubtful.
    pub async fn run_doctor(&self, config_warnings: &[String]) -> Vec<Check> {
        let settings = &self.0.settings;
        let mut checks = self.check_docker().await;
        checks.push(self.check_store().await);
        checks.push(self.check_reserve().await);
        checks.push(self.check_discovery().await);
        checks.extend(check_directories(settings.backup_dir.clone(), settings.log_dir.clone()).await);
        checks.push(self.check_path_mapping());
        checks.push(check_program("restic.version", "restic", "version").await);
        checks.push(self.check_clock());
        checks.push(self.check_journal().await);
        checks.extend(self.check_registry());
        checks.extend(config_warnings.iter().map(|warning| {
            Check::warning("config", warning.clone(), "see the comments of examples/config.example.yml")
        }));
        checks
    }

    /// Asks for one thing after the other, because a socket proxy may allow some and not others.
    async fn check_docker(&self) -> Vec<Check> {
        let docker = &self.0.parts.docker;
        let info = match docker.info().await {
            Ok(info) => info,
            Err(error) => {
                let remedy = "start the Docker Engine, or mount its socket and let this user read and write it";
                return vec![Check::failed("docker.reachable", chain(&error), remedy)];
            }
        };
        let message = format!("Docker Engine {} (API {}) at {}", info.version, info.api_version, info.address);
        let mut checks = vec![Check::ok("docker.reachable", message)];
        let containers = docker.list_containers().await;
        checks.push(permission("docker.containers", "list containers", containers.as_ref().map(Vec::len)));
        let volumes = docker.list_volumes().await;
        checks.push(permission("docker.volumes", "list volumes", volumes.as_ref().map(Vec::len)));
        if let Some(first) = containers.ok().and_then(|all| all.into_iter().next()) {
            let inspected = docker.inspect_container(&first.id).await;
            checks.push(permission("docker.inspect", "inspect a container", inspected.as_ref().map(|_| 1)));
        }
        checks
    }

    async fn check_store(&self) -> Check {
        match self.0.parts.store.check_writable().await {
            Ok(()) => Check::ok("store.writable", "the store can be written to"),
            Err(error) => {
                Check::failed("store.writable", chain(&error), "free space for the database, or mend its permissions")
            }
        }
    }

    async fn check_discovery(&self) -> Check {
        let view = self.0.parts.discovery.refresh().await;
        if view.warnings.is_empty() {
            return Check::ok("stacks.found", format!("{} stacks found", view.stacks.len()));
        }
        Check::warning("stacks.found", view.warnings.join("; "), "mend what is named, or set stacks_dir")
    }

    fn check_path_mapping(&self) -> Check {
        match self.0.parts.discovery.path_map() {
            PathMap::Host => Check::ok("paths.mapping", "Mainstay runs on the host: paths are read directly"),
            PathMap::Container(mounts) if mounts.is_empty() => Check::warning(
                "paths.mapping",
                "Mainstay runs in a container without mounts of the host",
                "volumes are streamed through the engine; mount stacks_dir and the engine's volume directory to read them directly",
            ),
            PathMap::Container(mounts) => {
                let list: Vec<String> =
                    mounts.iter().map(|m| format!("{} is {}", m.host.display(), m.local.display())).collect();
                Check::ok("paths.mapping", list.join(", "))
            }
        }
    }

    fn check_clock(&self) -> Check {
        let now = self.0.parts.clock.now();
        let message =
            format!("{} ({})", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), self.0.settings.timezone);
        // Any release of Mainstay is younger than this.
        if now.timestamp() < 1_735_689_600 {
            return Check::failed("clock", message, "set the machine's clock: schedules and retention depend on it");
        }
        Check::ok("clock", message)
    }

    /// What is doubtful about instances, plans and labels.
    fn check_registry(&self) -> Vec<Check> {
        let registry = self.registry();
        let plans = registry.list_plans();
        let unusable = registry.list_unusable().into_iter().map(|one| {
            let remedy = "bring the key back that it was recorded with, or remove the instance and make it anew";
            Check::failed("instances.usable", format!("instance '{}': {}", one.id, one.reason), remedy)
        });
        let of_plans =
            plans.iter().flat_map(|plan| plan.warnings.iter().map(|text| format!("plan '{}': {text}", plan.id)));
        let doubts = registry.list_warnings().into_iter().chain(of_plans);
        let doubts = doubts.map(|text| Check::warning("plans", text, "mend the label or the setting that it names"));
        let mut checks: Vec<Check> = unusable.chain(doubts).collect();
        if checks.is_empty() {
            let count = registry.list_instances().len();
            checks.push(Check::ok("plans", format!("{count} instances, {} plans", plans.len())));
        }
        checks
    }

    /// What no job looks after any more, and what is known of each: right after a kill that is not much yet.
    async fn check_journal(&self) -> Check {
        const NAME: &str = "containers.held";
        let mut abandoned = match self.list_at_rest().await {
            Ok(all) => all,
            Err(error) => return Check::failed(NAME, chain(&error), "see store.writable"),
        };
        abandoned.retain(|one| one.state != RestState::Held);
        if abandoned.is_empty() {
            return Check::ok(NAME, "no container is held at rest by a job that has ended");
        }
        let say = |one: &AtRest| {
            let what = one.message.as_deref().unwrap_or("it is brought back next");
            format!("{} of stack '{}': {what}", one.row.held.name, one.row.held.stack)
        };
        let message = abandoned.iter().map(say).collect::<Vec<_>>().join("; ");
        let remedy = "Mainstay keeps trying; `mainstay resume` tries at once, `docker start` is the last resort";
        if abandoned.iter().any(|one| one.state == RestState::Failed) {
            Check::failed(NAME, message, remedy)
        } else {
            Check::warning(NAME, message, remedy)
        }
    }
}

fn permission(name: &'static str, action: &str, result: Result<usize, &crate::docker::EngineError>) -> Check {
    match result {
        Ok(_) => Check::ok(name, format!("may {action}")),
        Err(error) => {
            Check::failed(name, chain(error), format!("allow Mainstay to {action}: check the socket proxy's rules"))
        }
    }
}

/// On a thread that may block: a directory may be on a network that hangs.
async fn check_directories(backup_dir: PathBuf, log_dir: PathBuf) -> Vec<Check> {
    let checks = tokio::task::spawn_blocking(move || {
        vec![
            check_writable("backup_dir.writable", &backup_dir),
            check_writable("log_dir.writable", &log_dir),
            check_space(&backup_dir),
        ]
    });
    checks.await.unwrap_or_default()
}

fn check_writable(name: &'static str, directory: &Path) -> Check {
    match prove_writable(directory) {
        Ok(()) => Check::ok(name, format!("{} can be written to", directory.display())),
        Err(error) => Check::failed(
            name,
            format!("{} cannot be written to: {error}", directory.display()),
            "make the directory, mount it read-write, or change the setting",
        ),
    }
}

/// Makes the directory when it is missing, and proves that it takes a file with content.
pub(super) fn prove_writable(directory: &Path) -> std::io::Result<()> {
    match std::fs::create_dir_all(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(std::io::Error::new(ErrorKind::NotADirectory, "a file is in its place"));
        }
        made => made?,
    }
    archive::prove_writable(directory)
}

fn check_space(directory: &Path) -> Check {
    match free_bytes(directory) {
        Ok(free) if free < LITTLE_SPACE => Check::warning(
            "backup_dir.space",
            format!("{} free in {}", human_bytes(free), directory.display()),
            "free some space or shorten retention_days",
        ),
        Ok(free) => Check::ok("backup_dir.space", format!("{} free in {}", human_bytes(free), directory.display())),
        Err(error) => Check::failed(
            "backup_dir.space",
            format!("free space of {} cannot be told: {error}", directory.display()),
            "see backup_dir.writable",
        ),
    }
}

async fn check_program(name: &'static str, program: &str, argument: &str) -> Check {
    let run = tokio::process::Command::new(program).arg(argument).kill_on_drop(true).output();
    match tokio::time::timeout(std::time::Duration::from_secs(5), run).await {
        Ok(Ok(output)) if output.status.success() => {
            Check::ok(name, String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
        }
        Ok(Ok(output)) => {
            Check::warning(name, format!("{program} ended with {}", output.status), format!("reinstall {program}"))
        }
        Ok(Err(_)) | Err(_) => Check::warning(
            name,
            format!("{program} is not installed"),
            format!("install {program} if you want instances with a repository; plain archives do not need it"),
        ),
    }
}
