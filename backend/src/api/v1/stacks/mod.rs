//! Stacks: what runs on the host, what of it is captured, and backing it up.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod backup;
pub mod backup_many;
pub mod coverage;
pub mod drill;
pub mod get;
pub mod list;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_stacks)
        .service(backup_many::backup_stacks)
        .service(get::get_stack)
        .service(coverage::get_stack_coverage)
        .service(backup::backup_stack)
        .service(drill::drill_stack);
}
