//! What every request to the API passes: does the operation exist, may the caller do it, and what do errors look like.
//!
//! Wrap the whole application in [`pass`]; what is not part of the API goes through untouched. Paths are compared in
//! the decoded form that actix itself routes by, so that `/%61pi` opens no side door.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, web};

use super::auth;
use super::compat::marina;
use super::input::BODY_LIMIT_BYTES;
use super::problem::{ApiError, Place};
use super::routes::{Access, Found, Operation, RouteTable};
use super::state::AppState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Lets a request through to its handler, or answers in its place. For `actix_web::middleware::from_fn`.
///
/// # Errors
/// None of its own; those of services outside of the API.
pub async fn pass(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let place = Place::of(req.request());
    let is_head = req.method() == Method::HEAD;
    let respond = find_manner(&req);
    let answer = match admit(&req).await {
        Ok(Admission::Elsewhere) => return Ok(next.call(req).await?.map_into_boxed_body()),
        Ok(Admission::Welcome) => {
            if is_head {
                req.head_mut().method = Method::GET;
            }
            // Errors of handlers arrive as answers; only a middleware further in could fail, and there is none.
            as_problem(next.call(req).await?.map_into_boxed_body(), &place, respond)
        }
        Err(error) => {
            error.log(&place);
            req.into_response(respond(&error, &place))
        }
    };
    // Without its body also a stream that would never end is over at once.
    let mut answer = if is_head { answer.map_body(|_, _| BoxBody::new(actix_web::body::None::new())) } else { answer };
    if let Some(id) = place.request_id.and_then(|id| HeaderValue::try_from(id).ok()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(answer)
}

enum Admission {
    /// An operation of the API, and the caller may do it.
    Welcome,
    /// Not the API's business.
    Elsewhere,
}

/// How an error is answered.
type Manner = fn(&ApiError, &Place) -> HttpResponse;

/// The manner of the operation that `req` means: Marina's clients know no problems.
fn find_manner(req: &ServiceRequest) -> Manner {
    let routes = req.app_data::<web::Data<RouteTable>>();
    match routes.map(|routes| routes.find(req.method(), req.match_info().as_str())) {
        Some(Found::Operation(operation)) if marina::is_operation(&operation.id) => marina::respond,
        _ => ApiError::respond,
    }
}

async fn admit(req: &ServiceRequest) -> Result<Admission, ApiError> {
    let path = req.match_info().as_str();
    let (Some(routes), Some(state)) = (req.app_data::<web::Data<RouteTable>>(), req.app_data::<web::Data<AppState>>())
    else {
        return Err(ApiError::internal("the API is not set up"));
    };
    match routes.find(req.method(), path) {
        Found::Operation(operation) => {
            authorise(req, operation, state).await?;
            check_parameters(req, path, operation)?;
            Ok(Admission::Welcome)
        }
        Found::OtherMethods(allow) => Err(ApiError::MethodNotAllowed { allow }),
        Found::Nothing if path == "/api" || path.starts_with("/api/") => Err(ApiError::NotFound),
        Found::Nothing => Ok(Admission::Elsewhere),
    }
}

async fn authorise(req: &ServiceRequest, operation: &Operation, state: &AppState) -> Result<(), ApiError> {
    match operation.access {
        Access::Open => {}
        Access::Optional => {
            // Old credentials are as good as none here.
            if let Ok(caller) = auth::identify(req.request(), state).await {
                auth::csrf::check(req.request(), &caller)?;
                req.extensions_mut().insert(caller);
            }
        }
        Access::Needs(scope) => {
            let caller = auth::identify(req.request(), state).await?;
            if caller.scope < scope {
                return Err(ApiError::Forbidden { needed: scope, present: caller.scope });
            }
            auth::csrf::check(req.request(), &caller)?;
            req.extensions_mut().insert(caller);
        }
    }
    Ok(())
}

/// A misspelt filter must not silently give everything. The seeds' own routes stay as lenient as they were.
fn check_parameters(req: &ServiceRequest, path: &str, operation: &Operation) -> Result<(), ApiError> {
    if !path.starts_with("/api/v1/") {
        return Ok(());
    }
    operation.find_unknown_parameter(req.query_string()).map_or(Ok(()), |name| {
        let known = operation.parameter_names();
        let known = if known.is_empty() { "none".to_owned() } else { known };
        Err(ApiError::invalid_query(name, format!("there is no such parameter; known are: {known}")))
    })
}

/// Gives errors of handlers their place, and turns the plain-text errors of actix itself into problems.
fn as_problem(answer: ServiceResponse, place: &Place, respond: Manner) -> ServiceResponse {
    let status = answer.status();
    let own = answer.response().error().and_then(|error| error.as_error::<ApiError>()).map(|error| {
        error.log(place);
        respond(error, place)
    });
    let problem = own.or_else(|| {
        let is_error = status.is_client_error() || status.is_server_error();
        (is_error && is_plain(&answer)).then(|| {
            let error = from_status(status, answer.response().error().map(ToString::to_string));
            error.log(place);
            respond(&error, place)
        })
    });
    match problem {
        Some(problem) => answer.into_response(problem),
        None => answer,
    }
}

fn is_plain(answer: &ServiceResponse) -> bool {
    answer.headers().get(header::CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"text/plain"))
}

fn from_status(status: StatusCode, cause: Option<String>) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::PayloadTooLarge { limit_bytes: BODY_LIMIT_BYTES },
        StatusCode::NOT_FOUND => ApiError::NotFound,
        status if status.is_client_error() => ApiError::BadRequest,
        _ => ApiError::internal(cause.unwrap_or_else(|| format!("a handler answered {status} without an error"))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};
    use chrono::Duration;

    use super::super::auth::Caller;
    use super::super::input::BODY_LIMIT_BYTES;
    use super::super::routes::RouteTable;
    use super::super::testing::{ELSEWHERE, TestApi};
    use crate::domain::access::Scope;

    const ME: &str = "/api/v1/auth/me";

    #[actix_web::test]
    async fn unknown_paths_of_the_api_are_problems_and_others_are_not_its_business() {
        let api = TestApi::new().await;
        for path in ["/api", "/api/", "/api/v1", "/api/v1/none", "/api/v1/auth/me/", "/api/v2/jobs", "/api/v1/../v1/x"]
        {
            api.get(path).await.assert_problem(404, "not_found");
        }
        for path in ["/", "/jobs", "/apis", "/assets/x.js"] {
            assert_eq!(api.get(path).await.text, ELSEWHERE, "{path}");
        }
    }

    #[actix_web::test]
    async fn wrong_methods_are_told_the_right_ones() {
        let api = TestApi::new().await;
        for (method, path, allow) in
            [("DELETE", ME, "GET, HEAD"), ("GET", "/api/v1/auth/login", "POST"), ("PUT", "/healthz", "GET, HEAD")]
        {
            let answer = api.send(TestRequest::default().method(method.parse().expect("a method")).uri(path)).await;
            answer.assert_problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), allow);
        }
    }

    #[actix_web::test]
    async fn nobody_gets_in_without_a_good_token() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let with =
            async |value: &str| api.send(TestRequest::get().uri(ME).insert_header(("authorization", value))).await;
        let none = api.get(ME).await;
        none.assert_problem(401, "unauthenticated");
        assert!(none.header("www-authenticate").starts_with("Bearer"));
        for value in ["Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", &secret] {
            with(value).await.assert_problem(401, "unauthenticated");
        }
        assert_eq!(with(&format!("bearer {secret}")).await.status, 200);
        let both = TestRequest::get().uri(ME).insert_header(("authorization", "Bearer wrong"));
        let both = both.insert_header(("cookie", format!("mainstay_session={secret}")));
        api.send(both).await.assert_problem(401, "unauthenticated");
    }

    #[actix_web::test]
    async fn a_token_ends_at_its_time() {
        let api = TestApi::new().await;
        let end = api.state.clock.now() + Duration::hours(1);
        let (_, secret) = api.state.store.create_token("t", Scope::Read, false, Some(end)).await.expect("a token");
        assert_eq!(api.get_with(&secret, ME).await.status, 200);
        api.clock.advance(Duration::hours(1));
        api.get_with(&secret, ME).await.assert_problem(401, "unauthenticated");
    }

    #[actix_web::test]
    async fn no_spelling_of_a_path_is_a_side_door() {
        let api = TestApi::new().await;
        for path in ["/%61pi/v1/auth/me", "/api/v1/%61uth/me", "/api/v1/auth/m%65"] {
            api.get(path).await.assert_problem(401, "unauthenticated");
        }
        for path in ["//api/v1/auth/me", "/./api/v1/auth/me", "/api%2Fv1/auth/me", "/API/v1/auth/me"] {
            let answer = api.get(path).await;
            assert!(answer.text == ELSEWHERE || answer.status == 404, "{path}: {}", answer.text);
        }
    }

    #[actix_web::test]
    async fn a_parameter_that_does_not_exist_is_named() {
        let api = TestApi::new().await;
        let secret = api.token(Scope::Read).await;
        let answer = api.get_with(&secret, "/api/v1/auth/me?verbose=1").await;
        answer.assert_problem(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["name"], "verbose");
    }

    #[actix_web::test]
    async fn a_body_over_the_limit_is_refused() {
        let api = TestApi::new().await;
        let large = format!(r#"{{"password": "{}"}}"#, "x".repeat(BODY_LIMIT_BYTES));
        let post = TestRequest::post().uri("/api/v1/auth/login").insert_header(("content-type", "application/json"));
        api.send(post.set_payload(large)).await.assert_problem(413, "payload_too_large");
    }

    #[actix_web::test]
    async fn document_and_swagger_are_served_to_everybody() {
        let api = TestApi::new().await;
        let document = api.get("/api/openapi.json").await;
        assert_eq!((document.status, document.body["openapi"].as_str()), (200, Some("3.1.0")));
        let page = api.get("/swagger-ui/").await;
        assert!(page.status == 200 && page.text.contains("swagger-ui"), "{}", page.text);
        assert!(!page.text.contains("<script>"), "the content security policy refuses inline scripts");
        assert!(api.get("/swagger-ui/swagger-initializer.js").await.text.contains("/api/openapi.json"));
        for (path, status) in [("/swagger-ui/", 200), ("/swagger-ui/index.html", 200), ("/swagger-ui/none.js", 404)] {
            let head = api.send(TestRequest::default().method(actix_web::http::Method::HEAD).uri(path)).await;
            assert_eq!(head.status, status, "HEAD {path}");
        }
        let redirect = api.get("/swagger-ui").await;
        assert_eq!((redirect.status, redirect.header("location")), (307, "/swagger-ui/"));
    }

    /// Answers of a small API of three operations to a token of `scope`: read, operate, admin.
    async fn statuses(scope: Scope) -> Vec<u16> {
        let operation = |security: serde_json::Value| {
            let mut operation = serde_json::json!({"operationId": "x_y", "responses": {}});
            operation.as_object_mut().expect("an object").extend(security.as_object().cloned().expect("an object"));
            operation
        };
        let document = serde_json::json!({
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
                "/api/r": {"get": operation(serde_json::json!({})), "post": operation(serde_json::json!({}))},
                "/api/a": {"post": operation(serde_json::json!({"security": [{"bearer": ["admin"]}]}))},
            }
        });
        let routes = RouteTable::new(&serde_json::from_value(document).expect("a document"));
        let api = TestApi::new().await;
        let ok = || web::to(async |caller: Caller| caller.name);
        let app = App::new().wrap(from_fn(super::pass)).app_data(api.state.clone()).app_data(web::Data::new(routes));
        let app = init_service(app.route("/api/r", ok()).route("/api/a", ok())).await;
        let bearer = format!("Bearer {}", api.token(scope).await);
        let mut statuses = Vec::new();
        for request in
            [TestRequest::get().uri("/api/r"), TestRequest::post().uri("/api/r"), TestRequest::post().uri("/api/a")]
        {
            let request = request.insert_header(("authorization", bearer.as_str())).to_request();
            statuses.push(call_service(&app, request).await.status().as_u16());
        }
        statuses
    }

    #[actix_web::test]
    async fn a_scope_opens_what_it_says() {
        assert_eq!(statuses(Scope::Read).await, [200, 403, 403]);
        assert_eq!(statuses(Scope::Operate).await, [200, 200, 403]);
        assert_eq!(statuses(Scope::Admin).await, [200, 200, 200]);
    }
}
