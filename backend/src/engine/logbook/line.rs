//! A line of a log file: `2026-11-21T02:00:07.123Z [WARNING] (blog) a sentence`.
//!
//! The number of a line is its place in the file, so a message never holds a line break: it is written as `\n`.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::log::{Level, LogLine};

/// The line as it stands in a file, without the line break.
#[must_use]
pub fn format_line(line: &LogLine) -> String {
    let at = line.at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let message = flatten(&line.message);
    match &line.target {
        Some(target) => format!("{at} [{}] ({}) {message}", line.level, flatten(target).replace(')', "]")),
        None => format!("{at} [{}] {message}", line.level),
    }
}

/// Reads line number `n` of a file. A line that is not of our form, such as one that a crash cut short, becomes a
/// message as it stands.
#[must_use]
pub fn parse_line(n: u64, text: &str) -> LogLine {
    parse(n, text).unwrap_or_else(|| LogLine {
        n,
        at: DateTime::UNIX_EPOCH,
        level: Level::Info,
        target: None,
        message: text.to_owned(),
    })
}

fn parse(n: u64, text: &str) -> Option<LogLine> {
    let (at, rest) = text.split_once(" [")?;
    let (level, rest) = rest.split_once("] ")?;
    let (target, message) = match rest.strip_prefix('(').and_then(|r| r.split_once(") ")) {
        Some((target, message)) => (Some(target.to_owned()), message),
        None => (None, rest),
    };
    Some(LogLine {
        n,
        at: DateTime::parse_from_rfc3339(at).ok()?.with_timezone(&Utc),
        level: level.parse().ok()?,
        target,
        message: message.to_owned(),
    })
}

fn flatten(text: &str) -> String {
    let mut flat = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => flat.push_str("\\n"),
            '\r' => {}
            c if c.is_control() && c != '\t' => flat.extend(c.escape_default()),
            c => flat.push(c),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(target: Option<&str>, message: &str) -> LogLine {
        LogLine {
            n: 7,
            at: DateTime::from_timestamp_millis(1_700_000_000_123).expect("a valid time"),
            level: Level::Success,
            target: target.map(Into::into),
            message: message.into(),
        }
    }

    #[test]
    fn a_line_survives_its_file() {
        for line in [line(None, "done"), line(Some("volume db_data"), "12 files [all] (whole)"), line(Some("a"), "")] {
            assert_eq!(parse_line(7, &format_line(&line)), line);
        }
    }

    #[test]
    fn a_line_break_never_splits_a_line() {
        assert_eq!(format_line(&line(None, "a\nb\r\x1b[31m")), "2023-11-14T22:13:20.123Z [SUCCESS] a\\nb\\u{1b}[31m");
    }

    #[test]
    fn a_line_that_was_cut_is_shown_as_it_stands() {
        assert_eq!(parse_line(3, "2023-11-1").message, "2023-11-1");
    }
}
