//! `GET /api/config`

use actix_web::{HttpResponse, get, web};

use crate::api::state::AppState;

/// Get the settings
///
/// Those that hold no secret, under the names of the configuration file.
#[utoipa::path(
    tag = "compatibility",
    operation_id = "get_compat_config",
    responses((
        status = 200, description = "The settings", body = Object,
        example = json!({"stacks_dir": "/opt/stacks", "backup_dir": "/opt/backups", "log_dir": "/opt/backup-logs",
            "include_data": true, "skip_stop": ["traefik"], "retention_days": 7, "log_retention_days": 14})
    ))
)]
#[get("/api/config")]
pub(crate) async fn get_compat_config(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(&state.about.public_config)
}

#[cfg(test)]
mod tests {
    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;

    #[actix_web::test]
    async fn it_needs_a_token() {
        let api = TestApi::new().await;
        api.get("/api/config").await.assert_problem(401, "unauthenticated");
        assert_eq!(api.get_with(&api.token(Scope::Read).await, "/api/config").await.status, 200);
    }
}
