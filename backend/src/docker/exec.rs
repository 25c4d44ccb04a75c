//! Commands in containers that run.
//!
//! What a command prints comes over a connection that the engine may cut without a word, so its end proves nothing; its
//! exit code is asked for afterwards. What is fed to it goes over the same connection while its output is read, so
//! neither side waits for the other.

use std::pin::Pin;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::StreamExt as _;
use futures_util::future::{self, Either};
use futures_util::stream::{self, BoxStream};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::containers::env_of;
use super::failure::{Asked, classify};
use super::link::{EngineLink, Repeat};
use super::{ByteStream, EngineError, Exec, ExecSpec, ExecState, OutputPiece, OutputStream, check_reference};

/// Deadline of making and of beginning a command.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of output that are read at once: the engine sends up to 32 KiB in a frame.
const READ_BYTES: usize = 64 * 1024;

type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// Begins a command, with or without something on its standard input.
pub(super) async fn begin(
    link: &EngineLink,
    container: &str,
    spec: &ExecSpec,
    input: Option<ByteStream>,
) -> Result<Exec, EngineError> {
    check_reference(container)?;
    let asked = Asked::of_container(&format!("run '{}' in", program_of(spec)), container);
    let config = config_of(spec, input.is_some(), &asked)?;
    let request = link.ask_again(&asked, BEGIN_LIMIT, Repeat::IfNotSent, |client| {
        let config = config.clone();
        async move { client.create_exec(container, config).await }
    });
    let id = request.await?.id;
    let options = StartExecOptions { output_capacity: Some(READ_BYTES), ..StartExecOptions::default() };
    let name = id.clone();
    let request =
        link.ask(&asked, BEGIN_LIMIT, |client| async move { client.start_exec(&name, Some(options)).await }).await?;
    let StartExecResults::Attached { output, input: writer } = request else {
        let message = "it did not let its output be read".to_owned();
        return Err(EngineError::Rejected { action: asked.action, message });
    };
    let address = link.address().to_owned();
    let output = pieces(output, address, asked.clone());
    // Without anything to feed, the writer is dropped here: the command's standard input was never attached.
    let output = match input {
        Some(bytes) => fed(output, feed(writer, bytes, asked)),
        None => output,
    };
    Ok(Exec { id, output })
}

/// How a command stands.
pub(super) async fn state(link: &EngineLink, id: &str) -> Result<ExecState, EngineError> {
    check_reference(id)?;
    let asked = Asked::of("look at", "command", id);
    let request =
        link.ask_again(&asked, BEGIN_LIMIT, Repeat::Always, |client| async move { client.inspect_exec(id).await });
    let told = request.await?;
    let is_running = told.running.unwrap_or(true);
    Ok(ExecState { is_running, exit_code: told.exit_code.filter(|_| !is_running) })
}

/// The program alone: its arguments may be long, and are nobody's business in an error.
fn program_of(spec: &ExecSpec) -> &str {
    spec.command.first().map_or("", String::as_str)
}

fn config_of(spec: &ExecSpec, has_input: bool, asked: &Asked) -> Result<ExecConfig, EngineError> {
    Ok(ExecConfig {
        attach_stdin: Some(has_input),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        cmd: Some(spec.command.clone()),
        env: Some(env_of(&spec.env, asked)?),
        user: spec.user.clone(),
        ..ExecConfig::default()
    })
}

/// The pieces of an engine's output. What it says itself, outside of both streams, is an error of the command.
pub(super) fn pieces(
    output: impl futures_util::Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send + 'static,
    address: String,
    asked: Asked,
) -> OutputStream {
    let piece = move |item| match item {
        Ok(LogOutput::StdOut { message }) => Some(Ok(OutputPiece::Out(message))),
        Ok(LogOutput::StdErr { message } | LogOutput::Console { message }) => Some(Ok(OutputPiece::Err(message))),
        Ok(LogOutput::StdIn { .. }) => None,
        Err(error) => Some(Err(classify(&address, &asked, error).error)),
    };
    output.filter_map(move |item| future::ready(piece(item))).boxed()
}

/// Writes everything, then closes the standard input so that the command sees its end.
async fn feed(mut writer: Input, mut bytes: ByteStream, asked: Asked) -> Result<Input, EngineError> {
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|error| not_fed(&asked, &error))?;
        if writer.write_all(&piece).await.is_err() {
            // The command ended early or reads no more: its exit code says whether that is well.
            return Ok(writer);
        }
    }
    writer.shutdown().await.ok();
    Ok(writer)
}

fn not_fed(asked: &Asked, error: &std::io::Error) -> EngineError {
    EngineError::Rejected { action: asked.action.clone(), message: format!("its input broke off: {error}") }
}

/// The output of a command that is fed while it is read. An input that breaks off ends it with an error.
fn fed(
    output: OutputStream,
    feeding: impl Future<Output = Result<Input, EngineError>> + Send + 'static,
) -> OutputStream {
    enum Stage {
        Feeding(Pin<Box<dyn Future<Output = Result<Input, EngineError>> + Send>>, OutputStream),
        // The writer stays open, or the engine would take the connection for abandoned.
        Reading(OutputStream, Input),
    }
    let begin: Option<Stage> = Some(Stage::Feeding(Box::pin(feeding), output));
    let stream: BoxStream<'static, _> = stream::unfold(begin, |stage| async {
        let mut stage = stage?;
        loop {
            stage = match stage {
                Stage::Feeding(feeding, mut output) => match future::select(feeding, output.next()).await {
                    Either::Left((Ok(writer), next)) => {
                        drop(next);
                        Stage::Reading(output, writer)
                    }
                    Either::Left((Err(error), _)) => return Some((Err(error), None)),
                    Either::Right((piece, feeding)) => return Some((piece?, Some(Stage::Feeding(feeding, output)))),
                },
                Stage::Reading(mut output, writer) => {
                    let piece = output.next().await?;
                    return Some((piece, Some(Stage::Reading(output, writer))));
                }
            };
        }
    })
    .boxed();
    stream
}
