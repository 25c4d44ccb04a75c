//! When a repository is made, and what is said when it cannot be used.

use super::*;

#[tokio::test]
async fn a_repository_is_made_once_and_only_on_request() {
    let bench = Bench::empty();
    let sentence = not_ready(bench.backend().prepare(&bench.work(), false).await);
    assert!(sentence.contains("there is no repository"), "{sentence}");
    assert!(!bench.path("repository").exists());
    let made = bench.backend().prepare(&bench.work(), true).await.expect("made");
    assert!(made.notes.iter().any(|note| note.ends_with("was made")), "{made:?}");
    let config = fs::read(bench.path("repository/config")).expect("a repository");
    let found = bench.backend().prepare(&bench.work(), true).await.expect("found");
    assert!(found.notes.iter().any(|note| note.ends_with("opens")), "{found:?}");
    assert_eq!(fs::read(bench.path("repository/config")).expect("the same"), config);
}

#[tokio::test]
async fn a_repository_that_lost_its_config_is_not_made_anew() {
    let bench = Bench::new().await;
    fs::rename(bench.path("repository/config"), bench.path("config")).expect("moved");
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("was broken off") && sentence.contains("holds no data"), "{sentence}");
    fs::write(bench.path("repository/data/00/pack"), "data").expect("written");
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("has lost its file 'config'") && sentence.contains("keys"), "{sentence}");
    assert!(!bench.path("repository/config").exists());
    fs::rename(bench.path("config"), bench.path("repository/config")).expect("moved");
    bench.backend().prepare(&bench.work(), false).await.expect("it opens again");
}

#[tokio::test]
async fn the_making_of_a_repository_is_not_broken_off_by_a_cancel() {
    let mut bench = Bench::empty();
    let restic = super::runs::which("restic");
    let (begun, go) = (bench.path("begun"), bench.path("go"));
    bench.shim(&format!(
        "case \" $* \" in *' init '*) touch {}; until [ -e {} ]; do sleep 0.01; done ;; esac; exec {restic} \"$@\"",
        begun.display(),
        go.display()
    ));
    let (backend, work) = (bench.backend(), bench.work());
    let cancel = work.cancel.clone();
    let cancel_half_way = async {
        while !begun.exists() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        fs::write(&go, "").expect("written");
    };
    let (prepared, ()) = tokio::join!(backend.prepare(&work, true), cancel_half_way);
    prepared.expect("made");
    assert!(bench.path("repository/config").exists());
}

#[tokio::test]
async fn a_wrong_password_never_makes_a_repository() {
    let mut bench = Bench::new().await;
    bench.set("RESTIC_PASSWORD", "wrong-horse");
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("password") && !sentence.contains("wrong-horse"), "{sentence}");
    assert_eq!(fs::read_dir(bench.path("repository/keys")).expect("keys").count(), 1);
    bench.instance.env.clear();
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("there is no password"), "{sentence}");
}

#[tokio::test]
async fn passwords_come_from_files_and_commands_too() {
    let mut bench = Bench::new().await;
    bench.instance.env.clear();
    fs::write(bench.path("password"), PASSWORD).expect("writable");
    bench.set("RESTIC_PASSWORD_FILE", bench.path("password").to_str().expect("UTF-8"));
    bench.backend().prepare(&bench.work(), false).await.expect("opens");
    bench.instance.env.clear();
    bench.set("RESTIC_PASSWORD_COMMAND", &format!("echo {PASSWORD}"));
    bench.backend().prepare(&bench.work(), false).await.expect("opens");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_no_missing_repository() {
    let mut bench = Bench::empty();
    // A port that is ours as long as the socket lives, and on which nothing listens.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let port = socket.local_addr().expect("an address").port();
    bench.settings().repository = RepositoryUrl::new(&format!("rest:http://me:hunter22@127.0.0.1:{port}/r/"));
    bench.instance.restic_timeout = Some(Duration::from_secs(4));
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("cannot be reached") && !sentence.contains("hunter22"), "{sentence}");
}

#[tokio::test]
async fn a_missing_an_old_and_a_strange_restic_are_told_apart() {
    let mut bench = Bench::empty();
    bench.set("PATH", bench.path("nothing").to_str().expect("UTF-8"));
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("restic is not there"), "{sentence}");
    bench.shim("echo restic 0.9.6 compiled with go1.13");
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("0.9.6 is too old"), "{sentence}");
    bench.shim("echo this is no restic >&2; exit 3");
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("does not say its version: this is no restic"), "{sentence}");
}

#[tokio::test]
async fn a_directory_that_may_not_be_read_is_refused() {
    let mut bench = Bench::new().await;
    let restic = super::runs::which("restic");
    bench.shim(&format!("exec setpriv --bounding-set -dac_override,-dac_read_search {restic} \"$@\""));
    fs::set_permissions(bench.path("repository"), fs::Permissions::from_mode(0o000)).expect("a mode");
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("is refused"), "{sentence}");
}

#[tokio::test]
async fn without_a_password_nothing_is_ready_and_no_repository_is_made() {
    let mut bench = Bench::empty();
    for password in [None, Some("")] {
        bench.instance.env.clear();
        if let Some(password) = password {
            bench.set("RESTIC_PASSWORD", password);
        }
        let sentence = not_ready(bench.backend().prepare(&bench.work(), false).await);
        assert!(sentence.contains("there is no password"), "{sentence}");
    }
    assert!(!bench.path("repository").exists());
}
