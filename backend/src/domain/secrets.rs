//! Which texts of instances and plans must never be shown.
//!
//! For whoever keeps secrets out of what is written. Where it cannot be told what is secret, more is taken for it rather
//! than less. One more place where secrets stand is one more line in [`secrets_of_instance`] or [`secrets_of_plan`]; one
//! more way to write them in a command is one more rule in [`collect_from_words`].

use secrecy::{ExposeSecret as _, SecretString};

use super::plan::{Destination, Hook, Instance, Plan};

/// What the name of a secret ends with, in lower case, whatever its hyphens.
const SECRET_KEYS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "access_key", "private_key"];
/// Variables of database tools with a password in them that are called otherwise.
const SECRET_VARIABLES: [&str; 2] = ["mysql_pwd", "rediscli_auth"];
/// Variables whose values are no secrets and would make sentences unreadable.
const HARMLESS_VARIABLES: [&str; 12] = [
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
/// Tools that take a password after `-p` or `-a`.
const DATABASE_TOOLS: [&str; 4] = ["mysql", "mariadb", "mongo", "redis-cli"];

/// Whether `key` is what a secret is called: `RESTIC_PASSWORD`, `api-key`.
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    SECRET_KEYS.iter().any(|name| key.ends_with(name))
}

/// Whether the value of an instance's variable may be a secret.
#[must_use]
pub fn may_be_secret(variable: &str) -> bool {
    !HARMLESS_VARIABLES.contains(&variable)
}

/// The password between `user:` and `@host` of an address, as it stands there and decoded.
pub fn passwords_in_address(address: &str) -> impl Iterator<Item = String> {
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

/// What of an instance is secret: values of its environment, the password in its address, who it is to a registry.
#[must_use]
pub fn secrets_of_instance(instance: &Instance) -> Vec<String> {
    let env = instance.env.iter().filter(|(name, _)| may_be_secret(name));
    let mut found: Vec<String> = env.map(|(_, value)| value.expose_secret().to_owned()).collect();
    match &instance.destination {
        Destination::Restic(settings) => found.extend(passwords_in_address(settings.repository.expose())),
        Destination::CustomImage(settings) => {
            let credentials = settings.credentials.iter();
            found.extend(credentials.map(|known| known.password.expose_secret().to_owned()));
        }
        Destination::Archive => {}
    }
    found
}

/// What of a plan is secret: passwords in its commands and in the arguments of its dumps.
#[must_use]
pub fn secrets_of_plan(plan: &Plan) -> Vec<String> {
    let hooks = plan.targets.iter().map(|target| &target.hooks).chain([&plan.hooks]);
    let hooks = hooks.flat_map(|hooks| hooks.pre.iter().chain(&hooks.post));
    let mut found: Vec<String> = hooks.flat_map(secrets_of_hook).collect();
    for target in &plan.targets {
        let words: Vec<&str> = target.dump_args.iter().map(SecretString::expose_secret).collect();
        collect_from_words(&words, true, &mut found);
    }
    found
}

fn secrets_of_hook(hook: &Hook) -> Vec<String> {
    let mut found = Vec::new();
    collect_from_line(hook.command.expose_secret(), &mut found);
    found
}

fn collect_from_line(line: &str, found: &mut Vec<String>) {
    let words = split_words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    collect_from_words(&words, DATABASE_TOOLS.iter().any(|tool| line.contains(tool)), found);
}

/// Finds `NAME_PASSWORD=…`, `--token=…`, `--password …`, `Bearer …`, the password of an address and of `--user`, and,
/// where a database tool may be called, `-p…`, `-p …` and `-a …`.
fn collect_from_words(words: &[&str], is_database_tool: bool, found: &mut Vec<String>) {
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let secret = match word.split_once(['=', ':']) {
            Some((key, value)) if is_secret_name(key) => value.trim(),
            None if word.starts_with('-') && is_secret_name(word) && !next.starts_with('-') => next,
            None if word.eq_ignore_ascii_case("bearer") => next,
            None if matches!(*word, "-u" | "--user") => next.split_once(':').map_or("", |(_, password)| password),
            None if is_database_tool && matches!(*word, "-p" | "-a") && !next.starts_with('-') => next,
            None if is_database_tool => word.strip_prefix("-p").unwrap_or_default(),
            _ => "",
        };
        // A variable is no value, and a number is a port.
        if !secret.starts_with('$') && !secret.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(secret.to_owned());
        }
        found.extend(passwords_in_address(word).filter(|password| !password.is_empty() && !password.starts_with('$')));
        // A command within a command, or the value of a header.
        if secret.is_empty() && word.contains(char::is_whitespace) {
            collect_from_line(word, found);
        }
    }
}

fn is_secret_name(key: &str) -> bool {
    let key = key.trim_start_matches('-');
    let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    is_name && (is_secret_key(key) || SECRET_VARIABLES.contains(&key.to_ascii_lowercase().as_str()))
}

/// The words of a line as a shell sees them, near enough: quotes hold together, and what ends a command ends a word.
fn split_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in line.chars() {
        match (character, quote) {
            (_, Some(open)) if character == open => quote = None,
            ('"' | '\'', None) => quote = Some(character),
            (_, None) if character.is_whitespace() || ";|&()<>`".contains(character) => {
                words.push(std::mem::take(&mut word));
            }
            _ => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_commands() {
        for (line, expected) in [
            ("MYSQL_PWD=hunter22 mysql -e 'flush tables'", &["hunter22"][..]),
            ("curl -fsS -H 'Authorization: Bearer abcd-1234' https://h/x", &["abcd-1234"]),
            ("curl -u me:s3cret-pw http://h", &["s3cret-pw"]),
            ("curl 'https://me:p%40ss@h/x?y'", &["p%40ss", "p@ss"]),
            ("sh -c \"mysqldump -pgeheim -u root\"; true", &["geheim"]),
            ("tool --api-key abcdef --port 1 && echo done", &["abcdef"]),
            ("tool --token=abcdef;sync", &["abcdef"]),
            ("REDISCLI_AUTH='a b c d' redis-cli save", &["a b c d"]),
            ("redis-cli -a geheim -p 6379 save", &["geheim"]),
            ("mysql -p\"$MYSQL_ROOT_PASSWORD\" -P3306", &[]),
            ("find /data -print; cp -p a b; PASSWORD=$X tool", &[]),
            ("sync\necho done", &[]),
        ] {
            let mut found = Vec::new();
            collect_from_line(line, &mut found);
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn names_of_secrets_are_known() {
        for (key, expected) in
            [("RESTIC_PASSWORD", true), ("x-api-key", true), ("PATH", false), ("tokens", false), ("", false)]
        {
            assert_eq!(is_secret_key(key), expected, "{key}");
        }
        assert!(may_be_secret("ANY") && !may_be_secret("TZ"));
    }
}
