//! The exact bytes that a state becomes.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::array::{Array, Dtype};
use crate::durable;
use crate::error::Error;
use crate::facts::Facts;
use crate::filesystem::{FileHandle, FileSystem, folder_of, write_all_at, write_pieces_at};
use crate::header::{self, MAX_HEADER, MAX_METADATA, MAX_NAME, MAX_RANK, MAX_TENSORS};
use crate::integrity::{self, Integrity};
use crate::section::{PREFIX, Section};
use crate::snapshot::Snapshot;
use crate::workers;

const WRITER: &str = concat!("highwater-checkpoint ", env!("CARGO_PKG_VERSION"));

/// A file that could be written: every rule checked, every length known.
pub(crate) struct Layout<'a> {
    header: Vec<u8>,
    tensors: Vec<&'a [u8]>,
    with_integrity: bool,
    len: u64,
    facts: Facts,
}

impl<'a> Layout<'a> {
    /// A checkpoint.
    pub(crate) fn new(snapshot: &Snapshot<'a>, parent: Option<&str>) -> Result<Self, Error> {
        let facts = Facts {
            step: snapshot.step,
            epoch: snapshot.epoch,
            score: snapshot.score,
            elapsed: snapshot.elapsed,
            parent: parent.map(str::to_owned),
            writer: WRITER.to_owned(),
            labels: owned(snapshot.labels)?,
        };
        let layout = Self::of(tensors(snapshot.arrays, snapshot.sections)?, &facts.to_metadata(), true)?;
        Ok(Self { facts, ..layout })
    }

    /// A safetensors file of these arrays and nothing else.
    pub(crate) fn plain(arrays: &'a [Array<'a>], labels: &[(&str, &str)]) -> Result<Self, Error> {
        let mut metadata = owned(labels)?;
        metadata.entry("format".to_owned()).or_insert_with(|| "pt".to_owned());
        Self::of(tensors(arrays, &[])?, &metadata, false)
    }

    fn of(
        tensors: Vec<Tensor<'a>>,
        metadata: &BTreeMap<String, String>,
        with_integrity: bool,
    ) -> Result<Self, Error> {
        if metadata.len() > MAX_METADATA {
            return Err(unstorable("labels", format!("{} of them, {MAX_METADATA} allowed", metadata.len())));
        }
        // `integrity` is one, too.
        if tensors.len() >= MAX_TENSORS {
            let reason = format!("{} of them, {} allowed", tensors.len(), MAX_TENSORS - 1);
            return Err(unstorable("arrays and sections", reason));
        }
        let own_len = if with_integrity { integrity::len(tensors.len()) } else { 0 };
        let own_shape = [own_len as usize];
        let own = (integrity::NAME, Dtype::U8, own_shape.as_slice(), own_len);
        let infos = tensors.iter().map(|t| (&*t.name, t.dtype, &*t.shape, t.bytes.len() as u64));
        let header = header::encode(metadata, infos.chain(with_integrity.then_some(own)))
            .map_err(|error| unstorable("header", error.to_string()))?;
        if header.len() as u64 > MAX_HEADER {
            return Err(unstorable("header", format!("{} bytes, {MAX_HEADER} allowed", header.len())));
        }
        let len = header.len() as u64 + tensors.iter().map(|t| t.bytes.len() as u64).sum::<u64>() + own_len;
        let tensors = tensors.into_iter().map(|t| t.bytes).collect();
        Ok(Self { header, tensors, with_integrity, len, facts: Facts::default() })
    }

    /// The exact length of the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// What the file says about itself.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Writes the file durably, if the disk has room for it. Returns its length.
    pub(crate) fn save(&self, fs: &dyn FileSystem, path: &Path) -> Result<u64, Error> {
        self.check_room(fs, path)?;
        durable::replace_in(fs, path, |file| self.write(file))?;
        Ok(self.len)
    }

    /// As [`Layout::save`], and publishes the file at `other`: what became of that is the inner result.
    pub(crate) fn save_and_publish(
        &self,
        fs: &dyn FileSystem,
        path: &Path,
        other: &Path,
    ) -> Result<Result<(), Error>, Error> {
        self.check_room(fs, path)?;
        durable::replace_and_publish(fs, path, other, |file| self.write(file))
    }

    fn check_room(&self, fs: &dyn FileSystem, path: &Path) -> Result<(), Error> {
        // Where the question has no answer, the write itself will tell.
        let available = fs.available(&folder_of(path)).unwrap_or(u64::MAX);
        let needed = self.len;
        if available < needed {
            return Err(Error::NoSpace { path: path.to_path_buf(), needed, available });
        }
        Ok(())
    }

    fn write(&self, file: &dyn FileHandle) -> io::Result<()> {
        if self.len > BUFFER as u64 {
            file.reserve(self.len)?;
        }
        let threads = workers::threads(self.len, WORTH_A_THREAD, MAX_THREADS);
        if threads > 1 {
            let (header, tensors) = self.write_in_parallel(file, threads)?;
            let integrity = self.integrity(header, tensors);
            return write_all_at(file, &integrity, self.len - integrity.len() as u64);
        }
        let mut out = Output::at(file, 0);
        let header = out.hash_and_write(&self.header)?;
        let tensors =
            self.tensors.iter().map(|bytes| out.hash_and_write(bytes)).collect::<io::Result<_>>()?;
        let integrity = self.integrity(header, tensors);
        out.write(&integrity)?;
        out.flush()
    }

    /// The bytes of the last tensor, if there is to be one.
    fn integrity(&self, header: u128, tensors: Vec<u128>) -> Vec<u8> {
        let (header_len, file_len) = (self.header.len() as u64, self.len);
        let integrity = Integrity { header_len, file_len, header, tensors };
        if self.with_integrity { integrity.encode() } else { Vec::new() }
    }

    /// Writes several parts at once, each at its place.
    fn write_in_parallel(&self, file: &dyn FileHandle, threads: usize) -> io::Result<(u128, Vec<u128>)> {
        let mut out = Output::at(file, 0);
        let header = out.hash_and_write(&self.header)?;
        out.flush()?;
        let found = workers::share(threads, self.parts(), |parts| {
            let write = |Part { first, offset, tensors }: Part<'_>| {
                Ok((first, Output::at(file, offset).hash_and_write_all(tensors)?))
            };
            parts.map(write).collect::<io::Result<Vec<(usize, Vec<u128>)>>>()
        });
        let mut hashes = vec![0; self.tensors.len()];
        for (first, of_part) in found.into_iter().collect::<io::Result<Vec<_>>>()?.concat() {
            hashes[first..][..of_part.len()].copy_from_slice(&of_part);
        }
        Ok((header, hashes))
    }

    /// Cuts the tensors into parts of [`PART`] bytes or more.
    fn parts(&self) -> Vec<Part<'_>> {
        let (mut parts, mut first, mut offset) = (Vec::new(), 0, self.header.len() as u64);
        while first < self.tensors.len() {
            let (mut end, mut len) = (first, 0);
            while end < self.tensors.len() && len < PART {
                len += self.tensors[end].len() as u64;
                end += 1;
            }
            parts.push(Part { first, offset, tensors: &self.tensors[first..end] });
            (first, offset) = (end, offset + len);
        }
        parts
    }
}

/// Tensors that lie together, and that one thread writes.
struct Part<'a> {
    /// The number of the first.
    first: usize,
    /// Where it begins in the file.
    offset: u64,
    tensors: &'a [&'a [u8]],
}

/// Bytes are hashed and written while they are in the cache, small pieces together, all of them from where they are.
struct Output<'a> {
    file: &'a dyn FileHandle,
    /// To be written at `offset`, one after the other.
    pieces: Vec<IoSlice<'a>>,
    /// The bytes of these.
    held: usize,
    offset: u64,
    handed_over: u64,
}

/// So many bytes are written at a time.
const BUFFER: usize = 1 << 20;
/// And so many pieces; Linux takes 1024.
const MAX_PIECES: usize = 512;
/// The disk begins to work when so much is written, not only at `sync`.
const HANDED_OVER: u64 = 8 << 20;
/// What a thread takes at a time, at least; a tensor is not divided, for its hash goes from its beginning to its end.
const PART: u64 = 8 << 20;
/// Below so many bytes a thread costs more than it brings.
const WORTH_A_THREAD: u64 = 16 << 20;
/// Many file systems lock a file for each write: while one thread writes, the others hash, and more than a few only wait.
const MAX_THREADS: usize = 4;

impl<'a> Output<'a> {
    fn at(file: &'a dyn FileHandle, offset: u64) -> Self {
        Output { file, pieces: Vec::new(), held: 0, offset, handed_over: offset }
    }

    fn hash_and_write_all(&mut self, tensors: &[&'a [u8]]) -> io::Result<Vec<u128>> {
        let hashes = tensors.iter().map(|bytes| self.hash_and_write(bytes)).collect();
        self.flush()?;
        hashes
    }

    fn hash_and_write(&mut self, bytes: &'a [u8]) -> io::Result<u128> {
        let mut hasher = XxHash3_128::new();
        for piece in bytes.chunks(BUFFER) {
            hasher.write(piece);
            self.write(piece)?;
        }
        Ok(hasher.finish_128())
    }

    fn write(&mut self, piece: &'a [u8]) -> io::Result<()> {
        self.held += piece.len();
        self.pieces.push(IoSlice::new(piece));
        if self.held >= BUFFER || self.pieces.len() == MAX_PIECES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        write_pieces_at(self.file, &mut self.pieces, self.offset)?;
        self.written(self.held);
        self.pieces.clear();
        self.held = 0;
        Ok(())
    }

    fn written(&mut self, len: usize) {
        self.offset += len as u64;
        if self.offset - self.handed_over >= HANDED_OVER {
            self.file.start_writing(self.handed_over..self.offset);
            self.handed_over = self.offset;
        }
    }
}

/// Holds parts of a snapshot against every rule but those of the header's length and the number of tensors.
/// Training waits for it, and the code is in no cache: what is empty is not looked at.
pub(crate) fn check(
    arrays: &[Array<'_>],
    sections: &[Section],
    labels: &[(&str, &str)],
) -> Result<(), Error> {
    if !labels.is_empty() {
        owned(labels)?;
    }
    if !(arrays.is_empty() && sections.is_empty()) {
        tensors(arrays, sections)?;
    }
    Ok(())
}

/// The tensors in the order of the file.
fn tensors<'a>(arrays: &'a [Array<'a>], sections: &'a [Section]) -> Result<Vec<Tensor<'a>>, Error> {
    let arrays = arrays.iter().map(Tensor::of_array);
    let sections = sections.iter().map(Tensor::of_section);
    let mut tensors = arrays.chain(sections).collect::<Result<Vec<_>, _>>()?;
    // Wide elements first: every array is aligned to its elements, without holes.
    tensors.sort_by(|a, b| (Reverse(a.dtype.size()), &a.name).cmp(&(Reverse(b.dtype.size()), &b.name)));
    let mut names: Vec<&str> = tensors.iter().map(|tensor| &*tensor.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(unstorable(twice[0], "the name is used twice")),
        None => Ok(tensors),
    }
}

struct Tensor<'a> {
    name: Cow<'a, str>,
    dtype: Dtype,
    shape: Cow<'a, [usize]>,
    bytes: &'a [u8],
}

impl<'a> Tensor<'a> {
    fn of_array(array: &'a Array<'a>) -> Result<Self, Error> {
        let Array { name, dtype, shape, bytes } = array;
        check_length(name)?;
        if name == integrity::NAME || name == header::METADATA || name.starts_with(PREFIX) {
            return Err(unstorable(name, "the name is reserved"));
        }
        if shape.len() > MAX_RANK {
            return Err(unstorable(name, format!("{} dimensions, {MAX_RANK} allowed", shape.len())));
        }
        if !dtype.is_stored() {
            return Err(unstorable(name, format!("elements of {dtype}, which a checkpoint does not hold")));
        }
        if header::byte_len(*dtype, shape) != Some(bytes.len() as u64) {
            let elements = bytes.len() / dtype.size();
            return Err(unstorable(name, format!("shape {shape:?} does not hold {elements} elements")));
        }
        Ok(Self { name: Cow::Borrowed(name), dtype: *dtype, shape: Cow::Borrowed(shape), bytes })
    }

    fn of_section(section: &'a Section) -> Result<Self, Error> {
        let (name, bytes) = (format!("{PREFIX}{}", section.name()), section.bytes());
        check_length(&name)?;
        Ok(Self { name: name.into(), dtype: Dtype::U8, shape: vec![bytes.len()].into(), bytes })
    }
}

fn check_length(name: &str) -> Result<(), Error> {
    match name.len() {
        1..=MAX_NAME => Ok(()),
        len => Err(unstorable(name, format!("a name has 1 to {MAX_NAME} bytes, this one {len}"))),
    }
}

fn owned(labels: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Error> {
    let owned: BTreeMap<_, _> =
        labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    if owned.len() == labels.len() { Ok(owned) } else { Err(unstorable("labels", "a key appears twice")) }
}

fn unstorable(name: &str, reason: impl Into<String>) -> Error {
    Error::Unstorable { name: name.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_threads_write_is_what_one_writes() {
        let sizes = [3 << 20, 0, 10, 9 << 20, 100, 1, 12 << 20, 0, 7 << 20, 5, 2 << 20];
        let fill = |(i, &n): (usize, &usize)| (0..n).map(|at| (at / 3 + i * 7) as u8).collect::<Vec<u8>>();
        let tensors: Vec<Vec<u8>> = sizes.iter().enumerate().map(fill).collect();
        let named = tensors.iter().enumerate();
        let arrays: Vec<Array<'_>> =
            named.map(|(i, bytes)| Array::u8(format!("{i}"), &[bytes.len()], bytes)).collect();
        let layout = Layout::new(&Snapshot { arrays: &arrays, ..Snapshot::default() }, None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, threads: usize| {
            let file = std::fs::File::create(dir.path().join(name)).unwrap();
            let hashes = match threads {
                1 => {
                    let mut out = Output::at(&file, 0);
                    let header = out.hash_and_write(&layout.header).unwrap();
                    (header, out.hash_and_write_all(&layout.tensors).unwrap())
                }
                _ => layout.write_in_parallel(&file, threads).unwrap(),
            };
            (hashes, std::fs::read(dir.path().join(name)).unwrap())
        };
        let one = write("one", 1);
        for threads in [2, 3, 16] {
            assert!(write("several", threads) == one, "{threads} threads");
        }
        let path = dir.path().join("whole");
        layout.save(&crate::filesystem::Disk, &path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len() as u64, layout.len());
        assert!(whole.starts_with(&one.1) && crate::verify(&path).is_ok());
    }

    #[test]
    fn what_cannot_be_stored_is_refused_before_anything_is_written() {
        let long = "n".repeat(MAX_NAME + 1);
        let section = Section::optional("a", 1, &0_u8).unwrap();
        let long_section = Section::optional(&long, 1, &0_u8).unwrap();
        type Case<'a> = (&'a [Array<'a>], &'a [Section], &'a [(&'a str, &'a str)], &'a str);
        let cases: [Case<'_>; 11] = [
            (&[Array::f32("a", &[3], &[1.0, 2.0])], &[], &[], "`a`: shape [3] does not hold 2 elements"),
            (&[Array::u8("a", &[usize::MAX, 2], &[1, 2])], &[], &[], "does not hold"),
            (&[Array::u8("a", &[1; 17], &[1])], &[], &[], "17 dimensions, 16 allowed"),
            (&[Array::u8("", &[1], &[1])], &[], &[], "1 to 4096 bytes, this one 0"),
            (&[Array::u8(long.as_str(), &[1], &[1])], &[], &[], "1 to 4096 bytes, this one 4097"),
            (&[Array::u8("integrity", &[1], &[1])], &[], &[], "reserved"),
            (&[Array::u8("state.x", &[1], &[1])], &[], &[], "reserved"),
            (
                &[Array::u8("a", &[1], &[1]), Array::f32("a", &[], &[1.])],
                &[],
                &[],
                "`a`: the name is used twice",
            ),
            (&[], &[long_section], &[], "1 to 4096 bytes, this one 4103"),
            (&[], &[section.clone(), section], &[], "`state.a`: the name is used twice"),
            (&[], &[], &[("k", "1"), ("k", "2")], "`labels`: a key appears twice"),
        ];
        for (arrays, sections, labels, expected) in cases {
            let snapshot = Snapshot { arrays, sections, labels, ..Snapshot::default() };
            let error = Layout::new(&snapshot, None).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let largest = [Array::u8("n".repeat(MAX_NAME), &[1; MAX_RANK], &[1])];
        assert!(Layout::new(&Snapshot { arrays: &largest, ..Snapshot::default() }, None).is_ok());
    }

    #[test]
    fn no_more_labels_are_taken_than_a_reader_takes() {
        let names: Vec<String> = (0..MAX_METADATA).map(|i| i.to_string()).collect();
        let labels: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let layout = |own: usize| {
            let labels = &labels[..MAX_METADATA - own];
            Layout::new(&Snapshot { labels, ..Snapshot::default() }, None).map(drop)
        };
        // Beside them there are format, step, epoch and writer.
        assert!(layout(4).is_ok());
        let error = layout(3).unwrap_err().to_string();
        assert!(error.contains("`labels`: 4097 of them, 4096 allowed"), "{error}");
    }
}
