//! The last look, and the stop.

use std::sync::Arc;

use super::*;
use crate::docker::scripted::{CallKind, Gate, ScriptedEngine, running_container};
use crate::domain::clock::ManualClock;
use crate::engine::quiesce::testing::{QUIET, Sample, in_time};

#[tokio::test]
async fn what_ended_since_it_was_chosen_is_left_alone_and_the_rest_is_known_by_its_run() {
    let sample = Sample::new(&[("slow", ""), ("ended", ""), ("removed", "")]);
    let engine = sample.engine();
    let mut choice = sample.choose(|_| {});
    let mut slow = running_container("slow", "slow");
    slow.stop_timeout_secs = Some(90);
    engine.add_container(slow);
    engine.set_state("ended", ContainerState::Exited);
    engine.remove_container("removed");
    let held = look_again(&engine, &choice, QUIET).await.expect("looked at");
    let [slow] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((slow.stop_timeout_secs, slow.started_at.is_some()), (90, true));
    choice.timeouts.insert("slow".to_owned(), Duration::from_secs(3));
    let held = look_again(&engine, &choice, QUIET).await.expect("looked at");
    assert_eq!(held[0].stop_timeout_secs, 3, "the one that is asked for");
}

#[tokio::test]
async fn one_that_is_restarting_cannot_be_paused() {
    let sample = Sample::new(&[("a", ""), ("b", "")]);
    let engine = sample.engine();
    let choice = sample.choose(|question| question.otherwise = crate::domain::job::Quiesce::Pause);
    engine.set_state("b", ContainerState::Restarting);
    let held = look_again(&engine, &choice, QUIET).await.expect("looked at");
    assert_eq!([held[0].action, held[1].action], [HoldAction::Pause, HoldAction::Stop]);
}

#[tokio::test]
async fn one_that_something_else_starts_at_once_was_stopped_all_the_same() {
    for (is_new_run, expected) in [(true, true), (false, false)] {
        let mut rig = Rig::new(&[("db", "")]).await;
        rig.choice.held = look_again(&rig.engine, &rig.choice, QUIET).await.expect("looked at");
        let looks = rig.engine.calls().iter().filter(|call| call.kind() == CallKind::Inspect).count();
        rig.engine.run_at_nth(CallKind::Inspect, looks + 1, move |engine| {
            engine.set_state("db", ContainerState::Running);
            if !is_new_run {
                engine.add_container(running_container("db", "db"));
            }
        });
        assert_eq!(rig.run().await.is_ok(), expected);
    }
}

/// A stack that is about to be brought to rest.
struct Rig {
    engine: ScriptedEngine,
    store: Store,
    job: JobId,
    choice: Choice,
    touched: Touched,
    cancel: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Rig {
    async fn new(services: &[(&str, &str)]) -> Self {
        let sample = Sample::new(services);
        let engine = sample.engine();
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/store.db", directory.path().display());
        let now = chrono::DateTime::UNIX_EPOCH;
        let store = Store::connect(&url, Arc::new(ManualClock::new(now))).await.expect("a store");
        let (touched, cancel) = (Touched::default(), CancellationToken::new());
        let choice = sample.choose(|_| {});
        Self { engine, store, job: JobId::new(now), choice, touched, cancel, _directory: directory }
    }

    async fn run(&self) -> Result<(), QuiesceError> {
        let Self { engine: docker, store, job, choice, touched, cancel, .. } = self;
        let journal = &OfJob { store, job };
        in_time(Descent { docker, journal, choice, touched, cancel, say: QUIET }.run()).await
    }

    fn stops(&self) -> Vec<String> {
        self.engine.changes().iter().filter_map(|call| call.container().map(str::to_owned)).collect()
    }

    /// Waits until `n` stops were asked for.
    async fn asked(&self, n: usize) {
        while self.stops().len() < n {
            tokio::task::yield_now().await;
        }
    }

    fn open(&self) -> Vec<&str> {
        let ids = self.choice.held.iter().map(|held| held.id.as_str());
        ids.filter(|id| self.touched.is_open(id)).collect()
    }
}

const THREE_LEVELS: &[(&str, &str)] = &[("web", "app"), ("app", "db,cache"), ("db", ""), ("cache", "")];

#[tokio::test]
async fn each_is_stopped_after_what_depends_on_it_and_independent_ones_at_once() {
    let rig = Rig::new(THREE_LEVELS).await;
    let gates: Vec<Gate> = [1, 2, 3].iter().map(|&nth| rig.engine.block_nth(CallKind::Stop, nth)).collect();
    let look = async {
        let mut seen = Vec::new();
        for (gate, asked) in gates.into_iter().zip([1, 2, 4]) {
            gate.reached().await;
            in_time(rig.asked(asked)).await;
            seen.push(rig.stops().len());
            gate.release();
        }
        seen
    };
    let (result, seen) = tokio::join!(rig.run(), look);
    result.expect("at rest");
    assert_eq!(seen, [1, 2, 4], "the last two at the same time");
    assert_eq!(rig.stops(), ["web", "app", "db", "cache"]);
    assert!(rig.open().is_empty());
    assert_eq!(rig.store.list_journal().await.expect("the journal").len(), 4);
}

#[tokio::test]
async fn after_a_stop_that_fails_no_other_is_begun() {
    let rig = Rig::new(THREE_LEVELS).await;
    rig.engine.refuse(CallKind::Stop, "app", "did not receive an exit event");
    assert!(matches!(rig.run().await, Err(QuiesceError::Engine { name, .. }) if name == "app"));
    assert_eq!((rig.stops(), rig.open()), (vec!["web".to_owned(), "app".to_owned()], vec!["app"]));
}

#[tokio::test]
async fn a_cancel_ends_the_wait_for_a_stop_that_takes_long() {
    let rig = Rig::new(&[("web", "slow,quick"), ("slow", ""), ("quick", "")]).await;
    let gate = rig.engine.block_nth(CallKind::Stop, 2);
    let cancel = async {
        gate.reached().await;
        rig.cancel.cancel();
    };
    let (result, ()) = tokio::join!(rig.run(), cancel);
    assert!(matches!(result, Err(QuiesceError::Cancelled)));
    let slow = rig.stops()[1].clone();
    assert_eq!(rig.open(), [slow], "that stop may still land");
}
