//! Runs of plans, with faults wherever a backend can have one.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::super::InstanceError;
use crate::backends::{BackendError, FoundSnapshot, Reads};
use crate::docker::scripted::CallKind;
use crate::domain::job::{Job, JobState, StepName, StepState, TargetKind, TargetState, Trigger};
use crate::domain::plan::What;
use crate::domain::stack::ContainerState;
use crate::store::{PageRequest, SnapshotFilter};

mod aftercare;
mod fake;
mod unpacked;
mod world;

use fake::{Fault, READ_AT_REST};
use world::{World, target, volume};

fn state_of(job: &Job, name: &str) -> TargetState {
    job.targets.iter().find(|target| target.name == name).expect("the target").state
}

fn step(job: &Job, name: StepName) -> StepState {
    job.find_step(name).expect("the step").state
}

/// Nothing that ran stays stopped, no one has anything any more, and nothing is left in the staging directory.
async fn assert_all_is_well(world: &World) {
    assert_eq!(world.docker.state_of("app"), Some(ContainerState::Running));
    assert!(world.store.list_journal().await.expect("read").is_empty());
    assert!(world.engine.live().stacks.is_empty() && world.engine.live().instances.is_empty());
    assert!(!world.path("staging/nas").exists(), "something was left in the staging directory");
}

#[tokio::test]
async fn writers_rest_for_the_capture_alone_and_the_result_is_recorded() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    world.add_writer("other", "data", false);
    *world.backend.shelf.lock().expect("not poisoned") = vec![found("stored-1", 0, true)];
    let job = world.run().await;
    assert_eq!((job.state, job.error.as_deref()), (JobState::Succeeded, None));
    let calls = world.backend.seen().calls.clone();
    let expected = [
        "prepare [app other]",
        "sweep [app other]",
        "begin [app other]",
        "precopy [app other]",
        "capture [other]",
        "publish [app other]",
        "verify [app other]",
        "end [app other]",
        "snapshots [app other]",
    ];
    assert_eq!(calls, expected);
    let snapshots = world.store.list_snapshots(&SnapshotFilter::default(), &PageRequest::first(9)).await;
    let [snapshot] = &snapshots.expect("read").items[..] else { panic!("not one snapshot") };
    assert_eq!((snapshot.reference.as_str(), snapshot.is_complete), ("stored-1", true));
    assert_eq!(snapshot.plan.as_ref().map(|plan| plan.as_str()), Some("nas"));
    assert_eq!(job.snapshot_id.as_ref(), Some(&snapshot.id));
    assert!(job.log_file.starts_with("backup_nas_") && job.stopped_ms.is_some());
    assert_eq!(job.bytes_captured_while_stopped, Some(READ_AT_REST));
    assert_eq!(world.backend.seen().request.as_ref().expect("asked").tags, ["nightly"]);
    assert_all_is_well(&world).await;
}

#[tokio::test]
async fn whatever_fails_the_containers_come_back_and_the_session_ends() {
    for (call, fault) in [
        ("prepare", Fault::Fails),
        ("begin", Fault::Fails),
        ("capture", Fault::Fails),
        ("capture", Fault::Panics),
        ("publish", Fault::Fails),
        ("publish", Fault::Panics),
        ("verify", Fault::Fails),
    ] {
        let world = World::new(Reads::InPlace, vec![volume("data")]).await;
        world.backend.break_at(call, fault);
        let job = world.run().await;
        assert_eq!(job.state, JobState::Failed, "{call}: {job:?}");
        assert!(job.error.is_some(), "{call}");
        let was_begun = !matches!(call, "prepare" | "begin");
        let is_ended = world.backend.seen().calls.iter().any(|call| call.starts_with("end"));
        assert_eq!(is_ended, was_begun, "{call}");
        assert!(world.backend.seen().forgotten.is_empty());
        assert_all_is_well(&world).await;
    }
}

#[tokio::test]
async fn a_failed_stop_brings_back_what_was_stopped() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    world.docker.fail_nth(CallKind::Stop, 1, crate::docker::scripted::ScriptedEngine::rejection("no"));
    let job = world.run().await;
    assert_eq!((job.state, step(&job, StepName::Capture)), (JobState::Failed, StepState::Skipped));
    // Its row stays until a stop that was asked for can no longer land.
    assert_eq!(world.docker.state_of("app"), Some(ContainerState::Running));
    assert!(world.engine.live().stacks.is_empty() && !world.path("staging/nas").exists());
}

#[tokio::test]
async fn what_is_read_without_a_stop_is_not_read_while_stopped() {
    let mut running = volume("data");
    running.stop_attached = Some(false);
    let world = World::new(Reads::InPlace, vec![running]).await;
    let job = world.run().await;
    assert_eq!((job.state, job.bytes_captured_while_stopped, job.stopped_ms), (JobState::Succeeded, None, None));
}

#[tokio::test]
async fn a_failed_first_pass_costs_nothing_but_time() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    world.backend.break_at("precopy", Fault::Fails);
    assert_eq!(world.run().await.state, JobState::Succeeded);
}

#[tokio::test]
async fn one_failed_target_leaves_the_others_whole() {
    let database = target(What::Database("app".to_owned()));
    let world = World::new(Reads::InPlace, vec![volume("gone"), volume("data"), database]).await;
    let job = world.run().await;
    assert_eq!(job.state, JobState::Partial, "{job:?}");
    assert_eq!(state_of(&job, "gone"), TargetState::Failed);
    assert_eq!(state_of(&job, "data"), TargetState::Succeeded);
    assert_eq!(state_of(&job, "app"), TargetState::Failed, "no tool dumps it");
    assert_eq!(world.backend.seen().is_complete, Some(false));
    assert_eq!(step(&job, StepName::Retention), StepState::Skipped);
    assert_all_is_well(&world).await;
}

#[tokio::test]
async fn a_part_that_leads_out_by_a_link_is_not_captured() {
    let mut astray = volume("data");
    astray.paths = vec!["away".into()];
    let world = World::new(Reads::InPlace, vec![astray]).await;
    std::os::unix::fs::symlink("/etc", world.path("data/away")).expect("linked");
    let job = world.run().await;
    assert_eq!(job.state, JobState::Failed);
    assert!(job.targets[0].message.as_deref().is_some_and(|why| why.contains("leads out")), "{job:?}");
    assert!(world.docker.changes().is_empty(), "nothing was stopped for it");
}

#[tokio::test]
async fn staged_data_has_its_documented_layout_and_is_stored_after_the_start() {
    let world = World::new(Reads::Staged, vec![volume("data")]).await;
    let job = world.run().await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    {
        let seen = world.backend.seen();
        let request = seen.request.as_ref().expect("asked");
        assert_eq!(request.run_dir, world.path("staging/nas/20260921-141320"));
        assert_eq!(seen.sources[0].paths, [request.run_dir.join("vol/data")]);
        assert!(!seen.sources[0].is_live);
        assert_eq!(seen.files.get(Path::new("file")).map(Vec::as_slice), Some(&b"hello"[..]));
        assert!(seen.calls.contains(&"publish [app]".to_owned()));
    }
    assert_all_is_well(&world).await;
}

#[tokio::test]
async fn what_cannot_be_read_here_is_streamed_to_a_lasting_place() {
    let world = World::new(Reads::InPlace, vec![volume("far")]).await;
    world.add_volume_at("far", PathBuf::from("/no/such/place"));
    world.add_writer("app", "far", true);
    world.docker.add_path("app", "/data", vec![Bytes::from(tar_with_a_file())]);
    let job = world.run().await;
    assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    assert_eq!(job.bytes_captured_while_stopped, Some(READ_AT_REST + 2), "what was copied counts");
    {
        let seen = world.backend.seen();
        assert_eq!(seen.sources[0].paths, [world.path("staging/nas/data/vol/far")]);
        assert_eq!(seen.files.get(Path::new("note")).map(Vec::as_slice), Some(&b"hi"[..]));
    }
    assert_all_is_well(&world).await;
}

fn tar_with_a_file() -> Vec<u8> {
    let mut header = async_tar::Header::new_ustar();
    header.set_path("data/note").expect("a path");
    header.set_size(2);
    header.set_mode(0o644);
    header.set_uid(rustix::process::getuid().as_raw().into());
    header.set_gid(rustix::process::getgid().as_raw().into());
    header.set_mtime(1);
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.extend(b"hi");
    tar.resize(512 * 4, 0);
    tar
}

#[tokio::test]
async fn a_cancel_in_the_middle_brings_everything_back() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    world.backend.break_at("capture", Fault::Hangs);
    let job = world.begin().await;
    world.reach(&job, StepName::Capture).await;
    world.engine.cancel(&job.id).await.expect("asked");
    let job = world.end_of(&job).await;
    assert_eq!(job.state, JobState::Cancelled);
    assert_all_is_well(&world).await;
}

fn found(reference: &str, day: i64, is_ours: bool) -> FoundSnapshot {
    FoundSnapshot {
        reference: reference.to_owned(),
        at: DateTime::<Utc>::from_timestamp(1_790_000_000 - day * 86_400, 0).expect("a time"),
        is_ours,
        is_adopted: false,
        is_complete: true,
        host: "node".to_owned(),
        paths: Vec::new(),
        tags: Vec::new(),
    }
}

#[tokio::test]
async fn retention_drops_what_is_ours_and_old_after_a_success_alone() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    let mut shelf: Vec<FoundSnapshot> = (1..5).map(|day| found(&format!("day-{day}"), day, true)).collect();
    world.record(&shelf).await;
    shelf.insert(0, found("stored-1", 0, true));
    shelf.extend([found("foreign", 9, false), found("of-a-lost-store", 8, true)]);
    *world.backend.shelf.lock().expect("not poisoned") = shelf;
    world.backend.break_at("verify", Fault::Fails);
    assert_eq!(world.run().await.state, JobState::Failed);
    assert!(world.backend.seen().forgotten.is_empty(), "never after a failure");
    world.backend.faults.lock().expect("not poisoned").clear();
    let job = world.run().await;
    assert_eq!((job.state, step(&job, StepName::Retention)), (JobState::Succeeded, StepState::Succeeded));
    assert_eq!(world.backend.seen().forgotten, ["day-2", "day-3", "day-4"]);
}

#[tokio::test]
async fn retention_that_fails_or_is_not_known_undoes_no_success() {
    for (fault, expected) in [(Fault::Fails, StepState::Failed), (Fault::NotSupported, StepState::Skipped)] {
        let world = World::new(Reads::InPlace, vec![volume("data")]).await;
        world.backend.break_at("snapshots", fault);
        let job = world.run().await;
        assert_eq!((job.state, step(&job, StepName::Retention)), (JobState::Succeeded, expected));
    }
}

#[tokio::test]
async fn what_others_removed_is_no_longer_offered() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    assert_eq!(world.run().await.state, JobState::Succeeded);
    let listed = world.store.list_snapshots(&SnapshotFilter::default(), &PageRequest::first(9)).await.expect("read");
    assert!(listed.items.is_empty(), "the shelf of the backend is empty: {listed:?}");
}

#[tokio::test]
async fn a_target_that_is_empty_now_and_was_not_is_doubtful() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    *world.backend.shelf.lock().expect("not poisoned") = vec![found("stored-1", 0, true)];
    assert_eq!(world.run().await.state, JobState::Succeeded);
    std::fs::remove_file(world.path("data/file")).expect("removed");
    let job = world.run().await;
    assert_eq!(job.state, JobState::Partial, "{job:?}");
}

#[tokio::test]
async fn jobs_for_one_instance_never_run_beside_each_other() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    world.backend.break_at("begin", Fault::Hangs);
    let job = world.begin().await;
    let check = world.engine.submit_check(&"nas".parse().expect("an id"), Trigger::Api).await;
    assert!(matches!(check, Err(crate::engine::SubmitError::InstanceConflict { .. })), "{check:?}");
    world.engine.cancel(&job.id).await.expect("asked");
    assert_eq!(world.end_of(&job).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_check_that_finds_something_has_failed() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    let id = "nas".parse().expect("an id");
    let job = world.engine.submit_check(&id, Trigger::Api).await.expect("queued");
    assert_eq!(world.end_of(&job).await.state, JobState::Succeeded);
    world.backend.break_at("check", Fault::Fails);
    let job = world.engine.submit_check(&id, Trigger::Api).await.expect("queued");
    let job = world.end_of(&job).await;
    assert_eq!((job.state, job.error.as_deref()), (JobState::Failed, Some("found: pack 12 is damaged")));
    world.backend.break_at("prepare", Fault::NotSupported);
    let tested = world.engine.test_instance(&id).await;
    assert!(matches!(tested, Err(InstanceError::Backend(BackendError::NotSupported(_)))), "{tested:?}");
}

/// A place that held something and is gone is a fault; one that a run has yet to make is none.
#[tokio::test]
async fn before_the_first_run_nothing_is_there_and_nothing_is_wrong() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    let id = "nas".parse().expect("an id");
    for call in ["prepare", "snapshots"] {
        world.backend.break_at(call, Fault::Absent);
    }
    let tested = world.engine.test_instance(&id).await.expect("a run can succeed");
    assert!(tested.warnings[0].contains("the first run makes it"), "{tested:?}");
    assert_eq!(world.engine.list_instance_snapshots(&id).await.expect("none"), []);
    assert_eq!(world.engine.forget_instance(&id, true).await.expect("nothing to judge").verdicts, []);
    let preview = world.engine.preview_plan(&"nas".parse().expect("an id")).await.expect("a preview");
    assert!(preview.warnings.is_empty() && preview.verdicts == Some(vec![]), "{preview:?}");

    world.record(&[found("day-0", 0, true)]).await;
    assert!(world.engine.test_instance(&id).await.is_err());
    assert!(world.engine.list_instance_snapshots(&id).await.is_err());
    assert!(world.engine.forget_instance(&id, true).await.is_err());
    let preview = world.engine.preview_plan(&"nas".parse().expect("an id")).await.expect("a preview");
    assert!(preview.warnings[0].contains("cannot be told") && preview.verdicts.is_none(), "{preview:?}");
}

#[tokio::test]
async fn retention_by_hand_is_a_job_and_a_preview_is_none() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    let mut shelf: Vec<FoundSnapshot> = (0..4).map(|d| found(&format!("day-{d}"), d, true)).collect();
    world.record(&shelf).await;
    shelf.push(found("of-a-lost-store", 8, true));
    *world.backend.shelf.lock().expect("not poisoned") = shelf;
    let id = "nas".parse().expect("an id");
    let preview = world.engine.forget_instance(&id, true).await.expect("a preview");
    assert_eq!(preview.verdicts.iter().filter(|verdict| !verdict.is_kept).count(), 2);
    let unknown = preview.verdicts.iter().find(|verdict| verdict.id == "of-a-lost-store").expect("told");
    assert!(unknown.is_kept && unknown.reason.contains("in no record"), "{}", unknown.reason);
    assert!(world.backend.seen().forgotten.is_empty());
    let report = world.engine.forget_instance(&id, false).await.expect("done");
    assert_eq!((report.freed_bytes, world.backend.seen().forgotten.len()), (Some(7), 2));
    assert_all_is_well(&world).await;
}

#[tokio::test]
async fn what_was_adopted_is_under_retention_although_no_record_knows_it() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    let adopted = |day| FoundSnapshot { is_adopted: true, ..found(&format!("day-{day}"), day, true) };
    *world.backend.shelf.lock().expect("not poisoned") = (0..4).map(adopted).collect();
    world.engine.forget_instance(&"nas".parse().expect("an id"), false).await.expect("done");
    assert_eq!(world.backend.seen().forgotten.len(), 2);
}

#[tokio::test]
async fn a_preview_touches_nothing() {
    let world = World::new(Reads::InPlace, vec![volume("data"), volume("gone")]).await;
    let preview = world.engine.preview_plan(&"nas".parse().expect("an id")).await.expect("a preview");
    assert_eq!(preview.stops, ["stop container app within 10 s"]);
    let told: Vec<_> = preview.targets.iter().map(|t| (t.kind, t.name.as_str(), t.skipped.is_none())).collect();
    assert_eq!(told, [(TargetKind::Volume, "data", true), (TargetKind::Volume, "gone", false)]);
    assert!(world.docker.changes().is_empty() && !world.path("staging").exists());
}
