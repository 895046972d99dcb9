//! Files for what does not fit in memory: nameless, mapped into the address space, gone with the process.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// A file that is being written. It has no name in its folder, so that nothing is left behind, whatever ends the process,
/// and nobody else can change it.
pub(crate) struct Scratch {
    folder: PathBuf,
    file: BufWriter<File>,
    written: usize,
}

impl Scratch {
    /// A new one on the file system of this folder.
    pub(crate) fn new(folder: &Path) -> Result<Scratch> {
        let file = tempfile::tempfile_in(folder).map_err(|error| failed(folder, error))?;
        Ok(Scratch { folder: folder.to_owned(), file: BufWriter::with_capacity(1 << 20, file), written: 0 })
    }

    /// How many bytes are in it.
    pub(crate) fn len(&self) -> usize {
        self.written
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| failed(&self.folder, error))?;
        self.written += bytes.len();
        Ok(())
    }

    /// Everything that was written, to be read at will.
    pub(crate) fn map(self) -> Result<Mapped> {
        let Scratch { folder, file, .. } = self;
        let file = file.into_inner().map_err(|error| failed(&folder, error.into_error()))?;
        // SAFETY: the file has no name and its only handle is dropped here, so that nobody changes its contents or its
        // length while it is mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| failed(&folder, error))?;
        Ok(Mapped { map: Arc::new(map) })
    }
}

fn failed(folder: &Path, error: io::Error) -> Error {
    Error::Scratch { folder: folder.display().to_string(), error }
}

/// A scratch file that is complete. The system keeps as much of it in memory as there is room.
#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    map: Arc<Mmap>,
}

impl Mapped {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The bytes as numbers, as they were in memory when they were written; what is left of an incomplete one is left out.
    pub(crate) fn numbers(&self) -> &[f32] {
        // SAFETY: every pattern of bits is an f32. (A map begins with a page, so that nothing is left out at the front.)
        unsafe { self.map.align_to::<f32>() }.1
    }
}

/// The bytes of numbers, as they are in memory.
pub(crate) fn bytes_of(numbers: &[f32]) -> &[u8] {
    // SAFETY: any byte of an f32 is a byte, and bytes need no alignment.
    unsafe { numbers.align_to::<u8>() }.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = [1.5_f32, f32::NAN, -0.0];
        let mut scratch = Scratch::new(folder.path()).unwrap();
        scratch.write(bytes_of(&numbers)).unwrap();
        scratch.write(b"xy").unwrap();
        assert_eq!(scratch.len(), 14);
        let mapped = scratch.map().unwrap();
        assert_eq!(
            mapped.numbers().iter().map(|n| n.to_bits()).collect::<Vec<_>>(),
            numbers.map(f32::to_bits)
        );
        assert_eq!(&mapped.bytes()[12..], b"xy");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Scratch::new(Path::new("nowhere/at/all")).err().unwrap().to_string();
        assert!(error.starts_with("cannot keep data on disk in nowhere/at/all: "), "{error}");
    }
}
