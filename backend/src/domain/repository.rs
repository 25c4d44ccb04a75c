//! The address of a restic repository, which may hold a password.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::hint::did_you_mean;

/// What restic's addresses begin with. restic takes any other text for a path.
const SCHEMES: [&str; 9] = ["local", "rest", "sftp", "s3", "rclone", "b2", "azure", "gs", "swift"];
/// What is shown instead of a secret.
const HIDDEN: &str = "***";

/// An address as restic takes it: `/path`, `sftp:user@host:/path`, `rest:https://…`, `s3:https://…`, `rclone:remote:path`.
/// `Display` and `Debug` show it without what may be secret in it.
#[derive(Clone)]
pub struct RepositoryUrl(SecretString);

/// Why a text is no repository's address. It repeats nothing that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRepository(String);

impl RepositoryUrl {
    /// Takes the text as it is: for what was checked before.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Takes a text that someone wrote.
    ///
    /// # Errors
    /// When restic would not take it, or would take it for a path relative to wherever it is started.
    pub fn parse(text: &str) -> Result<Self, InvalidRepository> {
        let text = text.trim();
        check(text).map_err(InvalidRepository)?;
        Ok(Self::new(text))
    }

    /// The address with its password, for restic alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The directory, when the repository lies in one of this machine.
    #[must_use]
    pub fn local_path(&self) -> Option<&std::path::Path> {
        let text = self.expose();
        let path = text.strip_prefix("local:").unwrap_or(text);
        path.starts_with('/').then(|| path.as_ref())
    }
}

impl std::str::FromStr for RepositoryUrl {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        Self::parse(text)
    }
}

/// Without what may be secret.
impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(self.expose()))
    }
}

impl fmt::Debug for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryUrl({self})")
    }
}

/// What stands before the first `:`, unless a `/` comes first.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(scheme, _)| !scheme.contains('/'))
}

fn check(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the repository is empty".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("the repository has a line break or another control character in it".to_owned());
    }
    if text.starts_with('/') {
        return Ok(());
    }
    let Some((scheme, rest)) = split_scheme(text) else {
        return Err("the repository is a relative path; write the whole path, from '/' on".to_owned());
    };
    check_scheme(scheme)?;
    check_rest(scheme, rest)
}

fn check_scheme(scheme: &str) -> Result<(), String> {
    if SCHEMES.contains(&scheme) {
        return Ok(());
    }
    let word = scheme.to_ascii_lowercase();
    let hint = match word.as_str() {
        "http" | "https" => {
            format!("; write 'rest:{word}://…' for a REST server or 's3:{word}://…' for object storage")
        }
        "ssh" | "scp" => "; write 'sftp:user@host:/path'".to_owned(),
        "file" => "; write the path alone".to_owned(),
        _ => did_you_mean(&word, SCHEMES.into_iter()),
    };
    // A word of this kind holds no secret; anything else might be a password that is in the wrong place.
    let is_word = scheme.len() <= 10 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let shown = if is_word { format!("'{scheme}:'") } else { "what it begins with".to_owned() };
    Err(format!("restic knows no repository of this kind: {shown}{hint}; there are {} and paths", SCHEMES.join(", ")))
}

fn check_rest(scheme: &str, rest: &str) -> Result<(), String> {
    let (is_right, example) = match scheme {
        "local" => (rest.starts_with('/'), "local:/srv/backup"),
        "rest" => (has_host(rest, &["http://", "https://", "http+unix://"]), "rest:https://user:password@host:8000/"),
        "sftp" => (has_host(rest, &["//"]) || is_scp_form(rest), "sftp:user@host:/srv/backup"),
        "s3" => (has_bucket(rest), "s3:https://host/bucket"),
        "rclone" => (rest.len() > 1 && rest[1..].contains(':'), "rclone:remote:path"),
        _ => (rest.contains(':') && !rest.starts_with(':'), "b2:bucket:path"),
    };
    let example =
        if matches!(scheme, "azure" | "gs" | "swift") { format!("{scheme}:bucket:/path") } else { example.to_owned() };
    if is_right { Ok(()) } else { Err(format!("the repository is not written as restic takes it: '{example}'")) }
}

/// Whether something follows one of the beginnings.
fn has_host(rest: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| rest.strip_prefix(beginning).is_some_and(|host| !host.is_empty()))
}

/// `host:path`, with or without a user.
fn is_scp_form(rest: &str) -> bool {
    !rest.starts_with('/') && rest.split_once(':').is_some_and(|(host, path)| !host.is_empty() && !path.is_empty())
}

fn has_bucket(rest: &str) -> bool {
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest).trim_start_matches('/');
    rest.split_once('/').is_some_and(|(host, bucket)| !host.is_empty() && !bucket.is_empty())
}

/// The address without user and password, tokens, and the parameters of rclone. Where it cannot be told what is secret,
/// more is hidden rather than less.
fn redact(text: &str) -> String {
    let Some((scheme, rest)) = split_scheme(text).filter(|_| !text.starts_with('/')) else {
        return text.to_owned();
    };
    if let Some((before, after)) = rest.split_once("://") {
        return format!("{scheme}:{before}://{}", redact_url(after, false));
    }
    let is_ssh = scheme == "sftp";
    if let Some(after) = rest.strip_prefix("//") {
        return format!("{scheme}://{}", redact_url(after, is_ssh));
    }
    match scheme {
        "rclone" => format!("{scheme}:{}", redact_rclone(rest)),
        "local" => text.to_owned(),
        "sftp" if is_plain_scp(rest) => text.to_owned(),
        _ => format!("{scheme}:{}", redact_url(rest, is_ssh)),
    }
}

/// `user@host:/path`, in which no password can be.
fn is_plain_scp(rest: &str) -> bool {
    rest.split_once(':')
        .is_some_and(|(host, path)| host.contains('@') && (path.starts_with('/') || !path.contains('@')))
}

/// Hides what stands before the last `@`, and the query. A password may have `/`, `:`, `?` and `@` in it although it should
/// not.
fn redact_url(text: &str, is_user_public: bool) -> String {
    let query = text.find(['?', '#']);
    match (text.rfind('@'), query) {
        (Some(at), Some(query)) if at > query => HIDDEN.to_owned(),
        (at, query) => {
            let host = &text[at.map_or(0, |at| at + 1)..query.unwrap_or(text.len())];
            let user = at.map_or_else(String::new, |at| redact_user(&text[..at], is_user_public));
            let query = query.map_or_else(String::new, |query| format!("{}{HIDDEN}", &text[query..=query]));
            format!("{user}{host}{query}")
        }
    }
}

/// `user:***@`. A user without a password is shown for SSH alone: elsewhere it may be a token.
fn redact_user(text: &str, is_public: bool) -> String {
    match text.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@"),
        None if is_public => format!("{text}@"),
        None => format!("{HIDDEN}@"),
    }
}

/// `remote:path`, or `remote,key=value,…:path` whose values may be secret.
fn redact_rclone(rest: &str) -> String {
    match rest.split_once(',') {
        Some((remote, parameters)) if parameters.contains('=') => format!("{remote},{HIDDEN}"),
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
