//! Signing in, tokens.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, time, wire_enum, wire_list};
use crate::domain::access as domain;

wire_enum!(
    /// What a token allows. `operate` includes `read`, `admin` includes both.
    Scope from domain::Scope { Read => "read", Operate => "operate", Admin => "admin" }
);

/// A sign-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "correct horse battery staple"}))]
pub struct Login {
    /// The password of the service.
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A session that a sign-in began.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"token": "mst_5f0c…", "expires_at": "2026-12-21T03:00:00.000Z"}))]
pub struct Session {
    /// The secret, for the header `Authorization: Bearer`; a browser has it in its cookie already.
    pub token: String,
    /// When the session ends.
    pub expires_at: Time,
}

/// How the caller proved who they are.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// By a token in the header `Authorization`.
    Bearer,
    /// By a session cookie.
    Cookie,
    /// Not at all: authentication is switched off.
    Nothing,
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "session", "scope": "admin", "via": "cookie", "expires_at": "2026-12-21T03:00:00.000Z"}))]
pub struct Me {
    /// What the token is called.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// How the caller proved who they are.
    pub via: Via,
    /// When it stops working; null for never.
    #[schema(required = true)]
    pub expires_at: Option<Time>,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "monitoring", "scope": "read", "expires_in_days": 365}))]
pub struct NewToken {
    /// What to call it, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// After how many days it stops working; never when left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    pub expires_in_days: Option<u32>,
}

/// A token or a session, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "tok_019aa3f1c2d47c3e9f00112233445566", "name": "monitoring", "scope": "read", "is_session": false,
    "created_at": "2026-11-21T03:00:00.000Z", "expires_at": null, "last_used_at": null
}))]
pub struct Token {
    /// Its id; not the secret.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// Whether a sign-in made it.
    pub is_session: bool,
    /// When it was made.
    pub created_at: Time,
    /// When it stops working; null for never.
    #[schema(required = true)]
    pub expires_at: Option<Time>,
    /// When it was last used, to the minute.
    #[schema(required = true)]
    pub last_used_at: Option<Time>,
}

wire_list!(TokenList of Token, "tokens, newest first");

impl From<domain::Token> for Token {
    fn from(token: domain::Token) -> Self {
        Self {
            id: token.id.into(),
            name: token.name,
            scope: token.scope.into(),
            is_session: token.is_session,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(time),
            last_used_at: token.last_used_at.map(time),
        }
    }
}

/// A token that was just made, with its secret, which is never shown again.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "token": "mst_5f0c…", "id": "tok_019aa3f1c2d47c3e9f00112233445566", "name": "monitoring", "scope": "read",
    "is_session": false, "created_at": "2026-11-21T03:00:00.000Z", "expires_at": null, "last_used_at": null
}))]
pub struct CreatedToken {
    /// The secret, for the header `Authorization: Bearer`.
    pub token: String,
    /// The rest of the token.
    #[serde(flatten)]
    pub about: Token,
}
