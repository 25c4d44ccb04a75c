//! The parameters `path` and `path_bytes`: a path within a snapshot.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::problem::ApiError;
use crate::domain::entry::{ArchiveEntry, EntryPath};
use crate::engine::Listing;
use crate::store::Page;

/// A path within a snapshot.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PathQuery {
    /// A path, seen from the top directory of the snapshot.
    #[param(example = "volumes/blog_db")]
    path: Option<String>,
    /// The same in hexadecimal, for a path that is no UTF-8.
    #[param(example = "766f6c756d65732fff")]
    path_bytes: Option<String>,
}

impl PathQuery {
    /// The path, when one is named.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] for what can be no path within an archive.
    pub(crate) fn parse(&self) -> Result<Option<EntryPath>, ApiError> {
        let (name, bytes) = match (&self.path, &self.path_bytes) {
            (None, None) => return Ok(None),
            (Some(path), None) => ("path", path.as_bytes().to_vec()),
            (None, Some(digits)) => ("path_bytes", from_hex("path_bytes", digits)?),
            (Some(_), Some(_)) => return Err(ApiError::invalid_query("path_bytes", "it takes the place of path")),
        };
        EntryPath::new(&bytes).map(Some).map_err(|error| ApiError::invalid_query(name, error.to_string()))
    }
}

/// The path that the id of a cursor names.
pub(super) fn of_cursor(id: &str) -> Option<EntryPath> {
    EntryPath::new(&from_hex("cursor", id).ok()?).ok()
}

/// The id of a cursor that goes on after `path`.
fn to_cursor(path: &EntryPath) -> String {
    path.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The page that a listing is.
pub(super) fn to_page(listing: Listing) -> Page<ArchiveEntry> {
    let last = listing.entries.last().filter(|_| listing.has_more);
    let next = last.map(|entry| to_cursor(&entry.path));
    Page { items: listing.entries, next }
}

fn from_hex(name: &'static str, digits: &str) -> Result<Vec<u8>, ApiError> {
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Option<Vec<u8>> = digits.chars().map(digit).collect();
    match digits.as_deref().map(<[u8]>::as_chunks::<2>) {
        Some((pairs, [])) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(ApiError::invalid_query(name, "it must be pairs of hexadecimal digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: Option<&str>, path_bytes: Option<&str>) -> Result<Option<EntryPath>, ApiError> {
        PathQuery { path: path.map(Into::into), path_bytes: path_bytes.map(Into::into) }.parse()
    }

    #[test]
    fn a_path_comes_as_text_or_as_bytes() {
        let bytes = |path: Option<&str>, hex| parse(path, hex).expect("valid").map(|path| path.as_bytes().to_vec());
        assert_eq!(bytes(None, None), None);
        assert_eq!(bytes(Some("/a/b/"), None), Some(b"a/b".to_vec()));
        assert_eq!(bytes(None, Some("612FfF")), Some(b"a/\xff".to_vec()));
        for (path, hex) in [
            (Some("../x"), None),
            (Some("a\0b"), None),
            (None, Some("612")),
            (None, Some("6x")),
            (None, Some("2e2e")),
            (None, Some("ä1")),
            (Some("a"), Some("61")),
        ] {
            assert!(matches!(parse(path, hex), Err(ApiError::InvalidQuery { .. })), "{path:?} {hex:?}");
        }
    }

    #[test]
    fn a_cursor_keeps_every_byte() {
        let path = EntryPath::new(b"a/\xff b").expect("a path");
        assert_eq!(of_cursor(&to_cursor(&path)), Some(path));
    }
}
