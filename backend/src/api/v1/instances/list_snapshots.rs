//! `GET /api/v1/instances/{id}/snapshots`

use actix_web::{HttpResponse, get, web};

use crate::api::answer;
use crate::api::page::{PageQuery, cut};
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::FoundSnapshotList;
use crate::domain::names::InstanceId;

const LIST: &str = "instance-snapshots";

/// List what lies where an instance stores
///
/// Newest first; also what others put there. What Mainstay recorded of its own is at `/api/v1/snapshots`. The place
/// itself is asked for every answer, which may take a while.
#[utoipa::path(
    tag = "instances",
    operation_id = "list_instance_snapshots",
    params(("id" = String, Path, description = "The instance", example = "nas"), PageQuery),
    responses(
        (status = 200, description = "A page of what was found", body = FoundSnapshotList),
        (status = 404, description = "instance_not_found: there is no such instance"),
        (status = 409, description = "not_supported: nobody but the image knows; instance_not_ready: it cannot be used \
            as it is"),
        (status = 502, description = "instance_failed: it tried and did not manage"),
    )
)]
#[get("/api/v1/instances/{id}/snapshots")]
pub(crate) async fn list_instance_snapshots(
    state: web::Data<AppState>,
    id: web::Path<InstanceId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.parse(LIST)?;
    super::find(&state, &id)?;
    let mut found = state.engine.list_instance_snapshots(&id).await?;
    // The time with the reference is the key of the pages: two may have been made in the same second.
    let key = |one: &crate::engine::FoundSnapshot| format!("{} {}", one.at.format("%Y%m%d%H%M%S%.9f"), one.reference);
    found.sort_by_cached_key(|one| std::cmp::Reverse(key(one)));
    Ok(answer::page(LIST, cut(found, &page, key), FoundSnapshotList::page))
}
