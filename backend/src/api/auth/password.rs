//! Password hashes: Argon2id in PHC form, which carries its own parameters.
//!
//! Both functions take a tenth of a second and 19 MiB: never call them on a worker's thread, [`check`] is the way.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

use super::super::problem::ApiError;
use super::super::state::AppState;

/// Why a password cannot be hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The machine has no randomness.
    #[error("the machine gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// The hash function refused.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
}

/// The hash of `password` with a new salt.
///
/// # Errors
/// When the machine has no randomness, or the password is longer than 4 GiB.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(PasswordError::Random)?;
    let salt = SaltString::encode_b64(&salt).map_err(PasswordError::Hash)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

/// Whether `password` has this `hash`; no for a hash that cannot be read.
#[must_use]
pub fn is_match(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Compares `password` with the stored hash on a thread that may block; no when none is stored.
///
/// # Errors
/// When the store does not answer or the service is ending.
pub async fn check(state: &AppState, password: String) -> Result<bool, ApiError> {
    let Some(stored) = state.store.find_password_hash().await? else { return Ok(false) };
    let _slot = state.password_checks.acquire().await.map_err(|_| ApiError::ShuttingDown)?;
    actix_web::web::block(move || is_match(&password, &stored)).await.map_err(|_| ApiError::ShuttingDown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_only() {
        let one = hash("correct horse").expect("a hash");
        assert!(one.starts_with("$argon2id$"), "{one}");
        assert!(is_match("correct horse", &one));
        assert!(!is_match("correct horse ", &one));
        assert_ne!(one, hash("correct horse").expect("a hash"), "each has its own salt");
        assert!(!is_match("x", "no hash"));
    }
}
