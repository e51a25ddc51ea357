//! Watches over the names of a take's files, one after the other.

use std::path::PathBuf;

use super::anchor::Anchor;
use super::outlet::Outlet;
use super::take::Take;

/// Looks whether the file that is written has its name, and gives those that are closed one again.
#[derive(Debug, Default)]
pub(super) struct NameWatch {
    /// The file that is written, once it has its name.
    anchor: Option<Anchor>,
    /// The first file that is not whole under a name of its own, and what became of it.
    unnamed: Option<(PathBuf, String)>,
}

impl NameWatch {
    /// Looks at the file that is written; one that is closed by now is done with.
    pub(super) fn look(&mut self, outlet: &Outlet, take: &Take) {
        let Some(path) = take.last_file() else {
            return;
        };
        if let Some(anchor) = self.anchor.as_mut().filter(|anchor| anchor.path() == path) {
            if let Some(note) = anchor.look() {
                take.note(note);
            }
            return;
        }
        self.restore(take);
        let handle = outlet.handle_of(&path);
        self.anchor = handle.map(|handle| Anchor::of(&path, handle));
    }

    /// Done with all files; returns one that is not whole under a name of its own, with the name it had
    /// and what became of it.
    pub(super) fn close(mut self, take: &Take) -> Option<(PathBuf, String)> {
        self.restore(take);
        self.unnamed
    }

    /// Gives a closed file a name again.
    fn restore(&mut self, take: &Take) {
        let Some(anchor) = self.anchor.take() else {
            return;
        };
        let name = anchor.path().to_owned();
        let restored = anchor.restore();
        take.file_is_at(&name, restored.path);
        match restored.told {
            Ok(note) => note.into_iter().for_each(|note| take.note(note)),
            Err(what) => {
                self.unnamed.get_or_insert((name, what));
            }
        }
    }
}
