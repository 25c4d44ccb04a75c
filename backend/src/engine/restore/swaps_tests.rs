use crate::domain::job::TargetKind;

use super::*;

struct Yard(tempfile::TempDir);

impl Yard {
    fn new(files: &[&str]) -> Self {
        let yard = Self(tempfile::tempdir().expect("a directory"));
        for file in files {
            let path = yard.path(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, file).expect("written");
        }
        yard
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().canonicalize().expect("a path").join(below)
    }

    fn placement(&self, root: &str, scratch: &str, how: How) -> Placement {
        let target = TargetName { kind: TargetKind::Volume, name: root.into() };
        Placement { target, root: self.path(root), scratch: self.path(scratch), new: "1".into(), how }
    }

    /// Which of these files say by their content that they come from there.
    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|_| "nothing".to_owned())
    }
}

#[test]
fn a_place_that_cannot_move_gets_its_children_exchanged() {
    let yard = Yard::new(&["v/a", "v/gone", "v/.mainstay-restore-x/1/a", "v/.mainstay-restore-x/1/fresh"]);
    fs::set_permissions(yard.path("v/.mainstay-restore-x/1"), fs::Permissions::from_mode(0o750)).expect("set");
    let before = fs::metadata(yard.path("v")).expect("there").mode() & 0o7777;
    let swaps = plan(&[yard.placement("v", "v/.mainstay-restore-x", How::Children)]).expect("a plan");
    assert_eq!(swaps.exchanges.len(), 3);
    bring_all(&swaps, Side::New).expect("brought");
    assert_eq!(yard.read("v/a"), "v/.mainstay-restore-x/1/a");
    assert_eq!(
        (yard.read("v/fresh").as_str(), yard.read("v/gone").as_str()),
        ("v/.mainstay-restore-x/1/fresh", "nothing")
    );
    assert_eq!(fs::metadata(yard.path("v")).expect("there").mode() & 0o7777, 0o750);
    assert_eq!(settle(&swaps).expect("settled"), Side::New);
    bring_all(&swaps, Side::Old).expect("brought back");
    assert_eq!((yard.read("v/a").as_str(), yard.read("v/gone").as_str()), ("v/a", "v/gone"));
    assert_eq!(yard.read("v/fresh"), "nothing");
    assert_eq!(fs::metadata(yard.path("v")).expect("there").mode() & 0o7777, before);
}

#[test]
fn chosen_paths_change_and_nothing_else() {
    let yard = Yard::new(&["v/keep/a", "v/keep/b", "s/1/keep/a", "s/1/new/deep/c", "s/1/new/deep/d"]);
    let paths = ["keep/a", "new/deep/c", "new/deep/d"].map(PathBuf::from).to_vec();
    let swaps = plan(&[yard.placement("v", "s", How::Paths(paths))]).expect("a plan");
    let places: Vec<PathBuf> = swaps.exchanges.iter().map(|exchange| exchange.at.clone()).collect();
    assert_eq!(places, [PathBuf::from("keep/a"), "new".into()]);
    bring_all(&swaps, Side::New).expect("brought");
    assert_eq!((yard.read("v/keep/a").as_str(), yard.read("v/keep/b").as_str()), ("s/1/keep/a", "v/keep/b"));
    assert_eq!((yard.read("v/new/deep/d").as_str(), yard.read("s/1/keep/a").as_str()), ("s/1/new/deep/d", "v/keep/a"));
    bring_all(&swaps, Side::Old).expect("brought back");
    assert_eq!((yard.read("v/keep/a").as_str(), yard.read("v/new/deep/d").as_str()), ("v/keep/a", "nothing"));
}

#[test]
fn a_path_through_a_link_or_out_of_nowhere_is_refused() {
    let yard = Yard::new(&["v/x", "s/1/link/a", "outside/a"]);
    std::os::unix::fs::symlink(yard.path("outside"), yard.path("v/link")).expect("linked");
    let planned = |path: &str| plan(&[yard.placement("v", "s", How::Paths(vec![path.into()]))]);
    assert!(matches!(planned("link/a"), Err(PlanError::Link(_))));
    assert!(matches!(planned("nothere"), Err(PlanError::Missing(_))));
    let nothing = Placement { new: "2".into(), ..yard.placement("v", "s", How::Whole) };
    assert!(matches!(plan(&[nothing]), Err(PlanError::Missing(_))), "nothing takes the place of something");
}

#[test]
fn half_of_it_is_taken_back_and_all_of_it_stays() {
    for made in 0..=2 {
        let yard = Yard::new(&["a/x", "b/x", "s/a/1/x", "s/b/1/x"]);
        let placements = [yard.placement("a", "s/a", How::Whole), yard.placement("b", "s/b", How::Whole)];
        let swaps = plan(&placements).expect("a plan");
        for exchange in &swaps.exchanges[..made] {
            bring(exchange, Side::New).expect("brought");
        }
        let expected = if made == 2 { Side::New } else { Side::Old };
        assert_eq!(settle(&swaps).expect("settled"), expected, "{made} of two");
        let words = if made == 2 { ("s/a/1/x", "s/b/1/x") } else { ("a/x", "b/x") };
        assert_eq!((yard.read("a/x").as_str(), yard.read("b/x").as_str()), words);
    }
    assert_eq!(settle(&Swaps::default()).expect("settled"), Side::Old, "nothing was to change");
}
