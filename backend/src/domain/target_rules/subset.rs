//! Which part of a repository's data a check reads.

use super::InvalidText;

/// The most parts that restic cuts a repository into.
const MOST_PARTS: u32 = 256;
const REASON: &str = "write a percentage such as '5%', a part such as '1/20', or a size such as '500M'";

/// Checks a subset as `restic check --read-data-subset` takes it: `5%`, `1/20`, `500M`.
///
/// # Errors
/// When it is none of these, or reads nothing.
pub fn check_subset(text: &str) -> Result<(), InvalidText> {
    let is_right = match (text.strip_suffix('%'), text.split_once('/')) {
        (Some(percentage), _) => is_percentage(percentage),
        (None, Some((part, parts))) => is_part(part, parts),
        (None, None) => is_size(text),
    };
    if is_right { Ok(()) } else { Err(InvalidText::new("part of a repository", text, REASON)) }
}

fn is_percentage(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_plain && text.parse::<f64>().is_ok_and(|percentage| percentage > 0.0 && percentage <= 100.0)
}

fn is_part(part: &str, parts: &str) -> bool {
    match (number(part), number(parts)) {
        (Some(part), Some(parts)) => (1..=parts).contains(&part) && parts <= u64::from(MOST_PARTS),
        _ => false,
    }
}

/// A number with an optional unit of 1024 bytes and its powers.
fn is_size(text: &str) -> bool {
    let digits = text.strip_suffix(|c: char| "bBkKmMgGtT".contains(c)).unwrap_or(text);
    number(digits).is_some_and(|size| size > 0 && size <= u64::MAX >> 44)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
