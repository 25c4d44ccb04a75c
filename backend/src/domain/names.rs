//! Names that come from outside and reach the file system or the Docker API.
//!
//! They are parsed here once; everything behind takes the parsed type, so that no unchecked name can reach a
//! path or an engine call. The Docker client does not escape names in request paths, which makes this the only
//! guard against `..` in one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name that is accepted, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// The longest name of a file, in bytes.
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The text has no characters.
    #[error("the name is empty")]
    Empty,
    /// The text is longer than [`MAX_NAME_BYTES`].
    #[error("the name has {0} bytes, at most {MAX_NAME_BYTES} are allowed")]
    TooLong(usize),
    /// The text holds a character that no name may have.
    #[error(
        "'{character}' at position {position} is not allowed; a name has letters, digits, '_', '.' and '-', and starts with a letter or digit"
    )]
    Character {
        /// The offending character, escaped.
        character: String,
        /// Its place, counted from 1.
        position: usize,
    },
    /// The text is longer than [`MAX_FILE_NAME_BYTES`].
    #[error("the name has {0} bytes, a file's name has at most {MAX_FILE_NAME_BYTES}")]
    TooLongForFile(usize),
    /// The text is no log file's name.
    #[error("the name of a log file ends in '.log'")]
    NotALog,
}

/// Checks the rule that Docker has for the names of containers and volumes: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`.
///
/// # Errors
/// Says which character is wrong, or that the text is empty or too long.
pub fn check_name(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(InvalidName::TooLong(text.len()));
    }
    check_characters(text)
}

fn check_characters(text: &str) -> Result<(), InvalidName> {
    for (index, character) in text.chars().enumerate() {
        let is_allowed = character.is_ascii_alphanumeric() || (index > 0 && matches!(character, '_' | '.' | '-'));
        if !is_allowed {
            return Err(InvalidName::Character {
                character: character.escape_default().to_string(),
                position: index + 1,
            });
        }
    }
    Ok(())
}

/// The longest reference of an image that is accepted, in bytes.
pub const MAX_IMAGE_BYTES: usize = 512;

/// Why a text is not an image's reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the reference of an image, such as 'registry.example.org/team/image:1.2'")]
pub struct InvalidImage(String);

/// Checks that a text may be an image's reference or id and cannot leave its place in a request path: components
/// between slashes begin with a letter or digit and have letters, digits, and `_ . - : @` otherwise.
///
/// # Errors
/// Repeats the text, escaped.
pub fn check_image_reference(text: &str) -> Result<(), InvalidImage> {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '@'))
    };
    if text.len() <= MAX_IMAGE_BYTES && text.split('/').all(is_part) {
        return Ok(());
    }
    Err(InvalidImage(text.escape_default().to_string()))
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                check_name(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_name!(
    /// The name of a stack: the Compose project name, or the directory's name where there is no project.
    StackName
);

checked_name!(
    /// The id of an instance. It is part of paths in the staging directory and of container names.
    InstanceId
);

checked_name!(
    /// The id of a plan. The plan that every instance has of itself is called as the instance is.
    PlanId
);

/// The plan that an instance has of itself.
impl From<&InstanceId> for PlanId {
    fn from(instance: &InstanceId) -> Self {
        Self(instance.0.clone())
    }
}

/// The name of a log file within the log directory. It names nothing outside of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName(String);

impl LogName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.len() > MAX_FILE_NAME_BYTES {
            return Err(InvalidName::TooLongForFile(text.len()));
        }
        check_characters(text)?;
        if text.ends_with(".log") { Ok(Self(text.to_owned())) } else { Err(InvalidName::NotALog) }
    }
}

impl From<LogName> for String {
    fn from(name: LogName) -> String {
        name.0
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_docker_are_accepted() {
        for text in ["blog", "Blog", "my-stack_2.0", "0", &"a".repeat(MAX_NAME_BYTES)] {
            assert!(text.parse::<StackName>().is_ok(), "{text}");
        }
    }

    #[test]
    fn names_that_could_leave_their_directory_are_refused() {
        for text in ["..", ".", "a/b", "../x", "a\\b", "a\0b", ".hidden", "-rf", "a b", "ä", "a\nb"] {
            assert!(matches!(text.parse::<StackName>(), Err(InvalidName::Character { .. })), "{text:?}");
        }
        assert_eq!("".parse::<StackName>(), Err(InvalidName::Empty));
        assert_eq!("x".repeat(300).parse::<StackName>(), Err(InvalidName::TooLong(300)));
    }

    #[test]
    fn a_reference_of_an_image_cannot_leave_its_place() {
        let digest = format!("host:5000/a/b:1@sha256:{}", "0".repeat(64));
        for text in ["alpine", "alpine:3.20", "ghcr.io/Team/x_y:1-2", &digest, &format!("sha256:{}", "f".repeat(64))] {
            assert_eq!(check_image_reference(text), Ok(()), "{text}");
        }
        for text in ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a b", "a?x=1", "a#b", "a%2e", &"x".repeat(600)]
        {
            assert!(check_image_reference(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_error_names_the_character_and_its_place() {
        let error = check_name("ab/c").expect_err("a slash");
        assert!(error.to_string().starts_with("'/' at position 3"), "{error}");
    }

    #[test]
    fn a_log_name_stays_in_its_directory() {
        let longest = format!("{}.log", "x".repeat(MAX_FILE_NAME_BYTES - 4));
        for text in ["mainstay_2026-11-21.log", "backup_blog_2026-11-21_03-00-00_job_1.log", &longest] {
            assert!(text.parse::<LogName>().is_ok(), "{text}");
        }
        for text in ["../x.log", "a/b.log", "/etc/x.log", ".hidden.log", "a\0.log", "a\n.log", "-x.log"] {
            assert!(matches!(text.parse::<LogName>(), Err(InvalidName::Character { .. })), "{text:?}");
        }
        assert_eq!("".parse::<LogName>(), Err(InvalidName::Empty));
        assert_eq!("mainstay.db".parse::<LogName>(), Err(InvalidName::NotALog));
        assert_eq!(format!("x{longest}").parse::<LogName>(), Err(InvalidName::TooLongForFile(256)));
    }
}
