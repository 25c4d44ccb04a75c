//! Locks: ours that are dead go, all others stay.

use super::*;
use crate::backends::restic::own_runs::OwnRun;

/// Kills a restic that holds a lock; one that reads from a pipe is in the middle of its backup. `is_ours` says whether it was written down.
async fn leave_lock(bench: &Bench, is_ours: bool) {
    leave_lock_in(bench, &bench.path("repository/locks"), &["backup", "--stdin"], is_ours).await;
}

async fn leave_lock_in(bench: &Bench, locks: &Path, arguments: &[&str], is_ours: bool) {
    let restic = bench.restic();
    let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
    let mut command = restic.command(&arguments);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("restic");
    let record = is_ours.then(|| OwnRun::begin(&restic, child.id()));
    // While it is written it bears a longer name, and killed then it is no lock yet.
    let is_lock = |name: &str| name.len() == 64;
    while !names_in(locks).iter().any(|name| is_lock(name)) {
        tokio::task::yield_now().await;
    }
    child.kill().await.expect("killed");
    // A process that is killed itself removes no record.
    std::mem::forget(record);
}

pub(super) fn names_in(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).expect("locks").map(|entry| entry.expect("an entry").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_lock_of_ours_whose_process_was_killed_is_removed() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    leave_lock(&bench, true).await;
    let removed = bench.backend().sweep(&bench.work()).await.expect("swept");
    assert_eq!(removed, ["1 locks that earlier runs left in the repository of instance nightly"]);
    assert_eq!(bench.ask(&["list", "locks", "--no-lock"]).await, "");
    leave_lock(&bench, true).await;
    bench.run(&[bench.volume()], true).await.expect("a run does so by itself");
}

#[tokio::test]
async fn a_lock_of_somebody_else_stays_and_is_named() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    let stored = bench.run(&[bench.volume()], true).await.expect("a first run");
    leave_lock(&bench, false).await;
    assert_eq!(bench.backend().sweep(&bench.work()).await.expect("swept"), Vec::<String>::new());
    let references = [stored.reference.expect("an id")];
    let sentence = not_ready(bench.backend().forget(&bench.work(), &references).await);
    assert!(sentence.contains("is locked by host") && sentence.contains("restic unlock"), "{sentence}");
    assert_eq!(fs::read_dir(bench.path("repository/locks")).expect("locks").count(), 1, "it is kept");
    assert_eq!(bench.all().await.len(), 1);
}

#[tokio::test]
async fn only_an_exclusive_lock_keeps_a_run_from_its_stop() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    leave_lock(&bench, false).await;
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    session.precopy(&[bench.volume()]).await.expect("a backup of another host is fine");
    session.end().await;
    fs::remove_dir_all(bench.path("repository/locks")).expect("removed");
    fs::create_dir(bench.path("repository/locks")).expect("a directory");
    leave_lock_in(&bench, &bench.path("repository/locks"), &["check"], false).await;
    let ready = bench.backend().prepare(&bench.work(), false).await.expect("it opens");
    assert!(ready.warnings.len() == 1 && ready.warnings[0].contains("is locked by host"), "{ready:?}");
    for sources in [vec![bench.volume()], vec![source("gone", bench.path("gone"), true)]] {
        let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
        let sentence = not_ready(session.precopy(&sources).await);
        assert!(sentence.contains("is locked by host") && sentence.contains("restic unlock"), "{sentence}");
        session.end().await;
    }
    assert_eq!(fs::read_dir(bench.path("repository/locks")).expect("locks").count(), 1, "it is kept");
}

#[tokio::test]
async fn an_exclusive_lock_of_somebody_else_is_named_when_it_does_not_go() {
    let bench = Bench::new().await;
    let mut noise = vec![0; 1 << 20];
    getrandom::fill(&mut noise).expect("random bytes");
    bench.write("file", &noise);
    bench.run(&[bench.volume()], true).await.expect("a first run");
    // At eight kibibytes a second it is still at it when it is killed.
    let check = ["check", "--read-data", "--limit-download", "8"];
    let mut child = bench.restic().command(&check.map(Into::into)).spawn().expect("restic");
    while !names_in(&bench.path("repository/locks")).iter().any(|name| name.len() == 64) {
        tokio::task::yield_now().await;
    }
    child.kill().await.expect("killed");
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    let sentence = not_ready(session.precopy(&[bench.volume()]).await);
    session.end().await;
    assert!(sentence.contains("is locked by host") && sentence.contains("restic unlock"), "{sentence}");
    assert_eq!(names_in(&bench.path("repository/locks")).len(), 1, "it is kept");
}

/// The same where the repository is not on this machine, as far as we know.
pub(super) async fn a_dead_lock_goes(bench: &Bench, locks: &Path) {
    leave_lock_in(bench, locks, &["backup", "--stdin"], true).await;
    let removed = bench.backend().sweep(&bench.work()).await.expect("swept");
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert_eq!(fs::read_dir(locks).expect("locks").count(), 0);
}
