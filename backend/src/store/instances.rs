//! Instances that were made through the API.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};

use super::entity::{instance, plan};
use super::rows::parse;
use super::secrets::{Sealer, SecretKey};
use super::written::WrittenInstance;
use super::{Doing, Store, StoreError};
use crate::domain::names::InstanceId;
use crate::domain::plan::Instance;

const TABLE: &str = "instances";

/// Something that was recorded, or why it cannot be read: then it stays in the store as it is.
#[derive(Debug)]
pub struct Recorded<I, T> {
    /// Its id.
    pub id: I,
    /// What it is.
    pub content: Result<T, StoreError>,
}

impl Store {
    /// Every instance that was recorded, by id. One whose secrets cannot be decrypted does not hide the others.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_instances(&self) -> Result<Vec<Recorded<InstanceId, Instance>>, StoreError> {
        let rows = instance::Entity::find().order_by_asc(instance::Column::Id).all(&self.db).await;
        rows.doing("list the instances")?.into_iter().map(|row| self.read_instance(&row)).collect()
    }

    fn read_instance(&self, row: &instance::Model) -> Result<Recorded<InstanceId, Instance>, StoreError> {
        let id: InstanceId = parse("id", &row.id)?;
        let open = || {
            let sealer = Sealer::new(self.secrets.key()?, TABLE, id.as_str());
            read_settings::<WrittenInstance>(&row.settings)?.open(&sealer, &id)
        };
        Ok(Recorded { content: open(), id })
    }

    /// Records an instance, in the place of the one with its id if there is one.
    ///
    /// # Errors
    /// When the database refuses, or the key of stored secrets is missing.
    pub async fn save_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        let sealer = Sealer::new(self.key_for_writing().await?, TABLE, instance.id.as_str());
        let settings = write_settings(&WrittenInstance::seal(&sealer, instance)?)?;
        let now = self.clock.now();
        let row = instance::ActiveModel {
            id: Set(instance.id.to_string()),
            settings: Set(settings),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let mut replace = OnConflict::column(instance::Column::Id);
        replace.update_columns([instance::Column::Settings, instance::Column::UpdatedAt]);
        let insert = async || {
            let query = instance::Entity::insert(row.clone()).on_conflict(replace.clone());
            query.exec_without_returning(&self.db).await.doing("record an instance")
        };
        self.with_room(insert).await?;
        Ok(())
    }

    /// Removes an instance; `false` when there was none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_instance(&self, id: &InstanceId) -> Result<bool, StoreError> {
        let result = instance::Entity::delete_by_id(id.as_str()).exec(&self.db).await.doing("remove an instance")?;
        Ok(result.rows_affected > 0)
    }

    /// The key to write secrets with. A new one is made only when nothing was written with another: a second key beside
    /// a lost one would hide that it is lost.
    pub(super) async fn key_for_writing(&self) -> Result<SecretKey, StoreError> {
        if self.secrets.find_key()?.is_none() {
            let instances = instance::Entity::find().count(&self.db).await.doing("count the instances")?;
            let plans = plan::Entity::find().count(&self.db).await.doing("count the plans")?;
            if instances + plans > 0 {
                return Ok(self.secrets.key()?);
            }
        }
        Ok(self.secrets.key_or_new()?)
    }
}

pub(super) fn read_settings<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Row { what: "settings", reason: error.to_string() })
}

pub(super) fn write_settings<T: serde::Serialize>(settings: &T) -> Result<String, StoreError> {
    serde_json::to_string(settings).map_err(|error| StoreError::Row { what: "settings", reason: error.to_string() })
}
