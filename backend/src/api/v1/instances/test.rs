//! `POST /api/v1/instances/{id}/test`

use actix_web::{HttpResponse, post, web};

use crate::api::problem::{ApiError, chain};
use crate::api::state::AppState;
use crate::api::wire::InstanceTest;
use crate::domain::names::InstanceId;
use crate::engine::InstanceError;

/// Test an instance
///
/// Looks whether a run could succeed: what it stores to is reached, the password is right, the image is there. Makes
/// nothing. A test that finds a fault is an answer too: `ok` is false then, and `error` says what to do.
#[utoipa::path(
    tag = "instances",
    operation_id = "test_instance",
    params(("id" = String, Path, description = "The instance", example = "nas")),
    responses(
        (status = 200, description = "What was found", body = InstanceTest),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "instance_not_ready: it was made here, and its secrets cannot be read"),
    )
)]
#[post("/api/v1/instances/{id}/test")]
pub(crate) async fn test_instance(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
) -> Result<HttpResponse, ApiError> {
    super::find(&state, &id)?;
    let answer = match state.engine.test_instance(&id).await {
        Ok(readiness) => InstanceTest::from(readiness),
        Err(InstanceError::Backend(error)) => InstanceTest::failed(chain(&error)),
        Err(error) => return Err(error.into()),
    };
    Ok(HttpResponse::Ok().json(answer))
}
