//! Routes of the tools that Mainstay replaces, for scripts and bookmarks that know them.
//!
//! Names, parameters and answers stay as they were; what was careless about them is not: everything needs a token, a
//! name that is unknown is an error, and no name leaves its directory. Paths that were pages are pages of the
//! dashboard for a browser, and data for everybody else. Nothing new belongs here.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use utoipa_actix_web::service_config::ServiceConfig;

pub mod backup;
pub mod config;
pub mod download_log;
pub mod get_log;
pub mod list_logs;
pub mod logs;
pub mod marina;
pub mod status;

/// Its operations.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(status::get_compat_status)
        .service(logs::get_compat_logs)
        .service(config::get_compat_config)
        .service(backup::start_compat_backup)
        .service(list_logs::list_compat_logs)
        .service(get_log::get_compat_log)
        .service(download_log::download_compat_log)
        .configure(marina::configure);
}

/// Whether a browser navigates: a program, and a page's script, does not ask for HTML.
fn wants_page(req: &HttpRequest) -> bool {
    let accept = req.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    accept.into_iter().any(|value| value.contains("text/html"))
}

/// Says that the answer is another one for whoever accepts something else.
fn vary(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    answer
}
