//! The two answers that every resource gives: a page of a list, and one of it by id.

use actix_web::HttpResponse;
use serde::Serialize;

use super::page::next_cursor;
use super::problem::ApiError;
use crate::store::Page;

/// A page of the list called `list`; `to_wire` makes the answer out of the items and the next cursor.
pub(crate) fn page<T, W: Serialize>(
    list: &str,
    page: Page<T>,
    to_wire: impl FnOnce(Vec<T>, Option<String>) -> W,
) -> HttpResponse {
    let next = next_cursor(list, page.next.as_deref());
    HttpResponse::Ok().json(to_wire(page.items, next))
}

/// What was found, as `W` on the wire.
///
/// # Errors
/// `missing` when nothing was.
pub(crate) fn one<W: Serialize + From<T>, T>(
    found: Option<T>,
    missing: impl FnOnce() -> ApiError,
) -> Result<HttpResponse, ApiError> {
    found.map(|found| HttpResponse::Ok().json(W::from(found))).ok_or_else(missing)
}
