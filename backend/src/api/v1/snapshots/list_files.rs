//! `GET /api/v1/snapshots/{id}/files`

use actix_web::{HttpResponse, get, web};

use super::path::{PathQuery, of_cursor, to_page};
use crate::api::answer;
use crate::api::page::PageQuery;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::ArchiveEntryList;
use crate::domain::entry::EntryPath;
use crate::domain::ids::SnapshotId;

/// List files of a snapshot
///
/// What is directly in a directory of the snapshot, in the order of names as bytes; the top directory when no path is
/// named. Of an archive the index beside it tells, whatever the archive's size. Where the index is missing or damaged it
/// is made anew, which takes as long as reading the archive twice. The manifest is not listed. Of a restic snapshot
/// restic tells, which takes a second or more unless it was asked lately; paths are those of the host that it was made
/// on, without the leading slash.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "list_snapshot_files",
    params(
        ("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566"),
        PathQuery, PageQuery
    ),
    responses(
        (status = 200, description = "A page of entries", body = ArchiveEntryList),
        (status = 404, description = "snapshot_not_found: there is no such snapshot; entry_not_found: it has no such path; \
            archive_missing: it was removed, or is not where it was"),
        (status = 409, description = "not_a_directory: there is something else; archive_damaged: the archive is not what \
            was recorded; archive_not_indexed: it is of a kind that cannot be looked into; instance_not_ready: the \
            repository cannot be used as it is"),
        (status = 429, description = "too_many_requests: as many snapshots are looked into as may be at once"),
        (status = 502, description = "instance_failed: restic could not read the snapshot"),
        (status = 503, description = "index_rebuilding: the index is being made anew, ask again after `Retry-After` \
            seconds; store_unavailable: the database does not answer; shutting_down: the service is about to end"),
    )
)]
#[get("/api/v1/snapshots/{id}/files")]
pub(crate) async fn list_snapshot_files(
    state: web::Data<AppState>,
    id: web::Path<SnapshotId>,
    path: web::Query<PathQuery>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let list = format!("files_of_{}", *id);
    let (directory, request) = (path.parse()?.unwrap_or_else(EntryPath::top), page.parse(&list)?);
    let after = request.after.as_deref().map(|id| after(&directory, id)).transpose()?;
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let listing = state.engine.list_entries(&id, directory, after, limit).await?;
    Ok(answer::page(&list, to_page(listing), ArchiveEntryList::page))
}

/// A cursor goes on in the directory that it came from.
fn after(directory: &EntryPath, id: &str) -> Result<EntryPath, ApiError> {
    of_cursor(id).filter(|path| path.is_in(directory)).ok_or(ApiError::InvalidCursor)
}
