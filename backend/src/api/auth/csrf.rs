//! Writes that a browser was tricked into.
//!
//! A browser sends the cookie by itself, so a write that it vouches for must prove that a page of ours made it: by the
//! header `X-Requested-With`, which other sites cannot set, or, for a plain form, by what the browser says about the
//! form's origin. With authentication switched off every page of the web could otherwise start jobs on the machine of
//! whoever looks at it; there, a browser's request must be of our own origin too.

use actix_web::HttpRequest;
use actix_web::http::{Method, header};

use super::super::problem::ApiError;
use super::{Caller, Via};

/// The header that scripts of ours send with every write; its value does not matter.
pub const HEADER: &str = "x-requested-with";

/// Refuses what could be forged.
///
/// # Errors
/// [`ApiError::Csrf`].
pub fn check(req: &HttpRequest, caller: &Caller) -> Result<(), ApiError> {
    let is_read = matches!(*req.method(), Method::GET | Method::HEAD);
    if is_read || caller.via == Via::Bearer || req.headers().contains_key(HEADER) {
        return Ok(());
    }
    let is_fine = match caller.via {
        Via::Bearer => true,
        Via::Cookie => is_form(req) && find_origin(req) == Some(Origin::Own),
        Via::Nothing => find_origin(req) != Some(Origin::Other),
    };
    if is_fine { Ok(()) } else { Err(ApiError::Csrf) }
}

#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Own,
    Other,
}

/// Where a browser says the request comes from; absent when it says nothing, as programs do.
fn find_origin(req: &HttpRequest) -> Option<Origin> {
    let text = |name: &str| req.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    if let Some(site) = text("sec-fetch-site") {
        // `none` is a person who typed the address or followed a bookmark.
        return Some(if matches!(site.as_str(), "same-origin" | "none") { Origin::Own } else { Origin::Other });
    }
    let origin = text("origin")?;
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    Some(if host == req.connection_info().host() { Origin::Own } else { Origin::Other })
}

fn is_form(req: &HttpRequest) -> bool {
    let kind = req.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn caller(via: Via) -> Caller {
        Caller { via, ..Caller::anybody() }
    }

    fn is_refused(via: Via, headers: &[(&'static str, &'static str)]) -> bool {
        let start = TestRequest::post().insert_header(("host", "nas.lan:8080"));
        let req = headers.iter().fold(start, |req, header| req.insert_header(*header)).to_http_request();
        check(&req, &caller(via)).is_err()
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    #[test]
    fn a_cookie_alone_does_not_write() {
        assert!(is_refused(Via::Cookie, &[]));
        assert!(is_refused(Via::Cookie, &[FORM]));
        assert!(is_refused(Via::Cookie, &[FORM, ("origin", "https://evil.example")]));
        assert!(is_refused(Via::Cookie, &[FORM, ("origin", "null")]));
        assert!(is_refused(Via::Cookie, &[FORM, ("sec-fetch-site", "same-site"), ("origin", "http://nas.lan:8080")]));
        assert!(is_refused(Via::Cookie, &[("sec-fetch-site", "same-origin")]), "no form");
        assert!(!is_refused(Via::Cookie, &[("x-requested-with", "mainstay")]));
        assert!(!is_refused(Via::Cookie, &[FORM, ("sec-fetch-site", "same-origin")]));
        assert!(!is_refused(Via::Cookie, &[FORM, ("origin", "http://nas.lan:8080")]));
    }

    #[test]
    fn tokens_and_programs_are_not_asked() {
        assert!(!is_refused(Via::Bearer, &[("origin", "https://evil.example")]));
        assert!(!is_refused(Via::Nothing, &[]));
        assert!(is_refused(Via::Nothing, &[("origin", "https://evil.example")]));
        assert!(is_refused(Via::Nothing, &[("sec-fetch-site", "cross-site")]));
        let read = TestRequest::get().to_http_request();
        assert!(check(&read, &caller(Via::Cookie)).is_ok());
    }
}
