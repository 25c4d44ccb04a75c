//! Numbered items to any number of listeners, with a short memory.
//!
//! A listener that comes back with the id of the last item it saw gets everything after it, or is told that this is
//! no longer possible. Ids carry the epoch of the process, so an id of an earlier process is never mistaken for one
//! of this.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

/// What a listener receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubItem<T> {
    /// Items were lost to this listener: what it knows must be fetched again.
    Reset,
    /// The next item.
    Item {
        /// Where to resume after it.
        id: String,
        /// The item.
        value: T,
    },
}

struct Ring<T> {
    items: VecDeque<(u64, T)>,
    next: u64,
}

/// Hands items to listeners and remembers the last of them.
pub struct Hub<T> {
    epoch: String,
    capacity: usize,
    ring: Mutex<Ring<T>>,
    sender: broadcast::Sender<(u64, T)>,
}

impl<T: Clone + Send + 'static> Hub<T> {
    /// A hub that remembers `capacity` items; `started_at` tells its ids from those of another process.
    #[must_use]
    pub fn new(capacity: usize, started_at: DateTime<Utc>) -> Self {
        Self {
            epoch: format!("{:x}", started_at.timestamp_millis()),
            capacity,
            ring: Mutex::new(Ring { items: VecDeque::with_capacity(capacity), next: 1 }),
            sender: broadcast::Sender::new(capacity.max(256)),
        }
    }

    /// Hands out an item made from its number, which counts from 1 without gaps.
    pub fn publish_numbered(&self, make: impl FnOnce(u64) -> T) -> T {
        let mut ring = self.lock();
        let number = ring.next;
        let value = make(number);
        ring.next += 1;
        if ring.items.len() == self.capacity {
            ring.items.pop_front();
        }
        ring.items.push_back((number, value.clone()));
        // Sent under the lock: a listener that subscribes now sees each item once, in the ring or live. That nobody
        // listens is no error.
        let _ = self.sender.send((number, value.clone()));
        value
    }

    /// Hands out an item.
    pub fn publish(&self, value: T) {
        self.publish_numbered(|_| value);
    }

    /// The last `limit` items, oldest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<T> {
        let ring = self.lock();
        let skip = ring.items.len().saturating_sub(limit);
        ring.items.iter().skip(skip).map(|(_, value)| value.clone()).collect()
    }

    /// The id of the newest item: where a listener that has fetched the present state resumes.
    #[must_use]
    pub fn last_id(&self) -> String {
        self.id(self.lock().next - 1)
    }

    /// Items after the one called `after`, or those to come when that is absent. Starts with [`HubItem::Reset`] when
    /// `after` is unknown or too old.
    pub fn subscribe(&self, after: Option<&str>) -> impl Stream<Item = HubItem<T>> + Send + use<T> {
        let ring = self.lock();
        let live = BroadcastStream::new(self.sender.subscribe());
        let oldest = ring.items.front().map_or(ring.next, |(number, _)| *number);
        let seen = after.map(|id| self.number(id).filter(|n| *n + 1 >= oldest && *n < ring.next));
        let replay: Vec<HubItem<T>> = match seen {
            None => Vec::new(),
            Some(None) => vec![HubItem::Reset],
            Some(Some(seen)) => {
                let missed = ring.items.iter().filter(|(number, _)| *number > seen);
                missed.map(|(number, value)| self.item(*number, value.clone())).collect()
            }
        };
        drop(ring);
        let epoch = self.epoch.clone();
        let live = live.map(move |received| match received {
            Ok((number, value)) => HubItem::Item { id: format!("{epoch}-{number}"), value },
            Err(BroadcastStreamRecvError::Lagged(_)) => HubItem::Reset,
        });
        stream::iter(replay).chain(live)
    }

    fn item(&self, number: u64, value: T) -> HubItem<T> {
        HubItem::Item { id: self.id(number), value }
    }

    /// The id of the item with this number.
    #[must_use]
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.epoch)?.strip_prefix('-')?.parse().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(items: u64) -> Hub<u64> {
        let hub = Hub::new(4, DateTime::from_timestamp_millis(255).expect("a valid time"));
        for n in 1..=items {
            hub.publish(n);
        }
        hub
    }

    async fn take(hub: &Hub<u64>, after: Option<&str>, count: usize) -> Vec<HubItem<u64>> {
        hub.subscribe(after).take(count).collect().await
    }

    fn item(n: u64) -> HubItem<u64> {
        HubItem::Item { id: format!("ff-{n}"), value: n }
    }

    #[tokio::test]
    async fn a_listener_resumes_exactly() {
        let hub = hub(6);
        assert_eq!(take(&hub, Some("ff-4"), 2).await, [item(5), item(6)]);
        assert_eq!(take(&hub, Some("ff-2"), 4).await, [item(3), item(4), item(5), item(6)], "the oldest that is kept");
    }

    #[tokio::test]
    async fn an_id_that_is_too_old_unknown_or_of_another_process_resets() {
        let hub = hub(6);
        for id in ["ff-1", "ff-7", "fe-5", "", "ff-x", "-5"] {
            assert_eq!(take(&hub, Some(id), 1).await, [HubItem::Reset], "{id}");
        }
    }

    #[tokio::test]
    async fn without_an_id_only_what_comes_is_seen() {
        let hub = hub(3);
        let stream = hub.subscribe(None);
        hub.publish(4);
        assert_eq!(stream.take(1).collect::<Vec<_>>().await, [item(4)]);
    }

    #[tokio::test]
    async fn a_listener_that_is_too_slow_is_told() {
        let hub = hub(0);
        let stream = hub.subscribe(None);
        for n in 0..300 {
            hub.publish(n);
        }
        assert_eq!(stream.take(1).collect::<Vec<_>>().await, [HubItem::Reset]);
    }
}
