//! Scripts in Backrest's container.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use crate::docker::ContainerEngine;
use crate::docker::shell::{ShellError, ShellOutput, ShellRun};

/// Runs a script to its end, and returns what it printed.
pub(super) async fn run_script(
    engine: &dyn ContainerEngine,
    container: &str,
    script: &str,
    arguments: Vec<String>,
    within: Duration,
) -> Result<String, ShellError> {
    let cancel = CancellationToken::new();
    let run = ShellRun {
        engine,
        container,
        options: &[],
        script,
        arguments,
        env: Vec::new(),
        cancel: &cancel,
        silence_limit: None,
        time_limit: Some(within),
    };
    let mut printed = Printed::default();
    run.run(&mut printed).await?;
    Ok(String::from_utf8_lossy(&printed.0).into_owned())
}

/// What a script printed.
#[derive(Default)]
struct Printed(Vec<u8>);

#[async_trait]
impl ShellOutput for Printed {
    async fn keep(&mut self, bytes: Bytes) -> std::io::Result<()> {
        self.0.extend_from_slice(&bytes);
        Ok(())
    }

    fn complain(&mut self, _: &str) {}
}
