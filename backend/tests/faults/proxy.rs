//! A Unix socket before the engine, where single requests go wrong on purpose.
//!
//! It reads the head of every request, so that a rule can name one: `POST` and a part of the path. Each connection
//! carries one request, and the engine is told so; what follows the head is passed on as it comes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::host::Host;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// It is taken, and nothing ever comes back; the engine does not hear of it.
    Hang,
    /// The engine acts, and its answer is lost.
    LoseReply,
    /// The engine does not hear of it; this status and message come back.
    Refuse(u16, &'static str),
    /// The engine hears of it later.
    Delay(Duration),
    /// The answer begins, and after its head nothing comes any more.
    Silence,
    /// The answer begins, and the connection ends after this long.
    CutAfter(Duration),
}

/// When something happens to which requests.
struct Rule {
    method: &'static str,
    part: String,
    action: Action,
    /// How many matching requests pass before it applies.
    skip: usize,
    /// How many it applies to.
    times: usize,
}

/// The socket.
pub(crate) struct Proxy {
    directory: tempfile::TempDir,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

struct Shared {
    engine: PathBuf,
    rules: Mutex<Vec<Rule>>,
    struck: AtomicUsize,
    has_struck: Notify,
}

impl Proxy {
    /// A way to the engine without faults yet.
    pub(crate) fn before(host: &Host) -> Self {
        let shared = Shared {
            engine: host.socket().into(),
            rules: Mutex::default(),
            struck: AtomicUsize::new(0),
            has_struck: Notify::new(),
        };
        let directory = tempfile::Builder::new().prefix("mst-proxy-").tempdir().expect("a directory");
        let mut proxy = Self { directory, shared: Arc::new(shared), tasks: JoinSet::new() };
        proxy.open();
        proxy
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("engine.sock")
    }

    /// Opens the socket, again after a cut.
    pub(crate) fn open(&mut self) {
        let listener = UnixListener::bind(self.path()).expect("a socket");
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            // Dropped with this task: a cut ends every connection.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(client, Arc::clone(&shared)));
            }
        });
    }

    /// Removes the socket and ends every connection.
    pub(crate) fn cut(&mut self) {
        std::fs::remove_file(self.path()).expect("the socket");
        self.tasks.abort_all();
    }

    /// Lets something happen to every request of `method` whose path holds `part`.
    pub(crate) fn always(&self, method: &'static str, part: &str, action: Action) {
        self.rule(method, part, action, 0, usize::MAX);
    }

    /// Lets it happen to the `nth` such request only, the first being 1.
    pub(crate) fn nth(&self, nth: usize, method: &'static str, part: &str, action: Action) {
        self.rule(method, part, action, nth - 1, 1);
    }

    fn rule(&self, method: &'static str, part: &str, action: Action, skip: usize, times: usize) {
        let rule = Rule { method, part: part.to_owned(), action, skip, times };
        self.shared.rules.lock().expect("the rules").push(rule);
    }

    /// From now on nothing goes wrong with new requests.
    pub(crate) fn mend(&self) {
        self.shared.rules.lock().expect("the rules").clear();
    }

    /// Waits until a rule has applied `times` times in all.
    pub(crate) async fn struck(&self, times: usize) {
        let wait = async {
            loop {
                let struck = self.shared.has_struck.notified();
                if self.shared.struck.load(Ordering::SeqCst) >= times {
                    return;
                }
                let _ = tokio::time::timeout(Duration::from_millis(200), struck).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the request that is to go wrong comes");
    }
}

impl Shared {
    fn find_action(&self, head: &str) -> Option<Action> {
        let mut words = head.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        let mut rules = self.rules.lock().expect("the rules");
        let rule = rules.iter_mut().find(|r| r.times > 0 && r.method == method && path.contains(&r.part))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times -= 1;
        let action = rule.action.clone();
        drop(rules);
        self.struck.fetch_add(1, Ordering::SeqCst);
        self.has_struck.notify_waiters();
        Some(action)
    }
}

async fn serve(mut client: UnixStream, shared: Arc<Shared>) {
    let Some((head, rest)) = read_head(&mut client).await else { return };
    let action = shared.find_action(&head);
    match &action {
        Some(Action::Hang) => std::future::pending().await,
        Some(Action::Refuse(status, message)) => return refuse(&mut client, *status, message).await,
        Some(Action::Delay(pause)) => tokio::time::sleep(*pause).await,
        _ => {}
    }
    // An engine that is down takes the connection with it.
    let Ok(mut engine) = UnixStream::connect(&shared.engine).await else { return };
    let sent = engine.write_all(&[one_request(&head).as_bytes(), &rest].concat()).await;
    if sent.is_err() {
        return;
    }
    match action {
        Some(Action::LoseReply) => lose_reply(&mut client, &mut engine).await,
        Some(Action::Silence) => {
            pass_head(&mut client, &mut engine).await;
            std::future::pending::<()>().await;
        }
        Some(Action::CutAfter(pause)) => {
            let _ = tokio::time::timeout(pause, copy_bidirectional(&mut client, &mut engine)).await;
        }
        _ => drop(copy_bidirectional(&mut client, &mut engine).await),
    }
}

/// The head of a request without its last empty line, and what came after it.
async fn read_head(client: &mut UnixStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            bytes.truncate(end);
            return Some((String::from_utf8(bytes).ok()?, rest));
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// The engine is told to end the connection after its answer, unless it is to become another protocol.
fn one_request(head: &str) -> String {
    let lower = head.to_lowercase();
    if lower.contains("\r\nupgrade:") {
        return format!("{head}\r\n\r\n");
    }
    let kept = head.split("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:"));
    format!("{}\r\nConnection: close\r\n\r\n", kept.collect::<Vec<_>>().join("\r\n"))
}

/// Waits until the engine has acted, which its answer tells; the client's side is closed without a word.
async fn lose_reply(client: &mut UnixStream, engine: &mut UnixStream) {
    let (mut from_client, _) = client.split();
    let (mut from_engine, mut to_engine) = engine.split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_engine) => {},
        _ = from_engine.read_u8() => {},
    }
}

async fn pass_head(client: &mut UnixStream, engine: &mut UnixStream) {
    let Some((head, _)) = read_head(engine).await else { return };
    let _ = client.write_all(format!("{head}\r\n\r\n").as_bytes()).await;
}

async fn refuse(client: &mut UnixStream, status: u16, message: &str) {
    let body = format!("{{\"message\":\"{message}\"}}");
    let head = format!(
        "HTTP/1.1 {status} Fault\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}",
        body.len()
    );
    let _ = client.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
}
