//! Signing in and out, and who one is.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod get_me;
pub mod login;
pub mod logout;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(login::log_in).service(logout::log_out).service(get_me::get_me);
}
