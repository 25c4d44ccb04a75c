//! Restores: what was asked for, what was made for them, and what changes places.
//!
//! Whatever a restore makes or exchanges is committed here before it is done. A row whose phase is not `ended` when a
//! process starts was broken off; `engine/restore/recovery.rs` decides what becomes of it.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::restore::{ActiveModel, Column, Entity, Model};
use super::rows::{from_json, parse, parse_some, to_json};
use super::{Doing, Store, StoreError};
use crate::domain::ids::JobId;
use crate::domain::restore::{RestorePhase, RestoreRecord};

impl Store {
    /// Writes what is known of a restore, new or known.
    ///
    /// # Errors
    /// When the database refuses; then nothing may be made or exchanged.
    pub async fn save_restore(&self, record: &RestoreRecord) -> Result<(), StoreError> {
        self.with_room(|| self.upsert_restore(record)).await
    }

    async fn upsert_restore(&self, record: &RestoreRecord) -> Result<(), StoreError> {
        let row = ActiveModel {
            job_id: Set(record.job_id.to_string()),
            orders: Set(to_json("orders", &record.order)?),
            phase: Set(record.phase.to_string()),
            outcome: Set(record.outcome.map(|side| side.to_string())),
            keeps_old: Set(record.keeps_old),
            made: Set(to_json("made", &record.made)?),
            swaps: Set(to_json("swaps", &record.swaps)?),
            updated_at: Set(self.clock.now()),
        };
        let mut replace = OnConflict::column(Column::JobId);
        replace.update_columns([
            Column::Phase,
            Column::Outcome,
            Column::KeepsOld,
            Column::Made,
            Column::Swaps,
            Column::UpdatedAt,
        ]);
        Entity::insert(row).on_conflict(replace).exec_without_returning(&self.db).await.doing("record a restore")?;
        Ok(())
    }

    /// Forgets a restore whose job was never queued.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_restore(&self, job: &JobId) -> Result<(), StoreError> {
        Entity::delete_by_id(job.as_str()).exec(&self.db).await.doing("forget a restore")?;
        Ok(())
    }

    /// What is known of the restore that `job` did.
    ///
    /// # Errors
    /// When the database refuses, or the row cannot be read.
    pub async fn find_restore(&self, job: &JobId) -> Result<Option<RestoreRecord>, StoreError> {
        let row = Entity::find_by_id(job.as_str()).one(&self.db).await.doing("find a restore")?;
        row.map(from_row).transpose()
    }

    /// Restores that have not come to their end, oldest first. A row that makes no sense is left out with an error in the
    /// service's log: it must not keep the others down.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_open_restores(&self) -> Result<Vec<RestoreRecord>, StoreError> {
        let open = RestorePhase::ALL.iter().filter(|phase| **phase != RestorePhase::Ended).map(|phase| phase.as_str());
        let rows = Entity::find()
            .filter(Column::Phase.is_in(open))
            .order_by_asc(Column::JobId)
            .all(&self.db)
            .await
            .doing("list open restores")?;
        let read = |row: Model| {
            let job = row.job_id.clone();
            from_row(row).inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::error!(job, error, "the record of a restore cannot be read");
            })
        };
        Ok(rows.into_iter().map(read).filter_map(Result::ok).collect())
    }
}

fn from_row(row: Model) -> Result<RestoreRecord, StoreError> {
    Ok(RestoreRecord {
        job_id: parse("job_id", &row.job_id)?,
        order: from_json("orders", row.orders)?,
        phase: parse("phase", &row.phase)?,
        outcome: parse_some("outcome", row.outcome.as_deref())?,
        keeps_old: row.keeps_old,
        made: from_json("made", row.made)?,
        swaps: from_json("swaps", row.swaps)?,
        updated_at: row.updated_at,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::domain::clock::ManualClock;
    use crate::domain::restore::{RestoreOrder, Side};

    #[tokio::test]
    async fn a_restore_is_open_until_it_has_ended() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let store = Store::connect("sqlite::memory:", Arc::new(ManualClock::new(now))).await.expect("a store");
        let job = JobId::new(now);
        let mut record = RestoreRecord::new(job.clone(), RestoreOrder::Undo(JobId::new(now)), now);
        store.save_restore(&record).await.expect("recorded");
        record.made.scratch.push("/srv/.mainstay-restore-x".into());
        (record.phase, record.outcome) = (RestorePhase::Tidying, Some(Side::New));
        store.save_restore(&record).await.expect("recorded again");
        assert_eq!(store.list_open_restores().await.expect("a list"), [record.clone()]);
        record.phase = RestorePhase::Ended;
        store.save_restore(&record).await.expect("recorded");
        assert!(store.list_open_restores().await.expect("a list").is_empty());
        assert_eq!(store.find_restore(&job).await.expect("read"), Some(record));
    }
}
