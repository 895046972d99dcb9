//! Where something is in a table, and other words that messages are made of.

use std::fmt;

/// A cell of a table, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The line the row begins on, from 1.
    pub line: u64,
    /// The column's name.
    pub column: String,
    /// Whether the row is the first below the names of the columns.
    pub is_first: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column {:?}", self.file, self.line, self.column)
    }
}

pub(crate) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

pub(crate) fn names_for(expected: usize, needed: usize) -> String {
    if expected == needed {
        expected.to_string()
    } else {
        format!("{expected}, or for {needed} without what is to be predicted")
    }
}

pub(crate) fn training_need(classes: usize) -> String {
    if classes == 1 {
        "one row is needed".to_owned()
    } else {
        format!("one row of each of {classes} classes is needed")
    }
}
