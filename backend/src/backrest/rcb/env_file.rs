//! The file with the variables of rcb, in the form of `docker run --env-file`.

use std::path::Path;

use secrecy::SecretString;

/// Variables in the order of the file. Their values may be secrets.
pub type Variables = Vec<(String, SecretString)>;

/// Why the file cannot be used. No value of it is ever shown.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// It cannot be read.
    #[error("the env file '{path}' cannot be read")]
    Unreadable {
        /// Where it was looked for.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line has no name before its equals sign.
    #[error("line {line} of the env file '{path}' is no variable: write NAME=value")]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
    },
}

/// Reads the file. Lines that are empty or begin with `#` are skipped; everything behind the first equals sign is the value, with
/// its quotes; a name alone takes its value from `environment`, and is skipped where that has none.
///
/// # Errors
/// When the file cannot be read, or a line is no variable.
pub fn read_env_file(path: &Path, environment: impl Fn(&str) -> Option<String>) -> Result<Variables, EnvFileError> {
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| EnvFileError::Unreadable { path: shown(), source })?;
    let mut variables = Variables::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line.trim_end(), environment(line.trim_end())),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(EnvFileError::Line { path: shown(), line: number });
        }
        variables.retain(|(known, _)| known != name);
        variables.extend(value.map(|value| (name.to_owned(), SecretString::from(value))));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn read(text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let found = read_env_file(file.path(), |name| (name == "HERE").then(|| "from outside".to_owned()))?;
        Ok(found.into_iter().map(|(name, value)| (name, value.expose_secret().to_owned())).collect())
    }

    #[test]
    fn lines_are_read_as_docker_reads_them() {
        let text =
            "# rcb\n\nRESTIC_REPOSITORY=s3:https://x/y\nRESTIC_PASSWORD=a=b # c\nQUOTED=\"x\"\nHERE\nGONE\n A=1\nA=2\n";
        let expected = [
            ("RESTIC_REPOSITORY", "s3:https://x/y"),
            ("RESTIC_PASSWORD", "a=b # c"),
            ("QUOTED", "\"x\""),
            ("HERE", "from outside"),
            ("A", "2"),
        ];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(read(text).expect("readable"), expected);
    }

    #[test]
    fn a_line_that_is_no_variable_is_told_by_its_number_alone() {
        for text in ["A=1\nhunter two\n", "A=1\n=hunter2\n", "A=1\nB C=hunter2\n"] {
            let said = read(text).expect_err("no variable").to_string();
            assert!(said.contains("line 2") && !said.contains("hunter"), "{said}");
        }
    }
}
