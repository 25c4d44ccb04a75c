//! The settings of instances: which keys there are, and how each becomes a value of the domain.
//!
//! What is wrong is reported with the sentence of the domain's own rule, so that the file and the API say the same. A key
//! that has no effect where it stands is a warning. To add a key: its line in the section it belongs to, and its line in
//! `examples/config.example.yml`.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use super::decode_integrations::{name, report_twice, required};
use super::model::Config;
use super::section::Section;
use super::tree::Kind;
use super::value::Field;
use crate::domain::keep::{KeepPolicy, Within};
use crate::domain::plan::{Instance, MissedRun, Origin};
use crate::domain::schedule::Schedule;
use crate::domain::target_rules::{check_env_name, check_exclude, check_tag};

mod destination;
mod hooks;
mod target;
mod words;

const SECOND: Duration = Duration::from_secs(1);
/// The most days that a retention may have.
const MOST_DAYS: u32 = 36_500;
/// The most snapshots that a floor may ask for.
const MOST_KEPT: u32 = 10_000;

/// Reads the instances. The global settings that stand for what an instance leaves out are read by now.
pub(super) fn decode(root: &mut Section<'_>, config: &mut Config) {
    let (retention, timeout) = (config.retention.unwrap_or_default(), config.restic_timeout);
    root.set(&["instances"], &mut config.instances, |field| {
        let instances = field.list(|item| instance(item, retention, timeout));
        report_twice(field, "id");
        instances
    });
}

/// A retention in either grammar.
pub(super) fn retention(field: &Field<'_>) -> Option<KeepPolicy> {
    field.checked(str::parse)
}

fn instance(field: &Field<'_>, inherited: KeepPolicy, timeout: Option<Duration>) -> Option<Instance> {
    let mut section = field.section()?;
    let id = section.get(&["id"], name);
    let id = required(field, "id", id);
    let seed = id.clone().unwrap_or_default();
    let destination = destination::read(field, &mut section, &seed);
    let hooks = section.get(&["hooks"], hooks::read).unwrap_or_default();
    let schedule = section.get(&["schedule"], |field| schedule(field, &seed));
    let retention = kept(&mut section, inherited);
    let restic_timeout = section.get(&["restic_timeout", "resticTimeout"], |field| field.duration(SECOND));
    let (timezone, quiesce) = (section.get(&["timezone"], Field::zone), section.get(&["quiesce"], Field::word));
    let stop_attached = section.get(&["stop_attached", "stopAttached"], Field::flag);
    let missed_run = section.get(&["missed_run"], Field::word).unwrap_or(MissedRun::Skip);
    let is_enabled = section.get(&["enabled"], Field::flag).unwrap_or(true);
    let env = section.get(&["env"], env).unwrap_or_default();
    let (excludes, tags) = (excludes(&mut section), tags(&mut section));
    let targets = section.get(&["targets"], |field| field.list(target::read)).unwrap_or_default();
    let drill = section.get(&["drill"], |field| super::drill::read(field, &seed));
    section.finish();
    Some(Instance {
        id: id?.parse().ok()?,
        origin: Origin::Config,
        destination: destination?,
        env,
        schedule,
        timezone,
        retention: retention?,
        restic_timeout: restic_timeout.or(timeout),
        stop_attached,
        quiesce,
        missed_run,
        is_enabled,
        hooks,
        excludes,
        tags,
        targets,
        drill,
    })
}

/// A schedule; an empty one is none.
pub(super) fn schedule(field: &Field<'_>, seed: &str) -> Option<Schedule> {
    if field.is_blank() { None } else { field.checked(|text| Schedule::parse(text, seed)) }
}

/// What the instance keeps. Nothing after a mistake was reported.
fn kept(section: &mut Section<'_>, inherited: KeepPolicy) -> Option<KeepPolicy> {
    let (text, days) = (section.take(&["retention"]), section.take(&["retention_days"]));
    let text = text.filter(|text| !text.is_blank());
    if let (Some(text), Some(days)) = (&text, &days) {
        let message = format!("'{}' and '{}' say the same in two ways; keep one", text.path, days.path);
        days.context.problem(days.place, &days.path, message);
        return None;
    }
    let mut policy = match (text, days) {
        (Some(text), _) => retention(&text)?,
        (None, Some(days)) => {
            let days = days.number(0..=MOST_DAYS, " of days")?;
            let within = (days > 0).then_some(Within { days, ..Within::default() });
            KeepPolicy { within, ..KeepPolicy::ALL }
        }
        (None, None) => inherited,
    };
    if let Some(floor) = section.take(&["min_keep"]) {
        policy.min_keep = floor.number(1..=MOST_KEPT, " of snapshots")?;
    }
    Some(policy)
}

fn env(field: &Field<'_>) -> Option<BTreeMap<String, SecretString>> {
    let Kind::Map(entries) = &field.node.kind else { return field.must_be("a mapping of names to values") };
    let mut env = BTreeMap::new();
    for entry in entries {
        let path = format!("{}.{}", field.path, entry.key);
        let value = Field { context: field.context, path, place: &entry.place, node: &entry.value };
        if let Err(error) = check_env_name(&entry.key) {
            field.context.problem(&entry.place, &value.path, format!("'{}': {error}", value.path));
        }
        let value = if entry.value.kind == Kind::Null { Some(SecretString::default()) } else { value.secret() };
        if let Some(value) = value {
            env.insert(entry.key.clone(), value);
        }
    }
    Some(env)
}

/// Patterns of what is left out.
fn excludes(section: &mut Section<'_>) -> Vec<String> {
    section.get(&["exclude"], |field| field.list(|item| checked_text(item, check_exclude))).unwrap_or_default()
}

/// Tags of snapshots.
fn tags(section: &mut Section<'_>) -> Vec<String> {
    section.get(&["tags"], |field| field.list(|item| checked_text(item, check_tag))).unwrap_or_default()
}

/// A text that obeys a rule.
fn checked_text<E: std::fmt::Display>(field: &Field<'_>, check: impl Fn(&str) -> Result<(), E>) -> Option<String> {
    field.checked(|text| check(text).map(|()| text.to_owned()))
}

/// Says of each key that it has no effect here.
fn warn_of_useless(fields: impl IntoIterator<Item = Option<String>>, why: &str, field: &Field<'_>) {
    for path in fields.into_iter().flatten() {
        field.warn(format!("'{path}' has no effect {why}"));
    }
}
