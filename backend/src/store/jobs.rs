//! Jobs.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::entity::job::{ActiveModel, Column, Entity, Model};
use super::rows::{from_column, from_json, parse, parse_some, to_column, to_json};
use super::{Doing, Page, PageRequest, Store, StoreError};
use crate::domain::ids::JobId;
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::names::StackName;

/// Which jobs are wanted; an absent field wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// Of this stack.
    pub stack: Option<StackName>,
    /// For this instance.
    pub instance: Option<String>,
    /// Of this plan.
    pub plan: Option<String>,
    /// Asked for at this time or later.
    pub since: Option<DateTime<Utc>>,
}

impl JobFilter {
    fn to_condition(&self) -> Condition {
        Condition::all()
            .add_option(self.state.map(|s| Column::State.eq(s.as_str())))
            .add_option(self.kind.map(|k| Column::Kind.eq(k.as_str())))
            .add_option(self.stack.as_ref().map(|s| Column::Stack.eq(s.as_str())))
            .add_option(self.instance.as_ref().map(|i| Column::Instance.eq(i.as_str())))
            .add_option(self.plan.as_ref().map(|p| Column::Plan.eq(p.as_str())))
            .add_option(self.since.map(|at| Column::QueuedAt.gte(at)))
            // Ids sort by time, so the list need not be read to its end.
            .add_option(self.since.map(|at| Column::Id.gte(JobId::lowest_at(at).as_str())))
    }
}

impl Store {
    /// Writes a job, new or known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_job(&self, job: &Job) -> Result<(), StoreError> {
        self.save_job_with_partials(job, &[]).await
    }

    /// Records new jobs, all or none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_jobs(&self, jobs: &[Job]) -> Result<(), StoreError> {
        self.with_room(|| self.try_insert_jobs(jobs)).await
    }

    async fn try_insert_jobs(&self, jobs: &[Job]) -> Result<(), StoreError> {
        let _change = self.changes.begin();
        let transaction = self.begin_write().await?;
        for job in jobs {
            Entity::insert(to_row(job, &[])?).exec_without_returning(&transaction).await.doing("record a job")?;
        }
        transaction.commit().await.doing("record jobs")
    }

    /// Writes a job together with the unfinished files that it is making, so that a restart can remove them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_job_with_partials(&self, job: &Job, partial_files: &[PathBuf]) -> Result<(), StoreError> {
        self.with_room(|| self.upsert_job(job, partial_files)).await
    }

    async fn upsert_job(&self, job: &Job, partial_files: &[PathBuf]) -> Result<(), StoreError> {
        let row = to_row(job, partial_files)?;
        let _change = self.changes.begin();
        let mut on_conflict = OnConflict::column(Column::Id);
        on_conflict.update_columns([
            Column::State,
            Column::StartedAt,
            Column::FinishedAt,
            Column::Progress,
            Column::Steps,
            Column::Targets,
            Column::StoppedMs,
            Column::Strategy,
            Column::BytesCapturedWhileStopped,
            Column::BytesRead,
            Column::BytesStored,
            Column::SnapshotId,
            Column::Error,
            Column::PartialFiles,
        ]);
        Entity::insert(row).on_conflict(on_conflict).exec_without_returning(&self.db).await.doing("write a job")?;
        Ok(())
    }

    /// The job called `id`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let row = Entity::find_by_id(id.as_str()).one(&self.db).await.doing("find a job")?;
        row.map(from_row).transpose()
    }

    /// The job whose id is this number ([`JobId::to_number`]).
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_job_by_number(&self, number: u64) -> Result<Option<Job>, StoreError> {
        let (lowest, end) = JobId::bounds_of_number(number);
        let of_that_time = Entity::find().filter(Column::Id.gte(lowest.as_str())).filter(Column::Id.lt(end.as_str()));
        let rows = of_that_time.all(&self.db).await.doing("find a job by its number")?;
        let jobs = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(jobs.into_iter().find(|job| job.id.to_number() == number))
    }

    /// How many jobs an instance had up to `id`. Jobs are never removed, so this numbers them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_jobs_of_instance(&self, instance: &str, id: &JobId) -> Result<u64, StoreError> {
        let up_to = Entity::find().filter(Column::Instance.eq(instance)).filter(Column::Id.lte(id.as_str()));
        up_to.count(&self.db).await.doing("count jobs")
    }

    /// Jobs, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_jobs(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, StoreError> {
        let rows = list(filter, page).all(&self.db).await.doing("list jobs")?;
        let jobs = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_one_more(jobs, page.limit, |job| job.id.to_string()))
    }

    /// Jobs that a process left queued or running, and those whose unfinished files could not be tidied up; each with
    /// these files. A job that cannot be read is left out with an error in the service's log.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_unfinished_jobs(&self) -> Result<Vec<(Job, Vec<PathBuf>)>, StoreError> {
        let states = JobState::ALL.iter().filter(|s| !s.is_final()).map(|s| s.as_str());
        // PostgreSQL does not compare the kind of its column.
        let has_partial_files = Column::PartialFiles.into_expr().cast_as("text").ne("[]");
        let rows = Entity::find()
            .filter(Condition::any().add(Column::State.is_in(states)).add(has_partial_files))
            .order_by_asc(Column::Id)
            .all(&self.db)
            .await
            .doing("list unfinished jobs")?;
        let read = |mut row: Model| {
            let id = row.id.clone();
            let files = from_json::<Vec<PathBuf>>("partial_files", row.partial_files.take());
            let job = files.and_then(|files| Ok((from_row(row)?, files)));
            job.inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::error!(job = id, error, "an unfinished job cannot be read");
            })
        };
        Ok(rows.into_iter().map(read).filter_map(Result::ok).collect())
    }
}

/// One more than the page has, newest first. Every filter has an index: see `index_tests.rs`.
pub(super) fn list(filter: &JobFilter, page: &PageRequest) -> Select<Entity> {
    Entity::find()
        .filter(filter.to_condition().add_option(page.after.as_ref().map(|id| Column::Id.lt(id.as_str()))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
}

fn to_row(job: &Job, partial_files: &[PathBuf]) -> Result<ActiveModel, StoreError> {
    Ok(ActiveModel {
        id: Set(job.id.to_string()),
        kind: Set(job.kind.to_string()),
        state: Set(job.state.to_string()),
        stack: Set(job.stack.as_ref().map(ToString::to_string)),
        instance: Set(job.instance.clone()),
        plan: Set(job.plan.clone()),
        triggered_by: Set(job.trigger.to_string()),
        quiesce: Set(job.quiesce.map(|q| q.to_string())),
        is_dry_run: Set(job.is_dry_run),
        queued_at: Set(job.queued_at),
        started_at: Set(job.started_at),
        finished_at: Set(job.finished_at),
        progress: Set(to_json("progress", &job.progress)?),
        steps: Set(to_json("steps", &job.steps)?),
        targets: Set(to_json("targets", &job.targets)?),
        stopped_ms: Set(job.stopped_ms.map(to_column)),
        strategy: Set(job.strategy.map(|s| s.as_str().to_owned())),
        bytes_captured_while_stopped: Set(job.bytes_captured_while_stopped.map(to_column)),
        bytes_read: Set(to_column(job.bytes_read)),
        bytes_stored: Set(to_column(job.bytes_stored)),
        snapshot_id: Set(job.snapshot_id.as_ref().map(ToString::to_string)),
        error: Set(job.error.clone()),
        log_file: Set(job.log_file.clone()),
        partial_files: Set(to_json("partial_files", &partial_files)?),
    })
}

pub(super) fn from_row(row: Model) -> Result<Job, StoreError> {
    Ok(Job {
        id: parse("id", &row.id)?,
        kind: parse("kind", &row.kind)?,
        state: parse("state", &row.state)?,
        stack: parse_some("stack", row.stack.as_deref())?,
        instance: row.instance,
        plan: row.plan,
        trigger: parse("trigger", &row.triggered_by)?,
        quiesce: parse_some("quiesce", row.quiesce.as_deref())?,
        is_dry_run: row.is_dry_run,
        queued_at: row.queued_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        progress: from_json("progress", row.progress)?,
        steps: from_json("steps", row.steps)?,
        targets: from_json("targets", row.targets)?,
        stopped_ms: row.stopped_ms.map(from_column),
        strategy: parse_some("strategy", row.strategy.as_deref())?,
        bytes_captured_while_stopped: row.bytes_captured_while_stopped.map(from_column),
        bytes_read: from_column(row.bytes_read),
        bytes_stored: from_column(row.bytes_stored),
        snapshot_id: parse_some("snapshot_id", row.snapshot_id.as_deref())?,
        error: row.error,
        log_file: row.log_file,
    })
}
