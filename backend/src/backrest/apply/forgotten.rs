//! Containers that the hooks of a plan stopped and that nobody starts any more, because Backrest was killed in between.
//!
//! The hooks write down what they stop, and the next run of the plan begins with starting it. That may be a day away. So it
//! is looked for notes that lie there for a while although Backrest is at nothing. A look is repeated after a moment: between
//! two commands of a run nothing of it is seen.

use std::time::Duration;

use super::container::WORKERS;
use super::inside::run_script;
use crate::backrest::line::{Line, Tell};
use crate::docker::shell::ShellError;
use crate::docker::{ContainerEngine, EngineError};

/// How old a note has to be, in minutes.
const OLDER_THAN_MINUTES: &str = "10";
/// The pause between the two looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// How long one look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(20);

/// Prints `note <file>` and what stands in it, for every old note. Nothing while one of the programs `$2` and on runs.
const LOOK: &str = r#"
age=$1
shift
for file in /proc/[0-9]*/comm; do
  read -r name <"$file" || continue
  for worker in "$@"; do
    case $name in "$worker"*) exit 0 ;; esac
  done
done 2>/dev/null
find "${BACKREST_DATA:-${TMPDIR:-/tmp}}" -maxdepth 1 -name 'mainstay-*.ids' -mmin "+$age" 2>/dev/null |
while read -r note; do
  printf 'note %s\n' "$note"
  cat "$note"
done
"#;

/// Removes the note `$1` provided that it still says `$2`.
const REMOVE: &str = r#"[ "$(cat "$1")" != "$2" ] || rm -f "$1""#;

/// What a hook wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HookNote {
    file: String,
    ids: Vec<String>,
}

/// Starts what hooks stopped and nobody starts any more; where Backrest's container does not run, nothing is known. What
/// cannot be started stays written down.
///
/// # Errors
/// When it cannot be looked in Backrest's container.
pub async fn start_forgotten(engine: &dyn ContainerEngine, backrest: &str, tell: Tell<'_>) -> Result<(), ShellError> {
    let seen = look(engine, backrest).await?;
    if seen.is_empty() {
        return Ok(());
    }
    tokio::time::sleep(BETWEEN_LOOKS).await;
    let again = look(engine, backrest).await?;
    for note in again.iter().filter(|note| seen.contains(note)) {
        if start_all(engine, note, tell).await {
            let arguments = vec![note.file.clone(), note.ids.join("\n")];
            run_script(engine, backrest, REMOVE, arguments, LOOK_WITHIN).await?;
        }
    }
    Ok(())
}

/// The old notes, while Backrest is at nothing.
async fn look(engine: &dyn ContainerEngine, backrest: &str) -> Result<Vec<HookNote>, ShellError> {
    let arguments = std::iter::once(OLDER_THAN_MINUTES).chain(WORKERS.iter().copied()).map(str::to_owned).collect();
    Ok(read(&run_script(engine, backrest, LOOK, arguments, LOOK_WITHIN).await?))
}

fn read(printed: &str) -> Vec<HookNote> {
    let mut notes: Vec<HookNote> = Vec::new();
    for line in printed.lines() {
        match (line.strip_prefix("note "), notes.last_mut()) {
            (Some(file), _) => notes.push(HookNote { file: file.to_owned(), ids: Vec::new() }),
            (None, Some(note)) => note.ids.push(line.to_owned()),
            (None, None) => {}
        }
    }
    // A note that says something else is not one of ours, whatever it is called.
    notes.retain(|note| !note.ids.is_empty() && note.ids.iter().all(|id| is_container_id(id)));
    notes
}

/// Ids reach the engine, so they are nothing but ids.
fn is_container_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Starts what is written down; says whether all of it is up, or gone.
async fn start_all(engine: &dyn ContainerEngine, note: &HookNote, tell: Tell<'_>) -> bool {
    let mut is_done = true;
    for id in &note.ids {
        let name = match engine.inspect_container(id).await {
            Ok(detail) if detail.is_up() => continue,
            Ok(detail) => detail.container.name,
            // It was made anew; who did that runs it.
            Err(EngineError::NotFound { .. }) => continue,
            Err(_) => id.clone(),
        };
        let line = |line: Line| line.with("container", &name);
        match engine.start_container(id).await {
            Ok(()) => {
                let message = "a hook of Backrest stopped it and was killed before it could start it; it is started";
                tell(line(Line::warning("quiesce.replay")).with("message", message));
            }
            Err(error) => {
                is_done = false;
                let message = format!("a hook of Backrest stopped it, and it cannot be started: {error}");
                tell(line(Line::error("quiesce.replay")).with("message", message));
            }
        }
    }
    is_done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_containers_are_read() {
        let (one, two) = ("a".repeat(64), "0123456789abcdef".repeat(4));
        let notes = read(&format!("note /data/mainstay-x.ids\n{one}\n{two}\nnote /data/mainstay-y.ids\n../../etc\n"));
        assert_eq!(notes, [HookNote { file: "/data/mainstay-x.ids".to_owned(), ids: vec![one, two] }]);
        assert!(read("note /data/mainstay-z.ids\n").is_empty() && read("").is_empty());
    }
}
