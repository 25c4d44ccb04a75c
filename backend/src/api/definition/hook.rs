//! Commands around a capture.

use secrecy::ExposeSecret as _;

use super::{Mistakes, read_duration};
use crate::api::wire::{HookSpec, HooksSpec};
use crate::domain::names::check_name;
use crate::domain::plan::{Hook, Hooks};

/// The commands; those of before when none are given.
pub(super) fn read_hooks(
    mistakes: &mut Mistakes,
    pointer: &str,
    spec: Option<HooksSpec>,
    former: Option<&Hooks>,
) -> Hooks {
    let Some(HooksSpec { pre, post }) = spec else { return former.cloned().unwrap_or_default() };
    Hooks {
        pre: read_list(mistakes, &format!("{pointer}/pre"), pre),
        post: read_list(mistakes, &format!("{pointer}/post"), post),
    }
}

fn read_list(mistakes: &mut Mistakes, pointer: &str, specs: Vec<HookSpec>) -> Vec<Hook> {
    let each = specs.into_iter().enumerate();
    each.map(|(index, spec)| read_hook(mistakes, &format!("{pointer}/{index}"), spec)).collect()
}

fn read_hook(mistakes: &mut Mistakes, pointer: &str, spec: HookSpec) -> Hook {
    let HookSpec { command, container, timeout } = spec;
    let text = command.expose_secret();
    if text.trim().is_empty() || text.contains('\0') {
        mistakes.report(&format!("{pointer}/command"), "it must be a line for /bin/sh");
    }
    mistakes.take_some(&format!("{pointer}/container"), container.as_deref(), check_name);
    let timeout = read_duration(mistakes, &format!("{pointer}/timeout"), timeout.as_deref());
    Hook { command, container, timeout }
}
