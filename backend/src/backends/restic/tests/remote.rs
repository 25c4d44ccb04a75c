//! Repositories behind servers that the tests start: S3, SFTP, restic's own protocol, also where nothing may be deleted.

use std::net::TcpListener;
use std::process::Stdio;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::*;

/// A server of ours; it dies with this.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a program whose arguments name the port, and waits until it answers.
    async fn start(program: &str, arguments: impl Fn(u16) -> Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut command = Command::new(program);
        command.args(arguments(port)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap_or_else(|error| {
            panic!("{program} cannot be started ({error}): `e2e/setup.sh deps tests` installs it")
        });
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = child.try_wait().expect("waited for") {
                let mut said = String::new();
                child.stderr.take().expect("piped").read_to_string(&mut said).await.expect("readable");
                panic!("{program} ended with {status}: {said}");
            }
            tokio::task::yield_now().await;
        }
        Self { child, port }
    }

    async fn stop(mut self) {
        self.child.kill().await.expect("ended");
    }
}

/// A newer rclone than Debian's, whose own cannot serve S3; `e2e/setup.sh` puts it there.
fn rclone() -> String {
    let state = std::env::var("MAINSTAY_TEST_STATE_DIR").unwrap_or_else(|_| "/var/tmp/mainstay-e2e".to_owned());
    format!("{state}/tools/bin/rclone")
}

/// Makes the repository, stores twice, forgets one, brings the other back.
async fn round_trip(bench: &Bench) {
    let made = bench.backend().prepare(&bench.work(), true).await.expect("a new repository");
    assert!(made.notes.iter().any(|note| note.ends_with("was made")), "{made:?}");
    bench.write("dir/file", &noise(8, 2 << 20));
    let first = bench.run(&[bench.volume()], true).await.expect("stored").reference.expect("an id");
    bench.write("dir/more", b"more");
    let second = bench.run(&[bench.volume()], true).await.expect("stored again");
    assert!(second.bytes_stored < 20_000, "{second:?}");
    bench.backend().forget(&bench.work(), &[first]).await.expect("forgotten");
    assert_eq!(bench.all().await.len(), 1);
    let to = bench.path("restored");
    fs::create_dir(&to).expect("a directory");
    let reference = second.reference.expect("an id");
    let request = crate::backends::RestoreRequest { reference, paths: Vec::new(), to: to.clone() };
    bench.backend().restore(&bench.work(), &request).await.expect("restored");
    expect_same(&bench.path("source"), &to.join(bench.path("source").strip_prefix("/").expect("absolute")));
    assert_eq!(bench.backend().check(&bench.work()).await.expect("checked"), Vec::<String>::new());
}

#[tokio::test]
async fn s3() {
    let mut bench = Bench::empty();
    let data = bench.path("s3");
    fs::create_dir(&data).expect("a directory");
    let server = Server::start(&rclone(), |port| {
        let key = "--auth-key=testkey,testsecret".to_owned();
        vec!["serve".into(), "s3".into(), format!("--addr=127.0.0.1:{port}"), key, data.display().to_string()]
    })
    .await;
    bench.settings().repository = RepositoryUrl::new(&format!("s3:http://127.0.0.1:{}/backups", server.port));
    bench.set("AWS_ACCESS_KEY_ID", "testkey");
    bench.set("AWS_SECRET_ACCESS_KEY", "wrongsecret");
    bench.instance.restic_timeout = Some(Duration::from_secs(5));
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(!sentence.contains("wrongsecret") && !data.join("backups").exists(), "{sentence}");
    bench.instance.restic_timeout = None;
    bench.set("AWS_SECRET_ACCESS_KEY", "testsecret");
    round_trip(&bench).await;
    server.stop().await;
}

#[tokio::test]
async fn rest_server() {
    let mut bench = Bench::empty();
    let server = serve_restic(&bench, &[]).await;
    bench.settings().repository =
        RepositoryUrl::new(&format!("rest:http://me:wr0ng-pass@127.0.0.1:{}/r/", server.port));
    bench.instance.restic_timeout = Some(Duration::from_secs(20));
    let sentence = not_ready(bench.backend().prepare(&bench.work(), true).await);
    assert!(sentence.contains("is refused") && !sentence.contains("wr0ng"), "{sentence}");
    bench.settings().repository = RepositoryUrl::new(&format!("rest:http://me:hunter22@127.0.0.1:{}/r/", server.port));
    round_trip(&bench).await;
    assert!(!bench.report.text().contains("hunter22"));
    server.stop().await;
}

async fn serve_restic(bench: &Bench, further: &[&str]) -> Server {
    let data = bench.path("rest");
    fs::create_dir_all(&data).expect("a directory");
    Server::start(&rclone(), |port| {
        let mut arguments = vec!["serve".to_owned(), "restic".to_owned(), format!("--addr=127.0.0.1:{port}")];
        arguments.extend(["--user=me", "--pass=hunter22"].iter().chain(further).map(|a| (*a).to_owned()));
        arguments.push(data.display().to_string());
        arguments
    })
    .await
}

#[tokio::test]
async fn where_nothing_may_be_deleted_runs_succeed_and_retention_says_why_it_cannot() {
    let mut bench = Bench::empty();
    let server = serve_restic(&bench, &["--append-only"]).await;
    bench.settings().repository = RepositoryUrl::new(&format!("rest:http://me:hunter22@127.0.0.1:{}/r/", server.port));
    bench.backend().prepare(&bench.work(), true).await.expect("a new repository");
    bench.write("file", b"content");
    let stored = bench.run(&[bench.volume()], true).await.expect("stored");
    let found = bench.backend().snapshots(&bench.work()).await.expect("a list");
    assert!(found.len() == 1 && found[0].is_complete && Some(&found[0].reference) == stored.reference.as_ref());
    let references = [found[0].reference.clone()];
    let sentence = not_ready(bench.backend().forget(&bench.work(), &references).await);
    assert!(sentence.contains("append-only"), "{sentence}");
    bench.run(&[bench.volume()], true).await.expect("the next run");
    server.stop().await;
}

#[tokio::test]
async fn sftp() {
    let mut bench = Bench::empty();
    let server = serve_sftp(&bench).await;
    let (bin, identity) = (bench.path("bin"), bench.path("ssh/id"));
    fs::create_dir(&bin).expect("a directory");
    let options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
    let ssh = super::runs::which("ssh");
    let script =
        format!("#!/bin/sh\nexec {ssh} -F none -i {} -p {} {options} \"$@\"\n", identity.display(), server.port);
    fs::write(bin.join("ssh"), script).expect("writable");
    fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).expect("a mode");
    bench.set("PATH", &format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH")));
    let address = format!("sftp:root@127.0.0.1:{}", bench.path("remote").display());
    bench.settings().repository = RepositoryUrl::new(&address);
    round_trip(&bench).await;
    super::locks::a_dead_lock_goes(&bench, &bench.path("remote/locks")).await;
    server.stop().await;
}

/// An sshd of our own, with keys made for it.
async fn serve_sftp(bench: &Bench) -> Server {
    let ssh = bench.path("ssh");
    fs::create_dir(&ssh).expect("a directory");
    fs::create_dir_all("/run/sshd").expect("sshd's own directory");
    for name in ["hostkey", "id"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(ssh.join(name));
        assert!(keygen.status().await.expect("ssh-keygen").success());
    }
    let at = ssh.display();
    let config = format!(
        "HostKey {at}/hostkey\nAuthorizedKeysFile {at}/id.pub\nPidFile none\nPasswordAuthentication no\nUsePAM no\n\
         StrictModes no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
    );
    fs::write(ssh.join("config"), config).expect("writable");
    Server::start("/usr/sbin/sshd", |port| {
        let (listen, config) = ("ListenAddress=127.0.0.1".to_owned(), ssh.join("config").display().to_string());
        vec!["-D".into(), "-e".into(), "-f".into(), config, "-p".into(), port.to_string(), "-o".into(), listen]
    })
    .await
}
