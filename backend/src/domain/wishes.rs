//! What the labels of a container ask of Mainstay when its stack is brought to rest.
//!
//! A value that cannot be read is no wish, and a warning: a slip of the pen must neither stop a backup nor pass
//! unseen. To add a wish, add its label to [`labels`], a member here and a line to the README's table.

use std::collections::BTreeMap;
use std::time::Duration;

use super::duration::parse_duration;
use super::job::Quiesce;
use super::stack::labels;

/// The wishes of one container; what is absent follows the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The group of its service in the start order.
    pub order: Option<i64>,
    /// How it is brought to rest.
    pub quiesce: Option<Quiesce>,
    /// How long it may take to stop.
    pub stop_timeout: Option<Duration>,
    /// Whether Mainstay reaches the Docker Engine through it.
    pub is_socket_proxy: bool,
}

/// Reads the wishes out of labels; the second value says what could not be read, in sentences for people.
#[must_use]
pub fn read_wishes(labels: &BTreeMap<String, String>) -> (Wishes, Vec<String>) {
    let mut warnings = Vec::new();
    let wishes = Wishes {
        order: read(labels, labels::ORDER, "a whole number", &mut warnings, |text| text.parse().ok()),
        quiesce: read(labels, labels::QUIESCE, "stop, pause or none", &mut warnings, |text| text.parse().ok()),
        stop_timeout: read(labels, labels::STOP_TIMEOUT, "a duration such as '30s' or '2m'", &mut warnings, |text| {
            parse_duration(text).ok()
        }),
        is_socket_proxy: read(labels, labels::SOCKET_PROXY, "true or false", &mut warnings, |text| text.parse().ok())
            .unwrap_or(false),
    };
    (wishes, warnings)
}

fn read<T>(
    labels: &BTreeMap<String, String>,
    name: &str,
    expected: &str,
    warnings: &mut Vec<String>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = labels.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())?;
    let wish = parse(text);
    if wish.is_none() {
        let shown: String = text.chars().take(40).flat_map(char::escape_default).collect();
        warnings.push(format!("the label {name} says '{shown}', which is not {expected}, and is ignored"));
    }
    wish
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> (Wishes, Vec<String>) {
        read_wishes(&pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn every_wish_is_read() {
        let (wishes, warnings) = of(&[
            (labels::ORDER, "-3"),
            (labels::QUIESCE, "pause"),
            (labels::STOP_TIMEOUT, " 1m30s "),
            (labels::SOCKET_PROXY, "true"),
        ]);
        let expected = Wishes {
            order: Some(-3),
            quiesce: Some(Quiesce::Pause),
            stop_timeout: Some(Duration::from_secs(90)),
            is_socket_proxy: true,
        };
        assert_eq!((wishes, warnings.len()), (expected, 0));
        assert_eq!(of(&[(labels::ORDER, ""), ("mainstay.test", "1")]), (Wishes::default(), vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_no_wish_and_is_said() {
        for (name, value, expected) in [
            (labels::ORDER, "first", "a whole number"),
            (labels::ORDER, "1.5", "a whole number"),
            (labels::QUIESCE, "freeze", "stop, pause or none"),
            (labels::STOP_TIMEOUT, "30", "a duration"),
            (labels::STOP_TIMEOUT, "-5s", "a duration"),
            (labels::SOCKET_PROXY, "yes", "true or false"),
        ] {
            let (wishes, warnings) = of(&[(name, value)]);
            assert_eq!(wishes, Wishes::default(), "{name}={value}");
            assert!(
                warnings.len() == 1 && warnings[0].contains(name) && warnings[0].contains(expected),
                "{warnings:?}"
            );
        }
    }
}
