//! What a plan stored comes out as it was: by the archive and by a true restic.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::backends::archive::tests::odd_tree::{Seen, look, make_odd_tree};
use crate::domain::entry::EntryPath;
use crate::domain::job::{JobState, TargetKind};
use crate::domain::plan::{BackendKind, Target, What};
use crate::domain::snapshot::Snapshot;
use crate::engine::unpack::{Place, UnpackError, Unpacked, contents_of, unpack};

use super::world::{World, target, volume};

impl World {
    async fn store_once(&self) -> Snapshot {
        let job = self.run().await;
        assert_eq!(job.state, JobState::Succeeded, "{:?} {:?}", job.error, job.targets);
        let id = job.snapshot_id.expect("a snapshot");
        self.store.find_snapshot(&id).await.expect("read").expect("the snapshot")
    }

    async fn unpack(&self, snapshot: &Snapshot, places: &[Place]) -> Result<Vec<Unpacked>, UnpackError> {
        unpack(&self.engine, &self.engine.unheard_work(), snapshot, places).await
    }

    fn place(&self, kind: TargetKind, name: &str, paths: &[&str], to: &str) -> Place {
        let to = self.path("out").join(to);
        fs::create_dir_all(to.parent().expect("a parent")).expect("made");
        let paths = paths.iter().map(|path| EntryPath::new(path.as_bytes()).expect("a path")).collect();
        Place { kind, name: name.to_owned(), paths, to }
    }

    fn names_out(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("out")).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn file_target(path: &Path) -> Target {
    target(What::Path(path.to_owned()))
}

fn kept_by_restic(tree: BTreeMap<Vec<u8>, Seen>) -> BTreeMap<Vec<u8>, Seen> {
    tree.into_iter().map(|(path, seen)| (path, seen.kept_by_restic())).collect()
}

#[tokio::test]
async fn the_odd_tree_comes_back_from_an_archive_and_from_restic() {
    for kind in [BackendKind::Archive, BackendKind::Restic] {
        let world = World::storing(kind, vec![volume("data")]).await;
        make_odd_tree(&world.path("data"));
        let snapshot = world.store_once().await;
        let contents = contents_of(&world.engine, &world.engine.unheard_work(), &snapshot).await.expect("contents");
        assert_eq!(contents.notes, Vec::<String>::new());
        let told = contents.find(TargetKind::Volume, "data").expect("the volume");
        assert_eq!(told.host_path, Some(world.path("data")), "{kind}");
        assert_eq!(told.volume.as_ref().map(|volume| volume.driver.as_str()), Some("local"));
        let place = world.place(TargetKind::Volume, "data", &[], "data");
        let unpacked = world.unpack(&snapshot, &[place]).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let (mut source, mut copy) = (look(&world.path("data")), look(&world.path("out/data")));
        if kind == BackendKind::Restic {
            (source, copy) = (kept_by_restic(source), kept_by_restic(copy));
        }
        assert_eq!(unpacked[0].entries, source.len() as u64, "{kind}");
        assert_eq!(source.keys().collect::<Vec<_>>(), copy.keys().collect::<Vec<_>>());
        for (path, seen) in &source {
            assert!(
                copy.get(path) == Some(seen),
                "{kind}: {}: {seen:?} became {:?}",
                String::from_utf8_lossy(path),
                copy.get(path)
            );
        }
        assert_eq!(world.names_out(), ["data"], "{kind}");
    }
}

#[tokio::test]
async fn parts_and_files_come_to_their_places() {
    for kind in [BackendKind::Archive, BackendKind::Restic] {
        let directory = tempfile::tempdir().expect("a directory");
        let single = directory.path().join("single.conf");
        fs::write(&single, "single").expect("written");
        let world = World::storing(kind, vec![volume("data"), file_target(&single)]).await;
        let data = world.path("data");
        fs::create_dir_all(data.join("a/b")).expect("made");
        for name in ["a/b/deep", "a/beside", "top"] {
            fs::write(data.join(name), name).expect("written");
        }
        fs::set_permissions(data.join("a"), fs::Permissions::from_mode(0o2710)).expect("set");
        std::os::unix::fs::lchown(data.join("a"), Some(33), Some(44)).expect("an owner");
        fs::set_permissions(&data, fs::Permissions::from_mode(0o1751)).expect("set");
        let snapshot = world.store_once().await;
        let places = [
            world.place(TargetKind::Volume, "data", &["a/b"], "data"),
            world.place(TargetKind::Path, single.to_str().expect("UTF-8"), &[], "elsewhere/single"),
        ];
        let unpacked = world.unpack(&snapshot, &places).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!((unpacked[0].bytes, unpacked[1].bytes, unpacked[1].entries), (8, 6, 1), "{kind}");
        let names: Vec<String> =
            look(&places[0].to).keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        assert_eq!(names, ["", "a", "a/b", "a/b/deep"], "{kind}");
        for name in ["", "a", "a/b"] {
            let (was, is) = (fs::metadata(data.join(name)), fs::metadata(places[0].to.join(name)));
            let (was, is) = (was.expect("there"), is.expect("there"));
            let of = |seen: &fs::Metadata| (seen.mode(), seen.uid(), seen.gid(), seen.mtime(), seen.mtime_nsec());
            assert_eq!(of(&is), of(&was), "{kind}: {name}");
        }
        assert_eq!(fs::read_to_string(&places[1].to).expect("a file"), "single");
        assert_eq!(world.names_out(), ["data", "elsewhere"], "{kind}");
    }
}

#[tokio::test]
async fn what_cannot_come_is_told_and_nothing_stays() {
    for kind in [BackendKind::Archive, BackendKind::Restic] {
        let world = World::storing(kind, vec![volume("data")]).await;
        let snapshot = world.store_once().await;
        let place = |name: &str, paths: &[&str]| world.place(TargetKind::Volume, name, paths, "data");
        let refused = |places: Vec<Place>| {
            let (world, snapshot) = (&world, snapshot.clone());
            async move { world.unpack(&snapshot, &places).await.expect_err("nothing") }
        };
        let error = refused(vec![place("nobody", &[])]).await;
        assert!(matches!(error, UnpackError::UnknownTarget { .. }), "{kind}: {error}");
        let error = refused(vec![place("data", &["never/was"])]).await;
        assert!(error.to_string().contains("never/was"), "{kind}: {error}");
        fs::write(world.path("out/data"), "precious").expect("written");
        let error = refused(vec![place("data", &[])]).await;
        assert!(matches!(error, UnpackError::Taken(_)), "{kind}: {error}");
        assert_eq!(fs::read_to_string(world.path("out/data")).expect("there"), "precious");
        assert_eq!(world.names_out(), ["data"]);

        let gone = Snapshot { reference: format!("{}0", snapshot.reference), ..snapshot.clone() };
        let error = world.unpack(&gone, &[place("data", &[])]).await.expect_err("gone");
        assert!(matches!(error, UnpackError::Gone(_)), "{kind}: {error}");
        let removed = Snapshot { removed_at: Some(snapshot.created_at), ..snapshot.clone() };
        assert!(matches!(world.unpack(&removed, &[]).await, Err(UnpackError::Removed(_))));
        let cancelled = world.engine.unheard_work();
        cancelled.cancel.cancel();
        fs::remove_file(world.path("out/data")).expect("removed");
        let error = unpack(&world.engine, &cancelled, &snapshot, &[place("data", &[])]).await.expect_err("cancelled");
        assert!(matches!(error, UnpackError::Cancelled), "{kind}: {error}");
        assert_eq!(world.names_out(), Vec::<String>::new(), "{kind}");
    }
}
