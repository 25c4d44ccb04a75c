//! A row of `stop_journal`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stop_journal")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) job_id: String,
    pub(crate) stack: String,
    pub(crate) service: String,
    pub(crate) number: i32,
    pub(crate) container_id: String,
    pub(crate) container_name: String,
    pub(crate) action: String,
    pub(crate) position: i32,
    pub(crate) started_at: Option<DateTimeUtc>,
    pub(crate) stop_timeout_secs: i64,
    pub(crate) written_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
