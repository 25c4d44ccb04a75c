//! An engine of jobs over a scripted Docker Engine, a real store and a backend that fails on demand.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Handle;

use super::fake::FakeBackend;
use crate::backends::archive::Codec;
use crate::backends::{ArchiveParts, BackendParts, FoundSnapshot, Reads};
use crate::discovery::{Discovery, DiscoverySettings};
use crate::docker::EngineVolume;
use crate::docker::scripted::{ScriptedEngine, running_container};
use crate::domain::clock::{ManualClock, SharedClock};
use crate::domain::drill::DrillSettings;
use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::job::{Job, Quiesce, StepName, Trigger};
use crate::domain::plan::{BackendKind, Destination, Hooks, Instance, MissedRun, Origin, ResticSettings, Target, What};
use crate::domain::repository::RepositoryUrl;
use crate::domain::share::Share;
use crate::domain::snapshot::Snapshot;
use crate::domain::stack::{Mount, MountKind, labels};
use crate::domain::strategy::Precopy;
use crate::engine::logbook::SystemLog;
use crate::engine::registry::{PlanDefaults, Registry};
use crate::engine::{ArchiveSettings, EngineParts, EngineSettings, JobEngine, PlanRequest, VerifySettings};
use crate::store::Store;

pub(super) struct World {
    pub(super) dir: TempDir,
    pub(super) docker: ScriptedEngine,
    pub(super) backend: FakeBackend,
    pub(super) engine: JobEngine,
    pub(super) store: Store,
}

impl World {
    /// Has the record say that the instance's own plan made these.
    pub(super) async fn record(&self, found: &[FoundSnapshot]) {
        for found in found {
            let snapshot = Snapshot {
                id: SnapshotId::new(found.at),
                job_id: JobId::new(found.at),
                backend: BackendKind::Restic,
                reference: found.reference.clone(),
                stack: None,
                host: "local".to_owned(),
                instance: Some("nas".to_owned()),
                plan: Some("nas".parse().expect("an id")),
                created_at: found.at,
                size_bytes: 1,
                content_bytes: 1,
                entry_count: 1,
                blake3: None,
                is_complete: found.is_complete,
                verified_at: None,
                damage: None,
                removed_at: None,
                targets: Vec::new(),
                imported: None,
            };
            self.store.insert_snapshot(&snapshot).await.expect("recorded");
        }
    }

    /// One instance `nas` with these targets; a volume `data` with a file, which container `app` writes to.
    pub(super) async fn new(reads: Reads, targets: Vec<Target>) -> Self {
        Self::of(reads, instance(targets), false).await
    }

    /// The same with an instance that truly stores: in archives below `backups`, or in a repository of restic.
    pub(super) async fn storing(kind: BackendKind, targets: Vec<Target>) -> Self {
        let mut instance = instance(targets);
        if kind == BackendKind::Restic {
            // Its place is made known once the directory is.
            let repository = RepositoryUrl::new("repository");
            let (check_schedule, check_subset, adopts_old_snapshots) = (None, None, false);
            instance.destination =
                Destination::Restic(ResticSettings { repository, check_schedule, check_subset, adopts_old_snapshots });
            instance.env = [("RESTIC_PASSWORD".to_owned(), "correct-horse".into())].into();
        }
        Self::of(Reads::InPlace, instance, true).await
    }

    async fn of(reads: Reads, mut instance: Instance, stores: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::new(chrono::DateTime::from_timestamp(1_790_000_000, 0).expect("a time")));
        let store = Store::connect("sqlite::memory:", clock.clone()).await.expect("a store");
        let docker = ScriptedEngine::new();
        let backend = FakeBackend::new(&docker, reads);
        if let Destination::Restic(restic) = &mut instance.destination {
            restic.repository = RepositoryUrl::new(&dir.path().join("repository").display().to_string());
        }
        let mut parts = parts(&dir, &store, &clock, &docker, &backend, instance);
        if stores {
            parts.build_backend = Arc::new(crate::backends::build);
        }
        let engine = JobEngine::new(settings(&dir), parts);
        let world = Self { dir, docker, backend, engine, store };
        world.add_volume("data");
        std::fs::write(world.path("data/file"), b"hello").expect("written");
        world.add_writer("app", "data", true);
        world
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub(super) fn add_volume(&self, name: &str) {
        std::fs::create_dir_all(self.path(name)).expect("made");
        self.add_volume_at(name, self.path(name));
    }

    pub(super) fn add_volume_at(&self, name: &str, mountpoint: PathBuf) {
        let (name, driver) = (name.to_owned(), "local".to_owned());
        self.docker.add_volume(EngineVolume { name, driver, mountpoint, options: [].into(), labels: [].into() });
    }

    /// A running container that mounts a volume; it is of the stack `blog` when its name is `app`.
    pub(super) fn add_writer(&self, name: &str, volume: &str, is_writable: bool) {
        let mut detail = running_container(name, name);
        detail.container.mounts = vec![Mount {
            kind: MountKind::Volume,
            volume: Some(volume.to_owned()),
            source: self.path(volume),
            destination: "/data".into(),
            is_writable,
        }];
        if name == "app" {
            let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            detail.container.labels = [label(labels::PROJECT, "blog"), label(labels::SERVICE, "app")].into();
        }
        self.docker.add_container(detail);
    }

    pub(super) async fn begin(&self) -> Job {
        let request = PlanRequest {
            plan: "nas".parse().expect("an id"),
            only: None,
            quiesce: None,
            is_dry_run: false,
            trigger: Trigger::Api,
        };
        self.engine.submit_plans(vec![request]).await.expect("queued").pop().expect("a job")
    }

    pub(super) async fn run(&self) -> Job {
        let job = self.begin().await;
        self.end_of(&job).await
    }

    /// Waits until a job is at this step.
    pub(super) async fn reach(&self, job: &Job, step: StepName) {
        let live = self.engine.find_live(&job.id).expect("a job at work");
        let mut signals = live.log().watch_unless_closed().expect("an open log");
        while live.phase() != Some(step) {
            signals.recv().await.expect("a signal");
        }
    }

    pub(super) async fn end_of(&self, job: &Job) -> Job {
        if let Some(live) = self.engine.find_live(&job.id)
            && let Some(mut signals) = live.log().watch_unless_closed()
        {
            while signals.recv().await.is_ok() && self.engine.find_live(&job.id).is_some() {}
        }
        self.engine.find_job(&job.id).await.expect("read").expect("the job")
    }
}

pub(super) fn target(what: What) -> Target {
    Target {
        what,
        origin: Origin::Config,
        paths: Vec::new(),
        stop_attached: Some(true),
        hooks: Hooks::default(),
        database: None,
        dump_args: Vec::new(),
        excludes: Vec::new(),
        tags: Vec::new(),
    }
}

pub(super) fn volume(name: &str) -> Target {
    target(What::Volume(name.to_owned()))
}

fn settings(dir: &TempDir) -> EngineSettings {
    let below = |name: &str| dir.path().join(name);
    for name in ["stacks", "backups", "logs"] {
        std::fs::create_dir(below(name)).expect("made");
    }
    EngineSettings {
        backup_dir: below("backups"),
        staging_dir: below("staging"),
        log_dir: below("logs"),
        include_data: true,
        retention_days: 0,
        log_retention_days: 0,
        archive: ArchiveSettings { codec: Codec::default(), workers: 1, precopy: Precopy::Auto, low_priority: false },
        quiesce: Quiesce::Stop,
        max_concurrent_jobs: 4,
        stop_timeout: None,
        health_timeout: Duration::from_secs(1),
        stall_timeout: Duration::from_mins(1),
        drill: DrillSettings::default(),
        verify: VerifySettings { schedule: None, share: Share::one_of(1) },
        timezone: chrono_tz::UTC,
        version: "0.0.0",
    }
}

fn parts(
    dir: &TempDir,
    store: &Store,
    clock: &Arc<ManualClock>,
    docker: &ScriptedEngine,
    backend: &FakeBackend,
    instance: Instance,
) -> EngineParts {
    let shared: SharedClock = clock.clone();
    let below = |name: &str| dir.path().join(name);
    let found = DiscoverySettings {
        stacks_dir: below("stacks"),
        skip_stop: Vec::new(),
        host: "local".to_owned(),
        excluded_paths: Vec::new(),
    };
    let discovery = Discovery::new(found, docker.shared(), shared.clone());
    let archives = ArchiveParts {
        backup_dir: below("backups"),
        codec: Codec::default(),
        workers: 1,
        timezone: chrono_tz::UTC,
        version: "0.0.0",
    };
    let backend = backend.clone();
    EngineParts {
        store: store.clone(),
        registry: Registry::new(vec![instance], PlanDefaults::default(), store.clone(), discovery.clone()),
        discovery,
        backends: BackendParts {
            docker: docker.shared(),
            clock: shared.clone(),
            node_name: "node".to_owned(),
            staging_dir: below("staging"),
            cache_dir: below("cache"),
            archives,
        },
        build_backend: Arc::new(move |_, _| backend.shared()),
        docker: docker.shared(),
        system_log: SystemLog::new(below("logs"), shared.clone()),
        clock: shared,
        runtime: Handle::current(),
    }
}

fn instance(targets: Vec<Target>) -> Instance {
    Instance {
        drill: None,
        id: "nas".parse().expect("an id"),
        origin: Origin::Config,
        destination: Destination::Archive,
        env: [].into(),
        schedule: None,
        timezone: None,
        retention: "2d:0:0".parse().expect("a retention"),
        restic_timeout: None,
        stop_attached: None,
        quiesce: None,
        missed_run: MissedRun::Skip,
        is_enabled: true,
        hooks: Hooks::default(),
        excludes: Vec::new(),
        tags: vec!["nightly".to_owned()],
        targets,
    }
}
