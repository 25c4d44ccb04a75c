//! `kill -9` of the true binary, at every step of a job and at the places between them.
//!
//! After the restart every container that ran runs, no half archive is visible, the job is `interrupted`, and the log
//! says what was done.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use mainstay::docker::{ContainerEngine, EngineEvent};
use mainstay::domain::clock::SystemClock;
use mainstay::store::Store;
use serde_json::Value;

use crate::support::engine::Lab;
use crate::support::process::{Process, write_config};
use crate::support::service::list;
use crate::support::stack::{SampleStack, Shape};
use crate::support::{client::Client, store};

struct Bench {
    lab: Lab,
    root: tempfile::TempDir,
    stack: SampleStack,
    config: std::path::PathBuf,
}

async fn bench(left_out: &str, shape: Shape) -> Option<Bench> {
    let lab = Lab::open(left_out).await?;
    let root = tempfile::tempdir().expect("a directory");
    let url = store::new_database(root.path()).await;
    let config = write_config(root.path(), &url, &[]);
    let stack = SampleStack::up(&lab, &root.path().join("stacks"), shape).await;
    Some(Bench { lab, root, stack, config })
}

async fn begin(client: &Client, stack: &str) -> String {
    let job = client.call("backup_stack").path("name", stack).ok().await;
    job["id"].as_str().expect("an id").to_owned()
}

/// Kills the service at `place`, starts it again, and returns the job as it is then.
async fn kill_at(bench: &Bench, place: &str) -> Value {
    let mut first = Process::start(&bench.config, &[("MAINSTAY_PAUSE_AT", place)]);
    let id = begin(&first.client().await, &bench.stack.name).await;
    first.wait_for_line(&format!("paused at {place}"));
    first.kill();
    let second = Process::start(&bench.config, &[]);
    let client = second.client().await;
    let job = client.call("get_job").path("id", &id).ok().await;
    let log = client.call("get_job_log").path("id", &id).ok().await;
    assert!(log.to_string().contains("interrupted"), "{place}: the log says nothing: {log}");
    assert!(second.terminate(), "{place}: the second service ends well");
    job
}

/// The places at which the job has recorded no archive yet.
const BEFORE_THE_RECORD: &[&str] = &[
    "resolve.before",
    "resolve.after",
    "preflight.before",
    "preflight.after",
    "quiesce.before",
    "quiesce.journaled",
    "quiesce.first",
    "quiesce.after",
    "capture.before",
    "capture.target",
    "capture.after",
    "resume.before",
    "resume.first",
    "resume.after",
    "publish.before",
    "publish.after",
    "verify.before",
];

/// The places at which the archive was verified and recorded.
const AFTER_THE_RECORD: &[&str] =
    &["verify.recorded", "verify.published", "verify.after", "retention.before", "retention.after", "report.before"];

#[tokio::test]
async fn a_kill_before_the_record_leaves_nothing_stopped_and_no_archive() {
    for place in BEFORE_THE_RECORD {
        // A stack of its own: a stop that a kill left under way is waited for before the next job.
        let Some(bench) = bench("kill -9 before an archive is recorded", Shape::default()).await else { return };
        let job = kill_at(&bench, place).await;
        assert_eq!(job["state"], "interrupted", "{place}: {job}");
        assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true), "{place}");
        assert_eq!(list(&bench.root.path().join("backups")), [""; 0], "{place}");
    }
}

#[tokio::test]
async fn a_kill_after_the_record_leaves_a_whole_archive() {
    let Some(bench) = bench("kill -9 after an archive is recorded", Shape::default()).await else { return };
    for (n, place) in AFTER_THE_RECORD.iter().enumerate() {
        let job = kill_at(&bench, place).await;
        assert_eq!(job["state"], "interrupted", "{place}: {job}");
        assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true), "{place}");
        let archives = list(&bench.root.path().join("backups"));
        assert_eq!(archives.len(), n + 1, "{place}: {archives:?}");
        assert!(archives.iter().all(|name| name.ends_with(".tar.gz")), "{place}: {archives:?}");
        for archive in archives {
            let path = bench.root.path().join("backups").join(archive);
            let test = std::process::Command::new("gzip").arg("-t").arg(path).status().expect("gzip");
            assert!(test.success(), "{place}");
        }
    }
}

#[tokio::test]
async fn a_backup_dir_that_is_not_there_after_a_kill_loses_no_archive() {
    let Some(bench) = bench("a restart without backup_dir", Shape::default()).await else { return };
    let mut first = Process::start(&bench.config, &[("MAINSTAY_PAUSE_AT", "verify.recorded")]);
    begin(&first.client().await, &bench.stack.name).await;
    first.wait_for_line("paused at verify.recorded");
    first.kill();
    let (backups, elsewhere) = (bench.root.path().join("backups"), bench.root.path().join("elsewhere"));
    std::fs::rename(&backups, &elsewhere).expect("moved");
    assert!(Process::start(&bench.config, &[]).terminate());
    if backups.exists() {
        std::fs::remove_dir(&backups).expect("nothing was written");
    }
    std::fs::rename(&elsewhere, &backups).expect("moved back");
    let third = Process::start(&bench.config, &[]);
    let archives = list(&backups);
    assert!(archives.len() == 1 && archives[0].ends_with(".tar.gz"), "it has its name now: {archives:?}");
    let snapshots = third.client().await.call("list_snapshots").ok().await;
    assert_eq!(snapshots["items"].as_array().map(Vec::len), Some(1), "{snapshots}");
}

#[tokio::test]
async fn what_was_stopped_before_stays_stopped_after_a_kill() {
    let shape = Shape { is_app_stopped: true, ..Shape::default() };
    let Some(bench) = bench("kill -9 with a partly running stack", shape).await else { return };
    for place in ["quiesce.after", "capture.target", "resume.before"] {
        kill_at(&bench, place).await;
        assert_eq!(bench.stack.is_up(&bench.lab).await, (true, false), "{place}");
    }
}

#[tokio::test]
async fn a_kill_at_the_moment_a_container_ends_needs_no_hook() {
    let Some(bench) = bench("kill -9 between stop and start", Shape::default()).await else { return };
    let mut events = bench.lab.engine.events();
    let process = Process::start(&bench.config, &[]);
    begin(&process.client().await, &bench.stack.name).await;
    let db = bench.lab.engine.inspect_container(&bench.stack.db).await.expect("a container").container.id;
    wait_for(&mut events, &db, "die").await;
    process.kill();
    drop(Process::start(&bench.config, &[]));
    assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true));
}

#[tokio::test]
async fn a_second_service_on_the_same_store_is_refused() {
    let Some(bench) = bench("two services on one store", Shape::default()).await else { return };
    let _first = Process::start(&bench.config, &[]);
    let second = crate::support::process::mainstay().arg("serve").arg("--config").arg(&bench.config).output();
    let second = second.expect("the binary runs");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && text.contains("another Mainstay"), "{text}");
}

#[tokio::test]
async fn a_termination_brings_the_stack_back_first() {
    let Some(bench) = bench("SIGTERM during a job", Shape::default()).await else { return };
    let mut events = bench.lab.engine.events();
    let process = Process::start(&bench.config, &[]);
    let id = begin(&process.client().await, &bench.stack.name).await;
    let db = bench.lab.engine.inspect_container(&bench.stack.db).await.expect("a container").container.id;
    wait_for(&mut events, &db, "die").await;
    assert!(process.terminate());
    assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true));
    let again = Process::start(&bench.config, &[]);
    let job = again.client().await.call("get_job").path("id", &id).ok().await;
    let state = job["state"].as_str().expect("a state");
    assert!(["interrupted", "succeeded"].contains(&state), "{job}");
}

#[tokio::test]
async fn a_stop_that_outlives_the_service_is_made_good_when_it_lands() {
    let shape = Shape { is_app_deaf: true, ..Shape::default() };
    let Some(bench) = bench("kill -9 while a stop is under way", shape).await else { return };
    let mut events = bench.lab.engine.events();
    let process = Process::start(&bench.config, &[]);
    let app = bench.lab.engine.inspect_container(&bench.stack.app).await.expect("a container").container.id;
    begin(&process.client().await, &bench.stack.name).await;
    wait_for(&mut events, &app, "kill").await;
    process.kill();
    let second = Process::start(&bench.config, &[]);
    assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true), "the engine still waits for it to end");
    wait_for(&mut events, &app, "die").await;
    wait_for(&mut events, &app, "start").await;
    wait_until_cleared(&bench.config, &app).await;
    assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true));
    assert!(second.terminate());
}

#[tokio::test]
async fn a_container_that_could_not_be_started_comes_back_while_the_job_goes_on() {
    let Some(bench) = bench("a start that fails for a while", Shape::default()).await else { return };
    let mut events = bench.lab.engine.events();
    let mut process = Process::start(&bench.config, &[("MAINSTAY_PAUSE_AT", "publish.before")]);
    begin(&process.client().await, &bench.stack.name).await;
    let app = bench.lab.engine.inspect_container(&bench.stack.app).await.expect("a container").container.id;
    wait_for(&mut events, &app, "die").await;
    // A file cannot be mounted over a directory, so the engine refuses to start the container.
    let data = bench.root.path().join("stacks").join(&bench.stack.name).join("data");
    let aside = bench.root.path().join("aside");
    std::fs::rename(&data, &aside).expect("moved");
    std::fs::write(&data, "in the way").expect("written");
    process.wait_for_line("paused at publish.before");
    assert_eq!(bench.stack.is_up(&bench.lab).await, (true, false));
    std::fs::remove_file(&data).expect("removed");
    std::fs::rename(&aside, &data).expect("moved back");
    wait_for(&mut events, &app, "start").await;
    wait_until_cleared(&bench.config, &app).await;
    process.kill();
}

/// Waits until the stop journal holds the container no more.
async fn wait_until_cleared(config: &std::path::Path, container: &str) {
    let store = Store::connect(&store::database_of(config), Arc::new(SystemClock)).await.expect("a store");
    let cleared = async {
        while store.list_journal().await.expect("the journal").iter().any(|row| row.held.id == container) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), cleared).await.expect("its row is cleared");
}

async fn wait_for(events: &mut (impl Stream<Item = EngineEvent> + Unpin), wanted: &str, what: &str) {
    let find = async {
        while let Some(event) = events.next().await {
            if matches!(&event, EngineEvent::Container { id, action, .. } if id == wanted && action == what) {
                return;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), find).await;
    found.unwrap_or_else(|_| panic!("the engine does not tell of a {what}"));
}

#[tokio::test]
async fn an_interrupted_command_brings_the_stack_back_before_it_ends() {
    let Some(bench) = bench("Ctrl-C during a command without a service", Shape::default()).await else { return };
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let mut events = bench.lab.engine.events();
        let mut command = crate::support::process::mainstay();
        command.arg("backup").arg(&bench.stack.name).arg("--config").arg(&bench.config);
        let child = command.stderr(std::process::Stdio::piped()).spawn().expect("the binary starts");
        let db = bench.lab.engine.inspect_container(&bench.stack.db).await.expect("a container").container.id;
        wait_for(&mut events, &db, "die").await;
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("a signal");
        let output = child.wait_with_output().expect("ended");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some_and(|code| code == 1 || code == 0), "{output:?}");
        assert!(output.status.success() || text.contains("what was stopped runs again"), "{text}");
        assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true), "{signal:?}: {text}");
    }
}
