use proptest::prelude::*;

use super::*;

fn parts(texts: &[&str]) -> Result<Vec<PathBuf>, InvalidText> {
    parse_parts(texts.iter().copied())
}

#[test]
fn parts_of_a_volume_are_relative_and_each_there_once() {
    for (texts, expected) in [
        (&["/"][..], &[][..]),
        (&[], &[]),
        (&["."], &[]),
        (&["//"], &[]),
        (&["uploads", "/"], &[]),
        (&["/uploads/", "config"], &["uploads", "config"]),
        (&["a/./b//c"], &["a/b/c"]),
        (&["a/b", "a", "a", "ab"], &["a", "ab"]),
        (&["a", "a/b"], &["a"]),
        (&["with space", "..hidden", "ä"], &["with space", "..hidden", "ä"]),
    ] {
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(parts(texts), Ok(expected), "{texts:?}");
    }
}

#[test]
fn a_part_that_leads_out_is_refused() {
    for text in ["../..", "a/../../b", "a/..", "/..", "a/../b"] {
        let error = parts(&["fine", text]).expect_err("it leads out").to_string();
        assert_eq!(error, format!("'{text}' is no path within a volume: '..' would lead out of it"));
    }
    for text in ["", "  ", "a\nb", "a\0b"] {
        assert!(parts(&[text]).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_part_leads_out(text in "[./a\\\\ ]{0,12}") {
        for part in parts(&[&text]).unwrap_or_default() {
            prop_assert!(part.is_relative() && part.components().all(|part| matches!(part, Component::Normal(_))));
        }
    }
}

#[test]
fn paths_of_the_host_are_whole() {
    assert_eq!(parse_host_path("/srv//data/./x/"), Ok("/srv/data/x".into()));
    assert_eq!(parse_host_path("/processes"), Ok("/processes".into()));
    for (text, reason) in [
        ("srv", "it must begin with '/'"),
        ("", "it is empty"),
        ("/srv/../etc", "'..' is not allowed in it"),
        ("/srv\n", "it has a line break or another control character in it"),
        ("/", "name the directories to back up, not the whole host"),
        ("//.", "name the directories"),
        ("/proc/1", "made up by the kernel"),
        ("/dev", "made up by the kernel"),
    ] {
        let error = parse_host_path(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn references_of_images_are_read_as_the_engine_does() {
    let digest = format!("busybox@sha256:{}", "a1".repeat(32));
    for text in [
        "busybox",
        "busybox:local",
        "team/backup:1.2",
        "localhost/x",
        "localhost:5000/x:y",
        "Registry.example.org:5000/team/my-image_2.x:V1",
        "ghcr.io/a/b/c__d",
        digest.as_str(),
    ] {
        assert_eq!(check_image(text), Ok(()), "{text}");
    }
    for (text, reason) in [
        ("", "it is written as"),
        ("my image", "it has a space in it"),
        ("Backup", "the name of an image has no capital letters"),
        ("Team/backup", "no capital letters"),
        ("a//b", "it is written as"),
        ("../x", "it is written as"),
        ("-x", "it is written as"),
        ("x;rm", "it is written as"),
        ("$(id)", "it is written as"),
        ("busybox:", "its tag has"),
        ("busybox:a:b", "its tag has"),
        ("a:b/c", ""),
        ("team/-x", "it is written as"),
        ("x-/y", "does not begin and end with a letter or digit"),
        ("busybox@sha256:12", "64 hexadecimal digits"),
    ] {
        match check_image(text) {
            Ok(()) => assert!(reason.is_empty(), "{text} was accepted"),
            Err(error) => assert!(!reason.is_empty() && error.to_string().contains(reason), "{error}"),
        }
    }
}

#[test]
fn names_of_variables_patterns_and_tags_are_checked() {
    for text in ["RESTIC_PASSWORD", "_x", "a1"] {
        assert_eq!(check_env_name(text), Ok(()));
    }
    for text in ["", "1a", "A-B", "A=B", "A B", "Ä"] {
        assert!(check_env_name(text).is_err(), "{text}");
    }
    for text in ["*.tmp", "-x", "/cache/**", "a b"] {
        assert_eq!(check_exclude(text), Ok(()));
    }
    for text in ["", " ", "a\nb", "a\0"] {
        assert!(check_exclude(text).is_err(), "{text:?}");
    }
    assert_eq!(check_tag("nightly: web"), Ok(()));
    for text in ["", "a,b", " a", "a\n"] {
        assert!(check_tag(text).is_err(), "{text:?}");
    }
}

#[test]
fn subsets_are_what_restic_takes() {
    for text in ["5%", "2.5%", "100%", "1/1", "1/20", "256/256", "500M", "1024", "2g"] {
        assert_eq!(check_subset(text), Ok(()), "{text}");
    }
    for text in [
        "", "0%", "101%", "%", "-5%", "5 %", "nan%", "0/20", "21/20", "1/257", "1/", "/5", "0", "0M", "M", "1.5M",
        "all",
    ] {
        assert!(check_subset(text).is_err(), "{text}");
    }
}
