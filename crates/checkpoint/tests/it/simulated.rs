//! A file system in memory that forgets, on a crash, whatever nobody synced: every unsynced change of a file's contents, of
//! its length and of a folder's names is kept or lost on its own, and a rename may outlive the contents it names.
//!
//! The model is that of ALICE (Pillai et al., OSDI 2014): less is promised than by any file system in use. A disk may promise
//! more ([`Promises`]).

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use highwater_checkpoint::{FileHandle, FileSystem, Lock};

/// The unit that a disk writes whole.
const SECTOR: usize = 512;

/// What happens at the operation of this number, counted from 0, and after it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The machine stops: nothing is done any more.
    Crash,
    /// The operation fails, once or from then on.
    Fail(Fault, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Out of space.
    Full,
    /// The device fails. What a failed `sync` of a file should have made durable is lost, though it is still seen. The
    /// names of a folder are in a journal, and not lost before a crash.
    Device,
    /// A signal came.
    Interrupted,
    /// A write takes only some of the bytes; other operations are as ever.
    Short,
    /// Only `sync` fails, of files and of folders.
    Sync,
}

/// What a disk promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Promises {
    #[default]
    Nothing,
    /// As [`FileHandle::settle`] says: settled contents are not lost if a later rename of their file is not, and no change of
    /// a name is lost if a later one is not.
    Order,
    /// As [`FileHandle::name`] says: a file that was not synced since it got its first name may have none after a crash, though
    /// its folder was synced; and when it is, its name is durable, too.
    NameWithFile,
}

pub(crate) const PROMISES: [Promises; 3] = [Promises::Nothing, Promises::Order, Promises::NameWithFile];

#[derive(Debug, Clone)]
pub(crate) struct Simulated(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    folders: BTreeMap<PathBuf, Folder>,
    locks: BTreeSet<PathBuf>,
    operations: usize,
    /// How many of them asked for the names in a folder.
    listings: usize,
    event: Option<(usize, Event)>,
    crashed: bool,
    /// Bytes that fit on the disk.
    capacity: Option<u64>,
    /// Bytes that one write takes.
    per_write: Option<usize>,
    /// The file system has no hard links.
    linkless: bool,
    promises: Promises,
    /// How many changes of names there were.
    namings: usize,
    /// Renames wait while this is true.
    held: bool,
    renames_waiting: usize,
}

#[derive(Debug, Default, Clone)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Not durable, but before any later rename of the file.
    settled: Vec<Write>,
    pending: Vec<Write>,
    /// The disk knows of no name yet, and so it may have none there.
    nameless: bool,
}

#[derive(Debug, Clone)]
enum Write {
    Length(usize),
    Sector(usize, Vec<u8>),
}

#[derive(Debug, Default, Clone)]
struct Folder {
    seen: Names,
    durable: Names,
    pending: Vec<Naming>,
}

/// `None` is a folder, `Some` the number of a file.
type Names = BTreeMap<String, Option<usize>>;

#[derive(Debug, Clone, Default)]
struct Naming {
    removed: Option<String>,
    added: Option<(String, Option<usize>)>,
    /// The file whose settled contents are kept if this is.
    carries: Option<usize>,
    /// Which change of a name of all it is.
    number: usize,
}

impl Naming {
    fn apply(&self, names: &mut Names) {
        if let Some(name) = &self.removed {
            names.remove(name);
        }
        if let Some((name, node)) = &self.added {
            names.insert(name.clone(), *node);
        }
    }
}

impl Write {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let end = match self {
            Write::Length(len) => *len,
            Write::Sector(at, data) => at + data.len(),
        };
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        if let Write::Sector(at, data) = self {
            bytes[*at..][..data.len()].copy_from_slice(data);
        }
    }
}

impl Simulated {
    /// An empty disk with the folder `run`.
    pub(crate) fn new() -> Self {
        let run = Names::from([("run".to_owned(), None)]);
        let root = Folder { seen: run.clone(), durable: run, pending: Vec::new() };
        let folders = BTreeMap::from([(PathBuf::new(), root), (PathBuf::from("run"), Folder::default())]);
        Self(Arc::new((Mutex::new(State { folders, ..State::default() }), Condvar::new())))
    }

    /// A disk to which something happens.
    pub(crate) fn with(event: Event, at: usize) -> Self {
        let fs = Self::new();
        fs.state().event = Some((at, event));
        fs
    }

    /// The same disk, of which a write takes only so many bytes.
    pub(crate) fn per_write(self, bytes: usize) -> Self {
        self.state().per_write = Some(bytes);
        self
    }

    pub(crate) fn with_capacity(bytes: u64) -> Self {
        let fs = Self::new();
        fs.state().capacity = Some(bytes);
        fs
    }

    /// The same disk with other promises.
    pub(crate) fn promising(self, promises: Promises) -> Self {
        self.state().promises = promises;
        self
    }

    pub(crate) fn without_links(&self) {
        self.state().linkless = true;
    }

    pub(crate) fn operations(&self) -> usize {
        self.state().operations
    }

    pub(crate) fn listings(&self) -> usize {
        self.state().listings
    }

    pub(crate) fn fail_at(&self, at: usize, fault: Fault) {
        self.state().event = Some((at, Event::Fail(fault, false)));
    }

    /// From that operation on all fail.
    pub(crate) fn fail_from(&self, at: usize, fault: Fault) {
        self.state().event = Some((at, Event::Fail(fault, true)));
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        self.state().event = None;
    }

    /// Everything is as the next process finds it, if only the process died.
    pub(crate) fn process_dies(&self) {
        let mut state = self.state();
        state.locks.clear();
        state.crashed = false;
        state.event = None;
    }

    /// Lets renames wait, or go on.
    pub(crate) fn hold_renames(&self, held: bool) {
        self.state().held = held;
        self.0.1.notify_all();
    }

    /// Waits until a rename waits.
    pub(crate) fn wait_for_a_held_rename(&self) {
        let waiting = self.0.1.wait_while(self.state(), |state| state.renames_waiting == 0);
        drop(waiting);
    }

    /// How many changes are not durable.
    pub(crate) fn pending(&self) -> usize {
        let state = self.state();
        let of_files = |f: &File| f.settled.len() + f.pending.len() + usize::from(f.nameless);
        state.files.iter().map(of_files).sum::<usize>()
            + state.folders.values().map(|f| f.pending.len()).sum::<usize>()
    }

    /// The disk after a crash in which of the changes not durable those survived that `survives` says, by number.
    pub(crate) fn after_crash(&self, mut survives: impl FnMut(usize) -> bool) -> Self {
        let state = self.state();
        let mut number = 0;
        let mut next = || {
            number += 1;
            survives(number - 1)
        };
        let pending = state.folders.values().flat_map(|folder| &folder.pending);
        let kept: BTreeSet<usize> = pending.filter(|_| next()).map(|naming| naming.number).collect();
        let is_ordered = state.promises == Promises::Order;
        let last = kept.last().filter(|_| is_ordered).copied().unwrap_or(0);
        let mut carried = BTreeSet::new();
        let folder = |(path, folder): (&PathBuf, &Folder)| {
            let mut names = folder.durable.clone();
            for naming in folder.pending.iter().filter(|n| n.number < last || kept.contains(&n.number)) {
                naming.apply(&mut names);
                carried.extend(naming.carries);
            }
            (path.clone(), Folder { seen: names.clone(), durable: names, pending: Vec::new() })
        };
        let mut folders: BTreeMap<PathBuf, Folder> = state.folders.iter().map(folder).collect();
        let file = |(number, file): (usize, &File)| {
            let mut bytes = file.durable.clone();
            let settled = file.settled.iter().filter(|_| next() || carried.contains(&number));
            settled.for_each(|write| write.apply(&mut bytes));
            file.pending.iter().filter(|_| next()).for_each(|write| write.apply(&mut bytes));
            File {
                seen: bytes.clone(),
                durable: bytes,
                nameless: file.nameless && !next(),
                ..File::default()
            }
        };
        let files: Vec<File> = state.files.iter().enumerate().map(file).collect();
        let is_there = |node: &Option<usize>| node.is_none_or(|file| !files[file].nameless);
        for folder in folders.values_mut() {
            folder.seen.retain(|_, node| is_there(node));
            folder.durable.retain(|_, node| is_there(node));
        }
        // A folder whose own name is lost is lost with all that is in it.
        loop {
            let lost = folders.keys().find(|path| {
                path.parent().is_some_and(|parent| {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    folders.get(parent).is_none_or(|folder| !folder.seen.contains_key(name))
                })
            });
            match lost.cloned() {
                Some(path) => folders.remove(&path),
                None => break,
            };
        }
        let (capacity, linkless, promises) = (state.capacity, state.linkless, state.promises);
        let state = State { files, folders, capacity, linkless, promises, ..State::default() };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and says what is wrong with it. `Ok(true)` is a short write.
    fn begin(&self, is_sync: bool) -> io::Result<(MutexGuard<'_, State>, bool)> {
        let mut state = self.state();
        let number = state.operations;
        state.operations += 1;
        let mut short = false;
        if let Some((at, event)) = state.event {
            match event {
                Event::Crash if number >= at => state.crashed = true,
                Event::Fail(fault, for_good) if number == at || for_good && number > at => match fault {
                    Fault::Full if !is_sync => return Err(io::ErrorKind::StorageFull.into()),
                    Fault::Device => return Err(io::Error::other("the device failed")),
                    Fault::Interrupted => return Err(io::ErrorKind::Interrupted.into()),
                    Fault::Sync if is_sync => return Err(io::Error::other("the sync failed")),
                    Fault::Short => short = true,
                    Fault::Full | Fault::Sync => {}
                },
                _ => {}
            }
        }
        if state.crashed { Err(io::Error::other("the machine stopped")) } else { Ok((state, short)) }
    }

    fn change(&self, path: &Path, naming: Naming) -> io::Result<()> {
        let (mut state, _) = self.begin(false)?;
        state.change(path, naming)
    }
}

impl State {
    fn folder(&mut self, path: &Path) -> io::Result<&mut Folder> {
        self.folders.get_mut(path.parent().unwrap()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, path: &Path, naming: Naming) -> io::Result<()> {
        let naming = Naming { number: self.namings, ..naming };
        let folder = self.folder(path)?;
        naming.apply(&mut folder.seen);
        folder.pending.push(naming);
        self.namings += 1;
        Ok(())
    }

    fn find(&mut self, path: &Path) -> io::Result<usize> {
        let name = name_of(path);
        self.folder(path)?.seen.get(&name).copied().flatten().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The names that the file has now, if any, with what happened to them before.
    fn make_names_durable(&mut self, file: usize) {
        for Folder { seen, durable, pending } in self.folders.values_mut() {
            for name in seen.iter().filter(|(_, node)| **node == Some(file)).map(|(name, _)| name) {
                let touches = |naming: &mut Naming| {
                    naming.removed.as_ref() == Some(name)
                        || naming.added.as_ref().is_some_and(|(added, _)| added == name)
                };
                pending.extract_if(.., touches).for_each(|naming| naming.apply(durable));
                self.files[file].nameless = false;
            }
        }
    }

    fn used(&self) -> u64 {
        let named: BTreeSet<usize> =
            self.folders.values().flat_map(|f| f.seen.values().flatten().copied()).collect();
        named.into_iter().map(|file| self.files[file].seen.len() as u64).sum()
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

struct Handle {
    fs: Simulated,
    file: usize,
}

impl FileHandle for Handle {
    fn size(&self) -> io::Result<u64> {
        let (state, _) = self.fs.begin(false)?;
        Ok(state.files[self.file].seen.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (state, _) = self.fs.begin(false)?;
        let rest = state.files[self.file].seen.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let (mut state, short) = self.fs.begin(false)?;
        let offset = offset as usize;
        let taken = if short { bytes.len().div_ceil(3) } else { bytes.len() };
        let bytes = &bytes[..taken.min(state.per_write.unwrap_or(taken))];
        if state.capacity.is_some_and(|capacity| state.used() + bytes.len() as u64 > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = &mut state.files[self.file];
        let end = offset + bytes.len();
        let mut writes = Vec::new();
        if end > file.seen.len() {
            writes.push(Write::Length(end));
        }
        let mut at = offset;
        while at < end {
            let stop = end.min((at / SECTOR + 1) * SECTOR);
            writes.push(Write::Sector(at, bytes[at - offset..stop - offset].to_vec()));
            at = stop;
        }
        writes.iter().for_each(|write| write.apply(&mut file.seen));
        file.pending.extend(writes);
        Ok(bytes.len())
    }

    fn write_pieces_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        self.write_at(&bytes, offset)
    }

    fn settle(&self) -> io::Result<bool> {
        if self.fs.state().promises != Promises::Order {
            return Ok(false);
        }
        match self.fs.begin(true) {
            Ok((mut state, _)) => {
                let file = &mut state.files[self.file];
                file.settled.append(&mut file.pending);
                Ok(true)
            }
            Err(error) => {
                let mut state = self.fs.state();
                if !state.crashed {
                    state.files[self.file].pending.clear();
                }
                Err(error)
            }
        }
    }

    fn name(&self, path: &Path) -> io::Result<()> {
        let (mut state, _) = self.fs.begin(false)?;
        if state.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(path, Naming { added: Some((name_of(path), Some(self.file))), ..Naming::default() })
    }

    fn sync(&self) -> io::Result<()> {
        match self.fs.begin(true) {
            Ok((mut state, _)) => {
                let file = &mut state.files[self.file];
                file.settled.drain(..).for_each(|write| write.apply(&mut file.durable));
                file.pending.drain(..).for_each(|write| write.apply(&mut file.durable));
                if file.nameless {
                    state.make_names_durable(self.file);
                }
                Ok(())
            }
            Err(error) => {
                let mut state = self.fs.state();
                if !state.crashed {
                    state.files[self.file].pending.clear();
                }
                Err(error)
            }
        }
    }
}

impl FileSystem for Simulated {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        let (mut state, _) = self.begin(false)?;
        if state.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.change(path, Naming { added: Some((name_of(path), Some(file))), ..Naming::default() })?;
        let nameless = state.promises == Promises::NameWithFile;
        state.files.push(File { nameless, ..File::default() });
        Ok(Box::new(Handle { fs: self.clone(), file }))
    }

    fn create_unnamed(&self, _: &Path) -> io::Result<Option<Box<dyn FileHandle>>> {
        if self.state().promises != Promises::NameWithFile {
            return Ok(None);
        }
        let (mut state, _) = self.begin(false)?;
        let file = state.files.len();
        state.files.push(File { nameless: true, ..File::default() });
        Ok(Some(Box::new(Handle { fs: self.clone(), file })))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        let file = self.begin(false)?.0.find(path)?;
        Ok(Box::new(Handle { fs: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut state, _) = self.begin(false)?;
        if state.held {
            state.renames_waiting += 1;
            self.0.1.notify_all();
            state = self.0.1.wait_while(state, |state| state.held).unwrap_or_else(PoisonError::into_inner);
            state.renames_waiting -= 1;
        }
        assert_eq!(from.parent(), to.parent(), "all renames are within a folder");
        let file = state.find(from)?;
        if state.find(to).is_ok_and(|other| other == file) {
            return Ok(());
        }
        let carries = (!state.files[file].settled.is_empty()).then_some(file);
        state.change(
            to,
            Naming {
                removed: Some(name_of(from)),
                added: Some((name_of(to), Some(file))),
                carries,
                ..Naming::default()
            },
        )
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.state().find(from);
        if self.state().linkless {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.change(to, Naming { added: Some((name_of(to), Some(file?))), ..Naming::default() })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let (mut state, _) = self.begin(false)?;
        state.find(path)?;
        state.change(path, Naming { removed: Some(name_of(path)), ..Naming::default() })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let (mut state, _) = self.begin(true)?;
        let state = &mut *state;
        let folder = state.folders.get_mut(dir).ok_or(io::ErrorKind::NotFound)?;
        for naming in folder.pending.drain(..) {
            naming.apply(&mut folder.durable);
            if let Some(file) = naming.carries.map(|number| &mut state.files[number]) {
                file.settled.drain(..).for_each(|write| write.apply(&mut file.durable));
            }
        }
        Ok(())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let (mut state, _) = self.begin(false)?;
        if state.folders.contains_key(dir) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(dir, Naming { added: Some((name_of(dir), None)), ..Naming::default() })?;
        state.folders.insert(dir.to_path_buf(), Folder::default());
        Ok(())
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let (mut state, _) = self.begin(false)?;
        state.listings += 1;
        let folder = state.folders.get(dir).ok_or(io::ErrorKind::NotFound)?;
        Ok(folder.seen.keys().cloned().collect())
    }

    fn available(&self, _: &Path) -> io::Result<u64> {
        let (state, _) = self.begin(false)?;
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }

    fn lock(&self, path: &Path, _: &str) -> io::Result<Lock> {
        struct Taken(Simulated, PathBuf);
        impl Drop for Taken {
            fn drop(&mut self) {
                self.0.state().locks.remove(&self.1);
            }
        }
        let (mut state, _) = self.begin(false)?;
        if !state.locks.insert(path.to_path_buf()) {
            return Ok(Lock::Held("another store".to_owned()));
        }
        let taken: Box<dyn Any + Send + Sync> = Box::new(Taken(self.clone(), path.to_path_buf()));
        Ok(Lock::Taken(taken))
    }
}
