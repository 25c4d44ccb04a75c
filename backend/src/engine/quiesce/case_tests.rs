//! What a look at a container does.

use super::*;
use crate::docker::scripted::running_container;
use crate::engine::quiesce::testing::{QUIET, engine, held, starts};

#[tokio::test]
async fn the_run_that_was_to_be_stopped_is_in_doubt_and_another_one_is_back() {
    let engine = engine(&["db"]);
    let mut case = Case::new(held("db"));
    case.look(&engine, QUIET).await;
    assert_eq!(case.standing, Standing::InDoubt);
    engine.set_state("db", ContainerState::Exited);
    case.look(&engine, QUIET).await;
    assert_eq!(starts(&engine), ["db"], "the stop landed, so it is started");
    let mut later = Case::new(held("db"));
    later.look(&engine, QUIET).await;
    assert_eq!(later.standing, Standing::Back, "another run");
}

#[tokio::test]
async fn what_nobody_touched_and_what_was_left_up_long_enough_is_back() {
    let engine = engine(&["db"]);
    let mut case = Case::settled(held("db"));
    case.look(&engine, QUIET).await;
    assert_eq!(case.standing, Standing::Back);
    let mut case = Case::new(held("db"));
    case.in_doubt_until = Some(Instant::now());
    case.look(&engine, QUIET).await;
    assert_eq!(case.standing, Standing::Back);
    assert!(starts(&engine).is_empty());
}

#[tokio::test]
async fn a_twin_is_started_only_in_the_same_place() {
    let engine = engine(&[]);
    let mut twin = running_container("other", "blog-db-2");
    twin.container.state = ContainerState::Exited;
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    twin.container.labels = [label(labels::PROJECT, "blog"), label(labels::SERVICE, "db")].into();
    twin.container.number = 2;
    engine.add_container(twin.clone());
    let mut case = Case::new(held("db"));
    case.look(&engine, QUIET).await;
    assert_eq!((case.standing.clone(), starts(&engine).len()), (Standing::Gone, 0));
    twin.container.number = 1;
    engine.add_container(twin);
    case.look(&engine, QUIET).await;
    assert_eq!(starts(&engine), ["other"]);
}

#[tokio::test]
async fn a_pause_that_may_still_land_is_waited_for_and_thawed() {
    let engine = engine(&["db"]);
    let mut case = Case::new(HeldContainer { action: HoldAction::Pause, ..held("db") });
    case.look(&engine, QUIET).await;
    assert_eq!(case.standing, Standing::InDoubt);
    assert!(case.reason().expect("a reason").contains("pausing"));
    engine.set_state("db", ContainerState::Paused);
    case.look(&engine, QUIET).await;
    assert_eq!((case.standing, engine.state_of("db")), (Standing::Back, Some(ContainerState::Running)));
}

#[tokio::test]
async fn of_two_in_the_same_place_the_one_that_is_up_is_it() {
    let engine = engine(&[]);
    for (id, name, state) in
        [("old", "old_blog_db_1", ContainerState::Exited), ("new", "blog_db_1", ContainerState::Running)]
    {
        let mut twin = running_container(id, name);
        twin.container.state = state;
        twin.container.labels =
            [(labels::PROJECT, "blog"), (labels::SERVICE, "db")].map(|(k, v)| (k.into(), v.into())).into();
        engine.add_container(twin);
    }
    let mut case = Case::new(held("db"));
    case.look(&engine, QUIET).await;
    assert_eq!((case.standing, starts(&engine).len()), (Standing::Back, 0));
}

#[tokio::test]
async fn a_container_of_no_stack_is_found_again_by_its_name() {
    let engine = engine(&[]);
    let mut other = running_container("new", "db");
    other.container.state = ContainerState::Exited;
    other.container.labels = [(labels::PROJECT.to_owned(), "shop".to_owned())].into();
    engine.add_container(other.clone());
    let gone = HeldContainer { id: "old".to_owned(), service: String::new(), ..held("db") };
    let mut case = Case::new(gone);
    case.look(&engine, QUIET).await;
    assert_eq!(case.standing, Standing::Gone, "one of a stack does not take its place");
    other.container.labels.clear();
    engine.add_container(other);
    case.look(&engine, QUIET).await;
    assert_eq!(starts(&engine), ["new"]);
}
