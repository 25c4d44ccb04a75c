//! What happens at an engine, for as long as anybody listens.
//!
//! A subscription is asked for from a moment that the engine itself names, so that nothing falls between asking and
//! being subscribed. A silent stream proves nothing: a cut link looks the same. So after a while of silence the engine
//! is asked for a sign of life, and the stream is made again when there is none.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::EventMessage;
use bollard::query_parameters::{EventsOptions, EventsOptionsBuilder};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, sleep, timeout};

use super::convert::{event_of, parse_time};
use super::failure::{Asked, classify, explain};
use super::link::EngineLink;
use super::{EngineError, EngineEvent};

/// A refusal of the stream may come just behind the sign of life; how long to wait for it.
const REFUSAL_GRACE: Duration = Duration::from_millis(100);
/// A stream that lived this long was a good one: the next pause is short again.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// The pauses and limits of an event stream.
#[derive(Debug, Clone, Copy)]
pub struct EventTiming {
    /// Silence after which the engine is asked for a sign of life.
    pub idle: Duration,
    /// How long it may take to give one.
    pub ping_limit: Duration,
    /// The pause before the first new attempt; it doubles with each failure.
    pub first_pause: Duration,
    /// The longest pause between attempts.
    pub longest_pause: Duration,
}

impl Default for EventTiming {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(20),
            ping_limit: Duration::from_secs(5),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(15),
        }
    }
}

impl EventTiming {
    /// The pause before an attempt that follows `failures` failures in a row.
    fn pause_after(&self, failures: u32) -> Duration {
        match failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => self.first_pause.saturating_mul(1 << doublings.min(16)).min(self.longest_pause),
        }
    }
}

/// The endless stream of events.
pub(super) fn open(link: Arc<EngineLink>, timing: EventTiming) -> BoxStream<'static, EngineEvent> {
    let feed = Feed { link, timing, live: None, failures: 0, is_loss_told: false };
    stream::unfold(feed, |mut feed| async move { Some((feed.next().await, feed)) }).boxed()
}

struct Feed {
    link: Arc<EngineLink>,
    timing: EventTiming,
    live: Option<Subscription>,
    failures: u32,
    is_loss_told: bool,
}

struct Subscription {
    messages: BoxStream<'static, Result<EventMessage, Error>>,
    early: VecDeque<EventMessage>,
    since: Instant,
}

/// Why a subscription gave no event.
enum Loss {
    /// One item could not be read, and the library cannot read past it.
    Unreadable,
    /// The stream is gone.
    Gone(String),
}

impl Feed {
    async fn next(&mut self) -> EngineEvent {
        loop {
            let outcome = match &mut self.live {
                Some(subscription) => subscription.next(&self.link, &self.timing).await.map(event_of),
                None => self.connect().await.map(Some),
            };
            match outcome {
                Ok(Some(event)) => return event,
                Ok(None) => {}
                Err(loss) => {
                    if let Some(event) = self.lose(loss) {
                        return event;
                    }
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<EngineEvent, Loss> {
        sleep(self.timing.pause_after(self.failures)).await;
        let subscription = subscribe(&self.link, &self.timing).await.map_err(|error| Loss::Gone(explain(&error)))?;
        self.live = Some(subscription);
        self.is_loss_told = false;
        Ok(EngineEvent::Connected)
    }

    /// Notes a loss; tells of it unless it is told already, or the next `Connected` says all there is to say.
    fn lose(&mut self, loss: Loss) -> Option<EngineEvent> {
        let was_steady = self.live.take().is_some_and(|subscription| subscription.since.elapsed() >= STEADY_AFTER);
        self.failures = if was_steady { 1 } else { self.failures.saturating_add(1) };
        match loss {
            Loss::Gone(reason) if !self.is_loss_told => {
                self.is_loss_told = true;
                Some(EngineEvent::Disconnected { reason })
            }
            Loss::Gone(_) => None,
            Loss::Unreadable => {
                tracing::warn!("an event of the Docker Engine cannot be read, the stream is made again without it");
                None
            }
        }
    }
}

impl Subscription {
    async fn next(&mut self, link: &EngineLink, timing: &EventTiming) -> Result<EventMessage, Loss> {
        if let Some(message) = self.early.pop_front() {
            return Ok(message);
        }
        loop {
            match timeout(timing.idle, self.messages.next()).await {
                Ok(Some(Ok(message))) => return Ok(message),
                Ok(Some(Err(Error::JsonDataError { .. } | Error::JsonSerdeError { .. }))) => {
                    return Err(Loss::Unreadable);
                }
                Ok(Some(Err(error))) => return Err(Loss::Gone(explain(&failed(link, error)))),
                Ok(None) => return Err(Loss::Gone(explain(&closed(link)))),
                Err(_) => ping(link, timing).await.map_err(|error| Loss::Gone(explain(&error)))?,
            }
        }
    }
}

/// Subscribes, then makes sure that the engine answers and did not refuse.
async fn subscribe(link: &EngineLink, timing: &EventTiming) -> Result<Subscription, EngineError> {
    let since = engine_time(link, timing).await?;
    let client = link.client(&asked())?;
    let mut messages = client.events(Some(options(since))).boxed();
    let mut early = VecDeque::new();
    let mut sign_of_life = std::pin::pin!(async {
        ping(link, timing).await?;
        sleep(REFUSAL_GRACE).await;
        Ok::<(), EngineError>(())
    });
    loop {
        tokio::select! {
            biased;
            item = messages.next() => match item {
                Some(Ok(message)) => early.push_back(message),
                Some(Err(error)) => return Err(failed(link, error)),
                None => return Err(closed(link)),
            },
            sign = &mut sign_of_life => {
                sign?;
                return Ok(Subscription { messages, early, since: Instant::now() });
            }
        }
    }
}

/// The engine's own clock, in the form that `since` takes. `None` when a proxy does not let us ask.
async fn engine_time(link: &EngineLink, timing: &EventTiming) -> Result<Option<String>, EngineError> {
    let asked = Asked::general("tell its time");
    let answer = link.ask(&asked, timing.ping_limit, |client| async move { client.info().await }).await;
    match answer.map_err(EngineError::from) {
        Ok(info) => Ok(info
            .system_time
            .as_deref()
            .and_then(parse_time)
            .map(|time| format!("{}.{:09}", time.timestamp(), time.timestamp_subsec_nanos()))),
        Err(error @ (EngineError::Unreachable { .. } | EngineError::TimedOut { .. })) => Err(error),
        Err(_) => Ok(None),
    }
}

fn options(since: Option<String>) -> EventsOptions {
    let kinds = HashMap::from([("type", vec!["container", "volume"])]);
    EventsOptions { since, ..EventsOptionsBuilder::default().filters(&kinds).build() }
}

async fn ping(link: &EngineLink, timing: &EventTiming) -> Result<(), EngineError> {
    let asked = Asked::general("answer a ping");
    link.ask(&asked, timing.ping_limit, |client| async move { client.ping().await }).await?;
    Ok(())
}

fn asked() -> Asked {
    Asked::general("tell what happens")
}

fn failed(link: &EngineLink, error: Error) -> EngineError {
    classify(link.address(), &asked(), error).error
}

fn closed(link: &EngineLink) -> EngineError {
    EngineError::Unreachable { address: link.address().to_owned(), source: "it closed the event stream".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let timing = EventTiming::default();
        let pauses: Vec<u128> = (0..8).map(|failures| timing.pause_after(failures).as_millis()).collect();
        assert_eq!(pauses, [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        assert_eq!(timing.pause_after(u32::MAX), timing.longest_pause);
    }

    #[tokio::test]
    async fn an_outage_is_told_once() {
        let timing = EventTiming { first_pause: Duration::from_millis(1), ..EventTiming::default() };
        let link = Arc::new(EngineLink::new(Some("unix:///no/such.sock"), None));
        let mut feed = Feed { link, timing, live: None, failures: 0, is_loss_told: false };
        assert!(matches!(feed.next().await, EngineEvent::Disconnected { .. }));
        let more = timeout(Duration::from_millis(20), feed.next()).await;
        assert!(more.is_err(), "{more:?}");
        assert!(feed.failures > 2, "it keeps trying");
    }
}
