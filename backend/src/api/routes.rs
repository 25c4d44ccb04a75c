//! Which operation a request means, as the OpenAPI document tells it.
//!
//! The document is the one list of paths, methods, parameters and rights: the gate reads it, so an operation cannot
//! need another right than it is documented with, a wrong method gets the `Allow` of the documented ones, and a path
//! that is not documented does not exist. An operation says what it needs in its `#[utoipa::path]`:
//!
//! * nothing: the scope `read` for GET, `operate` for the rest;
//! * `security(("bearer" = ["admin"]), ("session" = ["admin"]))`: that scope;
//! * `security(())`: open to everybody;
//! * `security((), ("bearer" = []))`: open, and the handler asks for a [`super::auth::Caller`] when it wants one.

use std::collections::BTreeSet;

use actix_web::http::Method;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::domain::access::Scope;

/// What a request needs to get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// Nothing, but who asks is told to the handler.
    Optional,
    /// Somebody with this scope.
    Needs(Scope),
}

/// A documented operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its id in the document.
    pub id: String,
    /// What it needs.
    pub access: Access,
    method: Method,
    parameters: BTreeSet<String>,
}

impl Operation {
    /// A parameter of `query` that the operation does not have.
    #[must_use]
    pub fn find_unknown_parameter(&self, query: &str) -> Option<String> {
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, _)| name.into_owned())
            .find(|name| !self.parameters.contains(name))
    }

    /// The names of its query parameters.
    #[must_use]
    pub fn parameter_names(&self) -> String {
        self.parameters.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// What a method and a path mean.
#[derive(Debug)]
pub enum Found<'a> {
    /// This operation.
    Operation(&'a Operation),
    /// The path exists and takes these methods only.
    OtherMethods(String),
    /// No documented path.
    Nothing,
}

#[derive(Debug)]
struct Route {
    segments: Vec<Segment>,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Word(String),
    Parameter,
}

/// Every documented path.
#[derive(Debug)]
pub struct RouteTable(Vec<Route>);

impl RouteTable {
    /// Reads the document.
    #[must_use]
    pub fn new(document: &OpenApi) -> Self {
        // As JSON, because the security requirements of the typed document cannot be read.
        let document = serde_json::to_value(document).unwrap_or_default();
        let paths = document.get("paths").and_then(Value::as_object);
        let mut routes: Vec<Route> = paths.into_iter().flatten().map(|(path, item)| read_route(path, item)).collect();
        // The path with more words first: `/stacks/backup` is meant before `/stacks/{name}`.
        routes.sort_by_key(|route| route.segments.iter().filter(|s| **s == Segment::Parameter).count());
        Self(routes)
    }

    /// What `method` on the decoded `path` means. HEAD is GET.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut allowed = BTreeSet::new();
        for route in self.0.iter().filter(|route| route.matches(path)) {
            if let Some(operation) = route.operations.iter().find(|operation| operation.method == *method) {
                return Found::Operation(operation);
            }
            allowed.extend(route.operations.iter().map(|operation| operation.method.as_str()));
        }
        if allowed.is_empty() {
            return Found::Nothing;
        }
        if allowed.contains("GET") {
            allowed.insert("HEAD");
        }
        Found::OtherMethods(allowed.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Pairs of operations that one request could mean and that need different rights; there must be none.
    #[must_use]
    pub fn ambiguous(&self) -> Vec<(&str, &str)> {
        let mut pairs = Vec::new();
        for (index, one) in self.0.iter().enumerate() {
            for other in self.0.iter().skip(index + 1).filter(|other| one.overlaps(other)) {
                let both = one.operations.iter().flat_map(|a| other.operations.iter().map(move |b| (a, b)));
                let unequal = both.filter(|(a, b)| a.method == b.method && a.access != b.access);
                pairs.extend(unequal.map(|(a, b)| (a.id.as_str(), b.id.as_str())));
            }
        }
        pairs
    }
}

impl Route {
    fn matches(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        let all_match = self.segments.iter().all(|segment| match (segment, parts.next()) {
            (Segment::Word(word), Some(part)) => word == part,
            (Segment::Parameter, Some(part)) => !part.is_empty(),
            (_, None) => false,
        });
        all_match && parts.next().is_none()
    }

    fn overlaps(&self, other: &Self) -> bool {
        let could_be_equal =
            |(a, b): (&Segment, &Segment)| a == b || *a == Segment::Parameter || *b == Segment::Parameter;
        self.segments.len() == other.segments.len() && self.segments.iter().zip(&other.segments).all(could_be_equal)
    }
}

fn read_route(path: &str, item: &Value) -> Route {
    let segment = |part: &str| if part.starts_with('{') { Segment::Parameter } else { Segment::Word(part.to_owned()) };
    let operations = item.as_object().into_iter().flatten().filter_map(|(key, operation)| {
        let method =
            key.to_ascii_uppercase().parse::<Method>().ok().filter(|_| operation.get("responses").is_some())?;
        let access = read_access(&method, operation.get("security"));
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Operation { id, access, method, parameters: read_parameters(operation) })
    });
    Route { segments: path.split('/').map(segment).collect(), operations: operations.collect() }
}

fn read_parameters(operation: &Value) -> BTreeSet<String> {
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let of_query = parameters.filter(|p| p.get("in").and_then(Value::as_str) == Some("query"));
    of_query.filter_map(|p| Some(p.get("name")?.as_str()?.to_owned())).collect()
}

fn read_access(method: &Method, security: Option<&Value>) -> Access {
    let by_method = if *method == Method::GET { Scope::Read } else { Scope::Operate };
    let Some(requirements) = security.and_then(Value::as_array) else { return Access::Needs(by_method) };
    let is_empty = |requirement: &&Value| requirement.as_object().is_some_and(serde_json::Map::is_empty);
    if requirements.iter().any(|r| is_empty(&r)) {
        return if requirements.iter().all(|r| is_empty(&r)) { Access::Open } else { Access::Optional };
    }
    let scopes = requirements.iter().filter_map(Value::as_object).flat_map(|r| r.values()).filter_map(Value::as_array);
    let named = scopes.flatten().filter_map(Value::as_str).filter_map(|word| word.parse().ok()).max();
    Access::Needs(named.unwrap_or(by_method))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RouteTable {
        let operation = |id: &str, security: Value| {
            let parameters = serde_json::json!([{"in": "query", "name": "limit", "required": false}]);
            let mut operation = serde_json::json!({"operationId": id, "responses": {}, "parameters": parameters});
            if !security.is_null() {
                operation["security"] = security;
            }
            operation
        };
        let admin = serde_json::json!([{"bearer": ["admin"]}, {"session": ["admin"]}]);
        let document = serde_json::json!({
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {
                "/s/{name}": {"get": operation("get_s", Value::Null), "post": operation("post_s", Value::Null)},
                "/s/backup": {"post": operation("backup", Value::Null)},
                "/t": {"post": operation("make_t", admin)},
                "/h": {"get": operation("health", serde_json::json!([{}]))},
                "/o": {"get": operation("page", serde_json::json!([{}, {"bearer": []}]))},
            }
        });
        RouteTable::new(&serde_json::from_value(document).expect("a document"))
    }

    fn found(method: &Method, path: &str) -> String {
        match table().find(method, path) {
            Found::Operation(operation) => format!("{} {:?}", operation.id, operation.access),
            Found::OtherMethods(allow) => allow,
            Found::Nothing => "nothing".into(),
        }
    }

    #[test]
    fn requests_find_their_operation_and_its_right() {
        assert_eq!(found(&Method::GET, "/s/a"), "get_s Needs(Read)");
        assert_eq!(found(&Method::HEAD, "/s/a"), "get_s Needs(Read)");
        assert_eq!(found(&Method::POST, "/s/a"), "post_s Needs(Operate)");
        assert_eq!(found(&Method::POST, "/s/backup"), "backup Needs(Operate)");
        assert_eq!(found(&Method::GET, "/s/backup"), "get_s Needs(Read)", "a stack may be called backup");
        assert_eq!(found(&Method::POST, "/t"), "make_t Needs(Admin)");
        assert_eq!(found(&Method::GET, "/h"), "health Open");
        assert_eq!(found(&Method::GET, "/o"), "page Optional");
    }

    #[test]
    fn other_methods_and_paths_are_told_apart() {
        assert_eq!(found(&Method::DELETE, "/s/backup"), "GET, HEAD, POST");
        assert_eq!(found(&Method::GET, "/t"), "POST");
        for path in ["/s", "/s/", "/s/a/", "/s//", "//s/a", "", "/"] {
            assert_eq!(found(&Method::GET, path), "nothing", "{path}");
        }
    }

    #[test]
    fn a_parameter_that_is_not_documented_is_found() {
        let table = table();
        let Found::Operation(operation) = table.find(&Method::GET, "/h") else { panic!("an operation") };
        assert_eq!(operation.find_unknown_parameter("limit=3"), None);
        assert_eq!(operation.find_unknown_parameter("limit=3&limt=4").as_deref(), Some("limt"));
        assert!(table.ambiguous().is_empty());
    }
}
