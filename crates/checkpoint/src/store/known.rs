//! What a store knows of its folder, so that a save need not look into it.

use super::Store;
use crate::error::Error;
use crate::folder::{Entry, Key};
use crate::recovery::Rejected;

impl Store {
    /// Looks into the folder, and reads the headers that are not known yet. Returns what cannot be read.
    pub(super) fn look(&mut self) -> Result<Vec<Rejected>, Error> {
        let keys = self.folder.keys()?;
        let mut known = self.known.take().unwrap_or_default().into_iter().peekable();
        let listing = self.folder.list_by(keys, |key| {
            while known.next_if(|entry| entry.key < key).is_some() {}
            known.next_if(|entry| entry.key == key).map_or_else(|| self.read(key), Ok)
        });
        self.known = Some(listing.entries);
        Ok(listing.unreadable)
    }

    fn read(&self, key: Key) -> Result<Entry, Error> {
        let entry = self.folder.read_entry(key)?;
        Ok(Entry { facts: self.scored(entry.facts), ..entry })
    }

    /// Takes in what was saved.
    pub(super) fn note(&mut self, entry: Entry) {
        if let Some(known) = &mut self.known {
            let at = known.partition_point(|other| other.key < entry.key);
            known.insert(at, entry);
        }
    }

    /// Forgets what a file said that is about to be replaced.
    pub(super) fn forget(&mut self, key: Key) {
        if let Some(known) = &mut self.known
            && let Ok(at) = known.binary_search_by_key(&key, |entry| entry.key)
        {
            known.remove(at);
        }
    }
}
