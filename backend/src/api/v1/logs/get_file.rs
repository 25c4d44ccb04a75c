//! `GET /api/v1/logs/files/{name}`

use std::fs::File;

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::domain::names::LogName;
use crate::engine::logbook;

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// How the file may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// 1 to have a browser save the file instead of showing it.
    #[param(value_type = Option<u8>, minimum = 0, maximum = 1, default = 0, example = 1)]
    download: Option<String>,
}

/// Get a log file
///
/// The whole file as text, as it is now.
#[utoipa::path(
    tag = "logs",
    operation_id = "get_log_file",
    params(("name" = String, Path, description = "The file's name", example = "mainstay_2026-11-21.log"), FileQuery),
    responses(
        (
            status = 200, description = "The file", body = String, content_type = "text/plain",
            example = json!("2026-11-21T03:00:02.000Z [INFO] (blog) stack 'blog' is being stopped\n")
        ),
        (status = 404, description = "log_not_found: there is no such log file")
    )
)]
#[get("/api/v1/logs/files/{name}")]
pub(crate) async fn get_log_file(
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<FileQuery>,
) -> Result<HttpResponse, ApiError> {
    let is_download = match query.download.as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(ApiError::invalid_query("download", "it must be 0 or 1")),
    };
    send(&state, &name, is_download).await
}

/// Answers with the log file called `name`.
pub(crate) async fn send(state: &AppState, name: &str, is_download: bool) -> Result<HttpResponse, ApiError> {
    let name: LogName = name.parse()?;
    let (directory, wanted) = (state.engine.settings().log_dir.clone(), name.clone());
    let opened = web::block(move || open(&directory, &wanted)).await.map_err(ApiError::internal)?;
    let (file, length) = opened.map_err(ApiError::internal)?.ok_or_else(|| ApiError::LogNotFound(name.to_string()))?;
    let mut answer = HttpResponse::Ok();
    answer.content_type("text/plain; charset=utf-8").insert_header((header::CACHE_CONTROL, "no-store"));
    if is_download {
        // The name has no character that would have to be quoted.
        answer.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    }
    // Not beyond the present end: a job that writes faster than the client reads would never end the answer.
    let content = tokio::fs::File::from_std(file).take(length);
    Ok(answer.streaming(ReaderStream::with_capacity(content, CHUNK)))
}

fn open(directory: &std::path::Path, name: &LogName) -> std::io::Result<Option<(File, u64)>> {
    let Some(file) = logbook::open_file(directory, name)? else { return Ok(None) };
    let length = file.metadata()?.len();
    Ok(Some((file, length)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    const PATH: &str = "/api/v1/logs/files";

    #[actix_web::test]
    async fn a_file_is_shown_or_saved_whole() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let content = "2026-11-21T03:00:02.000Z [INFO] a line\n".repeat(10_000);
        fs::write(api.path("logs/a.log"), &content).expect("written");
        let shown = api.get_with(&secret, &format!("{PATH}/a.log")).await;
        assert_eq!((shown.status, shown.header("content-type")), (200, "text/plain; charset=utf-8"));
        assert!(shown.text == content && shown.header("content-disposition").is_empty());
        let saved = api.get_with(&secret, &format!("{PATH}/a.log?download=1")).await;
        assert_eq!(saved.header("content-disposition"), "attachment; filename=\"a.log\"");
        assert!(saved.text == content);
    }

    #[actix_web::test]
    async fn names_that_escape_are_refused() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        for name in
            ["..%2f..%2fetc%2fpasswd", "..%2Fa.log", "%2fetc%2fpasswd", "a%00.log", ".a.log", "a.txt", "%ff.log"]
        {
            api.get_with(&secret, &format!("{PATH}/{name}")).await.assert_problem(400, "invalid_name");
        }
        let long = format!("{PATH}/{}.log", "x".repeat(300));
        api.get_with(&secret, &long).await.assert_problem(400, "invalid_name");
        for path in ["/../../../etc/passwd", "//etc/passwd"] {
            api.get_with(&secret, &format!("{PATH}{path}")).await.assert_problem(404, "not_found");
        }
        api.get_with(&secret, &format!("{PATH}/a.log?download=2")).await.assert_problem(400, "invalid_query");
    }

    #[actix_web::test]
    async fn what_is_missing_or_leads_out_is_not_there() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        fs::write(api.path("outside.log"), "secret").expect("written");
        symlink(api.path("outside.log"), api.path("logs/link.log")).expect("linked");
        fs::create_dir(api.path("logs/directory.log")).expect("made");
        for name in ["missing.log", "link.log", "directory.log"] {
            api.get_with(&secret, &format!("{PATH}/{name}")).await.assert_problem(404, "log_not_found");
        }
    }
}
