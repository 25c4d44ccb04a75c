//! `kill -9` of the true binary, at every step of a job and at the places between them.
//!
//! After the restart every container that ran runs, no half archive is visible, the job is `interrupted`, and the log
//! says what was done.

use mainstay::docker::ContainerEngine;
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
    let Some(bench) = bench("kill -9 before an archive is recorded", Shape::default()).await else { return };
    for place in BEFORE_THE_RECORD {
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
    wait_for_die(&mut events, &db).await;
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
    wait_for_die(&mut events, &db).await;
    assert!(process.terminate());
    assert_eq!(bench.stack.is_up(&bench.lab).await, (true, true));
    let again = Process::start(&bench.config, &[]);
    let job = again.client().await.call("get_job").path("id", &id).ok().await;
    let state = job["state"].as_str().expect("a state");
    assert!(["interrupted", "succeeded"].contains(&state), "{job}");
}

async fn wait_for_die(events: &mut (impl futures_util::Stream<Item = mainstay::docker::EngineEvent> + Unpin), wanted: &str) {
    use futures_util::StreamExt as _;
    use mainstay::docker::EngineEvent;
    let find = async {
        while let Some(event) = events.next().await {
            if matches!(&event, EngineEvent::Container { id, action, .. } if id == wanted && action == "die") {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), find).await.expect("the container is stopped");
}
