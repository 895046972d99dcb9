//! A folder of checkpoints, seen by the one who writes them.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::Checkpoint;
use crate::durable;
use crate::error::{Context, Error};
use crate::filesystem::{Disk, FileSystem, Lock, folder_of, uninterrupted};
use crate::folder::{Entry, Folder, Key, Listing};
use crate::layout::Layout;
use crate::recovery::RecoveryReport;
use crate::retention::{KeepAll, Retention};
use crate::snapshot::Snapshot;

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
    retention: Box<dyn Retention>,
    branch: Option<Branch>,
    /// Written or verified by this store.
    sound: BTreeSet<Key>,
    /// What was read of each file, so that a save does not read the headers of all others again.
    known: BTreeMap<Key, Entry>,
    last_saved: Option<Key>,
    /// Damaged, and newer than what the run continues: they go when it is past them.
    condemned: Vec<Key>,
    _lock: Box<dyn Any + Send + Sync>,
}

#[derive(Clone, Debug)]
struct Branch {
    number: u32,
    parent: Option<String>,
}

/// What a save did.
#[derive(Debug)]
pub struct Saved {
    /// Branch and step.
    pub key: Key,
    /// The file. It is durable.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// How long it took until the file was durable.
    pub took: Duration,
    /// What the retention let go.
    pub removed: Vec<PathBuf>,
    /// What went wrong after the checkpoint was durable: old files that could not be deleted.
    pub warnings: Vec<Error>,
}

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
    /// Opens the folder for writing, creating it if need be: takes its lock and removes what a writer that died left
    /// half-written. Keeps everything until [`Store::retain`] says otherwise.
    ///
    /// # Errors
    /// [`Error::Locked`] names the holder; [`Error::Io`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_in(dir, Arc::new(Disk))
    }

    /// As [`Store::open`], in another file system.
    pub fn open_in(dir: impl Into<PathBuf>, fs: Arc<dyn FileSystem>) -> Result<Self, Error> {
        let folder = Folder::new_in(dir, fs);
        let (fs, dir) = (&*folder.fs, folder.dir());
        durable::create_folder(fs, dir)?;
        let path = dir.join(".lock");
        let lock = match uninterrupted(|| fs.lock(&path, &holder())).context("lock", &path)? {
            Lock::Taken(lock) => lock,
            Lock::Held(holder) => return Err(Error::Locked { dir: dir.to_path_buf(), holder }),
        };
        durable::sweep(fs, dir, "step-")?;
        // A name that the last writer could not make durable any more is seen, and may be relied on from now on.
        fs.sync_dir(dir).context("sync", dir)?;
        Ok(Self {
            folder,
            retention: Box::new(KeepAll),
            branch: None,
            sound: BTreeSet::new(),
            known: BTreeMap::new(),
            last_saved: None,
            condemned: Vec::new(),
            _lock: lock,
        })
    }

    /// Sets the policy that each later save, and [`Store::collect`], applies.
    pub fn retain(&mut self, policy: impl Retention + 'static) {
        self.retention = Box::new(policy);
    }

    /// The folder, for reading.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// As [`Folder::list`].
    pub fn list(&self) -> Result<Listing, Error> {
        self.folder.list()
    }

    /// As [`Folder::latest`]. A run that goes on from it says so with [`Store::continue_from`].
    pub fn latest(&mut self) -> Result<(Option<Checkpoint>, RecoveryReport), Error> {
        let found = self.folder.latest()?;
        let name = found.1.chosen.as_deref().and_then(Path::file_name);
        self.sound.extend(name.and_then(|name| Key::from_file_name(name.to_str()?)));
        Ok(found)
    }

    /// Says what the run goes on from, and returns the branch that later saves are on. That is the checkpoint's own branch
    /// if nothing sound is newer; damaged files in the way are replaced, or go once a later step is durable. Otherwise it is a new branch, which records
    /// its parent and leaves alone what came later. The checkpoint may also be a published one or one of another folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn continue_from(&mut self, checkpoint: &Checkpoint) -> Result<u32, Error> {
        let keys = self.folder.keys()?.0;
        let is_it = |key: &&Key| {
            key.step == checkpoint.facts().step
                && self
                    .folder
                    .envelope(**key)
                    .is_ok_and(|found| Some(&found.integrity) == checkpoint.integrity.as_ref())
        };
        let own = keys.iter().rev().find(is_it).copied();
        let newest = |own: Key| {
            keys.iter().rev().take_while(|&&key| key > own).all(|&key| self.folder.verify(key).is_err())
        };
        let branch = match own {
            Some(own) if newest(own) => {
                Branch { number: own.branch, parent: checkpoint.facts().parent.clone() }
            }
            own => {
                let outside =
                    || checkpoint.path().file_name().map(|name| name.to_string_lossy().into_owned());
                Branch { number: next_branch(&keys), parent: own.map(Key::file_name).or_else(outside) }
            }
        };
        self.sound.extend(own);
        let is_damaged = |&&key: &&Key| {
            matches!(self.folder.verify(key), Err(Error::Damaged { .. } | Error::NotACheckpoint { .. }))
        };
        let newer = keys.iter().filter(|&&key| key.branch == branch.number && Some(key) > own);
        self.condemned = newer.filter(is_damaged).copied().collect();
        let number = branch.number;
        self.branch = Some(branch);
        Ok(number)
    }

    /// Writes a checkpoint. When this returns, it is durable, and only then is deleted what the retention lets go.
    ///
    /// # Errors
    /// [`Error::Unstorable`] before anything is written; [`Error::NoSpace`] if the disk is too full even after what the
    /// retention already allowed was deleted; [`Error::Io`]. After an error the earlier checkpoints are as before, and
    /// the next save may succeed.
    pub fn save(&mut self, snapshot: &Snapshot<'_>) -> Result<Saved, Error> {
        let began = Instant::now();
        let branch = self.branch()?;
        let layout = Layout::new(snapshot, branch.parent.as_deref())?;
        let key = Key { branch: branch.number, step: snapshot.step };
        let path = self.folder.path_of(key);

        self.known.remove(&key);

        let mut removed = Vec::new();
        if let Err(error) = layout.save(&*self.folder.fs, &path) {
            if !error.is_full() {
                return Err(error);
            }
            removed = self.collect().map(|(removed, _)| removed).unwrap_or_default();
            if removed.is_empty() {
                return Err(error);
            }
            layout.save(&*self.folder.fs, &path)?;
        }
        let took = began.elapsed();
        self.sound.insert(key);
        self.last_saved = Some(key);

        let mut warnings = Vec::new();
        for damaged in std::mem::take(&mut self.condemned) {
            let path = self.folder.path_of(damaged);
            if damaged > key {
                self.condemned.push(damaged);
            } else if damaged < key {
                match uninterrupted(|| self.folder.fs.remove_file(&path)).context("remove", &path) {
                    Ok(()) => removed.push(path),
                    Err(error) => warnings.push(error),
                }
            }
        }
        match self.collect() {
            Ok((also, failures)) => {
                removed.extend(also);
                warnings.extend(failures);
            }
            Err(error) => warnings.push(error),
        }
        Ok(Saved { key, path, bytes: layout.len(), took, removed, warnings })
    }

    /// What [`Store::collect`] would do with each checkpoint. If none of those that stay is known to be sound, this verifies
    /// until one is found.
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
        let entries = self.folder.list_knowing(&self.known)?.entries;
        self.known = entries.iter().map(|entry| (entry.key, entry.clone())).collect();
        let keep = self.retention.keep(&entries);
        let why = self.retention.why(&entries);
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

    /// Keeps a checkpoint whatever the retention says, until [`Store::unpin`]. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::Io`], also if there is no such checkpoint.
    pub fn pin(&mut self, key: Key) -> Result<(), Error> {
        let (fs, path, pin) = (&*self.folder.fs, self.folder.path_of(key), self.folder.pin_of(key));
        uninterrupted(|| fs.open(&path)).context("open", &path)?;
        match uninterrupted(|| fs.create_new(&pin)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => drop(created.context("create", &pin)?),
        }
        durable::sync_folder_of(fs, &pin)
    }

    /// Leaves a checkpoint to the retention again.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn unpin(&mut self, key: Key) -> Result<(), Error> {
        let (fs, pin) = (&*self.folder.fs, self.folder.pin_of(key));
        match uninterrupted(|| fs.remove_file(&pin)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.context("remove", &pin)?;
                durable::sync_folder_of(fs, &pin)
            }
        }
    }

    /// Makes `path` stand for a checkpoint of this store, for instance `best.safetensors` beside its folder. The name
    /// stands for the old file or for the new one, complete, at every moment, and is durable when this returns. It is a
    /// second name of the same file where the file system has such, else a copy; it outlives the checkpoint's deletion.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] if the checkpoint is not sound; [`Error::Io`].
    pub fn publish(&mut self, key: Key, path: impl AsRef<Path>) -> Result<(), Error> {
        if !self.sound.contains(&key) {
            self.folder.verify(key)?;
            self.sound.insert(key);
        }
        let (fs, path) = (&*self.folder.fs, path.as_ref());
        if let Some(name) = path.file_name() {
            durable::sweep(fs, &folder_of(path), &format!("{}.", name.to_string_lossy()))?;
        }
        durable::publish(fs, &self.folder.path_of(key), path)
    }

    /// Bytes that can still be written here.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn available(&self) -> Result<u64, Error> {
        self.folder.fs.available(self.folder.dir()).context("ask for the free space of", self.folder.dir())
    }

    fn branch(&mut self) -> Result<Branch, Error> {
        let branch = match &self.branch {
            Some(branch) => branch.clone(),
            None => Branch { number: next_branch(&self.folder.keys()?.0), parent: None },
        };
        self.branch = Some(branch.clone());
        Ok(branch)
    }

    /// At least one entry that stays must be known to be sound: the newest such, if the retention would take them all.
    fn spare_the_newest_sound(&mut self, entries: &[Entry], fates: &mut [Fate]) {
        let stays = |fates: &[Fate], i: usize| fates[i] != Fate::Removed;
        let newest_known = (0..entries.len()).rev().find(|&i| self.sound.contains(&entries[i].key));
        if let Some(i) = newest_known {
            if !stays(fates, i) {
                fates[i] = Fate::Needed;
            }
            return;
        }
        // Those that stay first, then those that would go.
        let mut candidates: Vec<usize> = (0..entries.len()).rev().collect();
        candidates.sort_by_key(|&i| !stays(fates, i));
        for i in candidates {
            if self.folder.verify(entries[i].key).is_ok() {
                self.sound.insert(entries[i].key);
                if !stays(fates, i) {
                    fates[i] = Fate::Needed;
                }
                return;
            }
        }
        // Nothing here is sound: nothing here is ours to delete.
        fates.iter_mut().filter(|fate| **fate == Fate::Removed).for_each(|fate| *fate = Fate::Needed);
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

/// What a lock says about the one who has it.
fn holder() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name).map(|name| format!(" ({})", name.display()));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.map(|host| format!(" on {}", host.trim()));
    format!("process {}{}{}", std::process::id(), name.unwrap_or_default(), host.unwrap_or_default())
}
