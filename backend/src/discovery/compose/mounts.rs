//! The `volumes` of a service, in their short and long form.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::dotenv::{self, Env};
use super::files::join_clean;
use super::yaml;

/// What a service of a compose file mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeMount {
    /// What is mounted.
    pub source: ComposeSource,
    /// The path in the container.
    pub target: String,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComposeSource {
    /// A volume, by its key under `volumes`.
    Volume(String),
    /// A path, absolute, as this process sees the stack directory.
    Bind(PathBuf),
}

/// Reads one item of a service's `volumes`. `Ok(None)` is a mount without data that could be captured by name:
/// memory, anonymous volumes, images.
///
/// # Errors
/// A sentence on what is not understood.
pub(crate) fn parse_mount(item: &Value, base: &Path, env: &Env) -> Result<Option<ComposeMount>, String> {
    match yaml::find_text(item) {
        Some(text) => parse_short(&text, base, env),
        None if item.is_mapping() => parse_long(item, base, env),
        None => Err("an entry of 'volumes' is neither a text nor a mapping".to_owned()),
    }
}

fn parse_short(text: &str, base: &Path, env: &Env) -> Result<Option<ComposeMount>, String> {
    let text = dotenv::interpolate(text, env);
    if dotenv::has_variable(&text) {
        return Err(format!("the mount '{text}' has a variable that .env does not set"));
    }
    let mut parts = text.split(':');
    match (parts.next(), parts.next()) {
        (Some(source), Some(target)) if !source.is_empty() && !target.is_empty() => {
            let is_path = source.starts_with(['.', '/', '~']);
            find_source(source, is_path, base).map(|source| Some(ComposeMount { source, target: target.to_owned() }))
        }
        _ => Ok(None), // a path in the container alone: an anonymous volume
    }
}

fn parse_long(item: &Value, base: &Path, env: &Env) -> Result<Option<ComposeMount>, String> {
    let field = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| yaml::find(item, key)).and_then(yaml::find_text);
        found.map(|text| dotenv::interpolate(&text, env))
    };
    let kind = field(&["type"]).unwrap_or_default();
    let (Some(source), Some(target)) = (field(&["source", "src"]), field(&["target", "dst", "destination"])) else {
        return Ok(None);
    };
    if dotenv::has_variable(&source) {
        return Err(format!("the mount '{source}' has a variable that .env does not set"));
    }
    match kind.as_str() {
        "bind" => find_source(&source, true, base).map(|source| Some(ComposeMount { source, target })),
        "volume" => Ok(Some(ComposeMount { source: ComposeSource::Volume(source), target })),
        _ => Ok(None),
    }
}

fn find_source(source: &str, is_path: bool, base: &Path) -> Result<ComposeSource, String> {
    if !is_path {
        return Ok(ComposeSource::Volume(source.to_owned()));
    }
    if source.starts_with('~') {
        return Err(format!(
            "the mount '{source}' lies in the home directory of whoever runs Compose, which is not known"
        ));
    }
    Ok(ComposeSource::Bind(join_clean(base, source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(text: &str) -> Result<Option<ComposeMount>, String> {
        let env: Env = [("DATA".to_owned(), "./d".to_owned())].into();
        parse_mount(&yaml::parse(text.as_bytes()).expect("valid YAML"), Path::new("/opt/stacks/blog"), &env)
    }

    #[test]
    fn short_and_long_form() {
        let bind = |path: &str| Some((ComposeSource::Bind(path.into()), "/t"));
        let volume = |key: &str| Some((ComposeSource::Volume(key.into()), "/t"));
        for (text, expected) in [
            ("'./data:/t:ro'", bind("/opt/stacks/blog/data")),
            ("'../shared:/t'", bind("/opt/stacks/shared")),
            ("'/srv/x:/t:rw,z'", bind("/srv/x")),
            ("'${DATA}/x:/t'", bind("/opt/stacks/blog/d/x")),
            ("'${NO:-./y}:/t'", bind("/opt/stacks/blog/y")),
            ("'db:/t'", volume("db")),
            ("'/only/in/container'", None),
            ("{type: bind, source: ./a, target: /t}", bind("/opt/stacks/blog/a")),
            ("{type: bind, source: a, target: /t}", bind("/opt/stacks/blog/a")),
            ("{type: volume, src: v, dst: /t, read_only: true}", volume("v")),
            ("{type: volume, target: /t}", None),
            ("{type: tmpfs, target: /t}", None),
        ] {
            let found = mount(text).expect("understood").map(|m| (m.source, m.target));
            assert_eq!(found, expected.map(|(source, target)| (source, target.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_said() {
        for text in ["'${NO}:/t'", "'~/x:/t'", "[a]", "{type: bind, source: $NO, target: /t}"] {
            assert!(mount(text).is_err(), "{text}");
        }
    }
}
