//! Takes the secrets out of an engine's answer before it is kept.
//!
//! Better a harmless value too many than a secret too few. To hide one more kind, add its word to [`SECRET_WORDS`].

use serde_json::Value;

/// What stands in a secret's place.
const HIDDEN: &str = "***";
/// A name that holds one of these words names a secret.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "key", "credential", "auth"];

/// Replaces secrets in a container's inspect answer, in place. Names stay, values go.
pub(super) fn redact_inspect(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                redact_member(name, member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_inspect),
        Value::String(text) => *text = hide_url_password(text),
        _ => {}
    }
}

fn redact_member(name: &str, member: &mut Value) {
    match member {
        Value::Array(items) if name == "Env" => edit_texts(items, hide_value),
        Value::Array(items) if ["Cmd", "Entrypoint", "Args", "Test"].contains(&name) => redact_arguments(items),
        // Health checks print what they like.
        Value::String(text) if name == "Output" || sounds_secret(name) => HIDDEN.clone_into(text),
        other => redact_inspect(other),
    }
}

fn redact_arguments(items: &mut [Value]) {
    let mut follows_secret_flag = false;
    edit_texts(items, |text| redact_words(text, &mut follows_secret_flag));
}

fn edit_texts(items: &mut [Value], mut edit: impl FnMut(&str) -> String) {
    for item in items {
        if let Value::String(text) = item {
            *text = edit(text);
        }
    }
}

/// One argument may be a whole shell line, so each of its words is looked at.
fn redact_words(text: &str, follows_secret_flag: &mut bool) -> String {
    let words: Vec<String> = text.split(' ').map(|word| redact_word(word, follows_secret_flag)).collect();
    words.join(" ")
}

fn redact_word(word: &str, follows_secret_flag: &mut bool) -> String {
    let is_secret = std::mem::replace(follows_secret_flag, false);
    if is_secret && !word.is_empty() {
        return HIDDEN.to_owned();
    }
    match word.split_once('=') {
        Some((name, _)) if sounds_secret(name) => hide_value(word),
        None if word.starts_with('-') && sounds_secret(word) => {
            *follows_secret_flag = true;
            word.to_owned()
        }
        _ => hide_url_password(word),
    }
}

fn hide_value(assignment: &str) -> String {
    assignment.split_once('=').map_or_else(|| assignment.to_owned(), |(name, _)| format!("{name}={HIDDEN}"))
}

/// Whether a name tells that its value is a secret.
#[must_use]
pub fn sounds_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| lower.contains(word))
}

fn hide_url_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    match authority.rsplit_once('@').and_then(|(user_info, _)| user_info.split_once(':')) {
        Some((user, secret)) => {
            let behind = &rest[user.len() + 1 + secret.len()..];
            format!("{scheme}://{user}:{HIDDEN}{behind}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let mut value = json!({
            "Config": {
                "Env": ["A=1", "DB_PASSWORD=hunter2=x", "EMPTY"],
                "Cmd": ["serve", "--api-token", "t0k", "--password=p", "--port", "80"],
                "Entrypoint": ["sh", "-c", "PGPASSWORD=q psql --user me"],
                "Labels": {"app.secret": "s", "app.name": "blog", "db": "postgres://me:pw@db/x"},
            },
            "Args": ["redis://:r3dis@cache:6379"],
            "State": {"Health": {"Log": [{"ExitCode": 0, "Output": "token is 7"}]}},
            "HostConfig": {"LogConfig": {"Config": {"splunk-token": "s"}}, "Memory": 5},
        });
        redact_inspect(&mut value);
        let expected = json!({
            "Config": {
                "Env": ["A=***", "DB_PASSWORD=***", "EMPTY"],
                "Cmd": ["serve", "--api-token", "***", "--password=***", "--port", "80"],
                "Entrypoint": ["sh", "-c", "PGPASSWORD=*** psql --user me"],
                "Labels": {"app.secret": "***", "app.name": "blog", "db": "postgres://me:***@db/x"},
            },
            "Args": ["redis://:***@cache:6379"],
            "State": {"Health": {"Log": [{"ExitCode": 0, "Output": "***"}]}},
            "HostConfig": {"LogConfig": {"Config": {"splunk-token": "***"}}, "Memory": 5},
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn urls_without_a_password_stay() {
        for text in ["http://host/a:b@c", "plain", "ssh://user@host", "://", "a://ü@:"] {
            assert_eq!(hide_url_password(text), text);
        }
        assert_eq!(hide_url_password("x://u:p@q@h/ü"), "x://u:***@h/ü", "an @ inside the password");
    }
}
