//! Durations as people write them: `90s`, `60m`, `12h`, `1h30m`, `1.5h`, `2d`.

use std::time::Duration;

/// The longest duration that is accepted: ten years. Adding it to a time never overflows.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a duration such as '90s', '60m' or '1h30m'")]
pub struct InvalidDuration;

/// Reads a duration: numbers, each with its unit (`ns`, `us`, `ms`, `s`, `m`, `h`, `d`), largest first or not. A
/// single `0` needs no unit.
///
/// # Errors
/// Fails on a missing or unknown unit, a sign, and more than ten years.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, behind) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, behind) = split_where(behind, |c| c.is_ascii_digit() || c == '.');
        seconds += number.parse::<f64>().map_err(|_| InvalidDuration)? * seconds_of(unit)?;
        rest = behind;
    }
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| InvalidDuration)?;
    if text.is_empty() || duration > LONGEST { Err(InvalidDuration) } else { Ok(duration) }
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

fn seconds_of(unit: &str) -> Result<f64, InvalidDuration> {
    match unit {
        "ns" => Ok(1e-9),
        "us" | "µs" | "μs" => Ok(1e-6),
        "ms" => Ok(1e-3),
        "s" => Ok(1.0),
        "m" => Ok(60.0),
        "h" => Ok(3600.0),
        "d" => Ok(86400.0),
        _ => Err(InvalidDuration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_read() {
        for (text, seconds) in [
            ("60m", 3600.0),
            ("12h", 43200.0),
            ("90s", 90.0),
            ("1h30m", 5400.0),
            ("1.5h", 5400.0),
            ("100ms", 0.1),
            ("0", 0.0),
            ("0s", 0.0),
            ("2d", 172_800.0),
            (".5s", 0.5),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "m", "1x", "-5m", "+5m", "1 h", "1h 30m", "1..5h", ".s", "h1", "99999999h", "1e3s", "٣s"]
        {
            assert_eq!(parse_duration(text), Err(InvalidDuration), "{text}");
        }
    }
}
