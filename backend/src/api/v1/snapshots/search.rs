//! `GET /api/v1/snapshots/{id}/search`

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::path::{of_cursor, to_page};
use crate::api::answer;
use crate::api::page::PageQuery;
use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::ArchiveEntryList;
use crate::domain::ids::SnapshotId;
use crate::domain::name_pattern::NamePattern;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// A part of a name, or a pattern with `*`, `?` and `[a-z]`; capital letters do not count. With a `/` in it the whole
    /// path is looked at, else the last part of it.
    #[param(value_type = String, example = "*.html")]
    q: Option<String>,
}

/// Search a snapshot
///
/// Entries anywhere in the snapshot that are called like this, as a walk by name goes. All of its names are read for it,
/// which takes some seconds in a large restic snapshot.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "find_snapshot_files",
    params(
        ("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566"),
        SearchQuery, PageQuery
    ),
    responses(
        (status = 200, description = "A page of entries", body = ArchiveEntryList),
        (status = 404, description = "snapshot_not_found: there is no such snapshot; archive_missing: it was removed, or is \
            not where it was"),
        (status = 409, description = "archive_damaged: the archive is not what was recorded; archive_not_indexed: it is of \
            a kind that cannot be looked into; instance_not_ready: the repository cannot be used as it is"),
        (status = 429, description = "too_many_requests: as many snapshots are looked into as may be at once"),
        (status = 502, description = "instance_failed: restic could not read the snapshot"),
        (status = 503, description = "index_rebuilding: the index is being made anew, ask again after `Retry-After` \
            seconds; store_unavailable: the database does not answer; shutting_down: the service is about to end"),
    )
)]
#[get("/api/v1/snapshots/{id}/search")]
pub(crate) async fn find_snapshot_files(
    state: web::Data<AppState>,
    id: web::Path<SnapshotId>,
    query: web::Query<SearchQuery>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let pattern = NamePattern::parse(query.q.as_deref().unwrap_or_default());
    let pattern = pattern.map_err(|error| ApiError::invalid_query("q", error.to_string()))?;
    let list = format!("search_of_{}", *id);
    let request = page.parse(&list)?;
    let after = request.after.as_deref().map(|id| of_cursor(id).ok_or(ApiError::InvalidCursor)).transpose()?;
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let found = state.engine.search_entries(&id, pattern, after, limit).await?;
    Ok(answer::page(&list, to_page(found), ArchiveEntryList::page))
}
