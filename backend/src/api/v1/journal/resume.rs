//! `POST /api/v1/journal/resume`

use actix_web::{HttpResponse, post, web};

use crate::api::input::OptionalJson;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{ResumeOptions, ResumeReport};
use crate::engine::backrest::{BackrestAtRest, Reconciler};

/// Bring back what is at rest
///
/// Tries at once to bring back every container that Mainstay brought to rest, or those of one stack. Nothing else is
/// started, and nothing is started under a job that holds the stack: cancel that job instead. Answers when each was
/// tried; what was just started, or may still be ended by a stop that is under way, is `waiting`: ask again.
#[utoipa::path(
    tag = "journal",
    operation_id = "resume_journal",
    request_body(content = Option<ResumeOptions>, content_type = "application/json",
        example = json!({"stack": "blog", "dry_run": false})),
    responses(
        (status = 200, description = "What came of it", body = ResumeReport),
        (status = 503, description = "store_unavailable: the journal cannot be read now"),
    )
)]
#[post("/api/v1/journal/resume")]
pub(crate) async fn resume_journal(
    state: web::Data<AppState>,
    options: OptionalJson<ResumeOptions>,
) -> Result<HttpResponse, ApiError> {
    let ResumeOptions { stack, dry_run } = options.0;
    let reconciler = super::find_reconciler(&state, stack.as_ref()).await;
    let backrest = match reconciler {
        Some(reconciler) if dry_run => reconciler.find_at_rest().await,
        Some(reconciler) => resume_backrest(&state, reconciler).await?,
        None => None,
    };
    let all = if dry_run {
        state.engine.preview_resume(stack.as_ref()).await?
    } else {
        state.engine.resume_by_hand(stack.as_ref()).await?
    };
    Ok(HttpResponse::Ok().json(ResumeReport::new(all, backrest, dry_run)))
}

/// On the main runtime: whoever asks may go away, and Backrest must not stay stopped for it.
async fn resume_backrest(state: &AppState, reconciler: &Reconciler) -> Result<Option<BackrestAtRest>, ApiError> {
    let (log, reconciler) = (state.engine.clone(), reconciler.clone());
    let work = async move { reconciler.resume_by_hand(&|line| log.tell_of_backrest(&line)).await };
    state.engine.runtime().spawn(work).await.map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::api::testing::{Answer, TestApi};
    use crate::docker::scripted::running_container;
    use crate::domain::access::Scope;
    use crate::domain::ids::JobId;
    use crate::domain::stack::ContainerState;
    use crate::store::{HeldContainer, HoldAction};

    async fn api_with_two_at_rest() -> TestApi {
        let api = TestApi::new().await;
        let held = ["blog", "wiki"].map(|stack| HeldContainer {
            stack: stack.parse().expect("a name"),
            service: "db".into(),
            number: 1,
            id: format!("{stack}-db"),
            name: format!("{stack}-db-1"),
            action: HoldAction::Stop,
            started_at: Some(chrono::DateTime::UNIX_EPOCH),
            stop_timeout_secs: 10,
        });
        for one in &held {
            api.docker.add_container(running_container(&one.id, &one.name));
            api.docker.set_state(&one.id, ContainerState::Exited);
        }
        let job = JobId::new(chrono::DateTime::UNIX_EPOCH);
        api.state.store.write_journal(&job, &held).await.expect("written");
        api
    }

    async fn resume(api: &TestApi, scope: Scope, body: Value) -> Answer {
        let bearer = format!("Bearer {}", api.token(scope).await);
        let post = TestRequest::post().uri("/api/v1/journal/resume").insert_header(("authorization", bearer));
        api.send(post.set_json(body)).await
    }

    fn states(body: &Value) -> Vec<&str> {
        let items = body["items"].as_array().expect("items");
        items.iter().map(|one| one["state"].as_str().expect("a state")).collect()
    }

    #[actix_web::test]
    async fn a_dry_run_starts_nothing_and_says_what_would_be_done() {
        let api = api_with_two_at_rest().await;
        let answer = resume(&api, Scope::Operate, json!({"dry_run": true})).await;
        assert_eq!((answer.status, &answer.body["all_back"]), (200, &json!(false)), "{}", answer.text);
        assert_eq!(states(&answer.body), ["pending", "pending"]);
        assert!(answer.body["items"][0]["message"].as_str().expect("a message").contains("would be started"));
        assert!(api.docker.changes().is_empty());
    }

    #[actix_web::test]
    async fn only_the_stack_that_was_asked_for_is_brought_back() {
        let api = api_with_two_at_rest().await;
        let answer = resume(&api, Scope::Operate, json!({"stack": "wiki"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(api.docker.state_of("wiki-db"), Some(ContainerState::Running));
        assert_eq!(api.docker.state_of("blog-db"), Some(ContainerState::Exited));
        let again = resume(&api, Scope::Operate, json!({"stack": "wiki"})).await;
        assert_eq!(again.body["all_back"], true, "{}", again.text);
        let rest = api.get_with(&api.token(Scope::Read).await, "/api/v1/journal").await;
        assert_eq!(rest.body["items"][0]["stack"], "blog", "{}", rest.text);
        assert_eq!(rest.body["items"].as_array().map(Vec::len), Some(1), "{}", rest.text);
    }

    #[actix_web::test]
    async fn reading_rights_are_not_enough_and_a_misspelt_field_is_an_error() {
        let api = api_with_two_at_rest().await;
        resume(&api, Scope::Read, json!({})).await.assert_problem(403, "forbidden");
        resume(&api, Scope::Operate, json!({"stak": "blog"})).await.assert_problem(400, "invalid_body");
        assert!(api.docker.changes().is_empty());
    }
}
