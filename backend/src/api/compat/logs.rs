//! `GET /api/logs`

use actix_web::{HttpResponse, get, web};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::CompatLog;
use crate::domain::log::LogLine;

const DEFAULT_LINES: usize = 50;
const MAX_LINES: usize = 500;

/// What the log may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LinesQuery {
    /// How many lines to give, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50, example = 50)]
    lines: Option<String>,
}

/// Get the last lines of the log as text
///
/// New clients take `/api/v1/logs`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_compat_logs",
    params(LinesQuery),
    responses((status = 200, description = "The lines", body = CompatLog))
)]
#[get("/api/logs")]
pub(crate) async fn get_compat_logs(
    state: web::Data<AppState>,
    query: web::Query<LinesQuery>,
) -> Result<HttpResponse, ApiError> {
    let count = parse_lines(query.lines.as_deref())?;
    let zone = state.engine.settings().timezone;
    let lines = state.engine.system_log().last(count);
    let logs: Vec<String> = lines.iter().map(|line| format_line(line, zone)).collect();
    Ok(HttpResponse::Ok().json(CompatLog { count: logs.len(), logs, timestamp: state.clock.now().into() }))
}

fn parse_lines(text: Option<&str>) -> Result<usize, ApiError> {
    let lines = text.map_or(Some(DEFAULT_LINES), |text| text.parse().ok());
    let lines = lines.filter(|lines| (1..=MAX_LINES).contains(lines));
    lines.ok_or_else(|| ApiError::invalid_query("lines", format!("it must be a whole number from 1 to {MAX_LINES}")))
}

fn format_line(line: &LogLine, zone: Tz) -> String {
    let at = line.at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S");
    match &line.target {
        Some(target) => format!("{at} [{}] {target}: {}", line.level, line.message),
        None => format!("{at} [{}] {}", line.level, line.message),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::format_line;
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::log::{Level, LogLine};

    #[actix_web::test]
    async fn the_answer_is_the_former_one() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for n in 1..=60 {
            api.state.engine.system_log().write(Level::Success, Some("blog".into()), format!("line {n}"));
        }
        let answer = api.get_with(&secret, "/api/logs").await;
        assert_eq!((answer.status, &answer.body["count"]), (200, &50.into()), "{}", answer.text);
        let answer = api.get_with(&secret, "/api/logs?lines=2").await;
        let lines = ["2027-01-15 08:00:00 [SUCCESS] blog: line 59", "2027-01-15 08:00:00 [SUCCESS] blog: line 60"];
        assert_eq!((&answer.body["logs"], &answer.body["count"]), (&serde_json::json!(lines), &2.into()));
        assert_eq!(answer.body["timestamp"], "2027-01-15T08:00:00.000Z");
    }

    #[actix_web::test]
    async fn bad_counts_are_told() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for lines in ["abc", "-1", "0", "501", "99999999999999999999", "", "1.5"] {
            let answer = api.get_with(&secret, &format!("/api/logs?lines={lines}")).await;
            answer.assert_problem(400, "invalid_query");
            assert_eq!(answer.body["errors"][0]["name"], "lines");
        }
    }

    #[test]
    fn lines_have_the_time_of_the_services_zone() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).expect("a valid time");
        let line = LogLine { n: 1, at, level: Level::Info, target: None, message: "a".into() };
        assert_eq!(format_line(&line, chrono_tz::Europe::Berlin), "2027-01-15 09:00:00 [INFO] a");
    }
}
