//! File systems that keep the order of changes, and what that saves.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const EXT4: i64 = 0xef53;
const XFS: i64 = 0x5846_5342;

/// Waits until the contents of a file are on the disk, though not yet what the file system notes about them, if these notes
/// go through a journal: then a rename that is made from now on is noted after them, and a crash that keeps the one keeps
/// the others. `false`, and nothing is promised, on any other file system.
///
/// Blocks, extents and length are noted before the page is no longer under writeback (ext4: `ext4_end_io_end` before
/// `ext4_finish_bio`; XFS: `xfs_end_ioend` before `iomap_finish_ioends`), the journal keeps the order, and both flush the
/// disk's cache before they commit.
pub(crate) fn settle(file: &File) -> io::Result<bool> {
    if !is_journaled(file) {
        return Ok(false);
    }
    const ALL: libc::c_uint =
        libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: a system call with an open descriptor and three numbers; it touches no memory of ours.
    let result = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, ALL) };
    if result == 0 { Ok(true) } else { Err(io::Error::last_os_error()) }
}

/// Asked for each save: the last answer is remembered.
fn is_journaled(file: &File) -> bool {
    static LAST: Mutex<Option<(u64, bool)>> = Mutex::new(None);
    let Ok(device) = file.metadata().map(|metadata| metadata.dev()) else { return false };
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match *last {
        Some((known, answer)) if known == device => answer,
        _ => {
            let answer = ask(file, device).unwrap_or(false);
            *last = Some((device, answer));
            answer
        }
    }
}

fn ask(file: &File, device: u64) -> io::Result<bool> {
    let kind = rustix::fs::fstatfs(file)?.f_type;
    #[allow(clippy::unnecessary_cast, reason = "the type depends on the architecture")]
    match kind as i64 {
        XFS => Ok(true),
        EXT4 => {
            let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
            let device = fs::read_link(format!("/sys/dev/block/{major}:{minor}"))?;
            let Some(name) = device.file_name() else { return Ok(false) };
            // The number of the thread that writes the journal, or `<none>`.
            let task = fs::read_to_string(Path::new("/sys/fs/ext4").join(name).join("journal_task"))?;
            Ok(task.trim().parse::<u32>().is_ok())
        }
        _ => Ok(false),
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
}
