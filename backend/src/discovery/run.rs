//! Keeping the view fresh.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Answer, Discovery};
use crate::docker::EngineEvent;

/// How long events are gathered before they are acted on: a `compose up` makes dozens.
const GATHER: Duration = Duration::from_millis(250);

/// What an event asks for.
#[derive(Debug, PartialEq, Eq)]
enum Reaction {
    /// Nothing that a view shows has changed.
    Nothing,
    /// Something changed; more may follow.
    Gather,
    /// Whatever is known may be stale.
    ScanNow,
    /// The engine is lost.
    MarkLost(String),
}

fn react(event: EngineEvent) -> Reaction {
    match event {
        EngineEvent::Connected => Reaction::ScanNow,
        EngineEvent::Disconnected { reason } => Reaction::MarkLost(reason),
        EngineEvent::Container { action, .. } | EngineEvent::Volume { action, .. } => {
            // Health checks make `exec_*` events all the time.
            let word = action.split(':').next().unwrap_or_default().trim();
            let is_silent = word.starts_with("exec_")
                || matches!(
                    word,
                    "attach"
                        | "commit"
                        | "copy"
                        | "archive-path"
                        | "extract-to-dir"
                        | "detach"
                        | "export"
                        | "resize"
                        | "top"
                        | "mount"
                        | "unmount"
                );
            if is_silent { Reaction::Nothing } else { Reaction::Gather }
        }
    }
}

impl Discovery {
    /// Follows the engine's events until cancelled, and looks at everything every `rescan_every`, which is not zero: files
    /// change without an event. Run it once.
    pub async fn run(&self, rescan_every: Duration, cancel: CancellationToken) {
        let mut events = self.0.engine.events();
        let mut rescan = interval(rescan_every);
        rescan.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due: Option<Instant> = None;
        loop {
            let wait = async { if let Some(at) = due { sleep_until(at).await } else { std::future::pending().await } };
            let reaction = tokio::select! {
                () = cancel.cancelled() => return,
                Some(event) = events.next() => react(event),
                () = wait => Reaction::ScanNow,
                _ = rescan.tick() => Reaction::ScanNow,
            };
            match reaction {
                Reaction::Nothing => {}
                // The first event sets the time: a stream that never pauses must not put the scan off for ever.
                Reaction::Gather => due = due.or_else(|| Some(Instant::now() + GATHER)),
                Reaction::MarkLost(reason) => self.mark_lost(reason).await,
                Reaction::ScanNow => {
                    due = None;
                    tokio::select! {
                        () = cancel.cancelled() => return,
                        _ = self.refresh() => {}
                    }
                }
            }
        }
    }

    /// Shows that nothing is known of containers any more, without asking.
    async fn mark_lost(&self, reason: String) {
        let mut last = self.0.last.lock().await;
        last.is_path_map_known = false;
        let known = last.clone();
        let view = self.scan(known, Answer { info: None, error: Some(reason), warning: None }).await;
        self.publish(&view);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_to_events() {
        let container = |action: &str| EngineEvent::Container {
            id: "a1".to_owned(),
            action: action.to_owned(),
            project: None,
            at: chrono::DateTime::UNIX_EPOCH,
        };
        for (action, expected) in [
            ("start", Reaction::Gather),
            ("die", Reaction::Gather),
            ("health_status: healthy", Reaction::Gather),
            ("a word of tomorrow", Reaction::Gather),
            ("exec_create: sh -c true", Reaction::Nothing),
            ("exec_die", Reaction::Nothing),
            ("archive-path", Reaction::Nothing),
        ] {
            assert_eq!(react(container(action)), expected, "{action}");
        }
        assert_eq!(react(EngineEvent::Connected), Reaction::ScanNow);
        let volume = EngineEvent::Volume { name: "v".to_owned(), action: "mount".to_owned() };
        assert_eq!(react(volume), Reaction::Nothing);
        let lost = EngineEvent::Disconnected { reason: "gone".to_owned() };
        assert_eq!(react(lost), Reaction::MarkLost("gone".to_owned()));
    }
}
