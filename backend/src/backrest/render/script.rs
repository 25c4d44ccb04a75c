//! The scripts of hooks, for the `sh` of Backrest's container.
//!
//! Backrest hands a script to the interpreter of its first line through standard input, so every command in it gets
//! another one: it would eat the rest of the script. Words of labels become arguments between quotes and never text of
//! the script itself, so whatever they hold, the lines around them run.

use std::time::Duration;

use crate::backrest::plan::WantedPlan;
use crate::domain::stack::labels;

const FIRST_LINE: &str = "#!sh -eu\n";

/// How long one stop or start may take, since Backrest has no limit of its own, and one queue for everything.
pub const STOP_LIMIT: Duration = Duration::from_secs(900);

/// How long one command of a label may take. It may be a dump, which takes its time.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(3600);

/// Runs a command for as long as it may take.
const LIMITED: &str = r#"limited() {
  if command -v timeout >/dev/null 2>&1; then timeout LIMIT "$@"; else "$@"; fi
}
"#;

/// What both scripts of the pair need. `start_all` starts what is written down in `$state`; what cannot be started stays
/// written down, unless it is gone because someone made it anew.
const START_ALL: &str = r#"start_all() {
  [ -s "$state" ] || return 0
  left=
  while read -r id; do
    limited docker start "$id" </dev/null && continue
    docker ps -q </dev/null >/dev/null && ! docker inspect "$id" </dev/null >/dev/null 2>&1 && continue
    left="$left $id"
  done <"$state"
  if [ -z "$left" ]; then rm -f "$state"; return 0; fi
  printf '%s\n' $left >"$state"
  return 1
}
"#;

/// Writes down what runs and stops it, but for containers of `compose run`, which somebody waits for. What an earlier run left stopped is started first, and what this one stopped is
/// started again if it does not come to its end. What is written down is on the disk before the first stop.
const STOP_ALL: &str = r#"finish() {
  rc=$?
  trap - EXIT
  [ "$rc" -eq 0 ] || start_all || :
  exit "$rc"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM
start_all || :
docker ps -q --no-trunc FILTERS </dev/null >"$state.all"
[ ! -s "$state" ] || cat "$state" >>"$state.all"
while read -r id; do
  [ "$(docker inspect --format 'ONEOFF' "$id" </dev/null)" = True ] || printf '%s\n' "$id"
done <"$state.all" >"$state.new"
rm -f "$state.all"
mv "$state.new" "$state"
sync
while read -r id; do limited docker stop "$id" </dev/null; done <"$state"
"#;

/// The first half of the pair: stops the containers of a plan.
pub(super) fn stop(plan: &WantedPlan) -> String {
    let oneoff = format!("{{{{index .Config.Labels \"{}\"}}}}", labels::ONEOFF);
    format!("{}{}", head(plan), STOP_ALL.replace("FILTERS", &filters(plan)).replace("ONEOFF", &oneoff))
}

/// The second half: starts those that the first one stopped. Without such it does nothing.
pub(super) fn start(plan: &WantedPlan) -> String {
    format!("{}start_all\n", head(plan))
}

/// What is written down lies with Backrest's own data where there is a place for it, so that it outlives the container.
fn head(plan: &WantedPlan) -> String {
    let limited = limited(STOP_LIMIT);
    format!(
        "{FIRST_LINE}state=\"${{BACKREST_DATA:-${{TMPDIR:-/tmp}}}}/mainstay-{}.ids\"\n{limited}{START_ALL}",
        plan.id
    )
}

fn limited(limit: Duration) -> String {
    LIMITED.replace("LIMIT", &limit.as_secs().to_string())
}

/// Which containers are meant. Those of a service are known by their labels: their names change while they are made anew.
fn filters(plan: &WantedPlan) -> String {
    if let (Some(project), Some(service)) = (&plan.project, &plan.service) {
        let pairs = [(labels::PROJECT, project.as_str()), (labels::SERVICE, service.as_str())];
        return pairs.map(|(label, value)| format!("--filter {}", quote(&format!("label={label}={value}")))).join(" ");
    }
    let names = plan.containers.iter().map(|name| format!("name=^/{}$", name.replace('.', "\\.")));
    names.map(|name| format!("--filter {}", quote(&name))).collect::<Vec<_>>().join(" ")
}

/// The commands before a snapshot. When one fails, those for after it run at once, and there is no snapshot.
pub(super) fn pre(plan: &WantedPlan) -> String {
    let undo: String = plan.post.iter().map(|command| format!("    {} || :\n", run(plan, command))).collect();
    let run_all: String = plan.pre.iter().map(|command| format!("{}\n", run(plan, command))).collect();
    if undo.is_empty() {
        return format!("{FIRST_LINE}{}{run_all}", preamble(plan));
    }
    let trap = format!(
        "finish() {{\n  rc=$?\n  trap - EXIT\n  if [ \"$rc\" -ne 0 ]; then\n{undo}  fi\n  exit \"$rc\"\n}}\n\
         trap finish EXIT\ntrap 'exit 143' HUP INT TERM\n"
    );
    format!("{FIRST_LINE}{}{trap}{run_all}", preamble(plan))
}

/// The commands after a snapshot: all of them, also when one fails.
pub(super) fn post(plan: &WantedPlan) -> String {
    let all: String = plan.post.iter().map(|command| format!("{} || rc=1\n", run(plan, command))).collect();
    format!("{FIRST_LINE}{}rc=0\n{all}exit \"$rc\"\n", preamble(plan))
}

/// `$SELF`, the name of the container, or the names where there are several; and the limit of each command.
fn preamble(plan: &WantedPlan) -> String {
    format!("SELF={}; export SELF\n{}", quote(&plan.containers.join(" ")), limited(COMMAND_LIMIT))
}

/// A command of a label in a shell of its own, which is ended when it takes too long.
fn run(plan: &WantedPlan, command: &str) -> String {
    format!("limited sh -c {} </dev/null", quote(&with_name(plan, command)))
}

/// `$$SELF` is what stands in a compose file for `$SELF`, and `{self}` needs no such care.
fn with_name(plan: &WantedPlan, command: &str) -> String {
    let names = plan.containers.join(" ");
    let mut text = command.replace("$$SELF", "$SELF");
    let mut from = 0;
    while let Some(place) = text[from..].find("{self}").map(|place| from + place) {
        if text[..place].ends_with('$') {
            from = place + 1;
        } else {
            text.replace_range(place..place + "{self}".len(), &names);
            from = place + names.len();
        }
    }
    text
}

/// Between quotes, as one word of `sh`.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
