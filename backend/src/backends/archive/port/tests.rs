//! Runs of an instance from the first call to the last; GNU tar is the judge of what came of them.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::super::super::{Report, Seen, Source, Stored, build};
use super::*;
use crate::backends::archive::Codec;
use crate::docker::scripted::ScriptedEngine;
use crate::domain::clock::ManualClock;
use crate::domain::ids::JobId;
use crate::domain::job::{TargetKind, TargetState};
use crate::domain::plan::{Destination, Hooks, MissedRun, Origin};

/// Keeps what was told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Report for Told {
    fn log(&self, _: Level, target: Option<&str>, message: String) {
        self.0.lock().expect("no poison").push(format!("{}: {message}", target.unwrap_or("-")));
    }

    fn progress(&self, _: Seen) {}
}

/// A directory of archives, one of data, and an instance.
struct Bench {
    dir: TempDir,
    told: Arc<Told>,
    codec: Codec,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { dir: TempDir::new().expect("a directory"), told: Arc::default(), codec: Codec::default() };
        for name in ["backups", "staging", "data"] {
            fs::create_dir(bench.path(name)).expect("a directory");
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path("data").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    fn backend(&self, id: &str, node: &str) -> SharedBackend {
        let archives = ArchiveParts {
            backup_dir: self.path("backups"),
            codec: self.codec,
            workers: 2,
            timezone: chrono_tz::Europe::Berlin,
            version: "0.0.0",
        };
        let parts = BackendParts {
            docker: Arc::new(ScriptedEngine::default()),
            clock: Arc::new(ManualClock::new(at(0))),
            node_name: node.to_owned(),
            staging_dir: self.path("staging"),
            cache_dir: self.path("staging/.cache"),
            archives,
        };
        build(&instance(id), &parts)
    }

    fn work(&self) -> Work {
        let report = Arc::clone(&self.told) as Arc<dyn Report>;
        Work { report, cancel: CancellationToken::new(), stall_timeout: Duration::from_mins(5) }
    }

    fn request(&self, id: &str, second: i64, excludes: &[&str]) -> RunRequest {
        RunRequest {
            instance: id.parse().expect("an id"),
            job: JobId::new(at(second)),
            node_name: "node".to_owned(),
            started_at: at(second),
            run_dir: self.path("staging/run"),
            excludes: excludes.iter().map(ToString::to_string).collect(),
            tags: vec!["nightly".to_owned()],
        }
    }

    fn volume(&self) -> Source {
        source(TargetKind::Volume, "app-data", &self.path("data"), true)
    }

    /// A whole run, with `between` after the first pass.
    async fn run_with(
        &self,
        second: i64,
        sources: &[Source],
        excludes: &[&str],
        between: impl FnOnce() + Send,
    ) -> Stored {
        let backend = self.backend("nightly", "node");
        let mut session =
            backend.begin(self.request("nightly", second, excludes), self.work()).await.expect("a session");
        session.precopy(sources).await.expect("a first pass");
        between();
        session.capture(sources).await.expect("a pass at rest");
        let mut stored = session.publish(sources).await.expect("an archive");
        let is_complete = stored.outcomes.iter().all(|o| o.state == TargetState::Succeeded);
        session.verify(&mut stored, is_complete).await.expect("a sound archive");
        session.end().await;
        stored
    }

    async fn run(&self, second: i64) -> Stored {
        self.run_with(second, &[self.volume()], &[], || {}).await
    }

    async fn snapshots(&self) -> Vec<FoundSnapshot> {
        self.backend("nightly", "node").snapshots(&self.work()).await.expect("a list")
    }

    /// Names in the directory of archives, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("backups")).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// What GNU tar makes of an archive; the path of its top directory.
    fn unpack(&self, stored: &Stored) -> PathBuf {
        let archive = stored.reference.as_deref().expect("a reference");
        let to = self.dir.path().join(format!("unpacked-{}", self.told.0.lock().expect("no poison").len()));
        fs::create_dir(&to).expect("a directory");
        tar(&["-xf", archive, "-C", to.to_str().expect("UTF-8")]);
        fs::read_dir(&to).expect("a directory").next().expect("an entry").expect("an entry").path()
    }
}

#[expect(clippy::disallowed_methods, reason = "another program is the judge of our archives")]
fn tar(args: &[&str]) {
    let output = std::process::Command::new("tar").args(args).output().expect("GNU tar");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("a time") + TimeDelta::seconds(second)
}

fn source(kind: TargetKind, name: &str, path: &Path, is_live: bool) -> Source {
    Source { kind, name: name.to_owned(), paths: vec![path.to_owned()], is_live }
}

fn instance(id: &str) -> Instance {
    Instance {
        drill: None,
        id: id.parse().expect("an id"),
        origin: Origin::Config,
        destination: Destination::Archive,
        env: std::collections::BTreeMap::new(),
        schedule: None,
        timezone: None,
        retention: crate::domain::keep::KeepPolicy::default(),
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

#[tokio::test]
async fn what_changed_between_the_passes_is_as_it_was_at_rest() {
    for codec in [Codec::default(), Codec::Gzip { level: 9 }, Codec::Zstd { level: 3 }] {
        let bench = Bench { codec, ..Bench::new() };
        bench.write("same", "unchanged");
        bench.write("large", vec![7; 3 << 20]);
        bench.write("changed", "before");
        bench.write("gone", "gone");
        let dump = bench.path("staging/dump.sql");
        let sources = [bench.volume(), source(TargetKind::Database, "db", &dump, false)];
        let stored = bench
            .run_with(0, &sources, &[], || {
                bench.write("changed", "behind");
                bench.write("new/one", "new");
                fs::remove_file(bench.path("data/gone")).expect("a file");
                fs::write(&dump, "select 1;").expect("a dump");
            })
            .await;
        let states: Vec<TargetState> = stored.outcomes.iter().map(|o| o.state).collect();
        assert_eq!(states, [TargetState::Succeeded; 2], "{:?}", stored.outcomes);
        let archive = stored.reference.as_deref().expect("a reference");
        assert!(archive.ends_with(&format!("nightly_2026-01-01_01-00-00.{}", codec.extension())), "{archive}");
        let top = bench.unpack(&stored);
        assert_eq!(top.file_name().expect("a name"), "nightly_2026-01-01_01-00-00");
        let read = |name: &str| fs::read(top.join(name)).expect("a file");
        assert_eq!(read("databases/db/dump.sql"), b"select 1;");
        assert_eq!(read("volumes/app-data/changed"), b"behind");
        assert_eq!(read("volumes/app-data/new/one"), b"new");
        assert_eq!(read("volumes/app-data/same"), b"unchanged");
        assert_eq!(read("volumes/app-data/large"), vec![7; 3 << 20]);
        assert!(!top.join("volumes/app-data/gone").exists());
        assert_eq!(bench.names().len(), 2, "the archive and its index alone: {:?}", bench.names());
    }
}

#[tokio::test]
async fn an_archive_is_found_by_what_it_says_of_itself() {
    let bench = Bench::new();
    bench.write("a", "one");
    let stored = bench.run(0).await;
    let second = bench.run(0).await;
    assert!(second.reference.as_deref().is_some_and(|path| path.ends_with("_2.tar.gz")), "{second:?}");
    let found = bench.snapshots().await;
    assert_eq!(found.len(), 2);
    let first = &found[1];
    assert_eq!(Some(&first.reference), stored.reference.as_ref());
    assert_eq!((first.at, first.is_ours, first.is_complete, first.host.as_str()), (at(0), true, true, "node"));
    assert_eq!((&first.tags, &first.paths), (&vec!["nightly".to_owned()], &vec![bench.path("data")]));
    let stats = bench.backend("nightly", "node").stats(&bench.work()).await.expect("numbers");
    assert_eq!(stats.snapshot_count, 2);
    assert_eq!(stats.size_bytes, stored.bytes_stored + second.bytes_stored);

    fs::remove_file(format!("{}.index", first.reference)).expect("an index");
    assert_eq!(bench.snapshots().await, found, "the index is only a cache");
    let other = bench.backend("nightly", "elsewhere").snapshots(&bench.work()).await.expect("a list");
    assert!(other.iter().all(|snapshot| !snapshot.is_ours) && other.len() == 2, "{other:?}");
}

#[tokio::test]
async fn an_archive_with_gaps_never_counts_as_complete() {
    let bench = Bench::new();
    bench.write("a", "one");
    let sources = [bench.volume(), source(TargetKind::Path, "/missing", &bench.path("missing"), true)];
    let stored = bench.run_with(0, &sources, &[], || {}).await;
    assert_eq!(stored.outcomes[1].state, TargetState::Failed);
    assert!(stored.reference.as_deref().is_some_and(|path| path.ends_with("_incomplete.tar.gz")));
    assert!(!bench.snapshots().await[0].is_complete);

    // The engine knows of more than the archive does: a container that was started meanwhile, a dump that failed.
    let backend = bench.backend("nightly", "node");
    let mut session = backend.begin(bench.request("nightly", 9, &[]), bench.work()).await.expect("a session");
    session.precopy(&[bench.volume()]).await.expect("a first pass");
    session.capture(&[bench.volume()]).await.expect("a pass at rest");
    let mut stored = session.publish(&[bench.volume()]).await.expect("an archive");
    session.verify(&mut stored, false).await.expect("a sound archive");
    session.end().await;
    let newest = bench.snapshots().await.swap_remove(0);
    assert_eq!((newest.at, newest.is_complete), (at(9), false));
    assert_eq!(Some(newest.reference), stored.reference);
}

#[tokio::test]
async fn an_empty_dump_and_nothing_at_all_are_failures() {
    let bench = Bench::new();
    fs::write(bench.path("staging/dump.sql"), "").expect("a file");
    let dump = source(TargetKind::Database, "db", &bench.path("staging/dump.sql"), false);
    let backend = bench.backend("nightly", "node");
    let mut session = backend.begin(bench.request("nightly", 0, &[]), bench.work()).await.expect("a session");
    session.precopy(&[]).await.expect("nothing to do");
    session.capture(&[]).await.expect("nothing to do");
    assert!(session.publish(&[dump]).await.is_err());
    session.end().await;
    assert_eq!(bench.names(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_kill_leaves_is_swept_and_nothing_else() {
    let bench = Bench::new();
    bench.write("a", "one");
    bench.run(0).await;
    let job = JobId::new(at(5));
    let mark = names::node_mark("node");
    let top = "nightly_2026-01-01_00-00-05";
    let ours = ["-precopy.partial", "-capture.partial", "-archive.partial", "-archive.partial.index"];
    let ours = ours.map(|what| format!(".{top}.{job}.{mark}.instance{what}"));
    let foreign = [
        format!(".{top}.{job}.00000000.instance-archive.partial"),
        format!(".other_2026-01-01_00-00-05.{job}.{mark}.instance-archive.partial"),
        format!("{top}.tar.gz.partial"),
        format!(".{top}.{job}.capture.partial"),
        "notes.partial".to_owned(),
    ];
    for name in ours.iter().chain(&foreign) {
        fs::write(bench.path("backups").join(name), "x").expect("a file");
    }
    let told = bench.backend("nightly", "node").sweep(&bench.work()).await.expect("a sweep");
    assert_eq!(told.len(), ours.len(), "{told:?}");
    let names = bench.names();
    assert!(ours.iter().all(|name| !names.contains(name)), "{names:?}");
    assert!(foreign.iter().all(|name| names.contains(name)), "{names:?}");
    assert_eq!(names.len(), foreign.len() + 2, "the archive and its index stay");
}

#[tokio::test]
async fn a_session_that_is_dropped_or_ended_early_leaves_nothing() {
    let bench = Bench::new();
    bench.write("a", "one");
    let backend = bench.backend("nightly", "node");
    for has_published in [false, true] {
        let mut session = backend.begin(bench.request("nightly", 0, &[]), bench.work()).await.expect("a session");
        session.precopy(&[bench.volume()]).await.expect("a first pass");
        session.capture(&[bench.volume()]).await.expect("a pass at rest");
        if has_published {
            session.publish(&[bench.volume()]).await.expect("an archive");
            assert!(bench.snapshots().await.is_empty(), "it was not verified");
        }
        session.end().await;
        assert_eq!(bench.names(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn only_archives_of_this_instance_are_forgotten() {
    let bench = Bench::new();
    bench.write("a", "one");
    let stored = bench.run(0).await;
    let newer = bench.run(60).await;
    let reference = stored.reference.expect("a reference");
    let foreign = bench.path("backups/nightly_2020-01-01_00-00-00.tar.gz");
    fs::write(&foreign, "not an archive").expect("a file");
    let notes = bench.path("data/a");
    let backend = bench.backend("nightly", "node");
    for strange in [&foreign, &notes] {
        let named = [reference.clone(), strange.display().to_string()];
        assert!(backend.forget(&bench.work(), &named).await.is_err());
        assert!(strange.exists() && Path::new(&reference).exists(), "nothing goes when one of them is strange");
    }
    let elsewhere = bench.backend("nightly", "elsewhere");
    assert!(elsewhere.forget(&bench.work(), std::slice::from_ref(&reference)).await.is_err());
    assert!(bench.told.0.lock().expect("no poison").iter().any(|line| line.contains("cannot be judged")));

    let freed = backend.forget(&bench.work(), std::slice::from_ref(&reference)).await.expect("a forget");
    assert_eq!(freed, Some(stored.bytes_stored));
    assert!(!Path::new(&reference).exists() && !Path::new(&format!("{reference}.index")).exists());
    assert!(newer.reference.is_some_and(|path| Path::new(&path).exists()) && foreign.exists());
    let again = backend.forget(&bench.work(), &[reference]).await.expect("what is gone is forgotten");
    assert_eq!(again, Some(0));
}

#[tokio::test]
async fn damage_is_found_by_a_check() {
    let bench = Bench::new();
    let noise: Vec<u8> = (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    bench.write("noise", &noise);
    let sound = bench.run(0).await.reference.expect("a reference");
    bench.write("noise", &noise[4..]);
    let flipped = bench.run(60).await.reference.expect("a reference");
    bench.write("noise", &noise[8..]);
    let cut = bench.run(120).await.reference.expect("a reference");
    let backend = bench.backend("nightly", "node");
    assert_eq!(backend.check(&bench.work()).await.expect("a check"), Vec::<String>::new());

    let file = fs::OpenOptions::new().read(true).write(true).open(&flipped).expect("a file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, 300_000).expect("a byte");
    file.write_all_at(&[!byte[0]], 300_000).expect("a byte");
    let file = fs::OpenOptions::new().write(true).open(&cut).expect("a file");
    file.set_len(400_000).expect("a shorter file");
    let wrong = backend.check(&bench.work()).await.expect("a check");
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong.iter().any(|line| line.contains(&flipped)) && wrong.iter().any(|line| line.contains(&cut)));
    assert!(!wrong.iter().any(|line| line.contains(&sound)));
}

#[tokio::test]
async fn an_archive_that_was_damaged_before_it_was_verified_gets_no_name() {
    let bench = Bench::new();
    bench.write("a", "one");
    let backend = bench.backend("nightly", "node");
    let mut session = backend.begin(bench.request("nightly", 0, &[]), bench.work()).await.expect("a session");
    session.precopy(&[bench.volume()]).await.expect("a first pass");
    session.capture(&[bench.volume()]).await.expect("a pass at rest");
    let mut stored = session.publish(&[bench.volume()]).await.expect("an archive");
    let partial = bench.names().into_iter().find(|name| name.ends_with(".partial")).expect("a partial file");
    let file = fs::OpenOptions::new().write(true).open(bench.path("backups").join(partial)).expect("a file");
    file.write_all_at(b"damage", 40).expect("a write");
    assert!(session.verify(&mut stored, true).await.is_err());
    session.end().await;
    assert_eq!(bench.names(), Vec::<String>::new());
}

#[tokio::test]
async fn patterns_and_directories_of_ours_are_left_out() {
    let bench = Bench::new();
    bench.write("keep", "one");
    bench.write("deep/x.log", "one");
    bench.write("cache/big", "one");
    fs::write(bench.path("staging/secret"), "one").expect("a file");
    let all = source(TargetKind::Path, "/all", bench.dir.path(), true);
    let stored = bench.run_with(0, &[all], &["*.log", "cache", "!keep"], || {}).await;
    let top = bench.unpack(&stored).join("paths/1");
    assert!(top.join("data/keep").exists() && top.join("data/deep").exists());
    for name in ["data/deep/x.log", "data/cache", "backups", "staging"] {
        assert!(!top.join(name).exists(), "{name}");
    }
    let told = bench.told.0.lock().expect("no poison");
    assert!(told.iter().any(|line| line.contains("'!keep' leaves nothing out")), "{told:?}");
}

#[tokio::test]
async fn a_cancel_ends_a_run() {
    let bench = Bench::new();
    bench.write("a", "one");
    let (backend, work) = (bench.backend("nightly", "node"), bench.work());
    let mut session = backend.begin(bench.request("nightly", 0, &[]), work.clone()).await.expect("a session");
    work.cancel.cancel();
    assert!(matches!(session.precopy(&[bench.volume()]).await, Err(BackendError::Cancelled)));
    assert!(matches!(session.capture(&[bench.volume()]).await, Err(BackendError::Cancelled)));
    session.end().await;
    assert_eq!(bench.names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_place_that_is_not_there_is_told() {
    let bench = Bench::new();
    let backend = bench.backend("nightly", "node");
    assert_eq!(backend.prepare(&bench.work(), false).await.expect("ready").warnings, Vec::<String>::new());
    assert_eq!(bench.names(), Vec::<String>::new());
    fs::remove_dir(bench.path("backups")).expect("an empty directory");
    assert!(matches!(backend.prepare(&bench.work(), false).await, Err(BackendError::NotReady(_))));
    assert_eq!(backend.sweep(&bench.work()).await.expect("nothing to sweep"), Vec::<String>::new());
    backend.prepare(&bench.work(), true).await.expect("made");
    assert!(bench.path("backups").is_dir());
}
