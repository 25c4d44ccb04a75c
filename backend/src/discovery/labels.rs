//! What carries labels that ask for a backup, of all containers and volumes of the host, whether of a stack or not.

use std::collections::BTreeMap;

use crate::docker::EngineVolume;
use crate::domain::labels::{Carrier, Labelled, is_of_a_family, is_ours};
use crate::domain::stack::Container;

/// Volumes and containers with labels of the families that are known: volumes first, each sorted by name. What Mainstay
/// itself made is left out, and so are containers of `compose run`, which carry the labels of their service and are gone
/// in a moment.
pub(super) fn collect(containers: &[Container], volumes: &[EngineVolume]) -> Vec<Labelled> {
    let volumes = volumes.iter().map(|volume| (Carrier::Volume, &volume.name, &volume.labels));
    let lasting = containers.iter().filter(|container| !container.is_oneoff);
    let containers = lasting.map(|container| (Carrier::Container, &container.name, &container.labels));
    let others = volumes.chain(containers).filter(|(.., labels)| !is_ours(labels));
    let mut labelled: Vec<_> = others.filter_map(|(carrier, name, labels)| pick(carrier, name, labels)).collect();
    labelled.sort();
    labelled
}

fn pick(carrier: Carrier, name: &str, labels: &BTreeMap<String, String>) -> Option<Labelled> {
    let ours = labels.iter().filter(|(label, _)| is_of_a_family(label));
    let labels: BTreeMap<_, _> = ours.map(|(label, value)| (label.clone(), value.clone())).collect();
    (!labels.is_empty()).then(|| Labelled { carrier, name: name.to_owned(), labels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::scripted::running_container;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect()
    }

    fn container(name: &str, pairs: &[(&str, &str)]) -> Container {
        Container { labels: labels(pairs), ..running_container(name, name).container }
    }

    fn volume(name: &str, pairs: &[(&str, &str)]) -> EngineVolume {
        let (driver, options) = ("local".to_owned(), BTreeMap::new());
        EngineVolume { name: name.to_owned(), driver, mountpoint: "/x".into(), options, labels: labels(pairs) }
    }

    #[test]
    fn only_what_has_labels_of_a_family_is_kept_with_those_alone() {
        let enabled = ("mainstay.enable", "true");
        let containers = [
            container("web", &[("com.example", "x")]),
            container("db", &[("com.example", "x"), ("eu.polarnight.marina.enabled", "true")]),
            container("image", &[enabled, ("mainstay.job", "job_1")]),
            Container { is_oneoff: true, ..container("once", &[enabled]) },
        ];
        let volumes = [volume("z", &[("dev.polarfox.marina.enabled", "1")]), volume("a", &[]), volume("b", &[enabled])];
        let found = collect(&containers, &volumes);
        let shown: Vec<_> = found.iter().map(|l| (l.carrier, l.name.as_str(), l.labels.len())).collect();
        assert_eq!(shown, [(Carrier::Volume, "b", 1), (Carrier::Volume, "z", 1), (Carrier::Container, "db", 1)]);
    }
}
