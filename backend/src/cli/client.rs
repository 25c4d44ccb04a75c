//! A client of the HTTP API.

use anyhow::{Context, anyhow};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// As good as for ever: a request without a limit of its own has that of the client.
const NO_LIMIT: Duration = Duration::from_hours(24 * 365);

/// Tells the service that the command line asks.
const USER_AGENT: &str = concat!("mainstay-cli/", env!("CARGO_PKG_VERSION"));

/// A client with a token.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What the service answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Client {
    pub(super) fn new(base: impl Into<String>, token: Option<String>) -> anyhow::Result<Self> {
        // Fails only when another provider was installed first, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .timeout(ANSWER_WITHIN)
            .no_proxy()
            .build()
            .context("no HTTP client")?;
        Ok(Self { http, base: base.into(), token })
    }

    /// Whether a Mainstay answers there.
    pub(super) async fn is_up(&self) -> bool {
        let asked = self.http.get(format!("{}/healthz", self.base)).timeout(Duration::from_secs(2)).send();
        matches!(asked.await, Ok(answer) if answer.status().is_success())
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.expect_success(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.expect_success(Method::POST, path, Some(body)).await
    }

    /// As [`Self::get`], for what may take as long as it likes.
    pub(super) async fn get_patiently(&self, path: &str) -> anyhow::Result<Value> {
        self.ask_patiently(self.request(Method::GET, path)).await
    }

    /// As [`Self::post`], for what may take as long as it likes.
    pub(super) async fn post_patiently(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask_patiently(self.request(Method::POST, path).json(body)).await
    }

    /// As [`Self::send`], for what may take as long as it likes.
    pub(super) async fn send_patiently(&self, method: Method, path: &str) -> anyhow::Result<Answer> {
        let asked = self.request(method, path).timeout(NO_LIMIT).send().await;
        Answer::read(asked.with_context(|| format!("no answer from {}", self.base))?).await
    }

    async fn ask_patiently(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let asked = request.timeout(NO_LIMIT).send().await.with_context(|| format!("no answer from {}", self.base))?;
        let answer = Answer::read(asked).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(problem(&answer)) }
    }

    /// Sends a request; any answer is fine.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await.with_context(|| format!("no answer from {}", self.base))?).await
    }

    /// Asks for what may take as long as it likes, once it has begun; any answer is fine.
    pub(super) async fn open(&self, path: &str) -> anyhow::Result<Response> {
        let asked = self.request(Method::GET, path).timeout(NO_LIMIT).send();
        let answered = tokio::time::timeout(ANSWER_WITHIN, asked).await;
        let answered = answered.with_context(|| format!("no answer from {}", self.base))?;
        answered.with_context(|| format!("no answer from {}", self.base))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn expect_success(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let answer = self.send(method, path, body).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(problem(&answer)) }
    }
}

impl Answer {
    /// Reads the body to its end.
    pub(super) async fn read(response: Response) -> anyhow::Result<Self> {
        let status = response.status();
        let text = response.text().await.context("the answer was cut short")?;
        Ok(Self { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }
}

/// A name as a part of a path.
pub(super) fn segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The sentence of a problem answer.
pub(super) fn problem(answer: &Answer) -> anyhow::Error {
    match answer.body["detail"].as_str() {
        Some(detail) => anyhow!("{detail} ({})", answer.body["code"].as_str().unwrap_or("no code")),
        None => anyhow!("the service answered {}", answer.status),
    }
}
