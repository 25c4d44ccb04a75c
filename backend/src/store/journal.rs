//! The stop journal: what Mainstay brought to rest and has not brought back.
//!
//! A row is committed before the container is touched and removed once the container is up again. Whatever is still
//! here when a process starts is brought back. A row also says which run of the container it was about: a stop that is
//! still under way leaves that run up for a while.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::journal::{ActiveModel, Column, Entity, Model};
use super::rows::{from_column, parse, to_column};
use super::{Doing, Store, StoreError};
use crate::domain::ids::JobId;
use crate::domain::names::StackName;

/// How a container was brought to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldAction {
    /// Stopped; a start brings it back.
    Stop,
    /// Paused; an unpause brings it back.
    Pause,
}

/// A container that is about to be brought to rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldContainer {
    /// The stack it belongs to.
    pub stack: StackName,
    /// Its service.
    pub service: String,
    /// Its number within the service.
    pub number: u32,
    /// The engine's id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// How it is brought to rest.
    pub action: HoldAction,
    /// When its process was started, to whole milliseconds: another time is another run.
    pub started_at: Option<DateTime<Utc>>,
    /// Seconds that the engine waits between the stop signal and the kill.
    pub stop_timeout_secs: u64,
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Names the row.
    pub row: i32,
    /// The job that wrote it.
    pub job_id: JobId,
    /// What is held.
    pub held: HeldContainer,
    /// When it was written.
    pub written_at: DateTime<Utc>,
}

impl Store {
    /// Commits a row for each container, in start order, before any of them is touched.
    ///
    /// # Errors
    /// When the database refuses; then nothing may be stopped.
    pub async fn write_journal(&self, job: &JobId, held: &[HeldContainer]) -> Result<(), StoreError> {
        if held.is_empty() {
            return Ok(());
        }
        self.with_room(|| self.insert_rows(job, held)).await
    }

    async fn insert_rows(&self, job: &JobId, held: &[HeldContainer]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let rows = held.iter().zip(0..).map(|(held, position)| ActiveModel {
            id: NotSet,
            job_id: Set(job.to_string()),
            stack: Set(held.stack.to_string()),
            service: Set(held.service.clone()),
            number: Set(i32::try_from(held.number).unwrap_or(i32::MAX)),
            container_id: Set(held.id.clone()),
            container_name: Set(held.name.clone()),
            action: Set(action_word(held.action).to_owned()),
            position: Set(position),
            started_at: Set(held.started_at),
            stop_timeout_secs: Set(to_column(held.stop_timeout_secs)),
            written_at: Set(now),
        });
        let transaction = self.begin_write().await?;
        Entity::insert_many(rows).exec_without_returning(&transaction).await.doing("write the stop journal")?;
        transaction.commit().await.doing("write the stop journal")
    }

    /// What is held, in the order in which it must come back. A row that makes no sense is left out with an error in
    /// the service's log: it must not keep the others down.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_journal(&self) -> Result<Vec<JournalRow>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::JobId)
            .order_by_asc(Column::Position)
            .all(&self.db)
            .await
            .doing("read the stop journal")?;
        let read = |row: Model| {
            let (id, name) = (row.id, row.container_name.clone());
            let row = from_row(row);
            row.inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::error!(row = id, container = name, error, "a row of the stop journal cannot be read");
            })
        };
        Ok(rows.into_iter().map(read).filter_map(Result::ok).collect())
    }

    /// Forgets containers of a job, because they are up again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn clear_journal(&self, job: &JobId, container_ids: &[&str]) -> Result<(), StoreError> {
        self.with_room(|| self.delete_rows(job, container_ids)).await
    }

    async fn delete_rows(&self, job: &JobId, container_ids: &[&str]) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::JobId.eq(job.as_str()))
            .filter(Column::ContainerId.is_in(container_ids.iter().copied()))
            .exec(&self.db)
            .await
            .doing("clear the stop journal")?;
        Ok(())
    }
}

const fn action_word(action: HoldAction) -> &'static str {
    match action {
        HoldAction::Stop => "stop",
        HoldAction::Pause => "pause",
    }
}

fn from_row(row: Model) -> Result<JournalRow, StoreError> {
    let action = match row.action.as_str() {
        "stop" => HoldAction::Stop,
        "pause" => HoldAction::Pause,
        other => return Err(StoreError::Row { what: "action", reason: format!("'{other}' is unknown") }),
    };
    Ok(JournalRow {
        row: row.id,
        job_id: parse("job_id", &row.job_id)?,
        held: HeldContainer {
            stack: parse("stack", &row.stack)?,
            service: row.service,
            number: u32::try_from(row.number).unwrap_or(1),
            id: row.container_id,
            name: row.container_name,
            action,
            started_at: row.started_at,
            stop_timeout_secs: from_column(row.stop_timeout_secs),
        },
        written_at: row.written_at,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sea_orm::IntoActiveModel as _;

    use super::*;
    use crate::domain::clock::ManualClock;

    fn held(id: &str) -> HeldContainer {
        HeldContainer {
            stack: "blog".parse().expect("a name"),
            service: "db".into(),
            number: 1,
            id: id.into(),
            name: id.into(),
            action: HoldAction::Stop,
            started_at: DateTime::from_timestamp_millis(1_700_000_000_123),
            stop_timeout_secs: 90,
        }
    }

    #[tokio::test]
    async fn a_row_comes_back_as_written_and_a_spoilt_one_does_not_hide_the_others() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/store.db", directory.path().display());
        let store = Store::connect(&url, Arc::new(ManualClock::new(now))).await.expect("a store");
        let job = JobId::new(now);
        store.write_journal(&job, &[held("a"), held("b"), held("c")]).await.expect("written");
        let spoilt = Entity::find().filter(Column::ContainerId.eq("b")).one(&store.db).await.expect("read");
        let mut spoilt = spoilt.expect("a row").into_active_model();
        spoilt.action = Set("freeze".to_owned());
        Entity::update(spoilt).exec(&store.db).await.expect("spoilt");
        let rows: Vec<HeldContainer> =
            store.list_journal().await.expect("a list").into_iter().map(|r| r.held).collect();
        assert_eq!(rows, [held("a"), held("c")]);
        store.clear_journal(&job, &["a", "c"]).await.expect("cleared");
        assert!(store.list_journal().await.expect("a list").is_empty());
    }
}
