//! Every list and every sum is answered out of an index: SQLite says how it would go about a query.

use std::sync::Arc;

use chrono::DateTime;
use sea_orm::{ConnectionTrait, EntityTrait, QueryTrait, Select, Statement};

use super::jobs::JobFilter;
use super::snapshots::SnapshotFilter;
use super::{PageRequest, Store, jobs, snapshots, summary};
use crate::domain::clock::SystemClock;
use crate::domain::ids::{JobId, SnapshotId};
use crate::domain::job::{JobKind, JobState};
use crate::domain::plan::BackendKind;

async fn store() -> Store {
    Store::connect("sqlite::memory:", Arc::new(SystemClock)).await.expect("a store")
}

/// The steps that SQLite would take, one a line.
async fn plan(store: &Store, statement: Statement) -> String {
    let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", statement.sql), ..statement };
    let rows = store.db.query_all_raw(explain).await.expect("a plan");
    let steps: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").expect("a step")).collect();
    steps.join("\n")
}

async fn plan_of<E: EntityTrait>(store: &Store, select: Select<E>) -> String {
    plan(store, select.build(store.db.get_database_backend())).await
}

/// No table is read from end to end and nothing is sorted.
fn assert_quick(plan: &str, index: &str, what: &str) {
    assert!(plan.contains(index), "{what} does not use {index}:\n{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{what} sorts:\n{plan}");
    let mut scans = plan.lines().filter(|line| line.starts_with("SCAN "));
    assert!(scans.all(|line| line.contains(index) || line.contains("names")), "{what} reads everything:\n{plan}");
}

fn pages() -> [PageRequest; 2] {
    let cursor = JobId::new(DateTime::UNIX_EPOCH).to_string();
    [PageRequest::first(50), PageRequest { limit: 50, after: Some(cursor) }]
}

#[tokio::test]
async fn every_filter_of_jobs_has_an_index() {
    let store = store().await;
    let none = JobFilter::default();
    let filters = [
        (none.clone(), "sqlite_autoindex_jobs_1", "no filter"),
        (JobFilter { state: Some(JobState::Failed), ..none.clone() }, "jobs_by_state", "state"),
        (JobFilter { kind: Some(JobKind::Restore), ..none.clone() }, "jobs_by_kind", "kind"),
        (JobFilter { stack: Some("blog".parse().expect("a name")), ..none.clone() }, "jobs_by_stack", "stack"),
        (JobFilter { instance: Some("nas".into()), ..none.clone() }, "jobs_by_instance", "instance"),
        (JobFilter { plan: Some("nightly".into()), ..none.clone() }, "jobs_by_plan", "plan"),
        (JobFilter { since: Some(DateTime::UNIX_EPOCH), ..none }, "sqlite_autoindex_jobs_1 (id>?", "since"),
    ];
    for (filter, index, what) in &filters {
        for page in pages() {
            assert_quick(&plan_of(&store, jobs::list(filter, &page)).await, index, what);
        }
    }
}

#[tokio::test]
async fn every_filter_of_snapshots_has_an_index() {
    let store = store().await;
    let none = SnapshotFilter::default();
    let filters = [
        (none.clone(), "snapshots_present", "no filter"),
        (
            SnapshotFilter { stack: Some("blog".parse().expect("a name")), ..none.clone() },
            "snapshots_by_stack",
            "stack",
        ),
        (SnapshotFilter { instance: Some("nas".into()), ..none.clone() }, "snapshots_present_by_instance", "instance"),
        (
            SnapshotFilter { plan: Some("nightly".parse().expect("an id")), ..none.clone() },
            "snapshots_present_by_plan",
            "plan",
        ),
        (SnapshotFilter { since: Some(DateTime::UNIX_EPOCH), ..none.clone() }, "snapshots_present (id>?", "since"),
        (SnapshotFilter { until: Some(DateTime::UNIX_EPOCH), ..none.clone() }, "snapshots_present", "until"),
        (SnapshotFilter { backend: Some(BackendKind::Restic), ..none.clone() }, "snapshots_present", "backend"),
        (SnapshotFilter { is_complete: Some(true), ..none.clone() }, "snapshots_present_by_completeness", "complete"),
    ];
    for (filter, index, what) in &filters {
        for page in pages() {
            assert_quick(&plan_of(&store, snapshots::list(filter, &page)).await, index, what);
        }
    }
    // A job makes one snapshot or a few, which may be sorted.
    let of_job = SnapshotFilter { job: Some(JobId::new(DateTime::UNIX_EPOCH)), ..none };
    let id = SnapshotId::new(DateTime::UNIX_EPOCH).to_string();
    let plan = plan_of(&store, snapshots::list(&of_job, &PageRequest { limit: 50, after: Some(id) })).await;
    assert!(plan.contains("snapshots_by_job (job_id=?"), "{plan}");
}

#[tokio::test]
async fn the_summary_reads_indexes_only() {
    let store = store().await;
    let blog = "blog".parse().expect("a name");
    let covering = "COVERING INDEX snapshots_present_by_stack";
    assert_quick(&plan_of(&store, summary::protected_stacks()).await, covering, "protected");
    assert_quick(&plan_of(&store, summary::stored_bytes()).await, covering, "stored bytes");
    assert_quick(&plan_of(&store, summary::last_ended()).await, "sqlite_autoindex_jobs_1", "last jobs");
    assert_quick(&plan_of(&store, summary::last_drills()).await, "jobs_by_kind", "last drills");
    assert_quick(&plan_of(&store, summary::last_backup(&blog)).await, "jobs_by_last_backup", "last backup");
    for is_wanted in ["= 'succeeded'", "NOT IN ('queued', 'running')"] {
        let statement = Statement::from_string(store.db.get_database_backend(), summary::newest_backups(is_wanted));
        let plan = plan(&store, statement).await;
        assert_quick(&plan, "COVERING INDEX jobs_by_last_backup (kind=? AND is_dry_run=? AND stack=?)", is_wanted);
        assert!(plan.contains("jobs_by_last_backup (kind=? AND is_dry_run=? AND stack>?)"), "{plan}");
    }
}
