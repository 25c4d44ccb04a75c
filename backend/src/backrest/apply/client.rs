//! Backrest's API: one JSON object to `POST <base>/v1.Backrest/<method>`, one back.
//!
//! What it answers has the passwords of repositories in clear, so no body is ever told, and redirections are not
//! followed. Of an error only Backrest's own sentence is told.

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::backrest::document::MAX_BYTES;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How much of what Backrest says is told.
const TOLD_CHARS: usize = 500;

/// Tells Backrest who asks.
const USER_AGENT: &str = concat!("mainstay/", env!("CARGO_PKG_VERSION"));

/// Why the API did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address is none.
    #[error("'{0}' is no address of a Backrest, such as http://backrest:9898")]
    Address(String),
    /// No client can be made.
    #[error("no HTTP client can be made")]
    NoClient(#[source] reqwest::Error),
    /// Nothing answers there.
    #[error("no Backrest answers at {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the connection said.
        #[source]
        source: reqwest::Error,
    },
    /// It takes too long.
    #[error("Backrest did not answer {method} within {} s", .after.as_secs())]
    TimedOut {
        /// What was asked.
        method: &'static str,
        /// The limit.
        after: Duration,
    },
    /// It wants to know who asks, or does not believe it.
    #[error("Backrest refuses user and password, or the token, for {0}")]
    Unauthorized(String),
    /// The configuration was saved by someone else meanwhile.
    #[error("the configuration of Backrest was saved by someone else meanwhile")]
    Conflict,
    /// It refuses what was sent.
    #[error("Backrest refuses {method} with {status}: {message}")]
    Rejected {
        /// What was asked.
        method: &'static str,
        /// The status of the answer.
        status: u16,
        /// What Backrest says.
        message: String,
    },
    /// Its answer is none.
    #[error("the answer to {0} is none of Backrest; is something else at this address, such as a page to log in?")]
    NotBackrest(&'static str),
}

/// Who one is to Backrest.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody: its authentication is switched off.
    None,
    /// A user.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A token of a login.
    Bearer(SecretString),
}

/// A client of one Backrest.
#[derive(Debug, Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    base: Url,
    credentials: Credentials,
    answer_within: Duration,
}

impl ApiClient {
    /// A client of the Backrest at `address`. User and password may stand in the address, and count where no other
    /// `credentials` are given.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(address: &str, credentials: Credentials) -> Result<Self, ApiError> {
        // The text may hold a password, so what cannot be read is not told.
        let mut base = Url::parse(address).map_err(|_| ApiError::Address("the text that is given".to_owned()))?;
        let password = SecretString::from(decoded(base.password().unwrap_or_default()));
        let user = decoded(base.username());
        let is_stripped = base.set_password(None).is_ok() && base.set_username("").is_ok();
        base.set_query(None);
        base.set_fragment(None);
        if !is_stripped || !matches!(base.scheme(), "http" | "https") {
            return Err(ApiError::Address(base.to_string()));
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let credentials = match credentials {
            Credentials::None if !user.is_empty() => Credentials::Basic { user, password },
            given => given,
        };
        Ok(Self { http: http()?, base, credentials, answer_within: ANSWER_WITHIN })
    }

    /// The same with another limit of how long one answer may take.
    #[must_use]
    pub fn with_limit(mut self, answer_within: Duration) -> Self {
        self.answer_within = answer_within;
        self
    }

    /// Its address, without user and password.
    #[must_use]
    pub const fn address(&self) -> &Url {
        &self.base
    }

    /// Has Backrest run a plan now. It answers at the end of the run; nobody waits for that, the run goes on.
    ///
    /// # Errors
    /// When it refuses within `wait`.
    pub async fn run_plan(&self, plan: &str, wait: Duration) -> Result<(), ApiError> {
        let body = serde_json::json!({"value": plan}).to_string();
        match self.clone().with_limit(wait).call("Backup", body).await {
            Ok(_) | Err(ApiError::TimedOut { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Has Backrest run a command of restic on a repository, in its turn; nobody waits for its end.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn run_command(&self, repo: &str, command: &str) -> Result<(), ApiError> {
        let body = serde_json::json!({"repoId": repo, "command": command}).to_string();
        self.call("RunCommand", body).await.map(|_| ())
    }

    /// Asks for the configuration.
    pub(super) async fn config(&self) -> Result<Vec<u8>, ApiError> {
        self.call("GetConfig", "{}".to_owned()).await
    }

    /// Saves a configuration; its counter has to be the one that Backrest has.
    pub(super) async fn save(&self, text: String) -> Result<(), ApiError> {
        self.call("SetConfig", text).await.map(|_| ())
    }

    /// The newest operations that a selector fits.
    ///
    /// # Errors
    /// When Backrest does not tell.
    pub async fn operations(&self, selector: &Value, newest: u32) -> Result<Vec<Value>, ApiError> {
        let body = serde_json::json!({"selector": selector, "lastN": newest.to_string()}).to_string();
        let bytes = self.call("GetOperations", body).await?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|_| ApiError::NotBackrest("GetOperations"))?;
        match answer.get("operations") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(operations)) => Ok(operations.clone()),
            Some(_) => Err(ApiError::NotBackrest("GetOperations")),
        }
    }

    async fn call(&self, method: &'static str, body: String) -> Result<Vec<u8>, ApiError> {
        let url = self.base.join(&format!("v1.Backrest/{method}"));
        let url = url.map_err(|_| ApiError::Address(self.base.to_string()))?;
        let request = self.http.post(url).header("content-type", "application/json").body(body);
        let request = match &self.credentials {
            Credentials::None => request,
            Credentials::Basic { user, password } => request.basic_auth(user, Some(password.expose_secret())),
            Credentials::Bearer(token) => request.bearer_auth(token.expose_secret()),
        };
        let exchange = async {
            let answer = request.send().await.map_err(|error| self.failure(error))?;
            let status = answer.status();
            Ok((status, self.read(answer, method).await?))
        };
        let timed_out = |_| ApiError::TimedOut { method, after: self.answer_within };
        let (status, bytes) = tokio::time::timeout(self.answer_within, exchange).await.map_err(timed_out)??;
        if status.is_success() { Ok(bytes) } else { Err(self.refusal(method, status, &bytes)) }
    }

    async fn read(&self, mut answer: reqwest::Response, method: &'static str) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.failure(error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_BYTES {
                return Err(ApiError::NotBackrest(method));
            }
        }
        Ok(bytes)
    }

    fn failure(&self, error: reqwest::Error) -> ApiError {
        ApiError::Unreachable { address: self.base.to_string(), source: error.without_url() }
    }

    fn refusal(&self, method: &'static str, status: StatusCode, bytes: &[u8]) -> ApiError {
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return ApiError::Unauthorized(self.base.to_string());
        }
        let said: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let part = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or_default();
        if part("code") == "failed_precondition" && part("message").contains("modno") {
            return ApiError::Conflict;
        }
        let message = match part("message") {
            "" => "it says nothing that is understood".to_owned(),
            message => message.chars().take(TOLD_CHARS).collect(),
        };
        ApiError::Rejected { method, status: status.as_u16(), message }
    }
}

/// A client without proxies and redirections: what goes to Backrest is for nobody else.
pub(super) fn http() -> Result<reqwest::Client, ApiError> {
    // Fails only when another provider was installed first, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(ApiError::NoClient)
}

/// Undoes `%40` and the like.
fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("v={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
