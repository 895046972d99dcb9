//! A folder of checkpoints, seen by somebody who only reads.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, verify_in};
use crate::durable;
use crate::envelope::Envelope;
use crate::error::{Context, Error};
use crate::facts::Facts;
use crate::filesystem::{Disk, FileSystem, uninterrupted};
use crate::integrity::Integrity;
use crate::recovery::{RecoveryReport, Rejected};

/// Reads a folder of checkpoints. Takes no lock and changes nothing but pins; a store may write to the folder meanwhile.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: PathBuf,
    /// Whether relative paths are made absolute once, and not taken from the folder that is current each time.
    is_fixed: bool,
    pub(crate) fs: Arc<dyn FileSystem>,
}

/// The place of a checkpoint in its folder: on which branch of the run, and at which step. Later branches, then later
/// steps, are newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// 0 for the run as it began; each time it continues from something other than its newest state, one more.
    pub branch: u32,
    /// Optimizer steps done.
    pub step: u64,
}

impl Key {
    /// The name of the file: `step-00001234.safetensors`, on branch 2 `step-00001234.b2.safetensors`.
    pub fn file_name(self) -> String {
        self.to_string() + EXTENSION
    }

    /// The key of a file of this name, if it is one that a store gives.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(EXTENSION)?.strip_prefix("step-")?;
        let (step, branch) = stem.split_once(".b").unwrap_or((stem, "0"));
        let key = Key { branch: branch.parse().ok()?, step: step.parse().ok()? };
        (key.file_name() == name).then_some(key)
    }

    /// The key of a file at this path, as [`Key::from_file_name`] tells it.
    pub fn of_file(path: impl AsRef<Path>) -> Option<Self> {
        Self::from_file_name(path.as_ref().file_name()?.to_str()?)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step-{:08}", self.step)?;
        if self.branch > 0 { write!(f, ".b{}", self.branch) } else { Ok(()) }
    }
}

const EXTENSION: &str = ".safetensors";
const PIN: &str = ".pinned";

/// A checkpoint in a listing. Its header and `integrity` are verified, its other tensors are not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// Branch and step.
    pub key: Key,
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// What it says about itself.
    pub facts: Facts,
    /// Whether somebody asked to keep it whatever the retention says.
    pub pinned: bool,
}

impl Entry {
    /// An entry without a file, to try a [`Retention`](crate::Retention) on.
    pub fn sketch(step: u64, score: Option<f64>) -> Self {
        let key = Key { branch: 0, step };
        let facts = Facts { step, score, ..Facts::default() };
        Self { key, path: key.file_name().into(), bytes: 0, facts, pinned: false }
    }
}

/// What is in a folder.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Listing {
    /// The checkpoints whose header can be read, oldest first.
    pub entries: Vec<Entry>,
    /// Files with the name of a checkpoint and without a sound header, oldest first.
    pub unreadable: Vec<Rejected>,
}

/// The checkpoints of a folder by the names of its files, oldest first.
pub(crate) struct Keys {
    pub(crate) all: Vec<Key>,
    /// Of these, and perhaps of some that are gone.
    pub(crate) pinned: Vec<Key>,
}

impl Folder {
    /// The folder at `dir`. A relative path is one of the folder that is current now, whatever is later: paths in messages and
    /// results are absolute.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: absolute(dir.into()), is_fixed: true, fs: Arc::new(Disk) }
    }

    /// As [`Folder::new`], in another file system, which is given the path as it is here. A program that never changes its current
    /// folder, and shows paths as its user wrote them, may do this with [`Disk`].
    pub fn new_in(dir: impl Into<PathBuf>, fs: Arc<dyn FileSystem>) -> Self {
        Self { dir: dir.into(), is_fixed: false, fs }
    }

    /// A path that this folder will be asked to write to later.
    pub(crate) fn fix(&self, path: PathBuf) -> PathBuf {
        match self.is_fixed {
            true => absolute(path),
            false => path,
        }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads and verifies the header of every checkpoint, and none of its arrays, which is quick. A folder that does not exist is
    /// empty.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read. What is wrong with a single file is in the listing.
    pub fn list(&self) -> Result<Listing, Error> {
        Ok(self.list_by(self.keys()?, |key| self.read_entry(key)))
    }

    /// As [`Folder::list`], of these [keys](Folder::keys), with entries that `entry_of` gives, except for whether they are pinned.
    pub(crate) fn list_by(
        &self,
        keys: Keys,
        mut entry_of: impl FnMut(Key) -> Result<Entry, Error>,
    ) -> Listing {
        let mut listing = Listing::default();
        for key in keys.all {
            let pinned = keys.pinned.binary_search(&key).is_ok();
            match entry_of(key) {
                Ok(entry) => listing.entries.push(Entry { pinned, ..entry }),
                Err(error) if is_gone(&error) => {}
                Err(error) => listing.unreadable.push(Rejected { path: self.path_of(key), error }),
            }
        }
        listing
    }

    pub(crate) fn read_entry(&self, key: Key) -> Result<Entry, Error> {
        let Envelope { integrity, facts, .. } = self.envelope(key)?;
        Ok(Entry { key, path: self.path_of(key), bytes: integrity.file_len, facts, pinned: false })
    }

    /// The newest checkpoint that verifies, and what was refused on the way to it; `None` in an empty folder.
    ///
    /// # Errors
    /// [`Error::NoneSound`] if there are checkpoints and none verifies: never silently a fresh start.
    pub fn latest(&self) -> Result<(Option<Checkpoint>, RecoveryReport), Error> {
        let mut report = RecoveryReport::default();
        for key in self.keys()?.all.into_iter().rev() {
            let path = self.path_of(key);
            match self.open(key) {
                Ok(checkpoint) => {
                    report.chosen = Some(path);
                    return Ok((Some(checkpoint), report));
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => report.rejected.push(Rejected { path, error }),
            }
        }
        if report.rejected.is_empty() {
            Ok((None, report))
        } else {
            Err(Error::NoneSound { dir: self.dir.clone(), report })
        }
    }

    /// Reads and verifies the checkpoint of this key.
    ///
    /// # Errors
    /// As [`Checkpoint::open`]; also if the file is another step's under this one's name.
    pub fn open(&self, key: Key) -> Result<Checkpoint, Error> {
        let path = self.path_of(key);
        let checkpoint = Checkpoint::open_in(&*self.fs, &path)?;
        same_step(key, &path, checkpoint.facts())?;
        Ok(checkpoint)
    }

    /// The key of the checkpoint that a file is another name or a copy of, such as the published best; `None` if it is none
    /// of this folder's. Only headers are read, not arrays.
    ///
    /// # Errors
    /// As [`Folder::list`]; as [`Checkpoint::open`] if the header of the file cannot be read.
    pub fn find(&self, file: impl AsRef<Path>) -> Result<Option<Key>, Error> {
        let path = file.as_ref();
        let handle = self.fs.open(path).context("open", path)?;
        let Envelope { integrity, facts, .. } = Envelope::read(&*handle, path)?;
        Ok(self.find_among(&self.keys()?.all, facts.step, &integrity))
    }

    /// As [`Folder::find`], of a file with this step and these hashes; the newest if there are several.
    pub(crate) fn find_among(&self, keys: &[Key], step: u64, integrity: &Integrity) -> Option<Key> {
        let is_it = |key: Key| self.envelope(key).is_ok_and(|found| found.integrity == *integrity);
        keys.iter().rev().copied().find(|&key| key.step == step && is_it(key))
    }

    /// Keeps a checkpoint whatever the retention of a store says, until [`Folder::unpin`]. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::Io`], also if there is no such checkpoint, or a store deletes it at this moment: then it is not pinned.
    pub fn pin(&self, key: Key) -> Result<(), Error> {
        let (fs, path, pin) = (&*self.fs, self.path_of(key), self.pin_of(key));
        durable::sync_file(fs, &path)?;
        match uninterrupted(|| fs.create_new(&pin)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => drop(created.context("create", &pin)?),
        }
        // The names of both are durable with their folder.
        durable::make_durable(fs, &pin)?;
        // A store sees the pin from now on; it may have gone ahead before.
        let there = uninterrupted(|| fs.open(&path)).map(drop).context("open", &path);
        there.inspect_err(|_| _ = uninterrupted(|| fs.remove_file(&pin)))
    }

    /// Leaves a checkpoint to the retention again.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn unpin(&self, key: Key) -> Result<(), Error> {
        let (fs, pin) = (&*self.fs, self.pin_of(key));
        match uninterrupted(|| fs.remove_file(&pin)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.context("remove", &pin)?;
                durable::sync_folder_of(fs, &pin)
            }
        }
    }

    /// The file of this key, whether it exists or not.
    pub fn path_of(&self, key: Key) -> PathBuf {
        self.dir.join(key.file_name())
    }

    /// True, too, if it cannot be found out.
    pub(crate) fn is_pinned(&self, key: Key) -> bool {
        let pin = uninterrupted(|| self.fs.open(&self.pin_of(key)));
        pin.map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
    }

    fn pin_of(&self, key: Key) -> PathBuf {
        self.dir.join(format!("{key}{PIN}"))
    }

    pub(crate) fn keys(&self) -> Result<Keys, Error> {
        let names = match self.fs.names(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names.context("list", &self.dir)?,
        };
        let pin = |name: &String| Key::from_file_name(&(name.strip_suffix(PIN)?.to_owned() + EXTENSION));
        let mut all: Vec<Key> = names.iter().filter_map(|name| Key::from_file_name(name)).collect();
        let mut pinned: Vec<Key> = names.iter().filter_map(pin).collect();
        all.sort_unstable();
        pinned.sort_unstable();
        Ok(Keys { all, pinned })
    }

    /// Header and hashes of the file of this key.
    pub(crate) fn envelope(&self, key: Key) -> Result<Envelope, Error> {
        let path = self.path_of(key);
        let file = self.fs.open(&path).context("open", &path)?;
        let envelope = Envelope::read(&*file, &path)?;
        same_step(key, &path, &envelope.facts)?;
        Ok(envelope)
    }

    /// Verifies the file of this key.
    pub(crate) fn verify(&self, key: Key) -> Result<(), Error> {
        let path = self.path_of(key);
        same_step(key, &path, &verify_in(&*self.fs, &path)?.facts)
    }
}

/// As it is, if there is no current folder any more.
fn absolute(path: PathBuf) -> PathBuf {
    let named = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
    std::path::absolute(named).unwrap_or(path)
}

fn same_step(key: Key, path: &Path, facts: &Facts) -> Result<(), Error> {
    if facts.step == key.step {
        return Ok(());
    }
    let reason = format!("it holds step {}, not the one of its name", facts.step);
    Err(Error::NotACheckpoint { path: path.to_path_buf(), reason, is_safetensors: false })
}

/// Deleted by the store between the listing and the reading.
fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_sort_by_step_and_are_read_back() {
        let keys = [(0, 0), (0, 1234), (3, 1234), (0, 99_999_999), (1, 100_000_000)];
        for (branch, step) in keys {
            let key = Key { branch, step };
            assert_eq!(Key::from_file_name(&key.file_name()), Some(key));
            assert_eq!(Key::of_file(Path::new("a/b").join(key.file_name())), Some(key));
        }
        assert_eq!(Key { branch: 0, step: 1234 }.file_name(), "step-00001234.safetensors");
        assert_eq!(Key { branch: 2, step: 1234 }.file_name(), "step-00001234.b2.safetensors");
        assert!(Key { branch: 0, step: 9 }.file_name() < Key { branch: 0, step: 10 }.file_name());
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in [
            "step-1.safetensors",
            "step-00000001.b0.safetensors",
            "step-00000001.b01.safetensors",
            "step-+0000001.safetensors",
            "step-00000001.safetensors.tmp",
            ".step-00000001.safetensors.1-0.tmp",
            "step-00000001",
            "best.safetensors",
            "step-99999999999999999999.safetensors",
        ] {
            assert_eq!(Key::from_file_name(name), None, "{name}");
        }
    }
}
