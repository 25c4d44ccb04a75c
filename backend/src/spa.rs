//! The dashboard's files, embedded into the binary.
//!
//! `frontend/dist` is embedded when the binary is built; without it the binary has a page that says so. Hashed files below `/assets/` are
//! cached for a year, everything else is asked for again and answered with 304 when it is the same. Only a browser
//! that navigates (GET or HEAD that accepts HTML) gets `index.html` in place of a path that does not exist; a missing
//! script must be a 404, or the browser runs HTML as code.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";
const CACHE_FOREVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Mainstay</title>\
    <h1>Mainstay runs, without its dashboard</h1>\
    <p>This binary was built without it. Run <code>make build</code>, or <code>npm ci &amp;&amp; npm run build</code> in \
    <code>frontend/</code> and build again.</p>\
    <p>The API is there: <a href=\"/swagger-ui/\">its documentation</a>.</p></html>";

/// What a page of ours may load: from here only. Styles may be inline, because the component library and Swagger UI
/// set some; scripts may not.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// One file.
struct Asset {
    content: Bytes,
    etag: String,
    media_type: String,
}

/// Headers for every answer of the service, its API included.
pub fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::REFERRER_POLICY, "same-origin"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"))
}

/// Answers what no route takes: the default service of the application.
pub async fn serve(req: HttpRequest) -> HttpResponse {
    show_page(&req)
}

/// Answers a browser that navigates to a path which is not the dashboard's alone.
pub fn show_page(req: &HttpRequest) -> HttpResponse {
    answer(req.method(), req.path(), req.headers(), find_embedded)
}

fn find_embedded(path: &str) -> Option<Asset> {
    let file = Dist::get(path)?;
    let etag: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let content = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Some(Asset { content, etag: format!("\"{etag}\""), media_type: file.metadata.mimetype().to_owned() })
}

fn answer(method: &Method, path: &str, headers: &HeaderMap, find: impl Fn(&str) -> Option<Asset>) -> HttpResponse {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD")).finish();
    }
    let name = if path == "/" { INDEX } else { path.trim_start_matches('/') };
    if let Some(asset) = find(name) {
        let cache = if name.starts_with("assets/") { CACHE_FOREVER } else { ASK_AGAIN };
        return send(&asset, cache, headers);
    }
    if name.starts_with("assets/") || !(name == INDEX || accepts_html(headers)) {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("not found\n");
    }
    match find(INDEX) {
        Some(index) => send(&index, ASK_AGAIN, headers),
        None => {
            HttpResponse::Ok().content_type(HTML).insert_header((header::CACHE_CONTROL, "no-store")).body(NOT_BUILT)
        }
    }
}

const HTML: &str = "text/html; charset=utf-8";

fn send(asset: &Asset, cache: &'static str, headers: &HeaderMap) -> HttpResponse {
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| names_etag(value, &asset.etag));
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::ETAG, asset.etag.as_str())).insert_header((header::CACHE_CONTROL, cache));
    // A proxy must not give a compressed copy to whoever cannot read one.
    answer.insert_header((header::VARY, "accept-encoding"));
    if is_known {
        return answer.finish();
    }
    let is_text = asset.media_type.starts_with("text/") && !asset.media_type.contains("charset");
    let charset = if is_text { "; charset=utf-8" } else { "" };
    answer.content_type(format!("{}{charset}", asset.media_type)).body(asset.content.clone())
}

/// Whether `If-None-Match` names `etag`; weak comparison, because compression on the way makes tags weak.
fn names_etag(value: &HeaderValue, etag: &str) -> bool {
    let value = value.to_str().unwrap_or_default();
    value.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    fn dist(path: &str) -> Option<Asset> {
        let media_type = match path {
            "index.html" => "text/html",
            "assets/app-1a2b.js" => "text/javascript",
            "favicon.svg" => "image/svg+xml",
            _ => return None,
        };
        Some(Asset { content: path.to_owned().into(), etag: format!("\"{path}\""), media_type: media_type.into() })
    }

    async fn ask(request: TestRequest, find: fn(&str) -> Option<Asset>) -> (u16, String, HeaderMap) {
        let req = request.to_http_request();
        let answer = answer(req.method(), req.path(), req.headers(), find);
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = to_bytes(answer.into_body()).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned(), headers)
    }

    fn get(path: &str, accept: &'static str) -> TestRequest {
        TestRequest::get().uri(path).insert_header(("accept", accept))
    }

    fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    #[actix_web::test]
    async fn navigation_gets_the_index_and_nothing_else_does() {
        for path in ["/", "/jobs", "/stacks/blog", "/index.html"] {
            let (status, body, headers) = ask(get(path, BROWSER), dist).await;
            assert_eq!((status, body.as_str()), (200, "index.html"), "{path}");
            assert_eq!(header(&headers, "cache-control"), "no-cache");
            assert_eq!(header(&headers, "content-type"), "text/html; charset=utf-8");
        }
        assert_eq!(ask(get("/", "*/*"), dist).await.1, "index.html");
        for request in [
            get("/jobs", "*/*"),
            get("/jobs", "application/json"),
            get("/assets/gone.js", BROWSER),
            get("/assets/", BROWSER),
        ] {
            assert_eq!(ask(request, dist).await.0, 404);
        }
        let (status, _, headers) = ask(TestRequest::post().uri("/jobs").insert_header(("accept", BROWSER)), dist).await;
        assert_eq!((status, header(&headers, "allow")), (405, "GET, HEAD"));
        let head = TestRequest::default().method(Method::HEAD).uri("/jobs").insert_header(("accept", BROWSER));
        assert_eq!(ask(head, dist).await.0, 200);
    }

    #[actix_web::test]
    async fn hashed_files_are_kept_and_others_asked_for_again() {
        let (status, _, headers) = ask(get("/assets/app-1a2b.js", "*/*"), dist).await;
        assert_eq!((status, header(&headers, "cache-control")), (200, CACHE_FOREVER));
        assert_eq!(header(&headers, "content-type"), "text/javascript; charset=utf-8");
        let (_, _, headers) = ask(get("/favicon.svg", "*/*"), dist).await;
        assert_eq!((header(&headers, "cache-control"), header(&headers, "content-type")), (ASK_AGAIN, "image/svg+xml"));
    }

    #[actix_web::test]
    async fn what_is_known_is_not_sent_again() {
        for tag in ["\"index.html\"", "W/\"index.html\"", "\"x\", \"index.html\"", "*"] {
            let (status, body, headers) = ask(get("/", BROWSER).insert_header(("if-none-match", tag)), dist).await;
            assert_eq!((status, body.as_str(), header(&headers, "etag")), (304, "", "\"index.html\""), "{tag}");
        }
        assert_eq!(ask(get("/", BROWSER).insert_header(("if-none-match", "\"x\"")), dist).await.0, 200);
    }

    #[actix_web::test]
    async fn without_a_dashboard_a_page_says_how_to_get_one() {
        let (status, body, headers) = ask(get("/", BROWSER), |_| None).await;
        assert!(status == 200 && body.contains("npm run build"), "{body}");
        assert_eq!(header(&headers, "cache-control"), "no-store");
    }
}
