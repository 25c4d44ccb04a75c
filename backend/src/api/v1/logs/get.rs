//! `GET /api/v1/logs`

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::input::parse_parameter;
use crate::api::page::{DEFAULT_LIMIT, MAX_LIMIT, parse_limit};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{LogLine, LogPage};
use crate::domain::log::Level;
use crate::engine::logbook::{LINES_KEPT, SystemLog};

/// What the log may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// How many lines to give, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// Only lines that matter as much as this or more.
    #[param(value_type = Option<crate::api::wire::LogLevel>, example = "WARNING")]
    level: Option<String>,
}

/// Get the last lines of the service's log
///
/// The log of the service and of its jobs, as far as it is kept in memory: 500 lines. Older lines are in the log
/// files. To go on from here, hand the `id` of the last line to the stream as `after`; when there is no line, the
/// header `Last-Event-ID` has the place.
#[utoipa::path(
    tag = "logs",
    operation_id = "get_system_log",
    params(LogQuery),
    responses(
        (
            status = 200, description = "The lines, oldest first; `next_cursor` is always null", body = LogPage,
            headers(("Last-Event-ID" = String, description = "The place after all lines that there are")),
            example = json!({"items": [{"id": "19aa3f1c2d4-17", "n": 17, "at": "2026-11-21T03:00:02.000Z",
                "level": "INFO", "target": "blog", "message": "stack 'blog' is being stopped"}], "next_cursor": null})
        )
    )
)]
#[get("/api/v1/logs")]
pub(crate) async fn get_system_log(
    state: web::Data<AppState>,
    query: web::Query<LogQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = parse_limit(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let level = parse_parameter::<Level>("level", query.level.as_deref())?;
    let (items, place) = read(state.engine.system_log(), usize::try_from(limit).unwrap_or(LINES_KEPT), level);
    Ok(HttpResponse::Ok().insert_header(("Last-Event-ID", place)).json(LogPage { items, next_cursor: None }))
}

/// The last lines, and the place after all of them.
fn read(log: &SystemLog, limit: usize, level: Option<Level>) -> (Vec<LogLine>, String) {
    // Asked for first: a line that comes in between is then seen twice rather than never.
    let before = log.last_id();
    let all = log.last(LINES_KEPT);
    let place = all.last().map_or(before, |line| log.id_of(line));
    let mut lines: Vec<_> = all.into_iter().filter(|line| level.is_none_or(|least| line.level >= least)).collect();
    let skipped = lines.len().saturating_sub(limit);
    let lines = lines.drain(skipped..).map(|line| LogLine::with_id(log.id_of(&line), line)).collect();
    (lines, place)
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::log::Level;

    async fn filled() -> (TestApi, String) {
        let api = TestApi::new().await;
        for (level, message) in [(Level::Info, "one"), (Level::Error, "two"), (Level::Info, "three")] {
            api.state.engine.system_log().write(level, Some("blog".into()), message);
        }
        let secret = api.token(Scope::Read).await;
        (api, secret)
    }

    #[actix_web::test]
    async fn the_last_lines_come_oldest_first() {
        let (api, secret) = filled().await;
        let answer = api.get_with(&secret, "/api/v1/logs?limit=2").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let items = answer.body["items"].as_array().expect("items");
        let messages: Vec<_> = items.iter().map(|line| line["message"].as_str().expect("text")).collect();
        assert_eq!(messages, ["two", "three"]);
        assert_eq!((&items[1]["n"], &items[1]["target"]), (&3.into(), &"blog".into()));
        assert_eq!(items[1]["id"], answer.header("last-event-id"));
        assert!(answer.body["next_cursor"].is_null());
    }

    #[actix_web::test]
    async fn a_level_leaves_out_what_matters_less_and_the_place_stays() {
        let (api, secret) = filled().await;
        for level in ["WARNING", "warning"] {
            let answer = api.get_with(&secret, &format!("/api/v1/logs?level={level}")).await;
            assert_eq!(answer.body["items"].as_array().map(Vec::len), Some(1), "{}", answer.text);
            assert!(answer.header("last-event-id").ends_with("-3"));
        }
    }

    #[actix_web::test]
    async fn an_empty_log_has_a_place_too() {
        let api = TestApi::new().await;
        let answer = api.get_with(&api.token(Scope::Read).await, "/api/v1/logs").await;
        assert!(answer.header("last-event-id").ends_with("-0"), "{:?}", answer.headers);
    }

    #[actix_web::test]
    async fn bad_parameters_are_named() {
        let (api, secret) = filled().await;
        for query in ["limit=abc", "limit=-1", "limit=0", "limit=501", "limit=99999999999999999999", "level=LOUD"] {
            let answer = api.get_with(&secret, &format!("/api/v1/logs?{query}")).await;
            answer.assert_problem(400, "invalid_query");
            assert_eq!(answer.body["errors"][0]["name"], query.split('=').next().expect("a name"));
        }
    }
}
