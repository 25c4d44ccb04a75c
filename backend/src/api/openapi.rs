//! The OpenAPI document, made from the registration that serves requests too.
//!
//! What is the same for many operations is written here once: the problems that the gate answers with, and the media
//! type of every error. A handler documents its own errors as `(status = 404, description = "stack_not_found: …")`.

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, get, web};
use bytes::Bytes;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr};
use utoipa::{Modify, OpenApi as _, ToSchema as _};
use utoipa_actix_web::AppExt as _;

use super::auth::cookie;
use super::compat::marina;
use super::problem::{FieldError, MEDIA_TYPE, Problem};
use super::wire::{EngineChange, JobEnd, JobProgress, StackChange};

mod parameters;

/// Where the document is served.
pub const PATH: &str = "/api/openapi.json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mainstay",
        description = "Self-hosted backup manager for Docker hosts. The dashboard and the command line are clients of \
            this API. Errors are `application/problem+json` (RFC 9457); compare their `code`. Times are UTC.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    servers((url = "/", description = "This installation")),
    security(("bearer" = []), ("session" = [])),
    components(schemas(Problem, FieldError, EngineChange, JobEnd, JobProgress, StackChange)),
    tags(
        (name = "service", description = "Health, version, summary, self-test, metrics"),
        (name = "auth", description = "Signing in, sessions and tokens"),
        (name = "hosts", description = "Docker Engines"),
        (name = "stacks", description = "What runs on a host, and backing it up"),
        (name = "instances", description = "Means of backup: repositories, images, archives"),
        (name = "plans", description = "What is captured by which instance, when, and for how long"),
        (name = "backrest", description = "The plans of a Backrest that is kept in step with labels"),
        (name = "jobs", description = "Runs: their state, progress and logs"),
        (name = "journal", description = "What is at rest, and bringing it back"),
        (name = "logs", description = "The log of the service, and log files"),
        (name = "events", description = "Changes as they happen"),
        (name = "snapshots", description = "What can be restored"),
        (name = "compatibility", description = "Routes of the tools that Mainstay replaces, for their clients")
    ),
    modifiers(&SecuritySchemes)
)]
struct Frame;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token or a session's secret"));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        let session = ApiKeyValue::with_description(cookie::NAME, "The cookie that signing in sets");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

/// The whole document.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, operations) = App::new().into_utoipa_app().configure(super::configure).split_for_parts();
    let mut document = Frame::openapi();
    document.merge(operations);
    for (path, item) in &mut document.paths.paths {
        complete_item(path, item);
    }
    document
}

/// The document as it is checked in: indented JSON that ends with a line break.
///
/// # Errors
/// Never for a document of ours; the serializer's signature has one.
pub fn openapi_json() -> serde_json::Result<String> {
    openapi().to_pretty_json().map(|text| text + "\n")
}

fn complete_item(path: &str, item: &mut PathItem) {
    let reads = item.get.as_mut().into_iter();
    let writes =
        [&mut item.post, &mut item.put, &mut item.delete, &mut item.patch].into_iter().filter_map(Option::as_mut);
    for operation in reads.chain(writes) {
        complete(path, operation);
    }
}

/// Adds the errors that the gate and the extractors answer with, and the content of all errors.
fn complete(path: &str, operation: &mut Operation) {
    parameters::constrain(path, operation);
    // Read as JSON, because the typed requirement hides what it requires.
    let is_open = serde_json::to_value(&operation.security).is_ok_and(|security| security == serde_json::json!([{}]));
    let has_input = operation.request_body.is_some() || operation.parameters.as_ref().is_some_and(|p| !p.is_empty());
    let is_write = operation.request_body.is_some();
    let common = [
        (!is_open, "401", "unauthenticated: no token, or one that is unknown or has expired"),
        (
            !is_open,
            "403",
            "forbidden: the token's scope does not allow this; csrf: a browser's write without `X-Requested-With`",
        ),
        (
            has_input,
            "400",
            "invalid_body, invalid_query, invalid_path, invalid_name, invalid_cursor: says what is wrong",
        ),
        (!is_open, "503", "store_unavailable: the database does not answer"),
        (is_write, "413", "payload_too_large: the body is larger than 1 MiB"),
        (is_write, "415", "unsupported_media_type: the body is not of a type that this operation takes"),
        (
            path.starts_with("/api/"),
            "500",
            "internal: a fault of the service; its log tells more under the `request_id`",
        ),
    ];
    let responses = &mut operation.responses.responses;
    for (_, status, description) in common.into_iter().filter(|(applies, ..)| *applies) {
        let response = || RefOr::T(ResponseBuilder::new().description(description).build());
        responses.entry(status.to_owned()).or_insert_with(response);
    }
    let of_marina = operation.operation_id.as_deref().is_some_and(marina::is_operation);
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            if of_marina { say_text(status, response) } else { say_problem(response) }
        }
    }
}

fn say_problem(response: &mut Response) {
    if response.content.is_empty() {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
        response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(content));
    }
}

/// Marina's clients read texts, and an object when they are to sign in.
fn say_text(status: &str, response: &mut Response) {
    let kind = if status == "401" { "application/json" } else { "text/plain" };
    response.content.insert(kind.to_owned(), RefOr::T(ContentBuilder::new().build()));
}

/// This document
///
/// The OpenAPI document of this API, as Swagger UI shows it.
#[utoipa::path(
    tag = "service",
    operation_id = "get_openapi",
    security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object, example = json!({"openapi": "3.1.0"})))
)]
#[get("/api/openapi.json")]
pub(crate) async fn get_openapi(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(document.0.clone())
}

/// The document as it is sent.
pub(crate) struct Document(Bytes);

impl Document {
    pub(crate) fn new(document: &OpenApi) -> Self {
        // Its keys are texts, which is all that JSON could refuse.
        Self(serde_json::to_vec(document).unwrap_or_default().into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::routes::RouteTable;
    use super::*;

    fn operations() -> Vec<(String, Value)> {
        let document = serde_json::to_value(openapi()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let each = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().expect("an item").iter();
            methods.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
        });
        each.collect()
    }

    fn resolve(document: &Value, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a schema").clone(),
            None => schema.clone(),
        }
    }

    #[test]
    fn every_operation_is_described() {
        let mut ids = BTreeSet::new();
        let tags: Vec<String> = openapi().tags.expect("tags").into_iter().map(|tag| tag.name).collect();
        for (name, operation) in operations() {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            let verbs = [
                "get",
                "list",
                "find",
                "import",
                "create",
                "update",
                "delete",
                "run",
                "start",
                "cancel",
                "retry",
                "stream",
                "download",
                "log",
                "check",
                "backup",
                "test",
                "preview",
                "verify",
                "restore",
                "forget",
                "reconcile",
                "resume",
                "undo",
                "drill",
                "import",
                "search",
            ];
            let verb = id.split('_').next().expect("a word");
            assert!(id.contains('_') && verbs.contains(&verb), "{name}: {id} is not <verb>_<resource>");
            assert!(ids.insert(id.clone()), "{name}: {id} is used twice");
            assert!(
                operation["summary"].as_str().is_some_and(|s| !s.is_empty() && !s.ends_with('.')),
                "{name}: summary"
            );
            assert!(operation["description"].as_str().is_some_and(|s| !s.is_empty()), "{name}: description");
            let used = operation["tags"].as_array().expect("tags");
            assert!(used.len() == 1 && tags.iter().any(|tag| used[0] == *tag), "{name}: tag {used:?}");
        }
    }

    #[test]
    fn every_response_is_described_and_every_error_is_a_problem() {
        for (name, operation) in operations() {
            let responses = operation["responses"].as_object().expect("responses");
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{name}: no success");
            for (status, response) in responses {
                let name = format!("{name} {status}");
                assert!(response["description"].as_str().is_some_and(|s| !s.is_empty()), "{name}: description");
                if status.starts_with(['4', '5']) {
                    assert!(
                        response["content"].as_object().is_some_and(|content| !content.is_empty()),
                        "{name}: content"
                    );
                }
            }
            let is_open = operation.get("security").is_some_and(|s| s == &serde_json::json!([{}]));
            assert!(is_open || responses.contains_key("401"), "{name}: secured, but without 401");
        }
    }

    #[test]
    fn every_body_has_an_example() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        for (name, operation) in operations() {
            let answers = operation["responses"].as_object().expect("responses").iter();
            let answers =
                answers.filter(|(status, _)| status.starts_with('2')).map(|(_, response)| &response["content"]);
            for content in answers.chain([&operation["requestBody"]["content"]]) {
                for (kind, content) in content.as_object().into_iter().flatten() {
                    let has_own = content.get("example").is_some() || content.get("examples").is_some();
                    let schema = resolve(&document, &content["schema"]);
                    let item = schema["properties"]["items"].get("items").map(|item| resolve(&document, item));
                    let has = |schema: &Value| schema.get("example").is_some() || schema.get("examples").is_some();
                    assert!(has_own || has(&schema) || item.as_ref().is_some_and(has), "{name} {kind}: no example");
                }
            }
        }
    }

    #[test]
    fn examples_have_the_fields_of_their_schema() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            let (Some(example), Some(properties)) = (schema["example"].as_object(), schema["properties"].as_object())
            else {
                continue;
            };
            let unknown: Vec<_> = example.keys().filter(|key| !properties.contains_key(*key)).collect();
            assert!(unknown.is_empty(), "{name}: the example has {unknown:?}");
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let missing: Vec<_> = required.filter(|key| !example.contains_key(*key)).collect();
            assert!(missing.is_empty(), "{name}: the example lacks {missing:?}");
        }
    }

    #[test]
    fn the_document_is_valid_for_its_version() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        assert_eq!(document["openapi"], "3.1.0");
        assert!(!document.to_string().contains("itemSchema"), "belongs to 3.2");
        assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0 OR MIT");
        assert!(document["components"]["securitySchemes"]["session"]["name"] == cookie::NAME);
        assert!(document["paths"].get(PATH).is_some());
    }

    #[test]
    fn no_request_means_two_operations_with_different_rights() {
        assert_eq!(RouteTable::new(&openapi()).ambiguous(), Vec::<(&str, &str)>::new());
    }
}
