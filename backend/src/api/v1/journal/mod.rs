//! The stop journal: what is at rest.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod list;
pub mod resume;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_journal).service(resume::resume_journal);
}
