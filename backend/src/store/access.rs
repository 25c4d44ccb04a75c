//! Tokens, sessions and the password.
//!
//! A token's secret is 256 random bits, so a plain BLAKE3 of it is enough to keep: there is nothing to guess. The
//! password is kept as an Argon2 hash that the caller makes.

use chrono::{DateTime, Duration, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{setting, token};
use super::rows::parse;
use super::{Doing, Store, StoreError};
use crate::domain::access::{Scope, Token};
use crate::domain::ids::TokenId;

const PASSWORD_HASH: &str = "password_hash";

impl Store {
    /// Makes a token and returns it with its secret, which is kept nowhere.
    ///
    /// # Errors
    /// When the database refuses or the machine has no randomness.
    pub async fn create_token(
        &self,
        name: &str,
        scope: Scope,
        is_session: bool,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<(Token, String), StoreError> {
        let now = self.clock.now();
        let secret = format!("mst_{}", random_hex()?);
        let token = Token {
            id: TokenId::new(now),
            name: name.to_owned(),
            scope,
            is_session,
            created_at: now,
            expires_at,
            last_used_at: None,
        };
        let insert = async || {
            let row = token::Entity::insert(to_row(&token, &secret));
            row.exec_without_returning(&self.db).await.doing("record a token")
        };
        self.with_room(insert).await?;
        Ok((token, secret))
    }

    /// The token of a secret, unless it is unknown or expired. Notes the use, to the minute.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_token_by_secret(&self, secret: &str) -> Result<Option<Token>, StoreError> {
        let (hash, now) = (hash(secret), self.clock.now());
        let is_valid = |token: &Token| token.expires_at.is_none_or(|at| at > now);
        let is_noted = |token: &Token| token.last_used_at.is_some_and(|at| now - at < Duration::minutes(1));
        if let Some(token) = self.known_tokens.find(&hash).filter(|token| is_valid(token) && is_noted(token)) {
            return Ok(Some(token));
        }
        let asked = self.known_tokens.now();
        let Some(mut token) = self.read_token(&hash).await?.filter(is_valid) else { return Ok(None) };
        if !is_noted(&token) {
            self.note_use(&token, now).await?;
            token.last_used_at = Some(now);
        }
        self.known_tokens.remember(asked, hash, &token);
        Ok(Some(token))
    }

    async fn read_token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        let found = token::Entity::find().filter(token::Column::SecretHash.eq(hash));
        let row = found.one(&self.db).await.doing("find a token")?;
        row.map(|row| from_row(&row)).transpose()
    }

    async fn note_use(&self, token: &Token, at: DateTime<Utc>) -> Result<(), StoreError> {
        token::Entity::update_many()
            .col_expr(token::Column::LastUsedAt, Expr::value(at))
            .filter(token::Column::Id.eq(token.id.as_str()))
            .exec(&self.db)
            .await
            .doing("note the use of a token")?;
        Ok(())
    }

    /// Every token that has not expired, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_tokens(&self) -> Result<Vec<Token>, StoreError> {
        let alive =
            Condition::any().add(token::Column::ExpiresAt.is_null()).add(token::Column::ExpiresAt.gt(self.clock.now()));
        let rows = token::Entity::find()
            .filter(alive)
            .order_by_desc(token::Column::Id)
            .all(&self.db)
            .await
            .doing("list tokens")?;
        rows.iter().map(from_row).collect()
    }

    /// Removes a token; `false` when there was none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_token(&self, id: &TokenId) -> Result<bool, StoreError> {
        let result = token::Entity::delete_by_id(id.as_str()).exec(&self.db).await;
        // Also after an error: the row may be gone all the same.
        self.known_tokens.forget();
        let result = result.doing("remove a token")?;
        Ok(result.rows_affected > 0)
    }

    /// Removes tokens that have expired; returns how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_expired_tokens(&self) -> Result<u64, StoreError> {
        let result = token::Entity::delete_many()
            .filter(token::Column::ExpiresAt.lte(self.clock.now()))
            .exec(&self.db)
            .await
            .doing("remove expired tokens")?;
        Ok(result.rows_affected)
    }

    /// The hash of the password that the first start made up, when it did.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_password_hash(&self) -> Result<Option<String>, StoreError> {
        self.find_setting(PASSWORD_HASH).await
    }

    /// The value of a setting.
    pub(super) async fn find_setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = setting::Entity::find_by_id(name).one(&self.db).await.doing("read a setting")?;
        Ok(row.map(|r| r.value))
    }

    /// Sets a setting.
    pub(super) async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let row = setting::ActiveModel { name: Set(name.to_owned()), value: Set(value.to_owned()) };
        let mut on_conflict = OnConflict::column(setting::Column::Name);
        on_conflict.update_column(setting::Column::Value);
        setting::Entity::insert(row)
            .on_conflict(on_conflict)
            .exec_without_returning(&self.db)
            .await
            .doing("write a setting")?;
        Ok(())
    }

    /// Keeps the hash of a password.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_password_hash(&self, value: &str) -> Result<(), StoreError> {
        self.put_setting(PASSWORD_HASH, value).await
    }
}

fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

fn random_hex() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Row { what: "token", reason: e.to_string() })?;
    Ok(blake3::Hash::from_bytes(bytes).to_hex().to_string())
}

fn to_row(token: &Token, secret: &str) -> token::ActiveModel {
    token::ActiveModel {
        id: Set(token.id.to_string()),
        name: Set(token.name.clone()),
        secret_hash: Set(hash(secret)),
        scope: Set(token.scope.to_string()),
        is_session: Set(token.is_session),
        created_at: Set(token.created_at),
        expires_at: Set(token.expires_at),
        last_used_at: Set(token.last_used_at),
    }
}

fn from_row(row: &token::Model) -> Result<Token, StoreError> {
    Ok(Token {
        id: parse("id", &row.id)?,
        name: row.name.clone(),
        scope: parse("scope", &row.scope)?,
        is_session: row.is_session,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    })
}
