//! `POST /api/v1/instances`

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, post, web};

use super::describe;
use crate::api::definition::read_instance;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{Instance, InstanceSpec};

/// Make an instance
///
/// Records a new means of backup. Everything that is wrong with it is told at once, each with a JSON pointer. What is
/// secret is encrypted where it is recorded, and never shown. Nothing is reached or made yet: test it, or run it.
#[utoipa::path(
    tag = "instances",
    operation_id = "create_instance",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    request_body = InstanceSpec,
    responses(
        (status = 201, description = "The new instance", body = Instance,
            headers(("Location" = String, description = "Where the instance is"))),
        (status = 409, description = "id_taken: another instance or plan is called so"),
    )
)]
#[post("/api/v1/instances")]
pub(crate) async fn create_instance(
    state: web::Data<AppState>,
    body: web::Json<InstanceSpec>,
) -> Result<HttpResponse, ApiError> {
    let instance = read_instance(body.into_inner(), None)?;
    let instance = state.engine.registry().create_instance(instance).await?;
    let location = format!("/api/v1/instances/{}", instance.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(describe(&state, &instance).await?))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::api::testing::{Answer, TestApi};
    use crate::domain::access::Scope;

    async fn post(api: &TestApi, scope: Scope, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", api.token(scope).await);
        let post = TestRequest::post().uri("/api/v1/instances").insert_header(("authorization", bearer));
        api.send(post.set_json(body)).await
    }

    #[actix_web::test]
    async fn only_an_administrator_makes_instances() {
        let api = TestApi::new().await;
        let body = json!({"id": "nas", "repository": "/srv/restic"});
        for scope in [Scope::Read, Scope::Operate] {
            post(&api, scope, &body).await.assert_problem(403, "forbidden");
        }
    }

    #[actix_web::test]
    async fn everything_that_is_wrong_is_told_with_its_place() {
        let api = TestApi::new().await;
        let body =
            json!({"id": "a/b", "repository": "/r", "targets": [{"kind": "volume", "name": "v", "paths": [".."]}]});
        let answer = post(&api, Scope::Admin, &body).await;
        answer.assert_problem(400, "invalid_body");
        let pointers: Vec<_> =
            answer.body["errors"].as_array().expect("errors").iter().map(|e| &e["pointer"]).collect();
        assert_eq!(pointers, ["/id", "/targets/0/paths/0"]);
        assert_eq!(answer.body["errors"][1]["name"], "targets[0].paths[0]");
        post(&api, Scope::Admin, &json!({"id": "a", "repo": "/r"})).await.assert_problem(400, "invalid_body");
    }

    #[actix_web::test]
    async fn a_mistake_shows_no_secret() {
        let api = TestApi::new().await;
        let body = json!({"id": "a", "repository": "rest:https://u:geheim@h/\u{7}", "env": {"A B": "geheim"},
            "hooks": {"pre": [{"command": "geheim", "timeout": "x"}]}});
        let answer = post(&api, Scope::Admin, &body).await;
        answer.assert_problem(400, "invalid_body");
        assert!(!answer.text.contains("geheim"), "{}", answer.text);
        let answer = post(&api, Scope::Admin, &json!({"id": "a", "env": "geheim"})).await;
        assert_eq!(answer.status, 400);
    }
}
