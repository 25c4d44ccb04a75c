//! Takes secrets out of what restic prints.
//!
//! Any value of the instance's environment may be one; better a harmless value too many than a secret too few. Names that
//! are known to hold no secret are told by [`may_be_secret`].

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::repository::RepositoryUrl;
use crate::domain::secrets::{may_be_secret, passwords_in_address};

/// What stands in a secret's place.
const HIDDEN: &str = "***";
/// Shorter values are found in ordinary words.
const SHORTEST: usize = 4;

/// Knows what must not be shown.
pub(super) struct Redactor {
    /// Longest first, so that one which holds another goes as a whole; each with what is shown instead.
    secrets: Vec<(SecretString, String)>,
}

impl Redactor {
    pub(super) fn new(repository: &RepositoryUrl, env: &BTreeMap<String, SecretString>) -> Self {
        let address = repository.expose();
        let mut secrets: Vec<(String, String)> = vec![(address.to_owned(), repository.to_string())];
        secrets.extend(passwords_in_address(address).map(|text| (text, HIDDEN.to_owned())));
        for (_, value) in env.iter().filter(|(name, _)| may_be_secret(name)) {
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
