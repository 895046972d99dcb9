//! Old checkpoints go: what retention decides, held against what must stay.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Soundness, Store};
use crate::error::{Context, Error};
use crate::facts::Facts;
use crate::filesystem::uninterrupted;
use crate::folder::{Entry, Folder, Key, Listing};
use crate::recovery::Rejected;
use crate::retention::{KeepAll, Retention};

/// What retention does with a checkpoint, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The policy keeps it.
    Kept,
    /// The policy would not, but somebody pinned it.
    Pinned,
    /// The policy would not, but it is the newest one known to be sound, the one just saved, or the last or the last sound one of
    /// another branch: somebody who went back to an earlier checkpoint does not lose what came after it.
    Needed,
    /// It goes.
    Removed,
}

/// A checkpoint, whether retention keeps it, and why in words.
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

/// What [`Store::collect`] has decided and done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Collected {
    /// What was decided for each checkpoint, as [`Store::explain`] says it.
    pub plan: Vec<Explained>,
    /// What cannot be read, and stays.
    pub unreadable: Vec<Rejected>,
    /// What was deleted.
    pub removed: Vec<PathBuf>,
    /// What should have been, and could not be.
    pub failures: Vec<Error>,
}

/// What was deleted, and why the rest of what should have been was not.
#[derive(Default)]
pub(super) struct Removal {
    pub(super) removed: Vec<PathBuf>,
    pub(super) failures: Vec<Error>,
}

impl Store {
    /// What [`Store::collect`] would do with each checkpoint, and what cannot be read and stays. The newest sound one always
    /// stays: if something would go, this verifies those that are not known to be sound, from the newest on, until one is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn explain(&mut self) -> Result<(Vec<Explained>, Vec<Rejected>), Error> {
        let unreadable = self.look()?;
        Ok((self.judge().explain(), unreadable))
    }

    /// Deletes what retention no longer keeps.
    ///
    /// # Errors
    /// As [`Store::explain`].
    pub fn collect(&mut self) -> Result<Collected, Error> {
        let (plan, unreadable) = self.explain()?;
        let going = plan.iter().filter(|explained| explained.fate == Fate::Removed);
        let going: Vec<Key> = going.map(|explained| explained.entry.key).collect();
        let mut removal = Removal::default();
        self.remove(&going, &mut removal);
        let Removal { removed, failures } = removal;
        Ok(Collected { plan, unreadable, removed, failures })
    }

    /// As [`Store::collect`], without words, and without a look into the folder if nothing would go by what is known of it: to
    /// look at thousands of files takes longer than a small save.
    pub(super) fn collect_if_due(&mut self, removal: &mut Removal) -> Result<(), Error> {
        if self.retention.is_none() || self.known.is_some() && !self.judge().fates().contains(&Fate::Removed)
        {
            return Ok(());
        }
        self.look()?;
        let fates = self.judge().fates();
        let entries = self.known.as_deref().unwrap_or_default();
        let going = entries.iter().zip(fates).filter(|(_, fate)| *fate == Fate::Removed);
        let going: Vec<Key> = going.map(|(entry, _)| entry.key).collect();
        self.remove(&going, removal);
        Ok(())
    }

    /// Deletes what was damaged when the run went on before it, and lies behind the run now. What was saved anew is no longer
    /// damaged.
    pub(super) fn remove_condemned(&mut self, saved: Key, removal: &mut Removal) {
        for key in std::mem::take(&mut self.condemned) {
            match key.cmp(&saved) {
                Ordering::Less => self.delete(key, removal),
                Ordering::Equal => {}
                Ordering::Greater => self.condemned.push(key),
            }
        }
    }

    /// Deletes these after what stays was made durable. The folder is not synced: what comes back after a crash is sound, and goes
    /// again.
    fn remove(&mut self, keys: &[Key], removal: &mut Removal) {
        if keys.is_empty() {
            return;
        }
        let stays: Vec<Key> = self.verified.keys().copied().filter(|key| !keys.contains(key)).collect();
        for key in stays {
            if let Err(error) = self.rely_on(key) {
                self.verified.remove(&key);
                return removal.failures.push(error);
            }
        }
        keys.iter().for_each(|key| self.delete(*key, removal));
    }

    /// Unless somebody has pinned it since the last look.
    fn delete(&mut self, key: Key, removal: &mut Removal) {
        if self.folder.is_pinned(key) {
            return;
        }
        let path = self.folder.path_of(key);
        match uninterrupted(|| self.folder.fs.remove_file(&path)).context("remove", &path) {
            Ok(()) => {
                self.verified.remove(&key);
                self.forget(key);
                removal.removed.push(path);
            }
            Err(error) => removal.failures.push(error),
        }
    }

    /// Of what is known. Without a branch of its own a store would go on with the last.
    fn judge(&mut self) -> Judge<'_> {
        let entries = self.known.as_deref().unwrap_or_default();
        let last = entries.last().map(|entry| entry.key.branch);
        Judge {
            folder: &self.folder,
            entries,
            retention: self.retention.as_deref().unwrap_or(&KeepAll),
            branch: self.branch.as_ref().map(|branch| branch.number).or(last),
            last_saved: self.last_saved,
            verified: &mut self.verified,
        }
    }
}

impl Folder {
    /// As [`Store::explain`] of a store with this retention, by the scores that `score` reads from the facts of checkpoints: a
    /// look that takes no lock and changes nothing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn explain(
        &self,
        retention: &dyn Retention,
        score: impl Fn(&Facts) -> Option<f64>,
    ) -> Result<(Vec<Explained>, Vec<Rejected>), Error> {
        let Listing { mut entries, unreadable } = self.list()?;
        entries.iter_mut().for_each(|entry| entry.facts.score = score(&entry.facts));
        let mut judge = Judge {
            folder: self,
            entries: &entries,
            retention,
            branch: entries.last().map(|entry| entry.key.branch),
            last_saved: None,
            verified: &mut BTreeMap::new(),
        };
        Ok((judge.explain(), unreadable))
    }
}

/// All that the fate of a checkpoint hangs on.
struct Judge<'a> {
    folder: &'a Folder,
    entries: &'a [Entry],
    retention: &'a dyn Retention,
    /// The branch that is written on.
    branch: Option<u32>,
    last_saved: Option<Key>,
    /// What is known to be sound, or not to be.
    verified: &'a mut BTreeMap<Key, Soundness>,
}

impl Judge<'_> {
    fn explain(&mut self) -> Vec<Explained> {
        let (fates, why) = (self.fates(), self.retention.why(self.entries));
        let reason = |i: usize| match fates[i] {
            Fate::Kept => why.get(i).cloned().flatten().unwrap_or_else(|| "the policy keeps it".to_owned()),
            Fate::Pinned => "pinned".to_owned(),
            Fate::Needed if self.is_tip(i) => "the last of another branch".to_owned(),
            Fate::Needed if self.last_saved == Some(self.entries[i].key) => "just saved".to_owned(),
            Fate::Needed => "no newer one is known to be sound".to_owned(),
            Fate::Removed => "nothing keeps it".to_owned(),
        };
        let explain =
            |(i, entry): (usize, &Entry)| Explained { entry: entry.clone(), fate: fates[i], why: reason(i) };
        self.entries.iter().enumerate().map(explain).collect()
    }

    fn fates(&mut self) -> Vec<Fate> {
        let keep = self.retention.keep(self.entries);
        let fate = |(i, entry): (usize, &Entry)| match () {
            () if keep.get(i).copied().unwrap_or(true) => Fate::Kept,
            () if entry.pinned => Fate::Pinned,
            () if self.last_saved == Some(entry.key) || self.is_tip(i) => Fate::Needed,
            () => Fate::Removed,
        };
        let mut fates: Vec<Fate> = self.entries.iter().enumerate().map(fate).collect();
        if fates.contains(&Fate::Removed) {
            self.spare_the_newest_sound(0, &mut fates);
        }
        let mut first = 0;
        for branch in self.entries.chunk_by(|a, b| a.key.branch == b.key.branch) {
            let places = first..first + branch.len();
            first = places.end;
            if Some(branch[0].key.branch) != self.branch && fates[places.clone()].contains(&Fate::Removed) {
                self.spare_the_newest_sound(places.start, &mut fates[places]);
            }
        }
        fates
    }

    /// Whether an entry is the last of a branch that is not the one that is written on.
    fn is_tip(&self, i: usize) -> bool {
        let branch = self.entries[i].key.branch;
        Some(branch) != self.branch && self.entries.get(i + 1).is_none_or(|next| next.key.branch != branch)
    }

    /// Of the entries from a place on, the newest sound one stays, whatever the retention says; if there is none, all do. What is
    /// not known to be sound is verified.
    fn spare_the_newest_sound(&mut self, first: usize, fates: &mut [Fate]) {
        for (entry, fate) in self.entries[first..].iter().zip(&mut *fates).rev() {
            let verify = || match self.folder.verify(entry.key) {
                Ok(()) => Soundness::Seen,
                Err(_) => Soundness::Damaged,
            };
            if *self.verified.entry(entry.key).or_insert_with(verify) != Soundness::Damaged {
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
