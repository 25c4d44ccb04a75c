//! The stop journal: what Mainstay brought to rest and has not brought back.
//!
//! A row is committed before the container is touched and removed once the container is up again. Whatever is still
//! here when a process starts is brought back.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::journal::{ActiveModel, Column, Entity, Model};
use super::rows::parse;
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
            written_at: Set(now),
        });
        let transaction = self.begin_write().await?;
        Entity::insert_many(rows).exec_without_returning(&transaction).await.doing("write the stop journal")?;
        transaction.commit().await.doing("write the stop journal")
    }

    /// What is held, in the order in which it must come back.
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
        rows.into_iter().map(from_row).collect()
    }

    /// Forgets a container of a job, because it is up again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn clear_journal(&self, job: &JobId, container_id: &str) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::JobId.eq(job.as_str()))
            .filter(Column::ContainerId.eq(container_id))
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
        },
        written_at: row.written_at,
    })
}
