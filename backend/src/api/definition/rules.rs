//! Rules of the domain as readers of fields.

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::domain::hint::did_you_mean;
use crate::domain::target_rules::{self, InvalidText};

/// An IANA time zone.
pub(super) fn parse_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let hint = did_you_mean(text, TZ_VARIANTS.iter().map(|zone| zone.name()));
        format!("'{text}' is not an IANA time zone such as 'Europe/Berlin'{hint}")
    })
}

/// A pattern of what is left out.
pub(super) fn parse_exclude(text: &str) -> Result<String, InvalidText> {
    target_rules::check_exclude(text).map(|()| text.to_owned())
}

/// A tag for a snapshot.
pub(super) fn parse_tag(text: &str) -> Result<String, InvalidText> {
    target_rules::check_tag(text).map(|()| text.to_owned())
}

/// The reference of an image.
pub(super) fn parse_image(text: &str) -> Result<String, InvalidText> {
    target_rules::check_image(text).map(|()| text.to_owned())
}

/// Which part of the data a check reads.
pub(super) fn parse_subset(text: &str) -> Result<String, InvalidText> {
    target_rules::check_subset(text).map(|()| text.to_owned())
}
