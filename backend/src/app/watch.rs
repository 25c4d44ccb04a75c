//! What goes on beside requests and jobs.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discovery::{Change, Discovery};
use crate::engine::JobEngine;
use crate::engine::events::Event;

/// Tries the stop journal again until it is empty, and then looks now and then.
pub(super) fn start_journal(tasks: &TaskTracker, shutdown: &CancellationToken, engine: &JobEngine) {
    let (journal, stop) = (engine.clone(), shutdown.clone());
    tasks.spawn(async move { journal.watch_journal(stop).await });
    let (left, stop) = (engine.clone(), shutdown.clone());
    tasks.spawn(async move { left.watch_left(stop).await });
}

/// Keeps the view of the host fresh, looking at all of it every `rescan_every`.
pub(super) fn start_discovery(
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
    discovery: &Discovery,
    rescan_every: Duration,
) {
    let (fresh, stop) = (discovery.clone(), shutdown.clone());
    tasks.spawn(async move { fresh.run(rescan_every, stop).await });
}

/// Passes on what changes on the host, and keeps room for the store.
pub(super) fn start(tasks: &TaskTracker, shutdown: &CancellationToken, engine: &JobEngine, discovery: &Discovery) {
    let (reserve, stop) = (engine.clone(), shutdown.clone());
    tasks.spawn(async move { reserve.watch_reserve(stop).await });
    let (told, changed, stop) = (engine.clone(), discovery.clone(), shutdown.clone());
    tasks.spawn(async move { pass_on(&told, &changed, stop).await });
}

async fn pass_on(engine: &JobEngine, discovery: &Discovery, stop: CancellationToken) {
    let mut changes = discovery.subscribe();
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = stop.cancelled() => return,
        };
        match change {
            Ok(Change::Stacks(names)) => names.into_iter().for_each(|name| engine.publish(Event::Stack { name })),
            Ok(Change::Engine { reachable, .. }) => engine.publish(Event::Engine { is_reachable: reachable }),
            // Whoever subscribed to the plans is told.
            Ok(Change::Labels) => engine.registry().follow_labels(),
            Ok(Change::Warnings) => {}
            // Missed some: each client fetches the list again when it hears of any stack, so hearing less is no loss.
            Err(RecvError::Lagged(_)) => engine.registry().follow_labels(),
            Err(RecvError::Closed) => return,
        }
    }
}
