//! The tags of our snapshots.
//!
//! Every snapshot of ours carries [`OURS`], its instance and its job. It begins as [`UNFINISHED`]; verification takes that
//! away and adds [`COMPLETE`] when every target is whole. A run that was killed leaves [`UNFINISHED`] or [`HOT`] ones, which
//! never count and are removed.

use crate::backends::{RunRequest, Source};
use crate::domain::job::TargetKind;
use crate::domain::names::InstanceId;

/// Made by Mainstay.
pub(super) const OURS: &str = "mainstay";
/// Read while the writers ran: only there so that the next pass is short.
pub(super) const HOT: &str = "mainstay-hot";
/// Not verified.
pub(super) const UNFINISHED: &str = "mainstay-unfinished";
/// Verified, and every target is whole.
pub(super) const COMPLETE: &str = "mainstay-complete";

/// Marks the instance.
pub(super) fn of_instance(id: &InstanceId) -> String {
    format!("mainstay-instance={id}")
}

/// Marks the run.
pub(super) fn of_run(request: &RunRequest) -> Vec<String> {
    vec![OURS.to_owned(), of_instance(&request.instance), format!("mainstay-job={}", request.job)]
}

/// What a source is called in Marina's way; none where its name cannot stand in a tag.
fn of_source(source: &Source) -> Option<String> {
    let kind = match source.kind {
        TargetKind::Volume => "volume",
        TargetKind::Database => "db",
        TargetKind::Path => "path",
        TargetKind::Compose | TargetKind::Data => "stack",
        TargetKind::Bind => "bind",
    };
    let tag = format!("{kind}:{}", source.name);
    is_tag(&tag).then_some(tag)
}

/// The tags for the sources and those that the user wishes, each once; with those that cannot be used.
pub(super) fn of_content(sources: &[Source], wishes: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut tags, mut refused) = (Vec::new(), Vec::new());
    for tag in sources.iter().filter_map(of_source) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    for wish in wishes {
        // A tag of ours would let any snapshot pass for a verified one.
        let is_usable = is_tag(wish) && !wish.starts_with(OURS);
        let list = if is_usable { &mut tags } else { &mut refused };
        if !list.contains(wish) {
            list.push(wish.clone());
        }
    }
    (tags, refused)
}

/// restic splits at commas and trims.
fn is_tag(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(|c: char| c == ',' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_of_the_sources_and_the_wishes() {
        let source = |kind, name: &str| Source { kind, name: name.to_owned(), paths: Vec::new(), is_live: true };
        let sources = [
            source(TargetKind::Volume, "shop_data"),
            source(TargetKind::Database, "shop-db-1"),
            source(TargetKind::Path, "/srv/a,b"),
            source(TargetKind::Compose, "shop"),
            source(TargetKind::Data, "shop"),
        ];
        let wishes = ["daily", "daily", "a,b", "mainstay-complete", " x", ""].map(str::to_owned);
        let (tags, refused) = of_content(&sources, &wishes);
        assert_eq!(tags, ["volume:shop_data", "db:shop-db-1", "stack:shop", "daily"]);
        assert_eq!(refused, ["a,b", "mainstay-complete", " x", ""]);
    }
}
