//! Commands before and after a snapshot, and the rest of the containers meanwhile.
//!
//! Nothing that ran may stay stopped. So a pair of commands that stops the container and starts it again, which is what
//! these labels are mostly for, becomes a pair of hooks of ours that notes what it stopped; and commands that stop
//! something which no command starts again are not used.

use std::collections::BTreeSet;

use super::text;
use super::{Key, Labels, shown};
use crate::backrest::notes::Notes;
use crate::backrest::plan::Settings;
use crate::domain::stack::Container;

/// Names of the template that stops the containers before the snapshot and starts them after it.
const STOP_START: [&str; 3] = ["simple-stop-start", "stop-start", "quiesce-stop-start"];
/// Names of the template that does nothing.
const NO_TEMPLATE: [&str; 2] = ["none", "off"];
/// What drives services.
const TOOLS: [&str; 4] = ["docker", "docker-compose", "podman", "systemctl"];
/// What takes one out of service, and what brings it back.
const STOPS: [&str; 3] = ["stop", "pause", "down"];
const STARTS: [&str; 5] = ["start", "unpause", "up", "restart", "run"];

/// What is done around a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::backrest) struct Commands {
    /// Before it, as the labels have it.
    pub(in crate::backrest) pre: Vec<String>,
    /// After it.
    pub(in crate::backrest) post: Vec<String>,
    /// Whether that is to stop and to start the containers.
    pub(in crate::backrest) quiesce: bool,
}

/// Reads what is done around a snapshot of these containers.
pub(in crate::backrest) fn read_commands(
    labels: &Labels<'_>,
    settings: &Settings,
    containers: &[&Container],
    notes: &mut Notes,
) -> Commands {
    let (pre, post) = (read_list(labels, Key::Pre, notes), read_list(labels, Key::Post, notes));
    let is_template = read_template(labels, notes);
    let names: BTreeSet<&str> = containers.iter().map(|container| container.name.as_str()).collect();
    let commands = if pre.is_empty() && post.is_empty() {
        if is_template { stop_and_start(&names) } else { Commands::default() }
    } else {
        if is_template {
            notes.info(Key::Template.name(), "it has no effect beside commands");
        }
        understand(pre, post, &names, notes)
    };
    allow(commands, settings, &names, notes)
}

/// The commands of one label.
fn read_list(labels: &Labels<'_>, key: Key, notes: &mut Notes) -> Vec<String> {
    let Some((label, value)) = labels.get(key) else { return Vec::new() };
    if let Some(control) = text::find_control(value) {
        notes.warn(label, format!("it has the character '{}' in it and is ignored", control.escape_default()));
        return Vec::new();
    }
    let text::Commands { list, is_open } = text::commands(value);
    if is_open {
        notes.warn(label, "a quote or a bracket is not closed; the whole text is taken as one command");
    }
    if list.len() > 1 {
        let message =
            format!("it is taken as {} commands; a comma that belongs to a command stands between quotes", list.len());
        notes.info(label, message);
    }
    list
}

fn read_template(labels: &Labels<'_>, notes: &mut Notes) -> bool {
    let Some((label, text)) = labels.get(Key::Template) else { return false };
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if !is(&STOP_START) && !is(&NO_TEMPLATE) {
        let known = STOP_START.join(", ");
        notes.warn(label, format!("there is no template '{}'; there are {known} and none", shown(text)));
    }
    is(&STOP_START)
}

/// The commands that the template stands for.
fn stop_and_start(names: &BTreeSet<&str>) -> Commands {
    let names = names.iter().copied().collect::<Vec<_>>().join(" ");
    let (pre, post) = (format!("docker stop {names}"), format!("docker start {names}"));
    Commands { pre: vec![pre], post: vec![post], quiesce: true }
}

/// What commands of labels mean.
fn understand(pre: Vec<String>, post: Vec<String>, names: &BTreeSet<&str>, notes: &mut Notes) -> Commands {
    let (pre_label, post_label) = (Key::Pre.name(), Key::Post.name());
    let is_own = |command: &String, verb: &str| is_about_self(command, verb, names);
    let stops_self = !pre.is_empty() && pre.iter().all(|command| is_own(command, "stop"));
    if stops_self && post.iter().all(|command| is_own(command, "start")) {
        notes.info(
            pre_label,
            "a pair of hooks of Mainstay's does the same: it starts what it stopped, also after a failure",
        );
        if pre.iter().chain(&post).any(|command| is_eaten(command)) {
            notes.warn(
                pre_label,
                "the name of the container is missing, likely because Compose replaced $SELF: write $$SELF or {self}",
            );
            return stop_and_start(names);
        }
        let post = if post.is_empty() { stop_and_start(names).post } else { post };
        return Commands { pre, post, quiesce: true };
    }
    let stops = |command: &String| has_word(command, &TOOLS) && has_word(command, &STOPS);
    if pre.iter().any(stops) && !post.iter().any(|command| has_word(command, &STARTS)) {
        let message = format!("it is ignored: it stops something that no command of {post_label} starts again");
        notes.warn(pre_label, message);
        return Commands { pre: Vec::new(), post, quiesce: false };
    }
    Commands { pre, post, quiesce: false }
}

/// Takes away what may not be.
fn allow(commands: Commands, settings: &Settings, names: &BTreeSet<&str>, notes: &mut Notes) -> Commands {
    if let Some(name) = names.iter().find(|name| settings.never_stopped.contains(**name))
        && commands.quiesce
    {
        notes.warn(None, format!("nothing is stopped: without the container '{name}' there would be no backup"));
        return Commands::default();
    }
    let has_commands = !(commands.pre.is_empty() && commands.post.is_empty());
    if has_commands && !commands.quiesce && !settings.allow_commands {
        notes.warn(
            None,
            "the commands of the labels are ignored: commands are not allowed, because whoever sets them is root",
        );
        return Commands::default();
    }
    commands
}

/// Whether a command is `docker stop $SELF`, or the like with another verb, in a shell or without, and nothing else.
/// Without a name at all it is one, too: Compose takes `$SELF` away.
fn is_about_self(command: &str, verb: &str, names: &BTreeSet<&str>) -> bool {
    let inner = without_shell(command.trim());
    let mut words = inner.split_whitespace().map(|word| word.trim_matches('"'));
    if words.next() != Some("docker") {
        return false;
    }
    let mut words = words.filter(|word| *word != "container").peekable();
    if words.next() != Some(verb) {
        return false;
    }
    let mut subjects = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-t" | "--time" | "--timeout" if verb == "stop" => drop(words.next()),
            _ if verb == "stop" && (word.starts_with("--time=") || word.starts_with("--timeout=")) => {}
            _ => subjects.push(word),
        }
    }
    subjects.iter().all(|word| ["$SELF", "$$SELF", "${SELF}", "{self}"].contains(word) || names.contains(word))
}

/// Whether a command stops or starts, and does not say what.
fn is_eaten(command: &str) -> bool {
    without_shell(command.trim()).split_whitespace().count() == 2
}

/// What `sh -c '…'` runs.
fn without_shell(command: &str) -> &str {
    let shells = ["sh -c ", "/bin/sh -c ", "bash -c ", "/bin/bash -c "];
    let Some(rest) = shells.iter().find_map(|shell| command.strip_prefix(shell)) else { return command };
    let rest = rest.trim();
    let quoted = ['\'', '"'].iter().find_map(|quote| rest.strip_prefix(*quote)?.strip_suffix(*quote));
    quoted.filter(|inner| !inner.contains(['\'', ';', '&', '|', '\n'])).map_or(command, str::trim)
}

fn has_word(command: &str, words: &[&str]) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut all = command.split(|c: char| !is_part(c));
    all.any(|word| words.contains(&word))
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
