//! Which containers of a stack are brought to rest, how, and in which order.
//!
//! How a container is brought to rest: what the request says, else its label `mainstay.quiesce`, else the stack. How
//! long it may take: its label `mainstay.stop-timeout`, else the configuration, else its own setting, else the
//! engine's 10 s. Nothing here asks the engine. To spare one more kind of container, add it to `reason_to_leave`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::docker::ContainerDetail;
use crate::domain::job::Quiesce;
use crate::domain::stack::{Container, ContainerState, Service, Stack};
use crate::domain::wishes::{Wishes, read_wishes};
use crate::store::{HeldContainer, HoldAction};

use super::order::Order;
use super::proxy::find_proxies;
use super::related::{is_meant, namespace_owners};

/// What the engine takes when a container says nothing.
const ENGINE_STOP_TIMEOUT_SECS: u64 = 10;

/// Why a container that does not write to what is captured is left alone.
pub(in crate::engine) const NOT_ATTACHED: &str = "nothing that is captured is to rest because of it";

/// What is to be decided on.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Question<'a> {
    /// The stack as it is now.
    pub(in crate::engine) stack: &'a Stack,
    /// Its containers in detail, by id.
    pub(in crate::engine) details: &'a BTreeMap<String, ContainerDetail>,
    /// What the request says; goes before labels.
    pub(in crate::engine) requested: Option<Quiesce>,
    /// What holds for containers whose label says nothing.
    pub(in crate::engine) otherwise: Quiesce,
    /// The configuration's stop timeout.
    pub(in crate::engine) stop_timeout: Option<Duration>,
    /// Mainstay's own container.
    pub(in crate::engine) own: Option<&'a ContainerDetail>,
    /// Where the engine is reached.
    pub(in crate::engine) address: Option<&'a str>,
    /// Containers of the host that are not of the stack.
    pub(in crate::engine) strangers: &'a [Container],
    /// The only ones that may be brought to rest, by id; absent means all.
    pub(in crate::engine) only: Option<&'a BTreeSet<String>>,
}

/// Which containers of a stack are held, and which are not although they run.
#[derive(Debug, Default)]
pub(in crate::engine) struct Choice {
    /// Containers to hold, in start order.
    pub(in crate::engine) held: Vec<HeldContainer>,
    /// Running containers that are left alone.
    pub(in crate::engine) left: Vec<Left>,
    /// What waits for what.
    pub(in crate::engine) order: Order,
    /// The stop timeouts that the engine is told, by container id; others stop within their own.
    pub(in crate::engine) timeouts: BTreeMap<String, Duration>,
    /// What is worth knowing about the order, in sentences for people.
    pub(in crate::engine) notes: Vec<String>,
}

/// A running container that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Left {
    /// Its id.
    pub(in crate::engine) id: String,
    /// Its name.
    pub(in crate::engine) name: String,
    /// Why.
    pub(in crate::engine) reason: &'static str,
    /// Whether somebody asked for it: then it is no defect of the capture.
    pub(in crate::engine) is_meant: bool,
}

impl Choice {
    /// Whether a container is known to run on purpose, or to be held.
    pub(in crate::engine) fn knows(&self, id: &str) -> bool {
        self.held.iter().any(|held| held.id == id) || self.left.iter().any(|left| left.id == id)
    }

    /// The order level by level, with how each container is brought to rest and within which time.
    pub(in crate::engine) fn describe(&self) -> Vec<String> {
        let word = |held: &HeldContainer| match held.action {
            HoldAction::Pause => format!("{} (pause)", held.name),
            HoldAction::Stop => format!("{} (stop within {} s)", held.name, held.stop_timeout_secs),
        };
        let levels = self.order.levels_of(&self.held);
        let all = levels.len();
        let lines = levels.iter().zip(1..).map(|(level, n)| {
            let names: Vec<String> = level.iter().map(|held| word(held)).collect();
            format!("start order, level {n} of {all}: {}", names.join(", "))
        });
        lines.collect()
    }
}

/// Decides what to hold. Which run of a container it is about is filled in by a last look before the stop.
pub(in crate::engine) fn choose(question: &Question<'_>) -> Choice {
    let order = Order::of(question.stack, question.details);
    let mut choice = Choice { notes: order.notes.clone(), ..Choice::default() };
    let proxies = find_proxies(question.details, question.own, question.address);
    for (service, container) in order.containers(question.stack).filter(|(_, c)| is_at_work(c.state)) {
        let wishes = read_wishes(&container.labels).0;
        let mode = question.requested.or(wishes.quiesce).unwrap_or(question.otherwise);
        let leave =
            |reason, is_meant| Left { id: container.id.clone(), name: container.name.clone(), reason, is_meant };
        if question.only.is_some_and(|only| !only.contains(&container.id)) {
            choice.left.push(leave(NOT_ATTACHED, true));
            continue;
        }
        match (reason_to_leave(question, container, &proxies), mode) {
            (Some(reason), _) => choice.left.push(leave(reason, false)),
            (None, Quiesce::None) => choice.left.push(leave(why_none(question, &wishes), true)),
            (None, Quiesce::Stop) => hold(question, &mut choice, service, container, HoldAction::Stop),
            (None, Quiesce::Pause) => hold(question, &mut choice, service, container, HoldAction::Pause),
        }
    }
    spare_namespaces(question, &mut choice);
    choice.order = order;
    choice
}

/// Whether a container has a process that writes and that a stop or a pause would bring to rest.
pub(in crate::engine) const fn is_at_work(state: ContainerState) -> bool {
    matches!(state, ContainerState::Running | ContainerState::Restarting)
}

fn hold(question: &Question<'_>, choice: &mut Choice, service: &Service, container: &Container, action: HoldAction) {
    let own = question.details.get(&container.id).and_then(|detail| detail.stop_timeout_secs);
    let asked = read_wishes(&container.labels).0.stop_timeout.or(question.stop_timeout);
    if let Some(asked) = asked {
        choice.timeouts.insert(container.id.clone(), asked);
    }
    choice.held.push(HeldContainer {
        stack: question.stack.name.clone(),
        service: service.name.clone(),
        number: container.number,
        id: container.id.clone(),
        name: container.name.clone(),
        action,
        started_at: None,
        stop_timeout_secs: stop_timeout_secs(asked, own),
    });
}

/// Seconds until the kill, of which the engine counts whole ones.
pub(super) fn stop_timeout_secs(asked: Option<Duration>, own: Option<u64>) -> u64 {
    let in_full = |asked: Duration| asked.as_secs() + u64::from(asked.subsec_nanos() > 0);
    asked.map(in_full).or(own).unwrap_or(ENGINE_STOP_TIMEOUT_SECS)
}

fn why_none(question: &Question<'_>, wishes: &Wishes) -> &'static str {
    match (question.requested, wishes.quiesce) {
        (Some(_), _) => "the request says so",
        (None, Some(_)) => "its label says so",
        (None, None) => "the configuration of the stack says so",
    }
}

fn reason_to_leave(question: &Question<'_>, container: &Container, proxies: &[String]) -> Option<&'static str> {
    let detail = question.details.get(&container.id);
    let removes_itself = || detail.is_some_and(|d| d.redacted["HostConfig"]["AutoRemove"] == true);
    if question.own.is_some_and(|own| own.container.id == container.id) {
        Some("it is Mainstay itself")
    } else if proxies.contains(&container.id) {
        Some("Mainstay reaches the Docker Engine through it")
    } else if container.is_oneoff {
        Some("it is a one-off container, which a stop would end for good")
    } else if removes_itself() {
        Some("it removes itself when it stops, so it could not be brought back")
    } else {
        None
    }
}

/// A container whose network (or processes) another one shares that is not stopped with it must not be stopped either:
/// the other one would run on, cut off from what it shared. A pause keeps what is shared.
fn spare_namespaces(question: &Question<'_>, choice: &mut Choice) {
    loop {
        let stopped: BTreeSet<&str> =
            choice.held.iter().filter(|h| h.action == HoldAction::Stop).map(|h| h.id.as_str()).collect();
        let stays = |container: &&Container| container.state.is_up() && !stopped.contains(container.id.as_str());
        let ours = question.details.values().filter(|detail| stays(&&detail.container));
        let mut shared: Vec<(String, &str)> = ours
            .flat_map(|d| namespace_owners(d).into_iter().map(move |owner| (owner, d.container.name.as_str())))
            .collect();
        let strangers = question.strangers.iter().filter(stays);
        shared.extend(strangers.filter_map(|c| Some((c.shares_network_of.clone()?, c.name.as_str()))));
        let find_sharer = |held: &HeldContainer| {
            let container = &question.details.get(&held.id)?.container;
            shared.iter().find(|(owner, _)| is_meant(owner, container)).map(|(_, sharer)| (*sharer).to_owned())
        };
        let is_stop = |held: &&HeldContainer| held.action == HoldAction::Stop;
        let Some((id, sharer)) = choice.held.iter().filter(is_stop).find_map(|h| Some((h.id.clone(), find_sharer(h)?)))
        else {
            return;
        };
        for held in choice.held.iter_mut().filter(|held| held.id == id) {
            held.action = HoldAction::Pause;
            choice.notes.push(format!(
                "container {} is paused, not stopped: {sharer} shares its network or processes and is not stopped",
                held.name
            ));
        }
    }
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
