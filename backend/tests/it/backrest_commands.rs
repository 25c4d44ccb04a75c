//! `reconcile` and `daemon` as the true binary, on a real engine.
//!
//! Other tests may run labelled containers at the same time, so only what belongs to a test's own is judged.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::backrest::FakeBackrest;
use crate::support::engine::{Lab, Recipe};
use crate::support::process::mainstay;
use crate::support::running::Running;

const CONFIG: &str = r#"{"repos": [{"id": "default", "type": "local", "url": "/repo", "env": {}}],
  "plans": [{"id": "by_hand", "repo": "default", "schedule": "1 1 * * *", "sources": ["/srv"], "note": "mine"}]}"#;

/// A labelled service with a volume; returns the id that its plan gets.
async fn labelled(lab: &Lab, project: &str) -> String {
    let volume = lab.volume("data").await;
    let labels = [
        ("backrest.enable", "true"),
        ("backrest.schedule", "15 3 * * *"),
        ("com.docker.compose.project", project),
        ("com.docker.compose.service", "db"),
    ];
    lab.created("db", Recipe { labels: &labels, binds: vec![format!("{volume}:/data")], ..Recipe::default() }).await;
    let id: String = project.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{id}_db")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn reconcile(program: &mut Command, config: &Path, more: &[&str]) -> Output {
    program.env_remove("BACKREST_CONFIG").arg("--config").arg(config).args([
        "--plan-id-prefix",
        "",
        "--orphans",
        "keep",
    ]);
    program.args(more).output().expect("the binary runs")
}

#[tokio::test]
async fn a_dry_run_shows_and_a_round_writes_once() {
    let Some(lab) = Lab::open("plans of a real container").await else { return };
    let project = lab.name("stack");
    let plan = labelled(&lab, &project).await;
    let root = tempfile::tempdir().expect("a directory");
    let config = root.path().join("config.json");
    std::fs::write(&config, CONFIG).expect("written");
    // By the name that it had.
    let sidecar = root.path().join("backrest-sidecar");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mainstay"), &sidecar).expect("a link");
    let shown = reconcile(&mut Command::new(&sidecar), &config, &["--dry-run"]);
    assert_eq!(shown.status.code(), Some(2), "{shown:?}");
    let told = lines(&shown);
    let rendered = told.iter().find(|line| line["plan_id"] == *plan).expect("our plan");
    assert_eq!(
        (&rendered["action"], &rendered["retention"]["spec"]),
        (&json!("plan.rendered"), &json!("daily=7,weekly=4"))
    );
    let last = told.last().expect("lines");
    assert_eq!((&last["action"], &last["config"]), (&json!("dry-run.complete"), &json!(config.display().to_string())));
    assert!(String::from_utf8_lossy(&shown.stderr).contains(&format!("plan {plan}: added")), "{shown:?}");
    assert_eq!(std::fs::read_to_string(&config).expect("there"), CONFIG);

    let written = reconcile(mainstay().arg("reconcile"), &config, &[]);
    assert!(lines(&written).iter().any(|line| line["action"] == "config.write"), "{written:?}");
    let text = std::fs::read_to_string(&config).expect("there");
    assert!(text.contains(&plan) && text.contains(r#""note": "mine""#), "{text}");
    let again = reconcile(mainstay().arg("reconcile"), &config, &[]);
    let told = lines(&again);
    let line = told.iter().find(|line| line["plan_id"] == *plan).expect("our plan");
    assert_eq!(line["changed"], json!(false), "{again:?}");
}

#[test]
fn what_cannot_be_done_has_its_exit_code() {
    let root = tempfile::tempdir().expect("a directory");
    let config = root.path().join("config.json");
    std::fs::write(&config, "{").expect("written");
    let wrong = mainstay().args(["reconcile", "--no-such-flag"]).output().expect("the binary runs");
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let socket = root.path().join("no.sock").display().to_string();
    let away = reconcile(mainstay().arg("reconcile").env_remove("DOCKER_HOST"), &config, &["--docker-sock", &socket]);
    assert_eq!(away.status.code(), Some(3), "{away:?}");
    let told = lines(&away);
    assert_eq!(told.last().expect("lines")["action"], json!("reconcile.failed"), "{away:?}");
    assert_eq!(told.last().expect("lines")["level"], json!("error"), "{away:?}");
    assert_eq!(std::fs::read_to_string(&config).expect("there"), "{");
}

#[actix_web::test]
async fn the_daemon_brings_a_running_backrest_in_step_and_ends_in_order() {
    let Some(lab) = Lab::open("the daemon with a Backrest").await else { return };
    let project = lab.name("stack");
    let guid = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";
    let fake = FakeBackrest::start(json!({"version": 6, "instance": "host",
        "repos": [{"id": "default", "uri": "/repo", "guid": guid, "password": "SECRET-OF-THE-REPO"}], "plans": []}));
    let state = tempfile::tempdir().expect("a directory");
    let mut command = mainstay();
    command.args([
        "daemon",
        "--with-events",
        "--interval=1h",
        "--backrest-url",
        fake.address(),
        "--plan-id-prefix",
        "",
    ]);
    command
        .args(["--orphans", "keep", "--volume-prefix", "/docker_volumes"])
        .arg("--state-file")
        .arg(state.path().join("plans"));
    command.arg("--metrics-file").arg(state.path().join("mainstay.prom")).env_remove("BACKREST_CONFIG");
    let daemon = tokio::task::spawn_blocking(move || {
        let daemon = Running::start(&mut command);
        daemon.wait_for("reconcile.complete");
        daemon
    });
    let daemon = daemon.await.expect("a first round");
    let plan = labelled(&lab, &project).await;
    let daemon = tokio::task::spawn_blocking(move || {
        daemon.wait_for(&format!("\"plan_id\":\"{plan}\""));
        daemon.wait_for("config.send");
        (daemon, plan)
    });
    let (daemon, plan) = daemon.await.expect("a round after the event");
    assert!(fake.plan_ids().contains(&plan), "{:?}", fake.plan_ids());
    let code = tokio::task::spawn_blocking(move || daemon.end()).await.expect("ended");
    assert_eq!(code, Some(0));
    let numbers = std::fs::read_to_string(state.path().join("mainstay.prom")).expect("numbers");
    assert!(numbers.contains("mainstay_backrest_writes_total"), "{numbers}");
}
