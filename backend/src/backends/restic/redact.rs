//! Takes secrets out of what restic prints.
//!
//! Any value of the instance's environment may be one; better a harmless value too many than a secret too few. Names that
//! are known to hold no secret are in [`HARMLESS`].

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::repository::RepositoryUrl;

/// What stands in a secret's place.
const HIDDEN: &str = "***";
/// Shorter values are found in ordinary words.
const SHORTEST: usize = 4;
/// Variables whose values are no secrets and would make sentences unreadable.
const HARMLESS: [&str; 12] = [
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "GOMAXPROCS",
    "HOME",
    "LANG",
    "PATH",
    "RESTIC_CACHE_DIR",
    "RESTIC_COMPRESSION",
    "RESTIC_PACK_SIZE",
    "RESTIC_READ_CONCURRENCY",
    "TMPDIR",
    "TZ",
];

/// Knows what must not be shown.
pub(super) struct Redactor {
    /// Longest first, so that one which holds another goes as a whole; each with what is shown instead.
    secrets: Vec<(SecretString, String)>,
}

impl Redactor {
    pub(super) fn new(repository: &RepositoryUrl, env: &BTreeMap<String, SecretString>) -> Self {
        let address = repository.expose();
        let mut secrets: Vec<(String, String)> = vec![(address.to_owned(), repository.to_string())];
        secrets.extend(passwords_in(address).map(|text| (text, HIDDEN.to_owned())));
        for (_, value) in env.iter().filter(|(name, _)| !HARMLESS.contains(&name.as_str())) {
            let lines = value.expose_secret().lines().map(str::trim);
            secrets.extend(lines.map(|line| (line.to_owned(), HIDDEN.to_owned())));
        }
        secrets.retain(|(text, shown)| text.len() >= SHORTEST && text != shown);
        secrets.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { secrets: secrets.into_iter().map(|(text, shown)| (text.into(), shown)).collect() }
    }

    /// The text without secrets, and without what a terminal would take for a command.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean: String = text.replace("\u{1b}[2K", "").chars().filter(|c| !c.is_control()).collect();
        for (secret, shown) in &self.secrets {
            if clean.contains(secret.expose_secret()) {
                clean = clean.replace(secret.expose_secret(), shown);
            }
        }
        clean
    }
}

/// The password between `user:` and `@host`, as it stands there and decoded.
fn passwords_in(address: &str) -> impl Iterator<Item = String> {
    let authority = address.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let user_info = authority.rsplit_once('@').map(|(user_info, _)| user_info).unwrap_or_default();
    let password = user_info.split_once(':').map(|(_, password)| password.to_owned()).unwrap_or_default();
    let decoded = decode_percent(&password);
    [password, decoded].into_iter()
}

fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(repository: &str, env: &[(&str, &str)]) -> Redactor {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect();
        Redactor::new(&RepositoryUrl::new(repository), &env)
    }

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let redactor = redactor(
            "rest:https://me:p%40ss-word@host/r",
            &[
                ("RESTIC_PASSWORD", "hunter22"),
                ("LONGER", "hunter22-more"),
                ("SHORT", "ab"),
                ("AWS_REGION", "eu-west-1"),
            ],
        );
        for (text, clean) in [
            ("bad hunter22-more, hunter22", "bad ***, ***"),
            ("absent in eu-west-1", "absent in eu-west-1"),
            ("HEAD https://me:p%40ss-word@host/r/config", "HEAD https://me:***@host/r/config"),
            ("decoded p@ss-word", "decoded ***"),
            ("\u{1b}[2Ksignal\u{7}", "signal"),
        ] {
            assert_eq!(redactor.clean(text), clean);
        }
        assert!(!redactor.clean("at rest:https://me:p%40ss-word@host/r now").contains("p%40ss"));
    }

    #[test]
    fn every_line_of_a_secret_with_several_goes() {
        let redactor = redactor("/srv/repo", &[("KEY", "-----BEGIN-----\nabcdefgh\n")]);
        assert_eq!(redactor.clean("read abcdefgh in /srv/repo"), "read *** in /srv/repo");
    }
}
