//! `GET /api/v1/journal`

use actix_web::{HttpResponse, get, web};

use crate::api::problem::ApiError;
use crate::api::state::AppState;
use crate::api::wire::{AtRest, JournalList};

/// List what is at rest
///
/// Every container that Mainstay brought to rest and that is not back yet: those that a job holds right now, and those
/// that a job or a former process could not bring back, which are tried again until they are. A Backrest that was stopped for
/// its configuration is among them.
#[utoipa::path(
    tag = "journal",
    operation_id = "list_journal",
    responses(
        (status = 200, description = "What is at rest", body = JournalList),
        (status = 503, description = "store_unavailable: the journal cannot be read now"),
    )
)]
#[get("/api/v1/journal")]
pub(crate) async fn list_journal(state: web::Data<AppState>) -> Result<HttpResponse, ApiError> {
    let all = state.engine.list_at_rest().await?.into_iter().map(AtRest::from);
    let backrest = super::find_backrest(&state).await.map(AtRest::from);
    Ok(HttpResponse::Ok().json(JournalList::whole(all.chain(backrest))))
}
