//! `POST /api/v1/backrest/reconcile`

use actix_web::{HttpResponse, post, web};

use crate::api::input::OptionalJson;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{BackrestPlans, ReconcileRequest};

/// Bring Backrest in step with labels now
///
/// Reads labels and configuration anew, and applies the difference; with `dry_run` it is only shown. The answer has the
/// difference of every plan, which may hold what people wrote into hooks: it takes the scope `admin`. Without a body the
/// difference is applied.
#[utoipa::path(
    tag = "backrest",
    operation_id = "reconcile_backrest",
    request_body(content = Option<ReconcileRequest>, content_type = "application/json", example = json!({"dry_run": true})),
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    responses(
        (status = 200, description = "What was found, and what came of it", body = BackrestPlans),
        (status = 404, description = "backrest_not_configured: the configuration has no section `backrest`"),
        (status = 502, description = "backrest_failed: the difference could not be made out or applied; says why"),
    )
)]
#[post("/api/v1/backrest/reconcile")]
pub(crate) async fn reconcile_backrest(
    state: web::Data<AppState>,
    options: OptionalJson<ReconcileRequest>,
) -> Result<HttpResponse, ApiError> {
    let reconciler = super::find(&state)?.clone();
    let is_dry_run = options.0.dry_run;
    let (log, runtime) = (state.engine.clone(), state.engine.runtime());
    // On the main runtime: whoever asks may go away, and Backrest must not stay stopped for it.
    let work = runtime.spawn(async move {
        let tell = |line| log.tell_of_backrest(&line);
        reconciler.reconcile(is_dry_run, &tell).await.map(|_| reconciler.status())
    });
    let done = work.await.map_err(ApiError::internal)?;
    let status = done.map_err(|error| ApiError::BackrestFailed(crate::engine::backrest::describe(&error)))?;
    Ok(HttpResponse::Ok().json(BackrestPlans::new(status, true)))
}
