//! Snapshots.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Func, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::entity::snapshot::{ActiveModel, Column, Entity, Model};
use super::rows::{from_column, from_json, parse, parse_some, to_column, to_json};
use super::{Doing, Page, PageRequest, Store, StoreError};
use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::names::{PlanId, StackName};
use crate::domain::plan::BackendKind;
use crate::domain::snapshot::{Damage, Imported, Maker, Snapshot};

/// Which snapshots are wanted; an absent field wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// Of this stack.
    pub stack: Option<StackName>,
    /// Made by this job.
    pub job: Option<JobId>,
    /// Made for this instance.
    pub instance: Option<String>,
    /// Made by this plan.
    pub plan: Option<PlanId>,
    /// Whether every target was captured whole.
    pub is_complete: Option<bool>,
    /// Stored by this backend.
    pub backend: Option<BackendKind>,
    /// Made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before.
    pub until: Option<DateTime<Utc>>,
    /// Whether they were imported.
    pub is_imported: Option<bool>,
    /// Only those in which nothing was found wrong.
    pub only_sound: bool,
    /// Only those that were made for no instance.
    pub without_instance: bool,
    /// Also those that were removed where they lay.
    pub with_removed: bool,
}

impl SnapshotFilter {
    /// The plain archives of one stack that are there and were made here: what no plan looks after.
    #[must_use]
    pub fn archives_of(stack: &StackName) -> Self {
        Self { stack: Some(stack.clone()), without_instance: true, is_imported: Some(false), ..Self::default() }
    }

    fn to_condition(&self) -> Condition {
        Condition::all()
            .add_option(self.stack.as_ref().map(|s| Column::Stack.eq(s.as_str())))
            .add_option(self.job.as_ref().map(|j| Column::JobId.eq(j.as_str())))
            .add_option(self.instance.as_ref().map(|i| Column::Instance.eq(i.as_str())))
            .add_option(self.plan.as_ref().map(|p| Column::Plan.eq(p.as_str())))
            .add_option(self.is_complete.map(|c| Column::IsComplete.eq(c)))
            .add_option(self.backend.map(|b| Column::Backend.eq(b.to_string())))
            .add_option(self.since.map(|at| Column::CreatedAt.gte(at)))
            // An id is made when the snapshot is recorded, which is later, so the list need not be read to its end.
            .add_option(self.since.map(|at| Column::Id.gte(SnapshotId::lowest_at(at).as_str())))
            .add_option(self.until.map(|at| Column::CreatedAt.lt(at)))
            .add_option(self.is_imported.map(|is| match is {
                true => Column::ImportedAt.is_not_null(),
                false => Column::ImportedAt.is_null(),
            }))
            .add_option(self.only_sound.then(|| Column::DamagedAt.is_null()))
            .add_option(self.without_instance.then(|| Column::Instance.is_null()))
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

    /// What the snapshots that are there are called where they lie, of one backend.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_references(&self, backend: BackendKind) -> Result<BTreeSet<String>, StoreError> {
        let rows = Entity::find()
            .select_only()
            .column(Column::Reference)
            .filter(Column::Backend.eq(backend.to_string()))
            .filter(Column::RemovedAt.is_null());
        let rows = rows.into_tuple::<String>().all(&self.db).await.doing("list what snapshots are called")?;
        Ok(rows.into_iter().collect())
    }

    /// Notes that a snapshot is gone where it lay.
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
            .doing("note a removed snapshot")?;
        Ok(())
    }
}

/// How a look at a snapshot came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Everything is as it was stored.
    Sound,
    /// Something is wrong with it.
    Damaged(String),
    /// It could not be looked at; what was known of it holds.
    Unknown,
}

impl Store {
    /// Records a look at a snapshot.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_finding(&self, id: &SnapshotId, finding: &Finding, at: DateTime<Utc>) -> Result<(), StoreError> {
        let update = Entity::update_many().col_expr(Column::TriedAt, Expr::value(at));
        let update = match finding {
            Finding::Sound => update
                .col_expr(Column::VerifiedAt, Expr::value(at))
                .col_expr(Column::DamagedAt, Expr::value(None::<DateTime<Utc>>))
                .col_expr(Column::Damage, Expr::value(None::<String>)),
            Finding::Damaged(reason) => update
                .col_expr(Column::DamagedAt, Expr::value(at))
                .col_expr(Column::Damage, Expr::value(reason.as_str())),
            Finding::Unknown => update,
        };
        let _change = self.changes.begin();
        update.filter(Column::Id.eq(id.as_str())).exec(&self.db).await.doing("record what was found of a snapshot")?;
        Ok(())
    }

    /// How many snapshots of these backends are there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_snapshots_of(&self, backends: &[BackendKind]) -> Result<u64, StoreError> {
        present_of(backends).count(&self.db).await.doing("count the snapshots")
    }

    /// The snapshots of these backends that nobody looked at for longest, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_longest_unseen(&self, backends: &[BackendKind], limit: u64) -> Result<Vec<Snapshot>, StoreError> {
        let columns = [Column::TriedAt, Column::VerifiedAt, Column::CreatedAt].map(Expr::col);
        let seen_at = SimpleExpr::from(Func::coalesce(columns));
        let rows = present_of(backends).order_by_asc(seen_at).order_by_asc(Column::Id).limit(limit);
        rows.all(&self.db).await.doing("list the snapshots to look at")?.into_iter().map(from_row).collect()
    }
}

fn present_of(backends: &[BackendKind]) -> Select<Entity> {
    Entity::find()
        .filter(Column::RemovedAt.is_null())
        .filter(Column::Backend.is_in(backends.iter().map(ToString::to_string)))
}

/// One more than the page has, newest first. Every filter has an index: see `index_tests.rs`.
pub(super) fn list(filter: &SnapshotFilter, page: &PageRequest) -> Select<Entity> {
    Entity::find()
        .filter(filter.to_condition().add_option(page.after.as_ref().map(|id| Column::Id.lt(id.as_str()))))
        .order_by_desc(Column::Id)
        .limit(page.limit + 1)
}

fn to_row(snapshot: &Snapshot) -> Result<ActiveModel, StoreError> {
    Ok(ActiveModel {
        id: Set(snapshot.id.to_string()),
        job_id: Set(snapshot.job_id.to_string()),
        backend: Set(snapshot.backend.to_string()),
        reference: Set(snapshot.reference.clone()),
        stack: Set(snapshot.stack.as_ref().map(ToString::to_string)),
        host: Set(snapshot.host.clone()),
        instance: Set(snapshot.instance.clone()),
        plan: Set(snapshot.plan.as_ref().map(ToString::to_string)),
        created_at: Set(snapshot.created_at),
        size_bytes: Set(to_column(snapshot.size_bytes)),
        content_bytes: Set(to_column(snapshot.content_bytes)),
        entry_count: Set(to_column(snapshot.entry_count)),
        blake3: Set(snapshot.blake3.clone()),
        is_complete: Set(snapshot.is_complete),
        verified_at: Set(snapshot.verified_at),
        removed_at: Set(snapshot.removed_at),
        targets: Set(to_json("targets", &snapshot.targets)?),
        imported_at: Set(snapshot.imported.map(|imported| imported.at)),
        made_by: Set(snapshot.imported.map(|imported| imported.made_by.to_string())),
        damaged_at: Set(snapshot.damage.as_ref().map(|damage| damage.at)),
        damage: Set(snapshot.damage.as_ref().map(|damage| damage.reason.clone())),
        tried_at: Set(None),
    })
}

fn imported(at: DateTime<Utc>, made_by: Option<&str>) -> Result<Imported, StoreError> {
    let made_by = parse_some("made_by", made_by)?.unwrap_or(Maker::Other);
    Ok(Imported { at, made_by })
}

fn from_row(row: Model) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        id: parse("id", &row.id)?,
        job_id: parse("job_id", &row.job_id)?,
        backend: parse("backend", &row.backend)?,
        reference: row.reference,
        stack: parse_some("stack", row.stack.as_deref())?,
        host: row.host,
        instance: row.instance,
        plan: parse_some("plan", row.plan.as_deref())?,
        created_at: row.created_at,
        size_bytes: from_column(row.size_bytes),
        content_bytes: from_column(row.content_bytes),
        entry_count: from_column(row.entry_count),
        blake3: row.blake3,
        is_complete: row.is_complete,
        verified_at: row.verified_at,
        damage: row.damaged_at.map(|at| Damage { at, reason: row.damage.unwrap_or_default() }),
        removed_at: row.removed_at,
        targets: from_json("targets", row.targets)?,
        imported: row.imported_at.map(|at| imported(at, row.made_by.as_deref())).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use migrations::{Migrator, MigratorTrait as _};
    use sea_orm::ConnectionTrait as _;

    use super::*;
    use crate::domain::clock::SystemClock;

    #[tokio::test]
    async fn archives_of_the_version_before_are_known_and_the_way_back_is_open() {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite://{}/store.db", directory.path().display());
        let store = Store::connect(&url, Arc::new(SystemClock)).await.expect("a store");
        // Every change from the one on that this is about.
        let changes = Migrator::migrations();
        let since = changes.iter().rev().position(|change| change.name().ends_with("generalise_snapshots"));
        let steps = u32::try_from(since.expect("the change") + 1).expect("a few");
        Migrator::down(&store.db, Some(steps)).await.expect("the schema before");
        let (id, job) = (SnapshotId::new(DateTime::UNIX_EPOCH), JobId::new(DateTime::UNIX_EPOCH));
        let row = format!(
            "INSERT INTO snapshots (id, job_id, host, instance, created_at, size_bytes, content_bytes, entry_count, \
             is_complete, verified_at, removed_at, targets, archive, stack, blake3) VALUES ('{id}', '{job}', 'local', NULL, '2026-11-21T00:00:00Z', 5, 4, 3, TRUE, \
             NULL, NULL, '[]', '/backups/blog.tar.gz', 'blog', 'abc')"
        );
        store.db.execute_unprepared(&row).await.expect("a row of the version before");
        Migrator::up(&store.db, None).await.expect("the schema of today");
        let found = store.find_snapshot(&id).await.expect("read").expect("the snapshot");
        assert_eq!((found.backend, found.reference.as_str()), (BackendKind::Archive, "/backups/blog.tar.gz"));
        assert_eq!((found.stack.as_ref().map(StackName::as_str), found.blake3.as_deref()), (Some("blog"), Some("abc")));
        let of_a_plan = Snapshot {
            id: SnapshotId::new(DateTime::UNIX_EPOCH),
            backend: BackendKind::Restic,
            reference: "1234abcd".to_owned(),
            stack: None,
            instance: Some("nas".to_owned()),
            plan: Some("nas".parse().expect("an id")),
            blake3: None,
            ..found.clone()
        };
        store.insert_snapshot(&of_a_plan).await.expect("recorded");
        let filter = SnapshotFilter { plan: of_a_plan.plan.clone(), ..SnapshotFilter::default() };
        let listed = store.list_snapshots(&filter, &PageRequest::first(9)).await.expect("a list").items;
        assert_eq!(listed, [of_a_plan]);
        let archives = SnapshotFilter::archives_of(&"blog".parse().expect("a name"));
        let listed = store.list_snapshots(&archives, &PageRequest::first(9)).await.expect("a list").items;
        assert_eq!(listed, [found]);
        store.note_finding(&id, &Finding::Damaged("a bit".into()), DateTime::UNIX_EPOCH).await.expect("recorded");
        let damaged = store.find_snapshot(&id).await.expect("read").expect("the snapshot");
        assert_eq!(damaged.damage.as_ref().map(|damage| damage.reason.as_str()), Some("a bit"));
        let sound = SnapshotFilter { only_sound: true, ..archives };
        assert!(store.list_snapshots(&sound, &PageRequest::first(9)).await.expect("a list").items.is_empty());
        store.note_finding(&id, &Finding::Sound, DateTime::UNIX_EPOCH).await.expect("recorded");
        assert!(store.find_snapshot(&id).await.expect("read").expect("the snapshot").damage.is_none());
        Migrator::down(&store.db, Some(steps)).await.expect("back again");
    }

    #[tokio::test]
    async fn what_was_imported_is_listed_and_never_judged() {
        let store = Store::connect("sqlite::memory:", Arc::new(SystemClock)).await.expect("a store");
        let at = DateTime::UNIX_EPOCH;
        let made = Snapshot {
            id: SnapshotId::new(at),
            job_id: JobId::new(at),
            backend: BackendKind::Archive,
            reference: "/backups/a.tar.gz".to_owned(),
            stack: Some("blog".parse().expect("a name")),
            host: "local".to_owned(),
            instance: None,
            plan: None,
            created_at: at,
            size_bytes: 1,
            content_bytes: 1,
            entry_count: 1,
            blake3: None,
            is_complete: true,
            verified_at: None,
            damage: None,
            removed_at: None,
            targets: Vec::new(),
            imported: None,
        };
        let imported = Some(Imported { at, made_by: Maker::DockerBackupManager });
        let id = SnapshotId::new(at);
        let found = Snapshot { id, reference: "/usb/b.tar.gz".to_owned(), imported, ..made.clone() };
        for snapshot in [&made, &found] {
            store.insert_snapshot(snapshot).await.expect("recorded");
        }
        let list = async |filter: SnapshotFilter| {
            store.list_snapshots(&filter, &PageRequest::first(9)).await.expect("a list").items
        };
        let of_blog = SnapshotFilter::archives_of(&"blog".parse().expect("a name"));
        assert_eq!(list(of_blog).await, [made], "retention sees only these");
        let wanted = SnapshotFilter { is_imported: Some(true), ..SnapshotFilter::default() };
        assert_eq!(list(wanted).await, [found]);
        let known = store.list_references(BackendKind::Archive).await.expect("references");
        assert_eq!(known.into_iter().collect::<Vec<_>>(), ["/backups/a.tar.gz", "/usb/b.tar.gz"]);
        assert!(store.list_references(BackendKind::Restic).await.expect("references").is_empty());
    }
}
