//! Addresses that may hold a password.
//!
//! They print with the password taken out, in `Debug` and in `Display`; the full text is had only through a method
//! whose name says so. Do not keep such an address in a `String`.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// What stands in the place of a secret.
const STARS: &str = "***";

/// An address of any kind: a URL, `sftp:user@host:/path`, `rest:https://user:password@host/`, or a path.
#[derive(Clone)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The whole text, password included. Never for a log, an error or an answer.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(self.expose()))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Takes the password and the query's values out of an address.
#[must_use]
pub fn redact(address: &str) -> String {
    // The password first: it may hold a question mark.
    let redacted = redact_password(address);
    let Some((address, query)) = redacted.split_once('?').filter(|(address, _)| address.contains("://")) else {
        return redacted;
    };
    let names = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={STARS}"),
        None => STARS.to_owned(),
    });
    format!("{address}?{}", names.collect::<Vec<_>>().join("&"))
}

/// `scheme://user:password@host` becomes `scheme://user:***@host`. The last `@` before the path's end counts, since
/// a password may hold an unescaped one.
fn redact_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let Some((user_info, host)) = rest.rsplit_once('@') else { return address.to_owned() };
    match user_info.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{STARS}@{host}"),
        None => address.to_owned(),
    }
}

/// The address of the store.
#[derive(Clone)]
pub struct DatabaseUrl(SecretUrl);

/// Why a text is no address of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither SQLite nor PostgreSQL.
    #[error("it must be {}", self.expected())]
    Scheme,
    /// The SQLite file is named by a relative path.
    #[error("it must be {}", self.expected())]
    RelativePath,
    /// It begins like a PostgreSQL address, but is none.
    #[error("it must be {}", self.expected())]
    Postgres,
}

impl InvalidDatabaseUrl {
    /// What should stand there instead.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Scheme => "'sqlite:///absolute/path' or 'postgres://user@host/database'",
            Self::RelativePath => "'sqlite:///absolute/path', with three slashes",
            Self::Postgres => "'postgres://user@host/database'",
        }
    }
}

impl DatabaseUrl {
    /// The SQLite store in a file. The path should be absolute.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self(SecretUrl::new(&format!("sqlite://{}", path.display())))
    }

    /// The whole address, password included. Never for a log, an error or an answer.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The file of a SQLite store; absent for PostgreSQL and for a store in memory.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let path = self.expose().strip_prefix("sqlite://")?;
        Some(PathBuf::from(path.split('?').next().unwrap_or_default()))
    }

    /// Whether it is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        !self.expose().starts_with("sqlite:")
    }
}

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::sqlite(Path::new("/var/lib/mainstay/mainstay.db"))
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        if text == "sqlite::memory:" {
            return Ok(Self(SecretUrl::new(text)));
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return match path.strip_prefix("//") {
                Some(path) if path.len() > 1 && path.starts_with('/') => Ok(Self(SecretUrl::new(text))),
                _ => Err(InvalidDatabaseUrl::RelativePath),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let has_host = Url::parse(text).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()));
            // A server on a Unix socket is named by the query.
            return if has_host || text.contains("?host=") || text.contains("&host=") {
                Ok(Self(SecretUrl::new(text)))
            } else {
                Err(InvalidDatabaseUrl::Postgres)
            };
        }
        Err(InvalidDatabaseUrl::Scheme)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_without_their_secrets() {
        for (address, shown) in [
            ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
            ("postgres://me:a@b:c/d@db/x", "postgres://me:***@db/x"),
            ("postgres://me:pw?d@db/x", "postgres://me:***@db/x"),
            ("postgres://db/x?password=hunter2&sslmode=require", "postgres://db/x?password=***&sslmode=***"),
            ("rest:https://u:p@host:8000/repo", "rest:https://u:***@host:8000/repo"),
            ("sftp:backup@nas:/srv/restic", "sftp:backup@nas:/srv/restic"),
            ("s3:https://s3.example.com/bucket", "s3:https://s3.example.com/bucket"),
            ("/srv/restic", "/srv/restic"),
        ] {
            assert_eq!(SecretUrl::new(address).to_string(), shown);
            assert_eq!(format!("{:?}", SecretUrl::new(address)), format!("\"{shown}\""));
        }
    }

    #[test]
    fn stores_are_sqlite_or_postgres() {
        for text in [
            "sqlite:///a/b.db",
            "sqlite:///a?mode=rwc",
            "sqlite::memory:",
            "postgres://u:p@h/d",
            "postgresql://h/d",
            "postgres:///d?host=/run",
        ] {
            assert!(text.parse::<DatabaseUrl>().is_ok(), "{text}");
        }
        let error = |text: &str| text.parse::<DatabaseUrl>().expect_err("it is wrong");
        assert_eq!(error("mysql://h/d"), InvalidDatabaseUrl::Scheme);
        assert_eq!(error(""), InvalidDatabaseUrl::Scheme);
        assert_eq!(error("sqlite://data.db"), InvalidDatabaseUrl::RelativePath);
        assert_eq!(error("sqlite:///"), InvalidDatabaseUrl::RelativePath);
        assert_eq!(error("postgres://"), InvalidDatabaseUrl::Postgres);
    }

    #[test]
    fn the_file_of_a_sqlite_store_is_known() {
        let path = |text: &str| text.parse::<DatabaseUrl>().expect("a store").sqlite_path();
        assert_eq!(path("sqlite:///a/b.db?mode=rwc"), Some(PathBuf::from("/a/b.db")));
        assert_eq!(path("sqlite::memory:"), None);
        assert_eq!(path("postgres://h/d"), None);
    }
}
