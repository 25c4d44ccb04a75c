//! The order in which the services of a stack are started; a stop goes the other way.
//!
//! [`start_order`] is the whole rule: groups by `mainstay.order`, within a group by dependencies, circles broken by
//! name, so that the same stack always gets the same order. Whether a condition is met is none of its business.

use std::collections::{BTreeMap, BTreeSet};

use super::dependency::{Dependency, join};

/// What decides the place of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Its group; lower ones start first. 0 where nothing is said.
    pub group: i64,
    /// What it depends on.
    pub depends_on: Vec<Dependency>,
}

/// A start order, and what had to be ignored to find one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartOrder {
    /// Services that may start together, level by level, each level sorted by name.
    pub levels: Vec<Vec<String>>,
    /// What each service waits for: its dependencies without those that were ignored, and the group before its own.
    /// Leads never in a circle.
    pub needs: BTreeMap<String, Vec<Dependency>>,
    /// Services that depend on each other in a circle; the first of each started as if it did not.
    pub cycles: Vec<Vec<String>>,
    /// Dependencies that the groups turn around: the service, and the one that starts later although it is needed.
    pub overruled: Vec<(String, String)>,
}

/// Orders services. Dependencies on services that are not in the map, and of a service on itself, are ignored.
#[must_use]
pub fn start_order(services: &BTreeMap<String, Place>) -> StartOrder {
    let mut order = StartOrder::default();
    let groups: BTreeSet<i64> = services.values().map(|place| place.group).collect();
    for (name, place) in services {
        let (kept, overruled): (Vec<&Dependency>, Vec<&Dependency>) = place
            .depends_on
            .iter()
            .filter(|need| need.service != *name)
            .filter(|need| services.contains_key(&need.service))
            .partition(|need| services[&need.service].group <= place.group);
        order.overruled.extend(overruled.into_iter().map(|need| (name.clone(), need.service.clone())));
        let before = groups.range(..place.group).next_back();
        let of_the_group_before = services.iter().filter(|(_, other)| Some(&other.group) == before);
        let barrier = of_the_group_before.map(|(other, _)| Dependency::started(other));
        order.needs.insert(name.clone(), join(kept.into_iter().cloned().chain(barrier)));
    }
    break_cycles(&mut order);
    order.levels = levels(&order.needs);
    order
}

/// Lets the first by name of each circle start as if it did not depend on the others.
fn break_cycles(order: &mut StartOrder) {
    let names: Vec<String> = order.needs.keys().cloned().collect();
    for name in names {
        let reached = reach(&order.needs, &name);
        if !reached.contains(&name) {
            continue;
        }
        let is_in_circle = |other: &String| *other == name || reach(&order.needs, other).contains(&name);
        let circle: Vec<String> = reached.iter().filter(|other| is_in_circle(other)).cloned().collect();
        if let Some(needs) = order.needs.get_mut(&name) {
            needs.retain(|need| !circle.contains(&need.service));
        }
        order.cycles.push(circle);
    }
}

/// Every service that `from` waits for, directly or through others.
fn reach(needs: &BTreeMap<String, Vec<Dependency>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(name) = next.pop() {
        for need in needs.get(name).into_iter().flatten() {
            if reached.insert(need.service.clone()) {
                next.push(&need.service);
            }
        }
    }
    reached
}

/// The level of a service is one above the highest that it waits for. `needs` leads never in a circle.
fn levels(needs: &BTreeMap<String, Vec<Dependency>>) -> Vec<Vec<String>> {
    let mut levels: Vec<Vec<String>> = Vec::new();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    loop {
        let is_due = |(name, needs): &(&String, &Vec<Dependency>)| {
            !done.contains(name.as_str()) && needs.iter().all(|need| done.contains(need.service.as_str()))
        };
        let level: Vec<&str> = needs.iter().filter(is_due).map(|(name, _)| name.as_str()).collect();
        if level.is_empty() {
            return levels;
        }
        levels.push(level.iter().map(|&name| name.to_owned()).collect());
        done.extend(level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dependency::Condition;

    /// `web app db` is a service `web` that depends on the others; `web@5` is one of the group 5.
    fn order(lines: &[&str]) -> StartOrder {
        let place = |line: &str| {
            let mut words = line.split(' ');
            let (name, group) = words.next().map(|word| word.split_once('@').unwrap_or((word, "0"))).expect("a name");
            let place =
                Place { group: group.parse().expect("a group"), depends_on: words.map(Dependency::started).collect() };
            (name.to_owned(), place)
        };
        start_order(&lines.iter().map(|line| place(line)).collect())
    }

    fn shown(order: &StartOrder) -> String {
        order.levels.iter().map(|level| level.join(" ")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn levels_follow_dependencies_and_groups() {
        for (lines, expected) in [
            (&[][..], ""),
            (&["b", "a"], "a b"),
            (&["web app", "app db cache", "db", "cache gone"], "cache db | app | web"),
            (&["web app db", "app db", "db", "other"], "db other | app | web"),
            (&["a@-1", "b", "c@7"], "a | b | c"),
            (&["proxy@10", "app db", "db"], "db | app | proxy"),
            (&["db@5", "app db"], "app | db"),
            (&["a@1 b", "b@1"], "b | a"),
        ] {
            assert_eq!(shown(&order(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_the_groups_turn_around_is_told() {
        let found = order(&["db@5", "app db", "web app"]);
        assert_eq!(found.overruled, [("app".to_owned(), "db".to_owned())]);
        assert!(found.cycles.is_empty());
        let waits: Vec<&str> = found.needs["db"].iter().map(|need| need.service.as_str()).collect();
        assert_eq!(waits, ["app", "web"], "a group waits for the whole one before");
    }

    #[test]
    fn a_circle_is_broken_by_name_and_told() {
        for (lines, expected, circles) in [
            (&["b a", "a b", "c b", "d d"][..], "a d | b | c", &["a b"][..]),
            (&["a b", "b c", "c b"], "b | a c", &["b c"]),
            (&["a b", "b c", "c a", "x y", "y x"], "a x | c y | b", &["a b c", "x y"]),
            (&["a b c", "b a", "c a"], "a | b c", &["a b c"]),
        ] {
            let found = order(lines);
            assert_eq!(shown(&found), expected, "{lines:?}");
            assert_eq!(found.cycles.iter().map(|circle| circle.join(" ")).collect::<Vec<_>>(), circles, "{lines:?}");
        }
    }

    #[test]
    fn conditions_are_kept() {
        let healthy = Dependency::started("db").with(Condition::Healthy);
        let app = Place { group: 1, depends_on: vec![healthy.clone()] };
        let found = start_order(&[("app".to_owned(), app), ("db".to_owned(), Place::default())].into());
        assert_eq!(found.needs["app"], [healthy], "the group before asks for less");
    }
}
