//! No text brings the reader down, and every mistake in a file has its line.

use proptest::prelude::*;

use super::*;

/// Pieces of which texts are made that are nearly configurations.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "stacks_dir",
        "instances",
        "id",
        "archive",
        "level",
        "<<",
        "&a",
        "*a",
        "!t",
        "-",
        ":",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "|",
        ">",
        "#",
        "? ",
        "~",
        "${X",
        "$",
        "42",
        "yes",
        "---",
        "\t",
        "é",
        "\u{feff}",
    ];
    prop_oneof![8 => proptest::sample::select(words.to_vec()).prop_map(ToOwned::to_owned), 1 => "\\PC{0,4}"]
}

fn check(text: &str) -> Result<(), TestCaseError> {
    match load_from(&[("config.yml", text)], &[]) {
        Ok(loaded) => drop(format!("{loaded:?}")),
        Err(errors) => {
            prop_assert!(!errors.errors.is_empty());
            let is_syntax = errors.errors.iter().any(|error| error.message.starts_with("this is no valid YAML"));
            prop_assert!(is_syntax || errors.errors.iter().all(|error| error.line.is_some()), "{errors}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*|[ -~\n]{0,200}") {
        check(&text)?;
    }

    #[test]
    fn texts_that_are_nearly_yaml_never_panic(pieces in proptest::collection::vec(piece(), 0..40)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn arbitrary_values_of_variables_never_panic(value in "\\PC*", key in "[A-Z_]{0,12}") {
        let name = format!("MAINSTAY_{key}");
        let _ = load_from(&[], &[(name.as_str(), value.as_str()), ("MAINSTAY_LISTEN", value.as_str())]);
    }

    #[test]
    fn durations_never_panic(text in "[0-9.a-z]{0,20}") {
        let _ = parse_duration(&text);
    }
}
