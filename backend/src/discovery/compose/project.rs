//! The project name that Compose gives a directory.

/// Compose's rule: lower case, only `[a-z0-9_-]`, starting with a letter or digit. `None` when nothing is left.
#[must_use]
pub fn normalise_project_name(text: &str) -> Option<String> {
    let is_kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let kept: String = text.to_lowercase().chars().filter(is_kept).collect();
    let name = kept.trim_start_matches(['_', '-']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_directories() {
        for (directory, expected) in [
            ("blog", Some("blog")),
            ("My Blog.v2", Some("myblogv2")),
            ("__-x_-", Some("x_-")),
            ("Ähren", Some("hren")),
            ("日本", None),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(normalise_project_name(directory).as_deref(), expected, "{directory}");
        }
    }
}
