//! `GET /api/status`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::{CompatStack, CompatStatus};
use crate::domain::stack::{Stack, StackState};

/// Tell what is going on
///
/// Whether a backup is at work, and which stacks there are. New clients take `/api/v1/status` and `/api/v1/stacks`.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_compat_status",
    responses((status = 200, description = "The stacks", body = CompatStatus))
)]
#[get("/api/status")]
pub(crate) async fn get_compat_status(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(CompatStatus {
        backup_in_progress: !state.engine.list_live().is_empty(),
        stacks: state.discovery.view().stacks.iter().map(describe).collect(),
        timestamp: state.clock.now().into(),
    })
}

fn describe(stack: &Stack) -> CompatStack {
    let running = matches!(stack.state, StackState::Running | StackState::Partial);
    CompatStack { name: stack.name.to_string(), running, skip_stop: stack.skip_stop }
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn the_answer_is_the_former_one() {
        let api = TestApi::new().await;
        api.get("/api/status").await.assert_problem(401, "unauthenticated");
        std::fs::create_dir(api.path("stacks/blog")).expect("made");
        api.state.discovery.refresh().await;
        let answer = api.get_with(&api.token(Scope::Read).await, "/api/status?_=1234").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            answer.body,
            serde_json::json!({
                "backup_in_progress": false,
                "stacks": [{"name": "blog", "running": false, "skip_stop": false}],
                "timestamp": "2027-01-15T08:00:00.000Z"
            })
        );
    }
}
