//! What the service says: to standard error, and to the system log.
//!
//! Everything passes the [`redact::Redactor`] on its way out. Log with `tracing` macros: a readable sentence and fields
//! with their unit in the name; the field `stack` tells what a line is about; `error!` only if someone should act.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

pub mod redact;
mod system_log;

use redact::Redactor;
use system_log::SinkSlot;
pub use system_log::{Sink, SystemLogLayer};

/// What is said when nothing else is asked for.
const DEFAULT_FILTER: &str = "info";

/// How lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Compact,
    /// One JSON object a line.
    Json,
}

/// How much is said, and how.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How lines look.
    pub format: Format,
    /// As in `RUST_LOG`: `info`, `mainstay=debug,warn`; `info` when empty.
    pub filter: String,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("the log filter '{filter}' cannot be read")]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        #[source]
        source: ParseError,
    },
    /// Logging was started before.
    #[error("logging was already set up")]
    AlreadyStarted(#[source] TryInitError),
}

/// A running telemetry.
#[derive(Clone)]
pub struct Telemetry {
    redactor: Redactor,
    sink: SinkSlot,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("forwards", &self.sink.get().is_some()).finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Knows the secrets; register those of the configuration as soon as it is read.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Forwards what is said from now on to `sink`. Only the first call counts.
    pub fn forward_to(&self, sink: Sink) {
        let _ = self.sink.set(sink);
    }
}

/// Starts logging for the whole process and makes panics part of the log.
///
/// # Errors
/// When the filter cannot be read or logging was started before.
pub fn init(settings: &Settings) -> Result<Telemetry, TelemetryError> {
    let telemetry = Telemetry { redactor: Redactor::default(), sink: Arc::new(OnceLock::new()) };
    let filter = if settings.filter.trim().is_empty() { DEFAULT_FILTER } else { &settings.filter };
    let shown = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .map_err(|source| TelemetryError::Filter { filter: filter.to_owned(), source })?;
    let is_json = match settings.format {
        Format::Auto => !io::stderr().is_terminal(),
        Format::Compact => false,
        Format::Json => true,
    };
    let writer = RedactingWriter(telemetry.redactor.clone());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = if is_json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.compact().with_target(false).with_ansi(io::stderr().is_terminal()).boxed()
    };
    let forward = SystemLogLayer::new(telemetry.sink.clone(), telemetry.redactor.clone());
    // The system log keeps its own level, so that a quiet terminal does not empty the dashboard.
    tracing_subscriber::registry()
        .with(lines.with_filter(shown))
        .with(forward.with_filter(LevelFilter::INFO))
        .try_init()
        .map_err(TelemetryError::AlreadyStarted)?;
    log_panics();
    Ok(telemetry)
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a value that is no text");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        tracing::error!(target: "mainstay", place, thread, "a fault in the program: {text}");
    }));
}

/// Writes to standard error; the formatter hands over one whole line at a time.
#[derive(Clone)]
struct RedactingWriter(Redactor);

impl Write for RedactingWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = self.0.redact(&String::from_utf8_lossy(line));
        io::stderr().lock().write_all(text.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for RedactingWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_filter_is_named() {
        let settings = Settings { filter: "mainstay=loud=x".into(), ..Settings::default() };
        let error = init(&settings).expect_err("no filter");
        assert!(error.to_string().contains("mainstay=loud=x"), "{error}");
    }
}
