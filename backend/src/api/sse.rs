//! Server-sent events.
//!
//! [`respond`] turns a stream of [`SseEvent`]s into an answer that ends with the stream or with the service, and says
//! `ping` every 15 s: an event with a name, because comments do not reach a page's script, which needs to notice a
//! dead connection. Logs go through [`batch`], which sends lines as arrays: one event a line is fifteen times slower
//! in a browser. An event without an id leaves the client's place in the log where it was.

use std::time::Duration;

use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::input::parse_parameter;
use super::problem::ApiError;
use super::wire::LogLine;

/// How long a client waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 500;
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long lines are collected, and how many, before they are sent.
const BATCH_FOR: Duration = Duration::from_millis(100);
const BATCH_LINES: usize = 500;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// What the client sends back as `Last-Event-ID` to go on from here.
    pub id: Option<String>,
    /// Its name.
    pub event: &'static str,
    /// Its content; JSON by custom.
    pub data: String,
}

impl SseEvent {
    /// An event with `data` as JSON and without an id.
    #[must_use]
    pub fn json(event: &'static str, data: &impl Serialize) -> Self {
        // Wire types have string keys and finite numbers, which is all that JSON could refuse.
        Self { id: None, event, data: serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned()) }
    }

    /// The same event with an id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The last event of a stream: there is nothing more to come, do not connect again.
    #[must_use]
    pub fn end(data: &impl Serialize) -> Self {
        Self::json("end", data)
    }

    /// Tells the client that what it asked for is no longer kept: fetch everything again.
    #[must_use]
    pub fn reset() -> Self {
        Self::json("reset", &serde_json::json!({}))
    }

    fn frame(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 64);
        if let Some(id) = &self.id {
            let id: String = id.chars().filter(|c| !matches!(c, '\n' | '\r' | '\0')).collect();
            text.push_str(&format!("id: {id}\n"));
        }
        text.push_str(&format!("event: {}\n", self.event));
        for line in self.data.split(['\n', '\r']) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        Bytes::from(text)
    }
}

/// Answers with `events` until they end or `shutdown` is cancelled.
pub fn respond<S>(events: S, shutdown: CancellationToken) -> HttpResponse
where
    S: Stream<Item = SseEvent> + 'static,
{
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        // Keeps the compressing middleware from holding events back.
        .insert_header(ContentEncoding::Identity)
        .streaming(frames(events, shutdown, PING_EVERY).map(Ok::<_, actix_web::Error>))
}

fn frames<S>(events: S, shutdown: CancellationToken, ping_every: Duration) -> impl Stream<Item = Bytes> + 'static
where
    S: Stream<Item = SseEvent> + 'static,
{
    let ping = tokio::time::interval_at(tokio::time::Instant::now() + ping_every, ping_every);
    let rest = stream::unfold((Box::pin(events), ping, shutdown), |(mut events, mut ping, shutdown)| async move {
        let frame = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            event = events.next() => event?.frame(),
            _ = ping.tick() => SseEvent::json("ping", &serde_json::json!({})).frame(),
        };
        Some((frame, (events, ping, shutdown)))
    });
    stream::once(async { Bytes::from(format!("retry: {RETRY_MS}\n\n")) }).chain(rest)
}

/// What a log stream is made of.
#[derive(Debug, Clone)]
pub enum LogItem {
    /// A line, to be sent together with its neighbours.
    Line(LogLine),
    /// Anything else, sent after the lines before it.
    Event(SseEvent),
}

/// Puts lines into `log` events of at most 500, at most 100 ms after they came; the order of everything is kept.
pub fn batch<S: Stream<Item = LogItem> + 'static>(items: S) -> impl Stream<Item = SseEvent> + 'static {
    tokio_stream::StreamExt::chunks_timeout(items, BATCH_LINES, BATCH_FOR)
        .flat_map(|items| stream::iter(events_of(items)))
}

fn events_of(items: Vec<LogItem>) -> Vec<SseEvent> {
    let mut events = Vec::new();
    let mut lines: Vec<LogLine> = Vec::new();
    for item in items {
        match item {
            LogItem::Line(line) => lines.push(line),
            LogItem::Event(event) => {
                events.extend(log_event(&std::mem::take(&mut lines)));
                events.push(event);
            }
        }
    }
    events.extend(log_event(&lines));
    events
}

fn log_event(lines: &[LogLine]) -> Option<SseEvent> {
    let last = lines.last()?;
    Some(SseEvent::json("log", &lines).with_id(&last.id))
}

/// After which event a client wants to go on: the later one of the header `Last-Event-ID` and the parameter `after`.
///
/// A browser sends the header when it reconnects by itself, with the address it was first given, so an old `after`
/// may come with a newer header; a page that connects anew puts its place into `after`. The later one is right in
/// both cases.
///
/// # Errors
/// [`ApiError::InvalidQuery`] when one of them is no event id.
pub fn resume_after(req: &HttpRequest, after: Option<&str>) -> Result<Option<String>, ApiError> {
    let header = req.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let header =
        header.filter(|text| !text.is_empty()).map(|text| EventId::parse("Last-Event-ID", text)).transpose()?;
    let after = after.map(|text| EventId::parse("after", text)).transpose()?;
    Ok(header.max(after).map(|id| id.text))
}

/// The same for a job's log, whose event ids are the numbers of its lines; 0 is the start.
///
/// # Errors
/// [`ApiError::InvalidQuery`] when one of them is no whole number.
pub fn resume_after_line(req: &HttpRequest, after: Option<&str>) -> Result<u64, ApiError> {
    let id = resume_after(req, after)?;
    Ok(parse_parameter("after", id.as_deref())?.unwrap_or(0))
}

/// An event id: a number, after the epoch of the process in hexadecimal where the numbers start anew with it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct EventId {
    epoch: u64,
    number: u64,
    text: String,
}

impl EventId {
    fn parse(parameter: &str, text: &str) -> Result<Self, ApiError> {
        let (epoch, number) = text.split_once('-').unwrap_or(("0", text));
        match (u64::from_str_radix(epoch, 16), number.parse()) {
            (Ok(epoch), Ok(number)) => Ok(Self { epoch, number, text: text.to_owned() }),
            _ => Err(ApiError::invalid_query(parameter, "it is not the id of an event")),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use chrono::DateTime;

    use super::*;
    use crate::domain::log::{Level, LogLine as DomainLine};

    fn line(n: u64) -> LogItem {
        let line = DomainLine { n, at: DateTime::UNIX_EPOCH, level: Level::Info, target: None, message: "m".into() };
        LogItem::Line(LogLine::of_job(line))
    }

    fn text(frame: &Bytes) -> String {
        String::from_utf8_lossy(frame).into_owned()
    }

    #[test]
    fn a_frame_cannot_be_broken_by_its_content() {
        let event = SseEvent { id: Some("7\nevent: evil".into()), event: "log", data: "a\nb\rc".into() };
        assert_eq!(text(&event.frame()), "id: 7event: evil\nevent: log\ndata: a\ndata: b\ndata: c\n\n");
        assert_eq!(text(&SseEvent::reset().frame()), "event: reset\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn a_stream_starts_with_retry_and_ends_with_its_events() {
        let events = stream::iter([SseEvent::json("state", &1), SseEvent::end(&2)]);
        let frames: Vec<_> = frames(events, CancellationToken::new(), PING_EVERY).map(|f| text(&f)).collect().await;
        assert_eq!(frames, ["retry: 500\n\n", "event: state\ndata: 1\n\n", "event: end\ndata: 2\n\n"]);
    }

    #[tokio::test]
    async fn a_silent_stream_pings_and_ends_with_the_service() {
        let shutdown = CancellationToken::new();
        let mut frames = Box::pin(frames(stream::pending(), shutdown.clone(), Duration::from_millis(5)));
        let mut next = async || frames.next().await.map(|frame| text(&frame));
        assert_eq!(next().await.as_deref(), Some("retry: 500\n\n"));
        for _ in 0..2 {
            assert_eq!(next().await.as_deref(), Some("event: ping\ndata: {}\n\n"));
        }
        shutdown.cancel();
        assert_eq!(next().await, None);
    }

    #[actix_web::test]
    async fn the_answer_is_neither_stored_nor_buffered_nor_compressed() {
        let answer = respond(stream::empty(), CancellationToken::new());
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-accel-buffering"), "no");
        assert_eq!(header("content-encoding"), "identity");
    }

    #[tokio::test]
    async fn lines_travel_in_arrays_and_in_order() {
        let items = (1..=1200).map(line).chain([LogItem::Event(SseEvent::end(&0))]);
        let events: Vec<_> = batch(stream::iter(items)).collect().await;
        let ids: Vec<_> = events.iter().map(|e| (e.event, e.id.as_deref())).collect();
        assert_eq!(ids, [("log", Some("500")), ("log", Some("1000")), ("log", Some("1200")), ("end", None)]);
        let lines: Vec<serde_json::Value> = serde_json::from_str(&events[0].data).expect("an array");
        assert_eq!(lines.len(), 500);
    }

    #[tokio::test]
    async fn a_lone_line_does_not_wait_for_others() {
        let mut events = Box::pin(batch(stream::iter([line(1)]).chain(stream::pending())));
        let event = events.next().await.expect("an event");
        assert_eq!(event.id.as_deref(), Some("1"));
    }

    #[test]
    fn the_later_place_wins() {
        let req = |id: &str| TestRequest::get().insert_header(("last-event-id", id)).to_http_request();
        let table = [("7", Some("5"), "7"), ("7", Some("9"), "9"), ("", Some("10"), "10"), ("9", Some("10"), "10")];
        for (header, after, expected) in table {
            assert_eq!(resume_after(&req(header), after).ok().flatten().as_deref(), Some(expected));
        }
        let of_another_process = resume_after(&req("18c-900"), Some("18d-3")).ok().flatten();
        assert_eq!(of_another_process.as_deref(), Some("18d-3"));
        assert_eq!(resume_after(&req(""), None).ok(), Some(None));
        assert_eq!(resume_after_line(&req(""), None).ok(), Some(0));
        for (header, after) in [("x", None), ("1", Some("-1")), ("", Some("1-x")), ("zz-1", None)] {
            assert!(resume_after(&req(header), after).is_err(), "{header} {after:?}");
        }
        assert!(resume_after_line(&req("18c-900"), None).is_err());
    }
}
