//! The HTTP API.
//!
//! The way of a request: [`gate::pass`] finds its operation in the document, asks who sends it and what they may do,
//! the handler parses, makes one call and maps the result to a wire type, and the gate gives errors their place.
//!
//! To add an operation:
//! 1. a file `v1/<resource>/<verb>.rs`: request type, handler with `#[utoipa::path]` and the full path, tests through
//!    HTTP below ([`v1::health::get`] is the shortest example);
//! 2. a line in the resource's `configure`, and for a new resource one in [`v1::configure`] and a tag in [`openapi`];
//! 3. its wire types in [`wire`], its errors in [`problem`].
//!
//! Do not read headers for rights (the document says them), do not name a status outside of [`problem`], do not spawn:
//! a task that outlives the request dies with the worker.

use std::sync::Arc;

use actix_web::web::{self, Data};
use actix_web::{HttpResponse, guard};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

mod answer;
pub mod auth;
pub mod compat;
mod definition;
pub mod gate;
pub mod input;
pub mod openapi;
pub mod page;
pub mod problem;
mod range;
mod refusal;
pub mod routes;
pub mod sse;
pub mod state;
pub(crate) mod submission;
pub mod v1;
pub mod wire;

#[cfg(test)]
mod testing;

use openapi::Document;
pub use openapi::{openapi, openapi_json};
use routes::RouteTable;
use state::AppState;

/// The API, ready to be put into the application of every worker.
///
/// ```ignore
/// let api = Api::new(state);
/// HttpServer::new(move || {
///     App::new()
///         .wrap(from_fn(api::gate::pass)) // first, so that it is the innermost
///         .wrap(Compress::default())
///         .wrap(TracingLogger::default())
///         .configure(|config| api.configure(config))
///         .default_service(web::to(spa::serve))
/// })
/// ```
#[derive(Clone)]
pub struct Api {
    state: Data<AppState>,
    routes: Data<RouteTable>,
    document: Data<Document>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Api {
    /// An API over `state`.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        let document = openapi();
        // As text: its tree takes ten times as much memory, and nobody asks it anything.
        let text = Document::new(&document);
        Self { state: Data::new(state), routes: Data::new(RouteTable::new(&document)), document: Data::new(text) }
    }

    /// Puts data, handlers, document and Swagger UI into an application.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        config.app_data(self.state.clone()).app_data(self.routes.clone()).app_data(self.document.clone());
        config.configure(input::configure);
        let config_of_head = Arc::new(Config::new(["/api/openapi.json"]));
        let swagger = Config::new(["/api/openapi.json"]).try_it_out_enabled(true).persist_authorization(true);
        config
            .service(web::redirect("/swagger-ui", "/swagger-ui/"))
            .service(swagger_head(config_of_head))
            .service(SwaggerUi::new("/swagger-ui/{_:.*}").config(swagger));
        configure(&mut ServiceConfig::new(config));
    }
}

/// HEAD of Swagger UI, which itself knows GET only.
fn swagger_head(config: Arc<Config<'static>>) -> actix_web::Resource {
    let answer = move |path: web::Path<String>| {
        let found = utoipa_swagger_ui::serve(&path, config.clone()).ok().flatten();
        let answer = found.map_or_else(
            || HttpResponse::NotFound().finish(),
            |file| HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()),
        );
        std::future::ready(answer)
    };
    web::resource("/swagger-ui/{_:.*}").guard(guard::Head()).to(answer)
}

/// Every operation; the one registration that the application and the document are made from.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.configure(v1::configure).configure(compat::configure);
}
