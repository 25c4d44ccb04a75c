//! `GET /logs/{name}`

use actix_web::{HttpRequest, HttpResponse, get, web};

use super::{vary, wants_page};
use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::v1::logs::get_file::send;

/// Get a log file, or show its page
///
/// A browser gets the dashboard, which asks for a password itself. New clients take `/api/v1/logs/files/{name}`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_compat_log",
    security((), ("bearer" = ["read"]), ("session" = ["read"])),
    params(("name" = String, Path, description = "The file's name", example = "mainstay_2026-11-21.log")),
    responses(
        (
            status = 200, description = "The file; for browsers the dashboard",
            content(
                (String = "text/plain", example = json!("2026-11-21T03:00:02.000Z [INFO] a line\n")),
                (String = "text/html", example = json!("<!doctype html>"))
            )
        ),
        (status = 404, description = "log_not_found: there is no such log file")
    )
)]
#[get("/logs/{name}")]
pub(crate) async fn get_compat_log(
    req: HttpRequest,
    state: web::Data<AppState>,
    name: web::Path<String>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    if wants_page(&req) {
        return Ok(vary((state.show_page)(&req)));
    }
    caller.ok_or(ApiError::Unauthenticated("sign in first"))?;
    send(&state, &name, false).await.map(vary)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::{PAGE, TestApi};
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn browsers_get_a_page_and_programs_the_text() {
        let api = TestApi::new().await;
        std::fs::write(api.path("logs/a.log"), "a line\n").expect("written");
        for path in ["/logs/a.log", "/logs/missing.log"] {
            let page = api.send(TestRequest::get().uri(path).insert_header(("accept", "text/html"))).await;
            assert_eq!((page.status, page.text.as_str()), (200, PAGE));
        }
        api.get("/logs/a.log").await.assert_problem(401, "unauthenticated");
        let secret = api.token(Scope::Read).await;
        let file = api.get_with(&secret, "/logs/a.log").await;
        assert_eq!((file.status, file.text.as_str(), file.header("vary")), (200, "a line\n", "accept"));
        api.get_with(&secret, "/logs/missing.log").await.assert_problem(404, "log_not_found");
        api.get_with(&secret, "/logs/..%2f..%2fetc%2fpasswd").await.assert_problem(400, "invalid_name");
    }
}
