//! What a failed request means.
//!
//! The client library tells how a request failed; the rest of the project needs to know what that means: nobody
//! there, not allowed, no such thing. To tell one more situation apart, add it to [`classify`] with a row in its test.
//! Never put a proxy's HTML page into an error.

use std::error::Error as StdError;

use bollard::errors::Error;

use super::EngineError;

/// The longest message of an engine that is repeated, in characters.
const MAX_MESSAGE_CHARS: usize = 400;

/// What was asked, for error texts.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// As a verb: `stop container 'web'`.
    pub(super) action: String,
    /// The thing it was about: `container 'web'`.
    pub(super) what: String,
}

impl Asked {
    pub(super) fn of_container(verb: &str, id: &str) -> Self {
        Self::of(verb, "container", id)
    }

    /// About a thing of some kind: `volume`, `image`, …
    pub(super) fn of(verb: &str, kind: &str, name: &str) -> Self {
        Self { action: format!("{verb} {kind} '{name}'"), what: format!("{kind} '{name}'") }
    }

    pub(super) fn general(action: &str) -> Self {
        Self { action: action.to_owned(), what: "such request".to_owned() }
    }
}

/// A failed request.
#[derive(Debug)]
pub(super) struct Failure {
    /// What it means.
    pub(super) error: EngineError,
    /// Whether the engine may have done what was asked all the same: only the thing's state can tell.
    pub(super) is_reply_lost: bool,
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Tells what an error of the client library means.
pub(super) fn classify(address: &str, asked: &Asked, error: Error) -> Failure {
    match error {
        Error::DockerResponseServerError { status_code, message } => of_status(address, asked, status_code, &message),
        Error::HyperLegacyError { err } => {
            let is_reply_lost = !err.is_connect();
            unreachable(address, Box::new(err), is_reply_lost)
        }
        Error::SocketNotFoundError(_) | Error::UnsupportedURISchemeError { .. } => {
            unreachable(address, Box::new(error), false)
        }
        Error::HyperResponseError { err } => unreachable(address, Box::new(err), true),
        Error::IOError { err } => unreachable(address, Box::new(err), true),
        // The engine began to answer, and then told of a failure.
        Error::DockerStreamError { error } => rejected(asked, &tidy_message(200, &error)),
        Error::RequestTimeoutError => unreachable(address, Box::new(error), true),
        other => rejected(asked, &format!("its answer cannot be read: {other}")),
    }
}

fn of_status(address: &str, asked: &Asked, status: u16, message: &str) -> Failure {
    let lower = message.to_ascii_lowercase();
    match status {
        // A start answers 404 for a missing network too; the container is there all the same.
        404 if lower.contains("network") && lower.contains("not found") => rejected(asked, message),
        404 => Failure { error: EngineError::NotFound { what: asked.what.clone() }, is_reply_lost: false },
        401 | 403 => Failure { error: EngineError::Forbidden { action: asked.action.clone() }, is_reply_lost: false },
        // A proxy before the engine lost it.
        502..=504 => unreachable(address, format!("status {status}: {}", tidy_message(status, message)).into(), true),
        _ => rejected(asked, &tidy_message(status, message)),
    }
}

fn unreachable(address: &str, source: Box<dyn StdError + Send + Sync>, is_reply_lost: bool) -> Failure {
    Failure { error: EngineError::Unreachable { address: address.to_owned(), source }, is_reply_lost }
}

fn rejected(asked: &Asked, message: &str) -> Failure {
    let error = EngineError::Rejected { action: asked.action.clone(), message: message.to_owned() };
    Failure { error, is_reply_lost: false }
}

fn tidy_message(status: u16, message: &str) -> String {
    let text = message.trim();
    if text.is_empty() || text.starts_with('<') {
        return format!("it answered with status {status}");
    }
    text.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// An error with its causes, in one line.
pub(super) fn explain(error: &EngineError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> Failure {
        let error = Error::DockerResponseServerError { status_code, message: message.to_owned() };
        classify("unix:///x.sock", &Asked::of_container("start", "web"), error)
    }

    #[test]
    fn a_status_means_a_situation() {
        let html = "<html><body>403 Forbidden</body></html>";
        let rows: [(u16, &str, &str); 8] = [
            (404, "No such container: web", "the Docker Engine knows no container 'web'"),
            (404, "network blog_default not found", "could not start container 'web': network blog_default not found"),
            (403, html, "refuses to start container 'web'"),
            (401, "no", "refuses to start container 'web'"),
            (500, "port is already allocated", "could not start container 'web': port is already allocated"),
            (500, html, "could not start container 'web': it answered with status 500"),
            (409, "Container web is already paused", "Container web is already paused"),
            (503, html, "the Docker Engine at unix:///x.sock cannot be reached"),
        ];
        for (status, message, expected) in rows {
            let text = answer(status, message).error.to_string();
            assert!(text.contains(expected), "{status}: {text}");
            assert!(!text.contains('<'), "{status}: {text}");
        }
    }

    #[test]
    fn only_a_lost_answer_leaves_the_outcome_open() {
        assert!(answer(504, "").is_reply_lost);
        assert!(!answer(500, "no").is_reply_lost);
        let reset = Error::IOError { err: std::io::ErrorKind::ConnectionReset.into() };
        assert!(classify("a", &Asked::general("list"), reset).is_reply_lost);
        let missing = Error::SocketNotFoundError("/x".to_owned());
        assert!(!classify("a", &Asked::general("list"), missing).is_reply_lost);
    }

    #[test]
    fn the_explanation_names_the_causes() {
        let missing = Error::SocketNotFoundError("/x".to_owned());
        let text = explain(&classify("unix:///x", &Asked::general("list"), missing).error);
        assert_eq!(text, "the Docker Engine at unix:///x cannot be reached: Socket not found: /x");
    }

    #[test]
    fn a_long_message_is_cut() {
        let EngineError::Rejected { message, .. } = answer(500, &"x".repeat(9_000)).error else { panic!("rejected") };
        assert_eq!(message.len(), MAX_MESSAGE_CHARS);
    }
}
