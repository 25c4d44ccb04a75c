//! The copy at rest is the source at rest, however much of it was taken over.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use super::super::options::TreeOptions;
use super::super::trust::{Trust, take_trust};
use super::tests::Place;
use super::*;

/// A stand-in for the margin of [`Trust`], so that files of a test are old enough soon.
const MARGIN: Duration = Duration::from_millis(20);

/// Waits until the stamps of what was written so far are older than the margin.
fn settle() {
    std::thread::sleep(MARGIN + Duration::from_millis(15));
}

fn copy_beforehand(place: &Place, trust: Trust) -> Aside {
    let meter = Meter::new();
    fs::create_dir_all(place.path("beforehand")).expect("made");
    let mut stage = Stage::begin(&place.path("beforehand"), "data", &meter).expect("begun").noting(trust);
    stage.add_tree(&place.path("from"), &TreeOptions::default()).expect("copied");
    stage.put_aside().expect("notes")
}

fn copy_at_rest(place: &Place, aside: Aside) -> Staged {
    let meter = Meter::new();
    let mut stage = Stage::begin(&place.path("to"), "data", &meter).expect("begun").taking_from(aside);
    stage.add_tree(&place.path("from"), &TreeOptions::default()).expect("copied");
    stage.finish().expect("finished")
}

fn trust(place: &Place) -> Trust {
    settle();
    Trust { margin: MARGIN, ..take_trust(&[place.path("from")]) }
}

fn source() -> Place {
    let place = Place::new();
    fs::create_dir_all(place.path("from/sub")).expect("made");
    for name in ["still", "sub/grows", "sub/hidden", "goes"] {
        fs::write(place.path("from").join(name), "first").expect("written");
    }
    fs::hard_link(place.path("from/still"), place.path("from/sub/again")).expect("linked");
    fs::set_permissions(place.path("from/still"), fs::Permissions::from_mode(0o640)).expect("set");
    place
}

#[test]
fn what_did_not_change_is_moved_and_the_rest_is_copied() {
    let place = source();
    let aside = copy_beforehand(&place, trust(&place));
    let copied = fs::metadata(place.path("beforehand/data/still")).expect("there").ino();
    fs::write(place.path("from/sub/grows"), "second and longer").expect("written");
    let hidden = place.path("from/sub/hidden");
    let stamp = fs::metadata(&hidden).expect("there").modified().expect("a time");
    fs::write(&hidden, "again").expect("written");
    fs::File::options().append(true).open(&hidden).expect("open").set_modified(stamp).expect("set");
    fs::remove_file(place.path("from/goes")).expect("removed");
    fs::write(place.path("from/comes"), "new").expect("written");
    let staged = copy_at_rest(&place, aside);
    assert_eq!((staged.gap_count, staged.bytes_taken_over), (0, 5), "{staged:?}");
    let read = |name: &str| fs::read_to_string(place.path("to/data").join(name)).ok();
    assert_eq!(read("still").as_deref(), Some("first"));
    assert_eq!(read("sub/grows").as_deref(), Some("second and longer"));
    assert_eq!(read("sub/hidden").as_deref(), Some("again"), "the same size and time hide nothing");
    assert_eq!((read("comes").as_deref(), read("goes")), (Some("new"), None));
    let still = fs::metadata(place.path("to/data/still")).expect("there");
    assert_eq!((still.ino(), still.mode() & 0o7777), (copied, 0o640), "it was moved");
    assert_eq!(fs::metadata(place.path("to/data/sub/again")).expect("there").ino(), copied, "a second name");
    assert!(!place.path("beforehand/data/sub/grows").exists(), "what is copied again takes its space once");
}

#[test]
fn what_is_younger_than_the_margin_is_copied_again() {
    let place = source();
    let trust = Trust { margin: Duration::from_secs(3600), ..take_trust(&[place.path("from")]) };
    let aside = copy_beforehand(&place, trust);
    let staged = copy_at_rest(&place, aside);
    assert_eq!((staged.gap_count, staged.bytes_taken_over), (0, 0), "{staged:?}");
}

#[test]
fn a_copy_that_was_meddled_with_is_copied_again() {
    let place = source();
    let aside = copy_beforehand(&place, trust(&place));
    fs::remove_dir_all(place.path("beforehand/data")).expect("removed");
    let staged = copy_at_rest(&place, aside);
    assert_eq!((staged.gap_count, staged.bytes_taken_over), (0, 0), "{staged:?}");
    assert_eq!(fs::read_to_string(place.path("to/data/still")).expect("read"), "first");
}
