//! Stacks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JobSummary, LastDrill, Quiesce, TargetKind, Time, path_text, time, wire_enum, wire_list};
use crate::domain::names::InstanceId;
use crate::domain::stack as domain;
use crate::engine;
use crate::engine::overview::StackOverview;

wire_enum!(
    /// Whether the containers of a stack run. `unknown`: the Docker Engine cannot be asked.
    StackState from domain::StackState {
        Running => "running", Partial => "partial", Stopped => "stopped", Unknown => "unknown",
    }
);

wire_enum!(
    /// How a stack is known: by its directory, by labels of its containers, or by both.
    StackSource from domain::StackSource { Directory => "directory", Labels => "labels", Both => "both" }
);

wire_enum!(
    /// What a container is doing.
    ContainerState from domain::ContainerState {
        Created => "created", Running => "running", Paused => "paused", Restarting => "restarting",
        Removing => "removing", Exited => "exited", Dead => "dead", Unknown => "unknown",
    }
);

wire_enum!(
    /// What a health check says.
    HealthState from domain::Health { Starting => "starting", Healthy => "healthy", Unhealthy => "unhealthy" }
);

/// A Compose project, what belongs to it, and how it is protected.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "blog", "host": "local", "state": "running", "source": "both", "directory": "/opt/stacks/blog",
    "services": [{"name": "db", "image": "postgres:17", "containers": [
        {"id": "4f6c…", "name": "blog-db-1", "state": "running", "health": "healthy", "image": "postgres:17"}]}],
    "volumes": [{"name": "blog_db", "driver": "local", "mountpoint": "/var/lib/docker/volumes/blog_db/_data", "services": ["db"]}],
    "binds": [{"source": "/srv/blog", "services": ["web"], "is_inside_stack": false, "excluded": null}],
    "databases": [],
    "skip_stop": false, "warnings": [], "last_job": null, "last_success_at": "2026-11-20T03:00:41.210Z",
    "protected": true, "next_run_at": null, "last_drill": null
}))]
pub struct Stack {
    /// The Compose project name.
    pub name: String,
    /// The Docker Engine that runs it; `local` is the default one.
    pub host: String,
    /// Whether its containers run.
    pub state: StackState,
    /// How it is known.
    pub source: StackSource,
    /// Its directory; null when that is not readable from here.
    #[schema(required = true)]
    pub directory: Option<String>,
    /// Its services, by name.
    pub services: Vec<Service>,
    /// Its named volumes, by name.
    pub volumes: Vec<Volume>,
    /// Its bind mounts, by host path.
    pub binds: Vec<Bind>,
    /// Its databases that are dumped with their own tools. Always empty: this version captures their files.
    pub databases: Vec<Database>,
    /// Whether it is captured without a stop.
    pub skip_stop: bool,
    /// What is doubtful about it, in sentences for people.
    pub warnings: Vec<String>,
    /// Its newest backup, at work or ended.
    #[schema(required = true)]
    pub last_job: Option<JobSummary>,
    /// When its last good backup ended.
    #[schema(required = true)]
    pub last_success_at: Option<Time>,
    /// Whether there is a complete snapshot of it, or plans that run have captured all of its data.
    pub protected: bool,
    /// When its next scheduled backup starts.
    #[schema(required = true)]
    pub next_run_at: Option<Time>,
    /// How the last drill of its plain archives came out.
    #[schema(required = true)]
    pub last_drill: Option<LastDrill>,
}

wire_list!(StackList of Stack, "stacks, by name");

impl From<StackOverview> for Stack {
    fn from(overview: StackOverview) -> Self {
        let stack = overview.stack;
        Self {
            name: stack.name.into(),
            host: stack.host,
            state: stack.state.into(),
            source: stack.source.into(),
            directory: stack.directory.as_deref().map(path_text),
            services: stack.services.into_iter().map(Into::into).collect(),
            volumes: stack.volumes.into_iter().map(Into::into).collect(),
            binds: stack.binds.into_iter().map(Into::into).collect(),
            databases: Vec::new(),
            skip_stop: stack.skip_stop,
            warnings: stack.warnings,
            last_job: overview.last_job.as_ref().map(Into::into),
            last_success_at: overview.last_success_at.map(time),
            protected: overview.is_protected,
            next_run_at: None,
            last_drill: overview.last_drill.as_ref().map(Into::into),
        }
    }
}

/// A named member of a stack.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Service {
    /// Its name in the compose file.
    pub name: String,
    /// The image that the compose file names.
    #[schema(required = true)]
    pub image: Option<String>,
    /// Its containers, by number.
    pub containers: Vec<Container>,
}

impl From<domain::Service> for Service {
    fn from(service: domain::Service) -> Self {
        let containers = service.containers.into_iter().map(Into::into).collect();
        Self { name: service.name, image: service.image, containers }
    }
}

/// One container. Its labels and environment are not shown: they hold secrets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: ContainerState,
    /// What its health check says; null when it has none.
    #[schema(required = true)]
    pub health: Option<HealthState>,
    /// The image it was made from.
    pub image: String,
}

impl From<domain::Container> for Container {
    fn from(container: domain::Container) -> Self {
        Self {
            id: container.id,
            name: container.name,
            state: container.state.into(),
            health: container.health.map(Into::into),
            image: container.image,
        }
    }
}

/// A named volume of a stack.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Volume {
    /// The engine's name for it.
    pub name: String,
    /// The driver.
    pub driver: String,
    /// Where the engine keeps it on its host; null when it does not exist yet.
    #[schema(required = true)]
    pub mountpoint: Option<String>,
    /// The services that mount it.
    pub services: Vec<String>,
}

impl From<domain::Volume> for Volume {
    fn from(volume: domain::Volume) -> Self {
        let mountpoint = volume.mountpoint.as_deref().map(path_text);
        Self { name: volume.name, driver: volume.driver, mountpoint, services: volume.services }
    }
}

/// A bind mount of a stack.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Bind {
    /// The path on the host.
    pub source: String,
    /// The services that mount it.
    pub services: Vec<String>,
    /// Whether it lies inside the stack directory, and so is captured with it.
    pub is_inside_stack: bool,
    /// Why it is never captured, when that is so.
    #[schema(required = true)]
    pub excluded: Option<String>,
}

impl From<domain::Bind> for Bind {
    fn from(bind: domain::Bind) -> Self {
        let source = path_text(&bind.source);
        Self { source, services: bind.services, is_inside_stack: bind.is_inside_stack, excluded: bind.excluded }
    }
}

/// A database of a stack that is dumped with its own tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Database {
    /// What kind of server it is.
    #[schema(example = "postgres")]
    pub kind: String,
    /// The service that it runs in.
    pub service: String,
}

wire_enum!(
    /// How something is captured. `direct`: read where it lies. `streamed`: through the Docker Engine, out of a
    /// container that mounts it.
    CapturedVia from engine::CapturedVia { Direct => "direct", Streamed => "streamed" }
);

/// One thing that a stack has, and whether a backup captures it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "kind": "volume", "name": "blog_db", "covered": true, "reason": null,
    "source": "/var/lib/docker/volumes/blog_db/_data", "via": "streamed"
}))]
pub struct Coverage {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its name: a volume's name, a bind's host path, the stack's name.
    pub name: String,
    /// Whether a backup captures it.
    pub covered: bool,
    /// Why it is not captured.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// Where its data is; null when no path leads there.
    #[schema(required = true)]
    pub source: Option<String>,
    /// How it is captured; null when it is not.
    #[schema(required = true)]
    pub via: Option<CapturedVia>,
}

wire_list!(CoverageList of Coverage, "things that a stack has");

impl From<engine::Coverage> for Coverage {
    fn from(coverage: engine::Coverage) -> Self {
        let (via, reason) = match coverage.outcome {
            Ok(via) => (Some(via.into()), None),
            Err(reason) => (None, Some(reason)),
        };
        let source = coverage.path.as_deref().map(path_text);
        Self { kind: coverage.kind.into(), name: coverage.name, covered: via.is_some(), reason, source, via }
    }
}

/// How a backup is made. Everything may be left out.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"quiesce": "stop", "dry_run": false}))]
pub struct BackupOptions {
    /// The instance by whose means the stack is captured; an archive in the backup directory when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "nas")]
    pub instance: Option<InstanceId>,
    /// How the stack is brought to rest; the settings decide when left out.
    #[serde(default)]
    pub quiesce: Option<Quiesce>,
    /// Whether only to show, in the job's log, what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which stacks are backed up, and how.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"stacks": ["blog", "wiki"], "quiesce": "stop", "dry_run": false}))]
pub struct BackupStacks {
    /// The stacks, by name; each gets a job of its own.
    #[schema(min_items = 1)]
    pub stacks: Vec<String>,
    /// The instance by whose means the stacks are captured; archives in the backup directory when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "nas")]
    pub instance: Option<InstanceId>,
    /// How the stacks are brought to rest; the settings decide when left out.
    #[serde(default)]
    pub quiesce: Option<Quiesce>,
    /// Whether only to show, in the jobs' logs, what would be done.
    #[serde(default)]
    pub dry_run: bool,
}
