//! The order of containers, made from the order of services.

use std::collections::{BTreeMap, BTreeSet};

use crate::docker::ContainerDetail;
use crate::domain::dependency::{Condition, Dependency, join};
use crate::domain::order::{Place, StartOrder, start_order};
use crate::domain::stack::{Container, Health, Service, Stack};
use crate::domain::wishes::read_wishes;
use crate::store::HeldContainer;

use super::related::implied_needs;

/// What a container waits for before it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Need {
    /// The container that is needed.
    pub(in crate::engine) id: String,
    /// What must be true of it.
    pub(in crate::engine) condition: Condition,
    /// Whether the result is less than a success when it does not come true.
    pub(in crate::engine) is_required: bool,
}

/// What waits for what in a stack.
#[derive(Debug, Default)]
pub(in crate::engine) struct Order {
    services: Vec<String>,
    needs: BTreeMap<String, Vec<Need>>,
    /// What had to be ignored, in sentences for people.
    pub(super) notes: Vec<String>,
}

impl Order {
    /// The order of a stack's containers, whether they run or not. `details` are theirs, by id.
    pub(super) fn of(stack: &Stack, details: &BTreeMap<String, ContainerDetail>) -> Self {
        let found = start_order(&places(stack, details));
        let mut order = Self { services: found.levels.concat(), needs: BTreeMap::new(), notes: notes(&found) };
        for (service, container) in stack.containers() {
            let needs = order.expand(stack, details, &found, &service.name);
            order.needs.insert(container.id.clone(), needs);
        }
        order
    }

    /// The containers of a stack in start order.
    pub(super) fn containers<'a>(&'a self, stack: &'a Stack) -> impl Iterator<Item = (&'a Service, &'a Container)> {
        let services = self.services.iter().filter_map(|name| stack.services.iter().find(|s| s.name == *name));
        services.flat_map(|service| service.containers.iter().map(move |container| (service, container)))
    }

    /// What a held container waits for: those of `held` that it needs, directly or through others that are not held.
    pub(super) fn needs_of(&self, id: &str, held: &[HeldContainer]) -> Vec<Need> {
        let is_held = |id: &str| held.iter().any(|held| held.id == id);
        let direct: Vec<Need> = self.needs.get(id).cloned().unwrap_or_default();
        let (mut found, mut through): (Vec<Need>, Vec<Need>) = direct.into_iter().partition(|need| is_held(&need.id));
        let mut seen = BTreeSet::new();
        while let Some(absent) = through.pop() {
            if !seen.insert(absent.id.clone()) {
                continue;
            }
            for need in self.needs.get(&absent.id).into_iter().flatten() {
                let need = Need { condition: Condition::Started, ..need.clone() };
                if is_held(&need.id) { found.push(need) } else { through.push(need) }
            }
        }
        // The strictest first, of which one for each stays.
        found.sort_by(|a, b| (&a.id, b.condition, b.is_required).cmp(&(&b.id, a.condition, a.is_required)));
        found.dedup_by(|later, first| later.id == first.id);
        found
    }

    /// The containers of `held`, in levels that may start together.
    pub(super) fn levels_of<'a>(&self, held: &'a [HeldContainer]) -> Vec<Vec<&'a HeldContainer>> {
        let mut levels: Vec<Vec<&HeldContainer>> = Vec::new();
        // In start order each comes after what it needs.
        for container in held {
            let needs = self.needs_of(&container.id, held);
            let is_needed = |other: &&HeldContainer| needs.iter().any(|need| need.id == other.id);
            let below = levels.iter().rposition(|level| level.iter().any(is_needed));
            let at = below.map_or(0, |below| below + 1);
            match levels.get_mut(at) {
                Some(level) => level.push(container),
                None => levels.push(vec![container]),
            }
        }
        levels
    }

    /// The needs of a service as needs of its containers. A service without containers passes on its own.
    fn expand(
        &mut self,
        stack: &Stack,
        details: &BTreeMap<String, ContainerDetail>,
        order: &StartOrder,
        service: &str,
    ) -> Vec<Need> {
        let mut needs = Vec::new();
        for dependency in order.needs.get(service).into_iter().flatten() {
            let provider = stack.services.iter().find(|s| s.name == dependency.service);
            let mut lasting = provider.into_iter().flat_map(|s| &s.containers).filter(|c| !c.is_oneoff).peekable();
            if lasting.peek().is_none() {
                needs.extend(self.expand(stack, details, order, &dependency.service));
            }
            for container in lasting {
                let condition = self.judge(service, dependency, container, details.get(&container.id));
                needs.push(Need { id: container.id.clone(), condition, is_required: dependency.is_required });
            }
        }
        needs
    }

    /// What can be expected of a container: one without a health check counts as started, and so does one that was not
    /// healthy before.
    fn judge(
        &mut self,
        service: &str,
        dependency: &Dependency,
        container: &Container,
        detail: Option<&ContainerDetail>,
    ) -> Condition {
        let health = detail.and_then(|detail| detail.container.health);
        match (dependency.condition, health) {
            (Condition::Healthy, Some(Health::Unhealthy)) => {
                let name = &container.name;
                let note =
                    format!("container {name} is unhealthy before the stop: '{service}' does not wait for its health");
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
                Condition::Started
            }
            (Condition::Healthy, None) => Condition::Started,
            (condition, _) => condition,
        }
    }
}

fn places(stack: &Stack, details: &BTreeMap<String, ContainerDetail>) -> BTreeMap<String, Place> {
    let mut implied = implied_needs(stack, details);
    let place = |service: &Service| {
        let group = service.containers.iter().filter_map(|c| read_wishes(&c.labels).0.order).min();
        let more = implied.remove(&service.name).unwrap_or_default();
        let depends_on = join(service.depends_on.iter().cloned().chain(more));
        (service.name.clone(), Place { group: group.unwrap_or(0), depends_on })
    };
    stack.services.iter().map(place).collect()
}

fn notes(order: &StartOrder) -> Vec<String> {
    let circle = |circle: &Vec<String>| {
        let first = circle.first().map(String::as_str).unwrap_or_default();
        format!("services depend on each other in a circle: {}; '{first}' starts first", circle.join(", "))
    };
    let overruled = |(service, needed): &(String, String)| {
        format!("mainstay.order starts '{service}' before '{needed}', on which it depends")
    };
    order.cycles.iter().map(circle).chain(order.overruled.iter().map(overruled)).collect()
}
