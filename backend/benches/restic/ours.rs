//! A run of ours in a process of its own: the calls that a run by plan makes of its backend, in their order. The first
//! run after the service was started looks for leftovers besides.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chrono_tz::Tz;
use mainstay::backends::{
    ArchiveParts, BackendParts, Report, RunRequest, Seen, SharedBackend, Source, Work, archive, build,
};
use mainstay::docker::scripted::ScriptedEngine;
use mainstay::domain::clock::{Clock as _, SystemClock};
use mainstay::domain::ids::JobId;
use mainstay::domain::job::{TargetKind, TargetState};
use mainstay::domain::keep::KeepPolicy;
use mainstay::domain::log::Level;
use mainstay::domain::plan::{Destination, Hooks, Instance, MissedRun, Origin, ResticSettings};
use mainstay::domain::repository::RepositoryUrl;
use tokio_util::sync::CancellationToken;

use super::change::change_one_percent;

/// What this installation calls itself, as the bare command does.
const NODE: &str = "bench";

/// As long as an idle container takes to stop; no contender's time at rest counts it.
const STOP: Duration = Duration::from_millis(500);

/// Stores the tree, and writes into `out` how long the pass at rest took.
pub(crate) fn run(source: &Path, out: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stopped = runtime.block_on(store(source))?;
    std::fs::write(out, serde_json::json!({ "stopped_secs": stopped.as_secs_f64() }).to_string())?;
    Ok(())
}

async fn store(source: &Path) -> Result<Duration> {
    let site = PathBuf::from(env::var_os("SITE").context("SITE is not set")?);
    let work =
        Work { report: Arc::new(Quiet), cancel: CancellationToken::new(), stall_timeout: Duration::from_secs(60) };
    let backend = backend(&site)?;
    backend.prepare(&work, false).await?;
    let stopped = take(&backend, &work, source, &site).await?;
    ensure!(
        backend.snapshots(&work).await?.iter().all(|found| found.is_ours && found.is_complete),
        "not all are whole"
    );
    Ok(stopped)
}

async fn take(backend: &SharedBackend, work: &Work, source: &Path, site: &Path) -> Result<Duration> {
    let sources =
        [Source { kind: TargetKind::Volume, name: "bench".to_owned(), paths: vec![source.to_owned()], is_live: true }];
    let mut session = backend.begin(request(site)?, work.clone()).await?;
    session.precopy(&sources).await?;
    session.stand_by(&sources).await;
    tokio::time::sleep(STOP).await;
    if let Ok(change) = env::var("CHANGE") {
        change_one_percent(source, change.parse()?)?;
    }
    let at_rest = Instant::now();
    session.capture(&sources).await?;
    let stopped = at_rest.elapsed();
    let mut stored = session.publish(&sources).await?;
    ensure!(stored.outcomes.iter().all(|outcome| outcome.state == TargetState::Succeeded), "{:?}", stored.outcomes);
    session.verify(&mut stored, true).await?;
    session.end().await;
    Ok(stopped)
}

fn request(site: &Path) -> Result<RunRequest> {
    let now = SystemClock.now();
    Ok(RunRequest {
        instance: NODE.parse()?,
        job: JobId::new(now),
        node_name: NODE.to_owned(),
        started_at: now,
        run_dir: site.join("staging"),
        excludes: Vec::new(),
        tags: Vec::new(),
    })
}

fn backend(site: &Path) -> Result<SharedBackend> {
    let (repository, password) = (env::var("RESTIC_REPOSITORY")?, env::var("RESTIC_PASSWORD")?);
    let settings = ResticSettings {
        repository: RepositoryUrl::new(&repository),
        check_schedule: None,
        check_subset: None,
        adopts_old_snapshots: false,
    };
    let instance = Instance {
        drill: None,
        id: NODE.parse()?,
        origin: Origin::Config,
        destination: Destination::Restic(settings),
        env: [("RESTIC_PASSWORD".to_owned(), password.into())].into(),
        schedule: None,
        timezone: None,
        retention: KeepPolicy::default(),
        restic_timeout: None,
        stop_attached: None,
        quiesce: None,
        missed_run: MissedRun::Skip,
        is_enabled: true,
        hooks: Hooks::default(),
        excludes: Vec::new(),
        tags: Vec::new(),
        targets: Vec::new(),
    };
    let archives = ArchiveParts {
        backup_dir: site.join("archives"),
        codec: archive::Codec::default(),
        workers: 1,
        timezone: Tz::UTC,
        version: "0",
    };
    let parts = BackendParts {
        docker: Arc::new(ScriptedEngine::new()),
        clock: Arc::new(SystemClock),
        node_name: NODE.to_owned(),
        staging_dir: site.join("staging"),
        cache_dir: site.join("cache"),
        archives,
    };
    Ok(build(&instance, &parts))
}

/// Tells nobody, except of what went wrong.
struct Quiet;

impl Report for Quiet {
    #[expect(clippy::print_stderr, reason = "whoever measures must see it")]
    fn log(&self, level: Level, _: Option<&str>, message: String) {
        if matches!(level, Level::Warning | Level::Error) {
            eprintln!("{level}: {message}");
        }
    }

    fn progress(&self, _: Seen) {}
}
