//! The backend over the true restic and true repositories. A missing restic is a failure: `e2e/setup.sh deps tests`
//! installs what is needed. They run as root, as the service does.

mod care;
mod locks;
mod prepare;
mod process;
mod remote;
mod runs;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::program::Restic;
use super::{BackendError, BackendParts, BackupBackend as _, ResticBackend, RunRequest, Work};
use crate::backends::{ArchiveParts, Report, Seen, Source, Stored, archive};
use crate::docker::scripted::ScriptedEngine;
use crate::domain::clock::{Clock as _, SystemClock};
use crate::domain::ids::JobId;
use crate::domain::job::TargetKind;
use crate::domain::keep::KeepPolicy;
use crate::domain::log::Level;
use crate::domain::plan::{Destination, Hooks, Instance, MissedRun, Origin, ResticSettings};
use crate::domain::repository::RepositoryUrl;

/// The password of every repository here.
const PASSWORD: &str = "correct-horse";

/// A scratch directory with sources and a repository.
struct Bench {
    dir: TempDir,
    instance: Instance,
    node_name: String,
    report: Arc<Recorder>,
}

impl Bench {
    /// With a repository that is not made yet.
    fn empty() -> Self {
        let dir = TempDir::new().expect("a scratch directory");
        fs::create_dir(dir.path().join("source")).expect("a new directory");
        let instance = instance("nightly", &dir.path().join("repository").display().to_string());
        Self { dir, instance, node_name: "this-host".to_owned(), report: Arc::default() }
    }

    /// With a repository.
    async fn new() -> Self {
        let bench = Self::empty();
        bench.backend().prepare(&bench.work(), true).await.expect("a repository");
        bench
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes a file below the source.
    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path("source").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, content).expect("writable");
        path
    }

    /// Puts a program into the place of restic.
    fn shim(&mut self, script: &str) {
        let bin = self.path("bin");
        fs::create_dir_all(&bin).expect("a directory");
        fs::write(bin.join("restic"), format!("#!/bin/sh\n{script}\n")).expect("writable");
        fs::set_permissions(bin.join("restic"), fs::Permissions::from_mode(0o755)).expect("a mode");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH"));
        self.set("PATH", &path);
    }

    /// Has every restic written down from now on, see [`Self::asked`].
    fn watch(&mut self) {
        let (restic, seen) = (runs::which("restic"), self.path("asked"));
        self.shim(&format!("echo \"$1\" >>{}; exec {restic} \"$@\"", seen.display()));
    }

    /// The commands of restic since the last question.
    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.path("asked")).unwrap_or_default();
        fs::write(self.path("asked"), "").expect("writable");
        asked.lines().map(str::to_owned).collect()
    }

    /// Waits until a restic holds a lock.
    async fn until_locked(&self) {
        while !locks::names_in(&self.path("repository/locks")).iter().any(|name| name.len() == 64) {
            tokio::task::yield_now().await;
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.instance.env.insert(name.to_owned(), value.into());
    }

    fn settings(&mut self) -> &mut ResticSettings {
        let Destination::Restic(settings) = &mut self.instance.destination else { panic!("no restic") };
        settings
    }

    fn restic(&self) -> Restic {
        let Destination::Restic(settings) = &self.instance.destination else { panic!("no restic") };
        let mut restic = Restic::new(&self.instance, settings, &self.parts());
        restic.lock_patience = Duration::from_secs(1);
        restic
    }

    fn backend(&self) -> ResticBackend {
        ResticBackend(Arc::new(self.restic()))
    }

    fn parts(&self) -> BackendParts {
        BackendParts {
            docker: Arc::new(ScriptedEngine::new()),
            clock: Arc::new(SystemClock),
            node_name: self.node_name.clone(),
            staging_dir: self.path("staging"),
            cache_dir: self.path("cache"),
            archives: ArchiveParts {
                backup_dir: self.path("archives"),
                codec: archive::Codec::default(),
                workers: 1,
                version: "0",
                timezone: chrono_tz::UTC,
            },
        }
    }

    fn work(&self) -> Work {
        let report: Arc<dyn Report> = Arc::clone(&self.report) as Arc<dyn Report>;
        Work { report, cancel: CancellationToken::new(), stall_timeout: Duration::from_secs(60) }
    }

    fn request(&self) -> RunRequest {
        RunRequest {
            instance: self.instance.id.clone(),
            job: JobId::new(SystemClock.now()),
            node_name: self.node_name.clone(),
            started_at: SystemClock.now(),
            run_dir: self.path("staging").join("20260101-000000"),
            excludes: Vec::new(),
            tags: vec!["daily".to_owned()],
        }
    }

    /// The whole directory as a volume.
    fn volume(&self) -> Source {
        source("shop_data", self.path("source"), true)
    }

    /// A run from its beginning to its end.
    async fn run(&self, sources: &[Source], is_complete: bool) -> Result<Stored, BackendError> {
        let mut session = self.backend().begin(self.request(), self.work()).await?;
        let stored = async {
            session.precopy(sources).await?;
            session.capture(sources).await?;
            let mut stored = session.publish(sources).await?;
            session.verify(&mut stored, is_complete).await?;
            Ok(stored)
        };
        let stored = stored.await;
        session.end().await;
        stored
    }

    /// What restic itself says, as text.
    async fn ask(&self, arguments: &[&str]) -> String {
        let restic = self.restic();
        let call = super::process::Call::new(arguments.iter().copied());
        let (ended, lines) = restic.collect(&self.work(), call).await.expect("restic runs");
        format!("{}{}", lines.join("\n"), ended.text())
    }

    /// Every snapshot in the repository, hidden ones too.
    async fn all(&self) -> Vec<super::snapshots::Snapshot> {
        self.restic().all_snapshots(&self.work()).await.expect("a list")
    }
}

fn instance(id: &str, repository: &str) -> Instance {
    Instance {
        drill: None,
        id: id.parse().expect("an id"),
        origin: Origin::Config,
        destination: Destination::Restic(ResticSettings {
            repository: RepositoryUrl::new(repository),
            check_schedule: None,
            check_subset: None,
            adopts_old_snapshots: false,
        }),
        env: [("RESTIC_PASSWORD".to_owned(), PASSWORD.into())].into(),
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
    }
}

fn source(name: &str, path: impl Into<PathBuf>, is_live: bool) -> Source {
    let kind = if is_live { TargetKind::Volume } else { TargetKind::Database };
    Source { kind, name: name.to_owned(), paths: vec![path.into()], is_live }
}

/// Bytes that do not compress, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Keeps what it is told.
#[derive(Default)]
struct Recorder {
    lines: Mutex<Vec<(Level, String)>>,
    seen: Mutex<Vec<Seen>>,
}

impl Recorder {
    fn text(&self) -> String {
        let lines = self.lines.lock().expect("a lock");
        lines.iter().map(|(level, text)| format!("{level} {text}\n")).collect()
    }
}

impl Report for Recorder {
    fn log(&self, level: Level, _: Option<&str>, message: String) {
        self.lines.lock().expect("a lock").push((level, message));
    }

    fn progress(&self, seen: Seen) {
        self.seen.lock().expect("a lock").push(seen);
    }
}

/// Whether two trees hold the same files.
fn expect_same(left: &Path, right: &Path) {
    for entry in fs::read_dir(left).expect("readable") {
        let entry = entry.expect("an entry");
        let other = right.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            expect_same(&entry.path(), &other);
        } else {
            assert_eq!(fs::read(entry.path()).expect("readable"), fs::read(&other).expect("restored"), "{other:?}");
        }
    }
}

/// The sentence of an error that says what to do.
fn not_ready<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
    match result {
        Err(BackendError::NotReady(sentence) | BackendError::Absent(sentence)) => sentence,
        other => panic!("expected a repository that is not ready, got {other:?}"),
    }
}

fn at(seconds: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}
