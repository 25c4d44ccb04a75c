//! `GET /api/v1/snapshots/{id}/download`

use std::io::{Seek, SeekFrom};
use std::path::Path;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get, web};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::path::PathQuery;
use crate::api::problem::ApiError;
use crate::api::range::{Part, find_part};
use crate::api::state::AppState;
use crate::domain::entry::EntryPath;
use crate::domain::ids::SnapshotId;
use crate::engine::{OpenArchive, OpenEntry};

/// How much of an archive is read at once, in bytes.
const CHUNK: usize = 128 * 1024;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormQuery {
    /// `tar` for a directory with all that is below it; absent for a file, or the archive as it is.
    #[param(value_type = Option<String>, example = "tar")]
    archive: Option<String>,
}

impl FormQuery {
    fn is_tar(&self) -> Result<bool, ApiError> {
        match self.archive.as_deref() {
            None => Ok(false),
            Some("tar") => Ok(true),
            Some(_) => Err(ApiError::invalid_query("archive", "the only form is tar")),
        }
    }
}

/// Download a snapshot
///
/// The content of one file when a path is named, else the archive as it is. A further name of a file (`hard_link`) has
/// the file's content. With `archive=tar` a directory, or the whole snapshot, comes as a tar, whatever keeps it; its paths
/// are those of the snapshot. What is read of an archive is compared with the manifest, what is read of a restic snapshot
/// is checked by restic: an answer that comes to its end is right, and one that breaks off is not. The archive can be had
/// in parts (`Range`); its `ETag` is its BLAKE3, or its id where that is not known. A tar of restic has a copy in the place of each further name of a file.
///
/// This needs the scope `admin`: unlike a restore, which puts data back where it was, it takes everything that the stack
/// keeps, secrets included, out of the host.
#[utoipa::path(
    tag = "snapshots",
    operation_id = "download_snapshot",
    security(("bearer" = ["admin"]), ("session" = ["admin"])),
    params(
        ("id" = String, Path, description = "The snapshot", example = "snap_019aa3f1d9e07c3e9f00112233445566"),
        PathQuery, FormQuery,
        ("Range" = Option<String>, Header, description = "A range of bytes of the archive", example = "bytes=0-1023")
    ),
    responses(
        (status = 200, description = "The file, the tar, or the archive", content_type = "application/octet-stream", body = Vec<u8>,
            headers(("Content-Disposition" = String, description = "The name of the file")), example = json!("<h1>hello</h1>")),
        (status = 206, description = "The part of the archive that was asked for", content_type = "application/octet-stream",
            body = Vec<u8>, headers(("Content-Range" = String, description = "Which part it is")), example = json!("<h1>hello</h1>")),
        (status = 404, description = "snapshot_not_found: there is no such snapshot; entry_not_found: it has no such path; \
            archive_missing: it was removed, or is not where it was"),
        (status = 409, description = "not_a_file: there is a directory, a symbolic link or the like; not_a_directory: only \
            directories come as a tar; archive_damaged: the archive is not what was recorded; archive_not_indexed: it is \
            of a kind that cannot be looked into; instance_not_ready: the repository cannot be used as it is"),
        (status = 416, description = "range_not_satisfiable: the archive has no byte in that range"),
        (status = 429, description = "too_many_requests: as many files are being read as may be at once"),
        (status = 502, description = "instance_failed: restic could not read the snapshot"),
        (status = 503, description = "index_rebuilding: the index is being made anew, ask again after `Retry-After` \
            seconds; store_unavailable: the database does not answer; shutting_down: the service is about to end"),
    )
)]
#[get("/api/v1/snapshots/{id}/download")]
pub(crate) async fn download_snapshot(
    state: web::Data<AppState>,
    id: web::Path<SnapshotId>,
    path: web::Query<PathQuery>,
    form: web::Query<FormQuery>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    match (path.parse()?, form.is_tar()?) {
        (path, true) => {
            let folder = state.engine.open_folder(&id, path.unwrap_or_else(EntryPath::top)).await?;
            let name = if folder.path.is_top() { id.as_str().as_bytes() } else { folder.path.name() };
            let name = [name, b".tar"].concat();
            Ok(send_entry(folder, &name))
        }
        (Some(path), false) => {
            let entry = state.engine.open_entry(&id, path).await?;
            let name = entry.path.name().to_vec();
            Ok(send_entry(entry, &name))
        }
        (None, false) => send_archive(&req, state.engine.open_archive(&id).await?),
    }
}

fn send_entry(entry: OpenEntry, name: &[u8]) -> HttpResponse {
    let mut answer = begin(HttpResponse::Ok(), name);
    match entry.size_bytes {
        Some(size_bytes) => answer.body(SizedStream::new(size_bytes, entry.content)),
        None => answer.streaming(entry.content),
    }
}

fn send_archive(req: &HttpRequest, archive: OpenArchive) -> Result<HttpResponse, ApiError> {
    let OpenArchive { mut file, snapshot } = archive;
    let (size, etag) =
        (snapshot.size_bytes, format!("\"{}\"", snapshot.blake3.as_deref().unwrap_or(snapshot.id.as_str())));
    let found = find_part(req, size, &etag)?;
    let part = found.unwrap_or(Part { start: 0, len: size });
    file.seek(SeekFrom::Start(part.start)).map_err(ApiError::internal)?;
    let name = snapshot.find_archive().and_then(Path::file_name).unwrap_or_default();
    let answer = if found.is_some() { HttpResponse::PartialContent() } else { HttpResponse::Ok() };
    let mut answer = begin(answer, name.as_encoded_bytes());
    answer.insert_header((header::ACCEPT_RANGES, "bytes")).insert_header((header::ETAG, etag));
    if found.is_some() {
        let last = part.start + part.len - 1;
        answer.insert_header((header::CONTENT_RANGE, format!("bytes {}-{last}/{size}", part.start)));
    }
    let content = tokio::fs::File::from_std(file).take(part.len);
    Ok(answer.body(SizedStream::new(part.len, ReaderStream::with_capacity(content, CHUNK))))
}

/// What a browser saves and never shows, whatever is in it. Sent as it is: a compressed answer would lose its length.
fn begin(mut answer: HttpResponseBuilder, name: &[u8]) -> HttpResponseBuilder {
    answer
        .content_type("application/octet-stream")
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_DISPOSITION, attachment(name)));
    answer
}

/// The header that names the file to save (RFC 6266): in plain letters for all, and as it is for who understands.
fn attachment(name: &[u8]) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b' ');
    let text = String::from_utf8_lossy(name);
    let plain: String = text.chars().map(|c| if c.is_ascii() && is_plain(c as u8) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != text {
        let escape = |b: u8| if is_plain(b) && b != b' ' { char::from(b).to_string() } else { format!("%{b:02X}") };
        let escaped: String = text.bytes().map(escape).collect();
        value += &format!("; filename*=UTF-8''{escaped}");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn no_name_can_leave_its_header() {
        for (name, value) in [
            (&b"page 1.html"[..], "attachment; filename=\"page 1.html\""),
            (b"a\"b\r\nX: y", "attachment; filename=\"a_b__X_ y\"; filename*=UTF-8''a%22b%0D%0AX%3A%20y"),
            ("ä".as_bytes(), "attachment; filename=\"_\"; filename*=UTF-8''%C3%A4"),
            (b"\xff", "attachment; filename=\"_\"; filename*=UTF-8''%EF%BF%BD"),
            (b"..\\x", "attachment; filename=\".._x\"; filename*=UTF-8''..%5Cx"),
        ] {
            assert_eq!(attachment(name), value);
        }
    }
}
