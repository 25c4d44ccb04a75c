//! The stream of everything that happens.

use serde_json::{Value, json};

use crate::support::events::{Event, Events};
use crate::support::scene::{Scene, Stage};

async fn follow(scene: &Scene, after: Option<&str>) -> Events {
    let call = scene.service.call("stream_events");
    let call = if let Some(after) = after { call.query("after", after) } else { call };
    Events::new(call.open().await)
}

/// Events up to the end of the job called `id`.
async fn until_end_of(events: &mut Events, id: &Value) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let event = events.expect().await;
        let is_end = event.name == "job" && event.data["id"] == *id && event.data["finished_at"].is_string();
        seen.push(event);
        if is_end {
            return seen;
        }
    }
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_deref().expect("an id")).collect()
}

#[tokio::test]
async fn a_job_is_seen_from_its_start_to_its_end() {
    let scene = Stage::new().start().await;
    let mut events = follow(&scene, None).await;
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    let seen = until_end_of(&mut events, &job["id"]).await;
    let jobs = seen.iter().filter(|event| event.name == "job" && event.data["id"] == job["id"]);
    let mut states: Vec<&str> = jobs.map(|event| event.data["state"].as_str().expect("a state")).collect();
    states.dedup();
    assert_eq!(states, ["queued", "running", "succeeded"]);
    for event in seen.iter().filter(|event| event.name == "progress") {
        assert!(event.data["job_id"] == job["id"] && event.data["progress"]["bytes_done"].is_u64(), "{event:?}");
    }
    let again = scene.service.back_up("blog").await;
    assert_eq!(again["state"], "succeeded", "whoever hears of the end may start the next job");
}

#[tokio::test]
async fn what_was_missed_is_told_again() {
    let scene = Stage::new().start().await;
    let mut events = follow(&scene, None).await;
    let job = scene.service.call("backup_stack").path("name", "blog").ok().await;
    let seen = until_end_of(&mut events, &job["id"]).await;
    let (first, rest) =
        ids(&seen).split_first().map(|(first, rest)| ((*first).to_owned(), rest.to_vec())).expect("events");
    let mut by_parameter = follow(&scene, Some(&first)).await;
    assert_eq!(ids(&until_end_of(&mut by_parameter, &job["id"]).await), rest);
    let call = scene.service.call("stream_events").header("last-event-id", &first);
    let mut by_header = Events::new(call.open().await);
    assert_eq!(ids(&until_end_of(&mut by_header, &job["id"]).await), rest);
}

#[tokio::test]
async fn an_id_of_another_process_resets() {
    let scene = Stage::new().start().await;
    let mut events = follow(&scene, Some("1-7")).await;
    let event = events.expect().await;
    assert_eq!((event.name.as_str(), event.id, event.data), ("reset", None, json!({})));
    scene.service.call("stream_events").query("after", "seven").problem(400, "invalid_query").await;
    scene.service.call("stream_events").query("since", "1-7").problem(400, "invalid_query").await;
    scene.service.client.with_token(None).call("stream_events").problem(401, "unauthenticated").await;
}

#[tokio::test]
async fn an_engine_that_is_lost_is_told() {
    let scene = Stage::new().start().await;
    let mut events = follow(&scene, None).await;
    scene.engine.set_reachable(false);
    // A job looks at the host anew, whatever else notices.
    scene.service.back_up("blog").await;
    let lost = loop {
        let event = events.expect().await;
        if event.name == "engine" {
            break event;
        }
    };
    assert_eq!(lost.data, json!({ "reachable": false }));
}

#[tokio::test]
async fn a_stream_ends_with_the_service() {
    let scene = Stage::new().start().await;
    let mut events = follow(&scene, None).await;
    scene.service.stop().await;
    while events.next().await.is_some() {}
}
