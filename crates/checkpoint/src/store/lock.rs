//! The lock that makes a store the only writer of its folder.

use std::any::Any;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::Store;
use crate::error::{Context, Error};
use crate::filesystem::{FileSystem, Lock, uninterrupted};

/// The file that only the writer of a folder has locked.
const LOCK: &str = ".lock";

impl Store {
    /// A lock whose file was removed keeps nobody out: it is taken again, unless somebody else was here first.
    pub(super) fn keep_lock(&mut self) -> Result<(), Error> {
        let (fs, dir) = (&*self.folder.fs, self.folder.dir());
        let lost = || Error::LockLost { dir: dir.to_path_buf() };
        match fs.holds(&dir.join(LOCK), &*self.lock) {
            Ok(false) => return Err(lost()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // What cannot be told is left to those who write.
            Ok(true) | Err(_) => return Ok(()),
        }
        self.lock = take(fs, dir).map_err(|error| match error {
            Error::Locked { .. } => lost(),
            Error::Io { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                Error::Gone { dir: dir.to_path_buf() }
            }
            error => error,
        })?;
        Ok(())
    }
}

/// How long a process may take to end.
const ENDING: Duration = Duration::from_secs(1);

/// A process that was killed has its lock until the write is done that the system is just making for it.
pub(super) fn take_when_free(fs: &dyn FileSystem, dir: &Path) -> Result<Box<dyn Any + Send + Sync>, Error> {
    let began = Instant::now();
    loop {
        match take(fs, dir) {
            Err(Error::Locked { .. }) if began.elapsed() < ENDING => thread::sleep(ENDING / 50),
            taken => return taken,
        }
    }
}

fn take(fs: &dyn FileSystem, dir: &Path) -> Result<Box<dyn Any + Send + Sync>, Error> {
    let path = dir.join(LOCK);
    match uninterrupted(|| fs.lock(&path, &holder())).context("lock", &path)? {
        Lock::Taken(lock) => Ok(lock),
        Lock::Held(holder) => Err(Error::Locked { dir: dir.to_path_buf(), holder }),
    }
}

/// What a lock says about the one who has it.
fn holder() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name).map(|name| format!(" ({})", name.display()));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.map(|host| format!(" on {}", host.trim()));
    format!("process {}{}{}", std::process::id(), name.unwrap_or_default(), host.unwrap_or_default())
}
