//! What a service needs of another one before it is started.
//!
//! The words are Compose's. [`parse_label`] reads what Compose writes on containers; the compose file is read by
//! `discovery`. To understand one more encoding, add it to `parse_label` and a line to its table of tests.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When a service may start that depends on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The other one was started.
    #[serde(rename = "service_started")]
    Started,
    /// Its health check passes.
    #[serde(rename = "service_healthy")]
    Healthy,
    /// It did its work and ended with exit code 0.
    #[serde(rename = "service_completed_successfully")]
    Completed,
}

impl Condition {
    /// Compose's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "service_started",
            Self::Healthy => "service_healthy",
            Self::Completed => "service_completed_successfully",
        }
    }

    /// Reads Compose's word; one that this version does not know asks for no more than a start.
    #[must_use]
    pub fn read(word: &str) -> Self {
        match word.trim() {
            "service_healthy" => Self::Healthy,
            "service_completed_successfully" => Self::Completed,
            _ => Self::Started,
        }
    }
}

/// One dependency of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The service that is needed.
    pub service: String,
    /// What must be true of it.
    pub condition: Condition,
    /// Whether Compose restarts the dependant when it restarts the other one.
    pub restart: bool,
    /// Whether the dependant cannot do without it.
    pub is_required: bool,
}

impl Dependency {
    /// A need that is met as soon as `service` was started.
    #[must_use]
    pub fn started(service: impl Into<String>) -> Self {
        Self { service: service.into(), condition: Condition::Started, restart: false, is_required: true }
    }

    /// The same with a stricter condition.
    #[must_use]
    pub fn with(self, condition: Condition) -> Self {
        Self { condition, ..self }
    }
}

/// Joins the dependencies of one service: sorted by name, one for each, the strictest where they differ.
#[must_use]
pub fn join(all: impl IntoIterator<Item = Dependency>) -> Vec<Dependency> {
    let mut joined: Vec<Dependency> = Vec::new();
    for dependency in all {
        match joined.binary_search_by(|known| known.service.cmp(&dependency.service)) {
            Ok(at) => {
                let known = &mut joined[at];
                known.condition = known.condition.max(dependency.condition);
                known.restart |= dependency.restart;
                known.is_required |= dependency.is_required;
            }
            Err(at) => joined.insert(at, dependency),
        }
    }
    joined
}

/// Reads the value of the label `com.docker.compose.depends_on`.
///
/// Compose 2 writes `db:service_healthy:true,cache:service_started:false`, where the last part says whether a restart
/// is passed on; its first releases left that out, and wrote a plain list before. Other programs write the compose
/// file's own forms as JSON: a list of names, or `{"db": {"condition": …, "restart": …, "required": …}}`. An empty text
/// means no dependencies.
#[must_use]
pub fn parse_label(label: &str) -> Vec<Dependency> {
    match serde_json::from_str(label) {
        Ok(Value::Object(map)) => join(map.iter().map(|(name, value)| of_json(name, value))),
        Ok(Value::Array(list)) => join(list.iter().filter_map(of_json_item)),
        _ => join(label.trim().trim_matches(['[', ']']).split(',').filter_map(of_text)),
    }
}

fn of_json(name: &str, value: &Value) -> Dependency {
    let condition = value.as_str().or_else(|| value["condition"].as_str()).map_or(Condition::Started, Condition::read);
    Dependency {
        service: name.to_owned(),
        condition,
        restart: value["restart"].as_bool().unwrap_or(false),
        is_required: value["required"].as_bool().unwrap_or(true),
    }
}

/// A name, or an object that holds its own name.
fn of_json_item(item: &Value) -> Option<Dependency> {
    match item.as_str() {
        Some(text) => of_text(text),
        None => Some(of_json(item["service"].as_str().or_else(|| item["name"].as_str())?, item)),
    }
}

fn of_text(text: &str) -> Option<Dependency> {
    let mut parts = text.split(':').map(|part| part.trim().trim_matches(['\'', '"']));
    let service = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let condition = parts.next().map_or(Condition::Started, Condition::read);
    let restart = parts.next() == Some("true");
    Some(Dependency { service, condition, restart, is_required: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(label: &str) -> String {
        let word = |d: &Dependency| {
            let marks = [(d.restart, "+restart"), (!d.is_required, "+optional")];
            let marks: String = marks.iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| *mark).collect();
            format!("{}={}{marks}", d.service, d.condition.as_str().trim_start_matches("service_"))
        };
        parse_label(label).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_encoding_of_the_label() {
        for (label, expected) in [
            ("", ""),
            (" ", ""),
            ("db:service_started:false,cache:service_healthy:true", "cache=healthy+restart db=started"),
            ("db:service_healthy", "db=healthy"),
            ("init:service_completed_successfully:false", "init=completed_successfully"),
            ("db, cache", "cache=started db=started"),
            ("db:word_of_tomorrow:false", "db=started"),
            (r#"["db","cache"]"#, "cache=started db=started"),
            ("['db', 'cache']", "cache=started db=started"),
            (r#"["db:service_healthy:true"]"#, "db=healthy+restart"),
            (r#"{"db":{"condition":"service_healthy","restart":true}}"#, "db=healthy+restart"),
            (r#"{"db":{"condition":"service_healthy","required":false}}"#, "db=healthy+optional"),
            (r#"{"db":null,"init":"service_completed_successfully"}"#, "db=started init=completed_successfully"),
            (r#"[{"service":"db","condition":"service_healthy"},{}]"#, "db=healthy"),
            ("[]", ""),
            ("{}", ""),
            (",:,x", "x=started"),
        ] {
            assert_eq!(shown(label), expected, "{label}");
        }
    }

    #[test]
    fn of_two_that_differ_the_strictest_counts() {
        let optional = Dependency { is_required: false, ..Dependency::started("db").with(Condition::Healthy) };
        let [joined] = &join([Dependency::started("db"), optional])[..] else { panic!("one") };
        assert_eq!((joined.condition, joined.is_required), (Condition::Healthy, true));
    }
}
