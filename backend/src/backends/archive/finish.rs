//! The end of a pass: a base for a later one, or an archive.
//!
//! Nothing of any target is read here, clones apart: the stack runs again by now.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::assemble::Assembly;
use super::base::{Base, Groups, Lookup, SourceFile};
use super::error::ArchiveError;
use super::manifest::FILE_NAME;
use super::node::{Node, join};
use super::partial_file::PartialFile;
use super::press::{Press, Setup};
use super::record::{Body, Group, NO_KEY, Piece};
use super::report::Finished;
use super::spool::Spool;
use super::table::TableWriter;
use super::writer::ArchiveWriter;

impl ArchiveWriter {
    /// Ends a pass over a running stack: what it made can be used by the next one. Its file has no name any more and
    /// goes with the base.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing is left then.
    pub fn into_base(mut self) -> Result<Base, ArchiveError> {
        self.meter.check()?;
        self.end_group(NO_KEY, 0)?;
        // The name goes with the writer.
        let made = self.make_base();
        self.written(made)
    }

    fn make_base(&mut self) -> io::Result<Base> {
        let pieces = self.press.table()?;
        let (groups, bodies) = (self.groups.read()?, self.bodies.read()?);
        Ok(Base {
            sources: self.take_sources()?,
            by_content: Lookup::new(&pieces, |piece: &Piece| piece.hash)?,
            pieces,
            groups: Some(Groups {
                by_key: Lookup::new(&groups, |group: &Group| group.key)?,
                table: groups,
                lines: self.catalogue.lines()?,
            }),
            by_body: Lookup::new(&bodies, |body: &Body| body.key)?,
            bodies,
            moment: self.options.trusted_before.as_ref().map(|trust| trust.moment.clone()),
        })
    }

    /// The pass's own file, and those of its bases.
    fn take_sources(&mut self) -> io::Result<Vec<Arc<SourceFile>>> {
        let (path, codec) = (self.file.path.clone(), self.options.pass_codec());
        let own = SourceFile { file: self.data.try_clone()?, path, codec, index: None };
        Ok([Arc::new(own)].into_iter().chain(self.sources.drain(..)).collect())
    }

    /// Puts the archive together at `to`, a partial name that must not exist unless it is the pass's own, with manifest
    /// and trailer, and syncs it. The fields of `about` come first in the manifest. An index is put beside it.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] when the file cannot be completed, [`ArchiveError::DamagedBase`] when what was to be
    /// copied is broken; nothing is left then.
    pub fn finish(mut self, about: Map<String, Value>, to: &Path) -> Result<Finished, ArchiveError> {
        self.meter.check()?;
        self.end_group(NO_KEY, 0)?;
        self.catalogue.end();
        let meter = Arc::clone(&self.meter);
        self.assemble(about, to).or_else(|source| {
            // Told to stop, the assembly ends with an error that says nothing.
            meter.check()?;
            Err(ArchiveError::writing(to, source))
        })
    }

    /// If all of the archive is in the pass's file already, in order, that file is completed; else a new one is made.
    fn assemble(mut self, about: Map<String, Value>, to: &Path) -> io::Result<Finished> {
        let is_draft = self.options.pass_codec() != self.options.codec;
        let is_in_place = self.reuse.is_empty() && !is_draft && self.clones.deferred.is_empty();
        let pieces = self.press.table()?;
        if !is_in_place {
            self.begin_anew(to)?;
        }
        let lines = self.catalogue.lines()?;
        let (groups, bodies) = (self.groups.read()?, self.bodies.read()?);
        let mut assembly = Assembly {
            press: self.press,
            pieces,
            is_in_place,
            catalogue: self.catalogue,
            entries: Spool::beside(to)?,
            bodies: TableWriter::beside(to)?,
            at: 0,
            meter: self.meter,
        };
        let mut clones = self.clones.deferred.into_iter();
        let mut bodies = bodies.iter().peekable();
        for group in groups.iter() {
            assembly.put_group(&group?, &lines, &mut bodies, &mut clones)?;
        }
        let node = |len| Node::generated(join(self.top_dir.as_bytes(), FILE_NAME.as_bytes()), len, self.generated_at);
        let targets = assembly.catalogue.places();
        let stored = assembly.complete(about, node, to)?;
        if is_in_place && self.file.path != to {
            fs::rename(&self.file.path, to)?;
        }
        self.file.is_wanted = true;
        let moment = self.options.trusted_before.as_ref().map(|trust| &trust.moment);
        Ok(stored.with_index(self.options.codec, moment, targets, self.notes))
    }

    /// Another file takes the place of the pass's, which lives on without a name.
    fn begin_anew(&mut self, to: &Path) -> io::Result<()> {
        let sources = self.take_sources()?;
        fs::remove_file(&self.file.path)?;
        self.file.is_wanted = true;
        let (file, partial) = PartialFile::create(to)?;
        self.file = partial;
        let setup = Setup {
            file,
            path: to,
            codec: self.options.codec,
            workers: self.options.workers,
            reuse: Arc::default(),
            sources,
            is_archive: true,
            background: self.options.background,
        };
        *self.press = Press::start(setup)?;
        Ok(())
    }
}
