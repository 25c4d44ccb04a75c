//! What a process makes up for that finds jobs at work in the store.

use secrecy::ExposeSecret as _;

use super::fake::Fault;
use super::found;
use super::world::{World, volume};
use crate::backends::{FoundSnapshot, Reads};
use crate::docker::scripted::{Program, RanCommand};
use crate::domain::job::{Job, JobState, StepName};
use crate::domain::plan::{Hook, Hooks, Target};
use crate::engine::JobEngine;
use crate::store::{PageRequest, SnapshotFilter};

/// Another process over the same store.
fn next_process(world: &World) -> JobEngine {
    JobEngine::new(world.engine.settings().clone(), world.engine.0.parts.clone())
}

/// The store says once more that the job is at work.
async fn recover_again(world: &World, job: &Job) {
    world.store.save_job(&world.engine.find_live(&job.id).expect("at work").now()).await.expect("saved");
    next_process(world).recover().await.expect("recovered");
}

#[tokio::test]
async fn what_a_kill_left_in_the_staging_directory_goes_at_the_next_start() {
    let world = World::new(Reads::Staged, vec![volume("data")]).await;
    world.backend.break_at("publish", Fault::Hangs);
    let job = world.begin().await;
    world.reach(&job, StepName::Publish).await;
    assert!(world.path("staging/nas").exists());
    let left = || std::fs::read_dir(world.path("staging/nas")).expect("listed").count();
    // What the backend has at work may be reading it.
    world.backend.break_at("sweep", Fault::Fails);
    next_process(&world).recover().await.expect("recovered");
    assert_eq!(left(), 1);
    world.backend.mend("sweep");
    recover_again(&world, &job).await;
    assert_eq!(left(), 0);
    world.engine.cancel(&job.id).await.expect("asked");
    world.end_of(&job).await;
}

/// Kills a run at this call of the backend, with commands around the capture of its volume; what the next process makes of
/// the job, and how often the command after the capture ran there.
async fn recovered_after(call: &'static str, step: StepName, after: Program) -> (Job, usize) {
    let hook = |command: &str| Hook { command: command.to_owned().into(), container: None, timeout: None };
    let hooks = Hooks { pre: vec![hook("switch off")], post: vec![hook("switch on")] };
    let world = World::new(Reads::InPlace, vec![Target { hooks, ..volume("data") }]).await;
    world.docker.add_command("app", "switch off", Program::printing(""));
    world.docker.add_command("app", "switch on", after);
    world.backend.break_at(call, Fault::Hangs);
    let job = world.begin().await;
    world.reach(&job, step).await;
    next_process(&world).recover().await.expect("recovered");
    let recovered = world.store.find_job(&job.id).await.expect("read").expect("the job");
    let ran = |command: &RanCommand| command.env.iter().any(|(_, value)| value.expose_secret() == "switch on");
    let times = world.docker.commands().iter().filter(|command| ran(command)).count();
    world.engine.cancel(&job.id).await.expect("asked");
    world.end_of(&job).await;
    (recovered, times)
}

#[tokio::test]
async fn commands_that_a_kill_left_owing_run_at_the_next_start() {
    let (job, times) = recovered_after("precopy", StepName::Precopy, Program::printing("")).await;
    assert_eq!((job.state, times), (JobState::Interrupted, 0), "none has run before the capture");
    let (job, times) = recovered_after("capture", StepName::Capture, Program::printing("")).await;
    assert_eq!((job.state, times), (JobState::Interrupted, 1));
    assert_eq!(job.error.as_deref(), Some("the service ended while the job was at work"));
    let (_, times) = recovered_after("publish", StepName::Publish, Program::printing("")).await;
    assert_eq!(times, 1, "it ran in time and is not run again");
    let (job, _) = recovered_after("capture", StepName::Capture, Program::failing(3, "no\n")).await;
    let error = job.error.expect("an error");
    assert!(error.contains("commands after the capture are owed") && error.contains("exit code 3"), "{error}");
}

#[tokio::test]
async fn what_a_killed_retention_had_dropped_is_noted_at_the_next_start() {
    let world = World::new(Reads::InPlace, vec![volume("data")]).await;
    let mut shelf: Vec<FoundSnapshot> = (1..5).map(|day| found(&format!("day-{day}"), day, true)).collect();
    world.record(&shelf).await;
    shelf.insert(0, found("stored-1", 0, true));
    *world.backend.shelf.lock().expect("not poisoned") = shelf;
    world.backend.break_at("forget", Fault::Hangs);
    let job = world.begin().await;
    while !world.backend.seen().calls.iter().any(|call| call.starts_with("forget")) {
        tokio::task::yield_now().await;
    }
    let recorded = async || {
        let listed = world.store.list_snapshots(&SnapshotFilter::default(), &PageRequest::first(9)).await;
        listed.expect("read").items.len()
    };
    let shelf = std::mem::take(&mut *world.backend.shelf.lock().expect("not poisoned"));
    next_process(&world).recover().await.expect("recovered");
    assert_eq!(recorded().await, 5, "it looks as if a disk were not mounted");
    *world.backend.shelf.lock().expect("not poisoned") = shelf.into_iter().take(2).collect();
    recover_again(&world, &job).await;
    assert_eq!(recorded().await, 2);
    world.engine.cancel(&job.id).await.expect("asked");
    world.end_of(&job).await;
}
