//! The operations, one folder per resource and one file per operation. A handler is parse, one call, map.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod auth;
pub mod health;

/// Every operation.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(super::openapi::get_openapi).configure(health::configure).configure(auth::configure);
}
