//! `GET /logs`

use actix_web::{HttpRequest, HttpResponse, get, web};

use super::{vary, wants_page};
use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::v1::logs::list_files::find_files;
use crate::api::wire::LogFileList;

/// List log files, or show their page
///
/// A browser gets the dashboard, which asks for a password itself. New clients take `/api/v1/logs/files`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "list_compat_logs",
    security((), ("bearer" = ["read"]), ("session" = ["read"])),
    responses((
        status = 200, description = "All files, newest first; for browsers the dashboard",
        content((LogFileList = "application/json"), (String = "text/html", example = json!("<!doctype html>")))
    ))
)]
#[get("/logs")]
pub(crate) async fn list_compat_logs(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    if wants_page(&req) {
        return Ok(vary((state.show_page)(&req)));
    }
    caller.ok_or(ApiError::Unauthenticated("sign in first"))?;
    let files = LogFileList::whole(find_files(&state).await?);
    Ok(vary(HttpResponse::Ok().json(files)))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::{PAGE, TestApi};
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn browsers_get_a_page_and_programs_the_files() {
        let api = TestApi::new().await;
        std::fs::write(api.path("logs/a.log"), "a line\n").expect("written");
        let page = api.send(TestRequest::get().uri("/logs").insert_header(("accept", "text/html,*/*;q=0.8"))).await;
        assert_eq!((page.status, page.text.as_str(), page.header("vary")), (200, PAGE, "accept"));
        api.get("/logs").await.assert_problem(401, "unauthenticated");
        api.get_with("wrong", "/logs").await.assert_problem(401, "unauthenticated");
        let list = api.get_with(&api.token(Scope::Read).await, "/logs").await;
        assert_eq!((list.status, &list.body["items"][0]["name"]), (200, &"a.log".into()), "{}", list.text);
        api.send(TestRequest::post().uri("/logs")).await.assert_problem(405, "method_not_allowed");
    }
}
