//! Errors, and what is known of them only where they arrive.

use crate::error::Error;

impl Error {
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
