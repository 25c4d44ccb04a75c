//! Tokens: secrets that programs sign in with.

use utoipa_actix_web::service_config::ServiceConfig;

pub mod create;
pub mod delete;
pub mod list;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list::list_tokens).service(create::create_token).service(delete::delete_token);
}
