//! The address of a restic repository, which may hold a password.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// An address as restic takes it: `/path`, `sftp:user@host:/path`, `rest:https://…`, `s3:https://…`, `rclone:remote:path`.
#[derive(Clone)]
pub struct RepositoryUrl(SecretString);

impl RepositoryUrl {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The address with its password, for restic alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Without the password.
impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.expose();
        let Some((before, after)) = text.split_once("://") else { return f.write_str(text) };
        let (authority, path) = after.split_once('/').map_or((after, None), |(a, p)| (a, Some(p)));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        write!(f, "{before}://{host}")?;
        path.map_or(Ok(()), |path| write!(f, "/{path}"))
    }
}

impl fmt::Debug for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryUrl({self})")
    }
}
