//! Snapshots that were found and taken into the record: when, and which program had made them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_null, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Snapshots {
    Table,
    ImportedAt,
    MadeBy,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// SQLite adds one column at a time.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [timestamp_with_time_zone_null(Snapshots::ImportedAt), string_null(Snapshots::MadeBy)] {
            manager.alter_table(Table::alter().table(Snapshots::Table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    /// An older version takes what was imported for its own, and its retention would remove it: it is forgotten instead.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let imported = Expr::col(Snapshots::ImportedAt).is_not_null();
        manager.exec_stmt(Query::delete().from_table(Snapshots::Table).and_where(imported).to_owned()).await?;
        for column in [Snapshots::ImportedAt, Snapshots::MadeBy] {
            manager.alter_table(Table::alter().table(Snapshots::Table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
