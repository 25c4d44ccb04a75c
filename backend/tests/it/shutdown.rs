//! The end of the service: stacks come back first, in time, and a second signal loses nothing.

use std::time::{Duration, Instant};

use mainstay::domain::clock::SystemClock;
use mainstay::store::Store;
use rustix::process::Signal;

use crate::support::engine::Lab;
use crate::support::process::{Process, write_config};
use crate::support::stack::{DEAF_FOR_SECS, SampleStack, Shape};
use crate::support::store;

/// What Docker gives a container that is told to stop.
const DOCKERS_GRACE: Duration = Duration::from_secs(10);

struct Scene {
    lab: Lab,
    stack: SampleStack,
    config: std::path::PathBuf,
    _root: tempfile::TempDir,
}

impl Scene {
    async fn set(left_out: &str, shape: Shape) -> Option<Self> {
        let lab = Lab::open(left_out).await?;
        let root = tempfile::tempdir().expect("a directory");
        let config = write_config(root.path(), &store::new_database(root.path()).await, &[]);
        let stack = SampleStack::up(&lab, &root.path().join("stacks"), shape).await;
        Some(Self { lab, stack, config, _root: root })
    }

    async fn begin(&self, process: &Process) -> String {
        let job = process.client().await.call("backup_stack").path("name", &self.stack.name).ok().await;
        job["id"].as_str().expect("an id").to_owned()
    }

    async fn rows(&self) -> usize {
        let url = store::database_of(&self.config);
        let store = Store::connect(&url, std::sync::Arc::new(SystemClock)).await.expect("a store");
        store.list_journal().await.expect("the journal").len()
    }
}

#[tokio::test]
async fn a_stop_that_is_under_way_is_waited_for_and_undone_within_dockers_own_grace() {
    let shape = Shape { is_app_deaf: true, ..Shape::default() };
    let Some(scene) = Scene::set("SIGTERM while a container is slow to stop", shape).await else { return };
    let process = Process::start(&scene.config, &[]);
    let mut events = scene.lab.events_of(&scene.stack.app).await;
    let job = scene.begin(&process).await;
    events.wait_for("kill").await;
    let began = Instant::now();
    assert!(process.terminate());
    let took = began.elapsed();
    assert!(took < DOCKERS_GRACE, "{took:?}; the container alone takes {DEAF_FOR_SECS} s");
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    assert_eq!(scene.rows().await, 0);
    let again = Process::start(&scene.config, &[]);
    let job = again.client().await.call("get_job").path("id", &job).ok().await;
    assert_eq!(job["state"], "interrupted", "{job}");
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_loses_no_container() {
    let shape = Shape { is_app_deaf: true, ..Shape::default() };
    let Some(scene) = Scene::set("a second SIGTERM", shape).await else { return };
    let mut process = Process::start(&scene.config, &[]);
    let mut events = scene.lab.events_of(&scene.stack.app).await;
    scene.begin(&process).await;
    events.wait_for("kill").await;
    process.signal(Signal::TERM);
    process.wait_for_line("shutting down");
    let began = Instant::now();
    process.signal(Signal::TERM);
    assert!(!process.wait_for_end(), "it says that not everything is in order");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(scene.rows().await > 0, "what may be at rest is in the journal");
    let again = Process::start(&scene.config, &[]);
    events.wait_for("start").await;
    assert_eq!(scene.stack.is_up(&scene.lab).await, (true, true));
    drop(again);
}

#[tokio::test]
async fn a_signal_during_the_start_ends_it() {
    let Some(scene) = Scene::set("SIGTERM during the start", Shape::default()).await else { return };
    // An engine that takes the connection and never answers.
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("engine.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let engine = format!("unix://{}", socket.display());
    let mut process = Process::launch(&scene.config, &[("MAINSTAY_DOCKER_HOST", &engine)]);
    let _connection = listener.accept().expect("the start asks the engine");
    let began = Instant::now();
    process.signal(Signal::TERM);
    assert!(process.wait_for_end());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
