//! Snapshots.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::entity::snapshot::{ActiveModel, Column, Entity, Model};
use super::rows::{from_column, from_json, parse, to_column, to_json};
use super::{Doing, Page, PageRequest, Store, StoreError};
use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::names::StackName;
use crate::domain::snapshot::Snapshot;

/// Which snapshots are wanted; an absent field wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// Of this stack.
    pub stack: Option<StackName>,
    /// Made by this job.
    pub job: Option<JobId>,
    /// Made for this instance.
    pub instance: Option<String>,
    /// Whether every target was captured whole.
    pub is_complete: Option<bool>,
    /// Also those whose archive was removed.
    pub with_removed: bool,
}

impl SnapshotFilter {
    /// Those of one stack whose archive is there.
    #[must_use]
    pub fn of_stack(stack: &StackName) -> Self {
        Self { stack: Some(stack.clone()), ..Self::default() }
    }

    fn to_condition(&self) -> Condition {
        Condition::all()
            .add_option(self.stack.as_ref().map(|s| Column::Stack.eq(s.as_str())))
            .add_option(self.job.as_ref().map(|j| Column::JobId.eq(j.as_str())))
            .add_option(self.instance.as_ref().map(|i| Column::Instance.eq(i.as_str())))
            .add_option(self.is_complete.map(|c| Column::IsComplete.eq(c)))
            .add_option((!self.with_removed).then(|| Column::RemovedAt.is_null()))
    }
}

impl Store {
    /// Records a snapshot.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.with_room(|| self.try_insert_snapshot(snapshot)).await
    }

    async fn try_insert_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let row = to_row(snapshot)?;
        let _change = self.changes.begin();
        Entity::insert(row).exec_without_returning(&self.db).await.doing("record a snapshot")?;
        Ok(())
    }

    /// The snapshot called `id`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_snapshot(&self, id: &SnapshotId) -> Result<Option<Snapshot>, StoreError> {
        let row = Entity::find_by_id(id.as_str()).one(&self.db).await.doing("find a snapshot")?;
        row.map(from_row).transpose()
    }

    /// Snapshots, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_snapshots(
        &self,
        filter: &SnapshotFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>, StoreError> {
        let rows = list(filter, page).all(&self.db).await.doing("list snapshots")?;
        let snapshots = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_one_more(snapshots, page.limit, |s| s.id.to_string()))
    }

    /// Notes that the archive of a snapshot is gone.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark_snapshot_removed(&self, id: &SnapshotId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let _change = self.changes.begin();
        Entity::update_many()
            .col_expr(Column::RemovedAt, Expr::value(at))
            .filter(Column::Id.eq(id.as_str()))
            .exec(&self.db)
            .await
            .doing("note a removed archive")?;
        Ok(())
    }
}

/// One more than the page has, newest first. Every filter has an index: see `index_tests.rs`.
pub(super) fn list(filter: &SnapshotFilter, page: &PageRequest) -> Select<Entity> {
    Entity::find()
        .filter(filter.to_condition().add_option(page.after.as_ref().map(|id| Column::Id.lt(id.as_str()))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
}

fn to_row(snapshot: &Snapshot) -> Result<ActiveModel, StoreError> {
    let archive = snapshot
        .archive
        .to_str()
        .ok_or_else(|| StoreError::Row { what: "archive", reason: "the path is not UTF-8".into() })?;
    Ok(ActiveModel {
        id: Set(snapshot.id.to_string()),
        job_id: Set(snapshot.job_id.to_string()),
        stack: Set(snapshot.stack.to_string()),
        host: Set(snapshot.host.clone()),
        instance: Set(snapshot.instance.clone()),
        created_at: Set(snapshot.created_at),
        archive: Set(archive.to_owned()),
        size_bytes: Set(to_column(snapshot.size_bytes)),
        content_bytes: Set(to_column(snapshot.content_bytes)),
        entry_count: Set(to_column(snapshot.entry_count)),
        blake3: Set(snapshot.blake3.clone()),
        is_complete: Set(snapshot.is_complete),
        verified_at: Set(snapshot.verified_at),
        removed_at: Set(snapshot.removed_at),
        targets: Set(to_json("targets", &snapshot.targets)?),
    })
}

fn from_row(row: Model) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        id: parse("id", &row.id)?,
        job_id: parse("job_id", &row.job_id)?,
        stack: parse("stack", &row.stack)?,
        host: row.host,
        instance: row.instance,
        created_at: row.created_at,
        archive: row.archive.into(),
        size_bytes: from_column(row.size_bytes),
        content_bytes: from_column(row.content_bytes),
        entry_count: from_column(row.entry_count),
        blake3: row.blake3,
        is_complete: row.is_complete,
        verified_at: row.verified_at,
        removed_at: row.removed_at,
        targets: from_json("targets", row.targets)?,
    })
}
