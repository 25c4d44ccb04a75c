//! `GET /api/v1/snapshots/{id}`

use actix_web::{HttpResponse, get, web};

use crate::api::answer;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::Snapshot;
use crate::domain::ids::SnapshotId;

/// Get a snapshot
///
/// One snapshot, also when its archive was removed.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "get_snapshot",
    params(("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566")),
    responses(
        (status = 200, description = "The snapshot", body = Snapshot),
        (status = 404, description = "snapshot_not_found: there is no such snapshot"),
    )
)]
#[get("/api/v1/snapshots/{id}")]
pub(crate) async fn get_snapshot(
    state: web::Data<AppState>,
    id: web::Path<SnapshotId>,
) -> Result<HttpResponse, ApiError> {
    let found = state.store.find_snapshot(&id).await?;
    answer::one::<Snapshot, _>(found, || ApiError::SnapshotNotFound(id.into_inner().into()))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use crate::api::testing::TestApi;
    use crate::domain::access::Scope;
    use crate::domain::ids::{JobId, SnapshotId};

    #[actix_web::test]
    async fn unknown_and_impossible_ids_are_told_apart() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let unknown = format!("/api/v1/snapshots/{}", SnapshotId::new(DateTime::UNIX_EPOCH));
        api.get_with(&secret, &unknown).await.assert_problem(404, "snapshot_not_found");
        let of_a_job = format!("/api/v1/snapshots/{}", JobId::new(DateTime::UNIX_EPOCH));
        api.get_with(&secret, &of_a_job).await.assert_problem(400, "invalid_path");
    }
}
