//! Reading server-sent events.

use std::time::Duration;

use serde_json::Value;

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of events that is open.
pub(crate) struct Events {
    response: reqwest::Response,
    text: String,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Events {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self { response, text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.take() {
                return Some(event);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("an event in time");
            self.text += &String::from_utf8_lossy(&chunk.expect("a chunk")?);
        }
    }

    /// The next event that is no `ping`.
    pub(crate) async fn expect(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("an event");
            if event.name != "ping" {
                return event;
            }
        }
    }

    fn take(&mut self) -> Option<Event> {
        loop {
            let (frame, rest) = self.text.split_once("\n\n")?;
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let event = field("event").map(|event| Event {
                id: field("id").map(str::to_owned),
                name: event.to_owned(),
                data: serde_json::from_str(field("data").unwrap_or("null")).expect("JSON"),
            });
            self.text = rest.to_owned();
            if event.is_some() {
                return event;
            }
        }
    }
}
