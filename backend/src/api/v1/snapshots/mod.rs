//! Snapshots: what can be restored.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod get;
pub mod list;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_snapshots).service(get::get_snapshot);
}
