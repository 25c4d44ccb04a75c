//! `POST /backup`

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use utoipa::ToSchema;

use super::wants_page;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{CompatBackup, CompatJob};
use crate::domain::job::Trigger;
use crate::domain::names::StackName;
use crate::engine::BackupRequest;

/// The form; it is read as pairs, because a field may come several times.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"stack": ["blog", "wiki"]}))]
#[expect(dead_code, reason = "describes the form in the document")]
pub struct BackupForm {
    /// A stack's name, or the name of its directory; once per stack.
    stack: Vec<String>,
}

/// Back stacks up
///
/// Starts one backup per selected stack, all or none. A browser's form leads back to the dashboard. New clients take
/// `/api/v1/stacks/backup`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "start_compat_backup",
    request_body(content = BackupForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 202, description = "Started", body = CompatBackup),
        (status = 303, description = "Started; for browsers: back to the dashboard", headers(("Location" = String))),
        (status = 404, description = "stack_not_found: there is no such stack; nothing was started"),
        (status = 409, description = "job_conflict: a stack is being worked on; nothing was started"),
        (status = 503, description = "store_unavailable, shutting_down: nothing was started")
    )
)]
#[post("/backup")]
pub(crate) async fn start_compat_backup(
    req: HttpRequest,
    state: web::Data<AppState>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, ApiError> {
    let is_browser = wants_page(&req);
    let trigger = if is_browser { Trigger::Manual } else { Trigger::Api };
    let stacks = parse_stacks(&state, &form)?;
    let request = |stack| BackupRequest { stack, quiesce: None, is_dry_run: false, trigger };
    let jobs = state.engine.submit_backups(stacks.into_iter().map(request).collect()).await?;
    if is_browser {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/")).finish());
    }
    let jobs = jobs.into_iter().filter_map(|job| Some(CompatJob { id: job.id.into(), stack: job.stack?.into() }));
    Ok(HttpResponse::Accepted().json(CompatBackup { status: "started", jobs: jobs.collect() }))
}

/// The selected stacks, each once, by their own names.
fn parse_stacks(state: &AppState, form: &[(String, String)]) -> Result<Vec<StackName>, ApiError> {
    let mut stacks = Vec::new();
    for (_, text) in form.iter().filter(|(field, _)| field == "stack") {
        let name: StackName = text.parse()?;
        let name = state.discovery.find_stack(&name).map_or(name, |stack| stack.name);
        if !stacks.contains(&name) {
            stacks.push(name);
        }
    }
    if stacks.is_empty() { Err(ApiError::invalid_field("stack", "no stack is selected")) } else { Ok(stacks) }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    /// A service with the directories `blog` and `wiki`, and a token.
    async fn scene(scope: Scope) -> (TestApi, String) {
        let api = TestApi::new().await;
        for stack in ["blog", "wiki"] {
            std::fs::create_dir(api.path("stacks").join(stack)).expect("made");
        }
        api.state.discovery.refresh().await;
        let secret = api.token(scope).await;
        (api, secret)
    }

    async fn post(api: &TestApi, secret: &str, accept: &str, body: &'static str) -> Answer {
        let post = TestRequest::post().uri("/backup").insert_header(("authorization", format!("Bearer {secret}")));
        let post = post.insert_header(("content-type", "application/x-www-form-urlencoded"));
        api.send(post.insert_header(("accept", accept)).set_payload(body)).await
    }

    #[actix_web::test]
    async fn a_program_is_told_the_jobs() {
        let (api, secret) = scene(Scope::Operate).await;
        let answer = post(&api, &secret, "*/*", "stack=blog&stack=wiki&stack=blog").await;
        assert_eq!((answer.status, &answer.body["status"]), (202, &"started".into()), "{}", answer.text);
        let jobs = answer.body["jobs"].as_array().expect("jobs");
        let stacks: Vec<_> = jobs.iter().map(|job| job["stack"].as_str().expect("a name")).collect();
        assert_eq!(stacks, ["blog", "wiki"]);
        assert!(jobs.iter().all(|job| job["id"].as_str().is_some_and(|id| id.starts_with("job_"))));
    }

    #[actix_web::test]
    async fn a_browser_is_led_back() {
        let (api, secret) = scene(Scope::Operate).await;
        let answer = post(&api, &secret, BROWSER, "stack=blog").await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{}", answer.text);
    }

    #[actix_web::test]
    async fn a_bad_selection_starts_nothing() {
        let (api, secret) = scene(Scope::Operate).await;
        for (body, status, code) in [
            ("", 400, "invalid_body"),
            ("stacks=blog", 400, "invalid_body"),
            ("stack=", 400, "invalid_name"),
            ("stack=blog&stack=..%2Fetc", 400, "invalid_name"),
            ("stack=blog&stack=nothere", 404, "stack_not_found"),
        ] {
            post(&api, &secret, "*/*", body).await.assert_problem(status, code);
        }
        assert!(api.state.engine.list_live().is_empty());
    }

    #[actix_web::test]
    async fn reading_rights_are_not_enough_and_json_is_no_form() {
        let (api, secret) = scene(Scope::Read).await;
        post(&api, &secret, "*/*", "stack=blog").await.assert_problem(403, "forbidden");
        let bearer = format!("Bearer {}", api.token(Scope::Operate).await);
        let json = TestRequest::post().uri("/backup").insert_header(("authorization", bearer));
        api.send(json.set_json(["blog"])).await.assert_problem(415, "unsupported_media_type");
    }

    #[actix_web::test]
    async fn a_form_of_another_site_starts_nothing() {
        let (api, _) = scene(Scope::Read).await;
        let secret = api.token(Scope::Operate).await;
        let form = |site: &'static str| {
            let post =
                TestRequest::post().uri("/backup").insert_header(("cookie", format!("mainstay_session={secret}")));
            let post = post.insert_header(("content-type", "application/x-www-form-urlencoded"));
            post.insert_header(("sec-fetch-site", site)).insert_header(("accept", BROWSER)).set_payload("stack=blog")
        };
        api.send(form("cross-site")).await.assert_problem(403, "csrf");
        assert_eq!(api.send(form("same-origin")).await.status, 303);
    }
}
