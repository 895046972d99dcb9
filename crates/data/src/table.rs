//! A table of text cells, column by column.

use crate::cell;
use crate::error::{Error, Result};
use crate::place::Place;
use crate::suggest;

/// A table as it was read: columns of text with names, and for each row the line it came from.
///
/// Nothing is interpreted yet; [`Preparation`](crate::Preparation) turns cells into numbers.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) source: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) lines: Vec<u64>,
    pub(crate) header: bool,
}

impl Table {
    /// The name of the file (or what else was read), as messages give it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of rows, at least 1; the header is not one of them.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// Whether the columns have names of their own; else they are `column_1`, `column_2`, …
    pub fn has_header(&self) -> bool {
        self.header
    }

    /// The columns in the order of the header, at least one.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column with this name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], with the nearest name and a list of those there are.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.find(name).ok_or_else(|| Error::UnknownColumn {
            file: self.source.clone(),
            column: name.to_owned(),
            instead: self.instead(name),
        })
    }

    /// The line of the file that a row begins on, from 1.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(crate) fn instead(&self, name: &str) -> String {
        suggest::instead(name, self.columns.iter().map(Column::name))
    }

    /// The text of the target in a row, which must not be missing.
    pub(crate) fn target<'a>(&self, row: usize, column: &'a Column) -> Result<&'a str> {
        let text = column.get(row);
        if cell::is_missing(text) {
            return Err(Error::MissingTarget { at: self.place(row, column), text: text.to_owned() });
        }
        Ok(text)
    }

    pub(crate) fn place(&self, row: usize, column: &Column) -> Place {
        Place { file: self.source.clone(), line: self.line(row), column: column.name.clone() }
    }
}

/// The cells of one column, without the white space around them.
#[derive(Debug, Clone, Default)]
pub struct Column {
    name: String,
    /// All cells one after the other; cell `i` ends at `ends[i]`.
    text: String,
    ends: Vec<usize>,
}

impl Column {
    pub(crate) fn new(name: String) -> Column {
        Column { name, ..Column::default() }
    }

    pub(crate) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// The column's name in the header.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text in a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }
}
