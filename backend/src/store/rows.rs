//! Between columns and values.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

pub(super) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|e| StoreError::Row { what, reason: e.to_string() })
}

pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, value: serde_json::Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|e| StoreError::Row { what, reason: e.to_string() })
}

pub(super) fn parse<T: FromStr<Err: Display>>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|e: T::Err| StoreError::Row { what, reason: e.to_string() })
}

pub(super) fn parse_some<T: FromStr<Err: Display>>(
    what: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError> {
    text.map(|t| parse(what, t)).transpose()
}

/// Counts of bytes fit: 2^63 of them are 8 EiB.
pub(super) fn to_column(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn from_column(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
