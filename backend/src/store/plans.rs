//! Plans that were made through the API.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, QueryOrder};

use super::entity::plan;
use super::instances::{read_settings, write_settings};
use super::rows::parse;
use super::secrets::Sealer;
use super::written::WrittenPlan;
use super::{Doing, Recorded, Store, StoreError};
use crate::domain::names::PlanId;
use crate::domain::plan::Plan;

const TABLE: &str = "plans";

impl Store {
    /// Every plan that was recorded, by id. One whose secrets cannot be decrypted does not hide the others.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list_plans(&self) -> Result<Vec<Recorded<PlanId, Plan>>, StoreError> {
        let rows = plan::Entity::find().order_by_asc(plan::Column::Id).all(&self.db).await;
        rows.doing("list the plans")?.into_iter().map(|row| self.read_plan(&row)).collect()
    }

    fn read_plan(&self, row: &plan::Model) -> Result<Recorded<PlanId, Plan>, StoreError> {
        let id: PlanId = parse("id", &row.id)?;
        let open = || {
            let sealer = Sealer::new(self.secrets.key()?, TABLE, id.as_str());
            read_settings::<WrittenPlan>(&row.settings)?.open(&sealer, &id)
        };
        Ok(Recorded { content: open(), id })
    }

    /// Records a plan, in the place of the one with its id if there is one.
    ///
    /// # Errors
    /// When the database refuses, or the key of stored secrets is missing.
    pub async fn save_plan(&self, plan: &Plan) -> Result<(), StoreError> {
        let sealer = Sealer::new(self.key_for_writing().await?, TABLE, plan.id.as_str());
        let settings = write_settings(&WrittenPlan::seal(&sealer, plan)?)?;
        let now = self.clock.now();
        let row = plan::ActiveModel {
            id: Set(plan.id.to_string()),
            settings: Set(settings),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let mut replace = OnConflict::column(plan::Column::Id);
        replace.update_columns([plan::Column::Settings, plan::Column::UpdatedAt]);
        let insert = async || {
            let query = plan::Entity::insert(row.clone()).on_conflict(replace.clone());
            query.exec_without_returning(&self.db).await.doing("record a plan")
        };
        self.with_room(insert).await?;
        Ok(())
    }

    /// Removes a plan; `false` when there was none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn delete_plan(&self, id: &PlanId) -> Result<bool, StoreError> {
        let result = plan::Entity::delete_by_id(id.as_str()).exec(&self.db).await.doing("remove a plan")?;
        Ok(result.rows_affected > 0)
    }
}
