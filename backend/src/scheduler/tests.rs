//! The scheduler over a scripted engine and a real store, ticked by hand.

use std::path::Path;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::*;
use crate::backends::archive::Codec;
use crate::backends::{ArchiveParts, BackendParts};
use crate::discovery::{Discovery, DiscoverySettings};
use crate::docker::scripted::{CallKind, ScriptedEngine};
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::drill::DrillSettings;
use crate::domain::job::{Job as Record, JobKind, Quiesce, Trigger};
use crate::domain::plan::{Destination, Hooks, Instance, MissedRun, Origin, ResticSettings};
use crate::domain::repository::RepositoryUrl;
use crate::domain::schedule::Schedule;
use crate::domain::share::Share;
use crate::domain::strategy::Precopy;
use crate::engine::logbook::SystemLog;
use crate::engine::registry::{PlanDefaults, Registry};
use crate::engine::{ArchiveSettings, EngineParts, EngineSettings, JobEngine, VerifySettings};
use crate::store::{JobFilter, PageRequest, Store};

struct World {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    docker: ScriptedEngine,
    store: Store,
    engine: JobEngine,
    runs: Runs,
}

impl World {
    async fn new(start: &str, instances: Vec<Instance>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::new(start.parse().expect("a time")));
        Self::begin(directory, clock, instances).await
    }

    async fn begin(directory: tempfile::TempDir, clock: Arc<ManualClock>, instances: Vec<Instance>) -> Self {
        for name in ["stacks", "backups", "logs", "staging"] {
            std::fs::create_dir_all(directory.path().join(name)).expect("made");
        }
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        let store = Store::connect(&url, clock.clone()).await.expect("a store");
        let docker = ScriptedEngine::new();
        let parts = engine_parts(directory.path(), &clock, &docker, &store, instances);
        let engine = JobEngine::new(engine_settings(directory.path()), parts);
        let runs = Runs::new(engine.clone(), store.clone());
        Self { directory, clock, docker, store, engine, runs }
    }

    /// The same store with a new process, after some time.
    async fn restart_after(self, time: TimeDelta, instances: Vec<Instance>) -> Self {
        self.settle().await;
        assert!(self.engine.shut_down(Duration::from_secs(5)).await, "the jobs end");
        self.store.close().await.expect("closed");
        self.clock.advance(time);
        Self::begin(self.directory, self.clock, instances).await
    }

    async fn tick(&self) {
        self.runs.tick(self.clock.now()).await;
    }

    /// Moves the clock in steps and ticks after each.
    async fn tick_through(&self, step: TimeDelta, count: usize) {
        for _ in 0..count {
            self.clock.advance(step);
            self.tick().await;
            self.settle().await;
        }
    }

    /// Waits until no job is at work.
    async fn settle(&self) {
        while !self.engine.list_live().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Every job that was recorded, oldest first.
    async fn jobs(&self) -> Vec<Record> {
        let page = PageRequest::first(100);
        let mut jobs = self.store.list_jobs(&JobFilter::default(), &page).await.expect("jobs").items;
        jobs.reverse();
        jobs
    }

    /// When plans were run: the hour and minute that their jobs were queued at.
    async fn queued(&self) -> Vec<String> {
        self.jobs().await.iter().map(|job| job.queued_at.format("%d %H:%M").to_string()).collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.engine.system_log().last(100).into_iter().map(|line| line.message).collect()
    }
}

fn engine_settings(root: &Path) -> EngineSettings {
    EngineSettings {
        backup_dir: root.join("backups"),
        staging_dir: root.join("staging"),
        log_dir: root.join("logs"),
        include_data: true,
        retention_days: 7,
        log_retention_days: 14,
        archive: ArchiveSettings { codec: Codec::default(), workers: 1, precopy: Precopy::Auto, low_priority: false },
        quiesce: Quiesce::Stop,
        max_concurrent_jobs: 1,
        stop_timeout: None,
        health_timeout: Duration::from_secs(1),
        stall_timeout: Duration::from_mins(5),
        drill: DrillSettings::default(),
        verify: VerifySettings { schedule: None, share: Share::one_of(1) },
        timezone: Tz::UTC,
        version: "0.0.0",
    }
}

fn engine_parts(
    root: &Path,
    clock: &Arc<ManualClock>,
    docker: &ScriptedEngine,
    store: &Store,
    instances: Vec<Instance>,
) -> EngineParts {
    let found = DiscoverySettings {
        stacks_dir: root.join("stacks"),
        skip_stop: vec![],
        host: "local".to_owned(),
        excluded_paths: vec![],
    };
    let docker = docker.shared();
    let discovery = Discovery::new(found, docker.clone(), clock.clone());
    let archives = ArchiveParts {
        backup_dir: root.join("backups"),
        codec: Codec::default(),
        workers: 1,
        version: "0.0.0",
        timezone: chrono_tz::UTC,
    };
    EngineParts {
        store: store.clone(),
        registry: Registry::new(instances, PlanDefaults::default(), store.clone(), discovery.clone()),
        discovery,
        backends: BackendParts {
            docker: docker.clone(),
            clock: clock.clone(),
            node_name: "node".to_owned(),
            staging_dir: root.join("staging"),
            cache_dir: root.join("cache"),
            archives,
        },
        build_backend: Arc::new(crate::backends::build),
        docker,
        clock: clock.clone(),
        system_log: SystemLog::new(root.join("logs"), clock.clone()),
        runtime: tokio::runtime::Handle::current(),
    }
}

fn instance(id: &str, schedule: &str) -> Instance {
    Instance {
        drill: None,
        id: id.parse().expect("an id"),
        origin: Origin::Config,
        destination: Destination::Archive,
        env: [].into(),
        schedule: Some(Schedule::parse(schedule, id).expect("a schedule")),
        timezone: None,
        retention: "7d".parse().expect("a retention"),
        restic_timeout: None,
        stop_attached: None,
        quiesce: None,
        missed_run: MissedRun::Skip,
        is_enabled: true,
        hooks: Hooks::default(),
        excludes: vec![],
        tags: vec![],
        targets: vec![],
    }
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);

#[tokio::test]
async fn a_plan_runs_at_its_time_each_day() {
    let world = World::new("2026-06-01T01:58:00Z", vec![instance("nas", "0 2 * * *")]).await;
    world.tick().await;
    world.tick_through(MINUTE, 10).await;
    world.tick_through(TimeDelta::minutes(24 * 60 - 10 + 20), 1).await;
    world.tick_through(MINUTE, 60).await;
    assert_eq!(world.queued().await, ["01 02:00"], "what is half an hour late is missed");
    world.tick_through(MINUTE, 24 * 60).await;
    assert_eq!(world.queued().await, ["01 02:00", "03 02:00"]);
    let job = world.jobs().await.remove(0);
    assert_eq!((job.trigger, job.kind, job.plan.as_deref()), (Trigger::Schedule, JobKind::Backup, Some("nas")));
}

#[tokio::test]
async fn what_was_missed_while_the_service_was_down_is_as_the_plan_says() {
    let instances = |missed_run| vec![Instance { missed_run, ..instance("nas", "0 2 * * *") }];
    let world = World::new("2026-06-01T12:00:00Z", instances(MissedRun::Skip)).await;
    world.tick().await;
    let world = world.restart_after(TimeDelta::days(3), instances(MissedRun::Skip)).await;
    world.tick().await;
    assert_eq!(world.queued().await, [""; 0]);
    assert_eq!(
        world.warnings(),
        [
            "the plan 'nas' was to run at 2026-06-02 02:00 UTC while nothing could run it; it runs next at 2026-06-05 02:00 UTC"
        ]
    );
    let world = world.restart_after(TimeDelta::days(3), instances(MissedRun::Once)).await;
    world.tick_through(MINUTE, 5).await;
    assert_eq!(world.queued().await, ["07 12:01"], "once, however many were missed");
}

#[tokio::test]
async fn a_restart_repeats_no_run_and_loses_none() {
    let instances = || vec![instance("nas", "0 2 * * *")];
    let world = World::new("2026-06-01T01:59:00Z", instances()).await;
    world.tick().await;
    world.tick_through(MINUTE, 1).await;
    let world = world.restart_after(TimeDelta::seconds(30), instances()).await;
    world.tick().await;
    assert_eq!(world.queued().await, ["01 02:00"]);
    world.settle().await;
    let world = world.restart_after(TimeDelta::minutes(24 * 60), instances()).await;
    world.tick().await;
    assert_eq!(world.queued().await, ["01 02:00", "02 02:00"], "a minute late is on time");
}

#[tokio::test]
async fn a_clock_that_jumps_neither_repeats_a_run_nor_stops_the_plan() {
    let world = World::new("2026-06-01T01:59:00Z", vec![instance("nas", "0 2 * * *")]).await;
    world.tick().await;
    world.tick_through(MINUTE, 2).await;
    world.tick_through(TimeDelta::hours(-1), 1).await;
    world.tick_through(MINUTE, 70).await;
    assert_eq!(world.queued().await, ["01 02:00"], "set back by an hour");
    world.tick_through(TimeDelta::days(400), 1).await;
    world.tick_through(TimeDelta::days(-400), 1).await;
    world.tick_through(MINUTE, 24 * 60).await;
    assert_eq!(world.queued().await, ["01 02:00", "02 02:00"], "a wrong year for a moment");
}

#[tokio::test]
async fn plans_that_are_switched_off_do_nothing_and_make_up_for_nothing() {
    let off = || vec![Instance { is_enabled: false, missed_run: MissedRun::Once, ..instance("nas", "0 2 * * *") }];
    let on = || vec![Instance { missed_run: MissedRun::Once, ..instance("nas", "0 2 * * *") }];
    let world = World::new("2026-06-01T01:00:00Z", on()).await;
    world.tick().await;
    let world = world.restart_after(TimeDelta::minutes(1), off()).await;
    world.tick_through(MINUTE, 120).await;
    assert!(world.store.list_plan_runs().await.expect("read").is_empty());
    let world = world.restart_after(TimeDelta::minutes(1), on()).await;
    world.tick().await;
    assert_eq!(world.queued().await, [""; 0]);
}

#[tokio::test]
async fn another_schedule_counts_at_once() {
    let world = World::new("2026-06-01T01:00:00Z", vec![instance("nas", "0 2 * * *")]).await;
    world.tick().await;
    let world = world.restart_after(TimeDelta::hours(3), vec![instance("nas", "0 5 * * *")]).await;
    world.tick().await;
    world.tick_through(TimeDelta::minutes(30), 2).await;
    assert_eq!(world.queued().await, ["01 05:00"]);
}

#[tokio::test]
async fn a_run_whose_plan_is_still_at_work_is_left_out_and_told() {
    let world = World::new("2026-06-01T01:59:00Z", vec![instance("nas", "* * * * *")]).await;
    let at_work = world.docker.block_nth(CallKind::ListContainers, 1);
    world.tick().await;
    world.clock.advance(MINUTE);
    world.tick().await;
    at_work.reached().await;
    world.clock.advance(MINUTE);
    world.tick().await;
    at_work.release();
    world.settle().await;
    let queued = world.queued().await;
    let lines = world.warnings();
    let told = "the plan 'nas' did not run at 2026-06-01 02:01 UTC: a job already works for instance 'nas'";
    assert!(lines.iter().any(|line| line.starts_with(told)), "{lines:?}");
    assert_eq!(queued, ["01 02:00"]);
}

/// A check at the time of a backup waits until the backup is over, and is not lost.
#[tokio::test]
async fn a_check_waits_for_the_backup_of_its_instance() {
    let restic = ResticSettings {
        repository: RepositoryUrl::new("/nowhere"),
        check_schedule: Some(Schedule::parse("0 2 * * *", "nas").expect("a schedule")),
        check_subset: None,
        adopts_old_snapshots: false,
    };
    let nas = Instance { destination: Destination::Restic(restic), ..instance("nas", "0 2 * * *") };
    let world = World::new("2026-06-01T01:59:00Z", vec![nas]).await;
    let at_work = world.docker.block_nth(CallKind::ListContainers, 1);
    world.tick().await;
    world.clock.advance(MINUTE);
    world.tick().await;
    at_work.reached().await;
    at_work.release();
    world.settle().await;
    let told = world.warnings();
    assert!(told.iter().any(|line| line.starts_with("the check of instance 'nas' is due and waits: ")), "{told:?}");
    world.tick_through(MINUTE, 3).await;
    let kinds: Vec<JobKind> = world.jobs().await.iter().map(|job| job.kind).collect();
    assert_eq!(kinds, [JobKind::Backup, JobKind::Verify]);
    let runs = world.store.list_plan_runs().await.expect("read");
    let names: std::collections::BTreeSet<String> = runs.into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["check:nas", "nas"].map(str::to_owned).into());
}

/// They would stand in each other's way if they were asked for one by one.
#[tokio::test]
async fn plans_of_one_instance_at_one_time_all_run() {
    let world = World::new("2026-06-01T01:59:00Z", vec![instance("nas", "0 2 * * *")]).await;
    let own = world.engine.registry().list_plans().remove(0);
    let weekly =
        crate::domain::plan::Plan { id: "weekly".parse().expect("an id"), origin: Origin::Api, ..(*own).clone() };
    world.engine.registry().create_plan(weekly).await.expect("made");
    world.tick().await;
    world.tick_through(MINUTE, 2).await;
    let mut plans: Vec<_> = world.jobs().await.into_iter().filter_map(|job| job.plan).collect();
    plans.sort();
    assert_eq!(plans, ["nas", "weekly"]);
}
