//! `GET /api/v1/jobs/{id}/log/stream`

use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::get_log::{find_log, read_error};
use crate::api::problem::ApiError;
use crate::api::sse::{self, LogItem, SseEvent};
use crate::api::state::AppState;
use crate::api::wire::{Job, JobEnd, LogLine, Progress};
use crate::domain::ids::JobId;
use crate::engine::logbook::FollowItem;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Start {
    /// Only lines after this one: a line's `id`. The header `Last-Event-ID` does the same; the later one counts.
    #[param(example = "17")]
    after: Option<String>,
}

/// Follow a job's log
///
/// Server-sent events: first what was written, then what happens. `log`: an array of lines, whose last one's `id` is the
/// event's; `progress`: how far the job is; `state`: the whole job; `end`: nothing more will come, do not connect again;
/// `reset`: there is no line to go on after, and the log is told from its start; `ping`: every 15 s. After a lost
/// connection go on with `Last-Event-ID` or `after`: no line is lost and none comes twice.
#[utoipa::path(
    tag = "jobs",
    operation_id = "stream_job_log",
    params(
        ("id" = String, Path, description = "The job", example = "job_019aa3f1c2d47c3e9f00112233445566"),
        Start,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "Events until the job ends", content_type = "text/event-stream", body = String,
            example = "retry: 500\n\nid: 17\nevent: log\ndata: [{\"id\": \"17\", \"n\": 17, \"at\": \"2026-11-21T03:00:02.000Z\", \
                \"level\": \"INFO\", \"target\": null, \"message\": \"the volume is being read\"}]\n\n\
                event: end\ndata: {\"state\": \"succeeded\"}\n\n"),
        (status = 404, description = "job_not_found: there is no such job; log_not_found: its log was removed"),
    )
)]
#[get("/api/v1/jobs/{id}/log/stream")]
pub(crate) async fn stream_job_log(
    req: HttpRequest,
    state: web::Data<AppState>,
    id: web::Path<JobId>,
    start: web::Query<Start>,
) -> Result<HttpResponse, ApiError> {
    let after = sse::resume_after_line(&req, start.after.as_deref())?;
    let items = find_log(&state, &id).await?.follow(after).await.map_err(|error| read_error(error, &id))?;
    Ok(sse::respond(sse::batch(items.map(to_log_item)), state.shutdown.clone()))
}

fn to_log_item(item: FollowItem) -> LogItem {
    LogItem::Event(match item {
        FollowItem::Line(line) => return LogItem::Line(LogLine::of_job(line)),
        FollowItem::Reset => SseEvent::reset(),
        FollowItem::Progress(progress) => SseEvent::json("progress", &Progress::from(progress)),
        FollowItem::State(job) => SseEvent::json("state", &Job::from(*job)),
        FollowItem::End(state) => SseEvent::end(&JobEnd::from(state)),
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::ids::JobId;

    #[actix_web::test]
    async fn what_is_no_line_is_refused() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let id = JobId::new(DateTime::UNIX_EPOCH);
        for after in ["x", "1.5", "18c-7"] {
            let answer = api.get_with(&secret, &format!("/api/v1/jobs/{id}/log/stream?after={after}")).await;
            answer.assert_problem(400, "invalid_query");
        }
    }
}
