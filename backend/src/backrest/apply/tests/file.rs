//! The file alone.

use super::*;
use crate::backrest::apply::place::Place;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[tokio::test]
async fn the_new_file_is_whose_the_old_one_was_and_the_old_one_stays_beside_it() {
    let scene = Scene::new();
    let before = scene.text();
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o640)).expect("a mode");
    std::os::unix::fs::chown(scene.path(), Some(1234), Some(4321)).expect("an owner; the tests run as root");
    let applied = scene.apply(After::Nothing).await.expect("applied");
    assert_eq!(applied.outcome, Outcome::Written);
    assert_eq!(scene.plans(), ["s_web", "theirs"]);
    assert!(scene.text().contains("\"n\": 1.50"), "{}", scene.text());
    let copy = scene.beside("config.json.mainstay-before");
    assert_eq!(fs::read_to_string(&copy).expect("the copy"), before);
    for path in [scene.path(), copy] {
        let about = fs::metadata(&path).expect("a file");
        assert_eq!((about.uid(), about.gid(), mode(&path)), (1234, 4321, 0o640), "{}", path.display());
    }
    assert_eq!(scene.names(), ["config.json", "config.json.mainstay-before"]);
}

#[tokio::test]
async fn without_a_difference_nothing_is_touched() {
    let scene = Scene::new();
    scene.apply(After::Nothing).await.expect("applied");
    let before = fs::metadata(scene.path()).expect("a file").ino();
    fs::remove_file(scene.beside(".config.json.mainstay-lock")).expect("the lock");
    let again = scene.apply_with_stop().await.expect("applied");
    assert_eq!(again.outcome, Outcome::Unchanged);
    assert_eq!(fs::metadata(scene.path()).expect("a file").ino(), before);
    assert!(!scene.beside(".config.json.mainstay-lock").exists(), "a look writes nothing");
    assert!(scene.engine.changes().is_empty());
}

#[tokio::test]
async fn a_file_that_is_new_is_for_its_owner_alone() {
    let scene = Scene::new();
    fs::remove_file(scene.path()).expect("removed");
    let missing = scene.apply(After::Nothing).await;
    assert!(matches!(missing, Err(ApplyError::Missing(_))), "{missing:?}");
    let text = format!("{{{TOP}, \"plans\": []}}");
    let start = Document::parse(text.as_bytes(), None).expect("a configuration");
    let path = scene.path();
    let apply = FileApply {
        path: &path,
        format: None,
        if_missing: Some(&start),
        after: After::Nothing,
        patience: Duration::ZERO,
        clock: &scene.clock,
    };
    by_file(&apply, &wants(&["s_web"])).await.expect("applied");
    assert_eq!((scene.plans(), mode(&path)), (vec!["s_web".to_owned()], 0o600));
}

#[tokio::test]
async fn what_is_no_configuration_is_never_overwritten() {
    let scene = Scene::new();
    for text in ["", "{\"version\": 6, ", "{\"plans\": [], \"plans\": []}", "{}"] {
        scene.save(text);
        let refused = scene.apply_with_stop().await;
        assert!(matches!(refused, Err(ApplyError::Document(_))), "{text}: {refused:?}");
        assert_eq!(scene.text(), text);
    }
    assert!(scene.engine.changes().is_empty());
}

#[tokio::test]
async fn what_backrest_would_refuse_is_not_written_and_costs_no_stop() {
    let scene = Scene::new();
    let before = scene.text();
    let plan = wanted("s_web", "gone");
    let join = move |document: &Document| merge(document, std::slice::from_ref(&plan), &BTreeSet::new(), Orphans::Keep);
    let path = scene.path();
    let apply = FileApply {
        path: &path,
        format: Some(Format::Native),
        if_missing: None,
        after: After::Container(scene.container()),
        patience: Duration::ZERO,
        clock: &scene.clock,
    };
    let error = by_file(&apply, &join).await.expect_err("refused");
    assert!(
        error.to_string().contains("plans[0] 's_web': the repository 'gone' is not in the configuration"),
        "{error}"
    );
    assert_eq!(scene.text(), before);
    assert!(scene.engine.changes().is_empty());
}

#[test]
fn a_file_that_another_one_saved_meanwhile_is_not_overwritten() {
    let scene = Scene::new();
    let place = Place::find(&scene.path()).expect("a place");
    let before = place.read().expect("read");
    let staged = place.stage(b"{}", before.as_ref()).expect("staged");
    scene.save(&foreign("newer"));
    let refused = place.publish(staged, before.as_ref());
    assert!(matches!(refused, Err(FileError::Changed(_))), "{refused:?}");
    assert_eq!(scene.plans(), ["newer"]);
    assert_eq!(scene.names(), ["config.json"], "nothing is left beside it");
}

#[test]
fn only_one_process_changes_a_file_at_a_time() {
    let scene = Scene::new();
    let place = Place::find(&scene.path()).expect("a place");
    let held = place.lock(Duration::ZERO).expect("the lock");
    let refused = place.lock(Duration::from_millis(150));
    assert!(matches!(refused, Err(FileError::Locked(_))), "{refused:?}");
    drop(held);
    place.lock(Duration::ZERO).expect("the lock is free again");
}

#[tokio::test]
async fn a_link_stays_one() {
    let scene = Scene::new();
    let real = scene.beside("real.json");
    fs::rename(scene.path(), &real).expect("moved");
    std::os::unix::fs::symlink("real.json", scene.path()).expect("a link");
    scene.apply(After::Nothing).await.expect("applied");
    assert!(fs::symlink_metadata(scene.path()).expect("the link").is_symlink());
    assert!(fs::read_to_string(real).expect("the file").contains("s_web"));
}

#[tokio::test]
async fn what_a_killed_run_left_beside_the_file_is_in_nobodys_way() {
    let scene = Scene::new();
    fs::write(scene.beside(".config.json.mainstay-new"), "half").expect("written");
    scene.apply(After::Nothing).await.expect("applied");
    assert_eq!(scene.names(), ["config.json", "config.json.mainstay-before"]);
}

#[tokio::test]
async fn a_directory_in_the_place_of_the_file_is_told() {
    let scene = Scene::new();
    fs::remove_file(scene.path()).expect("removed");
    fs::create_dir(scene.path()).expect("a directory");
    let refused = scene.apply(After::Nothing).await;
    assert!(matches!(refused, Err(ApplyError::File(FileError::NotAFile(_)))), "{refused:?}");
    let nowhere = read_file(&scene.beside("no/such/config.json"), None).await;
    assert!(matches!(nowhere, Err(ApplyError::File(FileError::NoPlace(_)))), "{nowhere:?}");
}

#[tokio::test]
async fn a_command_makes_the_file_known_and_its_failure_is_told() {
    let scene = Scene::new();
    let told = scene.beside("told");
    let command = format!("cp {} {}", scene.path().display(), told.display());
    let applied = scene.apply(After::Command(&command)).await.expect("applied");
    assert_eq!(applied.outcome, Outcome::Reloaded);
    assert_eq!(fs::read_to_string(told).expect("the command ran"), scene.text(), "after the file was written");
    scene.save(&foreign("theirs"));
    let failed = scene.apply(After::Command("echo no such service >&2; exit 3")).await;
    let Err(ApplyError::Reload(error)) = failed else { panic!("{failed:?}") };
    assert!(error.to_string().contains("no such service"), "{error}");
    assert_eq!(scene.plans(), ["s_web", "theirs"], "the file stays written");
}
