//! A file that takes the place of another when it is complete.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::durable::shortened;
use crate::filesystem::folder_of;

/// What follows a file's name, before two numbers, while it is written.
const PART: &str = ".part-";

/// What is written bit by bit, in a file beside the one that it is to be: whoever reads that sees the old one or the new one, each
/// complete. What is not [finished](Replacement::finish) goes; what a process has left that was killed goes with the next
/// replacement of the same file. Several processes may replace a file at once.
///
/// It is not made durable, as by [`durable::replace`](crate::durable::replace): it is for what can be made again, such as a page that
/// shows how a run stands. A link leads to the new file, which is open to whom the old one was. To what is no file, such as a pipe or
/// a device, is written at once.
///
/// ```
/// use highwater_checkpoint::Replacement;
/// use std::io::Write;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("page.html");
/// std::fs::write(&path, "old")?;
/// let mut page = Replacement::of(&path)?;
/// page.write_all(b"new")?;
/// assert_eq!(std::fs::read_to_string(&path)?, "old");
/// page.finish()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "new");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Replacement {
    file: File,
    /// Where it is written, and what it is to be; none for what is no file.
    names: Option<(PathBuf, PathBuf)>,
}

impl Replacement {
    /// Puts these bytes in the place of a file.
    ///
    /// # Errors
    /// If they cannot be written. Then what was there is still there, if it is a file.
    pub fn with(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let mut replacement = Replacement::of(path)?;
        replacement.write_all(bytes.as_ref())?;
        replacement.finish()
    }

    /// Begins a file that is to be at this path.
    ///
    /// # Errors
    /// If it cannot be made, or the one that is there must not be written to.
    pub fn of(path: impl AsRef<Path>) -> io::Result<Replacement> {
        let path = path.as_ref();
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

    /// Under a name that nobody has, nor had: who removes what was left might take it for another's. What processes have left there
    /// that were killed goes first.
    fn beside(path: PathBuf) -> io::Result<Replacement> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let begin = shortened(&path) + PART;
        remove_left(&path, &begin);
        loop {
            let (process, count) = (process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let part = path.with_file_name(format!("{begin}{process}-{count}"));
            match File::create_new(&part) {
                Ok(file) if take(&file)? => return Ok(Replacement { file, names: Some((part, path)) }),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// If it cannot be renamed. Then what was there is still there.
    pub fn finish(mut self) -> io::Result<()> {
        let Some((part, path)) = &self.names else { return Ok(()) };
        fs::rename(part, path)?;
        self.names = None;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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
        let numbers = name.to_str().and_then(|name| name.strip_prefix(begin)?.split_once('-'));
        let is_number = |text: &str| text.parse::<u64>().is_ok();
        let is_part = numbers.is_some_and(|(process, count)| is_number(process) && is_number(count))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
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

    #[test]
    fn what_killed_writers_left_goes_and_what_others_write_stays() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let other = Replacement::of(at("p.csv")).unwrap();
        for name in ["p.csv.part-2-0", "p.csv.part-7-12", "p.csv.part-7-x", "q.csv.part-1-1"] {
            fs::write(at(name), "half").unwrap();
        }
        let mut own = Replacement::of(at("p.csv")).unwrap();
        let names = || {
            let names = fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> =
                names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let [part, other_part] = [&own, &other].map(|written| written.names.as_ref().unwrap().0.clone());
        assert_eq!(names().len(), 4, "{:?}", names());
        assert!(part.exists() && other_part.exists());
        own.write_all(b"whole").unwrap();
        own.finish().unwrap();
        assert_eq!(fs::read_to_string(at("p.csv")).unwrap(), "whole");
        drop(other);
        assert_eq!(names(), ["p.csv", "p.csv.part-7-x", "q.csv.part-1-1"]);
    }

    #[test]
    fn two_who_write_the_same_file_do_not_mix_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let texts = ["a", "b", "c"].map(|letter| letter.repeat(100_000));
        std::thread::scope(|scope| {
            for text in &texts {
                let path = &path;
                scope.spawn(move || (0..200).for_each(|_| Replacement::with(path, text).unwrap()));
            }
        });
        assert!(texts.contains(&fs::read_to_string(&path).unwrap()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
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
        let path = dir.path().join("p.csv.part-1-1");
        let file = File::create_new(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!take(&file).unwrap());
        let (one, other) = (File::create(&path).unwrap(), File::open(&path).unwrap());
        assert!(take(&one).unwrap() && !take(&other).unwrap());
    }
}
