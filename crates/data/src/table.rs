//! A table of text cells, column by column.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cell;
use crate::commas::Commas;
use crate::error::{Error, Result};
use crate::missing::Signs;
use crate::on_disk::{DiskCells, DiskLines};
use crate::place::Place;
use crate::suggest;
use crate::unit::Unit;

/// A table as it was read: columns of text with names, and for each row the line it came from.
///
/// Nothing is interpreted yet; [`Preparation`](crate::Preparation) turns cells into numbers. It is in memory, or in a
/// scratch file ([`Table::read_on_disk`]), which makes no difference to what it holds.
#[derive(Debug, Clone)]
pub struct Table {
    source: String,
    columns: Vec<Column>,
    lines: Lines,
    header: bool,
    /// Where the scratch file is, if there is one.
    folder: Option<PathBuf>,
}

/// The line of each row.
#[derive(Debug, Clone)]
enum Lines {
    Memory(Vec<u64>),
    Disk(DiskLines),
}

impl Table {
    /// A table in memory; columns are as long as there are lines.
    pub(crate) fn new(source: String, columns: Vec<Column>, lines: Vec<u64>, header: bool) -> Table {
        Table { source, columns, lines: Lines::Memory(lines), header, folder: None }
    }

    /// A table in a scratch file.
    pub(crate) fn on_disk(
        source: String,
        columns: impl Iterator<Item = (String, DiskCells, Signs)>,
        lines: DiskLines,
        header: bool,
        folder: &Path,
    ) -> Table {
        let commas = Commas::Group;
        let column = |(name, cells, signs)| Column { name, cells: Cells::Disk(cells), signs, commas };
        let columns = columns.map(column).collect();
        let (lines, folder) = (Lines::Disk(lines), Some(folder.to_owned()));
        Table { source, columns, lines, header, folder }
    }

    pub(crate) fn with_commas(mut self, commas: Commas) -> Table {
        self.columns.iter_mut().for_each(|column| column.commas = commas);
        self
    }

    /// The folder of the scratch file that the table is kept in; `None` if it is in memory.
    pub fn scratch_folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The name of the file (or what else was read), as messages give it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of rows, at least 1; the header is not one of them.
    pub fn rows(&self) -> usize {
        match &self.lines {
            Lines::Memory(lines) => lines.len(),
            Lines::Disk(lines) => lines.rows(),
        }
    }

    /// Whether the columns have names of their own; else they are `column_1`, `column_2`, …
    pub fn has_header(&self) -> bool {
        self.header
    }

    /// Whether numbers had a comma before their decimals in the file; in the cells it is a point, save where a unit is
    /// around the number.
    pub fn has_decimal_comma(&self) -> bool {
        self.columns.first().is_some_and(|column| column.commas == Commas::Decimal)
    }

    /// The columns in which a minus is a value, as they have nothing but plus and minus signs: `true` for each.
    pub fn plus_minus(&self) -> BTreeMap<String, bool> {
        let columns = self.columns.iter().filter(|column| column.signs.has_plus_minus());
        columns.map(|column| (column.name.clone(), true)).collect()
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
            has_header: self.has_header(),
        })
    }

    /// The line of the file that a row begins on, from 1.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn line(&self, row: usize) -> u64 {
        match &self.lines {
            Lines::Memory(lines) => lines[row],
            Lines::Disk(lines) => lines.get(row),
        }
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
        if column.is_missing(row) {
            return Err(Error::MissingTarget { at: self.place(row, column), text: text.to_owned() });
        }
        Ok(text)
    }

    pub(crate) fn place(&self, row: usize, column: &Column) -> Place {
        Place {
            file: self.source.clone(),
            line: self.line(row),
            column: column.name.clone(),
            is_first: row == 0 && self.has_header(),
        }
    }
}

/// The cells of one column, without the white space around them.
#[derive(Debug, Clone)]
pub struct Column {
    name: String,
    cells: Cells,
    signs: Signs,
    commas: Commas,
}

#[derive(Debug, Clone)]
enum Cells {
    /// All cells one after the other; cell `i` ends at `ends[i]`.
    Memory {
        text: String,
        ends: Vec<usize>,
    },
    Disk(DiskCells),
}

impl Column {
    /// The column's name in the header.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text in a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> &str {
        match &self.cells {
            Cells::Memory { text, ends } => {
                let start = if row == 0 { 0 } else { ends[row - 1] };
                &text[start..ends[row]]
            }
            Cells::Disk(cells) => cells.get(row),
        }
    }

    /// Whether the text in a row stands for a missing value: it is empty, or a customary sign (`?`, `NA`, `-`, …) where
    /// the [`Dialect`](crate::Dialect) does not say otherwise. In a column that has nothing but plus and minus signs, a
    /// minus is a value.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn is_missing(&self, row: usize) -> bool {
        self.signs.is_missing(self.get(row))
    }

    /// Those of these rows in which a value is there.
    pub(crate) fn present<'a>(&'a self, rows: &'a [usize]) -> impl Iterator<Item = usize> + Clone + 'a {
        rows.iter().copied().filter(|row| !self.is_missing(*row))
    }

    /// Whether a value is there in some of these rows, and missing in others.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn has_gaps(&self, rows: &[usize]) -> bool {
        let there = self.present(rows).count();
        there > 0 && there < rows.len()
    }

    /// The number in a row, within the column's unit if it has one.
    pub(crate) fn number(&self, row: usize, unit: Option<&Unit>) -> Option<f64> {
        match unit {
            None => cell::number(self.get(row)),
            Some(unit) => unit.number(self.get(row), self.commas),
        }
    }

    pub(crate) fn signs(&self) -> Signs {
        self.signs
    }

    /// What commas are within numbers that have a unit.
    pub(crate) fn commas(&self) -> Commas {
        self.commas
    }

    /// The text of all cells, and where in it each of them ends.
    ///
    /// # Panics
    /// If the column is on disk.
    pub(crate) fn in_memory(&self) -> (&str, &[usize]) {
        match &self.cells {
            Cells::Memory { text, ends } => (text, ends),
            Cells::Disk(_) => panic!("{:?} is on disk", self.name),
        }
    }
}

/// Puts a column together, cell by cell.
pub(crate) struct ColumnWriter {
    name: String,
    text: String,
    ends: Vec<usize>,
    signs: Signs,
}

impl ColumnWriter {
    pub(crate) fn new(name: String) -> ColumnWriter {
        ColumnWriter::with_signs(name, Signs::CUSTOMARY)
    }

    pub(crate) fn with_signs(name: String, signs: Signs) -> ColumnWriter {
        ColumnWriter { name, text: String::new(), ends: Vec::new(), signs }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn push(&mut self, cell: &str) {
        self.signs.take(cell);
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Adds a cell that shows a value.
    pub(crate) fn push_value(&mut self, value: impl std::fmt::Display) {
        use std::fmt::Write;
        write!(self.text, "{value}").expect("a string takes everything");
        self.ends.push(self.text.len());
    }

    pub(crate) fn finish(self) -> Column {
        let ColumnWriter { name, text, ends, signs } = self;
        Column { name, cells: Cells::Memory { text, ends }, signs, commas: Commas::Group }
    }
}
