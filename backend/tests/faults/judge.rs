//! What must hold after every fault, whatever it was.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::Value;

use crate::archive::{extract, sound_archives};
use crate::rig::Rig;
use crate::served::Served;

/// How long the last row of the stop journal may stay: a container's stop timeout, and the margin after it.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(90);
/// How long a stop that was under way when the process was killed may need to land and to be made good.
pub(crate) const SOON: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Rig {
    /// What ran runs, and nothing that did not run was started; waits for it at most this long.
    pub(crate) async fn is_well(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let complaints = self.before.complaints(&self.now().await);
            if complaints.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "after {limit:?}: {}", complaints.join("; "));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How many rows the stop journal has.
    pub(crate) async fn journal(&self) -> i64 {
        let database = Database::connect(&self.database).await.expect("the store");
        let count = "SELECT count(*) AS n FROM stop_journal";
        let statement = Statement::from_string(database.get_database_backend(), count);
        let row = database.query_one_raw(statement).await.expect("an answer").expect("a row");
        let rows = row.try_get::<i64>("", "n").expect("a number");
        database.close().await.expect("closed");
        rows
    }

    /// Waits until the stop journal is empty, while others may go on.
    pub(crate) async fn settle(&self) {
        self.is_well(SOON).await;
        let deadline = Instant::now() + JOURNAL_PATIENCE;
        while self.journal().await > 0 {
            self.cx.give_lane_back();
            assert!(Instant::now() < deadline, "the stop journal keeps {} rows", self.journal().await);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.is_well(Duration::ZERO).await;
    }

    /// Everything at once, and the end of the service: the stack, the journal, the files, the records.
    pub(crate) async fn conclude(&self, served: Served) -> Vec<PathBuf> {
        self.settle().await;
        self.check_jobs(&served).await;
        let archives = self.check_files(&served).await;
        served.terminate().await;
        self.is_well(Duration::ZERO).await;
        archives
    }

    /// The same after proving that a backup succeeds now, and holds the truth.
    pub(crate) async fn conclude_with_backup(&self, served: Served) -> Vec<PathBuf> {
        self.settle().await;
        let job = served.back_up(&self.stack.name).await;
        assert_eq!(job["state"], "succeeded", "a backup after the fault: {job:#}");
        let archive = served.client().call("list_snapshots").ok().await["items"][0]["archive"].clone();
        self.holds_the_truth(&PathBuf::from(archive.as_str().expect("an archive"))).await;
        self.conclude(served).await
    }

    /// Every job has ended, and none keeps quiet about why.
    async fn check_jobs(&self, served: &Served) {
        let jobs = served.client().call("list_jobs").ok().await;
        for job in jobs["items"].as_array().expect("jobs") {
            let state = job["state"].as_str().expect("a state");
            let is_final = ["succeeded", "partial", "failed", "cancelled", "interrupted"].contains(&state);
            assert!(is_final, "a job is {state}: {job:#}");
            assert!(state == "succeeded" || job["error"].is_string(), "{state} without a reason: {job:#}");
        }
    }

    /// Nothing but whole archives is visible, each is recorded, and everything recorded is there.
    pub(crate) async fn check_files(&self, served: &Served) -> Vec<PathBuf> {
        let archives = sound_archives(&self.path("backups"));
        let snapshots = served.client().call("list_snapshots").ok().await;
        let text = |snapshot: &Value| PathBuf::from(snapshot["archive"].as_str().expect("a path"));
        let mut recorded: Vec<PathBuf> = snapshots["items"].as_array().expect("items").iter().map(text).collect();
        recorded.sort();
        assert_eq!(recorded, archives, "what is recorded, and what is there");
        assert_no_files(&self.path("staging"));
        archives
    }

    /// The archive holds the volume as it was at rest: the payload never changes, and the writer said goodbye.
    pub(crate) async fn holds_the_truth(&self, archive: &std::path::Path) {
        let log = extract(archive, &format!("volumes/{}/log", self.stack.volume));
        self.is_the_truth(extract(archive, "/payload"), log).await;
    }

    /// The same of what was read out of wherever it was stored.
    pub(crate) async fn is_the_truth(&self, payload: Vec<u8>, log: Vec<u8>) {
        let live = self.host.volume_path(&self.stack.volume).await;
        assert!(payload == std::fs::read(live.join("payload")).expect("the payload"), "the payload differs");
        let log = String::from_utf8(log).expect("a text");
        assert!(log.ends_with("\nend\n"), "the writer was not at rest: …{}", &log[log.len().saturating_sub(60)..]);
        let now = std::fs::read_to_string(live.join("log")).expect("the log");
        assert!(now.starts_with(&log), "the archived log is not how the live one begins");
    }
}

fn assert_no_files(directory: &std::path::Path) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        assert!(entry.is_dir(), "{} was left behind", entry.display());
        assert_no_files(&entry);
    }
}
