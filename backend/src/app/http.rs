//! The HTTP server.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};
use anyhow::Context;
use tracing_actix_web::TracingLogger;

use crate::api::state::AppState;
use crate::api::{Api, gate};
use crate::spa;

/// Workers answer requests; jobs run elsewhere, so two are plenty for a dashboard.
const WORKERS: usize = 2;
/// How long a request that is at work may take when the service ends. Streams end by themselves before.
const SHUTDOWN_SECS: u64 = 5;

/// A server that is bound and not yet polled.
pub(super) struct Bound<R> {
    pub(super) address: SocketAddr,
    pub(super) handle: ServerHandle,
    pub(super) run: R,
}

/// Binds `listen`. Nobody is answered yet.
pub(super) fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).with_context(|| format!("the address {listen} cannot be bound"))
}

/// Answers at `listener`. Signals are left to the caller: jobs must end before the process does.
pub(super) fn serve(
    listener: TcpListener,
    state: AppState,
) -> anyhow::Result<Bound<impl Future<Output = std::io::Result<()>> + Send + 'static>> {
    let address = listener.local_addr().context("the bound address is unknown")?;
    let api = Api::new(state);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(gate::pass))
            .wrap(Compress::default())
            .wrap(spa::security_headers())
            .wrap(TracingLogger::default())
            .configure(|config| api.configure(config))
            .default_service(web::to(spa::serve))
    })
    .workers(WORKERS)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECS)
    .listen(listener)
    .context("the server could not be set up")?
    .run();
    Ok(Bound { address, handle: server.handle(), run: server })
}
