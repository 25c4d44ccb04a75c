//! Changes as they happen.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod stream;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(stream::stream_events);
}
