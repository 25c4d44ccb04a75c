//! One engine's address, and requests to it with a deadline each.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};

use super::EngineError;
use super::failure::{Asked, Failure, classify};

/// Where an engine is looked for when nothing says otherwise.
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";
/// The client library's own limit, in seconds. Never the one that counts: every request has its own.
const CLIENT_LIMIT_SECS: u64 = 24 * 3600;

/// The way to one engine. The client is made when it is first needed: the library refuses to make one for a socket
/// that does not exist yet.
#[derive(Debug)]
pub(super) struct EngineLink {
    address: String,
    client: Mutex<Option<Docker>>,
}

impl EngineLink {
    pub(super) fn new(address: Option<&str>, environment: Option<String>) -> Self {
        let given = address.map(str::to_owned).or(environment).filter(|text| !text.trim().is_empty());
        let address = given.map_or_else(|| DEFAULT_ADDRESS.to_owned(), |text| with_scheme(text.trim()));
        Self { address, client: Mutex::new(None) }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// A client of the engine; whether anybody answers is not known yet.
    pub(super) fn client(&self, asked: &Asked) -> Result<Docker, Failure> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        let made = make_client(&self.address).map_err(|error| classify(&self.address, asked, error))?;
        Ok(client.insert(made).clone())
    }

    /// Sends a request and waits `limit` for its whole answer.
    pub(super) async fn ask<T, F>(
        &self,
        asked: &Asked,
        limit: Duration,
        request: impl FnOnce(Docker) -> F + Send,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let client = self.client(asked)?;
        match tokio::time::timeout(limit, request(client)).await {
            Ok(answer) => answer.map_err(|error| classify(&self.address, asked, error)),
            Err(_) => Err(timed_out(asked, limit)),
        }
    }
}

pub(super) fn timed_out(asked: &Asked, limit: Duration) -> Failure {
    let error = EngineError::TimedOut { action: asked.action.clone(), after: limit };
    Failure { error, is_reply_lost: true }
}

fn with_scheme(text: &str) -> String {
    if text.starts_with('/') { format!("unix://{text}") } else { text.to_owned() }
}

fn make_client(address: &str) -> Result<Docker, Error> {
    match address.split_once("://") {
        Some(("unix", path)) if Path::new(path).is_absolute() => {
            Docker::connect_with_unix(address, CLIENT_LIMIT_SECS, API_DEFAULT_VERSION)
        }
        Some(("tcp" | "http", _)) => Docker::connect_with_http(address, CLIENT_LIMIT_SECS, API_DEFAULT_VERSION),
        _ => Err(Error::UnsupportedURISchemeError { uri: address.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_comes_from_the_setting_then_the_environment_then_the_usual_place() {
        let rows = [
            (Some("/run/d.sock"), Some("tcp://env:1"), "unix:///run/d.sock"),
            (Some("tcp://h:2375"), None, "tcp://h:2375"),
            (None, Some("tcp://env:1"), "tcp://env:1"),
            (None, Some(" "), DEFAULT_ADDRESS),
            (None, None, DEFAULT_ADDRESS),
        ];
        for (address, environment, expected) in rows {
            let link = EngineLink::new(address, environment.map(str::to_owned));
            assert_eq!(link.address(), expected, "{address:?} {environment:?}");
        }
    }

    #[test]
    fn an_address_of_an_unknown_kind_is_nobodys() {
        for address in ["ftp://x", "localhost:2375", "unix://relative.sock", "unix:///no/such.sock"] {
            let failure = EngineLink::new(Some(address), None).client(&Asked::general("ping")).expect_err(address);
            assert!(matches!(failure.error, EngineError::Unreachable { .. }), "{address}: {failure:?}");
            assert!(!failure.is_reply_lost, "{address}");
        }
    }
}
