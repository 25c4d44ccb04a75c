//! A Unix socket between a client and the engine, where things go wrong on purpose.

use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use mainstay::docker::bollard_engine::BollardEngine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A Unix socket before the engine that can be cut, frozen and restored.
pub(crate) struct Proxy {
    _directory: tempfile::TempDir,
    address: String,
    path: PathBuf,
    peer: Peer,
    shared: Arc<ProxyState>,
    tasks: JoinSet<()>,
}

/// Who is behind the socket.
#[derive(Clone)]
enum Peer {
    Engine(PathBuf),
    Refusal(&'static str),
}

#[derive(Default)]
struct ProxyState {
    accepted: AtomicUsize,
    drops_reply: AtomicBool,
    is_frozen: AtomicBool,
    /// Requests with one of these in their first line are taken and never answered.
    unanswered: Mutex<Vec<String>>,
    hanging: AtomicUsize,
    no_more: Notify,
}

impl Proxy {
    /// A way to the engine.
    pub(crate) fn before(engine: &BollardEngine) -> Self {
        let socket = engine.address().strip_prefix("unix://").expect("these tests need the engine's Unix socket");
        Self::open(Peer::Engine(socket.into()))
    }

    /// Nobody's engine: every request gets this status, with a page for people.
    pub(crate) fn refusing(status: &'static str) -> Self {
        Self::open(Peer::Refusal(status))
    }

    fn open(peer: Peer) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("proxy.sock");
        let mut proxy = Self {
            address: format!("unix://{}", path.display()),
            peer,
            path,
            shared: Arc::default(),
            tasks: JoinSet::new(),
            _directory: directory,
        };
        proxy.restore();
        proxy
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Connections so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(SeqCst)
    }

    /// Opens the socket, again after a cut.
    pub(crate) fn restore(&mut self) {
        let listener = UnixListener::bind(&self.path).expect("a socket");
        let (peer, shared) = (self.peer.clone(), Arc::clone(&self.shared));
        self.tasks.spawn(async move {
            // Dropped with this task: a cut ends every connection.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                shared.accepted.fetch_add(1, SeqCst);
                connections.spawn(serve(client, peer.clone(), Arc::clone(&shared)));
            }
        });
    }

    /// Removes the socket and ends every connection.
    pub(crate) fn cut(&mut self) {
        std::fs::remove_file(&self.path).expect("the socket");
        self.tasks.abort_all();
    }

    /// From now on new connections are taken and never answered; old ones stay open.
    pub(crate) fn freeze(&self) {
        self.shared.is_frozen.store(true, SeqCst);
    }

    /// From now on requests with `text` in their first line, such as a container's id, are taken and never answered.
    pub(crate) fn hang(&self, text: &str) {
        self.shared.unanswered.lock().expect("the list").push(text.to_owned());
    }

    /// Requests are answered again; those that hang are cut.
    pub(crate) fn hang_no_more(&self) {
        self.shared.unanswered.lock().expect("the list").clear();
        self.shared.no_more.notify_waiters();
    }

    /// Requests that were taken and not answered so far.
    pub(crate) fn hanging(&self) -> usize {
        self.shared.hanging.load(SeqCst)
    }

    /// The next request reaches the engine; its answer does not come back.
    pub(crate) fn drop_next_reply(&self) {
        self.shared.drops_reply.store(true, SeqCst);
    }
}

async fn serve(mut client: UnixStream, peer: Peer, shared: Arc<ProxyState>) {
    if shared.is_frozen.load(SeqCst) {
        std::future::pending::<()>().await;
    }
    let socket = match peer {
        Peer::Engine(socket) => socket,
        Peer::Refusal(status) => return refuse(&mut client, status).await,
    };
    // The client makes a connection for each request, so its first line is all there is to look at.
    let unanswered = shared.unanswered.lock().expect("the list").clone();
    let mut head = Vec::new();
    if !unanswered.is_empty() {
        while !head.contains(&b'\n') {
            if client.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
        if unanswered.iter().any(|text| line.contains(text.as_str())) {
            let no_more = shared.no_more.notified();
            shared.hanging.fetch_add(1, SeqCst);
            return no_more.await;
        }
    }
    let mut engine = UnixStream::connect(socket).await.expect("the engine");
    engine.write_all(&head).await.expect("the engine");
    if shared.drops_reply.swap(false, SeqCst) {
        let (mut from_client, _) = client.split();
        let (mut from_engine, mut to_engine) = engine.split();
        tokio::select! {
            _ = copy(&mut from_client, &mut to_engine) => {}
            // Comes once the engine has acted; the client's side is closed without a word.
            _ = from_engine.read_u8() => {}
        }
        return;
    }
    copy_bidirectional(&mut client, &mut engine).await.ok();
}

async fn refuse(client: &mut UnixStream, status: &str) {
    let mut request = [0; 4096];
    let received = client.read(&mut request).await.expect("a request");
    assert!(received > 0, "a request");
    let page = format!("<html><body><h1>{status}</h1></body></html>");
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}", page.len());
    client.write_all(format!("{head}\r\n\r\n{page}").as_bytes()).await.expect("an answer");
}
