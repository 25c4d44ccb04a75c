//! Instances and plans that were made through the API. What they say is one JSON text each: it is read and written as a
//! whole, and nothing is searched in it. Secrets in it are encrypted by the service.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string, text, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Instances {
    Table,
    Id,
    Settings,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Plans {
    Table,
    Id,
    Settings,
    CreatedAt,
    UpdatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let instances = Table::create()
            .table(Instances::Table)
            .col(string(Instances::Id).primary_key())
            .col(text(Instances::Settings))
            .col(timestamp_with_time_zone(Instances::CreatedAt))
            .col(timestamp_with_time_zone(Instances::UpdatedAt))
            .to_owned();
        manager.create_table(instances).await?;
        let plans = Table::create()
            .table(Plans::Table)
            .col(string(Plans::Id).primary_key())
            .col(text(Plans::Settings))
            .col(timestamp_with_time_zone(Plans::CreatedAt))
            .col(timestamp_with_time_zone(Plans::UpdatedAt))
            .to_owned();
        manager.create_table(plans).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Plans::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Instances::Table).to_owned()).await
    }
}
