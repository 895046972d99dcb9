//! Old checkpoints go: what retention decides, held against what must stay.

use std::path::PathBuf;

use super::Store;
use crate::error::{Context, Error};
use crate::filesystem::uninterrupted;
use crate::folder::Entry;
use crate::retention::KeepAll;

/// What retention has in mind for a checkpoint, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The policy keeps it.
    Kept,
    /// The policy would not, but somebody pinned it.
    Pinned,
    /// The policy would not, but it is the newest one known to be sound, the one just saved, or the last of another branch:
    /// what came later than the checkpoint that somebody went back to.
    Needed,
    /// It goes.
    Removed,
}

/// A checkpoint, what retention has in mind for it, and why in words.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explained {
    /// The checkpoint.
    pub entry: Entry,
    /// What becomes of it.
    pub fate: Fate,
    /// Why.
    pub why: String,
}

impl Store {
    /// What [`Store::collect`] would do with each checkpoint. The newest sound one always stays: if something would go, this
    /// verifies those that are not known to be sound, from the newest on, until one is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn plan(&mut self) -> Result<Vec<(Entry, Fate)>, Error> {
        Ok(self.explain()?.into_iter().map(|Explained { entry, fate, .. }| (entry, fate)).collect())
    }

    /// As [`Store::plan`], with reasons.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn explain(&mut self) -> Result<Vec<Explained>, Error> {
        let entries = self.entries()?;
        let retention = self.retention.as_deref().unwrap_or(&KeepAll);
        let (keep, why) = (retention.keep(&entries), retention.why(&entries));
        let own_branch = self.branch.as_ref().map(|branch| branch.number);
        let own_branch = own_branch.or(entries.last().map(|entry| entry.key.branch));
        let is_tip = |i: usize| {
            let branch = entries[i].key.branch;
            Some(branch) != own_branch && entries.get(i + 1).is_none_or(|next| next.key.branch != branch)
        };
        let fate = |(i, entry): (usize, &Entry)| match () {
            () if keep.get(i).copied().unwrap_or(true) => Fate::Kept,
            () if entry.pinned => Fate::Pinned,
            () if self.last_saved == Some(entry.key) || is_tip(i) => Fate::Needed,
            () => Fate::Removed,
        };
        let mut fates: Vec<Fate> = entries.iter().enumerate().map(fate).collect();
        if fates.contains(&Fate::Removed) {
            self.spare_the_newest_sound(&entries, &mut fates);
        }
        let reason = |i: usize| match fates[i] {
            Fate::Kept => why.get(i).cloned().flatten().unwrap_or_else(|| "the policy keeps it".to_owned()),
            Fate::Pinned => "pinned".to_owned(),
            Fate::Needed if is_tip(i) => "the last of another branch".to_owned(),
            Fate::Needed if self.last_saved == Some(entries[i].key) => "just saved".to_owned(),
            Fate::Needed => "no newer one is known to be sound".to_owned(),
            Fate::Removed => "nothing keeps it".to_owned(),
        };
        let reasons: Vec<String> = (0..entries.len()).map(reason).collect();
        let explained = entries.into_iter().zip(fates).zip(reasons);
        Ok(explained.map(|((entry, fate), why)| Explained { entry, fate, why }).collect())
    }

    /// Deletes what the retention lets go. Returns what was deleted and what could not be.
    ///
    /// # Errors
    /// As [`Store::plan`].
    pub fn collect(&mut self) -> Result<(Vec<PathBuf>, Vec<Error>), Error> {
        let (mut removed, mut failures) = (Vec::new(), Vec::new());
        if self.retention.is_none() {
            return Ok((removed, failures));
        }
        for (entry, _) in self.plan()?.into_iter().filter(|(_, fate)| *fate == Fate::Removed) {
            match uninterrupted(|| self.folder.fs.remove_file(&entry.path)).context("remove", &entry.path) {
                Ok(()) => {
                    self.sound.remove(&entry.key);
                    removed.push(entry.path);
                }
                Err(error) => failures.push(error),
            }
        }
        // Not synced: what comes back after a crash is sound, and goes again.
        Ok((removed, failures))
    }

    /// The newest sound entry stays, whatever the retention says. What is not known to be sound is verified.
    fn spare_the_newest_sound(&mut self, entries: &[Entry], fates: &mut [Fate]) {
        for (entry, fate) in entries.iter().zip(&mut *fates).rev() {
            if self.sound.contains(&entry.key) || self.folder.verify(entry.key).is_ok() {
                self.sound.insert(entry.key);
                if *fate == Fate::Removed {
                    *fate = Fate::Needed;
                }
                return;
            }
        }
        // Nothing here is sound: nothing here is ours to delete.
        fates.iter_mut().filter(|fate| **fate == Fate::Removed).for_each(|fate| *fate = Fate::Needed);
    }
}
