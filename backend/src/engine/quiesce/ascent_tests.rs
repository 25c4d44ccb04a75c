//! The way back up.

use super::*;
use crate::docker::ContainerDetail;
use crate::docker::scripted::{CallKind, ScriptedEngine, running_container};
use crate::domain::stack::ContainerState;
use crate::engine::quiesce::testing::{QUIET, Sample, engine, held, in_time, starts};

/// Brings back what has nothing to do with each other.
async fn free(engine: &ScriptedEngine, cases: &mut [Case]) {
    ordered(engine, &Order::default(), cases).await;
}

async fn ordered(engine: &ScriptedEngine, order: &Order, cases: &mut [Case]) -> Returned {
    let (limit, hurry) = (Duration::from_secs(5), CancellationToken::new());
    in_time(Ascent { docker: engine, order, limit, hurry: &hurry, say: QUIET }.bring_back(cases)).await
}

#[tokio::test]
async fn one_that_does_not_start_does_not_keep_the_others_down() {
    let engine = engine(&["bad", "good"]);
    ["bad", "good"].iter().for_each(|id| engine.set_state(id, ContainerState::Exited));
    for nth in [1, 3] {
        engine.fail_nth(CallKind::Start, nth, ScriptedEngine::rejection("port is already allocated"));
    }
    let mut cases = [Case::new(held("bad")), Case::new(held("good"))];
    free(&engine, &mut cases).await;
    assert!(cases.iter().all(|case| case.standing == Standing::Back), "{cases:?}");
    assert_eq!(starts(&engine), ["bad", "good", "bad", "bad"], "in passes");
}

#[tokio::test]
async fn one_that_ends_at_once_is_started_a_few_times() {
    let engine = engine(&["app"]);
    let mut down = running_container("app", "app");
    down.container.state = ContainerState::Exited;
    down.exit_code = Some(1);
    engine.add_container(down.clone());
    // It is seen down at every look, whatever was started.
    for nth in 1..=8 {
        let down = down.clone();
        engine.run_at_nth(CallKind::Inspect, nth, move |engine| engine.add_container(down));
    }
    let mut cases = [Case::new(held("app"))];
    free(&engine, &mut cases).await;
    assert_eq!(starts(&engine).len(), 3);
    assert_eq!(cases[0].reason().as_deref(), Some("it ended again with exit code 1"));
}

/// A stack at rest, with how its containers wait for each other.
fn at_rest(sample: Sample) -> (ScriptedEngine, Order, Vec<Case>) {
    let engine = sample.engine();
    let choice = sample.choose(|_| {});
    choice.held.iter().for_each(|held| engine.set_state(&held.id, ContainerState::Exited));
    let cases = choice.held.iter().map(|held| Case::settled(held.clone())).collect();
    (engine, choice.order, cases)
}

fn healthy(detail: &mut ContainerDetail) {
    detail.container.health = Some(Health::Healthy);
}

fn set_health(engine: &ScriptedEngine, id: &str, health: Health) {
    let found = futures_util::FutureExt::now_or_never(engine.inspect_container(id));
    let mut detail = found.expect("at once").expect("the container");
    detail.container.health = Some(health);
    engine.add_container(detail);
}

#[tokio::test]
async fn each_starts_after_what_it_needs_and_independent_ones_at_once() {
    let (engine, order, mut cases) =
        at_rest(Sample::new(&[("web", "app"), ("app", "db,cache"), ("db", ""), ("cache", "")]));
    let gate = engine.block_nth(CallKind::Start, 1);
    let look = async {
        gate.reached().await;
        while starts(&engine).len() < 2 {
            tokio::task::yield_now().await;
        }
        let early = starts(&engine);
        gate.release();
        early
    };
    let (returned, early) = tokio::join!(ordered(&engine, &order, &mut cases), look);
    assert_eq!(early, ["cache", "db"], "the second does not wait for the first");
    assert_eq!(starts(&engine), ["cache", "db", "app", "web"]);
    assert!(returned.unmet.is_empty());
}

#[tokio::test]
async fn what_needs_a_healthy_one_waits_for_its_health() {
    let sample = Sample::new(&[("app", "db:service_healthy:false"), ("db", ""), ("other", "db")]).with("db", healthy);
    let (engine, order, mut cases) = at_rest(sample);
    set_health(&engine, "db", Health::Starting);
    let look = async {
        while !starts(&engine).contains(&"other".to_owned()) {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(HEALTH_PAUSE * 2).await;
        let early = starts(&engine);
        set_health(&engine, "db", Health::Healthy);
        early
    };
    let (returned, early) = tokio::join!(ordered(&engine, &order, &mut cases), look);
    assert_eq!(early, ["db", "other"]);
    assert_eq!(starts(&engine), ["db", "other", "app"]);
    assert!(returned.unmet.is_empty(), "{returned:?}");
}

#[tokio::test]
async fn a_health_that_never_comes_is_told_and_keeps_nobody_down() {
    for (label, unmet) in
        [("db:service_healthy:false", 1), (r#"{"db":{"condition":"service_healthy","required":false}}"#, 0)]
    {
        let (engine, order, mut cases) = at_rest(Sample::new(&[("app", label), ("db", "")]).with("db", healthy));
        set_health(&engine, "db", Health::Unhealthy);
        let began = Instant::now();
        let returned = ordered(&engine, &order, &mut cases).await;
        assert!(began.elapsed() >= Duration::from_secs(5), "it was waited for");
        assert_eq!(starts(&engine), ["db", "app"]);
        assert!(cases.iter().all(|case| case.standing == Standing::Back));
        assert_eq!(returned.unmet.len(), unmet, "{label}: {returned:?}");
        if let [unmet] = returned.unmet.as_slice() {
            assert_eq!(unmet.name, "db");
            assert!(unmet.reason.starts_with("it was not healthy within 5.0 s after its start"), "{}", unmet.reason);
        }
    }
}

#[tokio::test]
async fn nothing_waits_for_a_health_once_the_service_ends() {
    let sample = Sample::new(&[("app", "db:service_healthy:false"), ("db", "")]).with("db", healthy);
    let (engine, order, mut cases) = at_rest(sample);
    set_health(&engine, "db", Health::Starting);
    let hurry = CancellationToken::new();
    hurry.cancel();
    let ascent = Ascent { docker: &engine, order: &order, limit: Duration::from_hours(1), hurry: &hurry, say: QUIET };
    let returned = in_time(ascent.bring_back(&mut cases)).await;
    assert_eq!((starts(&engine), returned.unmet.len()), (vec!["db".to_owned(), "app".to_owned()], 1));
}

#[tokio::test]
async fn what_was_not_healthy_before_is_not_waited_for() {
    let sample = Sample::new(&[("app", "db:service_healthy:false"), ("db", "")]);
    let choice = sample.with("db", |detail| detail.container.health = Some(Health::Unhealthy)).choose(|_| {});
    assert_eq!(choice.order.needs_of("app", &choice.held)[0].condition, Condition::Started);
    assert!(choice.notes[0].contains("unhealthy before the stop"), "{:?}", choice.notes);
}

#[tokio::test]
async fn what_needs_a_finished_one_waits_for_its_end() {
    let sample = Sample::new(&[("app", "init:service_completed_successfully:false"), ("init", "")]);
    let (engine, order, mut cases) = at_rest(sample);
    let look = async {
        while starts(&engine).is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(HEALTH_PAUSE * 2).await;
        let early = starts(&engine);
        engine.set_state("init", ContainerState::Exited);
        early
    };
    let (returned, early) = tokio::join!(ordered(&engine, &order, &mut cases), look);
    assert_eq!((early, starts(&engine)), (vec!["init".to_owned()], vec!["init".to_owned(), "app".to_owned()]));
    assert!(returned.unmet.is_empty(), "{returned:?}");
}

#[tokio::test]
async fn one_that_does_not_start_keeps_what_needs_it_waiting_only_for_a_while() {
    let (engine, order, mut cases) = at_rest(Sample::new(&[("app", "db:service_healthy:false"), ("db", "")]));
    engine.refuse(CallKind::Start, "db", "port is already allocated");
    let began = Instant::now();
    let look = async {
        while engine.state_of("app") != Some(ContainerState::Running) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    };
    let (returned, waited) = tokio::join!(ordered(&engine, &order, &mut cases), look);
    assert!(waited >= FAILING_PATIENCE && waited < FAILING_PATIENCE * 3, "{waited:?}");
    assert!(returned.unmet.is_empty(), "the case itself tells of it");
    assert!(cases[0].reason().expect("a reason").contains("port is already allocated"));
}
