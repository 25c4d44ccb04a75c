//! What comes in: limits, and the errors of actix's extractors as problems.
//!
//! Wire types of requests have `#[serde(deny_unknown_fields)]`, so that a misspelt field is an error and not a wish
//! that nobody hears. Query parameters are taken as text and parsed with [`parse_parameter`], because the URL
//! decoder's own errors do not name the parameter.

use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError, UrlencodedError};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::value::Error as WordError;
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::problem::{ApiError, FieldError};
use crate::domain::names::check_name;

/// The largest body that is read, in bytes.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// Sets the limits and makes every extractor answer with a problem.
pub fn configure(config: &mut ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(BODY_LIMIT_BYTES))
        .app_data(web::JsonConfig::default().limit(BODY_LIMIT_BYTES).error_handler(|e, _| json_error(&e).into()))
        .app_data(web::FormConfig::default().limit(BODY_LIMIT_BYTES).error_handler(|e, _| form_error(&e).into()))
        .app_data(web::QueryConfig::default().error_handler(|e, _| query_error(&e).into()))
        .app_data(web::PathConfig::default().error_handler(|e, req| path_error(&e, req).into()));
}

/// The JSON body, or `T`'s default when the body is empty or `null`.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = web::Bytes::from_request(req, payload);
        let is_json = req.headers().get("content-type").is_none_or(is_json);
        Box::pin(async move {
            let body = body.await.map_err(|_| ApiError::PayloadTooLarge { limit_bytes: BODY_LIMIT_BYTES })?;
            if body.is_empty() {
                return Ok(Self(T::default()));
            }
            if !is_json {
                return Err(ApiError::UnsupportedMediaType("application/json"));
            }
            let body: Option<T> = serde_json::from_slice(&body).map_err(|error| body_error(&error))?;
            Ok(Self(body.unwrap_or_default()))
        })
    }
}

fn is_json(value: &actix_web::http::header::HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| {
        let essence = text.split(';').next().unwrap_or("").trim();
        essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json")
    })
}

/// The value of the query parameter `name`, when it is there.
///
/// # Errors
/// [`ApiError::InvalidQuery`] names the parameter.
pub fn parse_parameter<T: FromStr>(name: &'static str, text: Option<&str>) -> Result<Option<T>, ApiError>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| text.parse().map_err(|error: T::Err| ApiError::invalid_query(name, error.to_string()))).transpose()
}

/// The word of a closed set that the query parameter `name` holds, when it is there.
///
/// # Errors
/// [`ApiError::InvalidQuery`] names the parameter and lists the words.
pub fn parse_word<T: DeserializeOwned>(name: &'static str, text: Option<&str>) -> Result<Option<T>, ApiError> {
    let parse = |word: &str| T::deserialize(word.into_deserializer());
    text.map(|word| parse(word).map_err(|e: WordError| ApiError::invalid_query(name, e.to_string()))).transpose()
}

fn json_error(error: &JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            ApiError::PayloadTooLarge { limit_bytes: BODY_LIMIT_BYTES }
        }
        JsonPayloadError::ContentType => ApiError::UnsupportedMediaType("application/json"),
        JsonPayloadError::Deserialize(error) => body_error(error),
        _ => ApiError::InvalidBody { detail: "it could not be read to its end".into(), errors: Vec::new() },
    }
}

fn body_error(error: &serde_json::Error) -> ApiError {
    let detail = error.to_string();
    let field = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| detail.strip_prefix(start)?.split('`').next())
        .map(|name| FieldError::new(name, detail.clone()));
    ApiError::InvalidBody { detail, errors: field.into_iter().collect() }
}

fn form_error(error: &UrlencodedError) -> ApiError {
    match error {
        UrlencodedError::Overflow { .. } | UrlencodedError::Payload(PayloadError::Overflow) => {
            ApiError::PayloadTooLarge { limit_bytes: BODY_LIMIT_BYTES }
        }
        UrlencodedError::ContentType => ApiError::UnsupportedMediaType("application/x-www-form-urlencoded"),
        UrlencodedError::Parse(error) => ApiError::InvalidBody { detail: error.to_string(), errors: Vec::new() },
        _ => ApiError::InvalidBody { detail: "it is not a form".into(), errors: Vec::new() },
    }
}

fn query_error(error: &QueryPayloadError) -> ApiError {
    let detail = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        _ => "it cannot be read".to_owned(),
    };
    let parameter = detail.split('`').nth(1).unwrap_or("query").to_owned();
    ApiError::InvalidQuery { parameter, detail }
}

/// Paths call a stack or a file `{name}`, so a bad one can be told from other mistakes.
fn path_error(error: &PathError, req: &HttpRequest) -> ApiError {
    if let Some(Err(invalid)) = req.match_info().get("name").map(check_name) {
        return invalid.into();
    }
    ApiError::InvalidPath(match error {
        PathError::Deserialize(error) => error.to_string(),
        _ => "it cannot be read".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use actix_web::{App, HttpResponse};
    use serde::Deserialize;

    use super::super::problem::Problem;
    use super::*;
    use crate::domain::ids::JobId;
    use crate::domain::names::StackName;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Order {
        #[serde(default)]
        dry_run: bool,
    }

    async fn answer(request: TestRequest) -> (u16, String, Vec<FieldError>) {
        async fn ok() -> HttpResponse {
            HttpResponse::Ok().finish()
        }
        let app = App::new()
            .configure(configure)
            .route("/json", web::post().to(|_: web::Json<Order>| ok()))
            .route("/optional", web::post().to(|_: OptionalJson<Order>| ok()))
            .route("/form", web::post().to(|_: web::Form<Vec<(String, String)>>| ok()))
            .route("/query", web::get().to(|_: web::Query<Order>| ok()))
            .route("/jobs/{id}", web::get().to(|_: web::Path<JobId>| ok()))
            .route("/stacks/{name}", web::get().to(|_: web::Path<StackName>| ok()));
        let response = call_service(&init_service(app).await, request.to_request()).await;
        let status = response.status().as_u16();
        if status == 200 {
            return (status, String::new(), Vec::new());
        }
        let problem: Problem = read_body_json(response).await;
        assert_eq!(problem.status, status);
        (status, problem.code, problem.errors)
    }

    fn json(path: &str, body: &str) -> TestRequest {
        let body = body.to_owned();
        TestRequest::post().uri(path).insert_header(("content-type", "application/json")).set_payload(body)
    }

    #[actix_web::test]
    async fn bad_bodies_get_a_clear_answer() {
        for path in ["/json", "/optional"] {
            for body in ["{", "[7]", "3", r#"{"dry_run": "yes"}"#, "{} {}"] {
                let (status, code, _) = answer(json(path, body)).await;
                assert_eq!((status, code.as_str()), (400, "invalid_body"), "{path} {body}");
            }
            let (_, code, errors) = answer(json(path, r#"{"dryrun": true}"#)).await;
            assert_eq!(code, "invalid_body");
            assert_eq!(errors.first().map(|e| e.name.as_str()), Some("dryrun"));
            let large = format!(r#"{{"dry_run": {}}}"#, " ".repeat(BODY_LIMIT_BYTES));
            assert_eq!(answer(json(path, &large)).await.1, "payload_too_large");
            let text = TestRequest::post().uri(path).insert_header(("content-type", "text/plain")).set_payload("{}");
            assert_eq!(answer(text).await.0, 415);
        }
    }

    #[actix_web::test]
    async fn an_optional_body_may_be_left_out() {
        assert_eq!(answer(TestRequest::post().uri("/optional")).await.0, 200);
        assert_eq!(answer(json("/optional", r#"{"dry_run": true}"#)).await.0, 200);
    }

    #[actix_web::test]
    async fn bad_forms_queries_and_paths_get_a_clear_answer() {
        assert_eq!(answer(json("/form", "{}")).await.1, "unsupported_media_type");
        assert_eq!(answer(TestRequest::get().uri("/query?dry_run=perhaps")).await.1, "invalid_query");
        let (_, code, errors) = answer(TestRequest::get().uri("/query?dryrun=true")).await;
        assert_eq!((code.as_str(), errors[0].name.as_str()), ("invalid_query", "dryrun"));
        assert_eq!(answer(TestRequest::get().uri("/jobs/7")).await.1, "invalid_path");
        for name in ["a%2Fb", "..%2Fb", "a%00b", &"x".repeat(300)] {
            let (status, code, _) = answer(TestRequest::get().uri(&format!("/stacks/{name}"))).await;
            assert_eq!((status, code.as_str()), (400, "invalid_name"), "{name}");
        }
    }

    #[test]
    fn a_word_is_named_when_it_is_wrong() {
        use super::super::wire::StackState;
        assert_eq!(parse_word("state", Some("partial")).ok().flatten(), Some(StackState::Partial));
        let error = parse_word::<StackState>("state", Some("up")).expect_err("no word");
        assert!(error.to_string().contains("`running`"), "{error}");
    }

    #[test]
    fn a_parameter_is_named_when_it_is_wrong() {
        assert_eq!(parse_parameter::<u32>("lines", Some("7")).ok().flatten(), Some(7));
        let error = parse_parameter::<u32>("lines", Some("abc")).expect_err("no number");
        assert!(matches!(error, ApiError::InvalidQuery { parameter, .. } if parameter == "lines"));
    }
}
