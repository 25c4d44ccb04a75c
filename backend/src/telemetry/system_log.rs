//! Hands what the service says to the system log that the dashboard shows.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::redact::Redactor;
use crate::domain::log::{Level, MIRROR_TARGET};

/// Takes a level, the stack that a line speaks of, and a sentence.
pub type Sink = Arc<dyn Fn(Level, Option<String>, String) + Send + Sync>;

/// The slot of the sink, which is known only once the log directory is.
pub(super) type SinkSlot = Arc<std::sync::OnceLock<Sink>>;

/// Crates whose information is worth a line; of others only warnings are.
const OUR_TARGET: &str = "mainstay";

thread_local! {
    /// Whether this thread is inside of the sink: what the sink itself says must not come back to it.
    static IS_FORWARDING: Cell<bool> = const { Cell::new(false) };
}

/// A layer that forwards events of INFO and above. The fields `stack` and `target` of the event or of a span around it
/// become the line's target, `success = true` its level, the others are appended as `key=value`.
pub struct SystemLogLayer {
    sink: SinkSlot,
    redactor: Redactor,
}

impl SystemLogLayer {
    pub(super) fn new(sink: SinkSlot, redactor: Redactor) -> Self {
        Self { sink, redactor }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SystemLogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(about), Some(span)) = (fields.about, context.span(id)) {
            span.extensions_mut().insert(About(about));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let (Some(about), Some(span)) = (fields.about, context.span(id)) {
            span.extensions_mut().replace(About(about));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(sink) = self.sink.get() else { return };
        let metadata = event.metadata();
        let is_ours = metadata.target().starts_with(OUR_TARGET);
        let least = if is_ours { tracing::Level::INFO } else { tracing::Level::WARN };
        if *metadata.level() > least || metadata.target() == MIRROR_TARGET || IS_FORWARDING.get() {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            _ if fields.is_success => Level::Success,
            _ => Level::Info,
        };
        let about = fields.about.or_else(|| {
            let mut scope = context.event_scope(event)?;
            scope.find_map(|span| span.extensions().get::<About>().map(|about| about.0.clone()))
        });
        let line = self.redactor.redact(&format!("{}{}", fields.message, fields.rest)).replace(['\n', '\r'], " ");
        IS_FORWARDING.set(true);
        sink(level, about, line);
        IS_FORWARDING.set(false);
    }
}

struct About(String);

#[derive(Default)]
struct Fields {
    message: String,
    about: Option<String>,
    is_success: bool,
    rest: String,
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "success" => self.is_success = value,
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "stack" | "target" => self.about = Some(value.to_owned()),
            name if value.contains(' ') || value.is_empty() => self.append(name, format_args!("{value:?}")),
            name => self.append(name, format_args!("{value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "stack" | "target" => self.about = Some(format!("{value:?}")),
            name => self.append(name, format_args!("{value:?}")),
        }
    }
}

impl Fields {
    fn append(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        if !name.starts_with("log.") {
            // Writing to a string cannot fail.
            let _ = write!(self.rest, " {name}={value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, OnceLock};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    type Lines = Arc<Mutex<Vec<(Level, Option<String>, String)>>>;

    fn collect(speak: impl FnOnce()) -> Vec<(Level, Option<String>, String)> {
        let lines = Lines::default();
        let slot: SinkSlot = Arc::new(OnceLock::new());
        let to = lines.clone();
        let sink: Sink = Arc::new(move |level, about, line| {
            tracing::error!(target: "mainstay", "said by the sink itself");
            to.lock().expect("no panic").push((level, about, line));
        });
        assert!(slot.set(sink).is_ok());
        let subscriber = tracing_subscriber::registry().with(SystemLogLayer::new(slot, Redactor::default()));
        tracing::subscriber::with_default(subscriber, speak);
        let lines = lines.lock().expect("no panic");
        lines.clone()
    }

    #[test]
    fn events_become_lines() {
        let lines = collect(|| {
            tracing::info!(target: "mainstay::engine", stack = "blog", size_bytes = 7, path = "/a b", "archive\nwritten");
            tracing::info!(target: "mainstay", success = true, "done");
            tracing::warn!(target: "hyper", password = "x", "odd");
            tracing::debug!(target: "mainstay", "not shown");
            tracing::info!(target: "hyper", "not shown");
        });
        let blog = Some("blog".to_owned());
        assert_eq!(
            lines,
            [
                (Level::Info, blog, "archive written size_bytes=7 path=\"/a b\"".to_owned()),
                (Level::Success, None, "done".to_owned()),
                (Level::Warning, None, "odd password=***".to_owned()),
            ]
        );
    }

    #[test]
    fn the_span_around_tells_the_stack() {
        let lines = collect(|| {
            tracing::info_span!("job", stack = %"blog").in_scope(|| {
                tracing::info_span!("step").in_scope(|| tracing::error!(target: "mainstay", "failed"));
            });
        });
        assert_eq!(lines, [(Level::Error, Some("blog".to_owned()), "failed".to_owned())]);
    }
}
