//! Further arguments of a dump tool, and who it is to be.
//!
//! A password among them is taken out, because the arguments of a process are seen by the whole host. The rest goes to
//! the tool as it is, each for itself.

use secrecy::{ExposeSecret, SecretString};

use crate::domain::plan::DatabaseKind;

/// What arguments say.
#[derive(Default)]
pub(super) struct Arguments {
    /// The user.
    pub(super) user: Option<Given>,
    /// The password.
    pub(super) password: Option<Given>,
    /// Everything else.
    pub(super) rest: Vec<String>,
}

/// A value, or where it is.
pub(super) enum Given {
    /// The value.
    Value(SecretString),
    /// A variable of the container that holds it. Marina handed arguments to a shell.
    Variable(String),
}

/// How a tool takes one of the two; empty names are none.
struct Flag {
    short: &'static str,
    long: &'static str,
    /// Whether the value may also be the next argument.
    may_follow: bool,
}

/// The flags of user and password.
const fn flags_of(kind: DatabaseKind) -> (Flag, Flag) {
    match kind {
        DatabaseKind::Postgres => (flag("-U", "--username", true), flag("", "", false)),
        DatabaseKind::Mysql | DatabaseKind::Mariadb => (flag("-u", "--user", true), flag("-p", "--password", false)),
        DatabaseKind::Mongo => (flag("-u", "--username", true), flag("-p", "--password", true)),
        DatabaseKind::Redis => (flag("", "--user", true), flag("-a", "--pass", true)),
    }
}

const fn flag(short: &'static str, long: &'static str, may_follow: bool) -> Flag {
    Flag { short, long, may_follow }
}

impl Flag {
    /// The value, when this argument is the flag; takes the next one where it holds it.
    fn value_of<'a>(&self, argument: &'a str, rest: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
        if self.long.is_empty() {
            return None;
        }
        if argument == self.long || argument == self.short {
            return if self.may_follow { rest.next() } else { None };
        }
        let attached = argument.strip_prefix(self.long).and_then(|behind| behind.strip_prefix('='));
        // A long flag begins like no short one: its second character is a dash.
        attached.or_else(|| argument.strip_prefix(self.short).filter(|_| !self.short.is_empty()))
    }
}

/// Reads arguments of a kind's tool. Of several users or passwords the last one counts.
pub(super) fn read(kind: DatabaseKind, arguments: &[SecretString]) -> Arguments {
    let (user, password) = flags_of(kind);
    let mut read = Arguments::default();
    let mut words = arguments.iter().map(ExposeSecret::expose_secret);
    while let Some(argument) = words.next() {
        if let Some(value) = user.value_of(argument, &mut words) {
            read.user = Some(Given::read(value));
        } else if let Some(value) = password.value_of(argument, &mut words) {
            read.password = Some(Given::read(value));
        } else {
            read.rest.push(argument.to_owned());
        }
    }
    read
}

impl Given {
    fn read(text: &str) -> Self {
        let text = text.trim_matches(['"', '\'']);
        let name = text.strip_prefix('$').map(|name| name.trim_start_matches('{').trim_end_matches('}'));
        match name {
            Some(name) if is_name(name) => Self::Variable(name.to_owned()),
            _ => Self::Value(text.into()),
        }
    }

    /// The variable by which a script is told of it: `NAME`, or `NAME_IN` with the name of another variable.
    pub(super) fn to_variable(&self, name: &str) -> (String, SecretString) {
        match self {
            Self::Value(value) => (name.to_owned(), value.clone()),
            Self::Variable(other) => (format!("{name}_IN"), other.as_str().into()),
        }
    }
}

/// Whether a shell takes it for the name of a variable.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What the arguments of a Redis server say of its password: itself, or the configuration file that may hold it.
pub(super) fn read_server(words: &[String]) -> Vec<(String, SecretString)> {
    let mut told = Vec::new();
    // One argument may be a whole line for a shell.
    let mut words = words.iter().flat_map(|argument| argument.split_whitespace());
    while let Some(word) = words.next() {
        if word == "--requirepass" {
            told.extend(words.next().map(|text| Given::read(text).to_variable("MAINSTAY_PASSWORD")));
        } else if word.ends_with(".conf") {
            told.push(("MAINSTAY_CONFIG".to_owned(), word.into()));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: Option<&Given>) -> Option<String> {
        given.map(|given| {
            let (name, value) = given.to_variable("X");
            format!("{name}={}", value.expose_secret())
        })
    }

    fn read_words(kind: DatabaseKind, words: &[&str]) -> (Option<String>, Option<String>, Vec<String>) {
        let words: Vec<SecretString> = words.iter().map(|&word| word.into()).collect();
        let found = read(kind, &words);
        (text(found.user.as_ref()), text(found.password.as_ref()), found.rest)
    }

    #[test]
    fn user_and_password_leave_the_arguments_in_every_form() {
        let both = (Some("X=root".to_owned()), Some("X=se=cret".to_owned()), vec!["--quick".to_owned()]);
        for words in [
            &["-uroot", "-pse=cret", "--quick"][..],
            &["--quick", "-u", "root", "--password=se=cret"],
            &["--user", "root", "-p\"se=cret\"", "--quick"],
        ] {
            assert_eq!(read_words(DatabaseKind::Mysql, words), both, "{words:?}");
        }
        assert_eq!(read_words(DatabaseKind::Mongo, &["-u", "root", "-p", "se=cret", "--quick"]), both);
        assert_eq!(read_words(DatabaseKind::Redis, &["--user", "root", "-a", "se=cret", "--quick"]), both);
        let postgres = read_words(DatabaseKind::Postgres, &["-U", "me", "--clean", "-p", "5433"]);
        assert_eq!(postgres, (Some("X=me".to_owned()), None, ["--clean", "-p", "5433"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_only_looks_alike_stays() {
        let words = ["--password", "--user-agent=x", "--port=1", "--single-transaction"];
        assert_eq!(read_words(DatabaseKind::Mariadb, &words), (None, None, words.map(str::to_owned).to_vec()));
        assert_eq!(read_words(DatabaseKind::Redis, &["-u"]), (None, None, vec!["-u".to_owned()]), "an address there");
    }

    #[test]
    fn a_variable_of_the_container_is_told_by_its_name() {
        let (_, password, _) = read_words(DatabaseKind::Mariadb, &["-p\"${DB_PASS}\""]);
        assert_eq!(password.as_deref(), Some("X_IN=DB_PASS"));
        let (_, password, _) = read_words(DatabaseKind::Mariadb, &["-p$(reboot)"]);
        assert_eq!(password.as_deref(), Some("X=$(reboot)"), "a value like any other");
    }

    #[test]
    fn the_password_of_a_server_is_found_in_its_own_arguments() {
        let read = |words: &[&str]| -> Vec<(String, String)> {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            read_server(&words).into_iter().map(|(name, value)| (name, value.expose_secret().to_owned())).collect()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read(&["--port", "1", "--requirepass", "s3cret"]), [pair("MAINSTAY_PASSWORD", "s3cret")]);
        assert_eq!(read(&["-c", "exec redis-server --requirepass \"$PW\" "]), [pair("MAINSTAY_PASSWORD_IN", "PW")]);
        assert_eq!(read(&["/etc/redis.conf"]), [pair("MAINSTAY_CONFIG", "/etc/redis.conf")]);
        assert!(read(&["--requirepass"]).is_empty());
    }
}
