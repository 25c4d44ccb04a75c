//! Jobs: their state, their log, cancelling and retrying them.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod cancel;
pub mod download_log;
pub mod get;
pub mod get_log;
pub mod get_restore;
pub mod list;
pub mod retry;
pub mod stream_log;
pub mod undo;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_jobs)
        .service(get::get_job)
        .service(cancel::cancel_job)
        .service(retry::retry_job)
        .service(get_restore::get_job_restore)
        .service(undo::undo_job)
        .service(get_log::get_job_log)
        .service(stream_log::stream_job_log)
        .service(download_log::download_job_log);
}
