//! Docker Engines.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod list;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_hosts);
}
