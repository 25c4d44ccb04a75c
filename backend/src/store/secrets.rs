//! The key that secrets in the store are encrypted with, and how.
//!
//! XChaCha20-Poly1305 with a random nonce for each text; what a text belongs to (table, row, field) is authenticated
//! along with it, so that none can be put in another's place. The key comes from the configuration, or lies in a file
//! that is made when the first secret is written and never overwritten: without it those secrets are lost. A sealed text
//! names its version and the key's fingerprint, so that a wrong key is told from damage.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::key_file;

/// How this version seals.
const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;
/// What the fingerprint of a key is made with; a hash of the key itself could be that of another use.
const FINGERPRINT_CONTEXT: &str = "mainstay 2026-11-27 fingerprint of the key of stored secrets";

/// Why a secret could not be encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The key file cannot be read.
    #[error("the key of stored secrets cannot be read from {path}")]
    Read {
        /// The key file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key file cannot be made.
    #[error("the key of stored secrets cannot be written to {path}")]
    Make {
        /// The key file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key file holds something else.
    #[error("{path} holds no key of stored secrets: 64 hexadecimal digits are expected")]
    Malformed {
        /// The key file.
        path: String,
    },
    /// Secrets are stored, and their key is not there.
    #[error("the key of stored secrets is missing: put the file {path} back, or set 'secret_key'")]
    Missing {
        /// The key file.
        path: String,
    },
    /// It was sealed with another key.
    #[error(
        "its secrets were encrypted with the key {theirs}, and the present key is {present}: put the former key back"
    )]
    OtherKey {
        /// The fingerprint of the key it was sealed with.
        theirs: String,
        /// The fingerprint of the present key.
        present: String,
    },
    /// It is not what was sealed.
    #[error("its secrets cannot be decrypted: what is stored was changed")]
    Damaged,
    /// The machine has no randomness.
    #[error("the machine gives no random numbers: {0}")]
    NoRandomness(getrandom::Error),
}

/// A key. It does not print.
#[derive(Clone)]
pub struct SecretKey(SecretString);

impl SecretKey {
    /// Reads a key: 64 hexadecimal digits, as `openssl rand -hex 32` prints them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        blake3::Hash::from_hex(&text).ok().map(|_| Self(text.into()))
    }

    /// A new one.
    pub(super) fn generate() -> Result<Self, SecretsError> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(SecretsError::NoRandomness)?;
        Ok(Self(to_hex(&bytes).into()))
    }

    /// Its text, for the key file alone.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn bytes(&self) -> [u8; 32] {
        blake3::Hash::from_hex(self.expose()).map(Into::into).unwrap_or_default()
    }

    /// What tells it from others and gives nothing of it away.
    fn fingerprint(&self) -> String {
        to_hex(&blake3::derive_key(FINGERPRINT_CONTEXT, &self.bytes())[..4])
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.fingerprint())
    }
}

/// Where the key comes from. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Secrets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Absent when the key was given, or is kept in memory alone.
    file: Option<PathBuf>,
    key: Mutex<Option<SecretKey>>,
}

impl Secrets {
    /// A key that was given.
    #[must_use]
    pub fn given(key: SecretKey) -> Self {
        Self(Arc::new(Inner { file: None, key: Mutex::new(Some(key)) }))
    }

    /// A key that lies in a file, or will.
    #[must_use]
    pub fn in_file(path: PathBuf) -> Self {
        Self(Arc::new(Inner { file: Some(path), key: Mutex::default() }))
    }

    /// The key beside a database file; for a database that is no file of ours, a key that lasts as long as the process.
    pub(super) fn beside(database: Option<&Path>) -> Self {
        let file = database.map(|database| database.with_file_name("secret.key"));
        Self(Arc::new(Inner { file, key: Mutex::default() }))
    }

    /// The key, when it is there.
    pub(super) fn find_key(&self) -> Result<Option<SecretKey>, SecretsError> {
        self.look(&mut self.known())
    }

    fn known(&self) -> MutexGuard<'_, Option<SecretKey>> {
        self.0.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, known: &mut Option<SecretKey>) -> Result<Option<SecretKey>, SecretsError> {
        if let (None, Some(path)) = (&*known, &self.0.file) {
            *known = key_file::read(path)?;
        }
        Ok(known.clone())
    }

    /// The key, which must be there.
    pub(super) fn key(&self) -> Result<SecretKey, SecretsError> {
        let path = || self.0.file.as_deref().unwrap_or(Path::new("secret.key")).display().to_string();
        self.find_key()?.ok_or_else(|| SecretsError::Missing { path: path() })
    }

    /// The key, made now if it is not there.
    pub(super) fn key_or_new(&self) -> Result<SecretKey, SecretsError> {
        let mut known = self.known();
        if let Some(key) = self.look(&mut known)? {
            return Ok(key);
        }
        let key = match &self.0.file {
            Some(path) => key_file::make(path, &SecretKey::generate()?)?,
            None => SecretKey::generate()?,
        };
        Ok(known.insert(key).clone())
    }
}

/// A secret as it lies in the store: `v1:<fingerprint>:<nonce and ciphertext>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sealed(String);

/// Seals and opens the secrets of one row.
pub(super) struct Sealer {
    key: SecretKey,
    table: &'static str,
    row: String,
}

impl Sealer {
    pub(super) fn new(key: SecretKey, table: &'static str, row: &str) -> Self {
        Self { key, table, row: row.to_owned() }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.key.bytes().into())
    }

    fn belonging(&self, field: &str) -> String {
        format!("{VERSION}\0{}\0{}\0{field}", self.table, self.row)
    }

    pub(super) fn seal(&self, field: &str, text: &str) -> Result<Sealed, SecretsError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(SecretsError::NoRandomness)?;
        let belonging = self.belonging(field);
        let payload = Payload { msg: text.as_bytes(), aad: belonging.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| SecretsError::Damaged)?;
        Ok(Sealed(format!("{VERSION}:{}:{}{}", self.key.fingerprint(), to_hex(&nonce), to_hex(&sealed))))
    }

    pub(super) fn open(&self, field: &str, sealed: &Sealed) -> Result<SecretString, SecretsError> {
        let mut parts = sealed.0.splitn(3, ':');
        let (Some(VERSION), Some(theirs), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SecretsError::Damaged);
        };
        let present = self.key.fingerprint();
        if theirs != present {
            return Err(SecretsError::OtherKey { theirs: theirs.to_owned(), present });
        }
        let bytes = from_hex(rest).ok_or(SecretsError::Damaged)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SecretsError::Damaged)?;
        let belonging = self.belonging(field);
        let payload = Payload { msg: sealed, aad: belonging.as_bytes() };
        let text = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| SecretsError::Damaged)?;
        String::from_utf8(text).map(SecretString::from).map_err(|_| SecretsError::Damaged)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
