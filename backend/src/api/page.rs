//! Lists in pages.
//!
//! A cursor is opaque to clients: hexadecimal digits of `<version>:<list>:<last id>`. It names its list, so that the
//! cursor of one list is refused by another instead of silently giving the wrong page. A list sorts by id; ids sort
//! by time, so a page stays right when something is added meanwhile.

use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::ApiError;
use crate::store::{Page, PageRequest};

/// How many a page has when nothing is asked.
pub const DEFAULT_LIMIT: u64 = 50;
/// How many a page has at most.
pub const MAX_LIMIT: u64 = 500;

const VERSION: &str = "1";

/// The parameters of every list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many to give, at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
}

impl PageQuery {
    /// What is asked of the list called `list`.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] for a bad limit, [`ApiError::InvalidCursor`] for a cursor that is not of this list.
    pub fn parse(&self, list: &str) -> Result<PageRequest, ApiError> {
        let limit = parse_limit(self.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
        let after = self.cursor.as_deref().map(|cursor| decode_cursor(list, cursor)).transpose()?;
        Ok(PageRequest { limit, after })
    }
}

/// The value of the parameter `limit`.
///
/// # Errors
/// [`ApiError::InvalidQuery`] when it is no whole number from 1 to `max`.
pub fn parse_limit(text: Option<&str>, default: u64, max: u64) -> Result<u64, ApiError> {
    let Some(text) = text else { return Ok(default) };
    match text.parse() {
        Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(ApiError::invalid_query("limit", format!("it must be a whole number from 1 to {max}"))),
    }
}

/// The cursor of the next page, when there is one.
#[must_use]
pub fn next_cursor(list: &str, last_id: Option<&str>) -> Option<String> {
    last_id.map(|id| encode_cursor(list, id))
}

/// Cuts a page out of a list that is had as a whole. `items` are sorted by their keys, the greatest first.
#[must_use]
pub fn cut<T>(mut items: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Page<T> {
    if let Some(after) = &request.after {
        items.retain(|item| key(item) < *after);
    }
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = if has_more { items.last().map(key) } else { None };
    Page { items, next }
}

/// The same for `items` that are sorted by their keys, the least first.
#[must_use]
pub fn cut_ascending<T>(mut items: Vec<T>, request: &PageRequest, key: impl Fn(&T) -> String) -> Page<T> {
    if let Some(after) = &request.after {
        items.retain(|item| key(item) > *after);
    }
    cut(items, &PageRequest::first(request.limit), key)
}

fn encode_cursor(list: &str, last_id: &str) -> String {
    format!("{VERSION}:{list}:{last_id}").bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_cursor(list: &str, cursor: &str) -> Result<String, ApiError> {
    let decode = || {
        let digits: Vec<u8> =
            cursor.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let text = String::from_utf8(pairs.iter().map(|[high, low]| high << 4 | low).collect()).ok()?;
        let id = text.strip_prefix(VERSION)?.strip_prefix(':')?.strip_prefix(list)?.strip_prefix(':')?;
        (!id.is_empty()).then(|| id.to_owned())
    };
    decode().ok_or(ApiError::InvalidCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: Option<&str>, cursor: Option<&str>) -> PageQuery {
        PageQuery { limit: limit.map(Into::into), cursor: cursor.map(Into::into) }
    }

    #[test]
    fn limits_out_of_range_are_refused_by_name() {
        assert_eq!(query(None, None).parse("jobs").expect("a page").limit, 50);
        assert_eq!(query(Some("500"), None).parse("jobs").expect("a page").limit, 500);
        for bad in ["0", "501", "-1", "abc", "", "1.5", "99999999999999999999"] {
            let error = query(Some(bad), None).parse("jobs").expect_err(bad);
            assert!(matches!(error, ApiError::InvalidQuery { parameter, .. } if parameter == "limit"), "{bad}");
        }
    }

    #[test]
    fn a_cursor_works_for_its_own_list_only() {
        let cursor = encode_cursor("jobs", "job_1");
        let page = query(None, Some(&cursor)).parse("jobs").expect("a page");
        assert_eq!(page.after.as_deref(), Some("job_1"));
        for list in ["snapshots", "job"] {
            assert!(matches!(query(None, Some(&cursor)).parse(list), Err(ApiError::InvalidCursor)));
        }
        for bad in ["", "x", "zz", "abc", "313a6a6f62733a", "äö", "ff"] {
            assert!(matches!(query(None, Some(bad)).parse("jobs"), Err(ApiError::InvalidCursor)), "{bad}");
        }
    }

    #[test]
    fn the_pages_of_a_whole_list_join_without_gaps() {
        let items = || vec!["e", "d", "c", "b", "a"];
        let page = |after: Option<&str>, limit| {
            cut(items(), &PageRequest { limit, after: after.map(Into::into) }, |item| (*item).to_owned())
        };
        let first = page(None, 2);
        assert_eq!((first.items, first.next.as_deref()), (vec!["e", "d"], Some("d")));
        let rest = page(Some("d"), 3);
        assert_eq!((rest.items, rest.next), (vec!["c", "b", "a"], None));
        assert_eq!(page(Some("bb"), 9).items, ["b", "a"], "what the cursor named may be gone");
        let request = PageRequest { limit: 2, after: Some("b".into()) };
        let page = cut_ascending(vec!["a", "b", "c", "d", "e"], &request, |item| (*item).to_owned());
        assert_eq!((page.items, page.next.as_deref()), (vec!["c", "d"], Some("d")));
    }
}
