//! `reconcile`, `daemon` and `backup-once` as the true binary, on a real engine.
//!
//! Other tests may run labelled containers at the same time, so only what belongs to a test's own is judged.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::backrest::FakeBackrest;
use crate::support::docker::docker;
use crate::support::engine::{IMAGE, Lab, Recipe};
use crate::support::process::mainstay;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);
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
    assert_eq!(lines(&away)[0]["level"], json!("error"), "{away:?}");
    assert_eq!(std::fs::read_to_string(&config).expect("there"), "{");
}

/// A process whose standard output is read, killed when dropped.
struct Running {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let (sender, lines) = std::sync::mpsc::channel();
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let other = sender.clone();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        std::thread::spawn(move || {
            BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| other.send(line))
        });
        Self { child, lines }
    }

    fn wait_for(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if line.contains(part) {
                return;
            }
            seen.push(line);
        }
        panic!("no '{part}' in:\n{}", seen.join("\n"));
    }

    fn end(mut self) -> Option<i32> {
        terminate(self.child.id());
        self.child.wait().expect("ended").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn terminate(pid: u32) {
    let ended = Command::new("kill").args(["-TERM", &pid.to_string()]).status().expect("kill runs");
    assert!(ended.success());
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

/// An image whose restic only says what the real one says; taking a snapshot takes it a while.
struct FakeRestic(String);

impl FakeRestic {
    fn make(lab: &Lab, root: &Path) -> Self {
        let script = "#!/bin/sh\ncase $1 in\n  list) ;;\n  backup) ls -R \"$(eval echo \\${$#})\" && echo 'snapshot 12345678 saved' ;;\nesac\n";
        let path = root.join("restic");
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
        let (image, container) = (format!("mainstay-test/{}:local", lab.name("restic")), lab.name("image"));
        docker(&["create", "--name", &container, "--label", "mainstay.test=1", IMAGE, "true"]);
        docker(&["cp", &path.display().to_string(), &format!("{container}:/bin/restic")]);
        docker(&["commit", &container, &image]);
        docker(&["rm", &container]);
        Self(image)
    }
}

impl Drop for FakeRestic {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "-f", &self.0]).output();
    }
}

fn backup_once(image: &str, env_file: &PathBuf, label: &str) -> Command {
    let mut command = mainstay();
    command.args(["backup-once", "--native", "--host-name", "test", "--restic-image", image, "--quiesce-label", label]);
    command.arg("--rcb-env-file").arg(env_file);
    command
}

#[tokio::test]
async fn a_killed_backup_once_leaves_nothing_down() {
    let Some(lab) = Lab::open("a killed backup-once").await else { return };
    let root = tempfile::tempdir().expect("a directory");
    let restic = FakeRestic::make(&lab, root.path());
    let env_file = root.path().join("env");
    std::fs::write(&env_file, "RESTIC_PASSWORD=SECRET-OF-THE-REPO\n").expect("written");
    let (project, mark) = (lab.name("stack"), format!("test.{}", lab.name("rests")));
    let labels = [
        ("com.docker.compose.project", project.as_str()),
        ("com.docker.compose.service", "app"),
        ("restic-compose-backup.volumes", "true"),
        (mark.as_str(), "true"),
    ];
    let volume = lab.volume("data").await;
    let binds = vec![format!("{volume}:/data")];
    let recipe = Recipe { labels: &labels, binds, stop_timeout: Some(1), ..Recipe::default() };
    let app = lab.running("app", recipe).await;
    let label = format!("{mark}=true");
    for place in ["quiesce.journaled", "quiesce.first", "oneshot.rested", "resume.first"] {
        let mut command = backup_once(&restic.0, &env_file, &label);
        command.env("MAINSTAY_PAUSE_AT", place);
        let mut process = Running::start(&mut command);
        process.wait_for(&format!("paused at {place}"));
        process.child.kill().expect("killed");
        process.child.wait().expect("gone");
        if place == "oneshot.rested" {
            assert_eq!(is_running(&app), "false", "it was at rest when the process was killed");
        }
        let next = backup_once(&restic.0, &env_file, &label).output().expect("the binary runs");
        assert_eq!(next.status.code(), Some(0), "after {place}: {next:?}");
        assert!(!format!("{next:?}").contains("SECRET-OF-THE-REPO"), "{next:?}");
        assert_eq!(is_running(&app), "true", "after {place}");
    }
    let left = docker(&["ps", "-aq", "--filter", "label=mainstay.backup-once.owner"]);
    let volumes = docker(&["volume", "ls", "-q", "--filter", "label=mainstay.backup-once.owner"]);
    assert_eq!((left.as_str(), volumes.as_str()), ("", ""), "nothing of ours is left");
}

fn is_running(container: &str) -> String {
    docker(&["inspect", "--format", "{{.State.Running}}", container]).trim().to_owned()
}
