//! The daemon under many events, at the pace at which they come: figures, and what they must not exceed.

use std::time::{Duration, Instant};

use mainstay::docker::ContainerEngine as _;
use serde_json::json;

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

/// Two hundred containers' comings and goings in ten seconds, each of which changes the plans that labels want, with a real
/// container that would be stopped for each change.
#[tokio::test]
async fn two_hundred_events_in_ten_seconds_stop_backrest_a_few_times_at_most() {
    let Some(lab) = Lab::open("the daemon under many events").await else { return };
    let root = tempfile::tempdir().expect("a directory");
    let config = root.path().join("config.json");
    let guid = "3f1c0a9de47b52860b9c1d7ea25f4836c0d1e2f3a4b5968778695a4b3c2d1e0f";
    let content = json!({"version": 6, "instance": "host", "plans": [],
        "repos": [{"id": "default", "uri": "/repo", "guid": guid, "password": "x"}]});
    std::fs::write(&config, content.to_string()).expect("written");
    let backrest = lab.running("backrest", Recipe { stop_timeout: Some(1), ..Recipe::default() }).await;
    let (project, volume) = (lab.name("stack"), lab.volume("data").await);
    let numbers = root.path().join("numbers");
    let mut command = mainstay();
    command.env_remove("BACKREST_CONFIG").args(["daemon", "--with-events", "--interval=1h", "--apply"]);
    command.args(["--backrest-container", &backrest, "--orphans", "delete", "--plan-id-prefix", "storm_"]);
    command.arg("--config").arg(&config).arg("--metrics-file").arg(&numbers);
    let daemon = Running::start(&mut command);
    daemon.wait_for("reconcile.complete");
    let before = std::fs::read_to_string(&numbers).expect("numbers");

    let begun = Instant::now();
    for n in 0..EVENTS / 2 {
        let name = lab.name(&format!("db-{n}"));
        let (schedule, service) = (format!("{} 3 * * *", n % 60), format!("db{}", n % 7));
        let labels = [
            ("backrest.enable", "true"),
            ("backrest.schedule", schedule.as_str()),
            ("com.docker.compose.project", project.as_str()),
            ("com.docker.compose.service", service.as_str()),
        ];
        let binds = vec![format!("{volume}:/data")];
        lab.created(&format!("db-{n}"), Recipe { labels: &labels, binds, ..Recipe::default() }).await;
        // The last one stays: its plan has to arrive.
        if n + 1 < EVENTS / 2 {
            lab.engine.remove_container(&name).await.expect("removed");
        }
        let due = WITHIN * (n + 1) / (EVENTS / 2);
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
    }
    let took = begun.elapsed();
    let id: String = project.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let last = format!("storm_{id}_db{}", (EVENTS / 2 - 1) % 7);
    tokio::task::spawn_blocking(move || {
        daemon.wait_for(&format!("\"plan_id\":\"{last}\""));
        daemon.wait_for("reconcile.complete");
        assert_eq!(daemon.end(), Some(0));
    })
    .await
    .expect("the end");
    let after = std::fs::read_to_string(&numbers).expect("numbers");
    let more = |name: &str| number(&after, name) - number(&before, name);
    let (rounds, writes, stops) = (more("reconciles_total"), more("writes_total"), more("restarts_total"));
    println!("events {EVENTS} in {took:.1?}: rounds {rounds}, writes {writes}, stops of Backrest {stops}");
    assert!(rounds >= 1 && writes <= rounds && stops == writes, "{after}");
    // One for the longest wait, one for the quiet after the last event; each begun second may add one on a slow machine.
    assert!(u128::from(rounds) <= 3 + took.as_millis() / 10_000, "{rounds} rounds in {took:?}");
    assert!(stops <= 3, "{stops}");
    assert!(std::fs::read_to_string(&config).expect("there").contains("storm_"), "the last change has arrived");
}
