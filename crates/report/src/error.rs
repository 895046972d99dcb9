//! What can go wrong with the files of a report.

use std::io;
use std::path::PathBuf;

/// What can go wrong with the files of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A history that is not one.
    #[error("{}, line {line}: {what}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where; the first line is 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}
