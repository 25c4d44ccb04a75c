//! Sealing, opening, and the key's file.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn key(digit: char) -> SecretKey {
    SecretKey::parse(&digit.to_string().repeat(64)).expect("a key")
}

fn sealer(key: SecretKey) -> Sealer {
    Sealer::new(key, "instances", "nas")
}

#[test]
fn what_is_sealed_opens_in_its_place_and_nowhere_else() {
    let sealed = sealer(key('a')).seal("env.PASSWORD", "hunter2 ä").expect("sealed");
    assert!(!format!("{sealed:?}").contains("hunter2"));
    let opened = sealer(key('a')).open("env.PASSWORD", &sealed).expect("opened");
    assert_eq!(opened.expose_secret(), "hunter2 ä");
    let again = sealer(key('a')).seal("env.PASSWORD", "hunter2 ä").expect("sealed");
    assert_ne!(sealed, again, "a nonce of its own each time");
    for (table, row, field) in
        [("plans", "nas", "env.PASSWORD"), ("instances", "other", "env.PASSWORD"), ("instances", "nas", "env.TOKEN")]
    {
        let elsewhere = Sealer::new(key('a'), table, row).open(field, &sealed);
        assert!(matches!(elsewhere, Err(SecretsError::Damaged)), "{table} {row} {field}");
    }
}

#[test]
fn another_key_is_told_from_damage() {
    let sealed = sealer(key('a')).seal("x", "text").expect("sealed");
    assert!(matches!(sealer(key('b')).open("x", &sealed), Err(SecretsError::OtherKey { .. })));
    let mut text = sealed.0.clone();
    let last = if text.pop() == Some('0') { '1' } else { '0' };
    text.push(last);
    for text in [text.as_str(), "", "v1", "v2:0:0", &sealed.0[..20], &format!("{}x", sealed.0)] {
        assert!(sealer(key('a')).open("x", &Sealed(text.to_owned())).is_err(), "{text}");
    }
}

#[test]
fn a_key_is_64_digits_and_does_not_print() {
    let text = "0123456789abcdef".repeat(4);
    for good in [text.clone(), text.to_uppercase(), format!(" {text}\n")] {
        assert_eq!(SecretKey::parse(&good).expect("a key").expose(), text);
    }
    for bad in ["", "hunter2", &text[1..], &format!("{text}0"), &text.replace('f', "g")] {
        assert!(SecretKey::parse(bad).is_none(), "{bad}");
    }
    assert!(!format!("{:?}", SecretKey::parse(&text)).contains("0123456789abcdef"));
}

#[test]
fn the_key_file_is_made_once_private_and_never_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("new/secret.key");
    let secrets = Secrets::in_file(path.clone());
    assert!(secrets.find_key().expect("no error").is_none());
    assert!(matches!(secrets.key(), Err(SecretsError::Missing { .. })) && !path.exists(), "reading makes nothing");
    let made = secrets.key_or_new().expect("made");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(Secrets::in_file(path.clone()).key_or_new().expect("read").expose(), made.expose());
    assert_eq!(key_file::make(&path, &key('c')).expect("the first one counts").expose(), made.expose());
    assert_eq!(std::fs::read_dir(directory.path().join("new")).expect("a directory").count(), 1, "no draft is left");
    std::fs::write(&path, "hunter2").expect("written");
    let error = Secrets::in_file(path.clone()).key_or_new().expect_err("no key");
    assert!(matches!(error, SecretsError::Malformed { .. }) && !error.to_string().contains("hunter2"));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "hunter2", "not overwritten");
}

#[test]
fn a_key_in_memory_lasts() {
    let secrets = Secrets::beside(None);
    let made = secrets.key_or_new().expect("made");
    assert_eq!(secrets.key().expect("there").expose(), made.expose());
}
