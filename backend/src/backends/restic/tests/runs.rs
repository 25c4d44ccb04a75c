//! Runs: what ends up in the snapshot, and what is left when they go wrong.

use chrono::DateTime;

use super::*;
use crate::backends::RestoreRequest;
use crate::backends::restic::tags;
use crate::domain::job::TargetState;

#[tokio::test]
async fn a_run_leaves_one_snapshot_of_what_was_at_rest() {
    let mut bench = Bench::new().await;
    bench.write("big", &noise(1, 3 << 20));
    let changing = bench.write("dir/changing", b"before");
    let dump = bench.path("dumps/db/dump.sql");
    fs::create_dir_all(dump.parent().expect("a parent")).expect("directories");
    fs::write(&dump, "-- dump").expect("writable");
    let sources = [bench.volume(), source("shop-db", bench.path("dumps/db"), false)];
    bench.set("TZ", "Asia/Tokyo");
    let started_at = DateTime::from_timestamp(1_750_000_000, 0).expect("a time");
    let request = RunRequest { started_at, ..bench.request() };
    let mut session = bench.backend().begin(request, bench.work()).await.expect("begun");
    session.precopy(&sources).await.expect("a hot pass");
    fs::write(&changing, "after!").expect("writable");
    session.capture(&sources).await.expect("captured");
    fs::write(&changing, "later!").expect("writable");
    let mut stored = session.publish(&sources).await.expect("stored");
    let before = stored.reference.clone();
    session.verify(&mut stored, true).await.expect("verified");
    session.end().await;
    assert_ne!(stored.reference, before, "marking it gives it another id");
    assert_eq!(stored.bytes_read, (3 << 20) + 6 + 7);
    assert!(stored.bytes_stored >= 3 << 20, "what the hot pass stored counts too: {stored:?}");
    let states: Vec<_> = stored.outcomes.iter().map(|o| (o.name.as_str(), o.state, o.size_bytes)).collect();
    let whole = TargetState::Succeeded;
    assert_eq!(states, [("shop_data", whole, (3 << 20) + 6), ("shop-db", whole, 7)]);

    let found = bench.backend().snapshots(&bench.work()).await.expect("a list");
    assert_eq!(found.len(), 1);
    assert_eq!(Some(&found[0].reference), stored.reference.as_ref());
    assert_eq!(found[0].at, started_at, "as our record says, in whatever zone restic runs");
    assert!(found[0].is_ours && found[0].is_complete && found[0].host == "this-host");
    for tag in ["mainstay", "mainstay-instance=nightly", "volume:shop_data", "db:shop-db", "daily", tags::COMPLETE] {
        assert!(found[0].tags.iter().any(|own| own == tag), "{tag} in {:?}", found[0].tags);
    }
    assert_eq!(bench.all().await.len(), 1, "the hot snapshot is gone");
    let seen = bench.report.seen.lock().expect("a lock").clone();
    assert!(seen.iter().any(|seen| seen.bytes_total.is_some()), "progress was told: {seen:?}");

    fs::write(&changing, "after!").expect("writable");
    let to = bench.path("restored");
    fs::create_dir(&to).expect("a directory");
    let request = RestoreRequest { reference: found[0].reference.clone(), paths: Vec::new(), to: to.clone() };
    bench.backend().restore(&bench.work(), &request).await.expect("restored");
    expect_same(&bench.path("source"), &to.join(bench.path("source").strip_prefix("/").expect("absolute")));
}

#[tokio::test]
async fn the_next_run_reads_and_stores_only_what_changed() {
    let bench = Bench::new().await;
    bench.write("big", &noise(2, 8 << 20));
    bench.run(&[bench.volume()], true).await.expect("a first run");
    bench.write("small", &noise(3, 1000));
    let stored = bench.run(&[bench.volume()], true).await.expect("a second run");
    assert_eq!(stored.bytes_read, (8 << 20) + 1000);
    assert!(stored.bytes_stored < 20_000, "{stored:?}");
    // The path of a dump comes and goes, and the parent is found still.
    let dump = bench.path("dump.sql");
    fs::write(&dump, "-- dump").expect("writable");
    let stored = bench.run(&[bench.volume(), source("db", &dump, false)], true).await.expect("a third run");
    assert!(stored.bytes_stored < 20_000, "{stored:?}");
    assert_eq!(bench.all().await.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_read_makes_its_source_partial() {
    let mut bench = Bench::new().await;
    let restic = which("restic");
    // Root without the right to read everything.
    bench.shim(&format!("exec setpriv --bounding-set -dac_override,-dac_read_search {restic} \"$@\""));
    bench.write("open", b"readable");
    let closed = bench.write("closed", b"secret");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("a mode");
    let other = bench.path("other");
    fs::create_dir(&other).expect("a directory");
    fs::write(other.join("file"), "whole").expect("writable");
    let stored = bench.run(&[bench.volume(), source("other", &other, true)], false).await.expect("stored");
    let states: Vec<_> = stored.outcomes.iter().map(|o| (o.name.as_str(), o.state)).collect();
    assert_eq!(states, [("shop_data", TargetState::Partial), ("other", TargetState::Succeeded)]);
    let message = stored.outcomes[0].message.clone().expect("a reason");
    assert!(message.contains("closed") && message.to_lowercase().contains("permission denied"), "{message}");
    let found = bench.backend().snapshots(&bench.work()).await.expect("a list");
    assert!(found.len() == 1 && !found[0].is_complete, "{found:?}");
}

#[tokio::test]
async fn what_is_missing_fails_and_leaves_the_rest_whole() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    let link = bench.path("link");
    std::os::unix::fs::symlink(bench.path("source"), &link).expect("a link");
    let sources = [
        source("gone", bench.path("gone"), true),
        bench.volume(),
        source("link", link, true),
        source("none", "/", true),
    ];
    let mut sources = sources.to_vec();
    sources[3].paths.clear();
    let stored = bench.run(&sources, false).await.expect("stored");
    let state = |name: &str| stored.outcomes.iter().find(|o| o.name == name).map(|o| o.state);
    assert_eq!(state("shop_data"), Some(TargetState::Succeeded));
    for name in ["gone", "link", "none"] {
        assert_eq!(state(name), Some(TargetState::Failed), "{name}");
    }
    let only_missing = bench.run(&sources[..1], false).await;
    assert!(matches!(only_missing, Err(BackendError::Failed { .. })), "{only_missing:?}");
    assert_eq!(bench.all().await.len(), 1);
}

#[tokio::test]
async fn empty_directories_are_told_and_empty_dumps_fail() {
    let bench = Bench::new().await;
    let dump = bench.path("dump.sql");
    fs::write(&dump, "").expect("writable");
    let stored = bench.run(&[bench.volume(), source("db", &dump, false)], false).await.expect("stored");
    let states: Vec<_> = stored.outcomes.iter().map(|o| (o.state, o.size_bytes)).collect();
    assert_eq!(states, [(TargetState::Succeeded, 0), (TargetState::Failed, 0)]);
}

#[tokio::test]
async fn excludes_are_left_out() {
    let bench = Bench::new().await;
    bench.write("keep", b"keep");
    bench.write("cache/big", &noise(4, 1 << 20));
    let request = RunRequest { excludes: vec!["cache".to_owned(), "*.tmp".to_owned()], ..bench.request() };
    let mut session = bench.backend().begin(request, bench.work()).await.expect("begun");
    session.capture(&[bench.volume()]).await.expect("captured");
    let mut stored = session.publish(&[bench.volume()]).await.expect("stored");
    session.verify(&mut stored, true).await.expect("verified");
    session.end().await;
    assert_eq!(stored.bytes_read, 4);
}

#[tokio::test]
async fn a_dump_that_is_not_what_was_stored_leaves_no_snapshot() {
    let bench = Bench::new().await;
    let dump = bench.path("dump.sql");
    fs::write(&dump, "-- dump").expect("writable");
    let sources = [source("db", &dump, false)];
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    let mut stored = session.publish(&sources).await.expect("stored without a stop");
    fs::write(&dump, "-- dump, and more").expect("writable");
    let error = session.verify(&mut stored, true).await.expect_err("it differs");
    assert!(error.to_string().contains("17 bytes, and 7 in the snapshot"), "{error}");
    session.end().await;
    assert_eq!(bench.all().await, []);
}

#[tokio::test]
async fn live_data_is_never_read_after_the_stop() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    assert!(session.publish(&[bench.volume()]).await.is_err());
    session.end().await;
}

#[tokio::test]
async fn what_a_kill_leaves_never_counts_and_is_removed() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    bench.run(&[bench.volume()], true).await.expect("a first run");
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    session.precopy(&[bench.volume()]).await.expect("a hot pass");
    session.capture(&[bench.volume()]).await.expect("captured");
    drop(session);
    assert_eq!(bench.all().await.len(), 3);
    assert_eq!(bench.backend().snapshots(&bench.work()).await.expect("a list").len(), 1);
    let removed = bench.backend().sweep(&bench.work()).await.expect("swept");
    assert_eq!(removed, ["2 unfinished snapshots of instance nightly"]);
    assert_eq!(bench.all().await.len(), 1);
}

#[tokio::test]
async fn a_cancelled_run_leaves_nothing() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    let work = bench.work();
    let mut session = bench.backend().begin(bench.request(), work.clone()).await.expect("begun");
    session.precopy(&[bench.volume()]).await.expect("a hot pass");
    work.cancel.cancel();
    assert!(matches!(session.capture(&[bench.volume()]).await, Err(BackendError::Cancelled)));
    session.end().await;
    assert_eq!(bench.all().await, []);
    assert_eq!(bench.ask(&["list", "locks", "--no-lock"]).await, "");
}

#[tokio::test]
async fn instances_that_share_a_repository_take_turns() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    let mut first = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    first.capture(&[bench.volume()]).await.expect("captured");
    let mut other = Bench::empty();
    other.instance = instance("other", bench.path("repository").to_str().expect("UTF-8"));
    let backend = other.backend();
    let mut second = Box::pin(backend.begin(other.request(), other.work()));
    assert!(futures_util::poll!(&mut second).is_pending());
    let mut stored = first.publish(&[bench.volume()]).await.expect("stored");
    first.verify(&mut stored, true).await.expect("verified");
    let second = second.await.expect("its turn has come, before the first has ended");
    assert!(other.report.text().contains("waiting until other work"), "{}", other.report.text());
    second.end().await;
    first.end().await;
    let found = other.backend().snapshots(&other.work()).await.expect("a list");
    assert!(found.len() == 1 && !found[0].is_ours, "{found:?}");
}

#[tokio::test]
async fn every_restic_of_a_run_is_needed() {
    let mut bench = Bench::new().await;
    bench.write("file", b"content");
    bench.watch();
    let (backend, work, sources) = (bench.backend(), bench.work(), [bench.volume()]);
    backend.prepare(&work, true).await.expect("ready");
    assert_eq!(bench.asked(), ["version", "list"]);
    let mut session = backend.begin(bench.request(), work.clone()).await.expect("begun");
    session.precopy(&sources).await.expect("a hot pass");
    assert_eq!(bench.asked(), ["snapshots", "backup"]);
    session.stand_by(&sources).await;
    bench.until_locked().await;
    assert_eq!(bench.asked(), ["backup"]);
    session.capture(&sources).await.expect("captured");
    assert_eq!(bench.asked(), [""; 0], "while the writers rest");
    let mut stored = session.publish(&sources).await.expect("stored");
    session.verify(&mut stored, true).await.expect("verified");
    session.end().await;
    assert_eq!(bench.asked(), ["ls", "tag", "snapshots", "forget"]);
    assert_eq!(backend.snapshots(&work).await.expect("a list").len(), 1);
}

#[tokio::test]
async fn what_stands_by_reads_only_once_the_writers_rest() {
    let mut bench = Bench::new().await;
    let changing = bench.write("changing", b"before");
    let sources = [bench.volume()];
    bench.watch();
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    session.precopy(&sources).await.expect("a hot pass");
    session.stand_by(&sources).await;
    bench.until_locked().await;
    fs::write(&changing, "at rest, and longer").expect("writable");
    bench.asked();
    session.capture(&sources).await.expect("captured");
    assert_eq!(bench.asked(), [""; 0]);
    let mut stored = session.publish(&sources).await.expect("stored");
    session.verify(&mut stored, true).await.expect("verified");
    session.end().await;
    assert_eq!(stored.bytes_read, 19);
}

#[tokio::test]
async fn what_stands_by_for_something_else_ends_without_a_trace() {
    let mut bench = Bench::new().await;
    bench.write("file", b"content");
    let (more, locks) = (bench.path("more"), bench.path("repository/locks"));
    fs::write(&more, "more").expect("writable");
    bench.watch();
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    session.stand_by(&[bench.volume()]).await;
    bench.until_locked().await;
    bench.asked();
    let sources = [bench.volume(), source("more", &more, true)];
    session.capture(&sources).await.expect("captured");
    assert_eq!(bench.asked(), ["backup"]);
    let mut stored = session.publish(&sources).await.expect("stored");
    assert_eq!(fs::read_dir(&locks).expect("locks").count(), 0, "its lock is gone");
    session.verify(&mut stored, true).await.expect("verified");
    session.end().await;
    assert_eq!((stored.bytes_read, bench.all().await.len()), (11, 1));

    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    session.stand_by(&sources).await;
    bench.until_locked().await;
    session.end().await;
    assert_eq!((fs::read_dir(&locks).expect("locks").count(), bench.all().await.len()), (0, 1));
}

#[tokio::test]
async fn what_does_not_change_is_not_read_while_the_writers_rest() {
    let mut bench = Bench::new().await;
    let dump = bench.path("dump.sql");
    fs::write(&dump, "-- dump").expect("writable");
    let sources = [source("db", &dump, false)];
    bench.watch();
    let mut session = bench.backend().begin(bench.request(), bench.work()).await.expect("begun");
    session.precopy(&sources).await.expect("nothing to read yet");
    bench.asked();
    session.capture(&sources).await.expect("captured");
    assert_eq!(bench.asked(), [""; 0]);
    let mut stored = session.publish(&sources).await.expect("stored");
    session.verify(&mut stored, true).await.expect("verified");
    session.end().await;
    assert_eq!(stored.bytes_read, 7);
}

pub(super) fn which(program: &str) -> String {
    let path = std::env::var("PATH").expect("a PATH");
    let found = path.split(':').map(|dir| Path::new(dir).join(program)).find(|path| path.is_file());
    found.expect("the program is installed").display().to_string()
}
