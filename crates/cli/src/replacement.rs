//! A file that takes the place of another when it is complete.

use crate::folder::folder_of;
use highwater_checkpoint::durable::shortened;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// What follows a file's name, before a number, while it is written.
const PART: &str = ".part-";

/// What is written bit by bit, in a file beside the one that it is to be; it goes if it is not finished.
pub(crate) struct Replacement {
    pub(crate) file: File,
    /// Where it is written, and what it is to be; none for what is no file, as a pipe or a device.
    names: Option<(PathBuf, PathBuf)>,
}

impl Replacement {
    pub(crate) fn of(path: &Path) -> io::Result<Replacement> {
        // A link is to point to the new file.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Ok(old) = fs::metadata(&path) else { return Replacement::beside(path) };
        // One that must not be written to is to stay.
        let file = File::options().write(true).open(&path)?;
        if !old.is_file() {
            return Ok(Replacement { file, names: None });
        }
        let replacement = Replacement::beside(path)?;
        // It is open to whom the old one was.
        replacement.file.set_permissions(old.permissions())?;
        Ok(replacement)
    }

    /// Under a name that nobody has. What processes have left there that were killed goes first.
    fn beside(path: PathBuf) -> io::Result<Replacement> {
        let begin = shortened(&path) + PART;
        remove_left(&path, &begin);
        let mut number = 1;
        loop {
            let part = path.with_file_name(format!("{begin}{number}"));
            match File::create_new(&part) {
                Ok(file) if take(&file)? => return Ok(Replacement { file, names: Some((part, path)) }),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => number += 1,
            }
        }
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        let Some((part, path)) = &self.names else { return Ok(()) };
        fs::rename(part, path)?;
        self.names = None;
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.names {
            _ = fs::remove_file(part);
        }
    }
}

/// Removes the files beside a path, whose names begin like this, that no process has [taken](take). What cannot be
/// removed stays.
fn remove_left(path: &Path, begin: &str) {
    for entry in fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(begin)?.parse::<u32>().ok());
        let is_part = number.is_some() && entry.file_type().is_ok_and(|kind| kind.is_file());
        // The lock is held until the file is gone, so that nobody takes it meanwhile.
        if is_part
            && let Ok(left) = File::options().write(true).open(entry.path())
            && left.try_lock().is_ok()
        {
            _ = fs::remove_file(entry.path());
        }
    }
}

/// Locks a new file for as long as it is open. `false` if another process has taken it for one that was left.
fn take(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(false),
        // Where there are no locks, nothing is taken for left.
        Err(TryLockError::Error(_)) | Ok(()) => {}
    }
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0);
    #[cfg(not(unix))]
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_killed_writers_left_goes_and_what_others_write_stays() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let other = Replacement::of(&at("p.csv")).unwrap();
        for name in ["p.csv.part-2", "p.csv.part-7", "p.csv.part-x", "q.csv.part-1"] {
            fs::write(at(name), "half").unwrap();
        }
        let mut own = Replacement::of(&at("p.csv")).unwrap();
        let names = || {
            let mut names: Vec<String> = fs::read_dir(dir.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(names(), "p.csv.part-1 p.csv.part-2 p.csv.part-x q.csv.part-1");
        own.file.write_all(b"whole").unwrap();
        own.finish().unwrap();
        assert_eq!(fs::read_to_string(at("p.csv")).unwrap(), "whole");
        drop(other);
        assert_eq!(names(), "p.csv p.csv.part-x q.csv.part-1");
    }

    #[test]
    fn the_longest_name_is_no_longer_while_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("é".repeat(125) + ".csv");
        Replacement::of(&path).unwrap().finish().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_taken_for_left_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.csv.part-1");
        let file = File::create_new(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!take(&file).unwrap());
        let (one, other) = (File::create(&path).unwrap(), File::open(&path).unwrap());
        assert!(take(&one).unwrap() && !take(&other).unwrap());
    }
}
