//! Stacks.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{JobSummary, Time, path_text, time, wire_enum, wire_list};
use crate::domain::job::Job;
use crate::domain::stack as domain;

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
    "skip_stop": false, "warnings": [], "last_job": null, "last_success_at": "2026-11-20T03:00:41.210Z",
    "protected": true, "next_run_at": null
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
    /// Whether there is a complete snapshot of it.
    pub protected: bool,
    /// When its next scheduled backup starts.
    #[schema(required = true)]
    pub next_run_at: Option<Time>,
}

wire_list!(StackList of Stack, "stacks, by name");

/// What is known of a stack besides what runs.
#[derive(Debug, Clone, Default)]
pub struct StackFacts {
    /// Its newest backup.
    pub last_job: Option<Job>,
    /// When its last good backup ended.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Whether there is a complete snapshot of it.
    pub is_protected: bool,
    /// When its next scheduled backup starts.
    pub next_run_at: Option<DateTime<Utc>>,
}

impl From<(domain::Stack, StackFacts)> for Stack {
    fn from((stack, facts): (domain::Stack, StackFacts)) -> Self {
        Self {
            name: stack.name.into(),
            host: stack.host,
            state: stack.state.into(),
            source: stack.source.into(),
            directory: stack.directory.as_deref().map(path_text),
            services: stack.services.into_iter().map(Into::into).collect(),
            volumes: stack.volumes.into_iter().map(Into::into).collect(),
            binds: stack.binds.into_iter().map(Into::into).collect(),
            skip_stop: stack.skip_stop,
            warnings: stack.warnings,
            last_job: facts.last_job.map(Into::into),
            last_success_at: facts.last_success_at.map(time),
            protected: facts.is_protected,
            next_run_at: facts.next_run_at.map(time),
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
