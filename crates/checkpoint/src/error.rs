//! What can go wrong, each variant naming the file and the part of it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::recovery::RecoveryReport;

/// Why a checkpoint could not be written, found or read. Each message is complete: an error that holds another one has its text in
/// its own, and no `source` that would be printed a second time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation on a file or folder.
    #[error("{}: cannot {operation}: {error}", path.display())]
    Io {
        /// What was attempted: `write`, `sync`, `rename`, …
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// The file is something else: no safetensors file, or one without an `integrity` tensor.
    #[error("{}: not a checkpoint: {reason}", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
        /// Whether it is a safetensors file of another program, which [`Checkpoint::import`](crate::Checkpoint::import) reads.
        is_safetensors: bool,
    },
    /// The safetensors file of another program cannot be read.
    #[error("{}: cannot be imported: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was a checkpoint, and its bytes are no longer those that were written.
    #[error("{}: damaged: {}", path.display(), Damage::list(damage))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Every damaged part that was found, in file order; never empty.
        damage: Vec<Damage>,
    },
    /// The file is sound, and of a format version that this release does not know.
    #[error("{}: format version {version}; this release reads versions up to {supported}, a newer one is needed", path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        version: u32,
        /// The newest version that can be read.
        supported: u32,
    },
    /// There is no array of this name.
    #[error("{}: no array `{name}`; {}", path.display(), known(there))]
    NoArray {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// The names of those that it has.
        there: Vec<String>,
    },
    /// There is no section of this name.
    #[error("{}: no section `{name}`; {}", path.display(), known(there))]
    NoSection {
        /// The file.
        path: PathBuf,
        /// The name asked for, without `state.`.
        name: String,
        /// The names of those that it has.
        there: Vec<String>,
    },
    /// An array has another element type than the one asked for.
    #[error("{}: array `{name}` holds {found}, not {expected}", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// The type asked for.
        expected: crate::Dtype,
        /// The type in the file.
        found: crate::Dtype,
    },
    /// An array has another shape than the one asked for.
    #[error("{}: array `{name}` has the shape {found:?}, not {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// The shape asked for.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A section has a schema that the caller does not read.
    #[error(
        "{}: section `{name}` has schema {found}, this program reads {}{supported}; it was written by {writer}",
        path.display(), if found > supported { "up to " } else { "" }
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The section, without `state.`.
        name: String,
        /// The schema in the file.
        found: u32,
        /// The newest schema that the caller reads.
        supported: u32,
        /// The program that wrote the file.
        writer: String,
    },
    /// A section that must not be ignored is unknown to the caller.
    #[error(
        "{}: section `{name}` (schema {schema}) is required and unknown to this program; it was written by {writer}",
        path.display()
    )]
    UnknownSection {
        /// The file.
        path: PathBuf,
        /// The section, without `state.`.
        name: String,
        /// Its schema.
        schema: u32,
        /// The program that wrote the file.
        writer: String,
    },
    /// The bytes of a section are intact and do not decode to the type asked for.
    #[error("{}: section `{name}`: {reason}", path.display())]
    Section {
        /// The file.
        path: PathBuf,
        /// The section, without `state.`.
        name: String,
        /// What the decoder found.
        reason: String,
    },
    /// An array, section or label of a snapshot cannot be stored.
    #[error("cannot store `{name}`: {reason}")]
    Unstorable {
        /// The name of the array, section or label.
        name: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// Another process writes to this store.
    #[error("{}: locked by {holder}", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// What the holder wrote about itself.
        holder: String,
    },
    /// Somebody removed the lock file while this process held the lock, and another process took the lock. This one writes nothing
    /// more, since two writers would damage each other's checkpoints.
    #[error(
        "{}: the file .lock was removed, and another process saves here now; this one stops, so as not to damage its \
         checkpoints",
        dir.display()
    )]
    LockLost {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder was removed or moved while a store had it open.
    #[error(
        "{}: the folder is gone: it was removed or moved while checkpoints were saved to it; if it was moved, go on there",
        dir.display()
    )]
    Gone {
        /// Where it was.
        dir: PathBuf,
    },
    /// The disk has no room for the checkpoint; nothing was written.
    #[error("{}: the disk is too full: {needed} bytes needed, {available} available", path.display())]
    NoSpace {
        /// The file that was to be written.
        path: PathBuf,
        /// Its exact size in bytes.
        needed: u64,
        /// What the file system offers, in bytes.
        available: u64,
    },
    /// A checkpoint could not be written, not even after those that retention no longer keeps were deleted to make room.
    #[error("{error}; to make room, retention deleted {}", named(removed))]
    NotEnoughRoom {
        /// Why the second attempt failed.
        error: Box<Error>,
        /// What was deleted before that; never empty.
        removed: Vec<PathBuf>,
    },
    /// There are checkpoints, and not one of them is sound.
    #[error("{}: {} checkpoints and none is sound:\n{report}", dir.display(), report.rejected.len())]
    NoneSound {
        /// The folder.
        dir: PathBuf,
        /// What was wrong with each.
        report: RecoveryReport,
    },
}

impl Error {
    /// Whether the disk, or the quota of the user, is full: another attempt may succeed later.
    pub fn is_full(&self) -> bool {
        match self {
            Error::NoSpace { .. } => true,
            Error::Io { error, .. } => crate::filesystem::is_full(error),
            Error::NotEnoughRoom { error, .. } => error.is_full(),
            _ => false,
        }
    }
}

/// How many names of files an error lists.
const NAMES: usize = 4;

/// How many names of arrays or sections an error lists.
const KNOWN: usize = 8;

/// What there is instead of what was asked for.
fn known(names: &[String]) -> String {
    let listed: Vec<String> = names.iter().take(KNOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "it has none".to_owned(),
        count if count <= KNOWN => format!("it has {}", listed.join(", ")),
        count => format!("it has {} and {} more", listed.join(", "), count - KNOWN),
    }
}

/// The number of some checkpoints, and the names of the first.
fn named(files: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().display().to_string();
    let names: Vec<String> = files.iter().take(NAMES).map(name).collect();
    let (count, names) = (files.len(), names.join(", "));
    match count {
        1 => format!("1 checkpoint: {names}"),
        0..=NAMES => format!("{count} checkpoints: {names}"),
        _ => format!("{count} checkpoints: {names} and {} more", count - NAMES),
    }
}

/// One damaged part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Which part.
    pub part: Part,
    /// Its bytes in the file. The damage is somewhere among them.
    pub range: Range<u64>,
    /// What is wrong with it.
    pub reason: String,
}

/// A part of a checkpoint file that has a hash of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The length bytes, the JSON header and its padding.
    Header,
    /// The bytes of the tensor of this name; `state.<section>` for a section.
    Tensor(String),
    /// The `integrity` tensor.
    Integrity,
    /// The file is shorter or longer than its header says.
    Length,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Header => f.write_str("header"),
            Part::Tensor(name) => write!(f, "tensor `{name}`"),
            Part::Integrity => f.write_str("tensor `integrity`"),
            Part::Length => f.write_str("length"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (bytes {}..{}): {}", self.part, self.range.start, self.range.end, self.reason)
    }
}

impl Damage {
    fn list(damage: &[Damage]) -> String {
        damage.iter().map(Damage::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// Names the operation and the path of an [`io::Error`].
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|error| Error::Io { operation, path: path.to_path_buf(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn what_the_system_said_is_told_once() {
        let refused = Err::<(), _>(io::Error::other("full")).context("write", Path::new("w")).unwrap_err();
        let error = Error::NotEnoughRoom { error: Box::new(refused), removed: vec!["a/b".into()] };
        assert_eq!(
            error.to_string(),
            "w: cannot write: full; to make room, retention deleted 1 checkpoint: b"
        );
        assert!(error.source().is_none());
    }

    #[test]
    fn of_many_files_the_first_are_named() {
        let files: Vec<PathBuf> = ["d/a", "b", "c", "d", "e", "f"].map(PathBuf::from).into();
        assert_eq!(named(&files[..4]), "4 checkpoints: a, b, c, d");
        assert_eq!(named(&files), "6 checkpoints: a, b, c, d and 2 more");
    }
}
