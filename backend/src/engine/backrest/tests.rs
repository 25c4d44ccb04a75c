//! The reconciler on a scripted engine and a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use chrono::DateTime;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::backrest::line::Line;
use crate::docker::EngineEvent;
use crate::docker::scripted::{ScriptedEngine, running_container};
use crate::domain::clock::ManualClock;
use crate::domain::stack::{Mount, MountKind, labels};

const CONFIG: &str = r#"{"repos": [{"id": "default", "type": "s3", "url": "s3:x", "env": {}}], "plans": [
  {"id": "by_hand", "repo": "default", "schedule": "1 1 * * *", "sources": ["/srv"], "note": "mine"}
]}
"#;

struct Rig {
    engine: ScriptedEngine,
    directory: tempfile::TempDir,
    lines: Mutex<Vec<Line>>,
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("config.json"), CONFIG).expect("written");
        Self { engine: ScriptedEngine::new(), directory, lines: Mutex::default() }
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("config.json")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.config()).expect("readable")
    }

    fn reconciler(&self, prefix: &str) -> Reconciler {
        let options = ReconcileOptions {
            config: Some(self.config()),
            format: None,
            api: None,
            container: "backrest".to_owned(),
            apply: false,
            reload_command: None,
            up_within: Duration::from_secs(5),
            patience: Duration::from_secs(5),
            orphans: Orphans::Delete,
            settings: Settings { plan_id_prefix: prefix.to_owned(), ..Settings::default() },
        };
        let owned = OwnedPlans::beside(&self.config());
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        Reconciler::new(options, ReconcilerParts { docker: self.engine.shared(), clock, owned })
    }

    fn add_db(&self, id: &str, more: &[(&str, &str)]) {
        let mut detail = running_container(id, "stack-db-1");
        let fixed = [(labels::PROJECT, "stack"), (labels::SERVICE, "db")];
        let all = fixed.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        detail.container.labels = all.collect::<BTreeMap<_, _>>();
        detail.container.mounts = vec![Mount {
            kind: MountKind::Volume,
            volume: Some("stack_pgdata".to_owned()),
            source: "/var/lib/docker/volumes/stack_pgdata/_data".into(),
            destination: "/var/lib/postgresql/data".into(),
            is_writable: true,
        }];
        self.engine.add_container(detail);
    }

    async fn run(&self, reconciler: &Reconciler, is_dry_run: bool) -> Result<Round, ReconcileError> {
        self.lines.lock().expect("whole").clear();
        let tell = |line: Line| self.lines.lock().expect("whole").push(line);
        reconciler.reconcile(is_dry_run, &tell).await
    }

    /// What was told from the level info on, as it is printed.
    fn printed(&self) -> Vec<String> {
        let lines = self.lines.lock().expect("whole");
        let shown = lines.iter().filter(|line| line.level != crate::domain::log::Level::Debug);
        shown.map(|line| serde_json::to_string(line).expect("JSON")).collect()
    }
}

/// The labels of the service `db` as backrest-sidecar's description has them.
const DB: [(&str, &str); 9] = [
    ("backrest.enable", "true"),
    ("backrest.repo", "default"),
    ("backrest.schedule", "15 3 * * *"),
    ("backrest.keep", "daily=7,weekly=4,monthly=6"),
    ("backrest.paths.exclude", "/var/lib/postgresql/data/pg_wal"),
    ("restic-compose-backup.volumes", "true"),
    ("restic-compose-backup.quiesce", "true"),
    ("backrest.pre", "sh -c 'docker stop $SELF'"),
    ("backrest.post", "sh -c 'docker start $SELF'"),
];

#[tokio::test]
async fn the_dry_run_prints_what_backrest_sidecar_promises() {
    let rig = Rig::new();
    rig.add_db("db1", &DB);
    let before = rig.text();
    let round = rig.run(&rig.reconciler(""), true).await.expect("a round");
    let config = rig.config().display().to_string();
    let expected = [
        r#"{"level":"info","action":"plan.rendered","plan_id":"stack_db","sources":["/var/lib/docker/volumes/stack_pgdata/_data"],"hooks":{"pre":["sh -c 'docker stop $SELF'"],"post":["sh -c 'docker start $SELF'"]},"retention":{"spec":"daily=7,weekly=4,monthly=6"}}"#.to_owned(),
        format!(r#"{{"level":"info","action":"dry-run.complete","plans_seen":1,"plans_changed":1,"config":"{config}"}}"#),
    ];
    assert_eq!(rig.printed(), expected);
    assert_eq!(round.plans[0].change.kind, ChangeKind::Added);
    assert_eq!(rig.text(), before, "nothing is written");
}

#[tokio::test]
async fn a_second_round_changes_nothing_and_what_is_not_ours_stays() {
    let rig = Rig::new();
    rig.add_db("db1", &DB);
    let reconciler = rig.reconciler("backrest_sidecar_");
    let round = rig.run(&reconciler, false).await.expect("a round");
    assert!(round.is_changed() && !round.is_partial(), "{round:?}");
    let written = rig.text();
    assert!(written.contains(r#""note": "mine""#) && written.contains("backrest_sidecar_stack_db"), "{written}");
    let round = rig.run(&reconciler, false).await.expect("a round");
    assert_eq!((round.is_changed(), rig.text()), (false, written));
    assert!(rig.printed()[0].ends_with(r#""changed":false}"#), "{:?}", rig.printed());
    rig.engine.remove_container("db1");
    let round = rig.run(&reconciler, false).await.expect("a round");
    assert_eq!(round.orphans[0].kind, ChangeKind::Removed);
    assert!(rig.text().contains("by_hand") && !rig.text().contains("stack_db"), "{}", rig.text());
    let counts = reconciler.status().counts;
    assert_eq!((counts.rounds, counts.writes, counts.plans_changed, counts.errors), (3, 2, 2, 0));
}

#[tokio::test]
async fn a_plan_that_cannot_be_made_for_a_moment_stays_as_it_is() {
    let rig = Rig::new();
    rig.add_db("db1", &DB);
    let reconciler = rig.reconciler("backrest_sidecar_");
    rig.run(&reconciler, false).await.expect("a round");
    let written = rig.text();
    let doubtful: Vec<_> =
        DB.iter().map(|&(key, value)| if key == "backrest.repo" { (key, "gone") } else { (key, value) }).collect();
    rig.add_db("db1", &doubtful);
    let round = rig.run(&reconciler, false).await.expect("a round");
    if round.skipped.is_empty() {
        // Another repository is taken instead, which is said.
        assert!(rig.printed().iter().any(|line| line.contains("gone")), "{:?}", rig.printed());
    } else {
        assert!(round.is_partial());
        assert_eq!(rig.text(), written, "nobody deletes it");
    }
}

#[tokio::test]
async fn a_plan_that_an_earlier_tool_wrote_for_another_stack_is_no_orphan() {
    let rig = Rig::new();
    let others =
        r#"{"id": "backrest_sidecar_db", "repo": "default", "schedule": "1 1 * * *", "sources": ["/blog/data"]}"#;
    std::fs::write(rig.config(), CONFIG.replace("\n]}", &format!(",\n  {others}\n]}}"))).expect("written");
    rig.add_db("db1", &DB);
    let reconciler = rig.reconciler("backrest_sidecar_");
    for _ in 0..2 {
        rig.run(&reconciler, false).await.expect("a round");
        assert!(rig.text().contains(others) && rig.text().contains("backrest_sidecar_stack_db"), "{}", rig.text());
    }
}

#[tokio::test]
async fn a_file_that_is_no_json_is_told_and_not_touched() {
    let rig = Rig::new();
    rig.add_db("db1", &DB);
    std::fs::write(rig.config(), "{").expect("written");
    let reconciler = rig.reconciler("");
    rig.run(&reconciler, false).await.expect_err("no JSON");
    assert_eq!(rig.text(), "{");
    assert!(rig.printed()[0].contains(r#""action":"reconcile.failed""#));
    let status = reconciler.status();
    assert!(status.error.is_some() && status.counts.errors == 1);
    assert!(status.metrics().contains("\nmainstay_backrest_errors_total 1\n"), "{}", status.metrics());
}

#[tokio::test]
async fn an_engine_that_is_gone_changes_nothing() {
    let rig = Rig::new();
    rig.add_db("db1", &DB);
    let reconciler = rig.reconciler("backrest_sidecar_");
    rig.run(&reconciler, false).await.expect("a round");
    let written = rig.text();
    rig.engine.set_reachable(false);
    rig.run(&reconciler, false).await.expect_err("no engine");
    assert_eq!(rig.text(), written, "no plan is taken for an orphan");
}

fn event(action: &str) -> EngineEvent {
    EngineEvent::Container { id: "x".to_owned(), action: action.to_owned(), project: None, at: DateTime::UNIX_EPOCH }
}

/// Two hundred events while the daemon watches, in a tenth of the usual times; returns rounds and writes.
async fn storm(change: impl Fn(&Rig, usize)) -> Counts {
    let rig = Rig::new();
    rig.add_db("db1", &DB);
    let reconciler = rig.reconciler("backrest_sidecar_");
    let rhythm = Rhythm {
        interval: Duration::from_hours(1),
        with_events: true,
        quiet: Duration::from_millis(200),
        longest: Duration::from_secs(1),
    };
    let (cancel, rounds) = (CancellationToken::new(), tokio::sync::watch::Sender::new(0));
    let after_round = || rounds.send_modify(|count| *count += 1);
    let storm = async {
        rounds.subscribe().wait_for(|count| *count >= 1).await.expect("a round");
        for n in 0..200 {
            change(&rig, n);
            rig.engine.push_event(&event(["create", "start", "die", "exec_create: sh"][n % 4]));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The last change arrives in the end.
        let before = *rounds.borrow();
        rig.engine.push_event(&event("create"));
        rounds.subscribe().wait_for(|count| *count > before).await.expect("a round");
        cancel.cancel();
    };
    tokio::join!(reconciler.watch(rhythm, &cancel, &|_| {}, &after_round), storm);
    reconciler.status().counts
}

#[tokio::test]
async fn a_storm_of_events_makes_few_rounds_and_fewer_writes() {
    let counts = storm(|rig, n| rig.add_db(&format!("db{n}"), &[])).await;
    assert!(counts.rounds <= 4, "{counts:?}");
    assert!(counts.writes <= 2, "the same plan is written once: {counts:?}");
    let counts = storm(|rig, n| {
        let schedule = format!("{} 3 * * *", n % 60);
        let labels: Vec<_> = DB
            .iter()
            .map(|&(key, value)| if key == "backrest.schedule" { (key, schedule.as_str()) } else { (key, value) })
            .collect();
        rig.add_db("db1", &labels);
    })
    .await;
    assert!(counts.rounds <= 4 && counts.writes <= 4, "also when labels change all the time: {counts:?}");
}
