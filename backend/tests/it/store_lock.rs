//! Another process has the database locked: a stack is not kept down by that, and nothing of the journal is lost.
//!
//! SQLite only, whatever the rest of the suite runs on: PostgreSQL has no lock that keeps everybody out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::engine::Lab;
use crate::support::process::{Process, write_config};
use crate::support::service::wait_for_end;
use crate::support::stack::{SampleStack, Shape};

/// A process that has the database locked, until it is dropped.
struct Locker(Child);

impl Locker {
    fn of(database: &Path) -> Self {
        let script = "import sqlite3, sys\n\
                      db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n\
                      db.execute('BEGIN EXCLUSIVE')\n\
                      print('locked', flush=True)\n\
                      sys.stdin.read()\n";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "locked\n");
        Self(child)
    }
}

impl Drop for Locker {
    fn drop(&mut self) {
        // It ends by itself when nobody can write to it any more.
        if let Some(mut stdin) = self.0.stdin.take() {
            let _ = stdin.flush();
        }
        let _ = self.0.wait();
    }
}

struct Scene {
    lab: Lab,
    stack: SampleStack,
    config: PathBuf,
    database: PathBuf,
    _root: tempfile::TempDir,
}

impl Scene {
    async fn set(left_out: &str, shape: Shape) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let root = tempfile::tempdir().expect("a directory");
        let database = root.path().join("store.db");
        let config = write_config(root.path(), &format!("sqlite://{}", database.display()), &[]);
        let stack = SampleStack::up(&lab, &root.path().join("stacks"), shape).await;
        Some(Self { lab, stack, config, database, _root: root })
    }
}

#[tokio::test]
async fn a_start_behind_a_lock_brings_the_stack_back_before_the_lock_ends() {
    let Some(scene) = Scene::set("a start with a locked database", Shape::default()).await else { return };
    let mut first = Process::start(&scene.config, &[("MAINSTAY_PAUSE_AT", "quiesce.after")]);
    let job = first.client().await.call("backup_stack").path("name", &scene.stack.name).ok().await;
    first.wait_for_line("paused at quiesce.after");
    first.kill();
    let locker = Locker::of(&scene.database);
    let (mut db, mut app) = (scene.lab.events_of(&scene.stack.db).await, scene.lab.events_of(&scene.stack.app).await);
    let began = Instant::now();
    let mut second = Process::launch(&scene.config, &[]);
    db.wait_for("start").await;
    app.wait_for("start").await;
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    drop(locker);
    second.wait_until_it_answers();
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    let client = second.client().await;
    let job = client.call("get_job").path("id", job["id"].as_str().expect("an id")).ok().await;
    assert_eq!(job["state"], "interrupted", "{job}");
    let report = client.call("resume_journal").ok().await;
    assert_eq!(report["all_back"], true, "{report}");
}

#[tokio::test]
async fn a_lock_while_the_stack_is_at_rest_keeps_it_down_for_moments_only() {
    // One that is slow to stop leaves time to lock the database after the journal is written.
    let shape = Shape { is_app_deaf: true, ..Shape::default() };
    let Some(scene) = Scene::set("a database that gets locked while the stack is at rest", shape).await else { return };
    let process = Process::start(&scene.config, &[]);
    let client = process.client().await;
    let (mut db, mut app) = (scene.lab.events_of(&scene.stack.db).await, scene.lab.events_of(&scene.stack.app).await);
    let job = client.call("backup_stack").path("name", &scene.stack.name).ok().await;
    app.wait_for("kill").await;
    let locker = Locker::of(&scene.database);
    db.wait_for("die").await;
    let began = Instant::now();
    app.wait_for("start").await;
    let down = began.elapsed();
    // The name of the partial file has to be recorded before the file is made, so that one step may wait in vain.
    println!("down for {down:?} behind the lock");
    assert!(down < Duration::from_secs(20), "{down:?}");
    drop(locker);
    let job = wait_for_end(&client, job["id"].as_str().expect("an id")).await;
    assert!(["succeeded", "failed"].contains(&job["state"].as_str().expect("a state")), "{job:#}");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    assert_eq!(client.call("resume_journal").ok().await["all_back"], true);
}
