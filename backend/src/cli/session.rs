//! The service that a command talks to: the one that runs, or one that lives as long as the command.
//!
//! The second is the whole service on a free port of the loopback address, with its recovery, queue and log: a backup
//! without a service is the same backup.

use anyhow::Context;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::client::Client;
use super::output;
use crate::app::{self, Running};
use crate::config::{Config, Loaded};

/// The address of the service, when it is not the configured one.
const URL: &str = "MAINSTAY_URL";
/// A token for it.
const TOKEN: &str = "MAINSTAY_TOKEN";

/// How the work of a command gets done.
pub(super) enum Way {
    /// By the service that runs.
    Service(Client),
    /// By the command itself.
    Own,
}

impl Way {
    /// Looks for a running service.
    pub(super) async fn find(config: &Config) -> anyhow::Result<Self> {
        let address = address(config);
        if Client::new(&address, None)?.is_up().await {
            let token = token_for_running(config, &address).await?;
            return Ok(Self::Service(Client::new(address, token)?));
        }
        if std::env::var_os(URL).is_some() {
            anyhow::bail!("no Mainstay answers at {address}, which {URL} names");
        }
        Ok(Self::Own)
    }
}

/// A service and a client of it.
struct Session {
    client: Client,
    own: Option<Running>,
}

/// Runs `work` with a client of the service. A signal ends the work; a service that was started for it is then taken
/// down in good order, so that its jobs bring their stacks back first.
pub(super) async fn with_client<T>(
    loaded: &Loaded,
    work: impl AsyncFnOnce(Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    // Caught from here on: a signal must not end the process between a stop and a start.
    let mut signals = Signals::catch()?;
    let session = Session::open(loaded).await?;
    let result = tokio::select! {
        result = work(session.client.clone()) => result,
        () = signals.next() => Err(session.tell_interrupted()),
    };
    tokio::select! {
        () = session.close() => {},
        () = signals.next() => output::note("ended at once; what is at rest is started by the next Mainstay"),
    }
    result
}

/// The signals that ask a command to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        let catch = |kind| signal(kind).context("no signal handler");
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {},
            _ = self.terminate.recv() => {},
            _ = self.hang_up.recv() => {},
        }
    }
}

impl Session {
    /// Finds the running service, or starts one for this command.
    async fn open(loaded: &Loaded) -> anyhow::Result<Self> {
        if let Way::Service(client) = Way::find(&loaded.config).await? {
            return Ok(Self { client, own: None });
        }
        let own = app::start_for_command(loaded)
            .await
            .context("no service runs, and none could be started for this command")?;
        let token = own.command_token().await?;
        Ok(Self { client: Client::new(own.address(), Some(token))?, own: Some(own) })
    }

    fn tell_interrupted(&self) -> anyhow::Error {
        if self.own.is_some() {
            output::note("interrupted: what was stopped is started again first");
            return anyhow::anyhow!("interrupted; what was stopped runs again");
        }
        anyhow::anyhow!("interrupted; the service goes on with its jobs, cancel them there")
    }

    /// Ends the service that was started for this command.
    async fn close(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}

/// Where the service is expected.
pub(super) fn address(config: &Config) -> String {
    if let Ok(url) = std::env::var(URL) {
        return url.trim_end_matches('/').to_owned();
    }
    let mut listen = config.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("http://{listen}")
}

/// A token of the environment, one for the configured password, or one written into the store, which whoever may read
/// the store could do anyway.
async fn token_for_running(config: &Config, address: &str) -> anyhow::Result<Option<String>> {
    if config.auth.disabled {
        return Ok(None);
    }
    if let Ok(token) = std::env::var(TOKEN) {
        return Ok(Some(token));
    }
    if let Some(password) = &config.auth.password {
        let client = Client::new(address, None)?;
        let answer = client.post("/api/v1/auth/login", &json!({ "password": password.expose_secret() })).await?;
        return Ok(answer["token"].as_str().map(str::to_owned));
    }
    app::token_from_store(config)
        .await
        .map(Some)
        .with_context(|| format!("the service at {address} wants a token: set {TOKEN}"))
}
