//! What tells a file system apart from every other one, also after a restart.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use rustix::fs::fstatvfs;

use super::walk::Handle;

/// The ids of the file systems that were met, by `st_dev`.
#[derive(Debug, Default)]
pub(super) struct FileSystems(HashMap<u64, Option<u64>>);

impl FileSystems {
    /// The id of the file system `dev`, on which the file of `handle` lies: `f_fsid`, since `st_dev` is given out anew
    /// at every mount. `None` if it has none or cannot be asked.
    pub(super) fn id(&mut self, dev: u64, handle: &Handle) -> Option<u64> {
        *self.0.entry(dev).or_insert_with(|| handle.path_only().and_then(|file| id_of(&file)).ok().flatten())
    }
}

fn id_of(file: &File) -> io::Result<Option<u64>> {
    let id = fstatvfs(file)?.f_fsid;
    Ok((id != 0).then_some(id))
}
