//! Answering with a file.

use std::fs::File;
use std::io;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ContentDisposition, DispositionParam, DispositionType, X_CONTENT_TYPE_OPTIONS,
};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

/// Plain text to be saved as `name`. What is appended while it is sent is left out.
///
/// # Errors
/// When the file's size cannot be told.
pub(crate) fn attachment(file: File, name: &str) -> io::Result<HttpResponse> {
    let size = file.metadata()?.len();
    let content = ReaderStream::new(tokio::fs::File::from_std(file).take(size));
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name.to_owned())],
    };
    Ok(HttpResponse::Ok()
        .insert_header(disposition)
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(SizedStream::new(size, content)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn a_file_is_sent_whole_under_its_name() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all("größe: 1\n".as_bytes()).expect("written");
        let answer = attachment(file.reopen().expect("open"), "backup_blog.log").expect("an answer");
        file.write_all(b"written later\n").expect("written");
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        assert_eq!(header("content-disposition"), "attachment; filename=\"backup_blog.log\"");
        assert_eq!(header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(to_bytes(answer.into_body()).await.expect("a body"), "größe: 1\n".as_bytes());
    }
}
