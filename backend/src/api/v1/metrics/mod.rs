//! Numbers for Prometheus.

use utoipa_actix_web::service_config::ServiceConfig;

mod exposition;
pub mod get;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get::get_metrics);
}
