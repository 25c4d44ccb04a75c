//! A part of a file, as the header `Range` asks for it (RFC 9110, 14.2): one range of bytes. Everything else gets the
//! whole file, as the RFC allows.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};

use super::problem::ApiError;

/// Which bytes of a file are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first.
    pub(crate) start: u64,
    /// How many.
    pub(crate) len: u64,
}

/// The part that `req` asks of a file of `size_bytes` that is called `etag`; `None` for all of it.
///
/// # Errors
/// [`ApiError::RangeNotSatisfiable`] when the file ends before it.
pub(crate) fn find_part(req: &HttpRequest, size_bytes: u64, etag: &str) -> Result<Option<Part>, ApiError> {
    let text = |name| text_of(req.headers(), name);
    let is_same = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let Some(range) = text(header::RANGE).filter(|_| is_same) else { return Ok(None) };
    let Some((first, last)) = parse(range) else { return Ok(None) };
    let (start, end) = match (first, last) {
        (Some(first), last) => (first, last.map_or(size_bytes, |last| last.saturating_add(1).min(size_bytes))),
        (None, Some(last)) => (size_bytes.saturating_sub(last), size_bytes),
        (None, None) => return Ok(None),
    };
    if start >= end {
        Err(ApiError::RangeNotSatisfiable { size_bytes })
    } else {
        Ok(Some(Part { start, len: end - start }))
    }
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `bytes=5-9`, `bytes=5-` and `bytes=-5`.
fn parse(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    let is_backwards = first.zip(last).is_some_and(|(first, last): (u64, u64)| last < first);
    (!is_backwards).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn part(range: &str, if_range: Option<&str>) -> Result<Option<(u64, u64)>, ApiError> {
        let mut req = TestRequest::get().insert_header(("range", range));
        if let Some(known) = if_range {
            req = req.insert_header(("if-range", known));
        }
        find_part(&req.to_http_request(), 100, "\"a\"").map(|part| part.map(|part| (part.start, part.len)))
    }

    #[test]
    fn one_range_is_found_and_others_are_the_whole() {
        for (range, expected) in [
            ("bytes=0-0", Some((0, 1))),
            ("bytes=10-19", Some((10, 10))),
            ("bytes=90-", Some((90, 10))),
            ("bytes=90-400", Some((90, 10))),
            ("bytes=-7", Some((93, 7))),
            ("bytes=-700", Some((0, 100))),
            ("bytes=5-4", None),
            ("bytes=-", None),
            ("bytes=0-1,5-6", None),
            ("lines=0-1", None),
            ("bytes=a-b", None),
        ] {
            assert_eq!(part(range, None).expect(range), expected, "{range}");
        }
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert!(matches!(part(range, None), Err(ApiError::RangeNotSatisfiable { size_bytes: 100 })), "{range}");
        }
    }

    #[test]
    fn a_range_of_another_file_is_the_whole() {
        assert_eq!(part("bytes=5-", Some("\"a\"")).expect("a part"), Some((5, 95)));
        assert_eq!(part("bytes=5-", Some("\"b\"")).expect("a part"), None);
        assert_eq!(part("bytes=500-", Some("\"b\"")).expect("a part"), None);
    }
}
