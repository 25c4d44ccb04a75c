//! Forget, check, statistics, restore, and what Marina left.

use super::*;
use crate::backends::{FoundSnapshot, RestoreRequest};

async fn list(bench: &Bench) -> Vec<FoundSnapshot> {
    bench.backend().snapshots(&bench.work()).await.expect("a list")
}

#[tokio::test]
async fn only_snapshots_of_ours_are_forgotten() {
    let bench = Bench::new().await;
    bench.write("file", &noise(5, 1 << 20));
    let source = bench.path("source").display().to_string();
    let first = bench.run(&[bench.volume()], true).await.expect("stored").reference.expect("an id");
    bench.write("file", &noise(6, 1 << 20));
    bench.run(&[bench.volume()], true).await.expect("stored");
    bench.ask(&["backup", "--host", "elsewhere", "--tag", "mainstay-instance=nightly", &source]).await;
    bench.ask(&["backup", "--host", "this-host", &source]).await;
    let found = list(&bench).await;
    assert_eq!(found.iter().map(|s| s.is_ours).collect::<Vec<_>>(), [false, false, true, true], "newest first");
    for reference in [found[0].reference.as_str(), found[1].reference.as_str(), "latest", "--help", &first[..8]] {
        let mixed = [first.clone(), reference.to_owned()];
        assert!(bench.backend().forget(&bench.work(), &mixed).await.is_err(), "{reference}");
    }
    assert_eq!(list(&bench).await.len(), 4, "nothing was removed");
    let freed = bench.backend().forget(&bench.work(), &[first]).await.expect("forgotten").expect("known");
    assert!(freed >= 1 << 20, "{freed}");
    assert_eq!(list(&bench).await.len(), 3);
    assert_eq!(bench.backend().forget(&bench.work(), &[]).await.expect("nothing to do"), Some(0));
}

#[tokio::test]
async fn what_was_seen_to_be_ours_is_not_looked_for_again() {
    let mut bench = Bench::new().await;
    bench.write("file", b"content");
    for _ in 0..2 {
        bench.run(&[bench.volume()], true).await.expect("stored");
    }
    let source = bench.path("source").display().to_string();
    bench.ask(&["backup", "--host", "elsewhere", &source]).await;
    bench.watch();
    let (backend, work) = (bench.backend(), bench.work());
    let found = backend.snapshots(&work).await.expect("a list");
    bench.asked();
    backend.forget(&work, &[found[2].reference.clone()]).await.expect("forgotten");
    assert_eq!(bench.asked(), ["forget"], "it frees the space as well");
    let others = [found[1].reference.clone(), found[0].reference.clone()];
    assert!(!found[0].is_ours && backend.forget(&work, &others).await.is_err());
    assert_eq!(list(&bench).await.len(), 2, "nothing was removed");
}

#[tokio::test]
async fn damage_is_found() {
    let mut bench = Bench::new().await;
    bench.write("file", &noise(7, 1 << 20));
    bench.run(&[bench.volume()], true).await.expect("stored");
    assert_eq!(bench.backend().check(&bench.work()).await.expect("checked"), Vec::<String>::new());
    let stats = bench.backend().stats(&bench.work()).await.expect("measured");
    assert!(stats.size_bytes >= 1 << 20 && stats.snapshot_count == 1, "{stats:?}");
    let pack = largest(&bench.path("repository/data"));
    let mut bytes = fs::read(&pack).expect("readable");
    bytes[1000] ^= 1;
    fs::set_permissions(&pack, fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::write(&pack, bytes).expect("writable");
    assert_eq!(bench.backend().check(&bench.work()).await.expect("checked"), Vec::<String>::new(), "reads no data");
    bench.settings().check_subset = Some("100%".to_owned());
    assert_ne!(bench.backend().check(&bench.work()).await.expect("checked"), Vec::<String>::new());
    bench.set("RESTIC_PASSWORD", "wrong");
    assert!(bench.backend().check(&bench.work()).await.is_err(), "no finding, but no check");
}

fn largest(below: &Path) -> PathBuf {
    let directories = fs::read_dir(below).expect("packs").map(|entry| entry.expect("an entry").path());
    let files = directories.flat_map(|path| fs::read_dir(path).expect("readable")).map(|e| e.expect("an entry").path());
    files.max_by_key(|path| path.metadata().expect("a size").len()).expect("a pack")
}

#[tokio::test]
async fn parts_are_restored_and_what_is_not_there_is_an_error() {
    let bench = Bench::new().await;
    let odd = bench.write("dir/[odd] *name", b"odd");
    bench.write("dir/x", b"other");
    let reference = bench.run(&[bench.volume()], true).await.expect("stored").reference.expect("an id");
    let restore = |name: &'static str, path: PathBuf| {
        let to = bench.path(name);
        fs::create_dir_all(&to).expect("a directory");
        let request = RestoreRequest { reference: reference.clone(), paths: vec![path], to };
        let (backend, work) = (bench.backend(), bench.work());
        async move { backend.restore(&work, &request).await }
    };
    restore("one", odd.clone()).await.expect("restored");
    let restored = bench.path("one").join(odd.strip_prefix("/").expect("absolute"));
    assert_eq!(fs::read(&restored).expect("there"), b"odd");
    assert!(!restored.with_file_name("x").exists(), "nothing else");
    assert!(restore("one", odd).await.is_err(), "not empty any more");
    let error = restore("two", bench.path("source/never")).await.expect_err("not there");
    assert!(error.to_string().contains("holds no"), "{error}");
    let gone = RestoreRequest { reference: "0".repeat(64), paths: Vec::new(), to: bench.path("two") };
    assert!(bench.backend().restore(&bench.work(), &gone).await.is_err());
}

/// What examples/bare-restore says, with restic alone.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "people run it by hand")]
async fn the_script_among_the_examples_brings_a_tree_back() {
    use crate::backends::archive::tests::odd_tree::{Seen, look, make_odd_tree};
    let bench = Bench::new().await;
    let source = bench.path("source/[odd] *name");
    fs::create_dir(&source).expect("a directory");
    make_odd_tree(&source);
    let reference = bench.run(&[bench.volume()], true).await.expect("stored").reference.expect("an id");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/bare-restore/restore.sh");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(script);
        command.env("RESTIC_REPOSITORY", bench.path("repository")).env("RESTIC_PASSWORD", PASSWORD);
        let output = command.args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let listed = run(&["paths", &reference]);
    assert!(listed.contains(&format!("path\t{}\n", bench.path("source").display())), "{listed}");
    assert!(listed.contains("tag\tvolume:shop_data\n"), "{listed}");
    let (path, to) = (source.display().to_string(), bench.path("restored"));
    run(&["restic", &reference, &path, &to.display().to_string()]);
    let (source, copy) = (look(&source), look(&to));
    assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
    for (path, seen) in source {
        let same = copy.get(&path).cloned().map(Seen::kept_by_restic) == Some(seen.kept_by_restic());
        assert!(same, "{}", String::from_utf8_lossy(&path));
    }
}

#[tokio::test]
async fn snapshots_of_marina_are_shown_and_adopted_on_request() {
    let mut bench = Bench::new().await;
    let staged = bench.path("staging/nightly/20251116-030000/vol/data");
    fs::create_dir_all(&staged).expect("directories");
    fs::write(staged.join("file"), "old").expect("writable");
    let staged = staged.display().to_string();
    bench.ask(&["backup", "--host", "this-host", "--tag", "x", &staged]).await;
    bench.ask(&["backup", "--host", "elsewhere", &staged]).await;
    bench.ask(&["backup", "--host", "this-host", &bench.path("source").display().to_string()]).await;
    let ours = |found: Vec<FoundSnapshot>| found.into_iter().map(|s| (s.is_ours, s.is_complete)).collect::<Vec<_>>();
    assert_eq!(ours(list(&bench).await), [(false, true); 3]);
    bench.settings().adopts_old_snapshots = true;
    assert_eq!(ours(list(&bench).await), [(false, true), (false, true), (true, true)]);
}

#[tokio::test]
async fn ten_days_of_retention_leave_what_is_asked_for() {
    let bench = Bench::new().await;
    bench.write("file", b"content");
    let source = bench.path("source").display().to_string();
    for day in 0..10 {
        let time = at(1_767_225_600 + day * 86_400).format("%Y-%m-%d %H:%M:%S").to_string();
        let tags = "mainstay,mainstay-instance=nightly,mainstay-complete";
        bench.ask(&["backup", "--host", "this-host", "--time", &time, "--tag", tags, &source]).await;
    }
    bench.ask(&["backup", "--host", "elsewhere", &source]).await;
    let ours: Vec<FoundSnapshot> = list(&bench).await.into_iter().filter(|s| s.is_ours).collect();
    assert!(ours.len() == 10 && ours.iter().all(|snapshot| snapshot.is_complete));
    let dropped: Vec<String> = ours.iter().skip(2).map(|snapshot| snapshot.reference.clone()).collect();
    bench.backend().forget(&bench.work(), &dropped).await.expect("forgotten");
    let left = list(&bench).await;
    assert_eq!(left.iter().filter(|snapshot| snapshot.is_ours).count(), 2);
    assert_eq!(left.iter().filter(|snapshot| snapshot.host == "elsewhere").count(), 1);
}
