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

/// From this length on, memory is mapped: it goes back to the system at once, and no page is there before it is needed.
///
/// Not in huge pages. They are twice as quick where they are to be had, and many times slower where the kernel must first
/// make them (measured on a virtual machine that gives unused ones back to its host).
const LARGE: usize = 4 << 20;

impl Memory {
    /// Zeros. Who fills much of them has them [provided](provide) before.
    pub(crate) fn zeroed(len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if len < LARGE {
            return Ok(Memory::Words(vec![0; len.div_ceil(8)], len));
        }
        MmapOptions::new().len(len).map_anon().map(Memory::Pages)
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

/// Asks for all pages of memory that is about to be filled for the first time: a trap into the kernel for each costs more
/// than filling it. Whoever does this piece by piece finds the zeros that the kernel writes still in the cache.
pub(crate) fn provide(bytes: &mut [u8]) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(1) as usize;
        let skipped = bytes.as_ptr().align_offset(page).min(bytes.len());
        let len = (bytes.len() - skipped) / page * page;
        if len > 0 {
            let first = bytes[skipped..].as_mut_ptr().cast();
            // SAFETY: the pages lie within `bytes`, which nobody else uses; the call changes none of their bytes. An older
            // kernel refuses it, and then they come one by one.
            unsafe { libc::madvise(first, len, libc::MADV_POPULATE_WRITE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_the_length_asked_for_and_is_aligned() {
        for len in [0, 1, 7, 8, 9, LARGE - 1, LARGE, LARGE + 1] {
            let mut memory = Memory::zeroed(len as u64).unwrap();
            assert_eq!(memory.bytes().len(), len);
            provide(memory.bytes_mut());
            assert!(memory.bytes().iter().all(|&byte| byte == 0));
            memory.bytes_mut().fill(7);
            provide(memory.bytes_mut());
            assert!(memory.bytes().iter().all(|&byte| byte == 7));
            assert!(memory.bytes().as_ptr().cast::<f64>().is_aligned());
        }
    }
}
