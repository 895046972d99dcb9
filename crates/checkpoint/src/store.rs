//! A folder of checkpoints, seen by the one who writes them.

mod best;
mod collect;
mod known;
mod lock;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::Checkpoint;
use crate::durable;
use crate::error::{Context, Error};
use crate::filesystem::FileSystem;
use crate::folder::{Entry, Folder, Key, Listing};
use crate::layout::Layout;
use crate::recovery::RecoveryReport;
use crate::retention::Retention;
use crate::snapshot::Snapshot;

use collect::Removal;
pub use collect::{Collected, Explained, Fate};

/// Writes checkpoints to a folder, and deletes old ones. The only writer of its folder while it lives.
///
/// Whatever happens to the process or the machine, at any moment the newest checkpoint whose save returned, or a newer
/// one, is found by [`Folder::latest`]: nothing committed is modified, nothing is deleted before what replaces it is
/// durable, and the newest checkpoint known to be sound is never deleted.
///
/// Saves never overwrite the past by accident. A store that does not know what its run continues
/// ([`Store::continue_from`]) begins a new branch in a folder that already has checkpoints; their names end in `.b1`,
/// `.b2`, … Saving a step again on the same branch replaces the file, all or nothing.
pub struct Store {
    folder: Folder,
    /// Everything is kept if there is none.
    retention: Option<Box<dyn Retention>>,
    score_by: Option<best::ScoreBy>,
    branch: Option<Branch>,
    /// What this store has written or verified.
    verified: BTreeMap<Key, Soundness>,
    /// What was in the folder when it was looked into last, oldest first, with the scores that count here and with what was
    /// saved since. Headers are read once, and most saves need not look at all.
    known: Option<Vec<Entry>>,
    last_saved: Option<Key>,
    /// Damaged, and newer than what the run continues: they go when it is past them.
    condemned: Vec<Key>,
    /// What was published last: there is nothing half-made beside it.
    swept: Option<PathBuf>,
    lock: Box<dyn Any + Send + Sync>,
}

/// What a store knows of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Soundness {
    Damaged,
    /// Sound as it is seen. Whoever wrote it may have died before it was durable.
    Seen,
    Durable,
}

#[derive(Clone, Debug)]
struct Branch {
    number: u32,
    parent: Option<String>,
}

/// What a save did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Saved {
    /// Branch and step.
    pub key: Key,
    /// The file. It is durable.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// How long it took until the file was durable.
    pub took: Duration,
    /// What retention deleted.
    pub removed: Vec<PathBuf>,
    /// What went wrong after the checkpoint was durable: old files that could not be deleted.
    pub warnings: Vec<Error>,
}

impl Store {
    /// Opens the folder for writing, creating it if need be: takes its lock and removes what a writer that died left
    /// half-written. If another process has the lock, waits for a second, in case that one is just ending. Keeps everything until
    /// [`Store::retain`] says otherwise.
    ///
    /// A relative path is one of the folder that is current now, whatever is later: paths in messages and results are absolute.
    ///
    /// # Errors
    /// [`Error::Locked`] names the holder; [`Error::Io`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_folder(Folder::new(dir))
    }

    /// As [`Store::open`], in another file system, which is given the path as it is here ([`Folder::new_in`]).
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_in(dir: impl Into<PathBuf>, fs: Arc<dyn FileSystem>) -> Result<Self, Error> {
        Self::open_folder(Folder::new_in(dir, fs))
    }

    fn open_folder(folder: Folder) -> Result<Self, Error> {
        let (fs, dir) = (&*folder.fs, folder.dir());
        durable::create_folder_in(fs, dir)?;
        let lock = lock::take_when_free(fs, dir)?;
        durable::sweep(fs, dir, "step-")?;
        // A name that the last writer could not make durable any more is seen, and may be relied on from now on.
        fs.sync_dir(dir).context("sync", dir)?;
        Ok(Self {
            folder,
            retention: None,
            score_by: None,
            branch: None,
            verified: BTreeMap::new(),
            known: None,
            last_saved: None,
            condemned: Vec::new(),
            swept: None,
            lock,
        })
    }

    /// Sets the policy that each later save, and [`Store::collect`], applies. Until then everything is kept.
    pub fn retain(&mut self, policy: impl Retention + 'static) {
        self.retention = Some(Box::new(policy));
    }

    /// The folder, for reading.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// As [`Folder::list`].
    ///
    /// # Errors
    /// As [`Folder::list`].
    pub fn list(&self) -> Result<Listing, Error> {
        self.folder.list()
    }

    /// As [`Folder::latest`]. A run that goes on from it says so with [`Store::continue_from`].
    ///
    /// # Errors
    /// As [`Folder::latest`].
    pub fn latest(&mut self) -> Result<(Option<Checkpoint>, RecoveryReport), Error> {
        let found = self.folder.latest()?;
        let chosen = found.1.chosen.as_deref().and_then(Key::of_file);
        chosen.into_iter().for_each(|key| self.see(key));
        Ok(found)
    }

    /// Says which checkpoint the run goes on from, and returns the branch that later saves are on. If all that is newer is damaged,
    /// that is the checkpoint's own branch: the damaged files are replaced, or deleted once a later step is durable. Otherwise, also
    /// if something newer cannot be read or is of a later version, it is a new branch, which records its parent and leaves what is
    /// newer alone. The checkpoint may also be a published one or one of another folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn continue_from(&mut self, checkpoint: &Checkpoint) -> Result<u32, Error> {
        let keys = self.folder.keys()?.all;
        let step = checkpoint.facts().step;
        let own = checkpoint.integrity.as_ref().and_then(|own| self.folder.find_among(&keys, step, own));
        let newer = keys.iter().copied().filter(|&key| Some(key) > own);
        // What cannot be read now, or not by this version, may be sound.
        let is_damaged = |key: Key| {
            matches!(self.folder.verify(key), Err(Error::Damaged { .. } | Error::NotACheckpoint { .. }))
        };
        self.condemned.clear();
        let branch = match own {
            Some(own) if newer.clone().rev().all(is_damaged) => {
                self.condemned.extend(newer.filter(|key| key.branch == own.branch));
                Branch { number: own.branch, parent: checkpoint.facts().parent.clone() }
            }
            own => {
                let outside =
                    || checkpoint.path().file_name().map(|name| name.to_string_lossy().into_owned());
                Branch { number: next_branch(&keys), parent: own.map(Key::file_name).or_else(outside) }
            }
        };
        own.into_iter().for_each(|key| self.see(key));
        let number = branch.number;
        self.branch = Some(branch);
        Ok(number)
    }

    /// Writes a checkpoint. Once it is durable, what retention no longer keeps is deleted; then this returns.
    ///
    /// # Errors
    /// [`Error::Unstorable`] before anything is written; [`Error::NoSpace`] if the disk is too full; [`Error::NotEnoughRoom`] if
    /// it still is after what retention no longer keeps was deleted; [`Error::Io`]; [`Error::Gone`] if the folder is not there
    /// any more. Checkpoints that are not deleted stay as they were, and the next save may succeed. After [`Error::LockLost`], when
    /// somebody removed the lock file and another store was opened, none does.
    pub fn save(&mut self, snapshot: &Snapshot<'_>) -> Result<Saved, Error> {
        self.save_as(snapshot, None).map(|(saved, _)| saved)
    }

    /// As [`Store::save`] and [`Store::publish`] of what was saved, in hardly more time than the save alone where the file
    /// system keeps the order of its changes and has hard links.
    ///
    /// # Errors
    /// As these two. If it is the publication that fails, the checkpoint is durable nevertheless.
    pub fn save_and_publish(
        &mut self,
        snapshot: &Snapshot<'_>,
        path: impl AsRef<Path>,
    ) -> Result<Saved, Error> {
        let (saved, published) = self.save_as(snapshot, Some(path.as_ref()))?;
        published.map(|()| saved)
    }

    /// What became of the publication is the second result.
    pub(crate) fn save_as(
        &mut self,
        snapshot: &Snapshot<'_>,
        published: Option<&Path>,
    ) -> Result<(Saved, Result<(), Error>), Error> {
        self.keep_lock()?;
        let mut began = Instant::now();
        let branch = self.branch()?;
        let layout = Layout::new(snapshot, branch.parent.as_deref())?;
        let key = Key { branch: branch.number, step: snapshot.step };
        let path = self.folder.path_of(key);
        if let Some(published) = published {
            self.sweep_beside(published);
        }
        let fs = Arc::clone(&self.folder.fs);
        let write = || match published {
            Some(other) => layout.save_and_publish(&*fs, &path, other),
            None => layout.save(&*fs, &path).map(|_| Ok(())),
        };

        self.forget(key);
        let mut removal = Removal::default();
        let published = match write() {
            Err(error) if error.is_full() => {
                removal.removed = self.collect().map(|collected| collected.removed).unwrap_or_default();
                if removal.removed.is_empty() {
                    return Err(error);
                }
                began = Instant::now();
                match write() {
                    Ok(published) => published,
                    Err(error) => {
                        let (error, removed) = (Box::new(error), removal.removed);
                        return Err(Error::NotEnoughRoom { error, removed });
                    }
                }
            }
            Err(error) => return Err(self.reason(error)),
            Ok(published) => published,
        };
        let took = began.elapsed();
        self.verified.insert(key, Soundness::Durable);
        self.last_saved = Some(key);
        let (bytes, facts) = (layout.len(), self.scored(layout.facts().clone()));
        self.note(Entry { key, path: path.clone(), bytes, facts, pinned: false });

        self.remove_condemned(key, &mut removal);
        if let Err(error) = self.collect_if_due(&mut removal) {
            removal.failures.push(error);
        }
        let Removal { removed, failures: warnings } = removal;
        let published = published.map_err(|error| self.reason(error));
        Ok((Saved { key, path, bytes, took, removed, warnings }, published))
    }

    /// Makes `path` stand for a checkpoint of this store, for instance `best.safetensors` beside its folder. The name
    /// stands for the old file or for the new one, complete, at every moment, and is durable when this returns. It is a
    /// second name of the same file where the file system has such, else a copy; it outlives the checkpoint's deletion.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] if the checkpoint is not sound; [`Error::Io`], [`Error::Gone`], [`Error::LockLost`].
    pub fn publish(&mut self, key: Key, path: impl AsRef<Path>) -> Result<(), Error> {
        self.keep_lock()?;
        if self.verified.get(&key) < Some(&Soundness::Seen) {
            self.folder.verify(key)?;
            self.see(key);
        }
        self.rely_on(key)?;
        let path = path.as_ref();
        self.sweep_beside(path);
        durable::publish(&*self.folder.fs, &self.folder.path_of(key), path)
    }

    /// Notes that a checkpoint is sound.
    fn see(&mut self, key: Key) {
        let known = self.verified.entry(key).or_insert(Soundness::Seen);
        *known = (*known).max(Soundness::Seen);
    }

    /// Makes a sound checkpoint durable if it is not known to be.
    fn rely_on(&mut self, key: Key) -> Result<(), Error> {
        if self.verified.get(&key) == Some(&Soundness::Seen) {
            durable::make_durable(&*self.folder.fs, &self.folder.path_of(key))?;
            self.verified.insert(key, Soundness::Durable);
        }
        Ok(())
    }

    /// Removes what a writer that died left on the way to this file. Once, and if it cannot, that does no harm.
    fn sweep_beside(&mut self, path: &Path) {
        if self.swept.as_deref() != Some(path) && durable::sweep_beside(&*self.folder.fs, path).is_ok() {
            self.swept = Some(path.to_path_buf());
        }
    }

    /// Bytes that can still be written here.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn available(&self) -> Result<u64, Error> {
        self.folder.fs.available(self.folder.dir()).context("ask for the free space of", self.folder.dir())
    }

    /// Why something failed: perhaps the folder went, or the lock, while it was done.
    fn reason(&mut self, error: Error) -> Error {
        self.keep_lock().err().unwrap_or(error)
    }

    fn branch(&mut self) -> Result<Branch, Error> {
        let branch = match &self.branch {
            Some(branch) => branch.clone(),
            None => Branch { number: next_branch(&self.folder.keys()?.all), parent: None },
        };
        self.branch = Some(branch.clone());
        Ok(branch)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder)
            .field("branch", &self.branch)
            .finish_non_exhaustive()
    }
}

fn next_branch(keys: &[Key]) -> u32 {
    keys.last().map_or(0, |key| key.branch.saturating_add(1))
}
