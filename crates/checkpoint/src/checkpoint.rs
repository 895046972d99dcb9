//! Reading a checkpoint: verify, then trust.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use twox_hash::XxHash3_128;

use crate::array::ArrayView;
use crate::check::{Job, compare, read_and_verify};
use crate::envelope::{self, Envelope};
use crate::error::{Context, Damage, Error};
use crate::facts::Facts;
use crate::filesystem::{Disk, FileSystem, read_exact_at};
use crate::header::{Header, TensorInfo};
use crate::integrity::{self, Integrity};
use crate::memory::{self, Memory};
use crate::section::{PREFIX, Schema, Section, SectionView, climb};

/// A checkpoint that was read. What it hands out was verified.
pub struct Checkpoint {
    path: PathBuf,
    header: Header,
    facts: Facts,
    /// Not in a file of another program.
    pub(crate) integrity: Option<Integrity>,
    memory: Memory,
    /// Where `memory` begins in the file.
    start: u64,
    /// For each tensor that is verified when it is touched first, what was found then.
    touched: Option<Vec<OnceLock<Option<Damage>>>>,
}

impl Checkpoint {
    /// Reads a file and verifies every byte of it.
    ///
    /// # Errors
    /// [`Error::Damaged`] names every part whose hash does not hold, [`Error::NotACheckpoint`] says why a file is none,
    /// [`Error::FormatVersion`] if it is from the future, [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(&Disk, path.as_ref())
    }

    /// As [`Checkpoint::open`], in another file system.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open_in(fs: &dyn FileSystem, path: &Path) -> Result<Self, Error> {
        let file = fs.open(path).context("open", path)?;
        let envelope = Envelope::read(&*file, path)?;
        let start = envelope.integrity.header_len;
        let mut memory = Memory::zeroed(envelope.data_end() - start).context("make room for", path)?;
        let mut rest = memory.bytes_mut();
        let mut jobs = Vec::new();
        for (tensor, &expected) in envelope.tensors() {
            let (bytes, after) = rest.split_at_mut(tensor.len() as usize);
            rest = after;
            jobs.push(Job { tensor, expected, into: Some(bytes) });
        }
        read_and_verify(&*file, path, jobs)?;
        Ok(Self::of(envelope, path, memory, start))
    }

    /// Maps a file into memory instead of reading it: ready at once, whatever its size. The header is verified now, each
    /// tensor when it is first asked for, or all by [`Checkpoint::verify`].
    ///
    /// # Errors
    /// As [`Checkpoint::open`]; a damaged tensor is an error of the call that asks for it.
    ///
    /// # Safety
    /// While the checkpoint lives, no process changes the contents of the file or cuts it off. A [`Store`](crate::Store)
    /// never does: it replaces and removes names, which is safe. Files on network drives can change without a word.
    #[allow(unsafe_code)]
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).context("open", path)?;
        let envelope = Envelope::read(&file, path)?;
        // SAFETY: the caller promises that nobody changes the file.
        let memory = unsafe { Memory::of_file(&file) }.context("map", path)?;
        if memory.bytes().len() as u64 != envelope.integrity.file_len {
            return Err(io::Error::other("its length changed")).context("map", path);
        }
        let touched = envelope.tensors().map(|_| OnceLock::new()).collect();
        Ok(Self { touched: Some(touched), ..Self::of(envelope, path, memory, 0) })
    }

    /// Reads a safetensors file of another program, which has no hashes to hold its bytes against. A file that has them is
    /// verified as by [`Checkpoint::open`]. Facts that the metadata do not hold are zero or empty.
    ///
    /// # Errors
    /// As [`Checkpoint::open`]; [`Error::Foreign`] if it is no safetensors file.
    pub fn import(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        match Self::open(path) {
            Err(Error::NotACheckpoint { .. }) => {}
            result => return result,
        }
        let file = File::open(path).context("open", path)?;
        let (header, start) = envelope::read_foreign(&file, path)?;
        let end = header.tensors.last().map_or(start, |tensor| tensor.range.end);
        let mut memory = Memory::zeroed(end - start).context("make room for", path)?;
        memory::provide(memory.bytes_mut());
        read_exact_at(&file, memory.bytes_mut(), start).context("read", path)?;
        let facts = Facts::from_metadata(&header.metadata).unwrap_or_default();
        Ok(Self { path: path.to_path_buf(), header, facts, integrity: None, memory, start, touched: None })
    }

    fn of(envelope: Envelope, path: &Path, memory: Memory, start: u64) -> Self {
        let Envelope { header, integrity, facts } = envelope;
        let integrity = Some(integrity);
        Self { path: path.to_path_buf(), header, facts, integrity, memory, start, touched: None }
    }

    /// The file that was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Step, epoch, score, labels.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The `__metadata__` of the file's header: the facts as text, or what another program has noted beside its arrays.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.header.metadata
    }

    /// The arrays, in the order of the file.
    pub fn arrays(&self) -> impl Iterator<Item = &TensorInfo> {
        self.header.tensors.iter().filter(|t| self.is_array(&t.name))
    }

    /// The names of the sections, sorted.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        let names = self.header.tensors.iter().filter(|t| !self.is_array(&t.name));
        names.filter_map(|t| t.name.strip_prefix(PREFIX))
    }

    /// The files of other programs hold nothing but arrays, whatever their names.
    fn is_array(&self, name: &str) -> bool {
        self.integrity.is_none() || !(name.starts_with(PREFIX) || name == integrity::NAME)
    }

    /// The array of this name.
    ///
    /// # Errors
    /// [`Error::NoArray`].
    pub fn array(&self, name: &str) -> Result<ArrayView<'_>, Error> {
        let index = self.header.find(name).filter(|_| self.is_array(name)).ok_or_else(|| {
            let there = self.arrays().map(|info| info.name.clone()).collect();
            Error::NoArray { path: self.path.clone(), name: name.to_owned(), there }
        })?;
        let TensorInfo { name, dtype, shape, .. } = &self.header.tensors[index];
        Ok(ArrayView { path: &self.path, name, dtype: *dtype, shape, bytes: self.tensor(index)? })
    }

    /// The value of a section, which must have been written with this schema number.
    ///
    /// # Errors
    /// [`Error::NoSection`], [`Error::Schema`], or [`Error::Section`] if the bytes are no `T`.
    pub fn section<T: DeserializeOwned>(&self, name: &str, schema: u32) -> Result<T, Error> {
        let section = self.section_view(name)?;
        if section.schema() != schema {
            return Err(self.unknown_schema(name, section, schema));
        }
        section.decode().map_err(|reason| self.bad_section(name, reason))
    }

    /// The value of a section of any schema of `T`'s chain, converted upwards.
    ///
    /// # Errors
    /// As [`Checkpoint::section`].
    pub fn migrate<T: Schema>(&self, name: &str) -> Result<T, Error> {
        let section = self.section_view(name)?;
        match climb::<T>(section) {
            Some(value) => value.map_err(|reason| self.bad_section(name, reason)),
            None => Err(self.unknown_schema(name, section, T::NUMBER)),
        }
    }

    /// A section, undecoded.
    pub(crate) fn raw_section(&self, name: &str) -> Result<Section, Error> {
        Ok(self.section_view(name)?.to_section(name))
    }

    /// The sections that are not among `known`, undecoded, to be put into the next snapshot: what a newer version or
    /// another program stored is not lost by passing through this one.
    ///
    /// # Errors
    /// [`Error::UnknownSection`] if one of them must not be ignored.
    pub fn unknown_sections(&self, known: &[&str]) -> Result<Vec<Section>, Error> {
        let unknown = self.sections().filter(|name| !known.contains(name));
        unknown
            .map(|name| {
                let section = self.section_view(name)?;
                if section.is_required() {
                    return Err(Error::UnknownSection {
                        path: self.path.clone(),
                        name: name.to_owned(),
                        schema: section.schema(),
                        writer: self.facts.writer.clone(),
                    });
                }
                Ok(section.to_section(name))
            })
            .collect()
    }

    /// Verifies what was not touched yet. Only a mapped checkpoint has such tensors.
    ///
    /// # Errors
    /// [`Error::Damaged`] names the first damaged tensor.
    pub fn verify(&self) -> Result<(), Error> {
        (0..self.header.tensors.len()).try_for_each(|index| self.tensor(index).map(drop))
    }

    fn tensor(&self, index: usize) -> Result<&[u8], Error> {
        let tensor = &self.header.tensors[index];
        let at = |offset: u64| (offset - self.start) as usize;
        let bytes = self.memory.bytes().get(at(tensor.range.start)..at(tensor.range.end)).unwrap_or_default();
        if let (Some(touched), Some(integrity)) = (&self.touched, &self.integrity)
            && let (Some(once), Some(&expected)) = (touched.get(index), integrity.tensors.get(index))
            && let Some(damage) = once.get_or_init(|| compare(tensor, XxHash3_128::oneshot(bytes), expected))
        {
            return Err(Error::Damaged { path: self.path.clone(), damage: vec![damage.clone()] });
        }
        Ok(bytes)
    }

    fn section_view(&self, name: &str) -> Result<SectionView<'_>, Error> {
        let index = self.header.find(&format!("{PREFIX}{name}")).ok_or_else(|| {
            let there = self.sections().map(str::to_owned).collect();
            Error::NoSection { path: self.path.clone(), name: name.to_owned(), there }
        })?;
        SectionView::new(self.tensor(index)?).map_err(|reason| self.bad_section(name, reason))
    }

    fn bad_section(&self, name: &str, reason: String) -> Error {
        Error::Section { path: self.path.clone(), name: name.to_owned(), reason }
    }

    fn unknown_schema(&self, name: &str, section: SectionView<'_>, supported: u32) -> Error {
        Error::Schema {
            path: self.path.clone(),
            name: name.to_owned(),
            found: section.schema(),
            supported,
            writer: self.facts.writer.clone(),
        }
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("path", &self.path)
            .field("facts", &self.facts)
            .field("tensors", &self.header.tensors)
            .finish_non_exhaustive()
    }
}

/// What [`verify`] found in a sound file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Length of the file.
    pub bytes: u64,
    /// Number of tensors whose hash held, sections included.
    pub tensors: usize,
    /// What the file says about itself.
    pub facts: Facts,
}

/// Verifies every byte of a file without keeping it in memory.
///
/// # Errors
/// As [`Checkpoint::open`]; every damaged tensor is in the error.
pub fn verify(path: impl AsRef<Path>) -> Result<VerifyReport, Error> {
    verify_in(&Disk, path.as_ref())
}

/// As [`verify`], in another file system.
///
/// # Errors
/// As [`verify`].
pub fn verify_in(fs: &dyn FileSystem, path: &Path) -> Result<VerifyReport, Error> {
    let file = fs.open(path).context("open", path)?;
    let envelope = Envelope::read(&*file, path)?;
    let jobs = envelope.tensors().map(|(tensor, &expected)| Job { tensor, expected, into: None }).collect();
    read_and_verify(&*file, path, jobs)?;
    let Envelope { integrity, facts, .. } = envelope;
    Ok(VerifyReport { bytes: integrity.file_len, tensors: integrity.tensors.len(), facts })
}
