//! The port to the Docker Engine against a real one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use mainstay::docker::bollard_engine::BollardEngine;
use mainstay::docker::events::EventTiming;
use mainstay::docker::own_container::{Traces, find_container_of, path_map_of};
use mainstay::docker::{ContainerEngine, EngineError, EngineEvent};
use mainstay::domain::stack::{Container, ContainerState, Health, MountKind, labels};
use tokio::time::{Instant, timeout};

use crate::support::engine::{DEAF, Lab, Recipe};
use crate::support::socket_proxy::Proxy;

/// No event may take longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);

async fn listed(lab: &Lab, name: &str) -> Container {
    let containers = lab.engine.list_containers().await.expect("a list");
    assert!(containers.is_sorted_by(|a, b| a.name <= b.name), "sorted by name");
    containers.into_iter().find(|container| container.name == name).expect("the container is listed")
}

async fn state_of(lab: &Lab, name: &str) -> ContainerState {
    lab.engine.inspect_container(name).await.expect("the container").container.state
}

/// Waits for the first event that fits.
async fn next_where(
    events: &mut (impl futures_util::Stream<Item = EngineEvent> + Unpin),
    what: &str,
    fits: impl Fn(&EngineEvent) -> bool,
) -> EngineEvent {
    let find = async {
        loop {
            let event = events.next().await.expect("the stream never ends");
            if fits(&event) {
                return event;
            }
        }
    };
    timeout(PATIENCE, find).await.unwrap_or_else(|_| panic!("no event: {what}"))
}

fn is_container(event: &EngineEvent, wanted_id: &str, wanted: &str) -> bool {
    matches!(event, EngineEvent::Container { id, action, .. } if id == wanted_id && action == wanted)
}

#[tokio::test]
async fn the_engine_says_who_it_is() {
    let Some(lab) = Lab::open("who the engine is").await else { return };
    let info = lab.engine.info().await.expect("an answer");
    assert!(info.version.starts_with(|digit: char| digit.is_ascii_digit()), "{info:?}");
    assert!(info.api_version.contains('.') && info.platform.starts_with("linux/"), "{info:?}");
    assert!(!info.host_name.is_empty());
    assert_eq!(info.address, lab.engine.address());
}

#[tokio::test]
async fn a_list_tells_labels_mounts_state_and_health() {
    let Some(lab) = Lab::open("fields of a container list").await else { return };
    let volume = lab.volume("data").await;
    let compose = [(labels::PROJECT, "blog"), (labels::NUMBER, "3"), (labels::ONEOFF, "True")];
    let binds = vec![format!("{volume}:/data"), "/tmp:/host:ro".to_owned()];
    let recipe = Recipe { labels: &compose, binds, is_healthy: true, ..Recipe::default() };
    let name = lab.created("db", recipe).await;
    assert_eq!(listed(&lab, &name).await.state, ContainerState::Created);

    let mut events = lab.engine.events();
    next_where(&mut events, "connected", |event| *event == EngineEvent::Connected).await;
    lab.engine.start_container(&name).await.expect("started");
    let is_health = |event: &EngineEvent| matches!(event, EngineEvent::Container { action, .. } if action == "health_status: healthy");
    next_where(&mut events, "healthy", is_health).await;

    let container = listed(&lab, &name).await;
    assert_eq!((container.state, container.health), (ContainerState::Running, Some(Health::Healthy)));
    assert_eq!((container.number, container.is_oneoff), (3, true));
    assert_eq!(container.labels.get("mainstay.test").map(String::as_str), Some("1"));
    let mut mounts = container.mounts.clone();
    mounts.sort_by_key(|mount| mount.destination.clone());
    let [data, host] = mounts.as_slice() else { panic!("two mounts: {mounts:?}") };
    assert_eq!((data.kind, data.volume.as_deref(), data.is_writable), (MountKind::Volume, Some(volume.as_str()), true));
    assert!(data.source.ends_with(format!("{volume}/_data")), "{data:?}");
    assert_eq!((host.kind, host.source.as_path(), host.is_writable), (MountKind::Bind, Path::new("/tmp"), false));

    let detail = lab.engine.inspect_container(&container.id).await.expect("the same by id");
    assert_eq!((detail.container.health, detail.container.number), (container.health, 3));
}

#[tokio::test]
async fn a_list_tells_where_a_nameless_volume_lies() {
    let Some(lab) = Lab::open("the place of a nameless volume").await else { return };
    let name = lab.running("web", Recipe { volumes: &["/data"], ..Recipe::default() }).await;
    let mounts = listed(&lab, &name).await.mounts;
    let [mount] = mounts.as_slice() else { panic!("one mount: {mounts:?}") };
    let volume = mount.volume.as_deref().expect("the engine gave it a name");
    assert!(mount.source.ends_with(format!("{volume}/_data")), "{mount:?}");
    let detail = lab.engine.inspect_container(&name).await.expect("the container");
    assert_eq!(detail.container.mounts, mounts);
    assert_eq!(path_map_of(&detail).find_local(&mount.source.join("x")), Some(PathBuf::from("/data/x")));
}

#[tokio::test]
async fn an_inspection_tells_what_a_list_does_not_and_hides_secrets() {
    let Some(lab) = Lab::open("fields of an inspection").await else { return };
    let secrets = [("app.password", "hunter2")];
    let env = ["DB_PASS=hunter2", "NAME=hunter2"];
    let recipe = Recipe { labels: &secrets, env: &env, stop_timeout: Some(7), ..Recipe::default() };
    let name = lab.created("app", recipe).await;
    let before = lab.engine.inspect_container(&name).await.expect("the container");
    assert_eq!(before.started_at, None, "it never ran");
    assert_eq!(before.stop_timeout_secs, Some(7));
    assert!(before.image_id.starts_with("sha256:"));
    assert!(before.networks.contains(&"bridge".to_owned()), "{:?}", before.networks);

    lab.engine.start_container(&name).await.expect("started");
    let after = lab.engine.inspect_container(&name).await.expect("the container");
    assert!(after.is_up() && after.started_at.is_some());
    assert_eq!(after.container.name, name);
    let text = after.redacted.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("DB_PASS=***") && text.contains("app.password"), "names stay: {text}");
}

#[tokio::test]
async fn volumes_are_listed_by_name() {
    let Some(lab) = Lab::open("the list of volumes").await else { return };
    let (second, first) = (lab.volume("b").await, lab.volume("a").await);
    let volumes = lab.engine.list_volumes().await.expect("a list");
    let place = |name: &str| volumes.iter().position(|volume| volume.name == name).expect("the volume is listed");
    assert!(place(&first) < place(&second));
    let volume = &volumes[place(&first)];
    assert_eq!((volume.driver.as_str(), volume.labels.get("mainstay.test").map(String::as_str)), ("local", Some("1")));
    assert!(volume.mountpoint.is_absolute());
}

#[tokio::test]
async fn what_is_done_already_is_no_error() {
    let Some(lab) = Lab::open("repeated stops, starts and pauses").await else { return };
    let name = lab.running("web", Recipe::default()).await;
    let engine = &lab.engine;
    engine.start_container(&name).await.expect("runs already");
    for _ in 0..2 {
        engine.pause_container(&name).await.expect("paused");
        assert_eq!(state_of(&lab, &name).await, ContainerState::Paused);
    }
    for _ in 0..2 {
        engine.unpause_container(&name).await.expect("thawed");
        assert_eq!(state_of(&lab, &name).await, ContainerState::Running);
    }
    for _ in 0..2 {
        engine.stop_container(&name, None).await.expect("stopped");
        assert_eq!(state_of(&lab, &name).await, ContainerState::Exited);
    }
    let detail = engine.inspect_container(&name).await.expect("the container");
    assert_eq!(detail.exit_code, Some(0), "it was asked, not killed");
    let refused = engine.pause_container(&name).await;
    assert!(matches!(refused, Err(EngineError::Rejected { .. })), "nothing to freeze: {refused:?}");
}

#[tokio::test]
async fn a_process_that_does_not_listen_is_killed_after_the_timeout() {
    let Some(lab) = Lab::open("the timeout of a stop").await else { return };
    let name = lab.running("deaf", Recipe { script: DEAF, ..Recipe::default() }).await;
    let begin = Instant::now();
    lab.engine.stop_container(&name, Some(SECOND)).await.expect("stopped");
    assert!(begin.elapsed() >= SECOND, "it had its second");
    let detail = lab.engine.inspect_container(&name).await.expect("the container");
    assert_eq!((detail.container.state, detail.exit_code), (ContainerState::Exited, Some(137)));
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let Some(lab) = Lab::open("missing containers and paths").await else { return };
    let missing = lab.name("nobody");
    let engine = &lab.engine;
    let outcomes = [
        engine.inspect_container(&missing).await.err(),
        engine.start_container(&missing).await.err(),
        engine.stop_container(&missing, Some(SECOND)).await.err(),
        engine.pause_container(&missing).await.err(),
        engine.unpause_container(&missing).await.err(),
        engine.stream_path(&missing, Path::new("/etc")).await.err(),
    ];
    for error in outcomes {
        let Some(EngineError::NotFound { what }) = &error else { panic!("{error:?}") };
        assert_eq!(*what, format!("container '{missing}'"));
    }
    let name = lab.created("web", Recipe::default()).await;
    let error = engine.stream_path(&name, Path::new("/no/such")).await.err();
    let Some(EngineError::NotFound { what }) = &error else { panic!("{error:?}") };
    assert!(what.starts_with("path '/no/such' in container"), "{what}");
}

#[tokio::test]
async fn a_path_is_streamed_from_running_and_stopped_containers() {
    let Some(lab) = Lab::open("streams of a volume").await else { return };
    let volume = lab.volume("data").await;
    let bind = vec![format!("{volume}:/data")];
    let script = "head -c 300000 /dev/urandom > /data/big; echo kept > /data/note; ln -s note /data/link";
    let writer = lab.running("writer", Recipe { script, binds: bind.clone(), ..Recipe::default() }).await;
    lab.ended(&writer).await;
    let never_ran = lab.created("created", Recipe { binds: bind.clone(), ..Recipe::default() }).await;
    let running = lab.running("running", Recipe { binds: bind, ..Recipe::default() }).await;
    for name in [&writer, &never_ran, &running] {
        let stream = lab.engine.stream_path(name, Path::new("/data")).await.expect("a stream");
        let pieces: Vec<_> = stream.map(|piece| piece.expect("a piece")).collect().await;
        let tar = pieces.concat();
        assert_eq!(tar.len() % 512, 0);
        assert!(tar.starts_with(b"data/"), "the top entry is the last component of the path");
        for part in [&b"data/note"[..], b"data/link", b"kept\n"] {
            assert!(tar.windows(part.len()).any(|window| window == part), "{name}: {part:?}");
        }
        assert!(tar.len() > 300_000, "{name}: whole");
    }
}

#[tokio::test]
async fn bad_names_are_refused_and_never_sent() {
    let Some(lab) = Lab::open("bad names").await else { return };
    let proxy = Proxy::before(&lab.engine);
    let engine = BollardEngine::connect(Some(proxy.address()));
    for bad in ["../x", "x/../../images", &"x".repeat(300), ""] {
        let outcomes = [
            engine.inspect_container(bad).await.err(),
            engine.start_container(bad).await.err(),
            engine.stop_container(bad, None).await.err(),
            engine.pause_container(bad).await.err(),
            engine.unpause_container(bad).await.err(),
            engine.stream_path(bad, Path::new("/")).await.err(),
        ];
        for error in outcomes {
            assert!(matches!(&error, Some(EngineError::InvalidName(name)) if name == bad), "{bad}: {error:?}");
        }
    }
    assert_eq!(proxy.accepted(), 0, "no request was sent");
}

#[tokio::test]
async fn nobody_at_the_address_is_told_and_someone_later_is_found() {
    let Some(lab) = Lab::open("an engine that comes later").await else { return };
    let mut proxy = Proxy::before(&lab.engine);
    proxy.cut();
    let engine = BollardEngine::connect(Some(proxy.address()));
    for _ in 0..2 {
        let error = engine.list_containers().await.err();
        let Some(EngineError::Unreachable { address, .. }) = &error else { panic!("{error:?}") };
        assert!(address.ends_with(".sock"), "{address}");
    }
    proxy.restore();
    engine.list_containers().await.expect("the engine is there now");
}

#[tokio::test]
async fn events_are_told_as_they_happen() {
    let Some(lab) = Lab::open("the event stream").await else { return };
    let project = [(labels::PROJECT, "blog")];
    let name = lab.created("web", Recipe { labels: &project, ..Recipe::default() }).await;
    let id = lab.engine.inspect_container(&name).await.expect("the container").container.id;
    let mut events = lab.engine.events();
    assert_eq!(timeout(PATIENCE, events.next()).await.expect("in time"), Some(EngineEvent::Connected));
    lab.engine.start_container(&name).await.expect("started");
    lab.engine.stop_container(&name, Some(SECOND)).await.expect("stopped");
    let start = next_where(&mut events, "start", |event| is_container(event, &id, "start")).await;
    let die = next_where(&mut events, "die", |event| is_container(event, &id, "die")).await;
    let (EngineEvent::Container { at: first, project, .. }, EngineEvent::Container { at: second, .. }) = (start, die)
    else {
        panic!("events of containers")
    };
    assert_eq!(project.as_deref(), Some("blog"));
    assert!(first < second);
    let volume = lab.volume("data").await;
    let is_made = |event: &EngineEvent| matches!(event, EngineEvent::Volume { name, action } if *name == volume && action == "create");
    next_where(&mut events, "volume made", is_made).await;
}

#[tokio::test]
async fn a_cut_event_stream_is_told_of_and_made_again() {
    let Some(lab) = Lab::open("the reconnection of events").await else { return };
    let name = lab.created("web", Recipe::default()).await;
    let id = lab.engine.inspect_container(&name).await.expect("the container").container.id;
    let mut proxy = Proxy::before(&lab.engine);
    let timing = EventTiming { first_pause: Duration::from_millis(20), ..EventTiming::default() };
    let engine = BollardEngine::connect(Some(proxy.address())).with_event_timing(timing);
    let mut events = engine.events();
    next_where(&mut events, "connected", |event| *event == EngineEvent::Connected).await;
    proxy.cut();
    next_where(&mut events, "lost", |event| matches!(event, EngineEvent::Disconnected { .. })).await;
    proxy.restore();
    next_where(&mut events, "connected again", |event| *event == EngineEvent::Connected).await;
    lab.engine.start_container(&name).await.expect("started");
    next_where(&mut events, "start", |event| is_container(event, &id, "start")).await;
}

#[tokio::test]
async fn a_silent_link_is_noticed() {
    let Some(lab) = Lab::open("an event stream over a dead link").await else { return };
    let proxy = Proxy::before(&lab.engine);
    // Silence is suspected early, but a slow machine may take its time for an answer.
    let timing = EventTiming { idle: Duration::from_millis(200), ping_limit: 2 * SECOND, ..EventTiming::default() };
    let engine = BollardEngine::connect(Some(proxy.address())).with_event_timing(timing);
    let mut events = engine.events();
    next_where(&mut events, "connected", |event| *event == EngineEvent::Connected).await;
    proxy.freeze();
    next_where(&mut events, "lost", |event| matches!(event, EngineEvent::Disconnected { .. })).await;
}

#[tokio::test]
async fn a_lost_answer_is_decided_by_the_state() {
    let Some(lab) = Lab::open("lost answers").await else { return };
    let name = lab.running("web", Recipe::default()).await;
    let proxy = Proxy::before(&lab.engine);
    let engine = BollardEngine::connect(Some(proxy.address()));
    proxy.drop_next_reply();
    engine.stop_container(&name, Some(SECOND)).await.expect("the engine did stop it");
    assert_eq!(state_of(&lab, &name).await, ContainerState::Exited);
    proxy.drop_next_reply();
    engine.start_container(&name).await.expect("the engine did start it");
    assert_eq!(state_of(&lab, &name).await, ContainerState::Running);
}

#[tokio::test]
async fn a_refusing_proxy_is_told_from_a_missing_engine() {
    let proxy = Proxy::refusing("403 Forbidden");
    let engine = BollardEngine::connect(Some(proxy.address()));
    let error = engine.stop_container("web", Some(SECOND)).await.expect_err("refused");
    assert_eq!(error.to_string(), "the Docker Engine refuses to stop container 'web'");
    assert!(matches!(engine.list_containers().await, Err(EngineError::Forbidden { .. })));
    let first = timeout(PATIENCE, engine.events().next()).await.expect("in time");
    let Some(EngineEvent::Disconnected { reason }) = first else { panic!("never connected: {first:?}") };
    assert!(reason.contains("refuses") && !reason.contains('<'), "{reason}");

    let proxy = Proxy::refusing("503 Service Unavailable");
    let engine = BollardEngine::connect(Some(proxy.address()));
    let error = engine.info().await.expect_err("nobody behind the proxy");
    assert!(matches!(error, EngineError::Unreachable { .. }), "{error:?}");
}

/// A small file of a container.
async fn read_file(lab: &Lab, container: &str, path: &str) -> String {
    let stream = lab.engine.stream_path(container, Path::new(path)).await.expect("a stream");
    let tar = stream.map(|piece| piece.expect("a piece")).collect::<Vec<_>>().await.concat();
    let size = std::str::from_utf8(&tar[124..135]).expect("the size in octal digits");
    let size = usize::from_str_radix(size, 8).expect("a size");
    String::from_utf8(tar[512..512 + size].to_vec()).expect("a text")
}

#[tokio::test]
async fn a_process_finds_its_own_container_by_its_traces() {
    let Some(lab) = Lab::open("finding the own container").await else { return };
    // The first run leaves its traces and ends, the second stays.
    let script = "if [ -e /c ]; then while :; do sleep 0.05; done; fi; cat /proc/self/mountinfo > /m; cat /proc/self/cgroup > /c";
    let recipe = || Recipe { script, binds: vec!["/tmp:/host dir:ro".to_owned()], ..Recipe::default() };
    let (own, other) = (lab.running("own", recipe()).await, lab.running("other", recipe()).await);
    for name in [&own, &other] {
        lab.ended(name).await;
        lab.engine.start_container(name).await.expect("started again");
    }
    let id = lab.engine.inspect_container(&own).await.expect("the container").container.id;
    let other_id = lab.engine.inspect_container(&other).await.expect("the container").container.id;
    let traces = Traces {
        cgroup: read_file(&lab, &own, "/c").await,
        mountinfo: read_file(&lab, &own, "/m").await,
        host_name: id[..12].to_owned(),
    };
    let hidden = Traces { cgroup: "0::/".to_owned(), ..traces.clone() };
    for traces in [&traces, &hidden] {
        assert_eq!(traces.candidates(), std::slice::from_ref(&id));
        let found = find_container_of(&lab.engine, traces).await.expect("an answer").expect("our own");
        assert_eq!(found.container.id, id);
        assert_eq!(path_map_of(&found).find_local(Path::new("/tmp/x")), Some("/host dir/x".into()));
    }
    let misled = Traces { cgroup: format!("0::/docker/{other_id}"), ..traces };
    let found = find_container_of(&lab.engine, &misled).await.expect("an answer").expect("our own");
    assert_eq!(found.container.id, id, "another container's id is not believed");
}
