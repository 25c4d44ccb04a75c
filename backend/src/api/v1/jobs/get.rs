//! `GET /api/v1/jobs/{id}`

use actix_web::{HttpResponse, get, web};

use crate::api::answer;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Job;
use crate::domain::ids::JobId;

/// Get a job
///
/// One job as it is now.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job",
    params(("id" = String, Path, description = "The job", example = "job_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 200, description = "The job", body = Job),
        (status = 404, description = "job_not_found: there is no such job"),
    )
)]
#[get("/api/v1/jobs/{id}")]
pub(crate) async fn get_job(state: web::Data<AppState>, id: web::Path<JobId>) -> Result<HttpResponse, ApiError> {
    let found = state.engine.find_job(&id).await?;
    answer::one::<Job, _>(found, || ApiError::JobNotFound(id.into_inner().into()))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::ids::JobId;

    #[actix_web::test]
    async fn unknown_and_impossible_ids_are_told_apart() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let id = JobId::new(DateTime::UNIX_EPOCH);
        for below in ["", "/log", "/log/stream", "/log/download"] {
            api.get_with(&secret, &format!("/api/v1/jobs/{id}{below}")).await.assert_problem(404, "job_not_found");
            api.get_with(&secret, &format!("/api/v1/jobs/7{below}")).await.assert_problem(400, "invalid_path");
        }
    }
}
