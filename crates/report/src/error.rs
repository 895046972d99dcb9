//! What can go wrong with the files of a report.

use std::io;
use std::path::PathBuf;

/// What can go wrong with the files of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line of a history or recorded run that cannot be read.
    #[error("{}, line {line}: {what}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where; the first line is 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// A table that cannot be read.
    #[error(transparent)]
    Table(#[from] highwater_data::Error),
    /// A cell of a recorded run.
    #[error("{}, line {line}, column `{column}`: {text:?} is not {needed}", path.display())]
    Cell {
        /// Which file.
        path: PathBuf,
        /// Which line; the first is 1.
        line: u64,
        /// Which column.
        column: String,
        /// What it says.
        text: String,
        /// What it should say.
        needed: &'static str,
    },
    /// A recorded run in which nothing can be watched.
    #[error(
        "{}: no column looks like a validation value; name one of `{}`",
        path.display(),
        columns.join("`, `")
    )]
    NoColumn {
        /// Which file.
        path: PathBuf,
        /// What it has.
        columns: Vec<String>,
    },
    /// A recorded run with two columns that could be the watched one.
    #[error("{}: `{one}` and `{other}` both look like a validation value; name one", path.display())]
    Ambiguous {
        /// Which file.
        path: PathBuf,
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
    /// A metric that is not known.
    #[error(
        "{}: it is not known whether small or large values of `{column}` are good; say which",
        path.display()
    )]
    Goal {
        /// Which file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A recorded run without a single value.
    #[error("{}: there is no number in the column `{column}`", path.display())]
    NoValues {
        /// Which file.
        path: PathBuf,
        /// The column.
        column: String,
    },
}
