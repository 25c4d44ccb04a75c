//! `mainstay serve`

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, output};
use crate::app;
use crate::config::Loaded;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Write the address that was bound to this file, once it answers
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Only check the configuration, print what is wrong with it, and end
    #[arg(long)]
    check_config: bool,
}

pub(super) async fn run(loaded: Loaded, args: ServeArgs) -> anyhow::Result<Outcome> {
    if args.check_config {
        let source = loaded.path.as_ref().map_or_else(|| "no file, defaults".to_owned(), |p| p.display().to_string());
        for warning in &loaded.warnings {
            output::note(&format!("warning: {warning}"));
        }
        output::line(&format!("the configuration is valid ({source})"));
        return Ok(Outcome::Done);
    }
    app::serve(loaded, args.port_file).await?;
    Ok(Outcome::Done)
}
