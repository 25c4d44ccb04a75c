//! Discovery with a real Docker Engine: what labels tell, and that events alone keep the view fresh.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstay::discovery::targets::{ReachedVia, TargetSource};
use mainstay::discovery::{Change, Discovery, DiscoverySettings};
use mainstay::docker::ContainerEngine as _;
use mainstay::domain::clock::SystemClock;
use mainstay::domain::job::TargetKind;
use mainstay::domain::names::StackName;
use mainstay::domain::stack::{Stack, StackSource, StackState, labels};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::engine::{Lab, Recipe};

/// Shorter than the time between two scans without an event, so that only an event can have brought a change.
const PATIENCE: Duration = Duration::from_secs(20);

fn discovery(lab: &Lab, stacks_dir: &Path) -> Discovery {
    let settings = DiscoverySettings {
        stacks_dir: stacks_dir.to_owned(),
        skip_stop: Vec::new(),
        host: "local".to_owned(),
        excluded_paths: Vec::new(),
    };
    Discovery::new(settings, Arc::new(lab.engine.clone()), Arc::new(SystemClock))
}

/// A stack directory named as the lab's project, with a named volume and two binds; returns its path.
fn write_stack(stacks_dir: &Path, project: &str) -> std::path::PathBuf {
    let directory = stacks_dir.join(project);
    std::fs::create_dir_all(directory.join("data")).expect("made");
    let compose =
        "services:\n  web: {image: w, depends_on: [db]}\n  db: {image: d, volumes: ['v:/v']}\nvolumes: {v: {}}\n";
    std::fs::write(directory.join("compose.yaml"), compose).expect("written");
    directory
}

/// Waits until the stack is as wanted, woken by changes only.
async fn wait_for(
    discovery: &Discovery,
    changes: &mut Receiver<Change>,
    name: &StackName,
    is_wanted: impl Fn(Option<&Stack>) -> bool,
) {
    let wait = async {
        while !is_wanted(discovery.find_stack(name).as_ref()) {
            changes.recv().await.expect("a change");
        }
    };
    let outcome = timeout(PATIENCE, wait).await;
    assert!(outcome.is_ok(), "the stack did not become as wanted: {:?}", discovery.find_stack(name));
}

#[tokio::test]
async fn containers_become_a_stack_with_everything_a_backup_needs() {
    let Some(lab) = Lab::open("stacks out of labels").await else { return };
    let stacks = tempfile::tempdir().expect("a directory");
    let (project, outside) = (lab.name("shop"), tempfile::tempdir().expect("a directory"));
    let directory = write_stack(stacks.path(), &project);
    let (from, volume) = (directory.display().to_string(), lab.volume("v").await);
    let of = |service: &'static str| {
        [(labels::PROJECT, project.as_str()), (labels::SERVICE, service), (labels::WORKING_DIR, from.as_str())]
    };
    let binds = vec![
        format!("{volume}:/vol"),
        format!("{from}/data:/data"),
        format!("{}:/out", outside.path().display()),
        "/var/run/docker.sock:/var/run/docker.sock".to_owned(),
        "/etc/hosts:/hosts:ro".to_owned(),
    ];
    let db = lab.running("db", Recipe { labels: &of("db"), binds, ..Recipe::default() }).await;
    lab.created("web", Recipe { labels: &of("web"), ..Recipe::default() }).await;

    let discovery = discovery(&lab, stacks.path());
    let view = discovery.refresh().await;
    assert!(view.engine.reachable && view.engine.info.is_some(), "{:?}", view.engine);
    let stack = view.find_stack(&project.parse().expect("a name")).expect("the stack");
    assert_eq!((stack.source, stack.state), (StackSource::Both, StackState::Partial));
    assert_eq!(stack.directory.as_deref(), Some(directory.as_path()));
    assert_eq!(stack.compose_files, [directory.join("compose.yaml")]);
    assert_eq!(
        stack.services.iter().map(|s| (s.name.as_str(), s.containers.len())).collect::<Vec<_>>(),
        [("db", 1), ("web", 1)]
    );
    assert_eq!(stack.warnings, [] as [&str; 0]);
    let found = stack.volumes.iter().find(|v| v.name == volume).expect("the volume");
    assert!(
        found.driver == "local" && found.mountpoint.as_ref().is_some_and(|path| path.ends_with("_data")),
        "{found:?}"
    );

    let targets = discovery.plan_targets(stack, true).await;
    let id = lab.engine.inspect_container(&db).await.expect("the container").container.id;
    let of_kind = |kind: TargetKind| targets.iter().filter(move |target| target.kind == kind);
    let target = of_kind(TargetKind::Volume).find(|target| target.name == volume).expect("the volume's target");
    assert_eq!(target.reached_via, Some(ReachedVia { container_id: id, destination: "/vol".into() }));
    assert_eq!(target.excluded, None);
    let captured: Vec<_> = of_kind(TargetKind::Bind).filter(|target| target.excluded.is_none()).collect();
    assert_eq!(captured.len(), 1, "{captured:?}");
    assert_eq!(captured[0].source, TargetSource::Bind { host_path: outside.path().to_owned() });
    assert_eq!(of_kind(TargetKind::Bind).count(), 4, "the others are there with their reasons");
}

#[tokio::test]
async fn events_alone_keep_the_view_fresh() {
    let Some(lab) = Lab::open("a view that follows events").await else { return };
    let stacks = tempfile::tempdir().expect("a directory");
    let project = lab.name("live");
    let name: StackName = project.parse().expect("a name");
    let discovery = discovery(&lab, stacks.path());
    let (mut changes, cancel) = (discovery.subscribe(), CancellationToken::new());
    let follow = discovery.run(std::time::Duration::from_secs(30), cancel.clone());
    let act = async {
        let connected = async { while !matches!(changes.recv().await, Ok(Change::Engine { reachable: true, .. })) {} };
        timeout(PATIENCE, connected).await.expect("the engine is reached");
        let of = [(labels::PROJECT, project.as_str()), (labels::SERVICE, "web")];
        let id = lab.running("web", Recipe { labels: &of, ..Recipe::default() }).await;
        let is = |state| move |stack: Option<&Stack>| stack.is_some_and(|stack| stack.state == state);
        wait_for(&discovery, &mut changes, &name, is(StackState::Running)).await;
        lab.engine.stop_container(&id, None).await.expect("stopped");
        wait_for(&discovery, &mut changes, &name, is(StackState::Stopped)).await;
        lab.engine.start_container(&id).await.expect("started");
        wait_for(&discovery, &mut changes, &name, is(StackState::Running)).await;
        drop(lab); // removes the container
        wait_for(&discovery, &mut changes, &name, |stack| stack.is_none()).await;
        cancel.cancel();
    };
    tokio::join!(follow, act);
}
