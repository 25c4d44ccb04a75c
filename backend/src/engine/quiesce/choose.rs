//! Which containers of a stack are brought to rest.

use std::collections::BTreeMap;

use crate::docker::ContainerDetail;
use crate::domain::job::Quiesce;
use crate::domain::order::start_order;
use crate::domain::stack::{Container, ContainerState, Service, Stack};
use crate::store::{HeldContainer, HoldAction};

/// What the engine takes when a container says nothing.
const ENGINE_STOP_TIMEOUT_SECS: u64 = 10;

/// Which containers of a stack are held, and which are not although they run.
#[derive(Debug, Default)]
pub(in crate::engine) struct Choice {
    /// Containers to hold, in start order.
    pub(in crate::engine) held: Vec<HeldContainer>,
    /// Running containers that are left alone, with the reason.
    pub(in crate::engine) left: Vec<(String, &'static str)>,
    /// Services whose dependencies go in a circle.
    pub(in crate::engine) cycle: Vec<String>,
}

/// Decides what to hold. `details` are those of the stack's containers, by id; `own_id` is Mainstay's own. Which run of
/// a container it is about is filled in by a last look before the stop.
pub(in crate::engine) fn choose(
    stack: &Stack,
    mode: Quiesce,
    details: &BTreeMap<String, ContainerDetail>,
    own_id: Option<&str>,
) -> Choice {
    let action = match mode {
        Quiesce::None => return Choice::default(),
        Quiesce::Stop => HoldAction::Stop,
        Quiesce::Pause => HoldAction::Pause,
    };
    let needs = stack.services.iter().map(|s| (s.name.clone(), s.depends_on.clone())).collect();
    let order = start_order(&needs);
    let mut choice = Choice { cycle: order.cycle, ..Choice::default() };
    let services = order.services.iter().filter_map(|name| stack.services.iter().find(|s| s.name == *name));
    for (service, container) in services.flat_map(|s| s.containers.iter().map(move |c| (s, c))) {
        if !is_at_work(container.state) {
            continue;
        }
        match reason_to_leave(container, details.get(&container.id), own_id) {
            Some(reason) => choice.left.push((container.name.clone(), reason)),
            None => choice.held.push(held(stack, service, container, action)),
        }
    }
    choice
}

fn held(stack: &Stack, service: &Service, container: &Container, action: HoldAction) -> HeldContainer {
    HeldContainer {
        stack: stack.name.clone(),
        service: service.name.clone(),
        number: container.number,
        id: container.id.clone(),
        name: container.name.clone(),
        action,
        started_at: None,
        stop_timeout_secs: ENGINE_STOP_TIMEOUT_SECS,
    }
}

/// Whether a container has a process that writes and that a stop or a pause would bring to rest.
pub(in crate::engine) const fn is_at_work(state: ContainerState) -> bool {
    matches!(state, ContainerState::Running | ContainerState::Restarting)
}

fn reason_to_leave(
    container: &Container,
    detail: Option<&ContainerDetail>,
    own_id: Option<&str>,
) -> Option<&'static str> {
    let removes_itself = || detail.is_some_and(|d| d.redacted["HostConfig"]["AutoRemove"] == true);
    if own_id == Some(container.id.as_str()) {
        Some("it is Mainstay itself")
    } else if container.is_oneoff {
        Some("it is a one-off container, which a stop would end for good")
    } else if removes_itself() {
        Some("it removes itself when it stops, so it could not be brought back")
    } else {
        None
    }
}
