//! The password: configured, or made by the first start and printed once.

use chrono::Duration;
use secrecy::ExposeSecret;

use crate::api::auth::password;
use crate::api::state::AuthSettings;
use crate::config::Config;
use crate::store::Store;

/// How many random letters a made password has, in groups of four: 60 bits.
const PASSWORD_LETTERS: usize = 12;

/// Puts the password's hash into the store, and says what else the API needs to let people in. A service that lives as
/// long as a command makes no password: it would be shown to someone who did not ask for one.
pub(super) async fn prepare(config: &Config, store: &Store, is_for_command: bool) -> anyhow::Result<AuthSettings> {
    let session_lifetime = Duration::from_std(config.auth.session_ttl)?;
    let settings = AuthSettings { is_disabled: config.auth.disabled, session_lifetime };
    if config.auth.disabled {
        tracing::warn!("auth is switched off: everyone who reaches the address may do everything");
    } else if let Some(configured) = &config.auth.password {
        // Written only when it is another one: a start must not need room on the disk, or a store that is not locked.
        let known = store.find_password_hash().await?;
        if !known.is_some_and(|hash| password::is_match(configured.expose_secret(), &hash)) {
            store.set_password_hash(&password::hash(configured.expose_secret())?).await?;
        }
    } else if !is_for_command && store.find_password_hash().await?.is_none() {
        let made = make_password()?;
        store.set_password_hash(&password::hash(&made)?).await?;
        print_once(&made);
    }
    Ok(settings)
}

fn make_password() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bytes = [0_u8; PASSWORD_LETTERS];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the machine has no randomness: {e}"))?;
    let letters: Vec<char> = bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect();
    Ok(letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

/// Straight to the terminal: a log keeps what it is told.
#[expect(clippy::print_stderr, reason = "the password is printed once and must not be in a log")]
fn print_once(password: &str) {
    eprintln!(
        "\n  No password is configured. This one was made and is shown only now:\n\n      {password}\n\n  \
         Set MAINSTAY_AUTH__PASSWORD to choose your own.\n"
    );
}
