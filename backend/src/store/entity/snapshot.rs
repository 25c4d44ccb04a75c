//! A row of `snapshots`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "snapshots")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) job_id: String,
    pub(crate) backend: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) reference: String,
    pub(crate) stack: Option<String>,
    pub(crate) host: String,
    pub(crate) instance: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) created_at: DateTimeUtc,
    pub(crate) size_bytes: i64,
    pub(crate) content_bytes: i64,
    pub(crate) entry_count: i64,
    pub(crate) blake3: Option<String>,
    pub(crate) is_complete: bool,
    pub(crate) verified_at: Option<DateTimeUtc>,
    pub(crate) removed_at: Option<DateTimeUtc>,
    pub(crate) targets: Json,
    pub(crate) imported_at: Option<DateTimeUtc>,
    pub(crate) made_by: Option<String>,
    pub(crate) damaged_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) damage: Option<String>,
    pub(crate) tried_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
