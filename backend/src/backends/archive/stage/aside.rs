//! A copy of the running source, of which the copy at rest takes over what cannot have changed since.
//!
//! What may be taken over is decided by [`Trust`](super::super::trust): a file whose stamps prove that it is what was
//! read. It is moved, not copied, so that it costs the same however large it is.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use rustix::fs::{AtFlags, RenameFlags, renameat_with, unlinkat};

use super::super::at::parent_of;
use super::super::stat::Stat;
use super::super::trust::{Moment, Trust};
use super::Stage;

/// What was copied while the writers ran.
#[derive(Debug)]
pub struct Aside {
    parent: File,
    name: Vec<u8>,
    trust: Trust,
    /// What each file that can be relied on looked like, by its path below the source.
    files: HashMap<Vec<u8>, Stat>,
}

/// What a copy of the running source notes.
#[derive(Debug)]
pub(super) struct Notes {
    trust: Trust,
    files: HashMap<Vec<u8>, Stat>,
}

impl Stage<'_> {
    /// Has it note what can be relied on later. `trust` was taken before, and covers the source.
    #[must_use]
    pub fn noting(mut self, trust: Trust) -> Self {
        self.notes = Some(Notes { trust, files: HashMap::new() });
        self
    }

    /// Has it take over from a copy made while the writers ran, unless the clock was set since.
    #[must_use]
    pub fn taking_from(mut self, aside: Aside) -> Self {
        self.aside = Moment::now().find_step(&aside.trust.moment).is_none().then_some(aside);
        self
    }

    /// Ends a copy that notes what can be relied on. What is not whole in it is simply copied again later.
    #[must_use]
    pub fn put_aside(self) -> Option<Aside> {
        let Notes { trust, files } = self.notes?;
        Some(Aside { parent: self.parent, name: self.name, trust, files })
    }

    /// Notes a file that was copied whole, and that looked like `before` when it was opened.
    pub(super) fn note(&mut self, path: &[u8], before: &Stat, after: &Stat) {
        if let Some(notes) = &mut self.notes
            && before == after
            && notes.trust.covers(before)
        {
            notes.files.insert(path.to_vec(), *before);
        }
    }

    /// Moves the earlier copy of a file into its place, if it is certain to be what the file is now. One that is not is
    /// removed, so that a file never takes its space twice.
    pub(super) fn take_over(&mut self, path: &[u8], place: &[u8], stat: &Stat) -> bool {
        let Some(aside) = &mut self.aside else { return false };
        let is_same = aside.files.remove(path).is_some_and(|before| before == *stat);
        let moved = aside.move_or_remove(path, is_same, || parent_of(&self.parent, place)).is_ok();
        let is_taken = is_same && moved;
        if is_taken {
            self.staged.entries += 1;
            self.staged.bytes_taken_over += stat.size;
        }
        is_taken
    }
}

impl Aside {
    fn move_or_remove(
        &self,
        path: &[u8],
        is_same: bool,
        target: impl FnOnce() -> io::Result<(File, std::ffi::CString)>,
    ) -> io::Result<()> {
        let (from, old) = parent_of(&self.parent, &super::super::node::join(&self.name, path))?;
        if is_same {
            let (to, new) = target()?;
            renameat_with(&from, &old, &to, &new, RenameFlags::NOREPLACE)?;
        } else {
            unlinkat(&from, &old, AtFlags::empty())?;
        }
        Ok(())
    }
}
