//! What a run stores: each thing with where it lies, how it is reached, and who writes to it.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::discovery::targets::ReachedVia;
use crate::domain::job::TargetKind;
use crate::domain::names::StackName;

use super::scene::Mounted;

/// One thing that is stored. A target of a plan is one piece, or several when it is a stack.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) kind: TargetKind,
    pub(super) name: String,
    /// Which of the run's targets it belongs to.
    pub(super) target: usize,
    /// How its parts are reached.
    pub(super) parts: Vec<Part>,
    /// Its place below a staging directory.
    pub(super) place: PathBuf,
    /// What containers may mount of it.
    pub(super) mounted: Option<Mounted>,
    /// Who is brought to rest while it is captured.
    pub(super) rest: Rest,
}

/// A file or directory of a piece.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Where it lies below the piece; empty for all of it.
    pub(super) at: PathBuf,
    pub(super) way: Way,
}

/// How a part is reached.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// It is read here. Its path must stay below `root`.
    Here {
        /// The piece's own directory.
        root: PathBuf,
        /// The part.
        path: PathBuf,
    },
    /// It is streamed out of a container.
    Through(ReachedVia),
}

/// Who is brought to rest for a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nobody.
    Nobody,
    /// The containers that may write to it. `is_wished` says that the target itself asks for it.
    Writers {
        /// Whether the target itself asks for it.
        is_wished: bool,
    },
    /// All of a stack.
    Stack(StackName),
}

impl Piece {
    pub(super) fn key(&self) -> (TargetKind, &str) {
        (self.kind, &self.name)
    }

    /// Whether all of it can be read here.
    pub(super) fn is_here(&self) -> bool {
        self.parts.iter().all(|part| matches!(part.way, Way::Here { .. }))
    }

    /// Where it can be read here.
    pub(super) fn local_paths(&self) -> Vec<PathBuf> {
        let path = |part: &Part| match &part.way {
            Way::Here { path, .. } => Some(path.clone()),
            Way::Through(_) => None,
        };
        self.parts.iter().filter_map(path).collect()
    }

    /// Looks once more whether every part lies within the piece: whoever writes to it may have put a link in the way.
    /// Blocks on the file system.
    pub(super) fn check_confined(&self) -> Result<(), String> {
        for part in &self.parts {
            if let Way::Here { root, path } = &part.way
                && root != path
            {
                confine(root, path)?;
            }
        }
        Ok(())
    }
}

/// The real path of `path`, which must lie in `root`. Blocks on the file system.
pub(super) fn confine(root: &Path, path: &Path) -> Result<PathBuf, String> {
    let resolve = |path: &Path| {
        path.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{} is not there", path.display()),
            _ => format!("{} cannot be read: {error}", path.display()),
        })
    };
    let (real_root, real) = (resolve(root)?, resolve(path)?);
    if real.starts_with(&real_root) {
        Ok(real)
    } else {
        Err(format!("{} leads out of {} by a link, and is not captured", path.display(), root.display()))
    }
}

/// A relative path as it is below a piece; `None` for one that climbs. Leading slashes mean the piece itself.
pub(super) fn relative(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_leads_out() {
        for (text, expected) in [
            ("/", Some("")),
            ("", Some("")),
            ("a/b", Some("a/b")),
            ("/a/./b/", Some("a/b")),
            ("../x", None),
            ("a/../b", None),
        ] {
            assert_eq!(relative(Path::new(text)), expected.map(PathBuf::from), "{text}");
        }
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("volume");
        std::fs::create_dir_all(root.join("inside")).expect("made");
        let link = |to: &Path, at: &str| std::os::unix::fs::symlink(to, root.join(at)).expect("linked");
        link(Path::new("/etc"), "away");
        link(Path::new("inside"), "near");
        assert!(confine(&root, &root).is_ok() && confine(&root, &root.join("inside")).is_ok());
        assert_eq!(confine(&root, &root.join("near")), Ok(root.join("inside").canonicalize().expect("a path")));
        for name in ["away", "away/passwd"] {
            let error = confine(&root, &root.join(name)).expect_err("leads out");
            assert!(error.contains("leads out"), "{error}");
        }
        assert!(confine(&root, &root.join("gone")).expect_err("gone").contains("is not there"));
    }
}
