//! What is stored.

use std::path::Path;
use std::{fs, io};

use super::measure::corpus::Corpus;

/// Bytes of a file of [`Corpus::Text`], in the mean.
const SMALL: usize = 6500;

/// A tree of so many bytes, most of its files small.
pub(crate) struct Tree {
    pub(crate) name: &'static str,
    text_bytes: usize,
    mixed_bytes: usize,
}

impl Tree {
    /// Many small files, and most of the bytes in some large ones.
    pub(crate) fn usual(bytes: usize, files: usize) -> Self {
        let text_bytes = (files * SMALL).min(bytes / 2);
        Self { name: "usual", text_bytes, mixed_bytes: bytes - text_bytes }
    }

    /// Small files alone.
    pub(crate) fn small_files(files: usize) -> Self {
        Self { name: "small-files", text_bytes: files * SMALL, mixed_bytes: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes + self.mixed_bytes
    }

    pub(crate) fn write(&self, root: &Path) -> io::Result<()> {
        fs::create_dir_all(root)?;
        Corpus::Text.write(&root.join("text"), self.text_bytes)?;
        Corpus::Mixed.write(&root.join("mixed"), self.mixed_bytes)
    }
}
