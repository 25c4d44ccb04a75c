//! Finds the file, reads it, and puts file, environment and flags together.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::model::Config;
use super::problem::{ConfigErrors, ConfigWarning, Source};
use super::section::Context;
use super::tree::{self, Node, Place};
use super::{check, decode, overlay, yaml};
use crate::domain::hint::closest;

/// Where a file is looked for when none is named, in this order.
pub const SEARCH_PATHS: [&str; 4] = ["config.yml", "config.yaml", "/config.yml", "/etc/mainstay/config.yml"];

/// Variables that name the file, in this order.
const PATH_VARIABLES: [&str; 2] = ["MAINSTAY_CONFIG", "CONFIG_FILE"];

/// Larger files are refused: no configuration is this large.
const MOST_BYTES: usize = 1024 * 1024;

/// What helps when `${` stands in the line of a syntax error: `{ KEY: ${VALUE} }` looks right, but is no YAML.
const BRACES_HINT: &str = "; a variable in braces needs quotes within '{ }' and '[ ]'";

/// Reads a text file; the way to the disk, so that tests need none.
pub(super) type ReadFile<'a> = dyn Fn(&Path) -> io::Result<String> + 'a;

/// What the configuration is made of.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The file, where a flag names it.
    pub explicit_path: Option<PathBuf>,
    /// The process environment.
    pub env: BTreeMap<String, String>,
    /// Values of flags.
    pub overrides: Overrides,
}

/// Settings that flags may give; they win over everything.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--stacks-dir`
    pub stacks_dir: Option<String>,
    /// `--backup-dir`
    pub backup_dir: Option<String>,
    /// `--log-dir`
    pub log_dir: Option<String>,
    /// `--staging-dir`
    pub staging_dir: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--database-url`
    pub database_url: Option<String>,
    /// `--docker-host`
    pub docker_host: Option<String>,
}

impl Overrides {
    /// Every flag that is given: its name, the key it sets, its value.
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        [
            ("--stacks-dir", "stacks_dir", &self.stacks_dir),
            ("--backup-dir", "backup_dir", &self.backup_dir),
            ("--log-dir", "log_dir", &self.log_dir),
            ("--staging-dir", "staging_dir", &self.staging_dir),
            ("--listen", "listen", &self.listen),
            ("--database-url", "database_url", &self.database_url),
            ("--docker-host", "docker_host", &self.docker_host),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| value.as_deref().map(|value| (flag, key, value)))
    }
}

/// A configuration that holds.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file they come from; absent when there is none.
    pub path: Option<PathBuf>,
    /// What is accepted, but probably not meant.
    pub warnings: Vec<ConfigWarning>,
}

/// Loads the configuration.
///
/// # Errors
/// Every mistake in file, environment and flags at once; or that a file that was named cannot be read.
pub fn load(options: &LoadOptions) -> Result<Loaded, ConfigErrors> {
    load_with(options, &|path| std::fs::read_to_string(path)).map(|(loaded, _)| loaded)
}

/// Loads as much of the configuration as is needed to bring back what is at rest: mistakes that concern neither the
/// store nor the Docker Engine are returned beside it, and what they are about keeps its default.
///
/// # Errors
/// When the file cannot be read, or what is wrong concerns the store or the engine: to look in another store would
/// find nothing there and say that all is well.
pub fn load_for_resume(options: &LoadOptions) -> Result<(Loaded, Option<ConfigErrors>), ConfigErrors> {
    let read = read_all(options, &|path| std::fs::read_to_string(path))?;
    match read.problems {
        Some(problems) if problems.concerns_resume => Err(problems.errors),
        problems => Ok((read.loaded, problems.map(|problems| problems.errors))),
    }
}

/// [`load`] with another way to files; also returns every key that was asked for.
pub(super) fn load_with(
    options: &LoadOptions,
    read_file: &ReadFile<'_>,
) -> Result<(Loaded, BTreeSet<String>), ConfigErrors> {
    let read = read_all(options, read_file)?;
    match read.problems {
        Some(problems) => Err(problems.errors),
        None => Ok((read.loaded, read.known)),
    }
}

/// What was read, with what is wrong in it.
struct Read {
    loaded: Loaded,
    known: BTreeSet<String>,
    problems: Option<Problems>,
}

struct Problems {
    errors: ConfigErrors,
    concerns_resume: bool,
}

/// Keys without which it is not known what is at rest, and where.
const NEEDED_FOR_RESUME: [&str; 4] = ["database_url", "db_path", "dbPath", "docker_host"];

fn read_all(options: &LoadOptions, read_file: &ReadFile<'_>) -> Result<Read, ConfigErrors> {
    let file = find(options, read_file)?;
    let (path, text) = file.map_or((None, String::new()), |(path, text)| (Some(path), text));
    let name = path.as_deref().map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
    let source = Source { name: &name, text: &text };

    let context = Context::new(&options.env);
    let mut root = read_tree(&source, &context)?;
    overlay::apply_env(&mut root, &context, read_file);
    for (flag, key, value) in options.overrides.given() {
        overlay::insert(&mut root, &[key.to_owned()], &Place::Outside(flag.to_owned()), value.to_owned());
    }
    let mut config = Config { node_name: host_name(options, read_file), ..Config::default() };
    surroundings(&context, &mut config);
    overlay::decode_foreign(&context, &mut config);
    decode::decode(&context, &root, &mut config);
    let concerns = check::concerns(&config);

    let (problems, warnings, known) = context.finish();
    let problems = (!problems.is_empty()).then(|| Problems {
        concerns_resume: problems.iter().any(|problem| is_needed_for_resume(&problem.key)),
        errors: source.errors(problems),
    });
    let mut warnings = source.warnings(warnings);
    warnings.extend(concerns.into_iter().map(|(key, message)| ConfigWarning {
        key: key.to_owned(),
        origin: name.clone(),
        message,
    }));
    Ok(Read { loaded: Loaded { config, path, warnings }, known, problems })
}

/// Whether a mistake at `key` may be about one of the needed ones, which it may be a slip of. A mistake without a key is
/// about all of them.
fn is_needed_for_resume(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let name = key.strip_prefix("mainstay_").unwrap_or(&key);
    let name = name.strip_suffix("_file").unwrap_or(name);
    name.is_empty() || closest(name, NEEDED_FOR_RESUME.into_iter()).is_some()
}

/// The file's tree, with merge keys resolved.
fn read_tree(source: &Source<'_>, context: &Context<'_>) -> Result<Node, ConfigErrors> {
    let mut root = yaml::read(source.text).map_err(|error| {
        let line = error.position.and_then(|(line, _)| source.text.lines().nth(line.saturating_sub(1)));
        let hint = if line.is_some_and(|line| line.contains("${")) { BRACES_HINT } else { "" };
        let mut errors = ConfigErrors::single(source.name, format!("this is no valid YAML: {}{hint}", error.message));
        if let (Some((line, column)), [only]) = (error.position, errors.errors.as_mut_slice()) {
            (only.line, only.column) = (Some(line), Some(column));
        }
        errors
    })?;
    for (place, first, key) in tree::duplicates(&root) {
        let line = match first {
            Place::File(number) => yaml::locate(source.text, number).map(|(line, _)| line),
            Place::Outside(_) => None,
        };
        let first = line.map_or_else(String::new, |line| format!("; line {line} has it already"));
        context.problem(&place, &key, format!("the key '{key}' stands here twice{first}"));
    }
    tree::merge(&mut root);
    Ok(root)
}

/// The file that is named, or the first that exists.
fn find(options: &LoadOptions, read_file: &ReadFile<'_>) -> Result<Option<(PathBuf, String)>, ConfigErrors> {
    let by_flag = options.explicit_path.clone().map(|path| (path, "--config"));
    let by_variable = || {
        let value = |name: &str| options.env.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        PATH_VARIABLES.iter().find_map(|name| value(name).map(|path| (path, *name)))
    };
    if let Some((path, by)) = by_flag.or_else(by_variable) {
        return match read_file(&path) {
            Ok(text) => accept(path, text).map(Some),
            Err(error) => Err(unreadable(&path, &error, &format!(", which {by} names,"))),
        };
    }
    for path in SEARCH_PATHS.map(PathBuf::from) {
        match read_file(&path) {
            Ok(text) => return accept(path, text).map(Some),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(&path, &error, "")),
        }
    }
    Ok(None)
}

fn accept(path: PathBuf, text: String) -> Result<(PathBuf, String), ConfigErrors> {
    if text.len() > MOST_BYTES {
        let message = format!("the file has {} bytes, at most {MOST_BYTES} are read", text.len());
        return Err(ConfigErrors::single(path.display().to_string(), message));
    }
    Ok((path, text))
}

fn unreadable(path: &Path, error: &io::Error, named: &str) -> ConfigErrors {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory; Docker makes one where a mounted file is missing".to_owned(),
        io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    ConfigErrors::single(path.display().to_string(), format!("the file{named} {reason}"))
}

/// The host's own name.
fn host_name(options: &LoadOptions, read_file: &ReadFile<'_>) -> String {
    let from_env = options.env.get("HOSTNAME").cloned();
    let name = from_env.or_else(|| read_file(Path::new("/proc/sys/kernel/hostname")).ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// Variables of the surroundings that are no setting by themselves: the zone, and the port that older images use; and one
/// that others honour and we do not. A value that cannot be read is a warning, since it may be meant for something else.
fn surroundings(context: &Context<'_>, config: &mut Config) {
    let warn = |name: &str, value: &str, what: &str, hint: Option<&str>| {
        let hint = hint.map_or_else(String::new, |hint| format!("; did you mean '{hint}'?"));
        context.warn(&Place::Outside(name.to_owned()), name, format!("'{value}' is no {what} and is ignored{hint}"));
    };
    if let Some(text) = context.env.get("TZ").filter(|text| !text.is_empty()) {
        match text.trim_start_matches(':').parse() {
            Ok(zone) => config.timezone = zone,
            Err(_) => {
                let hint = closest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
                warn("TZ", text, "IANA time zone", hint);
            }
        }
    }
    if let Some(text) = context.env.get("API_PORT").filter(|text| !text.is_empty()) {
        match text.parse() {
            Ok(port) => config.listen = SocketAddr::new(config.listen.ip(), port),
            Err(_) => warn("API_PORT", text, "port", None),
        }
    }
    if context.env.get("ENABLE_EVENTS").is_some_and(|text| !text.is_empty() && text != "true") {
        let message = "'ENABLE_EVENTS' has no effect: the events of the Docker Engine are always followed";
        context.warn(&Place::Outside("ENABLE_EVENTS".to_owned()), "ENABLE_EVENTS", message.to_owned());
    }
}
