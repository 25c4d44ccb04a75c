//! A reconciliation that is killed while Backrest stands still for its file: Backrest runs afterwards, with a whole file, and
//! nothing of ours lies beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mainstay::docker::ContainerEngine as _;
use mainstay::docker::scripted::{CallKind, ScriptedEngine, running_container};
use mainstay::domain::stack::ContainerState;
use mainstay::engine::PAUSE_PLACES_OF_APPLY;
use serde_json::{Value, json};

use crate::support::docker::docker;
use crate::support::engine::{Lab, Recipe};
use crate::support::process::{mainstay, write_config};
use crate::support::running::Running;
use crate::support::service::Setup;

const GUID: &str = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";
/// What may lie beside the file when all is done.
const WHAT_STAYS: &[&str] = &["config.json", "config.json.mainstay-before", "config.json.mainstay-plans"];

/// The engine's volumes, as Backrest has them mounted: what it does not see becomes no plan.
pub(crate) fn volumes_of_engine() -> String {
    let root = docker(&["info", "--format", "{{.DockerRootDir}}"]);
    format!("{}/volumes:/docker_volumes:ro", root.trim())
}

/// A Backrest with its directory, and a labelled service.
struct Scene {
    lab: Lab,
    root: tempfile::TempDir,
    backrest: String,
    plan: String,
    before: String,
}

impl Scene {
    async fn set(place: &str) -> Option<Self> {
        let lab = Lab::open("a reconciliation that is killed").await?;
        let root = tempfile::tempdir().expect("a directory");
        let before = json!({"modno": 7, "version": 6, "instance": "host",
            "repos": [{"id": "default", "uri": "/repo", "guid": GUID, "password": "SECRET-OF-THE-REPO"}],
            "plans": [{"id": "theirs", "repo": "default", "paths": ["/x"], "schedule": {"cron": "0 1 * * *"}}]});
        let before = before.to_string();
        std::fs::write(root.path().join("config.json"), &before).expect("written");
        let binds = vec![format!("{}:/config", root.path().display()), volumes_of_engine()];
        let backrest = lab.running("backrest", Recipe { binds, stop_timeout: Some(1), ..Recipe::default() }).await;
        let (project, volume) = (lab.name("stack"), lab.volume("data").await);
        let labels = [
            ("backrest.enable", "true"),
            ("com.docker.compose.project", project.as_str()),
            ("com.docker.compose.service", "db"),
        ];
        lab.created("db", Recipe { labels: &labels, binds: vec![format!("{volume}:/data")], ..Recipe::default() })
            .await;
        let id: String = project.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        println!("{place}: container {backrest}");
        Some(Self { lab, root, backrest, plan: format!("{id}_db"), before })
    }

    fn config(&self) -> PathBuf {
        self.root.path().join("config.json")
    }

    fn reconcile(&self) -> Command {
        let mut command = mainstay();
        command.env_remove("BACKREST_CONFIG").args([
            "reconcile",
            "--apply",
            "--plan-id-prefix",
            "",
            "--orphans",
            "keep",
        ]);
        command.arg("--config").arg(self.config()).args(["--backrest-container", &self.backrest]);
        command
    }

    async fn is_up(&self) -> bool {
        self.lab.engine.inspect_container(&self.backrest).await.expect("a container").is_up()
    }

    /// The plans of the file, which has everything else as it was.
    fn plans(&self, place: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.config()).expect("a file");
        let now: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{place}: {error}: {text}"));
        let before: Value = serde_json::from_str(&self.before).expect("JSON");
        let rest = |tree: &Value| ["repos", "instance", "version", "modno"].map(|key| tree[key].clone());
        assert_eq!(rest(&now), rest(&before), "{place}");
        let plans = now["plans"].as_array().expect("plans");
        assert!(plans.contains(&before["plans"][0]), "{place}: {text}");
        plans.iter().map(|plan| plan["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// What lies in the directory, without the lock, which stays.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.path()).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name != ".config.json.mainstay-lock").collect()
    }

    fn killed_at(&self, place: &str) {
        let mut command = self.reconcile();
        command.env("MAINSTAY_PAUSE_AT", place);
        let process = Running::start(&mut command);
        process.wait_for(&format!("paused at {place}"));
        process.kill();
    }
}

async fn judge(place: &str) -> Option<String> {
    let scene = Scene::set(place).await?;
    scene.killed_at(place);
    let (was_up, had_it) = (scene.is_up().await, scene.plans(place).contains(&scene.plan));
    if had_it {
        let record = std::fs::read_to_string(scene.root.path().join("config.json.mainstay-plans")).expect("a record");
        assert!(record.contains(&scene.plan), "{place}: it is known whose it is: {record}");
    }
    let next: Output = scene.reconcile().output().expect("the binary runs");
    assert!(matches!(next.status.code(), Some(0 | 2 | 3)), "{place}: {next:?}");
    assert!(!String::from_utf8_lossy(&next.stdout).contains("SECRET-OF-THE-REPO"), "{place}");
    let plans = scene.plans(place);
    assert!(plans.contains(&scene.plan) && plans.contains(&"theirs".to_owned()), "{place}: {plans:?} {next:?}");
    // The note stays for as long as the stop of the killed process may still come true.
    let mut left = scene.names();
    left.retain(|name| !WHAT_STAYS.contains(&name.as_str()));
    let may_stay = [".config.json.mainstay-stopped".to_owned()];
    assert!(scene.is_up().await, "{place}: {next:?}");
    assert!(left.is_empty() || (was_up && left == may_stay), "{place}: {left:?}");
    let word = |is: bool| if is { "yes" } else { "no" };
    Some(format!(
        "{place:<16} {:<10} {:<10} yes        {}",
        word(was_up),
        if had_it { "new" } else { "old" },
        left.join(" ")
    ))
}

#[tokio::test]
async fn backrest_runs_with_a_whole_file_wherever_it_was_killed() {
    let rows = futures_util::future::join_all(PAUSE_PLACES_OF_APPLY.iter().map(|place| judge(place))).await;
    println!("{:<16} {:<10} {:<10} {:<10} left", "killed at", "then up", "file", "at last up");
    rows.into_iter().flatten().for_each(|row| println!("{row}"));
}

/// The configuration of a Mainstay that looks after it.
fn section(config: &Path, container: &str) -> String {
    let config = config.display();
    format!("backrest: {{config: '{config}', container: {container}, apply: true, with_events: false, interval: 24h}}")
}

#[tokio::test]
async fn resume_starts_a_backrest_that_was_stopped_for_its_file() {
    let Some(scene) = Scene::set("resume").await else { return };
    scene.killed_at("apply.stopped");
    assert!(!scene.is_up().await);
    let home = tempfile::tempdir().expect("a directory");
    let database = crate::support::store::new_database(home.path()).await;
    let config = write_config(home.path(), &database, &[section(&scene.config(), &scene.backrest)]);
    let resume = |more: &[&str]| {
        let output = mainstay().args(["resume", "--json", "--config"]).arg(&config).args(more).output().expect("run");
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (output.status.code(), report)
    };
    let (_, shown) = resume(&["--dry-run"]);
    assert_eq!(
        (&shown["items"][0]["container"], &shown["items"][0]["state"]),
        (&json!(scene.backrest), &json!("pending"))
    );
    assert!(!scene.is_up().await, "a dry run starts nothing");
    let (code, report) = resume(&[]);
    assert_eq!((code, &report["items"][0]["state"]), (Some(0), &json!("back")), "{report}");
    assert!(scene.is_up().await);
    assert!(scene.names().iter().all(|name| WHAT_STAYS.contains(&name.as_str()) || name.ends_with("mainstay-new")));
}

/// What a killed process leaves beside a configuration.
fn note(container: &str) -> Value {
    json!({"container": container, "name": "backrest", "project": "infra", "service": "backrest", "started_at": null,
        "asked_at": "2026-11-01T00:00:00Z", "stop_timeout_secs": 10, "before": "", "after": ""})
}

#[tokio::test]
async fn the_service_shows_a_backrest_that_it_cannot_start_and_starts_it_when_asked() {
    let engine = ScriptedEngine::new();
    engine.add_container(running_container("b1", "backrest"));
    engine.set_state("b1", ContainerState::Exited);
    engine.refuse(CallKind::Start, "b1", "port is already allocated");
    let root = tempfile::tempdir().expect("a directory");
    let config = root.path().join("config.json");
    std::fs::write(&config, json!({"repos": [], "plans": []}).to_string()).expect("written");
    std::fs::write(root.path().join(".config.json.mainstay-stopped"), note("b1").to_string()).expect("written");
    let service = Setup::scripted(&engine).config(&section(&config, "backrest")).start().await;

    let asked = service.call("resume_journal").json(json!({})).ok().await;
    let [one] = &asked["items"].as_array().expect("items")[..] else { panic!("one container: {asked}") };
    assert_eq!((&one["stack"], &one["state"], &one["job_id"]), (&json!("infra"), &json!("failed"), &Value::Null));
    assert!(one["message"].as_str().expect("a message").contains("already allocated"), "{asked}");
    assert_eq!(asked["all_back"], false);
    let listed = service.call("list_journal").ok().await;
    assert_eq!(listed["items"][0]["state"], "failed", "{listed}");
    let doctor = service.call("get_doctor").ok().await;
    let checks = doctor["checks"].as_array().expect("checks");
    let held = checks.iter().find(|check| check["name"] == "backrest.held").expect("a check");
    assert_eq!(held["state"], "failed", "{held}");

    let elsewhere = service.call("resume_journal").json(json!({"stack": "shop"})).ok().await;
    assert_eq!(elsewhere["items"], json!([]), "it is of another stack");
    engine.allow(CallKind::Start, "b1");
    let asked = service.call("resume_journal").json(json!({"stack": "infra"})).ok().await;
    assert_eq!((&asked["items"][0]["state"], &asked["all_back"]), (&json!("back"), &json!(true)), "{asked}");
    assert_eq!(service.call("list_journal").ok().await["items"], json!([]));
    service.stop().await;
}
