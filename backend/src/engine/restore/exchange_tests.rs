use std::fs;

use super::*;
use crate::domain::job::TargetKind;
use crate::domain::restore::TargetName;

/// A place and a scratch directory, each with a directory whose one file says which it is.
struct Yard {
    _directory: tempfile::TempDir,
    exchange: Exchange,
}

impl Yard {
    fn new(has_old: bool, has_new: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let base = directory.path().canonicalize().expect("a path");
        let (root, scratch) = (base.join("data"), base.join(".mainstay-restore-x"));
        fs::create_dir(&scratch).expect("made");
        for (is_there, at, word) in [(has_old, root.clone(), "old"), (has_new, scratch.join("1"), "new")] {
            if is_there {
                fs::create_dir(&at).expect("made");
                fs::write(at.join("word"), word).expect("written");
            }
        }
        let inode = |path: &Path| inode_of(path).expect("looked at");
        let exchange = Exchange {
            target: TargetName { kind: TargetKind::Volume, name: "v".into() },
            new: inode(&scratch.join("1")),
            old: inode(&root),
            root,
            at: PathBuf::new(),
            scratch,
            aside: "1".into(),
        };
        Self { _directory: directory, exchange }
    }

    fn word(path: &Path) -> String {
        fs::read_to_string(path.join("word")).unwrap_or_else(|_| "nothing".to_owned())
    }

    /// What is in the place, and what is aside.
    fn words(&self) -> (String, String) {
        assert!(!self.exchange.scratch.join(MIDDLE).exists(), "nothing is on its way");
        (Self::word(&self.exchange.place()), Self::word(&self.exchange.other_place()))
    }
}

fn words(place: &str, aside: &str) -> (String, String) {
    (place.to_owned(), aside.to_owned())
}

#[test]
fn both_sides_can_be_brought_again_and_again_by_either_means() {
    for may_swap in [true, false] {
        for (has_old, has_new) in [(true, true), (false, true), (true, false)] {
            let yard = Yard::new(has_old, has_new);
            let word = |is_there: bool, word: &str| if is_there { word.to_owned() } else { "nothing".to_owned() };
            let (old, new) = (word(has_old, "old"), word(has_new, "new"));
            for side in [Side::New, Side::New, Side::Old, Side::Old, Side::New] {
                bring_by(&yard.exchange, side, may_swap).expect("brought");
                let expected = if side == Side::New { (new.clone(), old.clone()) } else { (old.clone(), new.clone()) };
                assert_eq!(yard.words(), expected, "{has_old} {has_new} {side}");
                assert!(is_at(&yard.exchange, side).expect("looked at"));
                assert!(!is_at(&yard.exchange, side.other()).expect("looked at"));
            }
            sync(std::slice::from_ref(&yard.exchange)).expect("synced");
        }
    }
}

/// A kill between two renames.
#[test]
fn every_state_in_between_leads_to_either_side() {
    for steps in 0..=3 {
        for towards in [Side::Old, Side::New] {
            for side in [Side::Old, Side::New] {
                let yard = Yard::new(true, true);
                bring(&yard.exchange, towards.other()).expect("begun");
                let ends = Ends::open(&yard.exchange).expect("opened");
                let (wanted, other) = (yard.exchange.inode_of(towards), yard.exchange.inode_of(towards.other()));
                for _ in 0..steps {
                    let found = ends.look(wanted, other).expect("looked at");
                    let next = next_move(found, wanted, other, false).expect("a way");
                    ends.make(next.expect("three renames")).expect("renamed");
                }
                if (1..3).contains(&steps) {
                    let is_decided = is_at(&yard.exchange, towards).expect("looked at");
                    assert_eq!(is_decided, steps == 2, "after {steps} of three renames");
                }
                bring(&yard.exchange, side).expect("brought");
                let expected = if side == Side::New { words("new", "old") } else { words("old", "new") };
                assert_eq!(yard.words(), expected, "{steps} renames towards {towards}, then {side}");
            }
        }
    }
}

#[test]
fn what_somebody_else_put_there_is_never_touched() {
    let yard = Yard::new(true, true);
    fs::rename(yard.exchange.place(), yard.exchange.place().with_extension("away")).expect("moved");
    fs::create_dir(yard.exchange.place()).expect("made");
    for side in [Side::New, Side::Old] {
        let error = bring(&yard.exchange, side).expect_err("refused");
        assert!(matches!(error, ExchangeError::Strange(_)), "{error}");
    }
    assert!(yard.exchange.place().read_dir().expect("a directory").next().is_none());
    fs::remove_dir(yard.exchange.place()).expect("removed");
    assert!(matches!(bring(&yard.exchange, Side::Old), Err(ExchangeError::Lost(_))));
}

#[test]
fn no_link_is_followed() {
    let yard = Yard::new(true, true);
    let outside = tempfile::tempdir().expect("a directory");
    fs::create_dir(outside.path().join("inner")).expect("made");
    std::os::unix::fs::symlink(outside.path(), yard.exchange.root.join("link")).expect("linked");
    let astray = Exchange { at: "link/inner".into(), new: None, old: Some(1), ..yard.exchange.clone() };
    assert!(bring(&astray, Side::New).is_err());
    assert!(outside.path().join("inner").exists());
}
