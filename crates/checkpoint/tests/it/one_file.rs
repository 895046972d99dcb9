//! A file system with one file in memory, for reading only: quick enough for every bit of a file.

use std::io;
use std::path::Path;

use highwater_checkpoint::{Checkpoint, Error, FileHandle, FileSystem, Lock, VerifyReport, verify_in};

#[derive(Debug)]
pub(crate) struct OneFile<'a>(pub(crate) &'a [u8]);

pub(crate) fn open(bytes: &[u8]) -> Result<Checkpoint, Error> {
    Checkpoint::open_in(&OneFile(bytes), Path::new("file"))
}

pub(crate) fn verify(bytes: &[u8]) -> Result<VerifyReport, Error> {
    verify_in(&OneFile(bytes), Path::new("file"))
}

struct Handle(Vec<u8>);

impl FileHandle for Handle {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        unreachable!()
    }

    fn sync(&self) -> io::Result<()> {
        unreachable!()
    }
}

impl FileSystem for OneFile<'_> {
    fn open(&self, _: &Path) -> io::Result<Box<dyn FileHandle>> {
        Ok(Box::new(Handle(self.0.to_vec())))
    }

    fn create_new(&self, _: &Path) -> io::Result<Box<dyn FileHandle>> {
        unreachable!()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn hard_link(&self, _: &Path, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        unreachable!()
    }

    fn names(&self, _: &Path) -> io::Result<Vec<String>> {
        unreachable!()
    }

    fn available(&self, _: &Path) -> io::Result<u64> {
        unreachable!()
    }

    fn lock(&self, _: &Path, _: &str) -> io::Result<Lock> {
        unreachable!()
    }
}
