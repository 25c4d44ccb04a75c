//! A database of its own for every service.
//!
//! SQLite in the service's directory, or, with `MAINSTAY_TEST_STORE=postgres`, a new database in a PostgreSQL cluster
//! that the test process starts for itself.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The variable that chooses the database.
const STORE: &str = "MAINSTAY_TEST_STORE";

/// Whether the suite runs on PostgreSQL.
pub(crate) fn is_postgres() -> bool {
    std::env::var(STORE).is_ok_and(|store| store == "postgres")
}

/// The address of the database that a configuration file names.
pub(crate) fn database_of(config: &Path) -> String {
    let text = std::fs::read_to_string(config).expect("a configuration file");
    let line = text.lines().find_map(|line| line.strip_prefix("database_url: '")).expect("a database");
    line.trim_end_matches('\'').to_owned()
}

/// The address of a new, empty database.
pub(crate) async fn new_database(root: &Path) -> String {
    if !is_postgres() {
        return format!("sqlite://{}/store/mainstay.db", root.display());
    }
    new_postgres_database().await
}

/// The address of a new, empty database in PostgreSQL, whatever the suite runs on.
pub(crate) async fn new_postgres_database() -> String {
    let name = format!("mst_{:016x}", getrandom::u64().expect("random bytes"));
    let made = tokio::task::spawn_blocking(move || {
        CLUSTER.psql(&format!("CREATE DATABASE {name}"));
        format!("postgres://postgres@127.0.0.1:{}/{name}", CLUSTER.port)
    });
    made.await.expect("a database")
}

/// A client of the database at `url`; its standard output is the result, one row a line.
pub(crate) fn psql(url: &str, sql: &str) -> Command {
    let mut command = Command::new(CLUSTER.bin.join("psql"));
    command.arg(url).args(["-qAtc", sql]).stdin(Stdio::null());
    command
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

struct Cluster {
    port: u16,
    bin: PathBuf,
}

impl Cluster {
    fn start() -> Self {
        let bin = find_binaries();
        let data = tempfile::Builder::new().prefix("mst-postgres-").tempdir().expect("a directory").keep();
        run(Command::new("chown").arg("postgres:").arg(&data));
        let data = data.join("data");
        run(as_postgres(&bin.join("initdb")).args(["-A", "trust", "-N", "-E", "UTF8", "-D"]).arg(&data));
        let port = free_port();
        start_server(bin.clone(), data, port);
        let cluster = Self { port, bin };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !cluster.client("SELECT 1").status().expect("psql").success() {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        cluster
    }

    fn psql(&self, sql: &str) {
        assert!(self.client(sql).status().expect("psql").success(), "{sql}");
    }

    fn client(&self, sql: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), "-qc", sql]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// Debian keeps the server's programs apart, by version.
fn find_binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed (package postgresql)");
    let mut bins: Vec<PathBuf> =
        versions.flatten().map(|v| v.path().join("bin")).filter(|b| b.join("initdb").exists()).collect();
    bins.sort();
    bins.pop().expect("a PostgreSQL server")
}

/// The server refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"]).arg(program);
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

/// The kernel ends the server with the thread that started it, so that thread lives as long as the process.
fn start_server(bin: PathBuf, data: PathBuf, port: u16) {
    let (sender, receiver) = std::sync::mpsc::channel::<Child>();
    std::thread::spawn(move || {
        let mut server = as_postgres(&bin.join("postgres"));
        server.arg("-D").arg(&data).args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]);
        server.args(["-c", "unix_socket_directories=", "-c", "max_connections=300"]);
        sender.send(server.spawn().expect("PostgreSQL starts")).expect("someone waits");
        loop {
            std::thread::park();
        }
    });
    // The cluster lives until the process ends; nobody waits for it before.
    std::mem::forget(receiver.recv().expect("a server"));
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

fn run(command: &mut Command) {
    let status = command.status().expect("the command runs");
    assert!(status.success(), "{command:?}: {status}");
}

/// Changes a database behind the back of the service that uses it.
pub(crate) async fn execute(url: &str, sql: &str) {
    use sea_orm::ConnectionTrait as _;
    let database = sea_orm::Database::connect(url).await.expect("the database");
    database.execute_unprepared(sql).await.expect(sql);
    database.close().await.expect("closed");
}
