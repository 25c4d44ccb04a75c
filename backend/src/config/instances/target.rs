//! What an instance captures.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{excludes, hooks, tags, warn_of_useless};
use crate::config::section::Section;
use crate::config::value::Field;
use crate::domain::labels::split_arguments;
use crate::domain::names::{StackName, check_name};
use crate::domain::plan::{DatabaseKind, Hooks, Origin, Target, What};
use crate::domain::target_rules::{parse_host_path, parse_parts};

/// Keys that mean nothing for some kinds of targets, as they were found.
struct Special {
    paths: Option<(String, Vec<PathBuf>)>,
    stop_attached: Option<(String, bool)>,
    kind: Option<(String, DatabaseKind)>,
    args: Option<(String, Vec<SecretString>)>,
}

/// Reads one target.
pub(super) fn read(field: &Field<'_>) -> Option<Target> {
    let mut section = field.section()?;
    let what = read_what(field, &mut section);
    let hooks = Hooks {
        pre: section.get(&["pre_hook", "preHook"], hooks::read_some).unwrap_or_default(),
        post: section.get(&["post_hook", "postHook"], hooks::read_some).unwrap_or_default(),
    };
    let (excludes, tags) = (excludes(&mut section), tags(&mut section));
    let special = Special::read(&mut section);
    section.finish();
    let what = what?;
    special.warn(&what, field);
    Some(Target {
        what,
        origin: Origin::Config,
        paths: special.paths.map(|(_, paths)| paths).unwrap_or_default(),
        stop_attached: special.stop_attached.map(|(_, is_on)| is_on),
        hooks,
        database: special.kind.map(|(_, kind)| kind),
        dump_args: special.args.map(|(_, args)| args).unwrap_or_default(),
        excludes,
        tags,
    })
}

fn read_what(field: &Field<'_>, section: &mut Section<'_>) -> Option<What> {
    let fields = [section.take(&["volume"]), section.take(&["db"]), section.take(&["stack"]), section.take(&["path"])];
    let [volume, database, stack, path] = fields.map(|field| field.filter(|field| !field.is_blank()));
    match (volume, database, stack, path) {
        (Some(volume), None, None, None) => volume.checked(checked_name).map(What::Volume),
        // The engine itself writes a slash before the name.
        (None, Some(container), None, None) => {
            container.checked(|text| checked_name(text.trim_start_matches('/'))).map(What::Database)
        }
        (None, None, Some(stack), None) => stack.checked(str::parse::<StackName>).map(What::Stack),
        (None, None, None, Some(path)) => path.checked(parse_host_path).map(What::Path),
        _ => field.must_be("exactly one of 'volume', 'db', 'stack' and 'path'"),
    }
}

fn checked_name(text: &str) -> Result<String, crate::domain::names::InvalidName> {
    check_name(text).map(|()| text.to_owned())
}

impl Special {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            paths: section.get(&["paths"], |field| Some((field.path.clone(), parts(field)?))),
            stop_attached: section
                .get(&["stop_attached", "stopAttached"], |field| Some((field.path.clone(), field.flag()?))),
            kind: section
                .take(&["db_kind", "dbKind"])
                .filter(|field| !field.is_blank())
                .and_then(|field| Some((field.path.clone(), field.word()?))),
            args: section.get(&["dump_args", "dumpArgs"], |field| Some((field.path.clone(), arguments(field)?))),
        }
    }

    /// Says which keys mean nothing for what the target is.
    fn warn(&self, what: &What, field: &Field<'_>) {
        let paths = self.paths.as_ref().filter(|(_, paths)| !paths.is_empty()).map(|(path, _)| path.clone());
        let stop = self.stop_attached.as_ref().map(|(path, _)| path.clone());
        let kind = self.kind.as_ref().map(|(path, _)| path.clone());
        let args = self.args.as_ref().map(|(path, _)| path.clone());
        match what {
            What::Volume(_) | What::Path(_) => warn_of_useless([kind, args], "without a database", field),
            What::Database(_) => warn_of_useless([paths, stop], "on a database, which is dumped while it runs", field),
            What::Stack(_) => {
                warn_of_useless([paths, kind, args], "on a stack", field);
            }
        }
    }
}

/// Parts of a volume or path; each mistake is reported where it stands.
fn parts(field: &Field<'_>) -> Option<Vec<PathBuf>> {
    let texts = field.list(|item| item.checked(|text| parse_parts([text]).map(|_| text.to_owned())))?;
    parse_parts(texts.iter().map(String::as_str)).ok()
}

fn arguments(field: &Field<'_>) -> Option<Vec<SecretString>> {
    let texts = field.list(|item| item.expanded_text())?;
    Some(texts.iter().flat_map(|text| split_arguments(text)).collect())
}
