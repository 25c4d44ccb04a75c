//! Requests that were answered before.

use chrono::Duration;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::entity::idempotency_key::{ActiveModel, Column, Entity};
use super::rows::{from_json, to_json};
use super::{Doing, Store, StoreError};
use crate::domain::ids::JobId;

/// How long a repeated request is recognised.
const REMEMBERED_HOURS: i64 = 24;

/// A request that was answered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedRequest {
    /// What was asked for, in a form that can be compared.
    pub fingerprint: String,
    /// The jobs it started.
    pub job_ids: Vec<JobId>,
}

impl Store {
    /// The request that came with `key` within the last day.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_request(&self, key: &str) -> Result<Option<RememberedRequest>, StoreError> {
        let oldest = self.clock.now() - Duration::hours(REMEMBERED_HOURS);
        let row =
            Entity::find_by_id(key).filter(Column::CreatedAt.gt(oldest)).one(&self.db).await.doing("find a request")?;
        row.map(|r| {
            let job_ids = from_json("job_ids", r.job_ids)?;
            Ok(RememberedRequest { fingerprint: r.fingerprint, job_ids })
        })
        .transpose()
    }

    /// Remembers a request, and forgets those older than a day.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember_request(&self, key: &str, request: &RememberedRequest) -> Result<(), StoreError> {
        let now = self.clock.now();
        let transaction = self.begin_write().await?;
        Entity::delete_many()
            .filter(Column::CreatedAt.lte(now - Duration::hours(REMEMBERED_HOURS)))
            .exec(&transaction)
            .await
            .doing("forget old requests")?;
        let row = ActiveModel {
            key: Set(key.to_owned()),
            fingerprint: Set(request.fingerprint.clone()),
            job_ids: Set(to_json("job_ids", &request.job_ids)?),
            created_at: Set(now),
        };
        Entity::insert(row).exec_without_returning(&transaction).await.doing("remember a request")?;
        transaction.commit().await.doing("remember a request")
    }
}
