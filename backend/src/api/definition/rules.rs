//! Rules for single fields that the domain has no type for.

use std::path::PathBuf;

use chrono_tz::Tz;

use crate::domain::repository::RepositoryUrl;

/// An IANA time zone.
pub(super) fn parse_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| format!("'{text}' is not an IANA time zone such as 'Europe/Berlin'"))
}

/// An absolute path of the host.
pub(super) fn parse_host_path(text: &str) -> Result<PathBuf, String> {
    let is_plain = text.starts_with('/') && !text.split('/').any(|part| part == "..") && has_no_control(text);
    if is_plain { Ok(PathBuf::from(text)) } else { Err("it must be an absolute path without '..'".to_owned()) }
}

/// A part of a volume or path, relative to it; nothing for `/`, which is all of it.
pub(super) fn parse_part(text: &str) -> Result<Option<PathBuf>, String> {
    if text.split('/').any(|part| part == "..") || !has_no_control(text) {
        return Err("it must be a path below the target, without '..'".to_owned());
    }
    let parts: PathBuf = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Ok((!parts.as_os_str().is_empty()).then_some(parts))
}

/// A pattern of what is left out.
pub(super) fn parse_exclude(text: &str) -> Result<String, String> {
    if text.is_empty() || !has_no_control(text) { Err("it must be a pattern".to_owned()) } else { Ok(text.to_owned()) }
}

/// A tag for a snapshot.
pub(super) fn parse_tag(text: &str) -> Result<String, String> {
    let is_tag = !text.trim().is_empty() && !text.contains(',') && has_no_control(text);
    if is_tag { Ok(text.to_owned()) } else { Err("it must be a word without commas".to_owned()) }
}

/// The name of a variable.
pub(super) fn parse_env_name(text: &str) -> Result<(), String> {
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !text.is_empty();
    let is_name = is_name && !text.starts_with(|c: char| c.is_ascii_digit());
    if is_name { Ok(()) } else { Err("it must be the name of a variable: letters, digits and '_'".to_owned()) }
}

/// The address of a restic repository.
pub(super) fn parse_repository(text: &str) -> Result<RepositoryUrl, String> {
    if text.trim().is_empty() || !has_no_control(text) {
        return Err("it must be the address of a restic repository".to_owned());
    }
    Ok(RepositoryUrl::new(text))
}

/// The reference of an image.
pub(super) fn parse_image(text: &str) -> Result<String, String> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if is_plain { Ok(text.to_owned()) } else { Err("it must be the reference of an image".to_owned()) }
}

/// Which part of the data a check reads.
pub(super) fn parse_subset(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.is_ascii() {
        Err("it must be like '5%' or '1/20'".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn has_no_control(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
