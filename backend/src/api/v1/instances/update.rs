//! `PUT /api/v1/instances/{id}`

use actix_web::{HttpResponse, put, web};

use super::{describe, find};
use crate::api::definition::read_instance;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{Instance, InstanceSpec};
use crate::domain::names::InstanceId;
use crate::domain::plan::Origin;

/// Replace an instance
///
/// The body is the whole instance; what is left out gets its default. Secrets are the exception: `env`, `credentials`,
/// `hooks` and `dump_args` that are left out stay, a key of `env` with null keeps its value, and a repository that is
/// sent as it was shown keeps its password. What it stored stays where it is.
#[utoipa::path(
    tag = "instances",
    operation_id = "update_instance",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(("id" = String, Path, description = "The instance", example = "nas")),
    request_body = InstanceSpec,
    responses(
        (status = 200, description = "The instance as it is now", body = Instance),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "read_only: it is written down in the configuration, and is changed there; \
            instance_not_ready: its secrets cannot be read"),
    )
)]
#[put("/api/v1/instances/{id}")]
pub(crate) async fn update_instance(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
    body: web::Json<InstanceSpec>,
) -> Result<HttpResponse, ApiError> {
    let former = find(&state, &id)?;
    if former.origin != Origin::Api {
        return Err(ApiError::ReadOnly(id.to_string()));
    }
    let instance = read_instance(body.into_inner(), Some(&former))?;
    let instance = state.engine.registry().replace_instance(instance).await?;
    Ok(HttpResponse::Ok().json(describe(&state, &instance).await?))
}
