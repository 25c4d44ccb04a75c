//! One engine's address, and requests to it with a deadline each.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::time::{Instant, sleep};

use super::EngineError;
use super::failure::{Asked, Failure, classify};

/// Where an engine is looked for when nothing says otherwise.
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";
/// The client library's own limit, in seconds. Never the one that counts: every request has its own.
const CLIENT_LIMIT_SECS: u64 = 24 * 3600;

/// The pauses between attempts: an engine that restarts itself is away for about that long.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900)];

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whatever became of it: it only reads.
    Always,
    /// Only when it certainly did not reach the engine: it changes something.
    IfNotSent,
}

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

    /// Sends a request, and again after a moment when that is safe and may help: the connection was refused or broke, or
    /// a proxy says that the engine is away. What takes too long is not repeated. All attempts together take `limit` at
    /// most.
    pub(super) async fn ask_again<T, F>(
        &self,
        asked: &Asked,
        limit: Duration,
        repeat: Repeat,
        request: impl Fn(Docker) -> F + Send + Sync,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let until = Instant::now() + limit;
        for (attempts, pause) in (1..).zip(PAUSES) {
            let failure = match self.ask(asked, until.saturating_duration_since(Instant::now()), &request).await {
                Ok(answer) => {
                    if attempts > 1 {
                        tracing::info!(attempts, "the Docker Engine was away for a moment: {}", asked.action);
                    }
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let is_away = matches!(failure.error, EngineError::Unreachable { .. });
            if !is_away || (failure.is_reply_lost && repeat == Repeat::IfNotSent) || Instant::now() + pause >= until {
                return Err(failure);
            }
            sleep(pause).await;
        }
        self.ask(asked, until.saturating_duration_since(Instant::now()), &request).await
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

    /// Asks someone who says `answer` to everything; returns how often, and whether it is one.
    async fn attempts(repeat: Repeat, answer: &str) -> (usize, bool) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("engine.sock");
        let address = format!("unix://{}", path.display());
        let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
        let accepted = std::sync::atomic::AtomicUsize::new(0);
        let link = EngineLink::new(Some(&address), None);
        let asked = Asked::general("answer a ping");
        let serve = async {
            while let Ok((mut client, _)) = listener.accept().await {
                accepted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                assert!(client.read(&mut [0; 2048]).await.is_ok_and(|bytes| bytes > 0), "a request");
                client.write_all(answer.as_bytes()).await.expect("an answer");
            }
        };
        let ask = link.ask_again(&asked, Duration::from_secs(9), repeat, |client| async move { client.ping().await });
        let answer = tokio::select! { answer = ask => answer, () = serve => panic!("it serves for ever") };
        (accepted.load(std::sync::atomic::Ordering::SeqCst), answer.is_ok())
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK";

    #[tokio::test]
    async fn what_only_reads_is_asked_again_and_a_change_only_when_it_was_not_sent() {
        assert_eq!(attempts(Repeat::Always, OK).await, (1, true));
        assert_eq!(attempts(Repeat::Always, "").await, (4, false), "the connection breaks each time");
        assert_eq!(attempts(Repeat::IfNotSent, "").await, (1, false), "what became of it is not known");
    }

    #[tokio::test]
    async fn an_engine_that_is_away_for_a_moment_is_waited_for() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        for repeat in [Repeat::Always, Repeat::IfNotSent] {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("engine.sock");
            let link = EngineLink::new(Some(&format!("unix://{}", path.display())), None);
            let serve = async {
                sleep(PAUSES[0] + PAUSES[1] / 2).await;
                let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
                let (mut client, _) = listener.accept().await.expect("a connection");
                assert!(client.read(&mut [0; 2048]).await.is_ok_and(|bytes| bytes > 0), "a request");
                client.write_all(OK.as_bytes()).await.expect("an answer");
            };
            let asked = Asked::general("answer a ping");
            let ask =
                link.ask_again(&asked, Duration::from_secs(9), repeat, |client| async move { client.ping().await });
            let (answer, ()) = tokio::join!(ask, serve);
            assert!(answer.is_ok(), "{repeat:?}: {answer:?}");
        }
    }
}
