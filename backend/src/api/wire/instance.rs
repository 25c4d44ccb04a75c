//! Instances.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Hooks, JobSummary, Origin, PlanTarget, Quiesce, Time, short_duration, time, wire_enum};
use crate::domain::job::Job;
use crate::domain::plan::{self as domain, Destination};

wire_enum!(
    /// The code behind an instance.
    BackendKind from domain::BackendKind {
        Archive => "archive", Restic => "restic", CustomImage => "custom_image",
    }
);

wire_enum!(
    /// When an image is pulled. `always`: an image that is there is used when the pull fails.
    PullPolicy from domain::PullPolicy { Always => "always", IfMissing => "if_missing", Never => "never" }
);

wire_enum!(
    /// What becomes of a run whose time passed while nothing could run it. `once`: it is made up for, once.
    MissedRun from domain::MissedRun { Skip => "skip", Once => "once" }
);

/// A means of backup. Secrets are not in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "nas", "origin": "config", "backend": "restic", "repository": "sftp:backup@nas:/srv/restic",
    "custom_image": null, "pull": null, "registry_user": null, "timeout": null, "memory_bytes": null, "cpus": null,
    "check": {"schedule": "0 5 * * sun", "subset": "5%"},
    "adopt_old_snapshots": false, "restic_timeout": null, "schedule": "0 2 * * *", "schedule_text": "every day at 02:00",
    "timezone": "Europe/Berlin", "retention": "7d:4w:6m", "retention_enforced": true, "missed_run": "skip",
    "stop_attached": null, "quiesce": null, "enabled": true, "env_keys": ["RESTIC_PASSWORD"],
    "hooks": {"pre": [], "post": []}, "exclude": [], "tags": [],
    "targets": [{"kind": "volume", "name": "blog_uploads", "origin": "label", "paths": [], "stop_attached": true,
        "db_kind": null, "exclude": [], "tags": [], "has_pre_hook": false, "has_post_hook": false,
        "hooks": {"pre": [], "post": []}, "has_dump_args": false}],
    "next_run_at": "2026-11-22T01:00:00.000Z", "next_runs": ["2026-11-22T01:00:00.000Z"],
    "last_job": null, "last_success_at": "2026-11-21T01:04:10.000Z", "warnings": []
}))]
pub struct Instance {
    /// Its id; its own plan is called the same.
    pub id: String,
    /// Where it was written down; only `api` can be changed here.
    pub origin: Origin,
    /// The code behind it.
    pub backend: BackendKind,
    /// The address of the restic repository, without passwords.
    #[schema(required = true)]
    pub repository: Option<String>,
    /// The image that gets the staged data.
    #[schema(required = true)]
    pub custom_image: Option<String>,
    /// When that image is pulled.
    #[schema(required = true)]
    pub pull: Option<PullPolicy>,
    /// Who one is to its private registry.
    #[schema(required = true)]
    pub registry_user: Option<String>,
    /// How long a run of it may take, such as `2h`; null means no limit.
    #[schema(required = true)]
    pub timeout: Option<String>,
    /// Bytes of memory that its container may have; null means no limit.
    #[schema(required = true)]
    pub memory_bytes: Option<u64>,
    /// Processors that its container may use; null means no limit.
    #[schema(required = true)]
    pub cpus: Option<f64>,
    /// How the restic repository is checked.
    #[schema(required = true)]
    pub check: Option<RepositoryCheck>,
    /// Whether retention also covers snapshots that Marina made.
    pub adopt_old_snapshots: bool,
    /// How long one restic command may take, such as `60m`; null means that only standing still ends it.
    #[schema(required = true)]
    pub restic_timeout: Option<String>,
    /// When its own plan runs; null means only on demand.
    #[schema(required = true)]
    pub schedule: Option<String>,
    /// The same in plain words.
    #[schema(required = true)]
    pub schedule_text: Option<String>,
    /// The zone of its schedule and of its retention's days.
    pub timezone: String,
    /// What it keeps.
    pub retention: String,
    /// Whether Mainstay carries that out; an image looks after its own data.
    pub retention_enforced: bool,
    /// What becomes of missed runs.
    pub missed_run: MissedRun,
    /// Whether containers that write to a volume are brought to rest; null means the global setting.
    #[schema(required = true)]
    pub stop_attached: Option<bool>,
    /// How they are brought to rest; null means the global setting.
    #[schema(required = true)]
    pub quiesce: Option<Quiesce>,
    /// Whether it runs by the clock.
    pub enabled: bool,
    /// The names of the variables that restic or the image gets.
    pub env_keys: Vec<String>,
    /// Commands around every run of its own plan.
    pub hooks: Hooks,
    /// Patterns of what is left out of every target.
    pub exclude: Vec<String>,
    /// Tags for every snapshot.
    pub tags: Vec<String>,
    /// What its own plan captures, by configuration, labels and API.
    pub targets: Vec<PlanTarget>,
    /// When its own plan runs next.
    #[schema(required = true)]
    pub next_run_at: Option<Time>,
    /// The next five times.
    pub next_runs: Vec<Time>,
    /// Its newest job, at work or ended.
    #[schema(required = true)]
    pub last_job: Option<JobSummary>,
    /// When its last good backup ended.
    #[schema(required = true)]
    pub last_success_at: Option<Time>,
    /// What is doubtful about it, in sentences for people.
    pub warnings: Vec<String>,
}

super::wire_list!(InstanceList of Instance, "instances, by id");

/// How a restic repository is checked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RepositoryCheck {
    /// When; null means only on demand.
    #[schema(required = true)]
    pub schedule: Option<String>,
    /// Which part of the data is read, such as `5%`; null reads none.
    #[schema(required = true)]
    pub subset: Option<String>,
}

/// What an instance on the wire is made of.
#[derive(Debug)]
pub struct InstanceParts<'a> {
    /// The instance.
    pub instance: &'a domain::Instance,
    /// Its own plan.
    pub plan: Option<&'a domain::Plan>,
    /// The zone that holds where nobody names one.
    pub timezone: chrono_tz::Tz,
    /// The time.
    pub now: DateTime<Utc>,
    /// Its newest job.
    pub last_job: Option<&'a Job>,
    /// When its last good backup ended.
    pub last_success_at: Option<DateTime<Utc>>,
}

impl From<InstanceParts<'_>> for Instance {
    fn from(parts: InstanceParts<'_>) -> Self {
        let InstanceParts { instance, plan, timezone, now, last_job, last_success_at } = parts;
        let zone = plan.map_or_else(|| instance.timezone.unwrap_or(timezone), |plan| plan.timezone);
        let next_runs: Vec<Time> = plan.map(|plan| super::next_runs(plan, now)).unwrap_or_default();
        let targets = plan.map_or(&instance.targets, |plan| &plan.targets);
        let (restic, image) = match &instance.destination {
            Destination::Archive => (None, None),
            Destination::Restic(settings) => (Some(settings), None),
            Destination::CustomImage(settings) => (None, Some(settings)),
        };
        Self {
            id: instance.id.to_string(),
            origin: instance.origin.into(),
            backend: instance.backend().into(),
            repository: restic.map(|restic| restic.repository.to_string()),
            custom_image: image.map(|image| image.image.clone()),
            pull: image.map(|image| image.pull.into()),
            registry_user: image.and_then(|image| Some(image.credentials.as_ref()?.username.clone())),
            timeout: image.and_then(|image| image.timeout).map(short_duration),
            memory_bytes: image.and_then(|image| image.memory_bytes),
            cpus: image.and_then(|image| image.milli_cpus).map(|milli| f64::from(milli) / 1000.0),
            check: restic.map(Into::into),
            adopt_old_snapshots: restic.is_some_and(|restic| restic.adopts_old_snapshots),
            restic_timeout: instance.restic_timeout.map(short_duration),
            schedule: instance.schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            schedule_text: instance.schedule.as_ref().map(super::schedule_text),
            timezone: zone.to_string(),
            retention: instance.retention.to_string(),
            retention_enforced: instance.backend() != domain::BackendKind::CustomImage,
            missed_run: instance.missed_run.into(),
            stop_attached: instance.stop_attached,
            quiesce: instance.quiesce.map(Into::into),
            enabled: instance.is_enabled,
            env_keys: instance.env.keys().cloned().collect(),
            hooks: (&instance.hooks).into(),
            exclude: instance.excludes.clone(),
            tags: instance.tags.clone(),
            targets: targets.iter().map(Into::into).collect(),
            next_run_at: next_runs.first().copied(),
            next_runs,
            last_job: last_job.map(Into::into),
            last_success_at: last_success_at.map(time),
            warnings: plan.map(|plan| plan.warnings.clone()).unwrap_or_default(),
        }
    }
}

impl From<&domain::ResticSettings> for RepositoryCheck {
    fn from(restic: &domain::ResticSettings) -> Self {
        Self {
            schedule: restic.check_schedule.as_ref().map(|schedule| schedule.as_str().to_owned()),
            subset: restic.check_subset.clone(),
        }
    }
}
