//! Signing in and out, who one is, and tokens.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod get_me;
pub mod login;
pub mod logout;
pub mod tokens;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(login::log_in).service(logout::log_out).service(get_me::get_me).configure(tokens::configure);
}
