//! The order in which the services of a stack are stopped and started.

use std::collections::{BTreeMap, BTreeSet};

/// Reads the value of the label `com.docker.compose.depends_on`.
///
/// Compose 2 writes `db:service_healthy:true,cache:service_started:false`; older releases wrote a plain list. An
/// empty text means no dependencies.
#[must_use]
pub fn parse_depends_on(label: &str) -> Vec<String> {
    let name = |part: &str| part.split(':').next().map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned);
    label.split(',').filter_map(name).collect()
}

/// A start order, and what had to be ignored to find one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartOrder {
    /// Services, each after those it depends on. A stop goes the other way.
    pub services: Vec<String>,
    /// Services of a cycle; the order among them is by name.
    pub cycle: Vec<String>,
}

/// Sorts services so that each comes after those it depends on; ties and cycles are broken by name, so the same
/// input always gives the same order. Dependencies on services that are not in the map are ignored.
#[must_use]
pub fn start_order(depends_on: &BTreeMap<String, Vec<String>>) -> StartOrder {
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = depends_on
        .iter()
        .map(|(service, needs)| {
            let known = needs.iter().filter(|n| *n != service && depends_on.contains_key(*n));
            (service.as_str(), known.map(String::as_str).collect())
        })
        .collect();
    let mut order = StartOrder { services: Vec::new(), cycle: Vec::new() };
    while let Some((&first, _)) = waiting.iter().next() {
        let ready = waiting.iter().find(|(_, needs)| needs.is_empty()).map(|(&service, _)| service);
        let next = ready.unwrap_or_else(|| {
            order.cycle.push(first.to_owned());
            first
        });
        waiting.remove(next);
        for needs in waiting.values_mut() {
            needs.remove(next);
        }
        order.services.push(next.to_owned());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(edges: &[(&str, &[&str])]) -> StartOrder {
        start_order(
            &edges
                .iter()
                .map(|(s, needs)| ((*s).to_owned(), needs.iter().map(|n| (*n).to_owned()).collect()))
                .collect(),
        )
    }

    #[test]
    fn encodings_of_the_label() {
        for (label, expected) in [
            ("", vec![]),
            ("db:service_started:false,cache:service_healthy:true", vec!["db", "cache"]),
            ("db:service_healthy", vec!["db"]),
            ("db, cache", vec!["db", "cache"]),
        ] {
            assert_eq!(parse_depends_on(label), expected, "{label}");
        }
    }

    #[test]
    fn dependencies_come_first() {
        let found = order(&[("web", &["app"]), ("app", &["db", "cache"]), ("db", &[]), ("cache", &["gone"])]);
        assert_eq!(
            found,
            StartOrder { services: ["cache", "db", "app", "web"].map(Into::into).to_vec(), cycle: vec![] }
        );
    }

    #[test]
    fn a_cycle_is_broken_by_name_and_reported() {
        let found = order(&[("b", &["a"]), ("a", &["b"]), ("c", &["b"]), ("d", &["d"])]);
        assert_eq!(found.services, ["d", "a", "b", "c"]);
        assert_eq!(found.cycle, ["a"]);
    }
}
