//! What labels on volumes and containers ask to be backed up.
//!
//! Three families of labels mean the same: ours (`mainstay.enable`), Marina's (`dev.polarfox.marina.enabled`), and those
//! of its first versions (`eu.polarnight.marina.enabled`). A label of one of them that nobody knows, or that says
//! something that cannot be read, is a warning and never silence. To add a label: a [`Key`], its line in `keys.rs`, what
//! it does in [`read_target`], and a line in the table of the README. The labels that say how a container is brought to
//! rest are in `wishes.rs`.

use std::collections::BTreeMap;

use super::names::check_name;
use super::plan::{DatabaseKind, Hook, Hooks, Origin, Target, What};

mod keys;
mod values;

#[cfg(test)]
mod tests;

use keys::{Found, Key};
pub use keys::{is_of_a_family, is_ours};
pub use values::split_arguments;

/// What carries labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// A volume.
    Volume,
    /// A container.
    Container,
}

impl Carrier {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Container => "container",
        }
    }
}

/// Something with labels of the families that are known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labelled {
    /// What it is.
    pub carrier: Carrier,
    /// Its name at the engine.
    pub name: String,
    /// Its labels of these families.
    pub labels: BTreeMap<String, String>,
}

/// A target that labels ask for.
#[derive(Debug, Clone)]
pub struct LabelTarget {
    /// The instance it is for, as written: there may be none.
    pub instance: String,
    /// What it is. Its origin is `label`.
    pub target: Target,
}

/// Reads the labels of one thing: the target that they ask for, if they do, and what is doubtful, in sentences for people.
#[must_use]
pub fn read_target(thing: &Labelled) -> (Option<LabelTarget>, Vec<String>) {
    let (found, mut warnings) = keys::collect(thing.carrier, &thing.labels);
    let target = read_enabled(thing, &found, &mut warnings);
    let about = format!("{} '{}'", thing.carrier.as_str(), thing.name);
    (target, warnings.into_iter().map(|warning| format!("{about}: {warning}")).collect())
}

fn read_enabled(thing: &Labelled, found: &Found<'_>, warnings: &mut Vec<String>) -> Option<LabelTarget> {
    let Some(is_enabled) = found.flag(Key::Enable, warnings) else {
        if let Some(label) = found.first() {
            warnings.push(format!("the label {label} has no effect without {}", Key::Enable.beside(label)));
        }
        return None;
    };
    if !is_enabled {
        return None;
    }
    let (enable, _) = found.get(Key::Enable)?;
    let Some((_, instance)) = found.get(Key::Instance).filter(|(_, id)| !id.trim().is_empty()) else {
        let missing = Key::Instance.beside(enable);
        warnings.push(format!("it is enabled, but not backed up: the label {missing} must name an instance"));
        return None;
    };
    let what = read_what(thing, enable, found, warnings)?;
    Some(LabelTarget { instance: instance.trim().to_owned(), target: read_rest(what, found, warnings) })
}

/// What the target is; nothing when it cannot be captured.
fn read_what(thing: &Labelled, enable: &str, found: &Found<'_>, warnings: &mut Vec<String>) -> Option<What> {
    if let Err(error) = check_name(&thing.name) {
        warnings.push(format!("it is enabled, but not backed up: its name cannot be used ({error})"));
        return None;
    }
    let is_database = found.get(Key::Database).is_some_and(|(_, kind)| !kind.trim().is_empty());
    match thing.carrier {
        Carrier::Volume => Some(What::Volume(thing.name.clone())),
        Carrier::Container if is_database => Some(What::Database(thing.name.clone())),
        Carrier::Container => {
            let missing = Key::Database.beside(enable);
            let kinds = DatabaseKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            warnings.push(format!(
                "it is enabled, but not backed up: of a container its database is captured, and the label {missing} \
                 must name the kind ({kinds}); the data of other containers is captured by labels on their volumes"
            ));
            None
        }
    }
}

fn read_rest(what: What, found: &Found<'_>, warnings: &mut Vec<String>) -> Target {
    Target {
        what,
        origin: Origin::Label,
        paths: found.paths(warnings),
        stop_attached: found.flag(Key::StopAttached, warnings),
        hooks: Hooks { pre: found.hooks(Key::Pre), post: found.hooks(Key::Post) },
        database: found.database(warnings),
        dump_args: found.arguments(warnings),
        excludes: found.excludes(warnings),
        tags: found.tags(warnings),
    }
}

impl Found<'_> {
    /// The command of a hook; Marina knows one of each.
    fn hooks(&self, key: Key) -> Vec<Hook> {
        let line = self.get(key).map(|(_, line)| line).filter(|line| !line.trim().is_empty());
        line.map(|line| Hook { command: line.into(), container: None, timeout: None }).into_iter().collect()
    }
}
