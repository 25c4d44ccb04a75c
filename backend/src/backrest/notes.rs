//! What there is to say of a plan, collected while it is made.

use super::plan::{Note, NoteLevel};

/// Notes in the order in which they came up.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Note>);

impl Notes {
    /// Something is done otherwise than the label says, or is doubtful.
    pub(super) fn warn(&mut self, label: impl Into<Option<&'static str>>, message: impl Into<String>) {
        self.add(NoteLevel::Warning, label.into().map(str::to_owned), message.into());
    }

    /// How the label was understood.
    pub(super) fn info(&mut self, label: impl Into<Option<&'static str>>, message: impl Into<String>) {
        self.add(NoteLevel::Info, label.into().map(str::to_owned), message.into());
    }

    /// One about a label that is not ours to name. The same note is kept once: replicas say the same.
    pub(super) fn add(&mut self, level: NoteLevel, label: Option<String>, message: String) {
        let note = Note { level, label, message };
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Note> {
        self.0
    }
}
