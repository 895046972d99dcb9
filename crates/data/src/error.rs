//! What can be wrong with a table, and where.

use std::io;

use crate::misfit::Misfits;
use crate::place::{Place, names_for, plural, training_need};
use crate::proben1::Proben1Fault;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with a table, or with what is asked of it. Each message names the file and the place in it. What the
/// operating system said is part of the message, and is therefore not given as `source` again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not there, may not be read, or stopped being readable.
    #[error("cannot read {file}: {error}")]
    Read {
        /// The file's name.
        file: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// Nothing but blank lines.
    #[error("{file} is empty: its first line should name the columns")]
    Empty {
        /// The file's name.
        file: String,
    },
    /// A header and nothing below it.
    #[error("{file} has a header, but no rows below it")]
    NoRows {
        /// The file's name.
        file: String,
    },
    /// A row that has another number of fields than the first.
    #[error(
        "{file}, line {line}: {found} field{} where the first row has {expected}; quote fields that hold the delimiter, \
         and skip lines that are no part of the table",
        plural(*.found)
    )]
    Fields {
        /// The file's name.
        file: String,
        /// The line the row begins on, from 1.
        line: u64,
        /// The first row's number of fields.
        expected: usize,
        /// The row's number of fields.
        found: usize,
        /// The line from which on all rows that were looked at have the same number of fields, another one than the first row, where
        /// that seems to be as lines stand above the table that tell what it is about.
        begins: Option<u64>,
    },
    /// A quoted field that the file ends in.
    #[error("{file}, line {line}: a quote (\") is opened in this row and never closed")]
    UnclosedQuote {
        /// The file's name.
        file: String,
        /// The line the row begins on, from 1.
        line: u64,
    },
    /// Bytes that are not UTF-8, or a NUL byte, which no text has.
    #[error("{file}, line {line}: not UTF-8 text; if this is a table, save it as CSV in UTF-8")]
    NotUtf8 {
        /// The file's name.
        file: String,
        /// The line, from 1 (the last one, of a row with line breaks inside).
        line: u64,
    },
    /// A line of a `.dt` file that cannot be read, or cannot be right.
    #[error("{file}, line {line}: {fault}")]
    Proben1 {
        /// The file's name.
        file: String,
        /// The line, from 1; the last, where something is missing.
        line: u64,
        /// What is wrong with it.
        fault: Proben1Fault,
    },
    /// Arrays of one file with different numbers of rows.
    #[error(
        "{file}: the array {array:?} has {found} row{}, and {first:?} has {expected}, and their rows go together; put \
         arrays of other rows into another file", plural(*.found)
    )]
    ArrayRows {
        /// The file's name.
        file: String,
        /// The array.
        array: String,
        /// Its number of rows.
        found: usize,
        /// The first array.
        first: String,
        /// The number of rows of that.
        expected: usize,
    },
    /// A file that is no table of text.
    #[error("{file} is {what}: {remedy}")]
    Foreign {
        /// The file's name.
        file: String,
        /// What it is.
        what: &'static str,
        /// What to do with it.
        remedy: &'static str,
    },
    /// A scratch file that cannot be made, written or mapped.
    #[error("cannot keep data on disk in {folder}: {error}")]
    Scratch {
        /// Where it should be.
        folder: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// More rows than can be put into an order.
    #[error("{file} has more than {} rows, the most that a table may have", u32::MAX)]
    TooManyRows {
        /// The file's name.
        file: String,
    },
    /// A name that occurs twice in the header.
    #[error("{file}: columns {first} and {second} of the header are both named {column:?}: rename one")]
    DuplicateColumn {
        /// The file's name.
        file: String,
        /// The name.
        column: String,
        /// Where it occurs first, from 1.
        first: usize,
        /// Where it occurs again, from 1.
        second: usize,
    },
    /// A table without a header whose number of columns is not that of the names for them.
    #[error(
        "{file} has {found} column{} and no header, and there are names for {}", plural(*.found),
        names_for(*.expected, *.needed)
    )]
    UnnamedColumns {
        /// The file's name.
        file: String,
        /// Its number of columns.
        found: usize,
        /// The number of names.
        expected: usize,
        /// The number without those that may be absent.
        needed: usize,
    },
    /// A column was asked for that the table does not have.
    #[error("{file} has no column {column:?}; {instead}")]
    UnknownColumn {
        /// The file's name.
        file: String,
        /// The name asked for.
        column: String,
        /// A sentence with the nearest name, if one is near, and the names there are.
        instead: String,
        /// Whether the names are the file's own, and not numbers for want of some.
        has_header: bool,
    },
    /// A column that the preparation was fitted with is not in this table.
    #[error("{file} has no column {column:?}, which the model was trained on; {instead}")]
    MissingInput {
        /// The file's name.
        file: String,
        /// The name the preparation knows.
        column: String,
        /// A sentence with the nearest name, if one is near, and the names there are.
        instead: String,
    },
    /// Nothing is left to learn from when the target is taken away.
    #[error("{file} has no column besides the target {target:?}: nothing to learn from")]
    NoInputs {
        /// The file's name.
        file: String,
        /// The target column.
        target: String,
    },
    /// All columns besides the target are of kinds that tell nothing.
    #[error("{file} has no column to learn from: {reasons}; declare the kind of one that matters")]
    NoUsableInputs {
        /// The file's name.
        file: String,
        /// What is said of each.
        reasons: String,
    },
    /// A column that is declared to be used, and is missing in every training row.
    #[error("{file}: column {column:?} is missing in all {rows} training rows: leave it out")]
    NothingThere {
        /// The file's name.
        file: String,
        /// The column.
        column: String,
        /// The number of training rows.
        rows: usize,
    },
    /// Cells of a numeric column that are not finite numbers.
    #[error("{}", .0.told_of_numbers())]
    NotANumber(Box<Misfits>),
    /// Cells of a column of yes and no that are neither.
    #[error("{}", .0.told("is neither yes nor no, true nor false"))]
    NotYesOrNo(Box<Misfits>),
    /// Cells of a column of dates, or of numbers within a unit, that are not like the others.
    #[error("{}", misfits.told(&format!("is not {like}, as others of the column are")))]
    NotAsOthers {
        /// These cells.
        misfits: Box<Misfits>,
        /// How the others are written.
        like: Box<str>,
    },
    /// A number so far from those of the training rows that its standardised value is infinite.
    #[error("{at}: {text} is too far from the training rows' values to be put on their scale; correct it")]
    OutOfScale {
        /// Where.
        at: Place,
        /// What is there.
        text: String,
    },
    /// A row without a target.
    #[error("{at}: the target is missing ({text:?}); fill it in, or leave the row out")]
    MissingTarget {
        /// Where.
        at: Place,
        /// What is there instead: nothing, `NA`, `?` and the like.
        text: String,
    },
    /// One class only, or one value only.
    #[error("{file}: the target {column:?} is {value:?} in all {rows} training rows: nothing to learn")]
    ConstantTarget {
        /// The file's name.
        file: String,
        /// The target column.
        column: String,
        /// Its only value.
        value: String,
        /// The number of training rows.
        rows: usize,
    },
    /// As many classes as rows: no two rows to learn a class from.
    #[error(
        "{file}: the target {column:?} has {rows} different values in {rows} rows (such as {value:?}), too many for \
         classes; {instead}"
    )]
    ClassPerRow {
        /// The file's name.
        file: String,
        /// The target column.
        column: String,
        /// One of its values: among numbers the first that is none.
        value: String,
        /// The number of rows.
        rows: usize,
        /// What to do.
        instead: &'static str,
    },
    /// More classes than a network can tell apart with any sense.
    #[error(
        "{file}: the target {column:?} has {classes} classes, and at most {most} are learnt; for a quantity choose \
         regression, otherwise join classes"
    )]
    TooManyClasses {
        /// The file's name.
        file: String,
        /// The target column.
        column: String,
        /// How many there are.
        classes: usize,
        /// How many there may be.
        most: usize,
    },
    /// Several target columns whose values are classes.
    #[error("{file}: several targets ({columns}) must all be numbers; for classes train a model for each")]
    SeveralClasses {
        /// The file's name.
        file: String,
        /// The target columns.
        columns: String,
    },
    /// A class that no training row has.
    #[error(
        "{at}: class {class:?} is not one of the training rows' classes ({known}); correct the cell, leave the row out, or \
         train with rows of that class"
    )]
    UnseenClass {
        /// Where.
        at: Place,
        /// The unknown class.
        class: String,
        /// The known ones.
        known: String,
    },
    /// Not one row for each class in training, validation and test.
    #[error(
        "{file}: {rows} row{} cannot be split: {} for training, one each for {held_out} other part{}",
        plural(*.rows), training_need(*.classes), plural(*.held_out)
    )]
    TooFewRows {
        /// The file's name.
        file: String,
        /// The number of rows.
        rows: usize,
        /// The number of classes; 1 where rows are not split by class.
        classes: usize,
        /// How many of validation and test are wanted.
        held_out: usize,
    },
    /// No row has a value in the target columns.
    #[error("{file}: no row has a value in {columns}")]
    NoTargets {
        /// The file's name.
        file: String,
        /// The target columns.
        columns: String,
    },
    /// A row without a group or a time.
    #[error("{at}: the value is missing, and the split goes by it; fill it in, or leave the row out")]
    NotKnown {
        /// Where.
        at: Place,
    },
    /// A cell of the column that the split goes by that is neither number nor date.
    #[error("{at}: {text:?} is no date, time or number, as the split needs; correct it")]
    NotATime {
        /// Where.
        at: Place,
        /// What is there.
        text: String,
    },
    /// Not enough different groups or times for the parts of a split.
    #[error(
        "{file}: column {column:?} has {found} different value{}, and the split needs {needed}: one for each part",
        plural(*.found)
    )]
    TooFewGroups {
        /// The file's name.
        file: String,
        /// The column that the split goes by.
        column: String,
        /// How many different values there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Parts for cross-validation that cannot be made.
    #[error("{file} cannot be divided into {count} parts for cross-validation: {what}")]
    Folds {
        /// The file's name.
        file: String,
        /// How many parts are wanted.
        count: usize,
        /// Why it cannot be.
        what: String,
    },
    /// No rows to fit a preparation to.
    #[error("{file}: no training rows")]
    NoTrainingRows {
        /// The file's name.
        file: String,
    },
    /// Shares of the rows that are negative, not finite, or leave nothing to train on.
    #[error(
        "cannot hold out {validation} to validate and {test} to test: each must be 0 or more, together less than 1"
    )]
    Fractions {
        /// The share for validation.
        validation: f64,
        /// The share for testing.
        test: f64,
    },
    /// A word that is not the name of a kind of column, a delimiter or a task.
    #[error("unknown {what} {text:?}; there are {known}")]
    UnknownWord {
        /// What it should name.
        what: &'static str,
        /// The word.
        text: String,
        /// The names there are.
        known: &'static str,
    },
}

impl Error {
    /// That a file can be read, and holds something else than it should.
    pub(crate) fn invalid(what: impl Into<String>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, what.into())
    }

    /// The same about this file, where nothing was known of files.
    pub(crate) fn in_file(mut self, known: String) -> Error {
        if let Error::TooFewRows { file, .. } = &mut self {
            *file = known;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::table::Table;
    use std::error::Error;

    #[test]
    fn what_the_system_said_is_told_once() {
        let error = Table::read_csv("nowhere.csv").unwrap_err();
        assert!(error.to_string().starts_with("cannot read nowhere.csv: "), "{error}");
        assert!(error.source().is_none());
    }
}
