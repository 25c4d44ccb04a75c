//! The daemon under many events, at the pace at which they come: figures, and what they must not exceed.

use std::path::Path;
use std::time::{Duration, Instant};

use mainstay::docker::ContainerEngine as _;
use serde_json::json;

use crate::backrest_killed::volumes_of_engine;
use crate::support::engine::{Lab, Recipe};
use crate::support::process::mainstay;
use crate::support::running::Running;

const EVENTS: u32 = 200;
const WITHIN: Duration = Duration::from_secs(10);

/// The value of a number in the text for Prometheus.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(&format!("mainstay_backrest_{name} "))).expect(name);
    line.rsplit(' ').next().expect("a value").parse().expect("a number")
}

/// The numbers after the first round: they are written after its last line is printed.
async fn first_numbers(path: &Path) -> String {
    let begun = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) => return text,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "no numbers: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn save_config(path: &Path) {
    let guid = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";
    let content = json!({"version": 6, "instance": "host", "plans": [],
        "repos": [{"id": "default", "uri": "/repo", "guid": guid, "password": "x"}]});
    std::fs::write(path, content.to_string()).expect("written");
}

/// Comings and goings of labelled containers, evenly over the time; each changes the plans that labels want. The last one
/// stays; returns the id of its plan and how long all of it took.
async fn storm(lab: &Lab) -> (String, Duration) {
    let (project, volume, pairs) = (lab.name("stack"), lab.volume("data").await, EVENTS / 2);
    let begun = Instant::now();
    for n in 0..pairs {
        let is_last = n + 1 == pairs;
        let schedule = format!("{} 3 * * *", n % 60);
        let service = if is_last { "last".to_owned() } else { format!("db{}", n % 7) };
        let labels = [
            ("backrest.enable", "true"),
            ("backrest.schedule", schedule.as_str()),
            ("com.docker.compose.project", project.as_str()),
            ("com.docker.compose.service", service.as_str()),
        ];
        let binds = vec![format!("{volume}:/data")];
        let name = lab.created(&format!("db-{n}"), Recipe { labels: &labels, binds, ..Recipe::default() }).await;
        if !is_last {
            lab.engine.remove_container(&name).await.expect("removed");
        }
        let due = WITHIN * (n + 1) / pairs;
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
    }
    let id: String = project.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    (format!("storm_{id}_last"), begun.elapsed())
}

/// With a real container that would be stopped for each change.
#[tokio::test]
async fn two_hundred_events_in_ten_seconds_stop_backrest_a_few_times_at_most() {
    let Some(lab) = Lab::open("the daemon under many events").await else { return };
    let root = tempfile::tempdir().expect("a directory");
    let (config, numbers) = (root.path().join("config.json"), root.path().join("numbers"));
    save_config(&config);
    let binds = vec![volumes_of_engine()];
    let backrest = lab.running("backrest", Recipe { binds, stop_timeout: Some(1), ..Recipe::default() }).await;
    let mut command = mainstay();
    command.env_remove("BACKREST_CONFIG").args(["daemon", "--with-events", "--interval=1h", "--apply"]);
    command.args(["--backrest-container", &backrest, "--orphans", "delete", "--plan-id-prefix", "storm_"]);
    command.arg("--config").arg(&config).arg("--metrics-file").arg(&numbers);
    let daemon = tokio::task::spawn_blocking(move || {
        let daemon = Running::start(&mut command);
        daemon.wait_for("reconcile.complete");
        daemon
    });
    let daemon = daemon.await.expect("a first round");
    let before = first_numbers(&numbers).await;
    let (last, took) = storm(&lab).await;
    let id = last.clone();
    let end = tokio::task::spawn_blocking(move || {
        daemon.wait_for(&format!("\"plan_id\":\"{id}\""));
        daemon.wait_for("reconcile.complete");
        daemon.end()
    });
    assert_eq!(end.await.expect("ended"), Some(0));
    let after = std::fs::read_to_string(&numbers).expect("numbers");
    let more = |name: &str| number(&after, name) - number(&before, name);
    let (rounds, writes, stops) = (more("reconciles_total"), more("writes_total"), more("restarts_total"));
    println!("events {EVENTS} in {took:.1?}: rounds {rounds}, writes {writes}, stops of Backrest {stops}");
    assert!(rounds >= 1 && writes <= rounds && stops == writes && stops <= 3, "{after}");
    // One for the longest wait, one for the quiet after the last event; longer on a slow machine, where other tests make
    // events as well.
    assert!(u128::from(rounds) <= 4 + took.as_millis() / 5_000, "{rounds} rounds in {took:?}");
    assert!(std::fs::read_to_string(&config).expect("there").contains(&last), "the last change has arrived");
}
