//! Every configuration that the documents show is one.

use super::*;

const DOCUMENTS: [(&str, &str); 1] = [("README.md", include_str!("../../../../README.md"))];

/// The blocks of YAML that are a configuration; a compose file has services.
fn configurations(text: &str) -> Vec<String> {
    let (mut blocks, mut block) = (Vec::new(), None);
    for line in text.lines() {
        match (line.trim(), &mut block) {
            ("```yaml" | "```yml", none @ None) => *none = Some((line.len() - line.trim_start().len(), String::new())),
            ("```", some @ Some(_)) => blocks.extend(some.take().map(|(_, text)| text)),
            (_, Some((indent, text))) => *text += &format!("{}\n", line.get(*indent..).unwrap_or_default()),
            (_, None) => {}
        }
    }
    blocks.retain(|text| !text.lines().any(|line| line.starts_with("services:")));
    blocks
}

#[test]
fn what_the_documents_show_holds() {
    for (name, text) in DOCUMENTS {
        let blocks = configurations(text);
        assert!(!blocks.is_empty(), "{name} shows no configuration");
        for block in blocks {
            let variables = [("RESTIC_PASSWORD", "p"), ("HOSTNAME", "h")];
            let loaded = load_from(&[("config.yml", &block)], &variables);
            let loaded = loaded.unwrap_or_else(|errors| panic!("{name}: {errors}\n{block}"));
            assert_eq!(warnings(&loaded), Vec::<String>::new(), "{name}:\n{block}");
        }
    }
}

#[test]
fn blocks_are_found_wherever_they_are_indented() {
    let text = "x\n   ```yaml\n   a:\n     b: 1\n   ```\n```yaml\nservices: {}\n```\n```console\nls\n```\n";
    assert_eq!(configurations(text), ["a:\n  b: 1\n"]);
}
