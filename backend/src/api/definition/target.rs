//! What is captured.

use std::collections::BTreeSet;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::hook::read_hooks;
use super::{Mistakes, rules};
use crate::api::wire::{PlanTargetKind, PlanTargetSpec};
use crate::domain::names::check_name;
use crate::domain::plan::{Origin, Target, What};

/// The targets, each thing once. `former` are those whose secrets stay where none are given.
pub(super) fn read_targets(mistakes: &mut Mistakes, specs: Vec<PlanTargetSpec>, former: &[Target]) -> Vec<Target> {
    let mut seen = BTreeSet::new();
    let mut targets = Vec::with_capacity(specs.len());
    for (index, spec) in specs.into_iter().enumerate() {
        let pointer = format!("/targets/{index}");
        let Some(what) = read_what(mistakes, &pointer, spec.kind, &spec.name) else { continue };
        if !seen.insert(what.clone()) {
            mistakes.report(&pointer, "it is there twice; put everything about it into one entry");
        }
        let former = former.iter().find(|target| target.what == what);
        targets.push(read_target(mistakes, &pointer, spec, what, former));
    }
    targets
}

fn read_what(mistakes: &mut Mistakes, pointer: &str, kind: PlanTargetKind, name: &str) -> Option<What> {
    let pointer = format!("{pointer}/name");
    match kind {
        PlanTargetKind::Volume => mistakes.take(&pointer, check_name(name)).map(|()| What::Volume(name.to_owned())),
        PlanTargetKind::Db => mistakes.take(&pointer, check_name(name)).map(|()| What::Database(name.to_owned())),
        PlanTargetKind::Stack => mistakes.take(&pointer, name.parse()).map(What::Stack),
        PlanTargetKind::Path => mistakes.take(&pointer, rules::parse_host_path(name)).map(What::Path),
    }
}

fn read_target(
    mistakes: &mut Mistakes,
    pointer: &str,
    spec: PlanTargetSpec,
    what: What,
    former: Option<&Target>,
) -> Target {
    if let Some(wrong) = find_misplaced(&spec) {
        mistakes.report(&format!("{pointer}/{wrong}"), "a target of this kind has none");
    }
    Target {
        what,
        origin: Origin::Api,
        paths: read_paths(mistakes, &format!("{pointer}/paths"), &spec.paths),
        stop_attached: spec.stop_attached,
        hooks: read_hooks(mistakes, &format!("{pointer}/hooks"), spec.hooks, former.map(|target| &target.hooks)),
        database: spec.db_kind.map(Into::into),
        dump_args: read_dump_args(mistakes, pointer, spec.dump_args, former),
        excludes: mistakes.take_all(&format!("{pointer}/exclude"), &spec.exclude, rules::parse_exclude),
        tags: mistakes.take_all(&format!("{pointer}/tags"), &spec.tags, rules::parse_tag),
    }
}

/// A field that means nothing for this kind of target.
fn find_misplaced(spec: &PlanTargetSpec) -> Option<&'static str> {
    let has_parts = matches!(spec.kind, PlanTargetKind::Volume | PlanTargetKind::Path);
    let is_database = spec.kind == PlanTargetKind::Db;
    [
        ("paths", !spec.paths.is_empty() && !has_parts),
        ("db_kind", spec.db_kind.is_some() && !is_database),
        ("dump_args", spec.dump_args.as_ref().is_some_and(|args| !args.is_empty()) && !is_database),
    ]
    .into_iter()
    .find_map(|(name, is_wrong)| is_wrong.then_some(name))
}

/// Parts of a volume or path; the whole of it among them makes the others needless.
fn read_paths(mistakes: &mut Mistakes, pointer: &str, texts: &[String]) -> Vec<PathBuf> {
    let paths = mistakes.take_all(pointer, texts, rules::parse_part);
    if paths.iter().any(Option::is_none) { Vec::new() } else { paths.into_iter().flatten().collect() }
}

fn read_dump_args(
    mistakes: &mut Mistakes,
    pointer: &str,
    args: Option<Vec<SecretString>>,
    former: Option<&Target>,
) -> Vec<SecretString> {
    let Some(args) = args else { return former.map(|target| target.dump_args.clone()).unwrap_or_default() };
    for (index, arg) in args.iter().enumerate() {
        if arg.expose_secret().is_empty() || arg.expose_secret().contains('\0') {
            mistakes.report(&format!("{pointer}/dump_args/{index}"), "it must not be empty");
        }
    }
    args
}
