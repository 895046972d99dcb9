//! Errors as they arise, and what is known of them only where they arrive.

use std::io;

use crate::error::Error;

impl Error {
    /// That a file can be read, and holds something else than it should.
    pub(crate) fn invalid(what: impl Into<String>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, what.into())
    }

    /// The same, with the lines of other cells that are wrong in the same way.
    pub(crate) fn and_on(mut self, lines: impl Iterator<Item = u64>) -> Error {
        if let Error::NotANumber { more, .. } | Error::NotAsOthers { more, .. } = &mut self {
            *more = lines.collect();
        }
        self
    }

    /// The same about this file, where nothing was known of files.
    pub(crate) fn in_file(mut self, known: String) -> Error {
        if let Error::TooFewRows { file, .. } = &mut self {
            *file = known;
        }
        self
    }
}
