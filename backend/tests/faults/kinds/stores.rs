//! The store: shared, locked, lost, damaged.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};

use crate::archive::sound_archives;
use crate::cx::Cx;
use crate::rig::{Rig, Setup};
use crate::served::Launch;
use crate::store::is_postgres;

/// How long somebody else keeps the store to himself.
const LOCKED_FOR: Duration = Duration::from_secs(30);
/// How much of that a stack may be kept waiting: what has to be recorded is waited for a while.
const BACK: Duration = Duration::from_secs(25);

pub(super) async fn two(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let first = rig.serve().await;
    let mut second = rig.spawn(&Launch::default());
    let status = second.ended(Duration::from_secs(30)).await;
    let text = second.text();
    assert!(!status.success() && text.contains("another Mainstay"), "{status}: {text}");
    rig.conclude_with_backup(first).await;
}

/// Takes every lock that there is.
async fn lock(rig: &Rig) -> DatabaseConnection {
    let mut options = ConnectOptions::new(rig.database.clone());
    options.max_connections(1);
    let database = Database::connect(options).await.expect("the store");
    let statement = if is_postgres() { "BEGIN; LOCK TABLE jobs, stop_journal" } else { "BEGIN EXCLUSIVE" };
    database.execute_unprepared(statement).await.expect("locked");
    database
}

async fn unlock(database: DatabaseConnection) {
    database.execute_unprepared("ROLLBACK").await.expect("unlocked");
    database.close().await.expect("closed");
}

/// The stack does not wait for the store, and what could not be recorded is made up for.
pub(super) async fn locked(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let (served, id) = rig.pause_at("capture.target").await;
    let database = lock(&rig).await;
    let began = Instant::now();
    rig.open_gate();
    rig.is_well(BACK).await;
    cx.give_lane_back();
    tokio::time::sleep(LOCKED_FOR.saturating_sub(began.elapsed())).await;
    unlock(database).await;
    served.end_of(&id).await;
    rig.conclude_with_backup(served).await;
}

/// A service that cannot open its store may end, and whoever looks after it starts it again.
pub(super) async fn locked_at_boot(cx: Cx) {
    let rig = Setup::new().up(&cx).await;
    let served = rig.spawn(&Launch::paused_at("capture.target")).ready().await;
    served.begin(&rig.stack.name).await;
    served.paused_at("capture.target").await;
    served.kill().await;
    let database = lock(&rig).await;
    let mut again = rig.spawn(&Launch::default());
    cx.give_lane_back();
    tokio::time::sleep(LOCKED_FOR).await;
    unlock(database).await;
    if again.has_ended() {
        again = rig.spawn(&Launch::default());
    }
    let again = again.ready().await;
    rig.is_well(BACK).await;
    rig.conclude_with_backup(again).await;
}

/// The store's file and those beside it.
fn files_of_the_store(rig: &Rig) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(rig.path("store")).expect("a directory");
    let is_of_the_database = |path: &PathBuf| !path.to_string_lossy().ends_with(".lock");
    entries.map(|entry| entry.expect("an entry").path()).filter(is_of_the_database).collect()
}

async fn with_one_archive(cx: &Cx) -> (Rig, Vec<PathBuf>) {
    let rig = Setup::new().up(cx).await;
    let served = rig.serve().await;
    assert_eq!(served.back_up(&rig.stack.name).await["state"], "succeeded");
    let archives = rig.conclude(served).await;
    (rig, archives)
}

/// What was recorded is lost, what was stored is not, and the next backup is as good as ever.
pub(super) async fn deleted(cx: Cx) {
    let (rig, archives) = with_one_archive(&cx).await;
    files_of_the_store(&rig).iter().for_each(|file| std::fs::remove_file(file).expect("removed"));
    let served = rig.serve().await;
    let job = served.back_up(&rig.stack.name).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    served.terminate().await;
    rig.is_well(Duration::ZERO).await;
    let now = sound_archives(&rig.path("backups"));
    assert!(now.len() == 2 && archives.iter().all(|archive| now.contains(archive)), "{now:?}");
    for archive in now {
        rig.holds_the_truth(&archive).await;
    }
}

/// It does not start over what it cannot read, and does not make it worse.
pub(super) async fn corrupt(cx: Cx) {
    let (rig, archives) = with_one_archive(&cx).await;
    let file = rig.path("store/mainstay.db");
    let garbage = vec![0x5a_u8; 64 << 10];
    std::fs::write(&file, &garbage).expect("written");
    let mut served = rig.spawn(&Launch::default());
    let status = served.ended(Duration::from_secs(60)).await;
    assert!(!status.success(), "it starts over garbage: {}", served.text());
    assert!(served.text().contains("database"), "{}", served.text());
    assert!(std::fs::read(&file).expect("the file") == garbage, "the file was changed");
    assert_eq!(sound_archives(&rig.path("backups")), archives);
    rig.is_well(Duration::ZERO).await;
}
