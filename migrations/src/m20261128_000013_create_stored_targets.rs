//! Where the targets of a snapshot lie in its repository.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum StoredTargets {
    Table,
    SnapshotId,
    Targets,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(StoredTargets::Table)
            .col(string(StoredTargets::SnapshotId).primary_key())
            .col(json(StoredTargets::Targets))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(StoredTargets::Table).to_owned()).await
    }
}
