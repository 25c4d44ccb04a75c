//! `GET /api/v1/logs/stream`

use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::input::parse_parameter;
use crate::api::problem::ApiError;
use crate::api::sse::{LogItem, SseEvent, batch, respond, resume_after};
use crate::api::state::AppState;
use crate::api::wire::LogLine;
use crate::domain::log::Level;
use crate::engine::hub::HubItem;
use crate::engine::logbook::SystemLog;

/// What the stream may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The id of the last line that one has; only lines to come when left out.
    #[param(example = "19aa3f1c2d4-17")]
    after: Option<String>,
    /// Only lines that matter as much as this or more.
    #[param(value_type = Option<crate::api::wire::LogLevel>, example = "WARNING")]
    level: Option<String>,
}

/// Watch the service's log
///
/// Server-sent events: `log`, whose data is an array of lines and whose id is the last line's; `ping` every 15 s;
/// `reset` when the place is no longer known, because it is too old or of another process: get the log again.
/// `Last-Event-ID` and `after` resume after that line; the later of the two counts.
#[utoipa::path(
    tag = "logs",
    operation_id = "stream_system_log",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The same as `after`; browsers send it by themselves")
    ),
    responses((
        status = 200, description = "The events, until the client or the service ends", body = String,
        content_type = "text/event-stream",
        example = json!("retry: 500\n\nid: 19aa3f1c2d4-17\nevent: log\ndata: [{\"id\":\"19aa3f1c2d4-17\",\"n\":17,\
            \"at\":\"2026-11-21T03:00:02.000Z\",\"level\":\"INFO\",\"target\":null,\"message\":\"bye\"}]\n\n")
    ))
)]
#[get("/api/v1/logs/stream")]
pub(crate) async fn stream_system_log(
    req: HttpRequest,
    state: web::Data<AppState>,
    query: web::Query<StreamQuery>,
) -> Result<HttpResponse, ApiError> {
    let after = resume_after(&req, query.after.as_deref())?;
    let level = parse_parameter::<Level>("level", query.level.as_deref())?;
    let items = watch(state.engine.system_log(), after.as_deref(), level);
    Ok(respond(batch(items), state.shutdown.clone()))
}

fn watch(log: &SystemLog, after: Option<&str>, level: Option<Level>) -> impl Stream<Item = LogItem> + 'static {
    log.subscribe(after).filter_map(move |item| {
        let item = match item {
            HubItem::Reset => Some(LogItem::Event(SseEvent::reset())),
            HubItem::Item { value, .. } if level.is_some_and(|least| value.level < least) => None,
            HubItem::Item { id, value } => Some(LogItem::Line(LogLine::with_id(id, value))),
        };
        std::future::ready(item)
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::watch;
    use crate::api::sse::{SseEvent, batch};
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::log::Level;
    use crate::engine::logbook::SystemLog;

    async fn filled() -> TestApi {
        let api = TestApi::new().await;
        for (level, message) in [(Level::Info, "one"), (Level::Error, "two"), (Level::Info, "three")] {
            api.state.engine.system_log().write(level, None, message);
        }
        api
    }

    async fn first(log: &SystemLog, after: &str, level: Option<Level>) -> SseEvent {
        let mut events = Box::pin(batch(watch(log, Some(after), level)));
        events.next().await.expect("an event")
    }

    #[actix_web::test]
    async fn a_stream_goes_on_after_the_line_that_is_known() {
        let api = filled().await;
        let log = api.state.engine.system_log();
        let epoch = log.last_id().trim_end_matches("-3").to_owned();
        let event = first(log, &format!("{epoch}-1"), None).await;
        assert_eq!((event.event, event.id), ("log", Some(format!("{epoch}-3"))));
        assert!(!event.data.contains("one") && event.data.contains("two") && event.data.contains("three"));
        let event = first(log, &format!("{epoch}-0"), Some(Level::Error)).await;
        assert_eq!(event.id, Some(format!("{epoch}-2")), "{}", event.data);
    }

    #[actix_web::test]
    async fn the_place_of_another_process_is_told() {
        let api = filled().await;
        assert_eq!(first(api.state.engine.system_log(), "1-2", None).await.event, "reset");
    }

    #[actix_web::test]
    async fn the_stream_ends_with_the_service() {
        let api = filled().await;
        api.state.shutdown.cancel();
        let answer = api.get_with(&api.token(Scope::Read).await, "/api/v1/logs/stream").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
        assert_eq!(answer.text, "retry: 500\n\n");
    }

    #[actix_web::test]
    async fn a_bad_place_or_level_is_told() {
        let api = filled().await;
        let secret = api.token(Scope::Read).await;
        for query in ["after=x", "level=LOUD", "since=1"] {
            let answer = api.get_with(&secret, &format!("/api/v1/logs/stream?{query}")).await;
            answer.assert_problem(400, "invalid_query");
        }
    }
}
