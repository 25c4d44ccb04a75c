//! A row of `jobs`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) stack: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) triggered_by: String,
    pub(crate) quiesce: Option<String>,
    pub(crate) is_dry_run: bool,
    pub(crate) queued_at: DateTimeUtc,
    pub(crate) started_at: Option<DateTimeUtc>,
    pub(crate) finished_at: Option<DateTimeUtc>,
    pub(crate) progress: Json,
    pub(crate) steps: Json,
    pub(crate) targets: Json,
    pub(crate) stopped_ms: Option<i64>,
    pub(crate) strategy: Option<String>,
    pub(crate) bytes_captured_while_stopped: Option<i64>,
    pub(crate) bytes_read: i64,
    pub(crate) bytes_stored: i64,
    pub(crate) snapshot_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) error: Option<String>,
    pub(crate) log_file: String,
    pub(crate) partial_files: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
