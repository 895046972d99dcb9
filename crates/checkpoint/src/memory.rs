//! The bytes of a file in memory, aligned for numbers of every type.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapMut, MmapOptions};

use crate::cast;

pub(crate) enum Memory {
    Words(Vec<u64>, usize),
    Pages(MmapMut),
    File(Mmap),
}

/// From this length on, all pages are asked for at once: one trap into the kernel for each costs more than filling it.
///
/// Not huge pages. They are quicker still where they are to be had, and many times slower where the kernel must first make
/// them (measured on a virtual machine that gives unused ones back to its host).
const LARGE: usize = 4 << 20;

impl Memory {
    /// Zeros.
    pub(crate) fn zeroed(len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if len < LARGE {
            return Ok(Memory::Words(vec![0; len.div_ceil(8)], len));
        }
        MmapOptions::new().len(len).populate().map_anon().map(Memory::Pages)
    }

    /// The contents of a file, as they are and as they become.
    ///
    /// # Safety
    /// Nobody changes the contents or the length of the file while the memory lives.
    pub(crate) unsafe fn of_file(file: &File) -> io::Result<Self> {
        // SAFETY: the caller promises what a shared map needs.
        Ok(Memory::File(unsafe { MmapOptions::new().map(file) }?))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Memory::Words(words, len) => &cast::bytes_of(words)[..*len],
            Memory::Pages(pages) => pages,
            Memory::File(map) => map,
        }
    }

    /// The bytes, for writing; a file's cannot be written, and are none here.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Memory::Words(words, len) => &mut cast::bytes_of_mut(words)[..*len],
            Memory::Pages(pages) => pages,
            Memory::File(_) => &mut [],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_the_length_asked_for_and_is_aligned() {
        for len in [0, 1, 7, 8, 9, LARGE - 1, LARGE, LARGE + 1] {
            let mut memory = Memory::zeroed(len as u64).unwrap();
            assert_eq!(memory.bytes().len(), len);
            assert!(memory.bytes().iter().all(|&byte| byte == 0));
            memory.bytes_mut().fill(7);
            assert!(memory.bytes().iter().all(|&byte| byte == 7));
            assert!(memory.bytes().as_ptr().cast::<f64>().is_aligned());
        }
    }
}
