//! What there is in backups, over all jobs and snapshots.
//!
//! With a hundred thousand jobs none of these may read them all: the newest job of each stack is found by stepping from
//! stack to stack in the index, one look each. Add a question here when it is about every stack at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, Statement};

use super::entity::{job, snapshot};
use super::jobs::from_row;
use super::rows::{from_column, parse, parse_some};
use super::{Doing, Store, StoreError};
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::names::StackName;

/// How many drills are looked through for the last one of each stack.
const DRILLS_LOOKED_AT: u64 = 1000;
/// How many of the last jobs are told.
const LAST_JOBS: u64 = 10;

/// What there is in backups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BackupSummary {
    /// Stacks that have a complete snapshot whose archive is there, and of which nothing is known to be wrong.
    pub protected: HashSet<StackName>,
    /// When the last good backup of each stack ended.
    pub last_success_at: HashMap<StackName, DateTime<Utc>>,
    /// The last jobs that ended, newest first.
    pub last_jobs: Vec<Job>,
    /// Bytes of all archives that are there.
    pub stored_bytes: u64,
    /// The newest drill of each stack's plain archives that ended.
    pub last_drills: HashMap<StackName, Job>,
}

impl Store {
    /// Sums everything up.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn summarise(&self) -> Result<BackupSummary, StoreError> {
        Ok(BackupSummary {
            protected: self.list_protected_stacks().await?,
            last_success_at: self.list_last_successes().await?,
            last_jobs: self.list_last_ended().await?,
            stored_bytes: self.sum_stored_bytes().await?,
            last_drills: self.list_last_drills().await?,
        })
    }

    /// The newest finished backup of every stack that has one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_last_backups(&self) -> Result<HashMap<StackName, Job>, StoreError> {
        let ids = self.list_newest("NOT IN ('queued', 'running')").await?;
        let newest = job::Entity::find().filter(job::Column::Id.is_in(ids));
        let rows = newest.all(&self.db).await.doing("list the last backups")?;
        let jobs = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(jobs.into_iter().filter_map(|job| job.stack.clone().map(|stack| (stack, job))).collect())
    }

    /// The newest finished backup of one stack.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_last_backup(&self, stack: &StackName) -> Result<Option<Job>, StoreError> {
        let row = last_backup(stack).one(&self.db).await.doing("find the last backup")?;
        row.map(from_row).transpose()
    }

    async fn list_last_successes(&self) -> Result<HashMap<StackName, DateTime<Utc>>, StoreError> {
        let ids = self.list_newest("= 'succeeded'").await?;
        let newest = job::Entity::find().select_only().column(job::Column::Stack).column(job::Column::FinishedAt);
        let rows: Vec<(Option<String>, Option<DateTime<Utc>>)> = newest
            .filter(job::Column::Id.is_in(ids))
            .into_tuple()
            .all(&self.db)
            .await
            .doing("list the last successes")?;
        let mut found = HashMap::with_capacity(rows.len());
        for (stack, at) in rows {
            if let (Some(stack), Some(at)) = (parse_some("stack", stack.as_deref())?, at) {
                found.insert(stack, at);
            }
        }
        Ok(found)
    }

    async fn list_newest(&self, is_wanted: &str) -> Result<Vec<String>, StoreError> {
        let statement = Statement::from_string(self.db.get_database_backend(), newest_backups(is_wanted));
        let rows = self.db.query_all_raw(statement).await.doing("find the newest backups")?;
        let ids: Result<Vec<Option<String>>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
        Ok(ids.doing("find the newest backups")?.into_iter().flatten().collect())
    }

    async fn list_last_ended(&self) -> Result<Vec<Job>, StoreError> {
        let rows = last_ended().all(&self.db).await.doing("list the last jobs")?;
        rows.into_iter().map(from_row).collect()
    }

    async fn list_protected_stacks(&self) -> Result<HashSet<StackName>, StoreError> {
        let names: Vec<String> = protected_stacks().into_tuple().all(&self.db).await.doing("list what is protected")?;
        names.iter().map(|name| parse("stack", name)).collect()
    }

    async fn list_last_drills(&self) -> Result<HashMap<StackName, Job>, StoreError> {
        let rows = last_drills().all(&self.db).await.doing("list the last drills")?;
        let mut found = HashMap::new();
        for job in rows.into_iter().map(from_row) {
            let job = job?;
            if let Some(stack) = job.stack.clone() {
                found.entry(stack).or_insert(job);
            }
        }
        Ok(found)
    }

    async fn sum_stored_bytes(&self) -> Result<u64, StoreError> {
        let sum: Option<Option<i64>> = stored_bytes().into_tuple().one(&self.db).await.doing("sum the stored bytes")?;
        Ok(sum.flatten().map(from_column).unwrap_or_default())
    }
}

/// The id of the newest backup of each stack whose state `is_wanted`: a condition of our own, never of a client.
pub(super) fn newest_backups(is_wanted: &str) -> String {
    let backup = format!("kind = '{}' AND is_dry_run = FALSE", JobKind::Backup);
    format!(
        "WITH RECURSIVE names(stack) AS (\
           SELECT MIN(stack) FROM jobs WHERE {backup} \
           UNION ALL SELECT (SELECT MIN(stack) FROM jobs WHERE {backup} AND jobs.stack > names.stack) \
             FROM names WHERE names.stack IS NOT NULL) \
         SELECT (SELECT id FROM jobs WHERE {backup} AND jobs.stack = names.stack AND state {is_wanted} \
             ORDER BY id DESC LIMIT 1) \
           FROM names WHERE names.stack IS NOT NULL"
    )
}

/// What is queued or at work is a handful, so stepping over it costs nothing; a list of states would sort every job.
fn has_ended() -> sea_orm::sea_query::SimpleExpr {
    job::Column::State.is_not_in(JobState::ALL.iter().filter(|s| !s.is_final()).map(|s| s.as_str()))
}

pub(super) fn last_ended() -> Select<job::Entity> {
    job::Entity::find().filter(has_ended()).order_by_desc(job::Column::Id).limit(LAST_JOBS)
}

pub(super) fn last_backup(stack: &StackName) -> Select<job::Entity> {
    job::Entity::find()
        .filter(job::Column::Kind.eq(JobKind::Backup.as_str()))
        .filter(job::Column::IsDryRun.eq(false))
        .filter(job::Column::Stack.eq(stack.as_str()))
        .filter(has_ended())
        .order_by_desc(job::Column::Id)
        .limit(1)
}

pub(super) fn protected_stacks() -> Select<snapshot::Entity> {
    snapshot::Entity::find()
        .select_only()
        .column(snapshot::Column::Stack)
        .distinct()
        .filter(snapshot::Column::IsComplete.eq(true))
        .filter(snapshot::Column::Stack.is_not_null())
        .filter(snapshot::Column::DamagedAt.is_null())
        .filter(snapshot::Column::RemovedAt.is_null())
}

/// Newest first. More than this many drills of other stacks after one's own make it look as if it had none.
pub(super) fn last_drills() -> Select<job::Entity> {
    job::Entity::find()
        .filter(job::Column::Kind.eq(JobKind::Drill.as_str()))
        .filter(has_ended())
        .filter(job::Column::Instance.is_null())
        .order_by_desc(job::Column::Id)
        .limit(DRILLS_LOOKED_AT)
}

/// PostgreSQL sums whole numbers into a decimal.
pub(super) fn stored_bytes() -> Select<snapshot::Entity> {
    let sum = Expr::col(snapshot::Column::SizeBytes).sum().cast_as("bigint");
    snapshot::Entity::find().select_only().column_as(sum, "sum").filter(snapshot::Column::RemovedAt.is_null())
}
