//! `GET /download_log/{name}`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::v1::logs::get_file::send;

/// Save a log file
///
/// New clients take `/api/v1/logs/files/{name}?download=1`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "download_compat_log",
    params(("name" = String, Path, description = "The file's name", example = "mainstay_2026-11-21.log")),
    responses(
        (
            status = 200, description = "The file, as an attachment", body = String, content_type = "text/plain",
            example = json!("2026-11-21T03:00:02.000Z [INFO] a line\n")
        ),
        (status = 404, description = "log_not_found: there is no such log file")
    )
)]
#[get("/download_log/{name}")]
pub(crate) async fn download_compat_log(
    state: web::Data<AppState>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    send(&state, &name, true).await
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn a_file_is_saved_and_nothing_else() {
        let api = TestApi::new().await;
        std::fs::write(api.path("logs/a.log"), "a line\n").expect("written");
        api.get("/download_log/a.log").await.assert_problem(401, "unauthenticated");
        let secret = api.token(Scope::Read).await;
        let file = api.get_with(&secret, "/download_log/a.log").await;
        assert_eq!((file.status, file.text.as_str()), (200, "a line\n"));
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"a.log\"");
        api.get_with(&secret, "/download_log/missing.log").await.assert_problem(404, "log_not_found");
        for name in ["..%2fa.log", "config.yaml", "%2fetc%2fpasswd"] {
            api.get_with(&secret, &format!("/download_log/{name}")).await.assert_problem(400, "invalid_name");
        }
    }
}
