//! The ids of plans.
//!
//! An id is made of the project and the service alone, as backrest-sidecar makes it, so that the same workload has the
//! same one on every run and after every new making of its containers. Backrest writes it on every snapshot, so a plan
//! that exists under an older name keeps that: the other names are its aliases.

use std::collections::{BTreeMap, BTreeSet};

use super::workload::Workload;

/// What backrest-sidecar begins an id with when nothing else is said.
const PREFIX_OF_SIDECAR: &str = "backrest_sidecar_";
/// The longest readable part of an id, in bytes: it becomes part of a tag and of a file's name.
const MAX_STEM_BYTES: usize = 100;
/// How many digits of its hash are appended to an id that two workloads would share, one attempt after the other.
const HASH_DIGITS: [usize; 5] = [0, 8, 16, 32, 64];

/// The names of one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// Its id.
    pub(super) id: String,
    /// See [`super::WantedPlan::aliases`].
    pub(super) aliases: Vec<String>,
}

/// What an id is made of.
struct Parts {
    /// Readable, of letters, digits and `_`.
    stem: String,
    /// Of everything that tells the workload from others.
    hash: String,
    /// The place in [`HASH_DIGITS`].
    attempt: usize,
}

impl Parts {
    fn of(workload: &Workload<'_>) -> Self {
        let name = workload.leader.name.as_str();
        let words: Vec<&str> = [workload.project, workload.service].into_iter().flatten().collect();
        let words = if words.is_empty() { vec![name] } else { words };
        let hash = blake3::hash(format!("{:?}", (workload.project, &words)).as_bytes()).to_hex().to_string();
        let whole = stem(&words.join("_"));
        let mut attempt = 0;
        let stem = match whole.get(..MAX_STEM_BYTES) {
            _ if whole.is_empty() => hash[..12].to_owned(),
            Some(start) if whole.len() > MAX_STEM_BYTES => {
                attempt = 1;
                start.to_owned()
            }
            _ => whole,
        };
        Self { stem, hash, attempt }
    }

    fn id(&self, prefix: &str, attempt: usize) -> String {
        let digits = HASH_DIGITS.get(attempt).copied().unwrap_or(self.hash.len());
        if digits == 0 {
            format!("{prefix}{}", self.stem)
        } else {
            format!("{prefix}{}_{}", self.stem, &self.hash[..digits])
        }
    }
}

/// The names of the plans of these workloads, in their order. No id is given twice, and no alias is the id or the alias of
/// another plan.
pub(super) fn assign(workloads: &[Workload<'_>], prefix: &str) -> Vec<Names> {
    let prefix = clean_prefix(prefix);
    let mut parts: Vec<Parts> = workloads.iter().map(Parts::of).collect();
    // All that share an id give it up: which of them had it first is not known, and its plan must not become another's.
    while let Some(shared) = find_shared(&parts, &prefix) {
        for part in parts.iter_mut().filter(|part| shared.contains(&part.id(&prefix, part.attempt))) {
            part.attempt += 1;
        }
    }
    let mut all: Vec<Names> = parts
        .iter()
        .zip(workloads)
        .map(|(part, workload)| {
            let id = part.id(&prefix, part.attempt);
            Names { aliases: aliases(workload, part, &prefix, &id), id }
        })
        .collect();
    drop_ambiguous(&mut all);
    all
}

/// The ids that more than one workload has; none when there are none, or when nothing more can be tried.
fn find_shared(parts: &[Parts], prefix: &str) -> Option<BTreeSet<String>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.attempt < HASH_DIGITS.len()) {
        *counts.entry(part.id(prefix, part.attempt)).or_default() += 1;
    }
    let shared: BTreeSet<String> = counts.into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| id).collect();
    (!shared.is_empty()).then_some(shared)
}

/// Under which other names the plan of a workload may be there. All begin with a prefix of ours: a plan that a person
/// made is never taken for one.
fn aliases(workload: &Workload<'_>, part: &Parts, prefix: &str, id: &str) -> Vec<String> {
    let mut found = vec![part.id(prefix, 0), part.id(prefix, 1)];
    let own = workload.service.unwrap_or(&workload.leader.name);
    let whole = workload.project.map_or_else(|| own.to_owned(), |project| format!("{project}_{own}"));
    for prefix in [prefix, PREFIX_OF_SIDECAR].into_iter().filter(|prefix| !prefix.is_empty()) {
        let of_first = whole.replace(|c: char| !is_allowed(c), "_");
        found.extend([stem(&whole), of_first, stem(own)].map(|stem| format!("{prefix}{stem}")));
    }
    let mut seen = BTreeSet::from([id.to_owned()]);
    found.retain(|alias| alias.len() <= MAX_STEM_BYTES * 2 && seen.insert(alias.clone()));
    found
}

/// Takes away every alias that another plan has as its id or alias.
fn drop_ambiguous(all: &mut [Names]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in all.iter().flat_map(|names| names.aliases.iter().chain([&names.id])) {
        *counts.entry(name.clone()).or_default() += 1;
    }
    for names in all {
        names.aliases.retain(|alias| counts.get(alias) == Some(&1));
    }
}

/// What Backrest's own form accepts in an id.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn clean_prefix(prefix: &str) -> String {
    prefix.trim().replace(|c: char| !is_allowed(c), "_")
}

/// In small letters, with `_` for all that is neither a letter nor a digit, and without `_` around it. Backrest refuses an
/// id that begins and ends with `_`.
fn stem(text: &str) -> String {
    text.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_").trim_matches('_').to_owned()
}

#[cfg(test)]
#[path = "ids_tests.rs"]
mod tests;
