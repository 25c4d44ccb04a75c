//! A client that knows the OpenAPI document.
//!
//! A test names the operation, not the path: `service.call("get_job").path("id", &id)`. The document tells method and
//! path, and every answer is checked against it: a status that the operation does not declare fails the test. That a
//! test names an operation is also how `coverage.rs` knows that it is exercised.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use reqwest::{Method, StatusCode};
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(mainstay::api::openapi()).expect("the document as JSON"));

struct Operation {
    method: Method,
    path: String,
    statuses: Vec<String>,
}

static OPERATIONS: LazyLock<BTreeMap<String, Operation>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let mut operations = BTreeMap::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("a path item") {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let method = method.to_ascii_uppercase().parse().expect("a method");
            let statuses = operation["responses"].as_object().expect("responses").keys().cloned().collect();
            operations.insert(id.to_owned(), Operation { method, path: path.clone(), statuses });
        }
    }
    operations
});

/// Every operation of the document.
pub(crate) fn operation_ids() -> Vec<&'static str> {
    OPERATIONS.keys().map(String::as_str).collect()
}

/// A client of one service.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) token: Option<String>,
}

/// A request to an operation.
pub(crate) struct Call {
    client: Client,
    operation: &'static Operation,
    id: String,
    path: String,
    query: Vec<(String, String)>,
    request: Box<dyn FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder + Send>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn new(base: &str, token: Option<String>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let redirect = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().no_proxy().redirect(redirect).build().expect("a client");
        Self { http, base: base.to_owned(), token }
    }

    /// A request to the operation called `id`.
    pub(crate) fn call(&self, id: &str) -> Call {
        let operation = OPERATIONS.get(id).unwrap_or_else(|| panic!("the document has no operation '{id}'"));
        Call {
            client: self.clone(),
            operation,
            id: id.to_owned(),
            path: operation.path.clone(),
            query: Vec::new(),
            request: Box::new(|request| request),
        }
    }

    /// The same client with another token.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }
}

impl Call {
    /// Fills in a part of the path, percent-encoded.
    pub(crate) fn path(mut self, name: &str, value: &str) -> Self {
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let place = format!("{{{name}}}");
        assert!(self.path.contains(&place), "'{}' has no {place}", self.id);
        self.path = self.path.replace(&place, &encoded.replace('+', "%20"));
        self
    }

    pub(crate) fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.with(move |request| request.json(&body))
    }

    pub(crate) fn header(self, name: &'static str, value: &str) -> Self {
        let value = value.to_owned();
        self.with(move |request| request.header(name, value))
    }

    /// Changes the request in any other way.
    pub(crate) fn with(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder + Send + 'static,
    ) -> Self {
        let before = self.request;
        self.request = Box::new(move |request| change(before(request)));
        self
    }

    /// Sends it and returns the answer while its body still comes: for streams.
    pub(crate) async fn open(self) -> reqwest::Response {
        let url = format!("{}{}", self.client.base, self.path);
        let mut url = url::Url::parse(&url).expect("an address");
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut request = self.client.http.request(self.operation.method.clone(), url);
        if let Some(token) = &self.client.token {
            request = request.bearer_auth(token);
        }
        let response = (self.request)(request).send().await.expect("an answer");
        let status = response.status().as_u16().to_string();
        let declared = &self.operation.statuses;
        assert!(declared.contains(&status), "'{}' answered {status}, and declares {declared:?}", self.id);
        response
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.open().await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("a whole body") }
    }

    /// Sends it and expects success.
    pub(crate) async fn ok(self) -> Value {
        let answer = self.send().await;
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text);
        answer.json()
    }

    /// Sends it and expects a problem with this status and code.
    pub(crate) async fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.send().await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{problem}");
        problem
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.text))
    }
}
