//! `GET /api/v1/logs/files`

use actix_web::{HttpResponse, get, web};

use crate::api::answer;
use crate::api::page::{PageQuery, cut};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::LogFileList;
use crate::engine::logbook::{self, LogFile};

/// The name of this list in cursors.
const LIST: &str = "log_files";

/// List log files
///
/// One per job and one per day of the service, newest first.
#[utoipa::path(
    tag = "logs",
    operation_id = "list_log_files",
    params(PageQuery),
    responses((status = 200, description = "The files", body = LogFileList))
)]
#[get("/api/v1/logs/files")]
pub(crate) async fn list_log_files(
    state: web::Data<AppState>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let request = query.parse(LIST)?;
    let page = cut(find_files(&state).await?, &request, key);
    Ok(answer::page(LIST, page, LogFileList::page))
}

/// Every log file, newest first.
pub(crate) async fn find_files(state: &AppState) -> Result<Vec<LogFile>, ApiError> {
    let directory = state.engine.settings().log_dir.clone();
    let files = web::block(move || logbook::list_files(&directory)).await.map_err(ApiError::internal)?;
    files.map_err(ApiError::internal)
}

/// Sorts as the list does.
fn key(file: &LogFile) -> String {
    format!("{:020}_{}", file.modified_at.timestamp_micros().max(0), file.name)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, UNIX_EPOCH};

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    const PATH: &str = "/api/v1/logs/files";

    #[actix_web::test]
    async fn files_come_newest_first_in_pages() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for (name, secs) in [("b.log", 10), ("c.log", 20), ("a.log", 20), ("secret.txt", 30)] {
            fs::write(api.path("logs").join(name), "12345").expect("written");
            let file = File::open(api.path("logs").join(name)).expect("opened");
            file.set_modified(UNIX_EPOCH + Duration::from_secs(secs)).expect("dated");
        }
        let first = api.get_with(&secret, "/api/v1/logs/files?limit=2").await;
        assert_eq!(first.status, 200, "{}", first.text);
        let cursor = first.body["next_cursor"].as_str().expect("a second page");
        let second = api.get_with(&secret, &format!("{PATH}?limit=2&cursor={cursor}")).await;
        assert!(second.body["next_cursor"].is_null(), "{}", second.text);
        let names = [&first.body["items"][0], &first.body["items"][1], &second.body["items"][0]].map(|f| &f["name"]);
        assert_eq!(names, ["c.log", "a.log", "b.log"]);
        let file = &second.body["items"][0];
        let expected = serde_json::json!({"name": "b.log", "size_bytes": 5, "modified_at": "1970-01-01T00:00:10.000Z", "job_id": null});
        assert_eq!(*file, expected);
    }

    #[actix_web::test]
    async fn a_missing_directory_has_no_files_and_a_bad_cursor_is_told() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        fs::remove_dir(api.path("logs")).expect("removed");
        assert_eq!(api.get_with(&secret, PATH).await.text, r#"{"items":[],"next_cursor":null}"#);
        api.get_with(&secret, &format!("{PATH}?cursor=x")).await.assert_problem(400, "invalid_cursor");
    }
}
