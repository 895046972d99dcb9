//! What some file systems promise beyond what all do, and what that saves.
#![allow(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const EXT4: i64 = 0xef53;
const XFS: i64 = 0x5846_5342;

#[derive(Clone, Copy, PartialEq)]
enum Promise {
    /// What the file system notes about files and names goes through a journal, in order.
    Order,
    /// A name that a file was just given is durable when the file is.
    NameWithFile,
    Nothing,
}

/// Waits until the contents of a file are on the disk, though not yet what the file system notes about them, if these notes
/// go through a journal: then a rename that is made from now on is noted after them, and a crash that keeps the one keeps
/// the others. `false`, and nothing is promised, on any other file system.
///
/// Blocks, extents and length are noted before the page is no longer under writeback (ext4: `ext4_end_io_end` before
/// `ext4_finish_bio`; XFS: `xfs_end_ioend` before `iomap_finish_ioends`), the journal keeps the order, and both flush the
/// disk's cache before they commit.
pub(crate) fn settle(file: &File) -> io::Result<bool> {
    if of(&file.metadata()?, || rustix::fs::fstatfs(file)) != Promise::Order {
        return Ok(false);
    }
    const ALL: libc::c_uint =
        libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: a system call with an open descriptor and three numbers; it touches no memory of ours.
    let result = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, ALL) };
    if result == 0 { Ok(true) } else { Err(io::Error::last_os_error()) }
}

/// A new file without a name, if the file system makes its first name durable with it. `None` on any other file system.
///
/// Without a journal, `fsync` of a file on ext4 writes the file's notes, and the folder's if the name is new
/// (`ext4_sync_parent`). Each name that was durable before the contents would cost the folder another write.
pub(crate) fn create_unnamed(dir: &Path) -> io::Result<Option<File>> {
    if of(&fs::metadata(dir)?, || rustix::fs::statfs(dir)) != Promise::NameWithFile {
        return Ok(None);
    }
    OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(dir).map(Some)
}

/// Gives a file of [`create_unnamed`] its first name.
pub(crate) fn name(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    match linkat(file, "", CWD, path, AtFlags::EMPTY_PATH) {
        // Before Linux 6.10 only privileged users may.
        Err(rustix::io::Errno::NOENT) => {
            let own = Path::new(OWN_FILES).join(file.as_raw_fd().to_string());
            Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
        }
        named => Ok(named?),
    }
}

const OWN_FILES: &str = "/proc/self/fd";

/// Asked for each save: the last answer is remembered.
fn of(there: &fs::Metadata, statfs: impl FnOnce() -> rustix::io::Result<rustix::fs::StatFs>) -> Promise {
    static LAST: Mutex<Option<(u64, Promise)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match *last {
        Some((device, answer)) if device == there.dev() => answer,
        _ => {
            let kind = statfs().map_or(0, |about| about.f_type);
            #[allow(clippy::unnecessary_cast, reason = "the type depends on the architecture")]
            let answer = ask(there.dev(), kind as i64).unwrap_or(Promise::Nothing);
            *last = Some((there.dev(), answer));
            answer
        }
    }
}

fn ask(device: u64, kind: i64) -> io::Result<Promise> {
    match kind {
        XFS => Ok(Promise::Order),
        EXT4 => {
            let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
            let device = fs::read_link(format!("/sys/dev/block/{major}:{minor}"))?;
            let Some(name) = device.file_name() else { return Ok(Promise::Nothing) };
            // The number of the thread that writes the journal, or `<none>`.
            let task = fs::read_to_string(Path::new("/sys/fs/ext4").join(name).join("journal_task"))?;
            Ok(match task.trim() {
                "<none>" if Path::new(OWN_FILES).exists() => Promise::NameWithFile,
                task if task.parse::<u32>().is_ok() => Promise::Order,
                _ => Promise::Nothing,
            })
        }
        _ => Ok(Promise::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_answer_is_of_the_file_system_and_the_contents_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"contents").unwrap();
        assert_eq!(settle(&file).unwrap(), settle(&file).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"contents");
        let nowhere = File::options().write(true).open("/dev/null").unwrap();
        assert!(!settle(&nowhere).unwrap());
    }

    #[test]
    fn a_file_without_a_name_takes_one_that_nobody_has() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let named = |contents: &[u8]| {
            // Where there is no promise, a file without a name is one like any other.
            let mut file = OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(dir.path())?;
            file.write_all(contents)?;
            name(&file, &path)
        };
        if let Err(error) = named(b"contents") {
            assert!(!path.exists(), "{error}");
            return eprintln!("skipped: the file system has no files without a name: {error}");
        }
        assert_eq!(named(b"others").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"contents");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else has a name");
        assert!(create_unnamed(Path::new("/proc")).unwrap().is_none());
    }
}
