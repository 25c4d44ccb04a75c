//! When each plan runs next by the clock: what a restart must know to tell a missed run from one that is still to come.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use sea_orm::sea_query::OnConflict;

use super::entity::plan_run::{ActiveModel, Column, Entity, Model};
use super::{Doing, Store, StoreError};

/// The next run of one plan or check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRun {
    /// The id of the plan, or `check:` and the id of the instance.
    pub name: String,
    /// The schedule and zone that `next_run_at` was reckoned from.
    pub schedule: String,
    /// When it runs next.
    pub next_run_at: DateTime<Utc>,
    /// The time that the last run was for.
    pub last_due_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Every next run that was recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_plan_runs(&self) -> Result<Vec<PlanRun>, StoreError> {
        let rows = Entity::find().all(&self.db).await.doing("list the next runs of plans")?;
        Ok(rows.into_iter().map(from_row).collect())
    }

    /// Records a next run, in the place of the one with its name if there is one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_plan_run(&self, run: &PlanRun) -> Result<(), StoreError> {
        let row = ActiveModel {
            name: Set(run.name.clone()),
            schedule: Set(run.schedule.clone()),
            next_run_at: Set(run.next_run_at),
            last_due_at: Set(run.last_due_at),
            updated_at: Set(self.clock.now()),
        };
        let mut replace = OnConflict::column(Column::Name);
        replace.update_columns([Column::Schedule, Column::NextRunAt, Column::LastDueAt, Column::UpdatedAt]);
        let insert = async || {
            let query = Entity::insert(row.clone()).on_conflict(replace.clone());
            query.exec_without_returning(&self.db).await.doing("record the next run of a plan")
        };
        self.with_room(insert).await?;
        Ok(())
    }

    /// Forgets a next run.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_plan_run(&self, name: &str) -> Result<(), StoreError> {
        Entity::delete_by_id(name).exec(&self.db).await.doing("forget the next run of a plan")?;
        Ok(())
    }
}

fn from_row(row: Model) -> PlanRun {
    let Model { name, schedule, next_run_at, last_due_at, .. } = row;
    PlanRun { name, schedule, next_run_at, last_due_at }
}
