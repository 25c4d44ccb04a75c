//! What parameters look like: ids, names, cursors. A client that generates values, or checks them, needs to know it.
//!
//! The rules are those of the types that the handlers parse; here they are told once for all operations.

use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::Schema;

/// [`crate::domain::names::check_name`]
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$";
/// [`crate::domain::names::LogName`]
const LOG_FILE: &str = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,250}\.log$";
/// Whole bytes as hexadecimal digits.
const HEX: &str = "^([0-9a-f]{2})*$";
/// The same, at least one.
const CURSOR: &str = "^([0-9a-f]{2})+$";
/// [`crate::engine::RequestKey`]
const VISIBLE_ASCII: &str = "^[!-~]{1,200}$";

/// Tells of every parameter of the operation at `path` what it looks like, as far as there is a rule.
pub(super) fn constrain(path: &str, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(pattern) = find_pattern(path, &parameter.name)
        {
            set_pattern(parameter, pattern);
        }
    }
}

fn find_pattern(path: &str, parameter: &str) -> Option<&'static str> {
    let is_below = |start: &str| path.starts_with(start);
    match parameter {
        "Idempotency-Key" => Some(VISIBLE_ASCII),
        "cursor" => Some(CURSOR),
        "path_bytes" => Some(HEX),
        "id" if is_below("/api/v1/jobs/") => Some("^job_[0-9a-f]{32}$"),
        "id" if is_below("/api/v1/snapshots/") => Some("^snap_[0-9a-f]{32}$"),
        "id" if is_below("/api/v1/auth/tokens/") => Some("^tok_[0-9a-f]{32}$"),
        "id" if is_below("/api/v1/instances/") || is_below("/api/v1/plans/") => Some(NAME),
        "name" if is_below("/api/v1/stacks/") => Some(NAME),
        "name" if path.contains("log") => Some(LOG_FILE),
        _ => None,
    }
}

fn set_pattern(parameter: &mut Parameter, pattern: &str) {
    if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
        schema.pattern = Some(pattern.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::openapi;

    #[test]
    fn ids_and_names_in_paths_have_a_pattern() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("an item") {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let is_ours = path.starts_with("/api/v1/") && !path.starts_with("/api/v1/backrest/");
                    let is_id = parameter["in"] == "path" || parameter["name"] == "cursor";
                    let has_pattern = parameter["schema"]["pattern"].is_string();
                    assert!(has_pattern || !(is_ours && is_id), "{method} {path}: {}", parameter["name"]);
                }
            }
        }
    }
}
