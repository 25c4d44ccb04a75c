//! Looking into archives: lists, single files, whole archives.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::client::Call;
use crate::support::process::mainstay;
use crate::support::scene::{Scene, Stage, volume_directory};
use crate::support::service::PASSWORD;

const VOLUME: &str = "volumes/blog_db";

/// A backup of `blog` whose volume was filled by `fill`.
async fn backed_up(fill: impl FnOnce(PathBuf)) -> (Scene, Value) {
    let stage = Stage::new();
    fill(volume_directory(stage.setup.root(), "blog"));
    let scene = stage.start().await;
    let job = scene.service.back_up("blog").await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let id = job["snapshot_id"].as_str().expect("a snapshot");
    let snapshot = scene.service.call("get_snapshot").path("id", id).ok().await;
    (scene, snapshot)
}

fn list(scene: &Scene, snapshot: &Value, path: &str) -> Call {
    let id = snapshot["id"].as_str().expect("an id");
    scene.service.call("list_snapshot_files").path("id", id).query("path", path)
}

fn download(scene: &Scene, snapshot: &Value, path: &str) -> Call {
    let id = snapshot["id"].as_str().expect("an id");
    scene.service.call("download_snapshot").path("id", id).query("path", path)
}

fn archive_of(snapshot: &Value) -> PathBuf {
    snapshot["archive"].as_str().expect("a path").into()
}

fn index_of(snapshot: &Value) -> PathBuf {
    archive_of(snapshot).with_added_extension("index")
}

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

/// Bytes that do not compress and are alike in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

async fn content(call: Call) -> Vec<u8> {
    let response = call.open().await;
    assert_eq!(response.status(), 200);
    response.bytes().await.expect("a whole body").to_vec()
}

#[tokio::test]
async fn a_large_directory_is_listed_page_by_page() {
    let (scene, snapshot) = backed_up(|volume| {
        fs::create_dir(volume.join("many")).expect("made");
        (0..1200).for_each(|n| fs::write(volume.join(format!("many/{n:04}")), n.to_string()).expect("written"));
    })
    .await;
    let many = format!("{VOLUME}/many");
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut call = list(&scene, &snapshot, &many).query("limit", 500);
        if let Some(cursor) = &cursor {
            call = call.query("cursor", cursor);
        }
        let page = call.ok().await;
        found.push(names(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
    assert_eq!(found.concat(), (0..1200).map(|n| format!("{n:04}")).collect::<Vec<_>>());
    let cursor = cursor.expect("a cursor");
    list(&scene, &snapshot, VOLUME).query("cursor", &cursor).problem(400, "invalid_cursor").await;
    assert_eq!(names(&list(&scene, &snapshot, "").ok().await), ["compose", "data", "volumes"]);
    assert_eq!(names(&list(&scene, &snapshot, "/volumes/").ok().await), ["blog_db"]);
}

#[tokio::test]
async fn every_kind_of_entry_is_told_and_only_files_have_content() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    let (scene, snapshot) = backed_up(|volume| {
        fs::write(volume.join("first"), "12345").expect("written");
        fs::set_permissions(volume.join("first"), fs::Permissions::from_mode(0o640)).expect("set");
        fs::hard_link(volume.join("first"), volume.join("second")).expect("linked");
        std::os::unix::fs::symlink("../etc/passwd", volume.join("soft")).expect("linked");
        fs::create_dir(volume.join("empty")).expect("made");
        fs::write(volume.join(std::ffi::OsStr::from_bytes(b"odd \xff")), "odd").expect("written");
    })
    .await;
    let page = list(&scene, &snapshot, VOLUME).ok().await;
    let of = |name: &str| page["items"].as_array().expect("items").iter().find(|i| i["name"] == name).expect(name);
    let first = of("first");
    assert_eq!((&first["kind"], &first["size_bytes"], &first["mode"]), (&json!("file"), &json!(5), &json!("0640")));
    assert!(first["modified_at"].as_str().is_some_and(|at| at.ends_with('Z')) && first["path_bytes"].is_null());
    assert_eq!((&of("soft")["kind"], &of("soft")["target"]), (&json!("symlink"), &json!("../etc/passwd")));
    assert_eq!((&of("second")["kind"], &of("second")["size_bytes"]), (&json!("hard_link"), &json!(5)));
    assert_eq!(content(download(&scene, &snapshot, &format!("{VOLUME}/second"))).await, b"12345");
    let id = snapshot["id"].as_str().expect("an id");
    let odd = of("odd \u{fffd}")["path_bytes"].as_str().expect("bytes");
    let by_bytes = scene.service.call("download_snapshot").path("id", id).query("path_bytes", odd);
    assert_eq!(content(by_bytes).await, b"odd");
    assert_eq!(list(&scene, &snapshot, &format!("{VOLUME}/empty")).ok().await["items"], json!([]));
    list(&scene, &snapshot, &format!("{VOLUME}/first")).problem(409, "not_a_directory").await;
    for path in ["", "volumes", VOLUME, "volumes/blog_db/soft", "volumes/blog_db/empty"] {
        download(&scene, &snapshot, path).problem(409, "not_a_file").await;
    }
}

#[tokio::test]
async fn a_file_comes_out_of_the_middle_byte_for_byte() {
    let large = noise(9_000_001);
    let (scene, snapshot) = backed_up(|volume| {
        fs::write(volume.join("a"), noise(3_000_000)).expect("written");
        fs::write(volume.join("middle ä"), &large).expect("written");
        fs::write(volume.join("z"), noise(3_000_000)).expect("written");
        fs::write(volume.join("nothing"), "").expect("written");
    })
    .await;
    let response = download(&scene, &snapshot, &format!("{VOLUME}/middle ä")).open().await;
    let header = |name: &str| response.headers().get(name).map(|v| v.to_str().expect("text").to_owned());
    assert_eq!(header("content-length").as_deref(), Some("9000001"));
    assert_eq!(header("content-type").as_deref(), Some("application/octet-stream"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    let name = header("content-disposition").expect("a name");
    assert_eq!(name, "attachment; filename=\"middle _\"; filename*=UTF-8''middle%20%C3%A4");
    assert!(response.bytes().await.expect("a body") == large);
    assert!(content(download(&scene, &snapshot, &format!("{VOLUME}/nothing"))).await.is_empty());
}

#[tokio::test]
async fn the_whole_archive_is_had_at_once_or_in_parts() {
    let (scene, snapshot) = backed_up(|_| {}).await;
    let archive = fs::read(archive_of(&snapshot)).expect("an archive");
    let id = snapshot["id"].as_str().expect("an id");
    let whole = || scene.service.call("download_snapshot").path("id", id);
    let answer = whole().open().await;
    let etag = answer.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(etag.trim_matches('"'), snapshot["blake3"]);
    assert!(answer.bytes().await.expect("a body") == archive);
    let rest = whole().header("range", "bytes=100-").header("if-range", &etag).open().await;
    let range = format!("bytes 100-{}/{}", archive.len() - 1, archive.len());
    assert_eq!((rest.status().as_u16(), rest.headers()["content-range"].to_str().expect("text")), (206, &*range));
    assert!(rest.bytes().await.expect("a body") == archive[100..]);
    whole().header("range", "bytes=99999999-").problem(416, "range_not_satisfiable").await;
}

/// Lines of the system log that hold `text`.
async fn said(scene: &Scene, text: &str) -> usize {
    let page = scene.service.call("get_system_log").query("limit", 500).ok().await;
    let lines = page["items"].as_array().expect("items").iter();
    lines.filter(|line| line["message"].as_str().is_some_and(|message| message.contains(text))).count()
}

#[tokio::test]
async fn a_missing_index_is_made_once_for_all_who_wait() {
    let (scene, snapshot) = backed_up(|volume| fs::write(volume.join("a"), noise(3_000_000)).expect("written")).await;
    fs::remove_file(index_of(&snapshot)).expect("removed");
    let path = format!("{VOLUME}/a");
    let (one, other, file) = tokio::join!(
        list(&scene, &snapshot, VOLUME).ok(),
        list(&scene, &snapshot, VOLUME).ok(),
        content(download(&scene, &snapshot, &path)),
    );
    assert_eq!((names(&one), &one), (vec!["a".to_owned(), "rows".to_owned()], &other));
    assert!(file == noise(3_000_000));
    assert!(index_of(&snapshot).exists());
    assert_eq!(said(&scene, "is made anew").await, 1);
}

#[tokio::test]
async fn a_damaged_index_never_gives_a_wrong_answer() {
    let (scene, snapshot) = backed_up(|volume| fs::write(volume.join("a"), noise(300_000)).expect("written")).await;
    let path = format!("{VOLUME}/a");
    for part in 0..40 {
        let mut index = fs::read(index_of(&snapshot)).expect("an index");
        let at = index.len() * part / 40;
        index[at] ^= 0x40;
        fs::write(index_of(&snapshot), index).expect("written");
        assert_eq!(names(&list(&scene, &snapshot, VOLUME).ok().await), ["a", "rows"], "byte {at}");
        assert!(content(download(&scene, &snapshot, &path)).await == noise(300_000), "byte {at}");
    }
    assert!(said(&scene, "is made anew").await > 20);
}

#[tokio::test]
async fn damage_never_looks_like_a_complete_file() {
    let (scene, snapshot) = backed_up(|volume| {
        fs::write(volume.join("large"), noise(6_000_000)).expect("written");
    })
    .await;
    // The data is the better part of the archive, so its middle and its end both lie within the file.
    let sound = fs::read(archive_of(&snapshot)).expect("an archive");
    for at in [sound.len() / 2, sound.len() - 300_000] {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(archive_of(&snapshot), bytes).expect("written");
        let response = download(&scene, &snapshot, &format!("{VOLUME}/large")).open().await;
        assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(6_000_000)));
        assert!(response.bytes().await.is_err(), "byte {at} of {}", sound.len());
    }
    assert_eq!(said(&scene, "could not be read out of").await, 2);
    let mut bytes = sound.clone();
    (0..bytes.len() - 5000).step_by(997).for_each(|at| bytes[at] ^= 1);
    fs::write(archive_of(&snapshot), bytes).expect("written");
    // What is found before the first part is sent is still an answer.
    download(&scene, &snapshot, &format!("{VOLUME}/large")).problem(409, "archive_damaged").await;
    fs::write(archive_of(&snapshot), &sound[..1000]).expect("written");
    list(&scene, &snapshot, "").problem(409, "archive_damaged").await;
}

#[tokio::test]
async fn what_is_not_there_is_told_apart_and_nothing_leads_out() {
    let (scene, snapshot) = backed_up(|_| {}).await;
    for path in ["../..", "volumes/../../etc/passwd", "/..", "a\0b"] {
        list(&scene, &snapshot, path).problem(400, "invalid_query").await;
        download(&scene, &snapshot, path).problem(400, "invalid_query").await;
    }
    for path in ["etc/passwd", "/etc/passwd", "volumes/blog_db/rows/x", "volumes/blog", "..."] {
        list(&scene, &snapshot, path).problem(404, "entry_not_found").await;
        download(&scene, &snapshot, path).problem(404, "entry_not_found").await;
    }
    let unknown = json!({"id": "snap_00000000000070008000000000000000"});
    list(&scene, &unknown, "").problem(404, "snapshot_not_found").await;
    download(&scene, &unknown, "a").problem(404, "snapshot_not_found").await;
    let reader = scene.service.call("create_token").json(json!({"name": "r", "scope": "operate"})).ok().await;
    let reader = scene.service.client.with_token(reader["token"].as_str());
    let id = snapshot["id"].as_str().expect("an id");
    reader.call("list_snapshot_files").path("id", id).ok().await;
    reader.call("download_snapshot").path("id", id).problem(403, "forbidden").await;
    fs::remove_file(archive_of(&snapshot)).expect("removed");
    list(&scene, &snapshot, "").problem(404, "archive_missing").await;
    scene.service.call("download_snapshot").path("id", id).problem(404, "archive_missing").await;
}

#[tokio::test]
async fn the_command_line_lists_and_writes_files() {
    let (scene, snapshot) = backed_up(|volume| fs::write(volume.join("a"), noise(2_000_000)).expect("written")).await;
    let (config, base) = (scene.service.path("config.yml"), scene.service.running.address());
    let run = async |args: &[&str]| {
        let mut command = mainstay();
        command.arg("--config").arg(&config).args(args).env("MAINSTAY_URL", &base);
        command.env("MAINSTAY_AUTH__PASSWORD", PASSWORD);
        tokio::task::spawn_blocking(move || command.output().expect("the binary runs")).await.expect("an end")
    };
    let id = snapshot["id"].as_str().expect("an id");
    let listed = run(&["ls", "blog", VOLUME]).await;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.status.success() && text.contains("1.91 MiB") && text.lines().count() == 3, "{listed:?}");
    let listed: Value = serde_json::from_slice(&run(&["ls", "--json", id]).await.stdout).expect("JSON");
    assert_eq!(names(&listed), ["compose", "data", "volumes"]);
    let file = run(&["cat", id, "volumes/blog_db/a"]).await;
    assert!(file.status.success() && file.stdout == noise(2_000_000), "{:?}", file.stderr);
    for (args, word) in [
        (&["cat", id, VOLUME][..], "not_a_file"),
        (&["ls", id, "nothere"], "entry_not_found"),
        (&["ls", "nothere"], "no snapshot of a stack called 'nothere'"),
    ] {
        let failed = run(args).await;
        assert_eq!((failed.status.code(), failed.stdout.len()), (Some(1), 0), "{failed:?}");
        assert!(String::from_utf8_lossy(&failed.stderr).contains(word), "{failed:?}");
    }
}

/// What GNU tar finds in `bytes`, one path a line, sorted.
pub(crate) fn listed_by_tar(bytes: &[u8]) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let tar = directory.path().join("x.tar");
    fs::write(&tar, bytes).expect("written");
    let output = std::process::Command::new("tar").arg("-tf").arg(&tar).output().expect("tar");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn search(scene: &Scene, snapshot: &Value, pattern: &str) -> Call {
    let id = snapshot["id"].as_str().expect("an id");
    scene.service.call("find_snapshot_files").path("id", id).query("q", pattern)
}

fn paths(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["path"].as_str().expect("a path").to_owned()).collect()
}

fn make_folder(volume: &std::path::Path) {
    fs::create_dir_all(volume.join("site/img")).expect("made");
    for (name, content) in [("site/Index.html", "home"), ("site/img/a.PNG", "png"), ("site.txt", "no")] {
        fs::write(volume.join(name), content).expect("written");
    }
    fs::write(volume.join("site/large"), noise(3_000_000)).expect("written");
}

#[tokio::test]
async fn a_directory_of_an_archive_comes_as_a_tar_and_names_are_found() {
    let (scene, snapshot) = backed_up(|volume| make_folder(&volume)).await;
    let tar = content(download(&scene, &snapshot, &format!("{VOLUME}/site")).query("archive", "tar")).await;
    let expected = ["site/", "site/Index.html", "site/img/", "site/img/a.PNG", "site/large"];
    assert_eq!(listed_by_tar(&tar), expected.map(|path| format!("{VOLUME}/{path}")));
    download(&scene, &snapshot, "").query("archive", "zip").problem(400, "invalid_query").await;
    let of_a_file = download(&scene, &snapshot, &format!("{VOLUME}/site.txt")).query("archive", "tar");
    of_a_file.problem(409, "not_a_directory").await;
    let of_nothing = download(&scene, &snapshot, "nothere").query("archive", "tar");
    of_nothing.problem(404, "entry_not_found").await;
    let found = search(&scene, &snapshot, "index").ok().await;
    assert_eq!(paths(&found), [format!("{VOLUME}/site/Index.html")]);
    assert_eq!(paths(&search(&scene, &snapshot, "*.png").ok().await), [format!("{VOLUME}/site/img/a.PNG")]);
    let first = search(&scene, &snapshot, "site").query("limit", 1).ok().await;
    let next =
        search(&scene, &snapshot, "site").query("cursor", first["next_cursor"].as_str().expect("more")).ok().await;
    assert_eq!([paths(&first), paths(&next)].concat(), ["site", "site.txt"].map(|name| format!("{VOLUME}/{name}")));
    for pattern in ["", "[", &"x".repeat(300)] {
        search(&scene, &snapshot, pattern).problem(400, "invalid_query").await;
    }
    // Damage on the way ends the tar early, so that nobody takes a part of it for all.
    let mut bytes = fs::read(archive_of(&snapshot)).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(archive_of(&snapshot), bytes).expect("written");
    let broken = download(&scene, &snapshot, VOLUME).query("archive", "tar").open().await;
    assert!(broken.bytes().await.is_err());
}

/// A restic instance that stores the volume of `blog`, and its snapshot.
async fn stored_by_restic(fill: impl FnOnce(PathBuf)) -> (Scene, Value, tempfile::TempDir) {
    let repository = tempfile::tempdir().expect("a directory");
    let instance = format!(
        "instances:\n  - id: nas\n    repository: {}\n    env: {{RESTIC_PASSWORD: {}}}\n    targets: [{{volume: blog_db}}]\n",
        repository.path().join("repository").display(),
        crate::support::restic::PASSWORD
    );
    let stage = Stage::new().config(&instance);
    fill(volume_directory(stage.setup.root(), "blog"));
    let scene = stage.start().await;
    let job = scene.service.call("run_instance").path("id", "nas").ok().await;
    let job = scene.service.end_of(job["id"].as_str().expect("an id")).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let id = job["snapshot_id"].as_str().expect("a snapshot");
    let snapshot = scene.service.call("get_snapshot").path("id", id).ok().await;
    (scene, snapshot, repository)
}

#[tokio::test]
async fn a_restic_snapshot_is_looked_into_like_an_archive() {
    use std::os::unix::ffi::OsStrExt as _;
    let (scene, snapshot, repository) = stored_by_restic(|volume| {
        make_folder(&volume);
        fs::create_dir(volume.join(std::ffi::OsStr::from_bytes(b"odd \xff"))).expect("made");
        fs::write(volume.join(std::ffi::OsStr::from_bytes(b"odd \xff/in")), "odd").expect("written");
        fs::write(volume.join("two\nlines"), "2").expect("written");
    })
    .await;
    assert_eq!(snapshot["backend"], "restic");
    let volume = volume_directory(scene.service.root.path(), "blog").display().to_string();
    let page = list(&scene, &snapshot, &volume).ok().await;
    assert_eq!(names(&page), ["odd \u{fffd}", "rows", "site", "site.txt", "two\nlines"]);
    let kinds: Vec<&Value> = page["items"].as_array().expect("items").iter().map(|item| &item["kind"]).collect();
    assert_eq!(kinds, ["directory", "file", "directory", "file", "file"]);
    let odd = page["items"][0]["path_bytes"].as_str().expect("bytes");
    let id = snapshot["id"].as_str().expect("an id");
    let inside = scene.service.call("list_snapshot_files").path("id", id).query("path_bytes", odd).ok().await;
    let inside = inside["items"][0]["path_bytes"].as_str().expect("bytes").to_owned();
    let by_bytes = scene.service.call("download_snapshot").path("id", id).query("path_bytes", &inside);
    assert_eq!(content(by_bytes).await, b"odd");
    let first = list(&scene, &snapshot, &volume).query("limit", 3).ok().await;
    let rest =
        list(&scene, &snapshot, &volume).query("cursor", first["next_cursor"].as_str().expect("more")).ok().await;
    assert_eq!([names(&first), names(&rest)].concat(), names(&page));
    assert_eq!(names(&list(&scene, &snapshot, "").ok().await), ["tmp"]);

    let response = download(&scene, &snapshot, &format!("{volume}/site/large")).open().await;
    assert_eq!(response.headers()["content-length"], "3000000");
    assert!(response.bytes().await.expect("a body") == noise(3_000_000));
    let tar = content(download(&scene, &snapshot, &format!("{volume}/site")).query("archive", "tar")).await;
    let expected = ["Index.html", "img/", "img/a.PNG", "large"];
    let within = format!("{}/site", volume.trim_start_matches('/'));
    assert_eq!(listed_by_tar(&tar), expected.map(|path| format!("{within}/{path}")));
    assert_eq!(paths(&search(&scene, &snapshot, "*.png").ok().await), [format!("{within}/img/a.PNG")]);
    let found = search(&scene, &snapshot, "odd").ok().await;
    assert_eq!(found["items"][0]["path_bytes"], odd);

    list(&scene, &snapshot, "nothere").problem(404, "entry_not_found").await;
    list(&scene, &snapshot, &format!("{volume}/rows")).problem(409, "not_a_directory").await;
    list(&scene, &snapshot, "../..").problem(400, "invalid_query").await;
    download(&scene, &snapshot, &format!("{volume}/site")).problem(409, "not_a_file").await;
    download(&scene, &snapshot, "--help").problem(404, "entry_not_found").await;
    scene.service.call("download_snapshot").path("id", id).problem(409, "not_a_file").await;

    // What was lately seen is not asked for again; what was not is, and the repository is gone by now.
    fs::rename(repository.path().join("repository"), repository.path().join("away")).expect("moved");
    list(&scene, &snapshot, &volume).ok().await;
    list(&scene, &snapshot, &format!("{volume}/site/img")).problem(409, "instance_not_ready").await;
}
