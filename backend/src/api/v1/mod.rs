//! The operations, one folder per resource and one file per operation. A handler is parse, one call, map.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod auth;
pub mod backrest;
pub mod doctor;
pub mod events;
pub mod health;
pub mod hosts;
pub mod info;
pub mod instances;
pub mod jobs;
pub mod journal;
pub mod logs;
pub mod metrics;
pub mod plans;
pub mod snapshots;
pub mod stacks;
pub mod status;

/// Every operation.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(super::openapi::get_openapi)
        .configure(health::configure)
        .configure(metrics::configure)
        .configure(info::configure)
        .configure(status::configure)
        .configure(doctor::configure)
        .configure(auth::configure)
        .configure(hosts::configure)
        .configure(stacks::configure)
        .configure(instances::configure)
        .configure(plans::configure)
        .configure(backrest::configure)
        .configure(jobs::configure)
        .configure(journal::configure)
        .configure(logs::configure)
        .configure(events::configure)
        .configure(snapshots::configure);
}
