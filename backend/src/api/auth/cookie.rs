//! The session cookie.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

/// The cookie's name.
pub const NAME: &str = "mainstay_session";

/// The cookie that keeps `secret` in the browser for `lifetime`: out of reach of scripts, sent to our own pages only,
/// and over TLS only when the request came that way.
#[must_use]
pub fn make(req: &HttpRequest, secret: String, lifetime: chrono::Duration) -> Cookie<'static> {
    Cookie::build(NAME, secret)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        // Behind a proxy `X-Forwarded-Proto` tells; a lie there only makes the sender's own cookie stricter.
        .secure(req.connection_info().scheme() == "https")
        .max_age(Duration::seconds(lifetime.num_seconds()))
        .finish()
}

/// The cookie of Marina's clients: the name that they know, and sent when a link of another site is followed, as they
/// are used to. Its session may only read.
pub const MARINA_NAME: &str = "marina_auth_token";

/// The same cookie for clients of Marina.
#[must_use]
pub fn make_for_marina(req: &HttpRequest, secret: String, lifetime: chrono::Duration) -> Cookie<'static> {
    let mut cookie = make(req, secret, lifetime);
    cookie.set_name(MARINA_NAME);
    cookie.set_same_site(SameSite::Lax);
    cookie
}

/// The cookie that makes a browser forget its session.
#[must_use]
pub fn make_removal(req: &HttpRequest) -> Cookie<'static> {
    let mut cookie = make(req, String::new(), chrono::Duration::zero());
    cookie.make_removal();
    cookie
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
        let day = chrono::Duration::days(1);
        let plain = make(&TestRequest::get().to_http_request(), "s".into(), day).to_string();
        assert_eq!(plain, "mainstay_session=s; HttpOnly; SameSite=Strict; Path=/; Max-Age=86400");
        let tls = TestRequest::get().insert_header(("x-forwarded-proto", "https")).to_http_request();
        assert!(make(&tls, "s".into(), day).to_string().contains("; Secure"));
        assert!(make_removal(&tls).to_string().contains("Max-Age=0"));
    }
}
