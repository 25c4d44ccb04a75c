//! The log of the service, and log files.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod get;
pub mod get_file;
pub mod list_files;
pub mod stream;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(get::get_system_log)
        .service(stream::stream_system_log)
        .service(list_files::list_log_files)
        .service(get_file::get_log_file);
}
