//! Who asks: tokens in the header `Authorization`, sessions in a cookie, or everybody when that is configured.
//!
//! What an operation needs stands in its documentation ([`super::routes`]). A handler that wants to know who asks takes
//! a [`Caller`]; without one it cannot be reached by an operation that the gate forgot.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use std::future::{Ready, ready};

use super::problem::ApiError;
use super::state::AppState;
use crate::domain::access::{Scope, Token};
use crate::domain::ids::TokenId;

pub mod cookie;
pub mod csrf;
pub mod password;
pub mod throttle;

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A token in the header `Authorization`.
    Bearer,
    /// A session in the cookie, which a browser sends by itself.
    Cookie,
    /// Nothing: authentication is switched off.
    Nothing,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their token; absent when authentication is switched off.
    pub token_id: Option<TokenId>,
    /// What the token is called.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
    /// How they proved it.
    pub via: Via,
    /// Whether a sign-in made the token.
    pub is_session: bool,
    /// When the proof ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Caller {
    fn anybody() -> Self {
        let scope = Scope::Admin;
        Self { token_id: None, name: "anybody".into(), scope, via: Via::Nothing, is_session: false, expires_at: None }
    }

    fn of(token: Token, via: Via) -> Self {
        Self {
            token_id: Some(token.id),
            name: token.name,
            scope: token.scope,
            via,
            is_session: token.is_session,
            expires_at: token.expires_at,
        }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(req.extensions().get::<Self>().cloned().ok_or(ApiError::Unauthenticated("sign in first")))
    }
}

/// Finds out who sends `req`. A token in the header counts more than a cookie.
///
/// # Errors
/// [`ApiError::Unauthenticated`] when there is no proof or a bad one, [`ApiError::StoreUnavailable`].
pub async fn identify(req: &HttpRequest, state: &AppState) -> Result<Caller, ApiError> {
    if state.auth.is_disabled {
        return Ok(Caller::anybody());
    }
    let (secret, via) = find_proof(req)?;
    let token = state.store.find_token_by_secret(&secret).await?;
    // The store drops expired tokens; a wrong clock there must not let one in.
    let token = token.filter(|token| token.expires_at.is_none_or(|at| at > state.clock.now()));
    token.map(|token| Caller::of(token, via)).ok_or(ApiError::Unauthenticated("the token is unknown or has expired"))
}

fn find_proof(req: &HttpRequest) -> Result<(String, Via), ApiError> {
    if let Some(value) = req.headers().get(header::AUTHORIZATION) {
        let (scheme, secret) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::Unauthenticated("the header Authorization must be 'Bearer <token>'"));
        }
        return Ok((secret.trim().to_owned(), Via::Bearer));
    }
    // Marina's cookie opens nothing but the routes that were Marina's.
    let of_marina = || req.cookie(cookie::MARINA_NAME).filter(|_| !req.path().starts_with("/api/v1/"));
    match req.cookie(cookie::NAME).or_else(of_marina) {
        Some(cookie) => Ok((cookie.value().to_owned(), Via::Cookie)),
        None => Err(ApiError::Unauthenticated("sign in, or send 'Authorization: Bearer <token>'")),
    }
}
