//! Whether the service lives, and whether it can work.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod get;
pub mod readiness;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get::get_health).service(readiness::get_readiness);
}
