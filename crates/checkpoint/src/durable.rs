//! Writing files so that a name stands for all of its contents or does not exist.
//!
//! Checkpoints are written so, and so can be what belongs beside them ([`replace`]).
//!
//! The order, and why: a sibling temporary file, because a rename replaces a name only within one file system; `fsync` of
//! the file before the rename, because a file system may make the name durable before the contents; `fsync` of the folder
//! after it, because only that makes the name durable. A file whose `fsync` failed is removed and never synced again:
//! after the failure the kernel counts the lost pages as written (Rebello et al., "Can Applications Recover from fsync
//! Failures?", ATC 2020).
//!
//! Each of the two costs a commit of the file system's journal, which is most of the time of a small save. Where the file
//! system keeps the order of its changes ([`FileHandle::settle`]), the contents are brought to the disk, the rename is
//! made, and only the folder is synced: one commit holds all of it, and no crash leaves the name without the contents. A
//! second name of the file, in another folder, is made before that commit too, and costs nearly nothing.
//!
//! Where a name is durable with its file ([`FileSystem::create_unnamed`]), a new file gets none before its contents are
//! durable, and is synced again when it has: the folder is written once instead of twice.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Context, Error};
use crate::filesystem::{
    Disk, FileHandle, FileSystem, folder_of, read_exact_at, uninterrupted, write_all_at,
};

/// Makes `path` stand for these bytes: for the old file or for the new one, complete, at every moment, and durable when this
/// returns. For files that belong beside checkpoints, such as the configuration of a run.
///
/// Only one process may replace the same file at a time: a temporary file beside it is taken for that of a process that died, and
/// removed.
///
/// ```
/// use highwater_checkpoint::durable;
///
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// let run = dir.join("runs/17");
/// durable::create_folder(&run)?;
/// durable::replace(run.join("config.json"), br#"{"seed": 17}"#)?;
/// assert_eq!(std::fs::read_to_string(run.join("config.json"))?, r#"{"seed": 17}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Io`]. Then `path` is as before, or, if only the `fsync` of the folder failed, complete and perhaps not durable.
pub fn replace(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), Error> {
    let path = path.as_ref();
    must_be_replaceable(path)?;
    sweep_beside(&Disk, path)?;
    replace_in(&Disk, path, |file| write_all_at(file, bytes, 0))
}

/// Creates a folder and those above it, if they do not exist, and makes their names durable: without these, all that is saved in
/// them would be lost.
///
/// # Errors
/// [`Error::Io`], also if a file has the name.
pub fn create_folder(dir: impl AsRef<Path>) -> Result<(), Error> {
    let dir = dir.as_ref();
    create_folder_in(&Disk, dir)?;
    if dir.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()).context("create", dir) }
}

/// Whether a file is the temporary one of a process that died while it [replaced](replace) `path`.
pub fn is_left_of(file: impl AsRef<Path>, path: impl AsRef<Path>) -> bool {
    let name = file.as_ref().file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| is_temporary(name, &(shortened(path) + ".")))
}

/// The beginning of a file's name, which leaves room for more: file systems allow 255 bytes. For the name of the temporary file
/// beside it in which it is written first.
pub(crate) fn shortened(path: impl AsRef<Path>) -> String {
    let mut name = path.as_ref().file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.truncate(name.floor_char_boundary(LONGEST));
    name
}

/// An error if there is something at the path that is no file: a rename would destroy a device or a pipe, where it may, and
/// opening a pipe would wait for ever.
pub(crate) fn must_be_replaceable(path: &Path) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")).context("replace", path)
        }
        _ => Ok(()),
    }
}

/// As [`replace`], in any file system, with what `write` writes, and without looking for what others left.
pub(crate) fn replace_in(
    fs: &dyn FileSystem,
    path: &Path,
    write: impl FnOnce(&dyn FileHandle) -> io::Result<()>,
) -> Result<(), Error> {
    match put(fs, path, write)? {
        Durability::Durable => Ok(()),
        Durability::Ordered | Durability::Pending => sync_folder_of(fs, path),
    }
}

/// As [`replace_in`], and then as [`publish`] at `other`: what became of that is the inner result. No crash leaves `other`
/// changed and `path` not.
pub(crate) fn replace_and_publish(
    fs: &dyn FileSystem,
    path: &Path,
    other: &Path,
    write: impl FnOnce(&dyn FileHandle) -> io::Result<()>,
) -> Result<Result<(), Error>, Error> {
    let durability = put(fs, path, write)?;
    let is_linked = durability == Durability::Ordered && link(fs, path, other).is_ok();
    if durability != Durability::Durable {
        sync_folder_of(fs, path)?;
    }
    Ok(if is_linked { sync_folder_of(fs, other) } else { publish(fs, path, other) })
}

/// How durable a new name is.
#[derive(PartialEq)]
enum Durability {
    Durable,
    /// Names that are made from now on are not durable before it is.
    Ordered,
    /// It is durable when its folder is synced.
    Pending,
}

/// As [`replace_in`], but that the name may not be durable yet.
fn put(
    fs: &dyn FileSystem,
    path: &Path,
    write: impl FnOnce(&dyn FileHandle) -> io::Result<()>,
) -> Result<Durability, Error> {
    if is_free(fs, path)
        && let Some(file) = uninterrupted(|| fs.create_unnamed(&folder_of(path))).context("create", path)?
    {
        write(&*file).context("write", path)?;
        file.sync().context("sync", path)?;
        return give_name(fs, &*file, path);
    }
    let (temporary, file) =
        Temporary::beside(fs, path, |temporary| fs.create_new(temporary)).context("create", path)?;
    write(&*file).context("write", path)?;
    let is_ordered = file.settle().context("write", path)?;
    if !is_ordered {
        file.sync().context("sync", path)?;
    }
    drop(file);
    temporary.become_file(path)?;
    Ok(if is_ordered { Durability::Ordered } else { Durability::Pending })
}

/// Gives a file without a name this one.
fn give_name(fs: &dyn FileSystem, file: &dyn FileHandle, path: &Path) -> Result<Durability, Error> {
    match uninterrupted(|| file.name(path)) {
        // A link that leads nowhere, or somebody was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let (temporary, ()) =
                Temporary::beside(fs, path, |temporary| file.name(temporary)).context("name", path)?;
            file.sync().context("sync", path)?;
            temporary.become_file(path)?;
            Ok(Durability::Pending)
        }
        named => {
            named.context("name", path)?;
            let mut named = Temporary { fs, path: path.to_path_buf() };
            file.sync().context("sync", path)?;
            named.keep();
            Ok(Durability::Durable)
        }
    }
}

/// Whether there is nothing at a path.
fn is_free(fs: &dyn FileSystem, path: &Path) -> bool {
    matches!(uninterrupted(|| fs.open(path)), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Makes `path` another name of the committed file `source`: by a hard link, or by a copy where there are none.
pub(crate) fn publish(fs: &dyn FileSystem, source: &Path, path: &Path) -> Result<(), Error> {
    if link(fs, source, path).is_ok() {
        return sync_folder_of(fs, path);
    }
    let from = uninterrupted(|| fs.open(source)).context("open", source)?;
    replace_in(fs, path, |to| {
        let len = from.size()?;
        let mut buffer = vec![0; 1 << 20];
        for offset in (0..len).step_by(1 << 20) {
            let chunk = &mut buffer[..(len - offset).min(1 << 20) as usize];
            read_exact_at(&*from, chunk, offset)?;
            write_all_at(to, chunk, offset)?;
        }
        Ok(())
    })
}

/// Makes `path` another name of the file `source`, all or nothing, and not durable yet.
fn link(fs: &dyn FileSystem, source: &Path, path: &Path) -> Result<(), Error> {
    let linked = Temporary::beside(fs, path, |temporary| fs.hard_link(source, temporary));
    let (temporary, ()) = linked.context("link", path)?;
    // A rename between two names of one file does nothing: then the temporary name is still there, and goes on return.
    uninterrupted(|| fs.rename(&temporary.path, path)).context("rename", path)
}

/// Makes a complete file durable whose writer may have died before it was.
pub(crate) fn make_durable(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    sync_file(fs, path)?;
    sync_folder_of(fs, path)
}

/// Makes the contents of a file durable.
pub(crate) fn sync_file(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let file = uninterrupted(|| fs.open(path)).context("open", path)?;
    match file.sync() {
        // Windows syncs no file that is open for reading only. It was synced before it had its name.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced.context("sync", path),
    }
}

/// As [`create_folder`], in any file system.
pub(crate) fn create_folder_in(fs: &dyn FileSystem, dir: &Path) -> Result<(), Error> {
    match uninterrupted(|| fs.create_dir(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(dir) != dir => {
            create_folder_in(fs, &folder_of(dir))?;
            uninterrupted(|| fs.create_dir(dir)).context("create", dir)?;
        }
        // Perhaps by a process that died before it could sync.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => created.context("create", dir)?,
    }
    match sync_folder_of(fs, dir) {
        // One may use a folder that one may not read.
        Err(Error::Io { error, .. }) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Makes the name at `path`, or its absence, durable.
pub(crate) fn sync_folder_of(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    let dir = folder_of(path);
    fs.sync_dir(&dir).context("sync", &dir)
}

/// A name that goes when its owner does, whatever the reason.
struct Temporary<'a> {
    fs: &'a dyn FileSystem,
    path: PathBuf,
}

impl<'a> Temporary<'a> {
    /// Makes something of a name that nobody has. Names may be left over from a process of the same number.
    fn beside<T>(
        fs: &'a dyn FileSystem,
        path: &Path,
        make: impl Fn(&Path) -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = shortened(path);
        loop {
            let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = folder_of(path).join(format!(".{name}.{process}-{count}{SUFFIX}"));
            match uninterrupted(|| make(&path)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return Ok((Self { fs, path }, made?)),
            }
        }
    }
}

impl Temporary<'_> {
    /// Gives the only name of a file up for another one.
    fn become_file(mut self, path: &Path) -> Result<(), Error> {
        uninterrupted(|| self.fs.rename(&self.path, path)).context("rename", path)?;
        self.keep();
        Ok(())
    }

    fn keep(&mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = uninterrupted(|| self.fs.remove_file(&self.path));
        }
    }
}

const SUFFIX: &str = ".tmp";
/// So much of a file's name is in that of its temporary file, in bytes.
const LONGEST: usize = 200;

/// Removes temporary files of files whose names begin with `prefix`, which a process that died has left. No other process may be
/// writing such files.
pub(crate) fn sweep(fs: &dyn FileSystem, dir: &Path, prefix: &str) -> Result<(), Error> {
    for name in fs.names(dir).context("list", dir)?.iter().filter(|name| is_temporary(name, prefix)) {
        let path = dir.join(name);
        uninterrupted(|| fs.remove_file(&path)).context("remove", &path)?;
    }
    Ok(())
}

/// As [`sweep`], for one file.
pub(crate) fn sweep_beside(fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
    sweep(fs, &folder_of(path), &(shortened(path) + "."))
}

/// Whether a name is that of a temporary file, as [`replace_in`] and [`publish`] make them, of a file whose name begins with
/// `prefix`.
fn is_temporary(name: &str, prefix: &str) -> bool {
    let Some(stem) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(SUFFIX)) else { return false };
    let number = stem.rsplit('.').next().unwrap_or_default();
    stem.starts_with(prefix) && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_replaced_and_only_what_was_on_the_way_to_it_goes() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("a/b");
        create_folder(&run).unwrap();
        create_folder(&run).unwrap();
        let file = run.join("x.json");
        let others = [".x.json.bak.tmp", ".x.json2.7-1.tmp", "x.json.tmp"];
        for name in [".x.json.7-1.tmp"].iter().chain(&others) {
            fs::write(run.join(name), "half").unwrap();
            assert_eq!(is_left_of(run.join(name), &file), !others.contains(name), "{name}");
        }
        replace(&file, b"old").unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let mut names = Disk.names(&run).unwrap();
        names.sort();
        assert_eq!(names, [others[0], others[1], "x.json", others[2]]);
    }

    #[test]
    fn the_longest_name_is_no_longer_while_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("é".repeat(125) + ".json");
        for text in ["old", "new"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        replace(&path, b"new").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_in_the_way_is_named_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        create_folder(&path).unwrap();
        let error = replace(&path, b"x").unwrap_err();
        assert_eq!(error.to_string(), format!("{}: cannot replace: it is not a file", path.display()));
        assert_eq!(Disk.names(dir.path()).unwrap(), ["config.toml"]);
        fs::write(dir.path().join("file"), "").unwrap();
        for name in ["file", "file/below"] {
            assert!(create_folder(dir.path().join(name)).is_err(), "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_neither_replaced_nor_waited_for() {
        use std::os::unix::fs::FileTypeExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        assert!(replace(&path, b"x").is_err());
        assert!(crate::write(&path, &crate::Snapshot::default()).is_err());
        assert!(crate::export(&path, &[], &[]).is_err());
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
    }
}
