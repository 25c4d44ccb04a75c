//! `GET /api/logs/system`

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::page::parse_limit;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{MarinaLogEntry, MarinaSystemLogEntry, marina_level_of};

const DEFAULT_LINES: u64 = 1000;
const MAX_LINES: u64 = 5000;
/// The header by which a node of Marina asks for what is its own.
const MESH: &str = "X-Marina-Mesh";

/// What the log may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SystemLogQuery {
    /// How many lines to give, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 5000, default = 1000, example = 1000)]
    limit: Option<String>,
    /// Only lines of exactly this level: `DEBUG`, `INFO`, `WARN` or `ERROR`.
    #[param(example = "WARN")]
    level: Option<String>,
}

/// A line, for a dashboard or for another node.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the answer in the document")]
enum MarinaSystemLogLine {
    /// For a dashboard.
    Line(MarinaSystemLogEntry),
    /// For another node.
    Entry(MarinaLogEntry),
}

/// List the last lines of the service's log, as Marina does
///
/// Newest first. A node that asks with `X-Marina-Mesh: true` gets them as the entries of a job's log. New clients take
/// `/api/v1/logs`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "list_marina_system_log",
    params(
        SystemLogQuery,
        ("X-Marina-Mesh" = Option<String>, Header, description = "`true` when another node asks", example = "true"),
    ),
    responses((status = 200, description = "The lines", body = Vec<MarinaSystemLogLine>,
        example = json!([{"id": "nas:17", "level": "INFO", "message": "the service is up", "nodeName": "nas"}])))
)]
#[get("/api/logs/system")]
pub(crate) async fn list_marina_system_log(
    req: HttpRequest,
    state: web::Data<AppState>,
    query: web::Query<SystemLogQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = usize::try_from(parse_limit(query.limit.as_deref(), DEFAULT_LINES, MAX_LINES)?);
    let limit = limit.map_err(ApiError::internal)?;
    let mut lines = state.engine.system_log().last(usize::MAX);
    lines.retain(|line| query.level.as_ref().is_none_or(|level| marina_level_of(line.level) == level));
    let newest = lines.into_iter().rev().take(limit);
    let is_node = req.headers().get(MESH).is_some_and(|value| value.as_bytes() == b"true");
    if is_node {
        return Ok(HttpResponse::Ok().json(newest.map(MarinaLogEntry::of_service).collect::<Vec<_>>()));
    }
    let node = &state.about.node_name;
    Ok(HttpResponse::Ok().json(newest.map(|line| MarinaSystemLogEntry::new(line, node)).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::log::Level;

    #[actix_web::test]
    async fn the_newest_line_comes_first() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let log = api.state.engine.system_log();
        log.write(Level::Success, None, "one");
        log.write(Level::Warning, Some("blog".into()), "two");
        let answer = api.get_with(&secret, "/api/logs/system").await;
        let expected = json!([
            {"id": ":2", "timestamp": "2027-01-15T08:00:00.000Z", "level": "WARN", "message": "two", "nodeName": ""},
            {"id": ":1", "timestamp": "2027-01-15T08:00:00.000Z", "level": "INFO", "message": "one", "nodeName": ""}
        ]);
        assert_eq!((answer.status, answer.body), (200, expected));
        let warnings = api.get_with(&secret, "/api/logs/system?level=WARN&limit=1").await;
        assert_eq!((warnings.body.as_array().map(Vec::len), &warnings.body[0]["message"]), (Some(1), &json!("two")));
    }

    #[actix_web::test]
    async fn another_node_gets_entries() {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(Scope::Read).await);
        api.state.engine.system_log().write(Level::Error, None, "one");
        let get = TestRequest::get().uri("/api/logs/system").insert_header(("authorization", bearer));
        let answer = api.send(get.insert_header(("x-marina-mesh", "true"))).await;
        let expected = json!([{
            "id": 1, "timestamp": "2027-01-15T08:00:00.000Z", "level": "ERROR", "message": "one", "instanceId": "",
            "targetId": "", "jobStatusId": null, "jobStatusIid": null
        }]);
        assert_eq!(answer.body, expected);
    }
}
