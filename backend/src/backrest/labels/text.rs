//! The values of labels as text: lists, commands, and what may not be in either.

/// The longest value that is read of most labels, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 4096;
/// The longest value that is read of a label with commands, in bytes.
pub(super) const MAX_COMMAND_BYTES: usize = 16 * 1024;
/// What is shown of a value in a sentence, in characters.
const SHOWN_CHARACTERS: usize = 60;

/// A value for a sentence: on one line and not too long.
pub(in crate::backrest) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).flat_map(char::escape_debug).collect()
}

/// Items between commas, trimmed, empty ones dropped.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Commands of one label.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Commands {
    /// Each, trimmed, none empty.
    pub(super) list: Vec<String>,
    /// Whether a quote, a bracket or the like is left open, so that the value is one command and likely a broken one.
    pub(super) is_open: bool,
}

/// Splits a value into commands: at commas, but at none that stands between quotes, in brackets or behind a backslash.
/// A value of several lines is one script.
pub(super) fn commands(text: &str) -> Commands {
    let text = text.trim();
    let cuts = if text.contains('\n') { Some(Vec::new()) } else { find_cuts(text) };
    let is_open = cuts.is_none();
    let mut list = Vec::new();
    let mut start = 0;
    for cut in cuts.unwrap_or_default() {
        list.push(&text[start..cut]);
        start = cut + 1;
    }
    list.push(&text[start..]);
    let list = list.into_iter().map(str::trim).filter(|command| !command.is_empty()).map(str::to_owned);
    Commands { list: list.collect(), is_open }
}

/// The places of the commas that part commands; none when something is left open.
fn find_cuts(text: &str) -> Option<Vec<usize>> {
    let (mut cuts, mut open) = (Vec::new(), Vec::new());
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        let innermost = open.last().copied();
        match (innermost, character) {
            (Some('\''), '\'') => drop(open.pop()),
            (Some('\''), _) => {}
            (_, '\\') => drop(characters.next()),
            (Some(end), _) if end == character => drop(open.pop()),
            (Some('"'), '\'' | '{' | '(') => {}
            (_, '\'' | '"' | '`') => open.push(character),
            (_, '(') => open.push(')'),
            (_, '{') => open.push('}'),
            (None, ',') => cuts.push(place),
            _ => {}
        }
    }
    open.is_empty().then_some(cuts)
}

/// The first character that no command or path has: a control character. Commands may have tabs and ends of lines.
pub(super) fn find_control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let commands = commands(text);
        assert!(!commands.is_open, "{text}");
        commands.list
    }

    #[test]
    fn commas_between_quotes_and_in_brackets_part_nothing() {
        for text in [
            "sh -c 'docker stop $SELF'",
            "psql -c 'select a, b from t'",
            "psql -c \"select a, 'b' from t where x = ')'\"",
            "cp /data/{a,b} /backup",
            "echo $(printf '%s,' a b)",
            "echo `printf a,b`",
            "echo a\\,b",
            "sh -c 'it'\\''s, well'",
            "if true, false\nthen echo a, b\nfi",
            "docker ps --format '{{.ID}},{{.Names}}'",
        ] {
            assert_eq!(split(text), [text]);
        }
    }

    #[test]
    fn other_commas_part_commands() {
        assert_eq!(split("sync, docker stop $SELF,, echo 'a,b' ,"), ["sync", "docker stop $SELF", "echo 'a,b'"]);
        assert_eq!(split(" , "), Vec::<String>::new());
    }

    #[test]
    fn what_is_left_open_is_one_command() {
        for text in ["echo 'a, b", "echo \"a, b", "echo $(a, b", "echo {a, b"] {
            let commands = commands(text);
            assert_eq!((commands.list, commands.is_open), (vec![text.to_owned()], true));
        }
    }
}
