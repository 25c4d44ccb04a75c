//! `GET /api/v1/events`

use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::problem::ApiError;
use crate::api::sse::{self, SseEvent};
use crate::api::state::AppState;
use crate::api::wire::{EngineChange, Job, JobProgress, StackChange};
use crate::engine::events::Event;
use crate::engine::hub::HubItem;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Start {
    /// Only events after the one with this id. The header `Last-Event-ID` does the same; the later one counts.
    #[param(example = "19aa3f1c2d4-17")]
    after: Option<String>,
}

/// Follow everything
///
/// Server-sent events for a whole dashboard. `job`: a job as it is now; `progress`: how far one is (`JobProgress`);
/// `stack`: a stack changed (`StackChange`); `engine`: the Docker Engine came or went (`EngineChange`); `reset`: events
/// were lost, fetch everything again; `ping`: every 15 s. Without an id only what comes is told.
#[utoipa::path(
    tag = "events",
    operation_id = "stream_events",
    params(Start, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, description = "Events until the service ends", content_type = "text/event-stream",
        body = String,
        example = "retry: 500\n\nid: 19aa3f1c2d4-17\nevent: stack\ndata: {\"name\": \"blog\"}\n\nevent: ping\ndata: {}\n\n"))
)]
#[get("/api/v1/events")]
pub(crate) async fn stream_events(
    req: HttpRequest,
    state: web::Data<AppState>,
    start: web::Query<Start>,
) -> Result<HttpResponse, ApiError> {
    let after = sse::resume_after(&req, start.after.as_deref())?;
    let events = state.engine.events().subscribe(after.as_deref()).map(to_event);
    Ok(sse::respond(events, state.shutdown.clone()))
}

fn to_event(item: HubItem<Event>) -> SseEvent {
    let HubItem::Item { id, value } = item else { return SseEvent::reset() };
    let event = match value {
        Event::Job(job) => SseEvent::json("job", &Job::from(*job)),
        Event::Progress { job, progress } => {
            SseEvent::json("progress", &JobProgress { job_id: job.into(), progress: progress.into() })
        }
        Event::Stack { name } => SseEvent::json("stack", &StackChange { name: name.into() }),
        Event::Engine { is_reachable } => SseEvent::json("engine", &EngineChange { reachable: is_reachable }),
    };
    event.with_id(id)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::ids::JobId;
    use crate::domain::job::Progress;

    fn told(value: Event) -> (&'static str, serde_json::Value) {
        let event = to_event(HubItem::Item { id: "ff-7".into(), value });
        assert_eq!(event.id.as_deref(), Some("ff-7"));
        (event.event, serde_json::from_str(&event.data).expect("JSON"))
    }

    #[test]
    fn each_kind_has_its_name_and_its_data() {
        let (name, data) = told(Event::Stack { name: "blog".parse().expect("a name") });
        assert_eq!((name, data), ("stack", serde_json::json!({"name": "blog"})));
        let (name, data) = told(Event::Engine { is_reachable: false });
        assert_eq!((name, data), ("engine", serde_json::json!({"reachable": false})));
        let job = JobId::new(DateTime::UNIX_EPOCH);
        let (name, data) = told(Event::Progress { job: job.clone(), progress: Progress::default() });
        assert_eq!(
            (name, data["job_id"].as_str(), &data["progress"]["bytes_done"]),
            ("progress", Some(job.as_str()), &0.into())
        );
        assert_eq!(to_event(HubItem::Reset), SseEvent::reset());
    }

    #[actix_web::test]
    async fn the_stream_is_for_those_who_signed_in_and_name_an_id() {
        let api = TestApi::new().await;
        api.get("/api/v1/events").await.assert_problem(401, "unauthenticated");
        let secret = api.token(Scope::Read).await;
        api.get_with(&secret, "/api/v1/events?after=x").await.assert_problem(400, "invalid_query");
        api.state.shutdown.cancel();
        let answer = api.get_with(&secret, "/api/v1/events").await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "retry: 500\n\n"), "it ends with the service");
    }
}
