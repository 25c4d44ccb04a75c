//! When each plan, and each check of a repository, runs next by the clock.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string, text, timestamp_with_time_zone, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum PlanRuns {
    Table,
    Name,
    Schedule,
    NextRunAt,
    LastDueAt,
    UpdatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(PlanRuns::Table)
            .col(string(PlanRuns::Name).primary_key())
            .col(text(PlanRuns::Schedule))
            .col(timestamp_with_time_zone(PlanRuns::NextRunAt))
            .col(timestamp_with_time_zone_null(PlanRuns::LastDueAt))
            .col(timestamp_with_time_zone(PlanRuns::UpdatedAt))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(PlanRuns::Table).to_owned()).await
    }
}
