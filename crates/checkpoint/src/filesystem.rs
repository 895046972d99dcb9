//! The file operations that a store needs, behind a trait, so that tests can take the disk away at any of them.

use std::any::Any;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Operations on files and folders, each of them one call to the operating system.
///
/// [`Disk`] is the real one. Another implementation can keep files in memory, fail on purpose or count; every promise of
/// this crate is made in terms of these operations.
///
/// # Errors
/// Each gives that of the operating system.
#[allow(clippy::missing_errors_doc, reason = "the same for all, and said of all")]
pub trait FileSystem: fmt::Debug + Send + Sync {
    /// Creates a file that does not exist, for writing, with the access mode that the user's umask allows.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileHandle>>;
    /// Creates a file without a name in a folder, for writing, with the access mode that the user's umask allows, if the
    /// file system makes the name that [`FileHandle::name`] gives it durable with its contents. `None` on any other file
    /// system. A file that never gets a name goes when it is closed.
    fn create_unnamed(&self, _dir: &Path) -> io::Result<Option<Box<dyn FileHandle>>> {
        Ok(None)
    }
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn FileHandle>>;
    /// Gives a file another name in the same file system, replacing what has it, all or nothing.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name of a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Creates a folder in one that exists.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in a folder, in any order. Names that are not Unicode are left out.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Bytes that this user can still write.
    fn available(&self, dir: &Path) -> io::Result<u64>;
    /// Takes the lock at `path` for as long as the result lives, and writes `holder` into it. The lock of a process that
    /// died is free.
    fn lock(&self, path: &Path, holder: &str) -> io::Result<Lock>;
    /// Whether a lock that was taken at `path` is still that of the file there, which somebody may have removed and made again.
    fn holds(&self, _path: &Path, _lock: &(dyn Any + Send + Sync)) -> io::Result<bool> {
        Ok(true)
    }
}

/// An open file.
///
/// # Errors
/// As those of [`FileSystem`], each gives that of the operating system.
#[allow(clippy::missing_errors_doc, reason = "the same for all, and said of all")]
pub trait FileHandle: Send + Sync {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Reads up to `buffer.len()` bytes from `offset`; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some of `bytes` at `offset`, and says how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Writes some of `pieces`, which follow each other, at `offset`, and says how many bytes.
    fn write_pieces_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let first = pieces.iter().find(|piece| !piece.is_empty());
        first.map_or(Ok(0), |piece| self.write_at(piece, offset))
    }
    /// Returns when the contents and the length are on the disk.
    fn sync(&self) -> io::Result<()>;
    /// Brings the contents to the disk where the file system keeps the order of changes: after a crash a later rename of
    /// this file is only there if the contents are, and no change of a name that is made from now on is there if an
    /// earlier one is not. Cheaper than [`FileHandle::sync`]. `false` on any other file system; then nothing was promised.
    fn settle(&self) -> io::Result<bool> {
        Ok(false)
    }
    /// Gives a file of [`FileSystem::create_unnamed`] a name in its folder that nobody has. The name is durable, and stands for
    /// the file after a crash, when the file was synced again ([`FileHandle::sync`]); that the folder is synced is not enough.
    fn name(&self, _path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Sets room aside for `len` bytes, if the file system can. Fails if there is none.
    fn reserve(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }
    /// Hints that these bytes may go to the disk already, and will not be needed soon.
    fn start_writing(&self, _range: Range<u64>) {}
}

/// The answer to [`FileSystem::lock`].
#[derive(Debug)]
pub enum Lock {
    /// Taken; released when dropped.
    Taken(Box<dyn Any + Send + Sync>),
    /// Somebody else has it; what the holder wrote about itself.
    Held(String),
}

/// The file system of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl FileSystem for Disk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    #[cfg(target_os = "linux")]
    fn create_unnamed(&self, dir: &Path) -> io::Result<Option<Box<dyn FileHandle>>> {
        Ok(crate::promise::create_unnamed(dir)?.map(|file| Box::new(file) as Box<dyn FileHandle>))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn FileHandle>> {
        Ok(Box::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Windows has no such operation; there a rename is durable when the file system's journal says so.
        if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    #[cfg(unix)]
    fn available(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    #[cfg(not(unix))]
    fn available(&self, _dir: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Lock> {
        let mut tries = 1;
        loop {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            match file.try_lock() {
                Ok(()) => {
                    let number = number(&file.metadata()?).filter(|own| is_at(path, *own).unwrap_or(false));
                    // Removed since it was opened, so that who comes next makes another. Or nobody can tell, if again and again.
                    if number.is_none() && tries < TRIES {
                        tries += 1;
                        continue;
                    }
                    file.set_len(0)?;
                    file.rewind()?;
                    file.write_all(holder.as_bytes())?;
                    return Ok(Lock::Taken(Box::new(LockedFile { file, number })));
                }
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    // Windows does not let others read a locked file.
                    let _ = file.take(4096).read_to_string(&mut text);
                    let holder = if text.is_empty() { "another process" } else { text.trim_end() };
                    return Ok(Lock::Held(holder.to_owned()));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    fn holds(&self, path: &Path, lock: &(dyn Any + Send + Sync)) -> io::Result<bool> {
        match lock.downcast_ref() {
            Some(LockedFile { number: Some(own), .. }) => is_at(path, *own),
            _ => Ok(true),
        }
    }
}

/// Whether the file of this number is the one at `path`.
fn is_at(path: &Path, own: (u64, u64)) -> io::Result<bool> {
    Ok(number(&fs::metadata(path)?) == Some(own))
}

/// What tells an open file from all others.
#[cfg(unix)]
fn number(file: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

/// Others do not let an open file be removed.
#[cfg(not(unix))]
fn number(_file: &fs::Metadata) -> Option<(u64, u64)> {
    Some((0, 0))
}

impl FileHandle for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, bytes, offset)
    }

    #[cfg(target_os = "linux")]
    fn write_pieces_at(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwritev(self, pieces, offset)?)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn settle(&self) -> io::Result<bool> {
        crate::promise::settle(self)
    }

    #[cfg(target_os = "linux")]
    fn name(&self, path: &Path) -> io::Result<()> {
        crate::promise::name(self, path)
    }

    #[cfg(target_os = "linux")]
    fn reserve(&self, len: u64) -> io::Result<()> {
        let reserved = rustix::fs::fallocate(self, rustix::fs::FallocateFlags::empty(), 0, len);
        reserved.map_err(io::Error::from).or_else(|error| if is_full(&error) { Err(error) } else { Ok(()) })
    }

    #[cfg(target_os = "linux")]
    fn start_writing(&self, range: Range<u64>) {
        let len = std::num::NonZeroU64::new(range.end - range.start);
        // Linux begins to write the dirty pages of the range, and drops none of them before that is done.
        let _ = rustix::fs::fadvise(self, range.start, len, rustix::fs::Advice::DontNeed);
    }
}

/// Whether an error means that there is no room, in the file system or for this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// How often an interrupted call is made again before the interruption counts as an error.
const INTERRUPTIONS: usize = 1000;

/// Calls again while the call is interrupted by a signal. Not for `sync`, whose failure must not be retried.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..INTERRUPTIONS {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
    call()
}

/// Fills `buffer` from `offset` on.
pub(crate) fn read_exact_at(file: &dyn FileHandle, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let n = uninterrupted(|| file.read_at(buffer, offset))?;
        if n == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the file ends at byte {offset}"),
            ));
        }
        buffer = &mut buffer[n..];
        offset += n as u64;
    }
    Ok(())
}

/// Writes all of `bytes` from `offset` on.
pub(crate) fn write_all_at(file: &dyn FileHandle, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_pieces_at(file, &mut [IoSlice::new(bytes)], offset)
}

/// Writes all of `pieces`, one after the other, from `offset` on. What is left of them is of no use.
pub(crate) fn write_pieces_at(
    file: &dyn FileHandle,
    mut pieces: &mut [IoSlice<'_>],
    mut offset: u64,
) -> io::Result<()> {
    // Leading empty pieces go.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        let n = uninterrupted(|| file.write_pieces_at(pieces, offset))?;
        if n == 0 {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                format!("nothing more is written at byte {offset}"),
            ));
        }
        IoSlice::advance_slices(&mut pieces, n);
        offset += n as u64;
    }
    Ok(())
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// A lock on a file that ends with this value. Closing the file alone would not end it while a child that this process
/// is just starting still has a copy of the descriptor.
struct LockedFile {
    file: File,
    /// By this it is told from others at its path, if it can be.
    number: Option<(u64, u64)>,
}

/// How often a lock is taken anew whose file is not the one at its path, before that counts for nothing.
const TRIES: usize = 9;

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing the file is left to end the lock.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_free_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let first = Disk.lock(&path, "the first").unwrap();
        assert!(matches!(first, Lock::Taken(_)));
        assert!(
            matches!(Disk.lock(&path, "the second").unwrap(), Lock::Held(holder) if holder == "the first")
        );
        drop(first);
        assert!(matches!(Disk.lock(&path, "the third").unwrap(), Lock::Taken(_)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "the third");
    }

    #[test]
    fn an_interrupted_call_is_made_again_but_not_for_ever() {
        let mut left = 3;
        let mut call = || {
            left -= 1;
            if left > 0 { Err(io::Error::from(io::ErrorKind::Interrupted)) } else { Ok(left) }
        };
        assert_eq!(uninterrupted(&mut call).unwrap(), 0);
        let mut calls = 0;
        let result = uninterrupted(|| -> io::Result<()> {
            calls += 1;
            Err(io::ErrorKind::Interrupted.into())
        });
        assert!(result.is_err());
        assert_eq!(calls, INTERRUPTIONS);
    }

    #[test]
    fn the_folder_of_a_bare_name_is_the_current_one() {
        assert_eq!(folder_of(Path::new("a")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/b")), Path::new("a"));
    }

    #[test]
    fn the_disk_has_room() {
        assert!(Disk.available(Path::new(".")).unwrap() > 0);
    }
}
