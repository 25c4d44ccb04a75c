//! The view over time, with a scripted engine.

use std::time::Duration;

use super::*;
use crate::docker::scripted::{CallKind, ScriptedEngine, running_container};
use crate::domain::clock::{Clock, ManualClock};
use crate::domain::stack::{ContainerState, StackState, labels};
use tokio_util::sync::CancellationToken;

struct World {
    dir: tempfile::TempDir,
    engine: ScriptedEngine,
    clock: Arc<ManualClock>,
    discovery: Discovery,
}

/// One stack with a directory, one with containers alone.
fn world() -> World {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("blog")).expect("made");
    std::fs::write(dir.path().join("blog/compose.yaml"), "services: {web: {}}").expect("written");
    let engine = ScriptedEngine::new();
    for (id, project) in [("a1", "blog"), ("b1", "lone")] {
        let mut detail = running_container(id, id);
        detail.container.labels.insert(labels::PROJECT.to_owned(), project.to_owned());
        engine.add_container(detail);
    }
    let clock = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
    let discovery = Discovery::new(settings(dir.path().to_owned()), engine.shared(), clock.clone());
    World { dir, engine, clock, discovery }
}

fn settings(stacks_dir: PathBuf) -> DiscoverySettings {
    DiscoverySettings { stacks_dir, skip_stop: vec![], host: "local".to_owned(), excluded_paths: vec![] }
}

fn names(view: &View) -> Vec<(&str, StackState)> {
    view.stacks.iter().map(|stack| (stack.name.as_str(), stack.state)).collect()
}

#[tokio::test]
async fn a_refresh_sees_what_is_there() {
    let World { dir: _dir, engine, clock, discovery } = world();
    assert_eq!(discovery.view().taken_at, None);
    let view = discovery.refresh().await;
    assert_eq!(names(&view), [("blog", StackState::Running), ("lone", StackState::Running)]);
    assert!(view.engine.reachable);
    assert_eq!(view.engine.info.as_ref().map(|info| info.version.as_str()), Some("20.10.24"));
    assert_eq!(*view, *discovery.view());
    clock.advance(chrono::Duration::seconds(5));
    engine.set_reachable(false);
    let view = discovery.refresh().await;
    assert_eq!(names(&view), [("blog", StackState::Unknown), ("lone", StackState::Unknown)]);
    assert!(!view.engine.reachable && view.engine.error.is_some());
    assert_eq!(view.engine.since, clock.now());
    clock.advance(chrono::Duration::seconds(5));
    assert_ne!(discovery.refresh().await.engine.since, clock.now(), "it is unreachable since then, not since now");
    engine.set_reachable(true);
    assert!(discovery.refresh().await.engine.reachable);
}

#[tokio::test]
async fn without_an_engine_from_the_start() {
    let World { dir: _dir, engine, discovery, .. } = world();
    engine.set_reachable(false);
    assert_eq!(names(&*discovery.refresh().await), [("blog", StackState::Unknown)]);
}

#[tokio::test]
async fn volumes_that_may_not_be_listed_are_a_warning() {
    let World { dir: _dir, engine, discovery, .. } = world();
    engine.fail_nth(CallKind::ListVolumes, 1, ScriptedEngine::rejection("no"));
    let view = discovery.refresh().await;
    assert!(view.engine.reachable);
    assert_eq!(view.stacks.len(), 2);
    assert!(view.warnings[0].starts_with("the volumes could not be listed"), "{:?}", view.warnings);
}

#[tokio::test]
async fn a_missing_stacks_dir_hides_no_containers() {
    let World { dir, engine, clock, .. } = world();
    let discovery = Discovery::new(settings(dir.path().join("none")), engine.shared(), clock);
    let view = discovery.refresh().await;
    assert_eq!(view.stacks.len(), 2);
    assert!(view.warnings[0].contains("does not exist: create it"), "{:?}", view.warnings);
}

#[tokio::test]
async fn stacks_are_found_by_name_and_by_directory() {
    let World { dir, discovery, .. } = world();
    std::fs::create_dir(dir.path().join("Big.Dir")).expect("made");
    discovery.refresh().await;
    let find = |name: &str| discovery.find_stack(&name.parse().expect("a name")).map(|stack| stack.name.to_string());
    assert_eq!(find("blog").as_deref(), Some("blog"));
    assert_eq!(find("Big.Dir").as_deref(), Some("bigdir"));
    assert_eq!(find("none"), None);
}

#[tokio::test]
async fn a_plan_looks_at_real_paths() {
    let World { dir: _dir, discovery, .. } = world();
    let view = discovery.refresh().await;
    let targets = discovery.plan_targets(&view.stacks[0], true).await;
    assert_eq!(targets.len(), 2);
    assert!(targets.iter().all(|target| target.excluded.is_none()), "{targets:?}");
}

async fn next(changes: &mut broadcast::Receiver<Change>) -> Change {
    tokio::time::timeout(Duration::from_secs(10), changes.recv()).await.expect("a change in time").expect("a change")
}

fn stacks(names: &[&str]) -> Change {
    Change::Stacks(names.iter().map(|name| name.parse().expect("a name")).collect())
}

#[tokio::test]
async fn the_view_follows_events_and_outages() {
    let World { dir: _dir, engine, discovery, .. } = world();
    let mut changes = discovery.subscribe();
    let cancel = CancellationToken::new();
    let (runner, token) = (discovery.clone(), cancel.clone());
    let follow = async move { runner.run(Duration::from_secs(30), token).await };
    let watch = async {
        assert_eq!(next(&mut changes).await, Change::Engine { reachable: true, error: None });
        assert_eq!(next(&mut changes).await, stacks(&["blog", "lone"]));
        engine.set_state("a1", ContainerState::Exited);
        assert_eq!(next(&mut changes).await, stacks(&["blog"]));
        assert_eq!(names(&discovery.view())[0], ("blog", StackState::Stopped), "the view is there before it is told");
        engine.set_reachable(false);
        assert!(matches!(next(&mut changes).await, Change::Engine { reachable: false, error: Some(_) }));
        assert_eq!(next(&mut changes).await, stacks(&["blog", "lone"]));
        engine.set_state("a1", ContainerState::Running);
        engine.set_reachable(true);
        assert_eq!(next(&mut changes).await, Change::Engine { reachable: true, error: None });
        assert_eq!(next(&mut changes).await, stacks(&["blog", "lone"]));
        assert_eq!(names(&discovery.view())[0], ("blog", StackState::Running));
        cancel.cancel();
    };
    tokio::join!(follow, watch);
}

#[tokio::test]
async fn events_of_one_moment_are_one_scan() {
    let World { dir: _dir, engine, discovery, .. } = world();
    let mut changes = discovery.subscribe();
    let cancel = CancellationToken::new();
    let (runner, token) = (discovery.clone(), cancel.clone());
    let scans = || engine.calls().iter().filter(|call| **call == crate::docker::scripted::Call::ListContainers).count();
    let watch = async {
        next(&mut changes).await;
        next(&mut changes).await;
        engine.set_state("a1", ContainerState::Exited);
        next(&mut changes).await;
        let before = scans();
        for _ in 0..20 {
            engine.set_state("a1", ContainerState::Running);
            engine.set_state("a1", ContainerState::Exited);
        }
        engine.set_state("a1", ContainerState::Running);
        assert_eq!(next(&mut changes).await, stacks(&["blog"]));
        // One for these, and perhaps one that the state before had asked for.
        assert!((1..=2).contains(&(scans() - before)), "41 events, {} scans", scans() - before);
        cancel.cancel();
    };
    tokio::join!(runner.run(Duration::from_secs(30), token), watch);
}
