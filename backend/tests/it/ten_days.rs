//! Ten simulated days in a real repository: what retention leaves is what restic's own rules leave, and nothing of
//! anybody else is touched.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chrono::Duration;
use mainstay::docker::bollard_engine::BollardEngine;
use mainstay::domain::clock::Clock;
use serde_json::Value;

use crate::support::engine::{Lab, Recipe};
use crate::support::restic::{PASSWORD, Repository};
use crate::support::service::{Service, Setup};

async fn run(service: &Service) -> Value {
    let job = service.call("run_instance").path("id", "nas").ok().await;
    service.end_of(job["id"].as_str().expect("an id")).await
}

/// The days of ours, oldest first, and how many are not ours.
fn days(repository: &Repository) -> (Vec<String>, usize) {
    let all = repository.snapshots();
    let (ours, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|snapshot| snapshot["hostname"] == "node1");
    let day = |snapshot: &&Value| snapshot["time"].as_str().expect("a time")[..10].to_owned();
    (ours.iter().map(day).collect(), others.len())
}

/// The same ten days put into a repository by the bare command, and forgotten by its own rules.
fn as_restic_does(root: &Path, times: &[String]) -> Vec<String> {
    let repository = Repository(root.join("bare"));
    repository.restic(&["init"]);
    std::fs::write(root.join("file"), "content").expect("written");
    for time in times {
        let file = root.join("file");
        repository.restic(&["backup", "--host=node1", &format!("--time={time}"), file.to_str().expect("UTF-8")]);
        repository.restic(&["forget", "--keep-daily=2", "--keep-weekly=1", "--keep-monthly=1"]);
    }
    days(&repository).0
}

/// Another host with the same paths, and another tool on this host.
fn put_in_by_others(repository: &Repository, file: &Path) {
    for host in ["node2", "node1-laptop"] {
        let host = format!("--host={host}");
        repository.restic(&["backup", &host, "--time=2026-01-02 03:04:05", file.to_str().expect("UTF-8")]);
    }
}

/// A disk that is not mounted: no new repository in its place, no retention, and the run stands for no day.
async fn assert_absence_changes_nothing(service: &Service, repository: &Repository) {
    let before = days(repository);
    let elsewhere = service.path("elsewhere");
    std::fs::rename(&repository.0, &elsewhere).expect("moved");
    let job = run(service).await;
    assert!(job["state"] == "failed" && job["error"].to_string().contains("no new place is made"), "{job}");
    assert!(!repository.0.exists());
    std::fs::rename(&elsewhere, &repository.0).expect("moved");
    assert_eq!(days(repository), before);
}

async fn assert_shown(service: &Service, ours: usize, others: usize) {
    let items = |answer: Value| answer["items"].as_array().expect("items").clone();
    let listed = items(service.call("list_instance_snapshots").path("id", "nas").ok().await);
    assert_eq!(listed.iter().filter(|one| one["is_ours"] == false).count(), others, "they are shown: {listed:?}");
    let recorded = items(service.call("list_snapshots").query("instance", "nas").ok().await);
    assert_eq!(recorded.len(), ours, "what is gone is no longer offered");
}

#[tokio::test]
async fn ten_days_leave_what_restic_itself_would_leave() {
    let Some(lab) = Lab::open("ten days of backups").await else { return };
    let data = lab.volume("data").await;
    let binds = vec![format!("{data}:/data")];
    let writer =
        lab.running("writer", Recipe { script: "echo d >/data/d; sleep 9999", binds, ..Recipe::default() }).await;
    let setup = Setup::on(Arc::new(BollardEngine::connect(None))).manual_clock();
    let repository = Repository(setup.root().join("repository"));
    let mut service = setup.config(&config(&repository, &data)).start().await;
    let mut times = Vec::new();
    for day in 0..10 {
        times.push(service.clock.as_ref().expect("a clock").now().format("%Y-%m-%d %H:%M:%S").to_string());
        let job = run(&service).await;
        let log = service.log_of(job["id"].as_str().expect("an id")).await.join("\n");
        assert_eq!(job["state"], "succeeded", "{job}\n{log}");
        match day {
            0 => put_in_by_others(&repository, &service.path("config.yml")),
            5 => assert_absence_changes_nothing(&service, &repository).await,
            _ => {}
        }
        service.advance(Duration::days(1)).await;
    }
    let (ours, others) = days(&repository);
    assert_shown(&service, ours.len(), 2).await;
    let bare = tempfile::tempdir().expect("a directory");
    assert_eq!(ours, as_restic_does(bare.path(), &times));
    assert_eq!(others, 2, "what others put there is untouched");
    repository.restic(&["check", "--read-data"]);
    let up = Command::new("docker").args(["inspect", "-f", "{{.State.Running}}", &writer]).output().expect("docker");
    assert_eq!(String::from_utf8_lossy(&up.stdout).trim(), "true");
    service.stop().await;
}

fn config(repository: &Repository, volume: &str) -> String {
    format!(
        "node_name: node1\ninstances: [{{id: nas, repository: '{}', retention: '2d:1w:1m', \
         env: {{RESTIC_PASSWORD: {PASSWORD}}}, targets: [{{volume: {volume}}}]}}]",
        repository.0.display()
    )
}
