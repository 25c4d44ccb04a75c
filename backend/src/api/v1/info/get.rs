//! `GET /api/v1/info`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;
use crate::api::wire::Info;

/// What this build can do; a client hides what is not here.
const FEATURES: &[&str] = &["archive", "restic", "custom_image", "instances", "plans"];

/// Tell what this installation is
///
/// Its version, its name, its time zone, and what it can do.
#[utoipa::path(
    tag = "service",
    operation_id = "get_info",
    responses((status = 200, description = "The installation", body = Info))
)]
#[get("/api/v1/info")]
pub(crate) async fn get_info(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(Info {
        version: state.about.version.to_owned(),
        node_name: state.about.node_name.clone(),
        timezone: state.about.timezone.clone(),
        started_at: state.started_at.into(),
        is_auth_required: !state.auth.is_disabled,
        features: FEATURES.iter().map(|&feature| feature.to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FEATURES;
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn the_installation_is_described() {
        let api = TestApi::new().await;
        let answer = api.get_with(&api.token(Scope::Read).await, "/api/v1/info").await;
        assert_eq!((answer.status, &answer.body["version"]), (200, &json!("0.0.0")), "{}", answer.text);
        assert_eq!(answer.body["started_at"], "2027-01-15T08:00:00.000Z");
        assert_eq!((&answer.body["is_auth_required"], &answer.body["features"]), (&json!(true), &json!(FEATURES)));
    }
}
