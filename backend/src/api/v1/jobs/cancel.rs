//! `POST /api/v1/jobs/{id}/cancel`

use actix_web::{HttpResponse, post, web};

use crate::api::problem::ApiError;
use crate::api::refusal;
use crate::api::state::AppState;
use crate::api::wire::Job;
use crate::domain::ids::JobId;

/// Cancel a job
///
/// Asks the job to end. It first brings its stack back, so it is still at work when this answers; follow its log or the
/// events to see its end. To ask again does no harm.
#[utoipa::path(
    tag = "jobs",
    operation_id = "cancel_job",
    params(("id" = String, Path, description = "The job", example = "job_019aa3f1c2d47c3e9f00112233445566")),
    responses(
        (status = 202, description = "The job will end", body = Job),
        (status = 404, description = "job_not_found: there is no such job"),
        (status = 409, description = "job_finished: the job has already ended"),
    )
)]
#[post("/api/v1/jobs/{id}/cancel")]
pub(crate) async fn cancel_job(state: web::Data<AppState>, id: web::Path<JobId>) -> Result<HttpResponse, ApiError> {
    let id = id.into_inner();
    let job = state.engine.cancel(&id).await.map_err(|error| refusal::of_cancel(error, id))?;
    Ok(HttpResponse::Accepted().json(Job::from(job)))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use chrono::DateTime;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::ids::JobId;

    #[actix_web::test]
    async fn what_is_not_there_is_neither_cancelled_nor_tried_again() {
        let api = TestApi::new().await;
        let bearer = format!("Bearer {}", api.token(Scope::Operate).await);
        let id = JobId::new(DateTime::UNIX_EPOCH);
        for verb in ["cancel", "retry"] {
            let post = |id: &str| {
                let uri = format!("/api/v1/jobs/{id}/{verb}");
                TestRequest::post().uri(&uri).insert_header(("authorization", bearer.clone()))
            };
            api.send(post(id.as_str())).await.assert_problem(404, "job_not_found");
            api.send(post("job_7")).await.assert_problem(400, "invalid_path");
        }
    }
}
