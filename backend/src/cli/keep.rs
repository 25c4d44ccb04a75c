//! What retention does with each snapshot, as a table.

use serde_json::Value;

use super::output;

/// Prints `verdicts`: `keep … because …`.
pub(super) fn print(verdicts: &Value) {
    let none = Vec::new();
    let verdicts = verdicts.as_array().unwrap_or(&none);
    let rows: Vec<Vec<String>> = verdicts.iter().map(row).collect();
    if rows.is_empty() {
        output::line("there is nothing that retention could judge");
    } else {
        output::table(&["", "SNAPSHOT", "BECAUSE"], &rows);
        let kept = verdicts.iter().filter(|verdict| verdict["kept"] == true).count();
        output::note(&format!("{kept} kept, {} removed", verdicts.len() - kept));
    }
}

fn row(verdict: &Value) -> Vec<String> {
    let text = |key: &str| verdict[key].as_str().unwrap_or_default().to_owned();
    let word = if verdict["kept"] == true { "keep" } else { "remove" };
    vec![word.to_owned(), text("id"), text("reason")]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_verdict_is_a_word_a_name_and_a_reason() {
        let verdict = json!({"id": "9f3c", "kept": true, "reason": "newest of 2026-11-20 (daily 1 of 7)"});
        assert_eq!(super::row(&verdict), ["keep", "9f3c", "newest of 2026-11-20 (daily 1 of 7)"]);
        assert_eq!(super::row(&json!({"id": "a", "kept": false, "reason": "r"}))[0], "remove");
    }
}
