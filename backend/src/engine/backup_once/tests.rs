//! `backup-once` on a scripted engine that plays rcb and restic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::docker::scripted::{CallKind, Gate, Program, ScriptedEngine, running_container};
use crate::docker::{ContainerDetail, ContainerEngine as _};
use crate::domain::clock::ManualClock;
use crate::domain::stack::{ContainerState, Mount, MountKind};

const IMAGE: &str = "rcb:1";
/// What restic lists before and after.
const OLD: &str = "1111111111111111111111111111111111111111111111111111111111111111\n";
const NEW: &str = "2222222222222222222222222222222222222222222222222222222222222222\n";

fn service(id: &str, labels: &[(&str, &str)]) -> ContainerDetail {
    let mut detail = running_container(id, &format!("web-{id}-1"));
    let fixed = [(labels::PROJECT, "web"), (labels::SERVICE, id), ("restic-compose-backup.volumes", "true")];
    let all = fixed.iter().chain(labels);
    detail.container.labels = all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    detail.container.mounts = vec![Mount {
        kind: MountKind::Volume,
        volume: Some(format!("web_{id}")),
        source: format!("/var/lib/docker/volumes/web_{id}/_data").into(),
        destination: "/data".into(),
        is_writable: true,
    }];
    detail
}

/// A host with a web server that rests and a cache that does not.
fn host() -> ScriptedEngine {
    let engine = ScriptedEngine::new();
    engine.add_container(service("app", &[("restic-compose-backup.quiesce", "true"), ("backrest.keep", "last=3")]));
    engine.add_container(service("cache", &[]));
    engine.add_image(IMAGE, Program::default());
    engine.add_image_command(IMAGE, "restic list", Program::printing(OLD));
    engine
}

/// Plays rcb: a worker comes with its start, and ends once it may read.
fn play_rcb(engine: &ScriptedEngine, said: &str) {
    engine.add_image_command(IMAGE, "rcb backup", Program::printing(said));
    engine.run_at_nth(CallKind::Start, 2, |engine| {
        let mut worker = running_container("worker", "worker");
        worker.container.labels = BTreeMap::from([("restic-compose-backup.process-web".to_owned(), "True".to_owned())]);
        engine.add_container(worker);
    });
    let ends: Arc<Mutex<Option<Gate>>> = Arc::new(Mutex::new(Some(engine.block_nth(CallKind::Wait, 2))));
    engine.run_at_nth(CallKind::Unpause, 1, move |engine| {
        assert_eq!(engine.state_of("app"), Some(ContainerState::Exited), "it rests before the worker reads");
        assert_eq!(engine.state_of("cache"), Some(ContainerState::Running));
        engine.set_state("worker", ContainerState::Exited);
        engine.add_image_command(IMAGE, "restic list", Program::printing(OLD).out(NEW));
        drop(ends.lock().expect("whole").take());
    });
}

fn request(means: Means) -> BackupOnce {
    BackupOnce {
        means,
        rcb: RcbSettings {
            image: IMAGE.to_owned(),
            command: vec!["rcb".to_owned(), "backup".to_owned()],
            env: vec![("RESTIC_PASSWORD".to_owned(), "hunter2-hunter2".into())],
            socket: "/var/run/docker.sock".into(),
            mounts: Vec::new(),
            exclude_bind_mounts: false,
            include_project_name: true,
            time_limit: Duration::from_hours(1),
        },
        quiesce_labels: vec![("restic-compose-backup.quiesce".to_owned(), "true".to_owned())],
        quiesce_timeout: None,
        host_name: "box".to_owned(),
        may_init: false,
    }
}

struct Rig {
    parts: OnceParts,
    clock: Arc<ManualClock>,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Rig {
    fn new(engine: &ScriptedEngine) -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let parts = OnceParts { docker: engine.shared(), clock: clock.clone(), runtime: Handle::current() };
        Self { parts, clock, lines: Arc::default() }
    }

    async fn run(&self, means: Means) -> OnceReport {
        let tell = |line: Line| self.lines.lock().expect("whole").push(line);
        backup_once(&self.parts, &request(means), &CancellationToken::new(), &tell).await
    }

    async fn bring_back(&self) -> LeftBehind {
        let tell = |line: Line| self.lines.lock().expect("whole").push(line);
        bring_back_left(&self.parts.docker, &self.parts.clock, &tell).await.expect("the engine answers")
    }

    fn actions(&self) -> Vec<&'static str> {
        self.lines.lock().expect("whole").iter().map(|line| line.action).collect()
    }
}

const WELL: &str = "t - INFO: Backing up databases\nt - INFO: Backup container exit code: 0\n";

#[tokio::test]
async fn rcb_reads_what_rests_and_everything_runs_again() {
    let engine = host();
    play_rcb(&engine, WELL);
    let rig = Rig::new(&engine);
    let report = rig.run(Means::Rcb).await;
    assert_eq!(report, OnceReport { snapshots: 1, ..OnceReport::default() });
    assert_eq!(engine.state_of("app"), Some(ContainerState::Running));
    assert_eq!(engine.volume_names(), Vec::<String>::new(), "the journal is gone");
    assert!(engine.state_of("worker").is_none(), "and so is the worker");
    let made = engine.made();
    let rcb = made.iter().find(|spec| spec.command == ["rcb", "backup"]).expect("rcb");
    assert_eq!(rcb.labels[labels::PROJECT], "web");
    for action in ["quiesce.stop", "quiesce.started", "rcb.output", "backup-once.complete"] {
        assert!(rig.actions().contains(&action), "{action}");
    }
    let told = format!("{:?}", rig.lines.lock().expect("whole"));
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_failure_that_rcb_hides_is_one() {
    for (said, why) in [
        ("t - INFO: Backup container exit code: 1\n", "exit code 1"),
        ("t - ERROR: No containers for backup found\nt - INFO: Backup container exit code: 0\n", "no container"),
        ("t - INFO: done\n", "did not say"),
    ] {
        let engine = host();
        play_rcb(&engine, said);
        let report = Rig::new(&engine).run(Means::Rcb).await;
        assert!(report.failures[0].contains(why), "{report:?}");
        assert_eq!(engine.state_of("app"), Some(ContainerState::Running));
    }
}

#[tokio::test]
async fn nothing_is_stopped_for_a_repository_that_cannot_be_opened() {
    for (said, code, why) in [
        ("Fatal: unsupported repository version", 1, "newer version"),
        ("Fatal: wrong password or no key found", 12, "cannot be opened"),
        (
            "Fatal: unable to open config file: dial tcp: i/o timeout\nIs there a repository at the following location?",
            1,
            "cannot be opened",
        ),
    ] {
        let engine = host();
        engine.add_image_command(IMAGE, "restic list", Program::failing(code, said));
        let report = Rig::new(&engine).run(Means::Rcb).await;
        assert!(report.failures[0].contains(why), "{report:?}");
        assert_eq!(engine.changes().iter().filter(|call| call.container() == Some("app")).count(), 0);
    }
}

#[tokio::test]
async fn one_snapshot_for_each_workload_and_each_kept_as_its_label_says() {
    let engine = host();
    engine.add_image_command(IMAGE, "restic backup", Program::printing("processed 1 file\nsnapshot 2222abcd saved\n"));
    let rig = Rig::new(&engine);
    let report = rig.run(Means::Native).await;
    assert_eq!((report.snapshots, report.is_whole()), (2, true), "{report:?}");
    let lines: Vec<String> = engine.made().iter().map(|spec| spec.command.join(" ")).collect();
    assert!(
        lines.contains(
            &"restic backup --host box --tag mainstay --tag stack:web --tag service:app /volumes/web/app".to_owned()
        ),
        "{lines:?}"
    );
    let forget =
        "restic forget --host box --tag mainstay --path /volumes/web/app --group-by host,paths --keep-last 3 --prune";
    assert_eq!(
        lines.iter().filter(|line| line.contains("forget")).collect::<Vec<_>>(),
        [forget],
        "the cache keeps everything"
    );
    assert_eq!(engine.state_of("app"), Some(ContainerState::Running));
}

#[tokio::test]
async fn what_is_not_whole_pushes_nothing_out() {
    let engine = host();
    let program =
        Program::printing("snapshot 2222abcd saved\n").err("error: read /volumes/web/app/data/x: permission denied\n");
    engine.add_image_command(IMAGE, "restic backup", Program { exit_code: 3, ..program });
    let report = Rig::new(&engine).run(Means::Native).await;
    assert!(!report.is_whole() && report.failures.is_empty(), "{report:?}");
    assert!(engine.made().iter().all(|spec| !spec.command.contains(&"forget".to_owned())));
}

/// Makes everybody believe that the process is dead which wrote what lies at the engine.
async fn kill(engine: &ScriptedEngine) {
    let killed = |labels: &BTreeMap<String, String>| {
        let owner = labels.get(OWNER)?;
        let mut owner: serde_json::Value = serde_json::from_str(owner).expect("JSON");
        owner["started"] = "0".into();
        Some((OWNER.to_owned(), owner.to_string()))
    };
    for mut volume in engine.list_volumes().await.expect("volumes") {
        volume.labels.extend(killed(&volume.labels));
        engine.add_volume(volume);
    }
    for container in engine.list_containers().await.expect("containers") {
        let mut detail = engine.inspect_container(&container.id).await.expect("there");
        detail.container.labels.extend(killed(&detail.container.labels));
        engine.add_container(detail);
    }
}

/// Every call that a good run makes, by its kind and number.
async fn calls_of_a_good_run(means: Means) -> Vec<(CallKind, usize)> {
    let engine = world(means);
    Rig::new(&engine).run(means).await;
    let mut counts: BTreeMap<CallKind, usize> = BTreeMap::new();
    let number = |kind| {
        let count = counts.entry(kind).or_default();
        *count += 1;
        (kind, *count)
    };
    engine.calls().iter().map(crate::docker::scripted::Call::kind).map(number).collect()
}

fn world(means: Means) -> ScriptedEngine {
    let engine = host();
    match means {
        Means::Rcb => play_rcb(&engine, WELL),
        Means::Native => {
            engine.add_image_command(IMAGE, "restic backup", Program::printing("snapshot 2222abcd saved\n"));
        }
    }
    engine
}

/// Kills a run at a call, lets the next process look, and says whether the container was at rest in between.
async fn kill_at(means: Means, kind: CallKind, nth: usize) -> bool {
    let engine = world(means);
    let rig = Rig::new(&engine);
    // A call that the play itself holds up is reached as well.
    let gate = engine.block_nth(kind, nth);
    tokio::select! {
        _ = rig.run(means) => {}
        () = gate.reached() => {}
    }
    drop(gate);
    let was_at_rest = engine.state_of("app") != Some(ContainerState::Running);
    kill(&engine).await;
    // Whatever stop may have been under way is over by then.
    rig.clock.advance(TimeDelta::hours(1));
    assert_eq!(rig.bring_back().await, LeftBehind::default(), "{means:?} {kind:?} {nth}");
    for id in ["app", "cache"] {
        assert_eq!(engine.state_of(id), Some(ContainerState::Running), "{means:?} {kind:?} {nth}: {id}");
    }
    assert_eq!(engine.volume_names(), Vec::<String>::new(), "{means:?} {kind:?} {nth}");
    let left = engine.list_containers().await.expect("containers");
    let left: Vec<_> = left.iter().filter(|one| one.labels.contains_key(OWNER)).collect();
    assert!(left.is_empty(), "{means:?} {kind:?} {nth}: {left:?}");
    was_at_rest
}

#[tokio::test]
async fn killed_at_every_step_nothing_stays_down() {
    for means in [Means::Rcb, Means::Native] {
        let calls = calls_of_a_good_run(means).await;
        assert!(calls.len() > 20, "{calls:?}");
        let kills = calls.into_iter().map(|(kind, nth)| kill_at(means, kind, nth));
        let at_rest =
            futures_util::future::join_all(kills).await.into_iter().filter(|was_at_rest| *was_at_rest).count();
        assert!(at_rest > 3, "{means:?}: some kills come while it is at rest, {at_rest} did");
    }
}

#[tokio::test]
async fn what_a_living_run_holds_is_left_alone_and_no_second_run_begins() {
    let engine = world(Means::Native);
    let rig = Rig::new(&engine);
    let gate = engine.block_nth(CallKind::Create, 2);
    tokio::select! {
        _ = rig.run(Means::Native) => panic!("it is held up"),
        () = gate.reached() => {}
    }
    drop(gate);
    assert_eq!(engine.state_of("app"), Some(ContainerState::Exited));
    rig.bring_back().await;
    assert_eq!(engine.state_of("app"), Some(ContainerState::Exited), "its run lives, as far as anybody can tell");
}
