//! `mainstay healthcheck`

use super::client::Client;
use super::{Outcome, output, session};
use crate::config::Loaded;

pub(super) async fn run(loaded: &Loaded) -> anyhow::Result<Outcome> {
    let address = session::address(&loaded.config);
    if Client::new(&address, None)?.is_up().await {
        output::line("healthy");
        Ok(Outcome::Done)
    } else {
        output::error(&format!("no Mainstay answers at {address}"));
        Ok(Outcome::Failed)
    }
}
