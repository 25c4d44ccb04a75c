//! `POST /api/v1/stacks/{name}/drill`

use actix_web::{HttpRequest, HttpResponse, post, web};

use crate::api::auth::Caller;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::submission::{accept_job, request_key, trigger_of};
use crate::api::wire::Job;
use crate::domain::names::StackName;

/// Drill a stack
///
/// Queues a drill of the stack's newest plain archive that is complete and not damaged, as `drill_snapshot` does.
#[utoipa::path(
    tag = "stacks",
    operation_id = "drill_stack",
    params(
        ("name" = String, Path, description = "The stack", example = "blog"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, 1 to 200 visible ASCII characters"),
    ),
    responses(
        (status = 202, description = "The job was queued", body = Job,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 409, description = "nothing_stored: it has no archive that is complete and sound"),
        (status = 422, description = "idempotency_key_reused: the key belongs to another request"),
        (status = 503, description = "shutting_down, store_unavailable: no job can be queued now"),
    )
)]
#[post("/api/v1/stacks/{name}/drill")]
pub(crate) async fn drill_stack(
    req: HttpRequest,
    state: web::Data<AppState>,
    caller: Caller,
    name: web::Path<StackName>,
) -> Result<HttpResponse, ApiError> {
    let key = request_key(&req, "drill_stack", std::slice::from_ref(&*name))?;
    let submit = state.engine.submit_drill_of_stack(&name, trigger_of(&req, &caller));
    let jobs = state.engine.submit_one_once(key, submit).await?;
    accept_job(jobs.into_iter().next())
}
